/** What the rules show of the game: the crate's `Sight`, `Way` and events, as they pass through WebAssembly. */

export type Way = "up" | "right" | "down" | "left";
export type Cell = [x: number, y: number];

export interface MazeMap {
  /** Another maze has another one. */
  id: number;
  width: number;
  height: number;
  /** Row by row: `#` is wall. */
  walls: string;
  gates: Cell[];
}

export interface Body {
  seat: number;
  /** In units; a cell is `tile` of them wide. */
  x: number;
  y: number;
  facing: Way;
  going: boolean;
}

export type Fate = { kind: "waiting" | "free" | "escaped" } | { kind: "caught"; until: number };

export interface Score {
  seat: number;
  points: number;
  /** In the last round that is over. */
  gain: number;
  escaped: boolean;
  left: boolean;
}

export interface View {
  map: MazeMap;
  tile: number;
  tick: number;
  round: number;
  rounds: number;
  phase: "countdown" | "hunt" | "over";
  /** Ticks until the phase is over. */
  left: number;
  haunter: number;
  /** Sparks that open a gate. */
  need: number;
  /** Null for who does not play. */
  own: { seat: number; fate: Fate; carried: number; catches: number } | null;
  scores: Score[];
  /** The own body and those in sight. */
  bodies: Body[];
  sparks: Cell[];
  /** How far one sees, in units. */
  reach: number | null;
  /** The outline of what is in sight: x and y by turns, in units. */
  light: number[];
}

export type Event = { kind: "caught" | "escaped" | "taken"; seat: number };

export const STEP: Record<Way, Cell> = { up: [0, -1], right: [1, 0], down: [0, 1], left: [-1, 0] };
