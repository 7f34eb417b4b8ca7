/** What the rules show of the game: the crate's `View`, as it comes out of WebAssembly. */

export type Direction = "up" | "right" | "down" | "left";
export type Cell = [x: number, y: number];

export interface Snake {
  seat: number;
  alive: boolean;
  direction: Direction;
  /** Head first. */
  body: Cell[];
  score: number;
}

export interface View {
  tick: number;
  width: number;
  height: number;
  round: number;
  /** Points that win the match. */
  target: number;
  phase: "countdown" | "running" | "pause" | "over";
  /** Ticks until the phase changes by itself. */
  left: number;
  snakes: Snake[];
  food: Cell[];
}

export const STEP: Record<Direction, Cell> = { up: [0, -1], right: [1, 0], down: [0, 1], left: [-1, 0] };
