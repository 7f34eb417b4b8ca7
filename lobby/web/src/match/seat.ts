/** What this window needs to come back to its seat after a reload. Kept per window, so two windows never share one. */
import type { Assignment } from "../net/types.ts";

export interface HeldSeat {
  match: string;
  room: string;
  url: string;
  seat: number;
  game: string;
  bundle: string;
  /** The room's newest resume token; before the first welcome, none. */
  resume: string | undefined;
}

const key = (match: string) => `bellhop.seat.${match}`;

export function heldSeat(match: string): HeldSeat | undefined {
  const text = sessionStorage.getItem(key(match));
  return text === null ? undefined : (JSON.parse(text) as HeldSeat);
}

export function holdSeat(seat: HeldSeat): void {
  sessionStorage.setItem(key(seat.match), JSON.stringify(seat));
}

export function dropSeat(match: string): void {
  sessionStorage.removeItem(key(match));
}

export function seatOf(assignment: Assignment): HeldSeat {
  return {
    match: assignment.match_id,
    room: assignment.room_id,
    url: assignment.url,
    seat: assignment.seat ?? 0,
    game: assignment.game,
    bundle: assignment.bundle,
    resume: undefined,
  };
}
