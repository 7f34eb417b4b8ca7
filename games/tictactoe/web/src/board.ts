/** Nine buttons: one tab stop, arrows move within, a mark is drawn and named. */
import type { Text } from "./text.ts";
import type { View } from "./view.ts";

const MOVES: Record<string, [dx: number, dy: number]> = {
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
};

const MARKS = [
  '<svg class="mark mark-0" viewBox="0 0 100 100" aria-hidden="true"><path pathLength="1" d="M24 24L76 76"/><path pathLength="1" class="second" d="M76 24L24 76"/></svg>',
  '<svg class="mark mark-1" viewBox="0 0 100 100" aria-hidden="true"><path pathLength="1" d="M50 21a29 29 0 1 1-.1 0"/></svg>',
];

/** A mark, for the plates of the players. */
export function markOf(seat: number): string {
  return MARKS[seat % 2] as string;
}

export class Board {
  readonly root = document.createElement("div");
  readonly #cells: HTMLButtonElement[];
  #at = 4;
  /** Sent and not yet judged: shown at once, pale. */
  pending: number | undefined;

  constructor(
    readonly t: Text,
    place: (cell: number) => void,
  ) {
    this.root.className = "grid";
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-label", t("board"));
    this.#cells = Array.from({ length: 9 }, (_, cell) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "cell";
      button.dataset["cell"] = String(cell);
      button.addEventListener("click", () => {
        this.#move(cell, false);
        if (button.getAttribute("aria-disabled") !== "true") {
          place(cell);
        }
      });
      return button;
    });
    this.root.append(...this.#cells);
    this.root.addEventListener("keydown", (event) => {
      const move = MOVES[event.key];
      if (move !== undefined) {
        event.preventDefault();
        const [x, y] = [(this.#at % 3) + move[0], Math.floor(this.#at / 3) + move[1]];
        if (x >= 0 && x < 3 && y >= 0 && y < 3) {
          this.#move(y * 3 + x, true);
        }
      }
    });
    this.#move(4, false);
  }

  focus(): void {
    this.#cells[this.#at]?.focus({ preventScroll: true });
  }

  show(view: View, you: number, name: (seat: number) => string, open: boolean): void {
    this.root.classList.toggle("open", open);
    this.root.dataset["you"] = String(you % 2);
    const line = view.outcome?.kind === "line" ? view.outcome.line : [];
    this.#cells.forEach((button, cell) => {
      const owner = view.cells[cell] ?? null;
      const pending = owner === null && this.pending === cell;
      const shown = owner ?? (pending ? you : null);
      if (button.dataset["owner"] !== String(shown)) {
        button.dataset["owner"] = String(shown);
        button.innerHTML = shown === null ? markOf(you) : markOf(shown);
      }
      button.classList.toggle("taken", shown !== null);
      button.classList.toggle("pending", pending);
      button.classList.toggle("line", line.includes(cell));
      button.classList.toggle("dim", line.length > 0 && !line.includes(cell));
      button.classList.toggle("last", view.last === cell && line.length === 0);
      button.setAttribute("aria-disabled", String(!open || shown !== null));
      const mark = this.t(shown !== null && shown % 2 === 0 ? "cross" : "nought");
      const what = shown === null ? this.t("empty") : shown === you ? this.t("yours", { mark }) : this.t("theirs", { name: name(shown), mark });
      const label = this.t("cell", { row: Math.floor(cell / 3) + 1, column: (cell % 3) + 1, what });
      if (button.getAttribute("aria-label") !== label) {
        button.setAttribute("aria-label", label);
      }
    });
  }

  #move(cell: number, focus: boolean): void {
    this.#at = cell;
    this.#cells.forEach((button, index) => (button.tabIndex = index === cell ? 0 : -1));
    if (focus) {
      this.focus();
    }
  }
}
