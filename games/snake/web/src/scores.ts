/** Who plays, with how many points; a list in words beside the picture. */
import type { GameSession } from "@bellhop/page/game-api";
import { swatch } from "./looks.ts";
import type { words } from "./text.ts";
import type { View } from "./view.ts";

export class Scores {
  readonly root = document.createElement("section");
  #head = document.createElement("h2");
  #list = document.createElement("ol");
  #shown = "";
  #dark = matchMedia("(prefers-color-scheme: dark)");

  constructor(
    readonly t: ReturnType<typeof words>,
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
        const snake = view.snakes.find((one) => one.seat === player.seat);
        return { player, score: snake?.score ?? 0, alive: snake?.alive ?? false, steers: snake?.away ?? false };
      })
      .filter((row) => row.player.presence !== "left" || row.score > 0)
      .sort((a, b) => b.score - a.score || a.player.seat - b.player.seat);
    const shown = JSON.stringify([view.round, view.target, view.phase, this.#dark.matches, rows]);
    if (shown === this.#shown) {
      return;
    }
    this.#shown = shown;
    const target = document.createElement("small");
    target.textContent = view.target > 0 ? this.t("target", { n: view.target }) : "";
    this.#head.replaceChildren(this.t("round", { n: view.round, of: view.rounds }), " ", target);
    this.#list.replaceChildren(
      ...rows.map(({ player, score, alive, steers }) => {
        const row = document.createElement("li");
        row.classList.toggle("own", player.seat === this.session.seat);
        row.classList.toggle("out", !alive);
        row.append(swatch(player.seat, this.#dark.matches), span("who", player.name));
        if (player.seat === this.session.seat) {
          row.append(span("mark", this.t("you")));
        }
        const state =
          player.presence === "left" ? this.t("left") : player.presence === "dropped" || steers ? this.t("away") : view.phase !== "countdown" && !alive ? this.t("out") : "";
        if (state !== "") {
          row.append(span("state", state));
        }
        row.append(span("points", String(score)));
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
