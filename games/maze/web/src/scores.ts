/** Who plays, who haunts, with how many points; a list in words beside the picture. */
import type { GameSession } from "@bellhop/page/game-api";
import { Scoreboard, span, type Standing } from "@bellhop/page/game-kit";
import { swatch } from "./looks.ts";
import type { Words } from "./text.ts";
import type { View } from "./view.ts";

interface Score {
  points: number;
  /** In this round, once it is over. */
  gain: number;
  haunts: boolean;
}

export class Scores {
  readonly root: HTMLElement;
  #board: Scoreboard<Score>;

  constructor(
    readonly t: Words,
    readonly session: Pick<GameSession, "players" | "seat" | "watching">,
  ) {
    this.#board = new Scoreboard({ scores: t("scores"), hint: t("hint") }, session, (row, standing) => this.#fill(row, standing));
    this.root = this.#board.root;
  }

  show(view: View): void {
    const of = ({ seat }: { seat: number }): Score => {
      const score = view.scores.find((one) => one.seat === seat);
      const gain = view.phase === "over" ? (score?.gain ?? 0) : 0;
      return { points: score?.points ?? 0, gain, haunts: seat === view.haunter };
    };
    if (this.#board.show(of, view.round, view.rounds)) {
      this.#board.head.replaceChildren(this.t("round", { n: view.round, of: view.rounds }));
    }
  }

  #fill(row: HTMLLIElement, { player, points, gain, haunts }: Standing<Score>): void {
    const who = span("who");
    const marks = span("marks");
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
    if (gain > 0) {
      row.append(span("gain", `+${gain}`));
    }
    row.append(span("points", String(points)));
  }
}
