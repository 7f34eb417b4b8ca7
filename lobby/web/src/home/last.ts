/** What was played before: the queue that Enter plays, kept by this browser, and a player's last matches, by the lobby. */
import { api } from "../net/api.ts";
import type { Match } from "../net/types.ts";

const QUEUE = "bellhop.queue";
const SHOWN = 5;

export interface PastMatch {
  id: string;
  game: string;
  rank: number;
  of: number;
  draw: boolean;
  change: number;
}

export function lastQueue(): string | null {
  return localStorage.getItem(QUEUE);
}

export function rememberQueue(name: string): void {
  localStorage.setItem(QUEUE, name);
}

/** The newest first. */
export async function pastMatches(player: string): Promise<PastMatch[]> {
  return (await api.myMatches(SHOWN)).flatMap((match) => seenBy(player, match));
}

/** Nothing where the player has no place in the result. */
function seenBy(player: string, match: Match): PastMatch[] {
  const seats = (match.seats ?? []).filter((seat) => seat.rank);
  const own = seats.find((seat) => seat.player_id === player);
  if (own === undefined) {
    return [];
  }
  return [{
    id: match.id,
    game: match.game,
    rank: own.rank ?? 0,
    of: seats.length,
    draw: seats.length > 1 && seats.every((seat) => seat.rank === own.rank),
    change: own.rating_after ? own.rating_after - (own.rating_before ?? 0) : 0,
  }];
}
