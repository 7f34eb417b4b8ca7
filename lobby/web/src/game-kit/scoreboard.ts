/** Who plays, with how many points: a list in words beside the picture. */
import type { GameSession, SeatInfo } from "../game-api.ts";

/** A player's place in the list, and what the game knows of him. */
export type Standing<T> = T & { player: SeatInfo };

export class Scoreboard<T extends { points: number }> {
  readonly root = document.createElement("section");
  /** What stands above the list. */
  readonly head = document.createElement("h2");
  #list = document.createElement("ol");
  #shown = "";

  constructor(
    words: { scores: string; hint: string },
    readonly session: Pick<GameSession, "players" | "seat" | "watching">,
    /** Fills a player's row. */
    readonly fill: (row: HTMLLIElement, standing: Standing<T>) => void,
  ) {
    this.root.className = "scores";
    this.root.setAttribute("aria-label", words.scores);
    this.#list.tabIndex = 0; // on a phone it scrolls
    this.#list.setAttribute("aria-label", words.scores);
    this.root.append(this.head, this.#list);
    if (!session.watching) {
      const keys = document.createElement("p");
      keys.className = "keys";
      keys.textContent = words.hint;
      this.root.append(keys);
    }
  }

  /**
   * Ranks the players by what the game says of each. Touches the page only where something is different, of that or of
   * `besides`, and says whether it was.
   */
  show(of: (player: SeatInfo) => T, ...besides: unknown[]): boolean {
    const rows = this.session.players
      .map((player): Standing<T> => ({ ...of(player), player }))
      .filter((row) => row.player.presence !== "left" || row.points > 0)
      .sort((a, b) => b.points - a.points || a.player.seat - b.player.seat);
    const shown = JSON.stringify([besides, rows]);
    if (shown === this.#shown) {
      return false;
    }
    this.#shown = shown;
    this.#list.replaceChildren(
      ...rows.map((standing) => {
        const row = document.createElement("li");
        row.classList.toggle("own", standing.player.seat === this.session.seat);
        this.fill(row, standing);
        return row;
      }),
    );
    return true;
  }
}
