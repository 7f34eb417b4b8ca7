/**
 * A match that others play, from the page's side. Who watches has no seat and nothing to lose: every broken socket is
 * replaced by asking the lobby anew, which knows in what room the match is by then.
 */
import { signal } from "@preact/signals";
import type { News, SeatResult, Verdict } from "../game-api.ts";
import { RoomSession } from "../match/session.ts";
import { Close, type Closed } from "../match/socket.ts";
import { ApiError, api } from "../net/api.ts";
import type { WatchPass } from "../net/types.ts";

/** Pauses between attempts; while there is no place, one of its own. */
const PAUSES_MS = [0, 500, 1_000, 2_000];
const FULL_PAUSE_MS = 3_000;
/** Silence after which the socket counts as dead. A room answers the pings of every two seconds. */
const DEAD_MS = 8_000;
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

export class WatchConnection extends RoomSession {
  readonly phase = signal<WatchPhase>({ name: "opening", what: "match" });
  readonly delayMs = signal(0);
  readonly watching = true;
  readonly seat = NOBODY;

  #welcomed = false;

  constructor(match: string) {
    super(match);
    void this.#run();
  }

  setInput(): void {
    // Who watches holds nothing.
  }

  command(): Promise<Verdict> {
    return Promise.resolve({ ok: false, reason: "" });
  }

  /** Looks again, after another window took over. */
  again(): void {
    this.phase.value = { name: "opening", what: "match" };
    void this.#run();
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.stopped.signal.aborted) {
      const pass = await this.#ask();
      if (pass === "done" || this.stopped.signal.aborted) {
        return;
      }
      if (typeof pass === "object") {
        this.game.value = pass.game;
        if (this.outgrown(pass.bundle)) {
          this.reload(); // it goes on in a room with a newer page part
          return;
        }
        if (!(await this.#open(pass))) {
          return;
        }
        this.#welcomed = false;
        const closed = await this.connect(pass.url, pass.token);
        if (this.stopped.signal.aborted || this.#settle(closed)) {
          return;
        }
        failures = this.#welcomed ? 0 : failures + 1;
        this.to("reconnecting");
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

  /** Has the game there that the pass is for. */
  async #open(pass: WatchPass): Promise<boolean> {
    if (this.client !== undefined) {
      return true;
    }
    this.phase.value = { name: "opening", what: "game" };
    if (!(await this.load(pass.bundle))) {
      this.#finish({ name: "no-bundle" });
      return false;
    }
    this.phase.value = { name: "opening", what: "room" };
    return !this.stopped.signal.aborted;
  }

  /** Whether this close was the last one. */
  #settle(closed: Closed): boolean {
    switch (closed.code) {
      case Close.Normal:
      case Close.MatchOver:
        this.#finish({ name: "over" });
        return true;
      case Close.Superseded:
        this.#finish({ name: "superseded" });
        return true;
      case Close.WrongSchema:
        if (!this.reloadOnce()) {
          this.#finish({ name: "outdated" });
        }
        return true;
      default:
        return this.phase.value.name === "ended";
    }
  }

  protected override hear(news: News[]): void {
    for (const item of news) {
      if (item.kind === "watching") {
        this.tickRate = item.tickRate;
        this.config = item.config;
        this.delayMs.value = item.delayMs;
        this.roster.value = item.players;
        this.#welcomed = true;
        this.understood();
        if (this.phase.value.name !== "watching") {
          this.phase.value = { name: "early" };
        }
        this.to("live");
        this.emit({ kind: "roster" });
      } else if (item.kind === "ended") {
        this.#finish({ name: "ended", results: item.results, reason: item.reason });
        this.emit({ kind: "ended", results: item.results });
      } else {
        this.hearCommon(item);
      }
    }
    if (this.phase.value.name === "early" && this.view(performance.now()) !== undefined) {
      this.phase.value = { name: "watching" };
    }
    this.emit({ kind: "frame" });
  }

  #finish(phase: WatchPhase): void {
    if (this.phase.value.name !== "ended") {
      this.phase.value = phase;
    }
    this.to("ended");
  }

  protected override housekeeping(): void {
    this.flush();
    if (!document.hidden && performance.now() - this.lastHeard > DEAD_MS) {
      this.socket?.close();
    }
  }
}
