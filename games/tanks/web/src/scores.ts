/** Who plays and how many each destroyed, and the time that is left; in words beside the picture. */
import type { GameSession } from "@bellhop/page/game-api";
import { say, Scoreboard, span, type Standing } from "@bellhop/page/game-kit";
import { number, swatch } from "./looks.ts";
import type { words } from "./text.ts";
import { seconds, type View } from "./view.ts";

interface Score {
  points: number;
  alive: boolean;
}

export class Scores {
  readonly root: HTMLElement;
  #board: Scoreboard<Score>;
  #dark = matchMedia("(prefers-color-scheme: dark)");

  constructor(
    readonly t: ReturnType<typeof words>,
    readonly session: Pick<GameSession, "players" | "seat" | "watching">,
  ) {
    this.#board = new Scoreboard({ scores: t("scores"), hint: t("hint") }, session, (row, standing) => this.#fill(row, standing));
    this.root = this.#board.root;
  }

  show(view: View): void {
    const left = seconds(view.ends - view.tick);
    const { head } = this.#board;
    say(head, this.t("time", { m: Math.floor(left / 60), s: String(left % 60).padStart(2, "0") }));
    head.classList.toggle("last", left <= 10);
    const of = ({ seat }: { seat: number }): Score => {
      const tank = view.tanks.find((one) => one.seat === seat);
      return { points: tank?.score ?? 0, alive: (tank?.lives ?? 0) > 0 };
    };
    this.#board.show(of, this.#dark.matches);
  }

  #fill(row: HTMLLIElement, { player, points, alive }: Standing<Score>): void {
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
    row.append(span("points", String(points)));
    row.title = `${number(player.seat)} · ${player.name}`;
  }
}
