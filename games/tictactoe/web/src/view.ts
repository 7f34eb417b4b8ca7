/** What the rules show of the game: the crate's `View` and `Command`, as they pass through WebAssembly. */

export interface View {
  /** Row by row from the top left: which seat stands there. */
  cells: (number | null)[];
  /** Whose turn it is; null when the game is decided. */
  turn: number | null;
  last: number | null;
  /** What is left on each side's clock now. */
  clocks_ms: number[];
  outcome: Outcome | null;
  /** Who would play again. */
  rematch: boolean[];
  /** How long offers are still taken; null while a game runs and when the match is over. */
  rematch_left_ms: number | null;
  /** Games begun in this match; 0 while somebody is still on the way. */
  game: number;
  /** Games won by each seat in this match. */
  wins: number[];
  draws: number;
}

export type Outcome =
  | { kind: "line"; winner: number; line: number[] }
  | { kind: "draw" }
  | { kind: "resigned"; winner: number }
  | { kind: "time"; winner: number }
  | { kind: "left"; winner: number };

export type Command = { place: number } | "resign" | "rematch" | "decline";
