import { useEffect } from "preact/hooks";

/** Moves the reading position to a screen's heading when the screen comes up. */
export function useHeadingFocus(): (heading: HTMLElement | null) => void {
  useEffect(() => window.scrollTo(0, 0), []);
  return focusOnce;
}

const focused = new WeakSet<HTMLElement>();
function focusOnce(heading: HTMLElement | null): void {
  if (heading !== null && !focused.has(heading)) {
    focused.add(heading);
    heading.focus({ preventScroll: true });
  }
}
