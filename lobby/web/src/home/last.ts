/** What this browser played before: the queue that Enter plays, and the last results of each player. */
const QUEUE = "bellhop.queue";
const matches = (player: string) => `bellhop.matches.${player}`;
const KEPT = 5;

export interface PastMatch {
  id: string;
  game: string;
  at: number;
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

export function pastMatches(player: string): PastMatch[] {
  const text = localStorage.getItem(matches(player));
  return text === null ? [] : (JSON.parse(text) as PastMatch[]);
}

export function rememberMatch(player: string, match: PastMatch): void {
  const kept = [match, ...pastMatches(player).filter((one) => one.id !== match.id)].slice(0, KEPT);
  localStorage.setItem(matches(player), JSON.stringify(kept));
}
