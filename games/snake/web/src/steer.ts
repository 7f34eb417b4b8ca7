/** Arrows, WASD, a swipe, a pad: all of them are one of four directions. */
import { directionOf, elsewhere, pad as buttons, swipes } from "@bellhop/page/game-kit";
import type { Direction } from "./view.ts";

export function steer(surface: HTMLElement, turn: (direction: Direction) => void): () => void {
  const stop = new AbortController();
  const { signal } = stop;
  addEventListener(
    "keydown",
    (event) => {
      const direction = directionOf(event);
      if (direction !== undefined && !elsewhere(event)) {
        event.preventDefault();
        if (!event.repeat) {
          turn(direction);
        }
      }
    },
    { signal },
  );
  swipes(surface, signal, turn);
  return () => stop.abort();
}

/** A press on a button turns. */
export function pad(names: Record<Direction, string>, label: string, turn: (direction: Direction) => void): HTMLElement {
  return buttons(names, label, (button, direction) => {
    button.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      turn(direction);
    });
    button.addEventListener("click", (event) => event.detail === 0 && turn(direction)); // by keyboard
  });
}
