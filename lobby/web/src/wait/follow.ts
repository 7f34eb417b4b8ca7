/** A ticket, followed from the queue to its match. */
import { signal } from "@preact/signals";
import { ApiError, api } from "../net/api.ts";
import { follow } from "../net/events.ts";
import type { Assignment, CancelOutcome, Ticket, TicketEvent, TicketState, WaitStatus } from "../net/types.ts";

export type Wait =
  | { phase: "queued"; status: WaitStatus | undefined; requeued: boolean }
  | { phase: "matched"; players: number }
  | { phase: "assigned"; assignment: Assignment }
  | { phase: "playing"; match: string }
  | { phase: "ended"; state: TicketState | "gone"; reason: string; match: string | undefined };

export class Following {
  readonly wait = signal<Wait>({ phase: "queued", status: undefined, requeued: false });
  readonly up = signal(true);
  readonly ticket = signal<Ticket | undefined>(undefined);
  /** When the wait began, by this window's clock; corrected by every status. */
  readonly since = signal(performance.now());
  #stop: () => void;

  constructor(readonly id: string) {
    const path = `/v1/tickets/${encodeURIComponent(id)}/events`;
    this.#stop = follow(path, {
      event: (name, data) => this.#event(name, data),
      link: (up) => {
        this.up.value = up;
        if (!up) {
          void this.#check();
        }
      },
      refused: (error) => this.#end(error.status === 404 ? "gone" : "failed", error.message),
    });
    void this.#check();
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

  /** The stream ends with its ticket; what became of it is asked for then. */
  async #check(): Promise<void> {
    try {
      const ticket = await api.ticket(this.id);
      this.ticket.value = ticket;
      this.since.value = performance.now() - Number(ticket.age_ms);
      switch (ticket.state) {
        case "queued":
        case "placing":
        case "assigned":
          return;
        case "connected":
          if (ticket.match_id) {
            this.#playing(ticket.match_id);
          }
          return;
        case "cancelled":
        case "expired":
        case "failed":
        case "done":
          this.#end(ticket.state, ticket.reason ?? "", ticket.match_id);
      }
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) {
        this.#end("gone", "");
      }
    }
  }

  #event(name: string, data: unknown): void {
    const event = { kind: name, ...(data as object) } as TicketEvent;
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
        this.wait.value = { phase: "assigned", assignment: event };
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
