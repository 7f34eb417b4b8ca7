/** What the rules show of the match: the crate's `Sheet` and `Command`, as they pass through WebAssembly. */

export interface View {
  /** How long the log of marks is; `session.since` gives the marks themselves. */
  entries: number;
  phase: "waiting" | "drawing" | "over";
  /** The prompt that is on, from 0. */
  step: number;
  /** Prompts in all; 0 before they are there. */
  steps: number;
  /** Until the next prompt, the end, or the end of the wait for the first prompt. */
  left_ms: number | null;
  /** Who is done: a bit for each seat. */
  done: number;
  /** Your prompts so far; the last one is on. */
  prompts: string[];
  /** Everybody's, once the picture is finished. */
  reveal: Scene | null;
}

export interface Scene {
  title: string;
  /** What even seats were told. */
  first: string[];
  second: string[];
}

export interface Brush {
  /** 0xrrggbb */
  colour: number;
  radius: number;
}

export type Point = [x: number, y: number];

export type Command =
  | { begin: { brush: Brush; points: Point[] } }
  | { more: { points: Point[] } }
  | { fill: { at: Point; colour: number } }
  | "undo"
  | { done: { done: boolean } };
