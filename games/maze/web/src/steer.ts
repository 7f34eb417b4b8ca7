/** Arrows, WASD, a swipe, a pad: all of them are one of four directions, or none. */
import { directionOf, elsewhere, pad as buttons, swipes } from "@bellhop/page/game-kit";
import type { Way } from "./view.ts";

/**
 * Of keys and buttons that are held the newest counts; with the last one let go one stands. A swipe is held until the
 * next one, or a tap.
 */
export class Steering {
  #held: string[] = [];
  #ways = new Map<string, Way>();
  #swiped: Way | null = null;
  #stop = new AbortController();

  constructor(
    surface: HTMLElement,
    readonly go: (way: Way | null) => void,
  ) {
    const { signal } = this.#stop;
    addEventListener("keydown", (event) => this.#key(event), { signal });
    addEventListener("keyup", (event) => this.release(event.code), { signal });
    addEventListener("blur", () => this.rest(), { signal });
    const swiped = (way: Way | null) => {
      this.#swiped = way;
      this.#tell();
    };
    swipes(surface, signal, swiped, () => swiped(null));
  }

  stop(): void {
    this.#stop.abort();
  }

  /** Nothing is held any more: a new round, or another window. */
  rest(): void {
    this.#held = [];
    this.#swiped = null;
    this.#tell();
  }

  press(by: string, way: Way): void {
    this.#ways.set(by, way);
    this.#held = [...this.#held.filter((one) => one !== by), by];
    this.#swiped = null;
    this.#tell();
  }

  release(by: string): void {
    if (this.#held.includes(by)) {
      this.#held = this.#held.filter((one) => one !== by);
      this.#tell();
    }
  }

  #key(event: KeyboardEvent): void {
    const way = directionOf(event);
    if (way !== undefined && !elsewhere(event)) {
      event.preventDefault();
      if (!event.repeat) {
        this.press(event.code, way);
      }
    }
  }

  #tell(): void {
    const newest = this.#held[this.#held.length - 1];
    this.go(newest === undefined ? this.#swiped : (this.#ways.get(newest) ?? null));
  }
}

/** One walks as long as a button is held. */
export function pad(names: Record<Way, string>, label: string, steering: Steering): HTMLElement {
  return buttons(names, label, (button, way) => {
    const by = `pad ${way}`;
    button.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      button.setPointerCapture(event.pointerId);
      steering.press(by, way);
    });
    for (const end of ["pointerup", "pointercancel"] as const) {
      button.addEventListener(end, () => steering.release(by));
    }
    // By keyboard: walks until the button is pressed again.
    let walking = false;
    button.addEventListener("click", (event) => {
      if (event.detail === 0) {
        walking = !walking;
        if (walking) {
          steering.press(by, way);
        } else {
          steering.release(by);
        }
      }
    });
  });
}
