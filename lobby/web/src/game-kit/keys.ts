/** What a key or a finger says about four directions. */

export type Direction = "up" | "right" | "down" | "left";

const DIRECTIONS: Record<string, Direction> = {
  ArrowUp: "up", KeyW: "up", ArrowRight: "right", KeyD: "right",
  ArrowDown: "down", KeyS: "down", ArrowLeft: "left", KeyA: "left",
};
/** A finger that moved this far meant it. It may go on and turn again without being lifted. */
const SWIPE_PX = 22;

/** The direction that arrows and WASD stand for. */
export const directionOf = (event: KeyboardEvent): Direction | undefined => DIRECTIONS[event.code];

/** Whether a key is not the game's: somebody writes, a dialog is open, or it is the browser's shortcut. */
export const elsewhere = (event: KeyboardEvent): boolean =>
  event.target instanceof HTMLInputElement ||
  document.querySelector("dialog[open]") !== null ||
  event.ctrlKey || event.metaKey || event.altKey;

/** Tells each swipe over a surface, and each tap that was none, until the signal. */
export function swipes(surface: HTMLElement, signal: AbortSignal, swiped: (direction: Direction) => void, tapped?: () => void): void {
  let from: { x: number; y: number; id: number; moved: boolean } | undefined;
  const begin = (event: PointerEvent) => {
    from = { x: event.clientX, y: event.clientY, id: event.pointerId, moved: false };
  };
  const move = (event: PointerEvent) => {
    if (from?.id !== event.pointerId) {
      return;
    }
    const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
    if (Math.max(Math.abs(dx), Math.abs(dy)) >= SWIPE_PX) {
      swiped(Math.abs(dx) > Math.abs(dy) ? (dx > 0 ? "right" : "left") : dy > 0 ? "down" : "up");
      from = { x: event.clientX, y: event.clientY, id: event.pointerId, moved: true };
    }
  };
  const end = (event: PointerEvent) => {
    if (from?.id !== event.pointerId) {
      return;
    }
    if (!from.moved) {
      tapped?.();
    }
    from = undefined;
  };
  surface.addEventListener("pointerdown", begin, { signal });
  addEventListener("pointermove", move, { signal });
  addEventListener("pointerup", end, { signal });
  addEventListener("pointercancel", () => (from = undefined), { signal });
}

/** Four thumb-sized buttons, shown where there is no fine pointer. `each` is given them, to hear what they are for. */
export function pad(names: Record<Direction, string>, label: string, each: (button: HTMLButtonElement, direction: Direction) => void): HTMLElement {
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
    each(button, direction);
    root.append(button);
  }
  return root;
}
