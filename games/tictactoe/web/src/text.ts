/** The game's own words. */

const en = {
  board: "Board",
  cell: "Row {row}, column {column}: {what}",
  empty: "empty",
  yours: "yours, {mark}",
  theirs: "{name}’s, {mark}",
  cross: "cross",
  nought: "nought",
  you: "you",
  yourTurn: "Your turn",
  theirTurn: "{name} is thinking",
  waiting: "Waiting for {name}",
  away: "away",
  left: "left",
  won: "You have three in a row",
  lost: "{name} has three in a row",
  draw: "A draw: the board is full",
  resignedYou: "You resigned",
  resigned: "{name} resigned",
  timeYou: "Your time ran out",
  time: "{name}’s time ran out",
  leftOver: "{name} left",
  clock: "{name}’s clock",
  resign: "Resign",
  resignSure: "Really resign?",
  keepOn: "Keep playing",
  rematch: "Offer a rematch",
  rematchYes: "Accept the rematch",
  offered: "Rematch offered: {name} decides",
  offeredYou: "{name} offers a rematch",
  wins: "{n} won",
  played: "{name} took row {row}, column {column}. Your turn.",
  keys: "Arrows to move, Enter to place",
};

const de: typeof en = {
  board: "Brett",
  cell: "Reihe {row}, Spalte {column}: {what}",
  empty: "leer",
  yours: "deins, {mark}",
  theirs: "von {name}, {mark}",
  cross: "Kreuz",
  nought: "Kreis",
  you: "du",
  yourTurn: "Du bist dran",
  theirTurn: "{name} überlegt",
  waiting: "Warten auf {name}",
  away: "weg",
  left: "gegangen",
  won: "Du hast drei in einer Reihe",
  lost: "{name} hat drei in einer Reihe",
  draw: "Remis: das Brett ist voll",
  resignedYou: "Du hast aufgegeben",
  resigned: "{name} hat aufgegeben",
  timeYou: "Deine Zeit ist um",
  time: "Die Zeit von {name} ist um",
  leftOver: "{name} ist gegangen",
  clock: "Uhr von {name}",
  resign: "Aufgeben",
  resignSure: "Wirklich aufgeben?",
  keepOn: "Weiterspielen",
  rematch: "Revanche anbieten",
  rematchYes: "Revanche annehmen",
  offered: "Revanche angeboten: {name} entscheidet",
  offeredYou: "{name} bietet eine Revanche an",
  wins: "{n} gewonnen",
  played: "{name} nahm Reihe {row}, Spalte {column}. Du bist dran.",
  keys: "Pfeile zum Bewegen, Enter zum Setzen",
};

export type Word = keyof typeof en;
export type Text = (key: Word, values?: Record<string, string | number>) => string;

export function words(locale: string): Text {
  const catalogue = locale === "de" ? de : en;
  return (key, values = {}) => catalogue[key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
