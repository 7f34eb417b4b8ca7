/** The prompt: a card over the canvas that OK puts away, and a button that brings it back. */
import { say } from "@bellhop/page/game-kit";
import { button, div, text } from "./dom.ts";
import type { Text } from "./text.ts";
import type { View } from "./view.ts";

export class Prompt {
  readonly card = div("prompt");
  readonly #title = text("h2", "prompt-title");
  readonly #now = text("p", "prompt-now");
  readonly #before = text("ol", "prompt-before");
  readonly #lead = text("p", "prompt-lead");
  readonly #ok: HTMLButtonElement;
  #shown = -1;

  constructor(readonly t: Text, readonly away: () => void) {
    this.card.setAttribute("role", "dialog");
    this.#title.id = "sketch-prompt";
    this.card.setAttribute("aria-labelledby", this.#title.id);
    this.#ok = button(t("ok"), "action main", () => this.#close());
    this.#lead.textContent = t("promptLead");
    this.card.append(this.#title, this.#now, this.#lead, this.#before, this.#ok);
    this.card.hidden = true;
    this.card.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        event.preventDefault();
        event.stopPropagation();
        this.#close();
      }
    });
  }

  /** True when a prompt is on that was not before. */
  show(view: View, pop = true): boolean {
    const now = view.prompts[view.prompts.length - 1];
    if (now === undefined || view.phase !== "drawing") {
      this.card.hidden = true;
      return false;
    }
    if (this.#shown === view.step) {
      return false;
    }
    this.#shown = view.step;
    say(this.#title, this.t("prompt", { n: view.step + 1, of: view.steps }));
    say(this.#now, now);
    this.#before.replaceChildren(...view.prompts.slice(0, -1).map((prompt) => text("li", "", prompt)));
    this.#before.hidden = view.prompts.length < 2;
    this.#before.setAttribute("aria-label", this.t("before"));
    if (pop) {
      this.open();
    }
    return pop;
  }

  open(): void {
    this.card.hidden = false;
    this.#ok.focus({ preventScroll: true });
  }

  get isOpen(): boolean {
    return !this.card.hidden;
  }

  #close(): void {
    this.card.hidden = true;
    this.away();
  }
}
