/** Who plays and how many each destroyed, and the time that is left; in words beside the picture. */
import type { GameSession } from "@bellhop/page/game-api";
import { number, swatch } from "./looks.ts";
import type { words } from "./text.ts";
import { seconds, type View } from "./view.ts";

export class Scores {
  readonly root = document.createElement("section");
  #head = document.createElement("h2");
  #list = document.createElement("ol");
  #shown = "";
  #time = -1;
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
    const left = seconds(view.ends - view.tick);
    if (left !== this.#time) {
      this.#time = left;
      this.#head.textContent = this.t("time", { m: Math.floor(left / 60), s: String(left % 60).padStart(2, "0") });
      this.#head.classList.toggle("last", left <= 10);
    }
    const rows = this.session.players
      .map((player) => {
        const tank = view.tanks.find((one) => one.seat === player.seat);
        return { player, score: tank?.score ?? 0, alive: (tank?.lives ?? 0) > 0 };
      })
      .filter((row) => row.player.presence !== "left" || row.score > 0)
      .sort((a, b) => b.score - a.score || a.player.seat - b.player.seat);
    const shown = JSON.stringify([this.#dark.matches, rows]);
    if (shown === this.#shown) {
      return;
    }
    this.#shown = shown;
    this.#list.replaceChildren(
      ...rows.map(({ player, score, alive }) => {
        const row = document.createElement("li");
        row.classList.toggle("own", player.seat === this.session.seat);
        row.classList.toggle("out", !alive);
        row.append(swatch(player.seat, this.#dark.matches), span("who", player.name));
        if (player.seat === this.session.seat) {
          row.append(span("mark", this.t("you")));
        }
        const { presence } = player;
        const state = presence === "left" ? this.t("left") : presence === "dropped" ? this.t("away") : alive ? "" : this.t("out");
        if (state !== "") {
          row.append(span("state", state));
        }
        row.append(span("points", String(score)));
        row.title = `${number(player.seat)} · ${player.name}`;
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
