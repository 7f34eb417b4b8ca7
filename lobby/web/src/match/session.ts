/** What who plays and who watches have in common: a socket to a room, a client that understands it, and a mounted game. */
import { signal } from "@preact/signals";
import type { Change, GameClient, GameModule, GameSession, Link, News, SeatInfo, Verdict } from "../game-api.ts";
import { language } from "../i18n/index.ts";
import { announce } from "../store.ts";
import { openBundle } from "./bundle.ts";
import { Lines } from "./lines.ts";
import { closeOf, type Closed, openSocket } from "./socket.ts";

const HOUSEKEEPING_MS = 100;

export abstract class RoomSession implements GameSession {
  readonly state = signal<Link>("connecting");
  readonly pausedNow = signal(false);
  readonly roster = signal<readonly SeatInfo[]>([]);
  readonly module = signal<GameModule | undefined>(undefined);
  readonly game = signal<string | undefined>(undefined);
  readonly lines = new Lines();
  abstract readonly watching: boolean;
  abstract readonly seat: number;
  config: unknown = undefined;
  tickRate = 0;

  protected client: GameClient | undefined;
  protected socket: WebSocket | undefined;
  protected lastHeard = 0;
  /** Aborted when this is of no use any more. */
  protected readonly stopped = new AbortController();
  /** The bundle that the client came from. */
  #loaded: string | undefined;
  #listeners = new Set<(change: Change) => void>();

  constructor(readonly match: string) {
    const { signal } = this.stopped;
    addEventListener("offline", () => this.socket?.close(), { signal });
    document.addEventListener("visibilitychange", () => this.shown(!document.hidden), { signal });
    const timer = setInterval(() => this.housekeeping(), HOUSEKEEPING_MS);
    signal.addEventListener("abort", () => clearInterval(timer));
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
    return this.client?.view(nowMs);
  }

  since(from: number): Int32Array {
    return this.client?.since(from) ?? new Int32Array();
  }

  abstract setInput(value: unknown): void;
  abstract command(value: unknown): Promise<Verdict>;

  listen(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  announce(text: string, urgent = false): void {
    announce(text, urgent);
  }

  // What the page does with it.

  stats() {
    return this.client?.stats(performance.now());
  }

  /** Sends what is due. */
  flush(): void {
    if (this.client !== undefined && this.isOpen) {
      for (const frame of this.client.outgoing(performance.now())) {
        this.send(frame);
      }
    }
  }

  /** Lets go of everything. */
  close(): void {
    this.stopped.abort();
    this.socket?.close();
    this.#listeners.clear();
    this.client?.free?.();
    this.client = undefined;
  }

  // For those who play, and those who watch.

  /** What a frame says; `token` opened the socket that it came from. */
  protected abstract hear(news: News[], token: string): void;
  /** Time passed. */
  protected abstract housekeeping(): void;

  /** Whether the socket is open, and something can be sent. */
  protected get isOpen(): boolean {
    return this.client !== undefined && this.socket?.readyState === WebSocket.OPEN;
  }

  protected send(frame: Uint8Array): void {
    if (this.isOpen) {
      this.socket?.send(frame as Uint8Array<ArrayBuffer>);
    }
  }

  protected emit(change: Change): void {
    for (const listener of this.#listeners) {
      listener(change);
    }
  }

  protected to(state: Link): void {
    if (this.state.value !== state) {
      this.state.value = state;
      this.emit({ kind: "link" });
    }
  }

  /** The window came to the front, or went. */
  protected shown(visible: boolean): void {
    this.client?.setVisible(visible);
    this.lastHeard = performance.now();
    this.flush();
  }

  /** News that mean the same to everybody; false for those that do not. */
  protected hearCommon(item: News): boolean {
    switch (item.kind) {
      case "roster":
        this.roster.value = item.players;
        this.emit({ kind: "roster" });
        return true;
      case "event":
        this.emit({ kind: "event", event: item.event });
        return true;
      case "said":
      case "unsaid":
      case "removed":
        this.lines.hear(item, this.roster.value);
        return true;
      case "notice":
        if (item.notice === "draining") {
          return false;
        }
        this.pausedNow.value = item.notice === "paused"; // both other notices say that the clock runs
        this.emit({ kind: "paused" });
        return true;
      default:
        return false;
    }
  }

  /** Whether a client is there that came from another bundle: then only loading the page again helps. */
  protected outgrown(bundle: string): boolean {
    return this.client !== undefined && this.#loaded !== bundle;
  }

  /** Loads a game's bundle, unless it is there; false where it cannot be loaded. */
  protected async load(bundle: string): Promise<boolean> {
    if (this.client !== undefined) {
      return true;
    }
    try {
      const { module, rules } = await openBundle(bundle);
      if (!this.stopped.signal.aborted) {
        this.client = new rules.Client();
        this.client.setVisible(!document.hidden);
        this.#loaded = bundle;
        this.module.value = module;
      }
      return true;
    } catch (error) {
      console.error("the game's bundle could not be loaded", error);
      return false;
    }
  }

  /** Loads the page again, with the game as its room has it. */
  protected reload(): void {
    this.stopped.abort();
    location.reload();
  }

  /** The same where a room does not understand this page, but once: false where that did not help. */
  protected reloadOnce(): boolean {
    if (sessionStorage.getItem(this.#mark) !== null) {
      return false;
    }
    sessionStorage.setItem(this.#mark, "1");
    this.reload();
    return true;
  }

  /** A room let us in: it understands this page. */
  protected understood(): void {
    sessionStorage.removeItem(this.#mark);
  }

  /** Opens a socket with a token and resolves when it has closed. */
  protected async connect(url: string, token: string, created: (socket: WebSocket) => void = () => {}): Promise<Closed> {
    const { client } = this;
    if (client === undefined) {
      return closeOf(false, 0, "");
    }
    const closed = await openSocket(url, token, {
      created,
      open: (socket) => {
        this.socket = socket;
        this.lastHeard = performance.now();
        this.send(client.hello());
      },
      frame: (bytes) => {
        this.lastHeard = performance.now();
        try {
          client.receive(bytes, this.lastHeard);
        } catch (error) {
          console.error("a frame that is none of this game's", error);
          this.socket?.close(); // a fresh socket starts with a keyframe
        }
        this.hear(client.news(), token);
        this.flush(); // a hidden window's timers sleep, its frames do not
      },
    });
    this.socket = undefined;
    return closed;
  }

  get #mark(): string {
    return `bellhop.reloaded.${this.match}`;
  }
}
