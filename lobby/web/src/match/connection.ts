/**
 * One match, from the page's side: the socket, coming back, and what the mounted game is told.
 *
 * The seat survives its socket: a broken one is replaced with the room's resume token, and where that is refused with a
 * fresh one from the lobby. Only a close that says so ends the match here.
 */
import { signal } from "@preact/signals";
import type { News, SeatResult, Verdict } from "../game-api.ts";
import { ApiError, api } from "../net/api.ts";
import type { Assignment } from "../net/types.ts";
import { dropSeat, type HeldSeat, heldSeat, holdSeat, seatOf } from "./seat.ts";
import { RoomSession } from "./session.ts";
import { Close, type Closed, closeOf } from "./socket.ts";

/** How long the room holds a dropped seat: games that run by a clock, and games that wait for moves. */
const HELD_MS = 30_000;
const HELD_TURN_BASED_MS = 300_000;
/** Pauses between attempts; the longest keeps "back within 2 s of the gateway's return". */
const PAUSES_MS = [0, 250, 500, 1_000];
/** Silence after which the state is called unstable, and after which the socket counts as dead. */
const UNSTABLE_MS = 1_500;
const DEAD_MS = 6_000;
const SLOW_PING_MS = 400;

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

export class MatchConnection extends RoomSession {
  readonly phase = signal<Phase>({ name: "opening", what: "seat" });
  /** While reconnecting: until when the room holds the seat. By performance.now(). */
  readonly heldUntil = signal<number | undefined>(undefined);
  readonly drainUntil = signal<number | undefined>(undefined);
  readonly watching = false;
  resumes = 0;
  room = "";
  seat = 0;

  #held: HeldSeat | undefined;
  #verdicts = new Map<number, (verdict: Verdict) => void>();
  #seated = false;
  /** The token whose socket was welcomed last. */
  #welcomedOn: string | undefined;
  #hurry: () => void = () => {};

  constructor(match: string, assignment: Assignment | undefined) {
    super(match);
    const { signal } = this.stopped;
    addEventListener("online", () => this.#comeBackNow(), { signal });
    addEventListener("pagehide", () => this.#keep(), { signal });
    void this.#run(assignment);
  }

  setInput(value: unknown): void {
    this.client?.setInput(value);
    this.flush();
  }

  command(value: unknown): Promise<Verdict> {
    const { client } = this;
    if (client === undefined) {
      return Promise.resolve({ ok: false, reason: "not connected yet" });
    }
    const id = client.command(value);
    this.flush();
    return new Promise((resolve) => this.#verdicts.set(id, resolve));
  }

  // What the page does with it.

  /** Writes a line to all. */
  say(text: string): void {
    if (this.client !== undefined && this.isOpen) {
      this.send(this.client.say(text));
    }
  }

  /** Gives the seat up at once. */
  leave(): void {
    const told = this.isOpen;
    if (this.client !== undefined && told) {
      this.flush();
      this.send(this.client.leave());
    }
    dropSeat(this.match);
    this.#finish({ name: "left", told });
  }

  /** Takes the seat back from another window, or tries again after a failure. */
  again(): void {
    this.phase.value = { name: "opening", what: "seat" };
    this.to("connecting");
    dropSeat(this.match);
    void this.#run(undefined);
  }

  /** Lets go of everything without giving the seat up. */
  override close(): void {
    this.#keep();
    super.close();
    this.#hurry();
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
    if (token === undefined || this.#held === undefined || !(await this.#open(this.#held))) {
      return;
    }
    await this.#stay(token);
  }

  /** Keeps a socket open until the match is over, or is over for us. */
  async #stay(first: string): Promise<void> {
    let token: string | undefined = first;
    let failures = 0;
    while (!this.stopped.signal.aborted) {
      if (token !== undefined) {
        const closed = await this.#connect(token);
        if (this.stopped.signal.aborted || this.#settle(closed)) {
          return;
        }
        // A room that opens and closes at once counts as a failure, or this would spin.
        failures = this.#welcomedOn === token ? 0 : failures + 1;
        if (closed.opened) {
          this.#lost();
          token = this.client?.resumeToken();
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
        token = this.client?.resumeToken() ?? this.#held?.resume;
      }
    }
  }

  /** Has the game there that the seat is for. */
  async #open(held: HeldSeat): Promise<boolean> {
    this.game.value = held.game;
    this.room = held.room;
    if (this.client !== undefined) {
      return true;
    }
    this.phase.value = { name: "opening", what: "game" };
    if (!(await this.load(held.bundle))) {
      this.phase.value = { name: "no-bundle" };
      return false;
    }
    this.phase.value = { name: "opening", what: "room" };
    return !this.stopped.signal.aborted;
  }

  /** A fresh token for the held seat; undefined where nobody answers, or where there is no seat any more. */
  async #freshSeat(): Promise<string | undefined> {
    try {
      const assignment = await api.seat(this.match);
      this.#held = seatOf(assignment);
      if (this.outgrown(assignment.bundle)) {
        this.#startAnew(); // it goes on in a room with a newer page part
        return undefined;
      }
      return assignment.token;
    } catch (error) {
      if (error instanceof ApiError && !error.away && error.status !== 429) {
        dropSeat(this.match);
        this.#finish(this.#seated ? { name: "gone" } : { name: "no-seat" });
      } else if (this.phase.value.name === "opening" && !this.stopped.signal.aborted) {
        await this.#pause(PAUSES_MS.length);
        return this.stopped.signal.aborted ? undefined : this.#freshSeat();
      }
      return undefined;
    }
  }

  #connect(token: string): Promise<Closed> {
    return this.#held === undefined
      ? Promise.resolve(closeOf(false, 0, ""))
      : this.connect(this.#held.url, token, (socket) => {
          this.#hurry = () => socket.readyState === WebSocket.CONNECTING && socket.close();
        });
  }

  /** Whether this close was the last one. */
  #settle(closed: Closed): boolean {
    switch (closed.code) {
      case Close.Normal:
      case Close.MatchOver:
        this.#finish({ name: "ended", results: undefined, reason: closed.reason });
        return true;
      case Close.Superseded:
        this.#keep();
        this.phase.value = { name: "superseded" };
        this.to("ended");
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
    this.heldUntil.value ??= this.lastHeard + (this.tickRate === 0 ? HELD_TURN_BASED_MS : HELD_MS);
    this.to("reconnecting");
  }

  /** A new page part may speak what this one does not. */
  #outdated(): void {
    dropSeat(this.match);
    if (!this.reloadOnce()) {
      this.#finish({ name: "outdated" });
    }
  }

  /** With the page loaded anew; the lobby gives the way back to the seat. */
  #startAnew(): void {
    dropSeat(this.match);
    this.reload();
  }

  #finish(phase: Phase): void {
    if (this.phase.value.name !== "ended") {
      this.phase.value = phase;
    }
    this.heldUntil.value = undefined;
    this.to("ended");
    if (phase.name === "ended") {
      dropSeat(this.match);
    }
  }

  // While it runs.

  protected override hear(news: News[], token: string): void {
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
        case "accepted":
          this.#judge(item.id, { ok: true });
          break;
        case "refused":
          this.#judge(item.id, { ok: false, reason: item.reason });
          break;
        case "ended":
          this.#finish({ name: "ended", results: item.results, reason: item.reason });
          this.emit({ kind: "ended", results: item.results });
          break;
        default:
          if (!this.hearCommon(item) && item.kind === "notice") {
            this.drainUntil.value = performance.now() + (item.withinMs ?? 0);
            this.to("draining");
          }
      }
    }
    this.emit({ kind: "frame" });
  }

  #welcomed(): void {
    if (this.#seated) {
      this.resumes += 1;
    }
    this.#seated = true;
    this.heldUntil.value = undefined;
    this.understood();
    if (this.phase.value.name === "opening") {
      this.phase.value = { name: "playing" };
    }
    this.#keep();
    this.to(this.drainUntil.value === undefined ? "live" : "draining");
    this.emit({ kind: "roster" });
  }

  #judge(id: number, verdict: Verdict): void {
    this.#verdicts.get(id)?.(verdict);
    this.#verdicts.delete(id);
  }

  protected override housekeeping(): void {
    this.flush();
    if (this.socket === undefined || document.hidden || !["live", "unstable"].includes(this.state.value)) {
      return;
    }
    const silent = performance.now() - this.lastHeard;
    if (silent > DEAD_MS) {
      this.socket.close();
      return;
    }
    const ping = this.stats()?.pingMs ?? 0;
    this.to(silent > UNSTABLE_MS || ping > SLOW_PING_MS ? "unstable" : "live");
  }

  protected override shown(visible: boolean): void {
    super.shown(visible);
    if (visible) {
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
    const resume = this.client?.resumeToken();
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
