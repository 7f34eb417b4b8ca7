/** The JSON doors. Every call has a deadline; every failure is an {@link ApiError}. */
import { readAssignment, readMatch, readOpenGames, readPlayer, readQueue, readTicket, readWatchable, readWatchPass } from "./read.ts";
import type { CancelOutcome, Match, Queue, Session } from "./types.ts";

/** Longer than the lobby's own deadline for a call, so that its answer wins. */
const CALL_DEADLINE_MS = 10_000;

interface Problem {
  type?: string;
  title?: string;
  status?: number;
  detail?: string;
  hint?: string;
}

/** A call that did not work: refused by the lobby (`status` ≥ 400) or not answered (`status` 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly problem: Problem,
    /** Milliseconds after which to try again, where the lobby says so. */
    readonly retryAfterMs: number | undefined,
  ) {
    super(problem.detail ?? problem.title ?? `HTTP ${status}`);
  }

  /** Nobody answered, or the gateway did in place of a lobby that is away. */
  get away(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504;
  }

  /** The last word of the problem's type. */
  get word(): string {
    return this.problem.type?.split(/[/:#]/).pop() ?? "";
  }
}

let bearer: string | undefined;
let onCall: (reached: boolean) => void = () => {};

/** Sets the token that later calls carry. */
export function setBearer(token: string | undefined): void {
  bearer = token;
}

/** Tells after every call whether a lobby answered it. */
export function watchCalls(listener: (reached: boolean) => void): void {
  onCall = listener;
}

export function authorization(): Record<string, string> {
  return bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
}

export async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers = authorization();
  const init: RequestInit = { method, headers, signal: AbortSignal.timeout(CALL_DEADLINE_MS), cache: "no-store" };
  if (body !== undefined) {
    headers["content-type"] = "application/json";
    init.body = JSON.stringify(body);
  }
  let response: Response;
  try {
    response = await fetch(path, init);
    if (response.ok) {
      const text = await response.text();
      onCall(true);
      return (text === "" ? undefined : JSON.parse(text)) as T;
    }
  } catch (cause) {
    onCall(false);
    throw new ApiError(0, { title: String(cause) }, undefined);
  }
  const error = await refusal(response);
  onCall(!error.away);
  throw error;
}

/** Reads what a refused call says of itself. */
export async function refusal(response: Response): Promise<ApiError> {
  let problem: Problem = {};
  try {
    problem = (await response.json()) as Problem;
  } catch {
    // Not every proxy on the way speaks problem+json; the status alone has to do then.
  }
  const after = Number(response.headers.get("retry-after") ?? Number.NaN);
  return new ApiError(response.status, problem, Number.isFinite(after) ? after * 1000 : undefined);
}

const id = encodeURIComponent;

export const api = {
  createGuest: async () => readSession(await call("POST", "/v1/guests", {})),
  logIn: async (login: string, password: string) => readSession(await call("POST", "/v1/sessions", { login, password })),
  logOut: () => call<void>("DELETE", "/v1/sessions/current"),
  me: async () => readPlayer(await call("GET", "/v1/players/me")),
  setName: async (name: string) => readPlayer(await call("PUT", "/v1/players/me/name", { name })),
  setPassword: async (password: string, oldPassword: string) =>
    readPlayer(await call("PUT", "/v1/players/me/password", { password, old_password: oldPassword })),
  queues: async () => ((await call<{ queues?: Queue[] }>("GET", "/v1/queues")).queues ?? []).map(readQueue),
  createTicket: async (queue: string, open: boolean, key: string) =>
    readTicket(await call("POST", "/v1/tickets", { queue, open, idempotency_key: key })),
  ticket: async (ticket: string) => readTicket(await call("GET", `/v1/tickets/${id(ticket)}`)),
  cancelTicket: (ticket: string) => call<CancelOutcome>("DELETE", `/v1/tickets/${id(ticket)}`),
  openGames: async (pageToken: string, pageSize: number) =>
    readOpenGames(await call("GET", `/v1/open-games?page_size=${pageSize}&page_token=${id(pageToken)}`)),
  joinOpenGame: async (ticket: string, key: string) =>
    readTicket(await call("POST", `/v1/open-games/${id(ticket)}/join`, { idempotency_key: key })),
  replay,
  myMatches: async (pageSize: number) =>
    ((await call<{ matches?: Match[] }>("GET", `/v1/players/me/matches?page_size=${pageSize}`)).matches ?? []).map(readMatch),
  match: async (match: string) => readMatch(await call("GET", `/v1/matches/${id(match)}`)),
  seat: async (match: string) => readAssignment(await call("POST", `/v1/matches/${id(match)}/seat`, {})),
  watchable: async (pageToken: string, pageSize: number) =>
    readWatchable(await call("GET", `/v1/watchable?page_size=${pageSize}&page_token=${id(pageToken)}`)),
  watch: async (match: string) => readWatchPass(await call("POST", `/v1/matches/${id(match)}/watch`, {})),
};

/** The journal of a match that is over, and the bundle of its game. */
async function replay(match: string): Promise<{ journal: Uint8Array; bundle: string }> {
  const init: RequestInit = { headers: authorization(), signal: AbortSignal.timeout(CALL_DEADLINE_MS), cache: "no-store" };
  let response: Response;
  try {
    response = await fetch(`/v1/matches/${id(match)}/replay`, init);
    if (response.ok) {
      onCall(true);
      return { journal: new Uint8Array(await response.arrayBuffer()), bundle: response.headers.get("bellhop-bundle") ?? "" };
    }
  } catch (cause) {
    onCall(false);
    throw new ApiError(0, { title: String(cause) }, undefined);
  }
  throw await refusal(response);
}

function readSession(said: Session): Session {
  return { token: said.token, player: readPlayer(said.player) };
}

/** A fresh idempotency key. (`crypto.randomUUID` needs https; this does not.) */
export function freshKey(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("-");
}
