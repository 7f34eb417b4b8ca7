/** The end: the picture's name, what each was told, the file, and the drawing of it once more. */
import type { GameSession } from "@bellhop/page/game-api";
import type { Canvas } from "./canvas.ts";
import { button, div, text } from "./dom.ts";
import type { Text } from "./text.ts";
import type { View } from "./view.ts";

type Session = GameSession<View, never, never, never>;

/** How long the drawing of it takes when it is watched. */
const WATCH_SECONDS = 12;

export class Reveal {
  readonly root = div("reveal");
  readonly #watch: HTMLButtonElement;
  #shown = false;

  constructor(
    readonly t: Text,
    readonly session: Pick<Session, "seat" | "players">,
    readonly canvas: Canvas,
  ) {
    this.root.hidden = true;
    this.#watch = button(t("watch"), "action", () => canvas.watch(WATCH_SECONDS));
  }

  show(view: View): void {
    if (view.reveal === null || this.#shown) {
      return;
    }
    this.#shown = true;
    const { title, first, second } = view.reveal;
    // Who looks on was told nothing, and reads by name what each was.
    const looksOn = this.session.seat < 0;
    const own = looksOn ? 0 : this.session.seat % 2;
    const told = (side: number) => {
      const names = this.session.players.filter((player) => player.seat % 2 === side).map((player) => player.name);
      return this.t(names.length > 1 ? "toldName" : "toldNameOne", { names: names.join(", ") });
    };
    const actions = div("actions");
    actions.append(button(this.t("save"), "action main", () => void this.#save()), this.#watch);
    this.root.append(
      text("h2", "reveal-title", title === "" ? this.t("finished") : title),
      actions,
      series(looksOn ? told(own) : this.t("toldYou"), own === 0 ? first : second),
      series(told(1 - own), own === 0 ? second : first),
    );
    this.root.hidden = false;
  }

  tick(): void {
    this.#watch.disabled = this.canvas.watching;
  }

  async #save(): Promise<void> {
    const file = await this.canvas.png();
    if (file === null) {
      return;
    }
    const link = document.createElement("a");
    link.href = URL.createObjectURL(file);
    link.download = `${this.t("file")}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1_000);
  }
}

function series(title: string, prompts: string[]): HTMLElement {
  const part = div("told");
  const list = document.createElement("ol");
  list.append(...prompts.map((prompt) => text("li", "", prompt)));
  part.append(text("h3", "", title), list);
  return part;
}
