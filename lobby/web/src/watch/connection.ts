/**
 * A match that others play, from the page's side. Who watches has no seat and nothing to lose: every broken socket is
 * replaced by asking the lobby anew, which knows in what room the match is by then.
 */
import { signal } from "@preact/signals";
import type { Change, GameClient, GameModule, GameSession, Link, News, SeatInfo, SeatResult, Verdict } from "../game-api.ts";
import { language } from "../i18n/index.ts";
import { openBundle } from "../match/bundle.ts";
import { Lines } from "../match/lines.ts";
import { Close, type Closed, openSocket } from "../match/socket.ts";
import { ApiError, api } from "../net/api.ts";
import type { WatchPass } from "../net/types.ts";
import { announce } from "../store.ts";

/** Pauses between attempts; while there is no place, one of its own. */
const PAUSES_MS = [0, 500, 1_000, 2_000];
const FULL_PAUSE_MS = 3_000;
/** Silence after which the socket counts as dead. A room answers the pings of every two seconds. */
const DEAD_MS = 8_000;
const HOUSEKEEPING_MS = 100;
/** No seat at all, as a game sees it. */
const NOBODY = -1;

export type WatchPhase =
  | { name: "opening"; what: "match" | "game" | "room" }
  /** All places are taken; the page goes on asking. */
  | { name: "full" }
  /** Let in; the first picture is not old enough to be shown. */
  | { name: "early" }
  | { name: "watching" }
  | { name: "ended"; results: SeatResult[]; reason: string }
  /** It was over before anything was seen, or was cut. */
  | { name: "over" }
  | { name: "unknown" | "closed" | "superseded" | "outdated" | "no-bundle" };

export class WatchConnection implements GameSession {
  readonly phase = signal<WatchPhase>({ name: "opening", what: "match" });
  readonly state = signal<Link>("connecting");
  readonly pausedNow = signal(false);
  readonly roster = signal<readonly SeatInfo[]>([]);
  readonly module = signal<GameModule | undefined>(undefined);
  readonly game = signal<string | undefined>(undefined);
  readonly delayMs = signal(0);
  readonly lines = new Lines();
  readonly watching = true;
  readonly seat = NOBODY;
  config: unknown = undefined;
  tickRate = 0;

  #client: GameClient | undefined;
  #socket: WebSocket | undefined;
  #listeners = new Set<(change: Change) => void>();
  #stopped = new AbortController();
  #heard = 0;
  #welcomed = false;

  constructor(readonly match: string) {
    const { signal } = this.#stopped;
    addEventListener("offline", () => this.#socket?.close(), { signal });
    document.addEventListener("visibilitychange", () => {
      this.#client?.setVisible(!document.hidden);
      this.#heard = performance.now();
      this.#flush();
    }, { signal });
    const timer = setInterval(() => this.#housekeeping(), HOUSEKEEPING_MS);
    signal.addEventListener("abort", () => clearInterval(timer));
    void this.#run();
  }

  get players(): readonly SeatInfo[] {
    return this.roster.value;
  }
  get link(): Link {
    return this.state.value;
  }
  get paused(): boolean {
    return this.pausedNow.value;
  }
  get locale(): string {
    return language.value;
  }
  get reducedMotion(): boolean {
    return matchMedia("(prefers-reduced-motion: reduce)").matches;
  }
  view(nowMs: number): unknown {
    return this.#client?.view(nowMs);
  }
  since(from: number): Int32Array {
    return this.#client?.since(from) ?? new Int32Array();
  }
  setInput(): void {
    // Who watches holds nothing.
  }
  command(): Promise<Verdict> {
    return Promise.resolve({ ok: false, reason: "" });
  }
  listen(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  announce(text: string, urgent = false): void {
    announce(text, urgent);
  }
  stats() {
    return this.#client?.stats(performance.now());
  }

  /** Looks again, after another window took over. */
  again(): void {
    this.phase.value = { name: "opening", what: "match" };
    void this.#run();
  }

  close(): void {
    this.#stopped.abort();
    this.#socket?.close();
    this.#listeners.clear();
    this.#client?.free?.();
    this.#client = undefined;
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#stopped.signal.aborted) {
      const pass = await this.#ask();
      if (pass === "done") {
        return;
      }
      if (typeof pass === "object") {
        this.game.value = pass.game;
        if (!(await this.#load(pass))) {
          return;
        }
        this.#welcomed = false;
        const closed = await this.#connect(pass);
        if (this.#stopped.signal.aborted || this.#settle(closed)) {
          return;
        }
        failures = this.#welcomed ? 0 : failures + 1;
        this.#to("reconnecting");
      } else if (pass === "later") {
        failures += 1;
      }
      const pause = pass === "full" ? FULL_PAUSE_MS : PAUSES_MS[Math.min(failures, PAUSES_MS.length - 1)];
      await new Promise((done) => setTimeout(done, pause));
    }
  }

  async #ask(): Promise<WatchPass | "full" | "later" | "done"> {
    try {
      return await api.watch(this.match);
    } catch (error) {
      if (!(error instanceof ApiError) || error.away) {
        return "later";
      }
      if (error.status === 429) {
        if (error.word !== "audience-full") {
          return "later";
        }
        this.phase.value = { name: "full" };
        return "full";
      }
      this.#finish(error.word === "match-over" ? { name: "over" } : { name: error.status === 403 ? "closed" : "unknown" });
      return "done";
    }
  }

  async #load(pass: WatchPass): Promise<boolean> {
    if (this.#client !== undefined) {
      return true;
    }
    this.phase.value = { name: "opening", what: "game" };
    try {
      const { module, rules } = await openBundle(pass.bundle);
      this.#client = new rules.Client();
      this.module.value = module;
    } catch (error) {
      console.error("the game's bundle could not be loaded", error);
      this.#finish({ name: "no-bundle" });
      return false;
    }
    this.phase.value = { name: "opening", what: "room" };
    this.#client.setVisible(!document.hidden);
    return !this.#stopped.signal.aborted;
  }

  #connect(pass: WatchPass): Promise<Closed> {
    const client = this.#client;
    return openSocket(pass.url, pass.token, {
      created: () => {},
      open: (socket) => {
        this.#socket = socket;
        this.#heard = performance.now();
        socket.send((client?.hello() ?? new Uint8Array()) as Uint8Array<ArrayBuffer>);
      },
      frame: (bytes) => {
        this.#heard = performance.now();
        try {
          client?.receive(bytes, this.#heard);
        } catch (error) {
          console.error("a frame that is none of this game's", error);
          this.#socket?.close();
        }
        this.#news(client?.news() ?? []);
        this.#flush();
      },
    });
  }

  /** Whether this close was the last one. */
  #settle(closed: Closed): boolean {
    this.#socket = undefined;
    switch (closed.code) {
      case Close.Normal:
      case Close.MatchOver:
        this.#finish({ name: "over" });
        return true;
      case Close.Superseded:
        this.#finish({ name: "superseded" });
        return true;
      case Close.WrongSchema:
        this.#finish({ name: "outdated" });
        return true;
      default:
        return this.phase.value.name === "ended";
    }
  }

  #news(news: News[]): void {
    for (const item of news) {
      switch (item.kind) {
        case "watching":
          this.tickRate = item.tickRate;
          this.config = item.config;
          this.delayMs.value = item.delayMs;
          this.roster.value = item.players;
          this.#welcomed = true;
          if (this.phase.value.name !== "watching") {
            this.phase.value = { name: "early" };
          }
          this.#to("live");
          this.#emit({ kind: "roster" });
          break;
        case "roster":
          this.roster.value = item.players;
          this.#emit({ kind: "roster" });
          break;
        case "event":
          this.#emit({ kind: "event", event: item.event });
          break;
        case "notice":
          if (item.notice !== "draining") {
            this.pausedNow.value = item.notice === "paused";
            this.#emit({ kind: "paused" });
          }
          break;
        case "ended":
          this.#finish({ name: "ended", results: item.results, reason: item.reason });
          this.#emit({ kind: "ended", results: item.results });
          break;
        default:
          this.lines.hear(item, this.roster.value);
      }
    }
    if (this.phase.value.name === "early" && this.#client?.view(performance.now()) !== undefined) {
      this.phase.value = { name: "watching" };
    }
    this.#emit({ kind: "frame" });
  }

  #finish(phase: WatchPhase): void {
    if (this.phase.value.name !== "ended") {
      this.phase.value = phase;
    }
    this.#to("ended");
  }

  #flush(): void {
    const socket = this.#socket;
    if (this.#client === undefined || socket?.readyState !== WebSocket.OPEN) {
      return;
    }
    for (const frame of this.#client.outgoing(performance.now())) {
      socket.send(frame as Uint8Array<ArrayBuffer>);
    }
  }

  #housekeeping(): void {
    this.#flush();
    if (!document.hidden && performance.now() - this.#heard > DEAD_MS) {
      this.#socket?.close();
    }
  }

  #to(state: Link): void {
    if (this.state.value !== state) {
      this.state.value = state;
      this.#emit({ kind: "link" });
    }
  }

  #emit(change: Change): void {
    for (const listener of this.#listeners) {
      listener(change);
    }
  }
}
