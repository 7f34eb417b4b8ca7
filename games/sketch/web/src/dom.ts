/** Small makers of elements. */

export function div(name: string): HTMLDivElement {
  const element = document.createElement("div");
  element.className = name;
  return element;
}

export function text<K extends keyof HTMLElementTagNameMap>(kind: K, name: string, words = ""): HTMLElementTagNameMap[K] {
  const element = document.createElement(kind);
  element.className = name;
  element.textContent = words;
  return element;
}

export function button(label: string, name: string, press: () => void): HTMLButtonElement {
  const element = text("button", name, label);
  element.type = "button";
  element.addEventListener("click", press);
  return element;
}

/** Buttons of which one is chosen: one tab stop, arrows choose. */
export class Choice<T> {
  readonly root = div("choice");
  readonly #buttons: HTMLButtonElement[];

  constructor(label: string, readonly values: readonly T[], make: (value: T) => HTMLButtonElement, readonly choose: (value: T) => void) {
    this.root.setAttribute("role", "radiogroup");
    this.root.setAttribute("aria-label", label);
    this.#buttons = values.map((value) => {
      const element = make(value);
      element.setAttribute("role", "radio");
      element.addEventListener("click", () => this.choose(value));
      return element;
    });
    this.root.append(...this.#buttons);
    this.root.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      const at = this.#buttons.indexOf(event.target as HTMLButtonElement);
      if (step !== undefined && at >= 0) {
        event.preventDefault();
        const next = (at + step + this.#buttons.length) % this.#buttons.length;
        this.choose(this.values[next] as T);
        this.#buttons[next]?.focus();
      }
    });
  }

  show(chosen: T): void {
    const at = this.values.indexOf(chosen);
    this.#buttons.forEach((button, index) => {
      button.setAttribute("aria-checked", String(index === at));
      button.tabIndex = index === Math.max(0, at) ? 0 : -1;
    });
  }
}
