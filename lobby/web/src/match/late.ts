/** One direction of a connection over a worse network. It does what TCP does: all arrives, in order, only late. */

export interface Weather {
  /** Both ways together. */
  latencyMs: number;
  /** Up to so much more each way, each time anew. */
  jitterMs: number;
  /** Of a hundred messages, so many are lost on the way and sent again. */
  lossPercent: number;
}

/** Time and chance, handed in. */
export interface World {
  now(): number;
  /** Calls back after so many milliseconds. */
  after(ms: number, then: () => void): void;
  /** 0 to 1. */
  chance(): number;
}

/** A sender waits so long beyond a round trip before it takes a message for lost: what Linux and others wait at least. */
export const RESEND_MS = 200;
/** A message is lost at most so often: with the sliders at their ends it then comes before a connection counts as dead. */
export const MOST_LOSSES = 3;

export class Line {
  #waiting: { due: number; arrive: () => void }[] = [];
  #last = 0;
  #armed = false;

  constructor(readonly world: World, readonly weather: () => Weather) {}

  /** Lets something arrive in its time, and after all that was carried before it. */
  carry(arrive: () => void): void {
    const { latencyMs, jitterMs, lossPercent } = this.weather();
    let late = latencyMs / 2 + this.world.chance() * jitterMs;
    for (let wait = latencyMs + RESEND_MS, times = 0; times < MOST_LOSSES && this.world.chance() * 100 < lossPercent; times += 1) {
      late += wait;
      wait *= 2; // who hears nothing doubles his patience (RFC 6298)
    }
    this.#last = Math.max(this.#last, this.world.now() + late);
    this.#waiting.push({ due: this.#last, arrive });
    this.#arm();
  }

  /** Lets everything arrive that is on its way: what was sent before a connection is closed still arrives. */
  flush(): void {
    for (const { arrive } of this.#waiting.splice(0)) {
      arrive();
    }
  }

  #arm(): void {
    const next = this.#waiting[0];
    if (!this.#armed && next !== undefined) {
      this.#armed = true;
      this.world.after(next.due - this.world.now(), () => this.#deliver());
    }
  }

  #deliver(): void {
    this.#armed = false;
    const now = this.world.now();
    for (let next = this.#waiting[0]; next !== undefined && next.due <= now; next = this.#waiting[0]) {
      this.#waiting.shift();
      next.arrive();
    }
    this.#arm();
  }
}
