/** The game's own words. */

const en = {
  yard: "The yard with {n} tanks. A picture: the rest of the page says in words what matters.",
  scores: "Scores",
  you: "you",
  left: "left",
  away: "away",
  out: "destroyed",
  time: "{m}:{s} left",
  destroyedBy: "{name} destroyed you",
  backIn: "Back in {s}",
  youDestroyed: "You destroyed {name}",
  destroyed: "{by} destroyed {name}",
  lastSeconds: "{s} seconds left",
  drive: "Left thumb: drive",
  aim: "Right thumb: aim, push to fire",
  hint: "W A S D or arrows drive. The mouse aims, click or Space fires; Q and E turn the turret by keyboard.",
};

const de: typeof en = {
  yard: "Der Hof mit {n} Panzern. Ein Bild: was zählt, sagt der Rest der Seite in Worten.",
  scores: "Punkte",
  you: "du",
  left: "gegangen",
  away: "weg",
  out: "zerstört",
  time: "noch {m}:{s}",
  destroyedBy: "{name} hat dich zerstört",
  backIn: "Zurück in {s}",
  youDestroyed: "Du hast {name} zerstört",
  destroyed: "{by} hat {name} zerstört",
  lastSeconds: "Noch {s} Sekunden",
  drive: "Linker Daumen: fahren",
  aim: "Rechter Daumen: zielen, durchdrücken zum Schießen",
  hint: "W A S D oder Pfeile fahren. Die Maus zielt, Klick oder Leertaste schießt; Q und E drehen den Turm mit der Tastatur.",
};

export type Word = keyof typeof en;

export function words(locale: string): (key: Word, values?: Record<string, string | number>) => string {
  const catalogue = locale === "de" ? de : en;
  return (key, values = {}) => catalogue[key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
