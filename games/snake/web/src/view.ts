/** What the rules show of the game: the crate's `Board`, as it comes out of WebAssembly. */

export type Heading = "up" | "right" | "down" | "left";

export interface Cell {
  x: number;
  y: number;
}

export interface Snake {
  seat: number;
  name: string;
  points: number;
  alive: boolean;
  /** The player lost the connection: it steers itself. */
  away: boolean;
  left: boolean;
  heading: Heading;
  /** Head first; empty when dead or waiting for the next round. */
  body: Cell[];
}

export type Phase =
  | { kind: "countdown" }
  | { kind: "running" }
  | { kind: "roundOver"; winner: number | null };

export interface View {
  width: number;
  height: number;
  tick: number;
  round: number;
  rounds: number;
  /** Points that win the match. */
  target: number;
  phase: Phase;
  /** The tick that ends the phase. */
  until: number;
  snakes: Snake[];
  food: Cell[];
}

/** A direction counts for the round it was meant for. */
export interface Input {
  heading: Heading;
  round: number;
}

export type Death =
  | { kind: "wall" | "own" | "left" }
  | { kind: "side" | "headOn"; seat: number };

export type Event = { kind: "died"; seat: number; death: Death };

export const STEP: Record<Heading, Cell> = {
  up: { x: 0, y: -1 }, right: { x: 1, y: 0 }, down: { x: 0, y: 1 }, left: { x: -1, y: 0 },
};

export function opposite(a: Heading, b: Heading): boolean {
  return STEP[a].x === -STEP[b].x && STEP[a].y === -STEP[b].y;
}
