/**
 * From what the doors say to what the page means. Proto3's JSON may leave out a field that has its default and writes
 * 64-bit numbers as text; here every field is there and every number is one.
 */
import type {
  Assignment, Match, OpenGame, OpenGames, Player, Queue, Ticket, Watchable, WatchableMatch, WatchPass,
} from "./types.ts";

type Said<T> = { [K in keyof T]?: unknown };

function number(value: unknown): number {
  return Number(value ?? 0);
}

function maybe(value: unknown): number | undefined {
  return value === undefined || value === null ? undefined : Number(value);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function list<T>(value: unknown, read: (one: Said<T>) => T): T[] {
  return Array.isArray(value) ? value.map(read) : [];
}

export function readQueue(said: Said<Queue>): Queue {
  return {
    ...(said as Queue),
    title: text(said.title),
    min_players: number(said.min_players),
    max_players: number(said.max_players),
    waiting: number(said.waiting),
    playing: number(said.playing),
    eta_p50_ms: maybe(said.eta_p50_ms),
    eta_p90_ms: maybe(said.eta_p90_ms),
    open_games: said.open_games === true,
    config_json: text(said.config_json),
    watch: said.watch === true,
    listed: said.listed === true,
  };
}

export function readTicket(said: Said<Ticket>): Ticket {
  return {
    ...(said as Ticket),
    match_id: text(said.match_id),
    last_event: number(said.last_event),
    age_ms: number(said.age_ms),
    open: said.open === true,
    reason: text(said.reason),
  };
}

export function readPlayer(said: Said<Player>): Player {
  const ratings = list<NonNullable<Player["ratings"]>[number]>(said.ratings, (one) => ({
    game: text(one.game),
    rating: number(one.rating),
    deviation: number(one.deviation),
    matches: number(one.matches),
  }));
  return { ...(said as Player), tag: text(said.tag), login: text(said.login), ratings };
}

export function readOpenGames(said: Said<OpenGames>): OpenGames {
  const games = list<OpenGame>(said.games, (one) => ({
    ...(one as OpenGame),
    creator_tag: text(one.creator_tag),
    creator_rating: number(one.creator_rating),
    age_ms: number(one.age_ms),
    config_json: text(one.config_json),
  }));
  return { games, next_page_token: text(said.next_page_token), total: number(said.total) };
}

export function readWatchable(said: Said<Watchable>): Watchable {
  const matches = list<WatchableMatch>(said.matches, (one) => ({
    match_id: text(one.match_id),
    queue: text(one.queue),
    game: text(one.game),
    players: list<WatchableMatch["players"][number]>(one.players, (player) => ({ name: text(player.name), tag: text(player.tag) })),
    playing: number(one.playing),
    age_ms: number(one.age_ms),
    delay_ms: number(one.delay_ms),
    spectators: number(one.spectators),
    max_spectators: number(one.max_spectators),
  }));
  return { matches, next_page_token: text(said.next_page_token), total: number(said.total) };
}

export function readMatch(said: Said<Match>): Match {
  const seats = list<NonNullable<Match["seats"]>[number]>(said.seats, (one) => ({
    seat: number(one.seat),
    player_id: text(one.player_id),
    name: text(one.name),
    tag: text(one.tag),
    rank: number(one.rank),
    score: number(one.score),
    rating_before: number(one.rating_before),
    rating_after: number(one.rating_after),
    presence: text(one.presence),
  }));
  return { ...(said as Match), seats, reason: text(said.reason), duration_ms: number(said.duration_ms) };
}

export function readAssignment(said: Said<Assignment>): Assignment {
  return { ...(said as Assignment), seat: number(said.seat) };
}

export function readWatchPass(said: Said<WatchPass>): WatchPass {
  return {
    ...(said as WatchPass),
    delay_ms: number(said.delay_ms),
    spectators: number(said.spectators),
    max_spectators: number(said.max_spectators),
  };
}
