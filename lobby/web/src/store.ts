/** What the page knows: signals that screens read, and the few verbs that change them. */
import { signal } from "@preact/signals";
import { problemText, t } from "./i18n/index.ts";
import { ApiError, api, freshKey, watchCalls } from "./net/api.ts";
import { forget, identify } from "./net/identity.ts";
import type { Assignment, Player, Queue, Ticket } from "./net/types.ts";

export type Screen =
  | { name: "home" }
  | { name: "waiting"; ticket: string; made?: Ticket }
  | { name: "match"; match: string; assignment?: Assignment }
  | { name: "replay"; match: string }
  | { name: "watch"; match: string };

export const screen = signal<Screen>({ name: "home" });
export const me = signal<Player | undefined>(undefined);
export const queues = signal<Queue[] | undefined>(undefined);
/** Whether the lobby answers: `away` while it restarts, `offline` without a network. */
export const lobby = signal<"here" | "away" | "offline">("here");
/** The queue whose Play was pressed and not yet answered. */
export const starting = signal<string | undefined>(undefined);
export const visible = signal(!document.hidden);

export interface Notice {
  text: string;
  tone: "plain" | "good" | "bad";
}
export const notice = signal<Notice | undefined>(undefined);
/** What the live regions of the page say. */
export const spoken = signal<{ text: string; urgent: boolean }>({ text: "", urgent: false });

const NOTICE_MS = 8_000;
const QUEUES_EVERY_MS = 3_000;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 3_000;

let noticeTimer = 0;

export function tell(text: string, tone: Notice["tone"] = "plain"): void {
  notice.value = { text, tone };
  announce(text, tone === "bad");
  clearTimeout(noticeTimer);
  noticeTimer = window.setTimeout(() => (notice.value = undefined), NOTICE_MS);
}

export function announce(text: string, urgent = false): void {
  spoken.value = { text: spoken.value.text === text ? `${text}\u00a0` : text, urgent };
}

/** A failed call, in words for the player. */
export function explain(error: unknown): string {
  if (!(error instanceof ApiError)) {
    return t("error.unknown");
  }
  if (error.status === 429) {
    return t("error.busy", { n: Math.max(1, Math.ceil((error.retryAfterMs ?? 1000) / 1000)) });
  }
  if (error.away) {
    return t("error.away");
  }
  const known = problemText(error.word);
  if (known !== undefined) {
    return known;
  }
  const { detail, hint, title } = error.problem;
  return [detail ?? title ?? t("error.unknown"), hint].filter((part) => part).map(sentence).join(" ");
}

/** Problems are written in lower case without a full stop, as messages for a log are. */
function sentence(text: string | undefined): string {
  const whole = text ?? "";
  const end = /[.!?…]$/.test(whole) ? "" : ".";
  return whole.charAt(0).toUpperCase() + whole.slice(1) + end;
}

// Where the page is.

function path(to: Screen): string {
  switch (to.name) {
    case "home":
      return "/";
    case "waiting":
      return `/t/${to.ticket}`;
    case "match":
      return `/m/${to.match}`;
    case "replay":
      return `/r/${to.match}`;
    case "watch":
      return `/w/${to.match}`;
  }
}

function screenOf(pathname: string): Screen {
  const [, kind, id] = pathname.split("/");
  if (kind === "t" && id) {
    return { name: "waiting", ticket: id };
  }
  if (kind === "m" && id) {
    return { name: "match", match: id };
  }
  if (kind === "r" && id) {
    return { name: "replay", match: id };
  }
  if (kind === "w" && id) {
    return { name: "watch", match: id };
  }
  return { name: "home" };
}

/** Goes to a screen. Waiting leaves no trace in the history: Back leads to the lobby. */
export function go(to: Screen): void {
  const from = screen.value;
  const push = from.name === "home" && to.name !== "home";
  history[push ? "pushState" : "replaceState"](null, "", path(to));
  screen.value = to;
}

// The lobby.

/** Starts the page: who am I, where was I, is the lobby there. */
export function start(): void {
  screen.value = screenOf(location.pathname);
  addEventListener("popstate", () => {
    screen.value = screenOf(location.pathname);
    void refreshMe();
  });
  document.addEventListener("visibilitychange", () => {
    visible.value = !document.hidden;
    if (visible.value && screen.value.name === "home") {
      void refreshMe();
    }
  });
  // Out of the back-forward cache this window has lost what it held.
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  addEventListener("offline", () => (lobby.value = "offline"));
  addEventListener("online", () => void look());
  watchCalls((reached) => {
    lobby.value = reached ? "here" : navigator.onLine ? "away" : "offline";
  });
  void keepLooking();
}

/** Resolves once the player of this window is known. */
export const known: Promise<Player> = new Promise((resolve) => {
  const stop = me.subscribe((player) => {
    if (player !== undefined) {
      resolve(player);
      queueMicrotask(() => stop());
    }
  });
});

let identifying: Promise<void> | undefined;

async function look(): Promise<void> {
  try {
    const listed = api.queues().then((answer) => (queues.value = answer));
    if (me.value === undefined) {
      identifying ??= identify().then((player) => {
        me.value = player;
      });
      identifying.catch(() => {}).finally(() => (identifying = undefined));
      await Promise.all([listed, identifying]);
    } else {
      await listed;
    }
  } catch {
    // `lobby` says it; the next look may find it there.
  }
}

/** Looks at the queues for as long as anybody looks at the page, and more often while the lobby is away. */
async function keepLooking(): Promise<void> {
  let retry = FIRST_RETRY_MS;
  for (;;) {
    const away = lobby.value !== "here" || me.value === undefined || queues.value === undefined;
    if (away || (visible.value && screen.value.name === "home")) {
      await look();
    }
    const here = lobby.value === "here" && me.value !== undefined;
    retry = here ? FIRST_RETRY_MS : Math.min(retry * 1.5, LAST_RETRY_MS);
    await new Promise((done) => setTimeout(done, here ? QUEUES_EVERY_MS : retry));
  }
}

export async function refreshMe(): Promise<Player | undefined> {
  try {
    me.value = await api.me();
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) {
      forget();
      me.value = undefined;
      tell(t("you.fresh"));
      await look();
    }
  }
  return me.value;
}

// Playing.

/** Queues for a game, or opens one for anybody, and goes where that leads. */
export function play(queue: string, open = false): Promise<void> {
  return enter(queue, () => api.createTicket(queue, open, freshKey()));
}

export function join(ticket: string, queue: string): Promise<void> {
  return enter(queue, () => api.joinOpenGame(ticket, freshKey()));
}

async function enter(queue: string, create: () => Promise<Ticket>): Promise<void> {
  if (starting.value !== undefined) {
    return;
  }
  starting.value = queue;
  try {
    await known;
    const ticket = await create();
    go({ name: "waiting", ticket: ticket.id, made: { ...ticket, queue: ticket.queue || queue } });
  } catch (error) {
    if (error instanceof ApiError && error.status === 409 && (await resume())) {
      tell(t("error.elsewhere"));
    } else if (error instanceof ApiError && error.status === 404) {
      tell(t("open.gone"), "bad");
    } else {
      tell(explain(error), "bad");
    }
  } finally {
    starting.value = undefined;
  }
}

/** Goes to the match or the wait that this player already has; false where there is none. */
export async function resume(): Promise<boolean> {
  const player = await refreshMe();
  if (player?.current_match) {
    go({ name: "match", match: player.current_match.match_id });
    return true;
  }
  if (player?.current_ticket_id) {
    go({ name: "waiting", ticket: player.current_ticket_id });
    return true;
  }
  return false;
}
