/**
 * One match, from the page's side: the socket, coming back, and what the mounted game is told.
 *
 * The seat survives its socket: a broken one is replaced with the room's resume token, and where that is refused with a
 * fresh one from the lobby. Only a close that says so ends the match here.
 */
import { signal } from "@preact/signals";
import type {
  Change, GameClient, GameModule, GameSession, Link, News, SeatInfo, SeatResult, Verdict,
} from "../game-api.ts";
import { language } from "../i18n/index.ts";
import { ApiError, api } from "../net/api.ts";
import type { Assignment } from "../net/types.ts";
import { announce } from "../store.ts";
import { openBundle } from "./bundle.ts";
import { Lines } from "./lines.ts";
import { Close, closeOf, type Closed, openSocket } from "./socket.ts";
import { dropSeat, type HeldSeat, heldSeat, holdSeat, seatOf } from "./seat.ts";

/** How long the room holds a dropped seat: games that run by a clock, and games that wait for moves. */
const HELD_MS = 30_000;
const HELD_TURN_BASED_MS = 300_000;
/** Pauses between attempts; the longest keeps "back within 2 s of the gateway's return". */
const PAUSES_MS = [0, 250, 500, 1_000];
/** Silence after which the state is called unstable, and after which the socket counts as dead. */
const UNSTABLE_MS = 1_500;
const DEAD_MS = 6_000;
const SLOW_PING_MS = 400;
const HOUSEKEEPING_MS = 100;

export type Phase =
  | { name: "opening"; what: "seat" | "game" | "room" }
  | { name: "playing" }
  | { name: "ended"; results: SeatResult[] | undefined; reason: string }
  | { name: "superseded" }
  | { name: "released"; reason: string }
  | { name: "kicked"; reason: string }
  | { name: "outdated" }
  | { name: "no-seat" }
  | { name: "no-bundle" }
  /** The room is gone; the lobby knows what comes next. */
  | { name: "gone" }
  | { name: "left"; told: boolean };

export class MatchConnection implements GameSession {
  readonly phase = signal<Phase>({ name: "opening", what: "seat" });
  readonly state = signal<Link>("connecting");
  /** While reconnecting: until when the room holds the seat. By performance.now(). */
  readonly heldUntil = signal<number | undefined>(undefined);
  readonly drainUntil = signal<number | undefined>(undefined);
  readonly pausedNow = signal(false);
  readonly roster = signal<readonly SeatInfo[]>([]);
  readonly module = signal<GameModule | undefined>(undefined);
  readonly game = signal<string | undefined>(undefined);
  readonly watching = false;
  readonly lines = new Lines();
  resumes = 0;
  room = "";
  seat = 0;
  config: unknown = undefined;
  tickRate = 0;

  #client: GameClient | undefined;
  /** The bundle it came from. */
  #loaded = "";
  #socket: WebSocket | undefined;
  #held: HeldSeat | undefined;
  #listeners = new Set<(change: Change) => void>();
  #verdicts = new Map<number, (verdict: Verdict) => void>();
  #stopped = new AbortController();
  #lastHeard = 0;
  #seated = false;
  /** The token whose socket was welcomed last. */
  #welcomedOn: string | undefined;
  #hurry: () => void = () => {};

  constructor(readonly match: string, assignment: Assignment | undefined) {
    const signal = this.#stopped.signal;
    addEventListener("online", () => this.#comeBackNow(), { signal });
    addEventListener("offline", () => this.#socket?.close(), { signal });
    addEventListener("pagehide", () => this.#keep(), { signal });
    document.addEventListener("visibilitychange", () => this.#visibility(), { signal });
    const timer = setInterval(() => this.#housekeeping(), HOUSEKEEPING_MS);
    signal.addEventListener("abort", () => clearInterval(timer));
    void this.#run(assignment);
  }

  // What the mounted game sees.

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

  setInput(value: unknown): void {
    this.#client?.setInput(value);
    this.flush();
  }

  command(value: unknown): Promise<Verdict> {
    const client = this.#client;
    if (client === undefined) {
      return Promise.resolve({ ok: false, reason: "not connected yet" });
    }
    const id = client.command(value);
    this.flush();
    return new Promise((resolve) => this.#verdicts.set(id, resolve));
  }

  listen(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  announce(text: string, urgent = false): void {
    announce(text, urgent);
  }

  // What the page does with it.

  stats() {
    return this.#client?.stats(performance.now());
  }

  /** Sends what is due. */
  flush(): void {
    const socket = this.#socket;
    if (this.#client === undefined || socket?.readyState !== WebSocket.OPEN) {
      return;
    }
    for (const frame of this.#client.outgoing(performance.now())) {
      socket.send(frame as Uint8Array<ArrayBuffer>);
    }
  }

  /** Writes a line to all. */
  say(text: string): void {
    if (this.#client !== undefined && this.#socket?.readyState === WebSocket.OPEN) {
      this.#socket.send(this.#client.say(text) as Uint8Array<ArrayBuffer>);
    }
  }

  /** Gives the seat up at once. */
  leave(): void {
    const told = this.#socket?.readyState === WebSocket.OPEN && this.#client !== undefined;
    if (told && this.#client !== undefined) {
      this.flush();
      this.#socket?.send(this.#client.leave() as Uint8Array<ArrayBuffer>);
    }
    dropSeat(this.match);
    this.#finish({ name: "left", told });
  }

  /** Takes the seat back from another window, or tries again after a failure. */
  again(): void {
    this.phase.value = { name: "opening", what: "seat" };
    this.#to("connecting");
    dropSeat(this.match);
    void this.#run(undefined);
  }

  /** Lets go of everything without giving the seat up. */
  close(): void {
    this.#keep();
    this.#stopped.abort();
    this.#hurry();
    this.#socket?.close();
    this.#client?.free?.();
    this.#client = undefined;
  }

  // The way in.

  async #run(assignment: Assignment | undefined): Promise<void> {
    let token = assignment?.token;
    if (assignment === undefined) {
      this.#held = heldSeat(this.match);
      token = this.#held?.resume;
    } else {
      this.#held = seatOf(assignment);
    }
    const fresh = token === undefined ? await this.#freshSeat() : undefined;
    token ??= fresh;
    if (token === undefined || this.#held === undefined || !(await this.#load(this.#held))) {
      return;
    }
    await this.#stay(token);
  }

  /** Keeps a socket open until the match is over, or is over for us. */
  async #stay(first: string): Promise<void> {
    let token: string | undefined = first;
    let failures = 0;
    while (!this.#stopped.signal.aborted) {
      if (token !== undefined) {
        const closed = await this.#connect(token);
        if (this.#stopped.signal.aborted || this.#settle(closed)) {
          return;
        }
        // A room that opens and closes at once counts as a failure, or this would spin.
        failures = this.#welcomedOn === token ? 0 : failures + 1;
        if (closed.opened) {
          this.#lost();
          token = this.#client?.resumeToken();
          await this.#pause(failures);
          continue;
        }
      }
      // Refused or unreachable: which of the two, only the lobby can tell.
      token = await this.#freshSeat();
      if (this.phase.value.name !== "playing" && this.phase.value.name !== "opening") {
        return;
      }
      if (token === undefined) {
        failures += 1;
        await this.#pause(failures);
        token = this.#client?.resumeToken() ?? this.#held?.resume;
      }
    }
  }

  async #load(held: HeldSeat): Promise<boolean> {
    this.game.value = held.game;
    this.room = held.room;
    if (this.#client !== undefined) {
      return true;
    }
    this.phase.value = { name: "opening", what: "game" };
    try {
      const { module, rules } = await openBundle(held.bundle);
      this.#client = new rules.Client();
      this.#loaded = held.bundle;
      this.module.value = module;
    } catch (error) {
      console.error("the game's bundle could not be loaded", error);
      this.phase.value = { name: "no-bundle" };
      return false;
    }
    if (this.#stopped.signal.aborted) {
      return false;
    }
    this.phase.value = { name: "opening", what: "room" };
    this.#client.setVisible(!document.hidden);
    return true;
  }

  /** A fresh token for the held seat; undefined where nobody answers, or where there is no seat any more. */
  async #freshSeat(): Promise<string | undefined> {
    try {
      const assignment = await api.seat(this.match);
      this.#held = seatOf(assignment);
      if (this.#client !== undefined && assignment.bundle !== this.#loaded) {
        // It goes on in a room with a newer page part.
        this.#reload();
        return undefined;
      }
      return assignment.token;
    } catch (error) {
      if (error instanceof ApiError && !error.away && error.status !== 429) {
        dropSeat(this.match);
        this.#finish(this.#seated ? { name: "gone" } : { name: "no-seat" });
      } else if (this.phase.value.name === "opening" && !this.#stopped.signal.aborted) {
        await this.#pause(PAUSES_MS.length);
        return this.#stopped.signal.aborted ? undefined : this.#freshSeat();
      }
      return undefined;
    }
  }

  async #connect(token: string): Promise<Closed> {
    const held = this.#held;
    const client = this.#client;
    if (held === undefined || client === undefined) {
      return closeOf(false, 0, "");
    }
    return openSocket(held.url, token, {
      open: (socket) => {
        this.#socket = socket;
        this.#lastHeard = performance.now();
        socket.send(client.hello() as Uint8Array<ArrayBuffer>);
      },
      frame: (bytes) => {
        this.#lastHeard = performance.now();
        try {
          client.receive(bytes, this.#lastHeard);
        } catch (error) {
          console.error("a frame that is none of this game's", error);
          this.#socket?.close(); // a fresh socket starts with a keyframe
        }
        this.#news(client.news(), token);
        this.flush(); // a hidden window's timers sleep, its frames do not
      },
      created: (socket) => {
        this.#hurry = () => socket.readyState === WebSocket.CONNECTING && socket.close();
      },
    });
  }

  /** Whether this close was the last one. */
  #settle(closed: Closed): boolean {
    this.#socket = undefined;
    switch (closed.code) {
      case Close.Normal:
      case Close.MatchOver:
        this.#finish({ name: "ended", results: undefined, reason: closed.reason });
        return true;
      case Close.Superseded:
        this.#keep();
        this.phase.value = { name: "superseded" };
        this.#to("ended");
        return true;
      case Close.WrongSchema:
        this.#outdated();
        return true;
      case Close.Released:
        dropSeat(this.match);
        this.#finish({ name: "released", reason: closed.reason });
        return true;
      case Close.Kicked:
        dropSeat(this.match);
        this.#finish({ name: "kicked", reason: closed.reason });
        return true;
      case Close.Drained:
        dropSeat(this.match);
        this.#finish({ name: "gone" });
        return true;
      case Close.Left:
        dropSeat(this.match);
        this.#finish({ name: "left", told: true });
        return true;
      default:
        return this.phase.value.name === "ended";
    }
  }

  #lost(): void {
    this.heldUntil.value ??= this.#lastHeard + (this.tickRate === 0 ? HELD_TURN_BASED_MS : HELD_MS);
    this.#to("reconnecting");
  }

  /** A new page part may speak what this one does not: reload, but only once for a match. */
  #outdated(): void {
    const mark = `bellhop.reloaded.${this.match}`;
    if (sessionStorage.getItem(mark) === null) {
      sessionStorage.setItem(mark, "1");
      this.#reload();
    } else {
      dropSeat(this.match);
      this.#finish({ name: "outdated" });
    }
  }

  /** Loads the page again, with the game as its room has it; the lobby gives the way back to the seat. */
  #reload(): void {
    this.#stopped.abort();
    dropSeat(this.match);
    location.reload();
  }

  #finish(phase: Phase): void {
    if (this.phase.value.name !== "ended") {
      this.phase.value = phase;
    }
    this.heldUntil.value = undefined;
    this.#to("ended");
    if (phase.name === "ended") {
      dropSeat(this.match);
    }
  }

  // While it runs.

  #news(news: News[], token: string): void {
    for (const item of news) {
      switch (item.kind) {
        case "welcome":
          this.seat = item.seat;
          this.tickRate = item.tickRate;
          this.config = item.config;
          this.roster.value = item.players;
          this.#welcomedOn = token;
          this.lines.open.value = item.chat;
          this.#welcomed();
          break;
        case "roster":
          this.roster.value = item.players;
          this.#emit({ kind: "roster" });
          break;
        case "event":
          this.#emit({ kind: "event", event: item.event });
          break;
        case "accepted":
          this.#judge(item.id, { ok: true });
          break;
        case "refused":
          this.#judge(item.id, { ok: false, reason: item.reason });
          break;
        case "notice":
          this.#noticed(item);
          break;
        case "ended":
          this.#finish({ name: "ended", results: item.results, reason: item.reason });
          this.#emit({ kind: "ended", results: item.results });
          break;
        default:
          this.lines.hear(item, this.roster.value);
      }
    }
    this.#emit({ kind: "frame" });
  }

  #welcomed(): void {
    if (this.#seated) {
      this.resumes += 1;
    }
    this.#seated = true;
    this.heldUntil.value = undefined;
    sessionStorage.removeItem(`bellhop.reloaded.${this.match}`);
    if (this.phase.value.name === "opening") {
      this.phase.value = { name: "playing" };
    }
    this.#keep();
    this.#to(this.drainUntil.value === undefined ? "live" : "draining");
    this.#emit({ kind: "roster" });
  }

  #noticed(item: News & { kind: "notice" }): void {
    if (item.notice === "draining") {
      this.drainUntil.value = performance.now() + (item.withinMs ?? 0);
      this.#to("draining");
    } else {
      this.pausedNow.value = item.notice === "paused"; // both other notices say that the clock runs
      this.#emit({ kind: "paused" });
    }
  }

  #judge(id: number, verdict: Verdict): void {
    this.#verdicts.get(id)?.(verdict);
    this.#verdicts.delete(id);
  }

  #emit(change: Change): void {
    for (const listener of this.#listeners) {
      listener(change);
    }
  }

  #to(state: Link): void {
    if (this.state.value !== state) {
      this.state.value = state;
      this.#emit({ kind: "link" });
    }
  }

  #housekeeping(): void {
    this.flush();
    if (this.#socket === undefined || document.hidden || !["live", "unstable"].includes(this.state.value)) {
      return;
    }
    const silent = performance.now() - this.#lastHeard;
    if (silent > DEAD_MS) {
      this.#socket.close();
      return;
    }
    const ping = this.stats()?.pingMs ?? 0;
    this.#to(silent > UNSTABLE_MS || ping > SLOW_PING_MS ? "unstable" : "live");
  }

  #visibility(): void {
    this.#client?.setVisible(!document.hidden);
    this.#lastHeard = performance.now();
    this.flush();
    if (!document.hidden) {
      this.#comeBackNow();
    }
  }

  #comeBackNow(): void {
    if (this.state.value !== "live") {
      this.#hurry();
    }
  }

  /** Writes down what a reload needs. */
  #keep(): void {
    const resume = this.#client?.resumeToken();
    if (this.#held !== undefined && resume !== undefined && this.phase.value.name === "playing") {
      this.#held.resume = resume;
      holdSeat(this.#held);
    }
  }

  #pause(failures: number): Promise<void> {
    const ms = PAUSES_MS[Math.min(failures, PAUSES_MS.length - 1)] ?? 0;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
