/** The game's own words. */

const en = {
  board: "Snake board, {w} by {h}. A picture: the rest of the page says in words what matters.",
  scores: "Scores",
  you: "you",
  round: "Round {n}",
  target: "first to {n}",
  ready: "Round {n} starts in {s}",
  go: "Go!",
  waitRound: "You come in with the next round",
  crashed: "You crashed",
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
  round: "Runde {n}",
  target: "bis {n}",
  ready: "Runde {n} beginnt in {s}",
  go: "Los!",
  waitRound: "Du steigst mit der nächsten Runde ein",
  crashed: "Zusammengestoßen",
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
