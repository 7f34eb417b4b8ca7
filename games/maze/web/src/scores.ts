/** Who plays, who haunts, with how many points; a list in words beside the picture. */
import type { GameSession } from "@bellhop/page/game-api";
import { swatch } from "./looks.ts";
import type { Words } from "./text.ts";
import type { View } from "./view.ts";

export class Scores {
  readonly root = document.createElement("section");
  #head = document.createElement("h2");
  #list = document.createElement("ol");
  #shown = "";

  constructor(
    readonly t: Words,
    readonly session: Pick<GameSession, "players" | "seat">,
  ) {
    this.root.className = "scores";
    this.root.setAttribute("aria-label", t("scores"));
    const keys = document.createElement("p");
    keys.className = "keys";
    keys.textContent = t("hint");
    this.#list.tabIndex = 0; // on a phone it scrolls
    this.#list.setAttribute("aria-label", t("scores"));
    this.root.append(this.#head, this.#list, keys);
  }

  /** Touches the page only where something is different. */
  show(view: View): void {
    const rows = this.session.players
      .map((player) => {
        const score = view.scores.find((one) => one.seat === player.seat);
        return { player, points: score?.points ?? 0, gain: score?.gain ?? 0 };
      })
      .filter((row) => row.player.presence !== "left" || row.points > 0)
      .sort((a, b) => b.points - a.points || a.player.seat - b.player.seat);
    const over = view.phase === "over";
    const shown = JSON.stringify([view.round, view.rounds, view.haunter, over, rows]);
    if (shown === this.#shown) {
      return;
    }
    this.#shown = shown;
    this.#head.replaceChildren(this.t("round", { n: view.round, of: view.rounds }));
    this.#list.replaceChildren(
      ...rows.map(({ player, points, gain }) => {
        const haunts = player.seat === view.haunter;
        const row = document.createElement("li");
        row.classList.toggle("own", player.seat === this.session.seat);
        const who = span("who", "");
        const marks = span("marks", "");
        who.append(span("called", player.name), marks);
        if (player.seat === this.session.seat) {
          marks.append(span("mark", this.t("you")));
        }
        if (haunts) {
          marks.append(span("role", this.t("haunts")));
        }
        if (player.presence === "left" || player.presence === "dropped") {
          marks.append(span("state", this.t(player.presence === "left" ? "left" : "away")));
        }
        row.append(swatch(player.seat, haunts), who);
        if (over && gain > 0) {
          row.append(span("gain", `+${gain}`));
        }
        row.append(span("points", String(points)));
        return row;
      }),
    );
  }
}

function span(name: string, text: string): HTMLSpanElement {
  const element = document.createElement("span");
  element.className = name;
  element.textContent = text;
  return element;
}
