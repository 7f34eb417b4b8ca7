/** A match that is over, as its game sees it: the rules play it again from its journal, in this window. */
import { signal } from "@preact/signals";
import type { Change, GameModule, GameSession, Link, SeatInfo, Verdict } from "../game-api.ts";
import { language } from "../i18n/index.ts";
import { openBundle, type Playback } from "../match/bundle.ts";
import { api } from "../net/api.ts";
import { me } from "../store.ts";

export const SPEEDS = [0.5, 1, 2, 4] as const;

export class ReplaySession implements GameSession {
  /** Where it is, in milliseconds of the match. */
  readonly at = signal(0);
  readonly playing = signal(false);
  readonly speed = signal<number>(1);
  readonly players: readonly SeatInfo[];
  readonly config: unknown;
  readonly tickRate: number;
  readonly durationMs: number;
  readonly link: Link = "live";
  readonly watching = true;
  seat: number;

  #playback: Playback;
  #listeners = new Set<(change: Change) => void>();
  #frame = 0;
  #last = 0;

  private constructor(playback: Playback, readonly game: string, readonly module: GameModule, seat: number | undefined) {
    this.#playback = playback;
    // Who came later to a seat than another sits there in the end; all of them are told apart by their seats.
    const seats = new Map(playback.seats().map((one) => [one.seat, one]));
    this.players = [...seats.values()].map((one) => ({ ...one, tag: "", presence: "live" }));
    this.config = playback.config();
    this.tickRate = playback.tickRate();
    this.durationMs = playback.durationMs();
    this.seat = seat !== undefined && seats.has(seat) ? seat : (this.players[0]?.seat ?? 0);
    playback.look(this.seat);
  }

  /** Loads the journal and the rules it was played by. */
  static async open(match: string): Promise<ReplaySession> {
    const [about, { journal, bundle }] = await Promise.all([api.match(match), api.replay(match)]);
    const { module, rules } = await openBundle(bundle);
    const own = about.seats?.find((seat) => seat.player_id === me.value?.id)?.seat;
    return new ReplaySession(new rules.Replay(journal), about.game, module, own);
  }

  get paused(): boolean {
    return !this.playing.value;
  }
  get locale(): string {
    return language.value;
  }
  get reducedMotion(): boolean {
    return matchMedia("(prefers-reduced-motion: reduce)").matches;
  }
  view(): unknown {
    return this.#playback.view();
  }
  since(from: number): Int32Array {
    return this.#playback.since(from);
  }
  setInput(): void {
    // What was played was played.
  }
  command(): Promise<Verdict> {
    return Promise.resolve({ ok: false, reason: "" });
  }
  listen(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  announce(): void {
    // The page says where the replay is.
  }

  play(): void {
    if (this.playing.value) {
      return;
    }
    if (this.at.value >= this.durationMs) {
      this.seek(0);
    }
    this.playing.value = true;
    this.#tell({ kind: "paused" });
    this.#last = performance.now();
    this.#frame = requestAnimationFrame(this.#next);
  }

  pause(): void {
    cancelAnimationFrame(this.#frame);
    this.playing.value = false;
    this.#tell({ kind: "paused" });
  }

  /** Looks through the eyes of another seat. */
  look(seat: number): void {
    this.seat = seat;
    this.#playback.look(seat);
  }

  /** Jumps. */
  seek(ms: number): void {
    this.at.value = Math.min(this.durationMs, Math.max(0, ms));
    this.#playback.seek(this.at.value, true);
    this.#tell({ kind: "frame" });
  }

  close(): void {
    cancelAnimationFrame(this.#frame);
    this.#listeners.clear();
    this.#playback.free();
  }

  #next = (now: number) => {
    this.at.value = Math.min(this.durationMs, this.at.value + (now - this.#last) * this.speed.value);
    this.#last = now;
    this.#playback.seek(this.at.value, false);
    for (const event of this.#playback.events()) {
      this.#tell({ kind: "event", event });
    }
    this.#tell({ kind: "frame" });
    if (this.at.value >= this.durationMs) {
      this.pause();
    } else {
      this.#frame = requestAnimationFrame(this.#next);
    }
  };

  #tell(change: Change): void {
    for (const listener of this.#listeners) {
      listener(change);
    }
  }
}
