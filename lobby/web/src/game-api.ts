/**
 * What the page and a game's page part say to each other.
 *
 * A game's bundle is an ES module (`/games/<hash>/index.js`) that exports a {@link GameModule}, and beside it the game's
 * rules as WebAssembly (`client.js`, `client_bg.wasm`). The page loads both, and owns the socket, resuming, connection
 * states, leaving, the net panel, the result and replays; the game draws and reads input.
 */
export interface GameModule<View = unknown, Input = unknown, Command = unknown, Event = unknown> {
  /** Draws the match into `root`, which is empty, until {@link Mounted.unmount}. */
  mount(root: HTMLElement, session: GameSession<View, Input, Command, Event>): Mounted;
  /** All play together: nobody wins, and what stands on the board is the result. */
  together?: boolean;
}

/** The wasm class `Client`: decodes, predicts and interpolates; knows no socket and no clock. */
export interface GameClient<View = unknown, Input = unknown, Command = unknown, Event = unknown> {
  /** Hash over the wire schema. */
  schema(): string;
  /** The first frame after a socket has opened; also after a reconnect. */
  hello(): Uint8Array;
  receive(bytes: Uint8Array, nowMs: number): void;
  /** What happened since the last call. */
  news(): News<Event>[];
  /** Frames that are due now: inputs, acknowledgements, pings. */
  outgoing(nowMs: number): Uint8Array[];
  setInput(value: Input): void;
  /** Queues a command and gives its id, which comes back in `accepted` or `refused`. */
  command(value: Command): number;
  /** What to draw now; undefined before the first keyframe. */
  view(nowMs: number): View | undefined;
  /** What is new in the view's log after its first `from` entries, for games that have one. */
  since(from: number): Int32Array;
  stats(nowMs: number): NetStats;
  resumeToken(): string | undefined;
  leave(): Uint8Array;
  /** The message that writes a line to all. */
  say(text: string): Uint8Array;
  setVisible(visible: boolean): void;
  /** Frees the WebAssembly memory. */
  free?(): void;
}

export interface NetStats {
  /** Smoothed; 0 before the first answer. */
  pingMs: number;
  jitterMs: number;
  /** How old the newest state is. */
  ageMs: number;
  tick: number;
  frames: number;
  bytes: number;
  /** How often this side's view was not the room's. */
  desyncs: number;
}

export type Presence = "reserved" | "live" | "dropped" | "left";

export interface SeatInfo {
  seat: number;
  name: string;
  tag: string;
  presence: Presence;
  team: number;
}

export interface SeatResult {
  seat: number;
  /** 1 is first; equal ranks are a draw. */
  rank: number;
  score: number;
}

export type News<Event = unknown> =
  | { kind: "welcome"; seat: number; tickRate: number; players: SeatInfo[]; chat: boolean; config: unknown }
  | { kind: "watching"; tickRate: number; players: SeatInfo[]; delayMs: number; matchMs: number; config: unknown }
  | { kind: "said"; seat: number; text: string }
  | { kind: "unsaid"; reason: string }
  | { kind: "removed"; seat: number; reason: string }
  | { kind: "roster"; players: SeatInfo[] }
  | { kind: "event"; event: Event }
  | { kind: "accepted"; id: number }
  | { kind: "refused"; id: number; reason: string }
  | { kind: "notice"; notice: "draining" | "paused" | "resumed" | "started"; withinMs?: number | null }
  | { kind: "ended"; results: SeatResult[]; reason: string; rated: boolean };

/** How the connection is; the page says it in words, the game may dim its board. */
export type Link = "connecting" | "live" | "unstable" | "reconnecting" | "draining" | "ended";

/** What a mounted game may use. Values are read when needed; {@link GameSession.listen} tells of changes. */
export interface GameSession<View = unknown, Input = unknown, Command = unknown, Event = unknown> {
  /** The caller's own seat; -1 for who watches a match that runs. */
  readonly seat: number;
  readonly players: readonly SeatInfo[];
  readonly config: unknown;
  /** Steps a second; 0: event-driven. */
  readonly tickRate: number;
  readonly link: Link;
  /** True while the room holds its clock because nobody is there. */
  readonly paused: boolean;
  /**
   * True where nobody plays here, and there is nothing to offer: in a replay, where `seat` is whose eyes are looked
   * through, and for spectators, who have none (-1) and are shown what the rules show to spectators.
   */
  readonly watching: boolean;
  /** Two letters, as in `en`. */
  readonly locale: string;
  readonly reducedMotion: boolean;
  view(nowMs: number): View | undefined;
  /** What is new in the view's log after its first `from` entries, for games that have one. */
  since(from: number): Int32Array;
  /** Holds an input; it leaves at once. */
  setInput(value: Input): void;
  /** Sends a command and resolves when the room has judged it. */
  command(value: Command): Promise<Verdict>;
  listen(listener: (change: Change<Event>) => void): () => void;
  /** Says something to a screen reader. */
  announce(text: string, urgent?: boolean): void;
}

export type Verdict = { ok: true } | { ok: false; reason: string };

export type Change<Event = unknown> =
  | { kind: "frame" }
  | { kind: "roster" }
  | { kind: "link" }
  | { kind: "paused" }
  | { kind: "event"; event: Event }
  | { kind: "ended"; results: SeatResult[] };

export interface Mounted {
  /** Takes the keyboard's focus when the match comes up and when a dialog closes. */
  focus?(): void;
  unmount(): void;
}
