/** Who plays, with how many points; a list in words beside the picture. */
import type { GameSession } from "@bellhop/page/game-api";
import { Scoreboard, span, type Standing } from "@bellhop/page/game-kit";
import { swatch } from "./looks.ts";
import type { words } from "./text.ts";
import type { View } from "./view.ts";

interface Score {
  points: number;
  alive: boolean;
  /** Its player steers, but is not there. */
  away: boolean;
}

export class Scores {
  readonly root: HTMLElement;
  #board: Scoreboard<Score>;
  #dark = matchMedia("(prefers-color-scheme: dark)");
  #counting = false;

  constructor(
    readonly t: ReturnType<typeof words>,
    readonly session: Pick<GameSession, "players" | "seat" | "watching">,
  ) {
    this.#board = new Scoreboard({ scores: t("scores"), hint: t("hint") }, session, (row, standing) => this.#fill(row, standing));
    this.root = this.#board.root;
  }

  show(view: View): void {
    this.#counting = view.phase === "countdown";
    const of = ({ seat }: { seat: number }): Score => {
      const snake = view.snakes.find((one) => one.seat === seat);
      return { points: snake?.score ?? 0, alive: snake?.alive ?? false, away: snake?.away ?? false };
    };
    if (this.#board.show(of, view.round, view.target, view.phase, this.#dark.matches)) {
      const target = document.createElement("small");
      target.textContent = view.target > 0 ? this.t("target", { n: view.target }) : "";
      this.#board.head.replaceChildren(this.t("round", { n: view.round, of: view.rounds }), " ", target);
    }
  }

  #fill(row: HTMLLIElement, { player, points, alive, away }: Standing<Score>): void {
    row.classList.toggle("out", !alive);
    row.append(swatch(player.seat, this.#dark.matches), span("who", player.name));
    if (player.seat === this.session.seat) {
      row.append(span("mark", this.t("you")));
    }
    const state =
      player.presence === "left" ? this.t("left") : player.presence === "dropped" || away ? this.t("away") : !this.#counting && !alive ? this.t("out") : "";
    if (state !== "") {
      row.append(span("state", state));
    }
    row.append(span("points", String(points)));
  }
}
