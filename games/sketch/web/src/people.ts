/** Who draws, and who is done. */
import type { GameSession } from "@bellhop/page/game-api";
import { say } from "@bellhop/page/game-kit";
import { text } from "./dom.ts";
import type { Text } from "./text.ts";
import type { View } from "./view.ts";

type Session = GameSession<View, never, never, never>;

export class People {
  readonly root = text("ul", "people");
  #shown = "";

  constructor(readonly t: Text, readonly session: Pick<Session, "seat" | "players">) {}

  show(view: View): void {
    const rows = this.session.players.map((player) => {
      const notes = [
        player.seat === this.session.seat ? this.t("you") : "",
        player.presence === "left" ? this.t("left") : player.presence === "dropped" ? this.t("away") : "",
        ((view.done >> player.seat) & 1) === 1 ? `✓ ${this.t("isDone")}` : "",
      ].filter((note) => note !== "");
      return { name: player.name, notes: notes.join(" · ") };
    });
    const shown = JSON.stringify(rows);
    if (shown === this.#shown) {
      return;
    }
    this.#shown = shown;
    this.root.replaceChildren(
      ...rows.map(({ name, notes }) => {
        const row = text("li", "person");
        const who = text("span", "person-name", name);
        const note = text("span", "person-note");
        say(note, notes);
        row.append(who, note);
        return row;
      }),
    );
  }
}
