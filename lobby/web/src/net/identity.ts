/**
 * Which player this window is.
 *
 * Windows of one browser share localStorage: the first one that is live is the browser's player, every other one gets a
 * guest of its own, kept in sessionStorage so that a reload stays the same person. A Web Lock, held for as long as the
 * window lives, tells which is the first.
 */
import { ApiError, api, setBearer } from "./api.ts";
import type { Player, Session } from "./types.ts";

const KEY = "bellhop.bearer";
/** This window was the browser's player before a reload. */
const FIRST = "bellhop.first";
/** Without locks: how long to wait for another window's word. */
const LOCK_WAIT_MS = 300;
/** A reloading window waits for its lock: its old document may go a moment after the new one asks. */
const RELOAD_LOCK_WAIT_MS = 3_000;

let shared = true;

/** True where this window is a guest of its own because another window of this browser is live. */
export function isSecondWindow(): boolean {
  return !shared;
}

/** Finds or makes the player of this window. */
export async function identify(): Promise<Player> {
  const own = sessionStorage.getItem(KEY);
  const wasFirst = sessionStorage.getItem(FIRST) !== null;
  // A duplicated tab has a copy of its sessionStorage: only one of the two may be that guest.
  if (own !== null && !(await hold(`bellhop.window.${fingerprint(own)}`, RELOAD_LOCK_WAIT_MS))) {
    sessionStorage.clear();
  }
  shared = own === null && (await hold("bellhop.window", wasFirst ? RELOAD_LOCK_WAIT_MS : 0));
  if (shared) {
    sessionStorage.setItem(FIRST, "1");
  } else if (wasFirst) {
    sessionStorage.clear();
  }
  const token = stored().getItem(KEY);
  if (token !== null) {
    setBearer(token);
    try {
      return await api.me();
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) {
        throw error;
      }
      setBearer(undefined);
    }
  }
  return adopt(await api.createGuest());
}

/** Makes this window that session's player. */
export function adopt(session: Session): Player {
  stored().setItem(KEY, session.token);
  if (!shared) {
    void hold(`bellhop.window.${fingerprint(session.token)}`, 0);
  }
  setBearer(session.token);
  return session.player;
}

/** Forgets this window's player. */
export function forget(): void {
  stored().removeItem(KEY);
  setBearer(undefined);
}

function stored(): Storage {
  return shared ? localStorage : sessionStorage;
}

/** Takes a lock for the life of this window; false where another window holds it. */
async function hold(name: string, waitMs: number): Promise<boolean> {
  if (!("locks" in navigator)) {
    return holdByChannel(name);
  }
  // Whether it is free is asked without a clock: a slow machine must not look like a second window.
  return (await request(name, { ifAvailable: true })) || (waitMs > 0 && (await request(name, { signal: AbortSignal.timeout(waitMs) })));
}

function request(name: string, options: LockOptions): Promise<boolean> {
  return new Promise((resolve) => {
    navigator.locks
      .request(name, options, (lock) => {
        resolve(lock !== null);
        if (lock === null) {
          return undefined;
        }
        // Held until the window goes, and not a moment longer: a reload asks for it again at once.
        return new Promise<void>((release) => addEventListener("pagehide", () => release(), { once: true }));
      })
      .catch(() => resolve(false));
  });
}

/** Web Locks need https (or localhost); elsewhere windows ask each other. */
function holdByChannel(name: string): Promise<boolean> {
  if (!("BroadcastChannel" in globalThis)) {
    return Promise.resolve(true);
  }
  const channel = new BroadcastChannel(name);
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      channel.onmessage = ({ data }) => data === "anyone?" && channel.postMessage("me");
      resolve(true);
    }, LOCK_WAIT_MS);
    channel.onmessage = ({ data }) => {
      if (data === "me") {
        clearTimeout(timer);
        channel.close();
        resolve(false);
      }
    };
    channel.postMessage("anyone?");
  });
}

/** A name for a lock that does not give the token away in full to whoever lists locks. */
function fingerprint(token: string): string {
  let hash = 0;
  for (const char of token) {
    hash = (Math.imul(hash, 31) + char.charCodeAt(0)) | 0;
  }
  return (hash >>> 0).toString(36);
}
