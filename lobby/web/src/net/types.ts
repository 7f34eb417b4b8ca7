/** The JSON doors' answers: the fields of proto/bellhop/v1 in snake_case, enums as lower-case words. */

export interface Rating {
  game: string;
  rating: number;
  deviation: number;
  matches: number;
}

export interface CurrentMatch {
  match_id: string;
  game: string;
  queue: string;
}

export interface Player {
  id: string;
  name: string;
  tag: string;
  login?: string;
  ratings?: Rating[];
  current_match?: CurrentMatch | null;
  current_ticket_id?: string;
}

export interface Session {
  token: string;
  player: Player;
}

export interface Queue {
  name: string;
  game: string;
  title: string;
  min_players: number;
  max_players: number;
  waiting: number;
  playing: number;
  eta_p50_ms?: number | null | undefined;
  eta_p90_ms?: number | null | undefined;
  open_games: boolean;
  config_json: string;
  watch: boolean;
  listed: boolean;
}

export type TicketState =
  | "queued"
  | "placing"
  | "assigned"
  | "connected"
  | "cancelled"
  | "expired"
  | "failed"
  | "done";

export interface Ticket {
  id: string;
  queue: string;
  state: TicketState;
  match_id?: string;
  last_event: number;
  age_ms: number;
  open: boolean;
  reason?: string;
}

export interface Assignment {
  match_id: string;
  room_id: string;
  url: string;
  token: string;
  seat: number;
  game: string;
  bundle: string;
}

export interface WatchPass {
  match_id: string;
  room_id: string;
  url: string;
  token: string;
  game: string;
  bundle: string;
  delay_ms: number;
  spectators: number;
  max_spectators: number;
}

export interface WatchableMatch {
  match_id: string;
  queue: string;
  game: string;
  /** The first few. */
  players: { name: string; tag: string }[];
  playing: number;
  age_ms: number;
  delay_ms: number;
  spectators: number;
  max_spectators: number;
}

export interface Watchable {
  matches: WatchableMatch[];
  next_page_token: string;
  total: number;
}

export interface OpenGame {
  ticket_id: string;
  queue: string;
  game: string;
  creator_name: string;
  creator_tag: string;
  creator_rating: number;
  age_ms: number;
  config_json: string;
}

export interface OpenGames {
  games?: OpenGame[];
  next_page_token?: string;
  total: number;
}

export interface CancelOutcome {
  outcome: "cancelled" | "already_matched" | "already_ended";
  match_id?: string;
}

export interface MatchSeat {
  seat: number;
  player_id: string;
  name: string;
  tag: string;
  rank?: number;
  score?: number;
  rating_before?: number;
  rating_after?: number;
  presence?: string;
}

export interface Match {
  id: string;
  queue: string;
  game: string;
  state: "placing" | "playing" | "ended" | "lost";
  seats?: MatchSeat[];
  reason?: string;
  duration_ms?: number;
  events_json?: string[];
}

export interface WaitStatus {
  waited_ms?: number;
  eta_p50_ms?: number | null | undefined;
  eta_p90_ms?: number | null | undefined;
  waiting?: number;
  why?: string;
  why_text?: string;
}

export type TicketEvent =
  | { kind: "queued"; eta_p50_ms?: number | null | undefined; eta_p90_ms?: number | null }
  | { kind: "matched"; match_id: string; players: number }
  | ({ kind: "assigned" } & Assignment)
  | { kind: "connected"; match_id: string }
  | { kind: "requeued"; reason: string }
  | { kind: "ended"; state: TicketState; reason: string; match_id?: string }
  | ({ kind: "status" } & WaitStatus);
