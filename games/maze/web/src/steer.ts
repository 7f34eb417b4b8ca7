/** Arrows, WASD, a swipe, a pad: all of them are one of four directions, or none. */
import type { Way } from "./view.ts";

const KEYS: Record<string, Way> = {
  ArrowUp: "up", KeyW: "up", ArrowRight: "right", KeyD: "right",
  ArrowDown: "down", KeyS: "down", ArrowLeft: "left", KeyA: "left",
};
/** A finger that moved this far meant it. It may go on and turn again without being lifted. */
const SWIPE_PX = 22;

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
    let from: { x: number; y: number; id: number; moved: boolean } | undefined;
    surface.addEventListener(
      "pointerdown",
      (event) => {
        from = { x: event.clientX, y: event.clientY, id: event.pointerId, moved: false };
      },
      { signal },
    );
    addEventListener(
      "pointermove",
      (event) => {
        if (from === undefined || from.id !== event.pointerId) {
          return;
        }
        const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
        if (Math.max(Math.abs(dx), Math.abs(dy)) >= SWIPE_PX) {
          this.#swiped = Math.abs(dx) > Math.abs(dy) ? (dx > 0 ? "right" : "left") : dy > 0 ? "down" : "up";
          this.#tell();
          from = { x: event.clientX, y: event.clientY, id: event.pointerId, moved: true };
        }
      },
      { signal },
    );
    addEventListener(
      "pointerup",
      (event) => {
        if (from?.id === event.pointerId) {
          if (!from.moved) {
            this.#swiped = null;
            this.#tell();
          }
          from = undefined;
        }
      },
      { signal },
    );
    addEventListener("pointercancel", () => (from = undefined), { signal });
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
    const way = KEYS[event.code];
    const typing = event.target instanceof HTMLInputElement || document.querySelector("dialog[open]") !== null;
    if (way !== undefined && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
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

/** Four thumb-sized buttons, shown where there is no fine pointer. One walks as long as one is held. */
export function pad(names: Record<Way, string>, label: string, steering: Steering): HTMLElement {
  const root = document.createElement("div");
  root.className = "pad";
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", label);
  for (const way of ["up", "left", "right", "down"] as const) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = `pad-${way}`;
    button.setAttribute("aria-label", names[way]);
    button.innerHTML = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 6l7 9H5z" fill="currentColor"/></svg>';
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
    root.append(button);
  }
  return root;
}
