/** A ticket, followed from the queue to its match. */
import { signal } from "@preact/signals";
import { ApiError, api } from "../net/api.ts";
import { follow } from "../net/events.ts";
import { readAssignment } from "../net/read.ts";
import type { Assignment, CancelOutcome, Ticket, TicketEvent, TicketState, WaitStatus } from "../net/types.ts";

export type Wait =
  | { phase: "queued"; status: WaitStatus | undefined; requeued: boolean }
  | { phase: "matched"; players: number }
  | { phase: "assigned"; assignment: Assignment }
  | { phase: "playing"; match: string }
  | { phase: "ended"; state: TicketState | "gone"; reason: string; match: string | undefined };

/** Pause before a ticket that could not be asked for is asked for again. */
const AGAIN_MS = 1_000;

export class Following {
  readonly wait = signal<Wait>({ phase: "queued", status: undefined, requeued: false });
  readonly up = signal(true);
  readonly ticket = signal<Ticket | undefined>(undefined);
  /** When the wait began, by this window's clock; corrected by every status. */
  readonly since = signal(performance.now());
  #stop = () => {};
  #following = false;

  /** `made` is the ticket where it is known already; otherwise it is asked for first. */
  constructor(readonly id: string, made: Ticket | undefined) {
    if (made === undefined) {
      void this.#check();
    } else {
      this.#take(made);
    }
  }

  stop(): void {
    this.#stop();
  }

  async cancel(): Promise<CancelOutcome> {
    const outcome = await api.cancelTicket(this.id);
    if (outcome.outcome === "cancelled") {
      this.#end("cancelled", "");
    }
    return outcome;
  }

  /**
   * From here on, events. Never from the start of a ticket that has a past: the assignment in it may be to a room that
   * is gone.
   */
  #follow(after: number): void {
    this.#stop();
    this.#stop = follow(`/v1/tickets/${encodeURIComponent(this.id)}/events?after=${after}`, {
      event: (name, data) => this.#event(name, data),
      link: (up) => {
        this.up.value = up;
        if (!up) {
          void this.#check();
        }
      },
      refused: (error) => this.#end(error.status === 404 ? "gone" : "failed", error.message),
    });
    this.#following = true;
  }

  /** The stream ends with its ticket; what became of it is asked for then. */
  async #check(): Promise<void> {
    try {
      this.#take(await api.ticket(this.id));
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) {
        this.#end("gone", "");
      } else if (!this.#following && this.wait.value.phase === "queued") {
        this.up.value = false;
        this.#stop();
        const timer = setTimeout(() => void this.#check(), AGAIN_MS);
        this.#stop = () => clearTimeout(timer);
      }
    }
  }

  #take(ticket: Ticket): void {
    this.ticket.value = ticket;
    this.since.value = performance.now() - Number(ticket.age_ms ?? 0);
    switch (ticket.state) {
      case "queued":
      case "placing":
        if (!this.#following) {
          const last = Number(ticket.last_event ?? 0);
          this.#follow(last > 1 ? last : 0);
        }
        return;
      case "assigned":
      case "connected":
        // The stream brings the assignment, where it is there; the match's own door has a fresh one.
        if (ticket.match_id && !(this.#following && this.up.value)) {
          this.#playing(ticket.match_id);
        }
        return;
      case "cancelled":
      case "expired":
      case "failed":
      case "done":
        this.#end(ticket.state, ticket.reason ?? "", ticket.match_id);
    }
  }

  #event(name: string, data: unknown): void {
    // The kind's own fields lie in the event, or in the field of that name as in the .proto file.
    const said = data as Record<string, unknown>;
    const event = { ...((said[name] ?? said) as object), kind: name } as TicketEvent;
    const now = this.wait.value;
    if (now.phase === "ended" || now.phase === "assigned") {
      return;
    }
    switch (event.kind) {
      case "queued":
        if (now.phase === "queued") {
          this.wait.value = { ...now, status: { ...now.status, ...event } };
        }
        return;
      case "status":
        if (event.waited_ms !== undefined) {
          this.since.value = performance.now() - Number(event.waited_ms);
        }
        if (now.phase === "queued") {
          this.wait.value = { ...now, status: event };
        }
        return;
      case "matched":
        this.wait.value = { phase: "matched", players: event.players };
        return;
      case "requeued":
        this.wait.value = { phase: "queued", status: undefined, requeued: true };
        return;
      case "assigned":
        this.wait.value = { phase: "assigned", assignment: readAssignment(event) };
        this.stop();
        return;
      case "connected":
        this.#playing(event.match_id);
        return;
      case "ended":
        this.#end(event.state, event.reason ?? "", event.match_id);
        return;
    }
  }

  #playing(match: string): void {
    if (this.wait.value.phase !== "assigned") {
      this.wait.value = { phase: "playing", match };
      this.stop();
    }
  }

  #end(state: TicketState | "gone", reason: string, match?: string): void {
    this.stop();
    if (this.wait.value.phase !== "ended") {
      this.wait.value = { phase: "ended", state, reason, match: match === "" ? undefined : match };
    }
  }
}
