/** What the rules show of the game: the crate's `Board`, `Heading` and events, as they pass through WebAssembly. */

export type Direction = "up" | "right" | "down" | "left";
export type Cell = [x: number, y: number];

export interface Snake {
  seat: number;
  name: string;
  score: number;
  alive: boolean;
  /** The player lost the connection: it steers itself. */
  away: boolean;
  left: boolean;
  direction: Direction;
  /** Head first; empty when dead or waiting for the next round. */
  body: Cell[];
}

export interface View {
  width: number;
  height: number;
  tick: number;
  round: number;
  rounds: number;
  /** Points that win the match. */
  target: number;
  phase: "countdown" | "running" | "pause";
  /** In a pause: the last one alive. */
  winner: number | null;
  /** Ticks until the phase is over. */
  left: number;
  snakes: Snake[];
  food: Cell[];
}

export type Death =
  | { kind: "wall" | "own" | "left" }
  | { kind: "side" | "headOn"; seat: number };

export type Event = { kind: "died"; seat: number; death: Death };

export const STEP: Record<Direction, Cell> = { up: [0, -1], right: [1, 0], down: [0, 1], left: [-1, 0] };

export function opposite(a: Direction, b: Direction): boolean {
  return STEP[a][0] === -STEP[b][0] && STEP[a][1] === -STEP[b][1];
}
