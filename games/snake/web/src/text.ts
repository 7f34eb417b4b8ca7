/** The game's own words. */

const en = {
  board: "Snake board, {w} by {h}. A picture: the rest of the page says in words what matters.",
  scores: "Scores",
  you: "you",
  round: "Round {n} of {of}",
  target: "first to {n}",
  ready: "Round {n} starts in {s}",
  go: "Go!",
  waitRound: "You come in with the next round",
  wall: "You hit the wall",
  own: "You bit yourself",
  side: "You ran into {name}",
  headOn: "Head-on with {name}",
  crashed: "You are out",
  othersOut: "{name} is out",
  late: "This one begins without you",
  watch: "The next round comes when this one is decided",
  won: "{name} takes the round",
  youWon: "You take the round",
  nobody: "Nobody takes the round",
  left: "left",
  away: "away",
  out: "out",
  pad: "Steering",
  up: "Up",
  right: "Right",
  down: "Down",
  left_: "Left",
  score: "{name}: {n}",
  hint: "Arrows or WASD. Swipe on a phone.",
};

const de: typeof en = {
  board: "Snake-Brett, {w} mal {h}. Ein Bild: was zählt, sagt der Rest der Seite in Worten.",
  scores: "Punkte",
  you: "du",
  round: "Runde {n} von {of}",
  target: "bis {n}",
  ready: "Runde {n} beginnt in {s}",
  go: "Los!",
  waitRound: "Du steigst mit der nächsten Runde ein",
  wall: "Du bist in die Wand gelaufen",
  own: "Du hast dich selbst gebissen",
  side: "Du bist in {name} gelaufen",
  headOn: "Kopf an Kopf mit {name}",
  crashed: "Du bist raus",
  othersOut: "{name} ist raus",
  late: "Diese beginnt ohne dich",
  watch: "Die nächste Runde kommt, wenn diese entschieden ist",
  won: "{name} gewinnt die Runde",
  youWon: "Du gewinnst die Runde",
  nobody: "Niemand gewinnt die Runde",
  left: "gegangen",
  away: "weg",
  out: "raus",
  pad: "Steuerung",
  up: "Hoch",
  right: "Rechts",
  down: "Runter",
  left_: "Links",
  score: "{name}: {n}",
  hint: "Pfeile oder WASD. Auf dem Telefon wischen.",
};

export type Word = keyof typeof en;

export function words(locale: string): (key: Word, values?: Record<string, string | number>) => string {
  const catalogue = locale === "de" ? de : en;
  return (key, values = {}) => catalogue[key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
