/** What the rules show of the game: the crate's `Arena`, `Input` and events, as they pass through WebAssembly. */

/** Units of the rules in a point of the page, points in a tile, angles in a turn, steps in a second. */
export const UNIT = 32;
export const TILE = 80;
export const CIRCLE = 1024;
export const RATE = 60;
export const LIVES = 3;
export const RELOAD = 40;

export interface Input {
  drive: number;
  turn: number;
  aim: number;
  fire: boolean;
}

export interface Body {
  x: number;
  y: number;
  hull: number;
  turret: number;
  speed: number;
  reload: number;
  input: Input;
}

export interface Tank {
  seat: number;
  body: Body;
  /** 0: destroyed, until `until`. */
  lives: number;
  /** The step at which it comes back, or until which nothing harms it. */
  until: number;
  score: number;
  away: boolean;
  left: boolean;
}

export interface Shell {
  seat: number;
  shot: number;
  x: number;
  y: number;
  angle: number;
}

export interface View {
  map: { columns: number; rows: number; seed: number; walls: number[] };
  tick: number;
  ends: number;
  tanks: Tank[];
  shells: Shell[];
}

export type Event = { kind: "destroyed"; seat: number; by: number };

export function radians(angle: number): number {
  return (angle / CIRCLE) * 2 * Math.PI;
}

export function angle(x: number, y: number): number {
  return (Math.round((Math.atan2(y, x) / (2 * Math.PI)) * CIRCLE) + CIRCLE) % CIRCLE;
}

/** The shorter way from one angle to another. */
export function between(from: number, to: number): number {
  const half = CIRCLE / 2;
  return ((((to - from + half) % CIRCLE) + CIRCLE) % CIRCLE) - half;
}

export function isWall(map: View["map"], x: number, y: number): boolean {
  return (((map.walls[y] ?? 0) >>> x) & 1) === 1;
}

export function seconds(steps: number): number {
  return Math.max(0, Math.ceil(steps / RATE));
}
