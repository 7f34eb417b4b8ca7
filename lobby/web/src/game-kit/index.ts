/** What more than one game's page part needs. A game may use it, or none of it; it travels in the game's own bundle. */
export { say, span, wear } from "./dom.ts";
export { type Direction, directionOf, elsewhere, pad, swipes } from "./keys.ts";
export { Scoreboard, type Standing } from "./scoreboard.ts";
