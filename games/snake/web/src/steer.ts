/** Arrows, WASD, a swipe, a pad: all of them are one of four directions. */
import type { Direction } from "./view.ts";

const KEYS: Record<string, Direction> = {
  ArrowUp: "up", KeyW: "up", ArrowRight: "right", KeyD: "right",
  ArrowDown: "down", KeyS: "down", ArrowLeft: "left", KeyA: "left",
};
/** A finger that moved this far meant it. It may go on and turn again without being lifted. */
const SWIPE_PX = 22;

export function steer(surface: HTMLElement, turn: (direction: Direction) => void): () => void {
  const stop = new AbortController();
  const { signal } = stop;
  addEventListener(
    "keydown",
    (event) => {
      const direction = KEYS[event.code];
      const typing = event.target instanceof HTMLInputElement || document.querySelector("dialog[open]") !== null;
      if (direction !== undefined && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        if (!event.repeat) {
          turn(direction);
        }
      }
    },
    { signal },
  );
  let from: { x: number; y: number; id: number } | undefined;
  surface.addEventListener(
    "pointerdown",
    (event) => {
      from = { x: event.clientX, y: event.clientY, id: event.pointerId };
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
        turn(Math.abs(dx) > Math.abs(dy) ? (dx > 0 ? "right" : "left") : dy > 0 ? "down" : "up");
        from = { x: event.clientX, y: event.clientY, id: event.pointerId };
      }
    },
    { signal },
  );
  for (const end of ["pointerup", "pointercancel"] as const) {
    addEventListener(end, () => (from = undefined), { signal });
  }
  return () => stop.abort();
}

/** Four thumb-sized buttons, shown where there is no fine pointer. */
export function pad(names: Record<Direction, string>, label: string, turn: (direction: Direction) => void): HTMLElement {
  const root = document.createElement("div");
  root.className = "pad";
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", label);
  for (const direction of ["up", "left", "right", "down"] as const) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = `pad-${direction}`;
    button.setAttribute("aria-label", names[direction]);
    button.innerHTML = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 6l7 9H5z" fill="currentColor"/></svg>';
    button.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      turn(direction);
    });
    button.addEventListener("click", (event) => event.detail === 0 && turn(direction)); // by keyboard
    root.append(button);
  }
  return root;
}
