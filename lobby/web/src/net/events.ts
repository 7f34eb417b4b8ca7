/**
 * Server-sent events, read by fetch: EventSource cannot send a bearer token.
 *
 * Comes back by itself with `Last-Event-ID` after a broken connection, with growing pauses.
 */
import { ApiError, authorization, refusal } from "./api.ts";

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 3_000;
/** The lobby says something at least every 15 s (a comment keeps the line open); twice that is silence. */
const SILENCE_MS = 35_000;

export interface StreamHandlers {
  event(name: string, data: unknown, id: string): void;
  /** The connection stands, or has broken and is being made again. */
  link?(up: boolean): void;
  /** Refused for good: the stream has ended. */
  refused(error: ApiError): void;
}

/** Follows `path` until the returned function is called. */
export function follow(path: string, handlers: StreamHandlers): () => void {
  const stop = new AbortController();
  void run(path, handlers, stop.signal);
  return () => stop.abort();
}

async function run(path: string, handlers: StreamHandlers, stop: AbortSignal): Promise<void> {
  let lastId = "";
  let pause = FIRST_PAUSE_MS;
  while (!stop.aborted) {
    try {
      const silence = new AbortController();
      const response = await fetch(path, {
        headers: {
          accept: "text/event-stream",
          ...authorization(),
          ...(lastId === "" ? {} : { "last-event-id": lastId }),
        },
        signal: AbortSignal.any([stop, silence.signal]),
        cache: "no-store",
      });
      if (!response.ok || response.body === null) {
        throw await refusal(response);
      }
      handlers.link?.(true);
      pause = FIRST_PAUSE_MS;
      await read(response.body, silence, (name, data, id) => {
        lastId = id === "" ? lastId : id;
        handlers.event(name, data, id);
      });
    } catch (error) {
      if (stop.aborted) {
        return;
      }
      if (error instanceof ApiError && !error.away && error.status !== 429) {
        handlers.refused(error);
        return;
      }
    }
    if (stop.aborted) {
      return;
    }
    handlers.link?.(false);
    await rest(pause, stop);
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  }
}

async function read(
  body: ReadableStream<Uint8Array>,
  silence: AbortController,
  event: (name: string, data: unknown, id: string) => void,
): Promise<void> {
  const reader = body.pipeThrough(new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest = "";
  for (;;) {
    const timer = setTimeout(() => silence.abort(), SILENCE_MS);
    const { value, done } = await reader.read().finally(() => clearTimeout(timer));
    if (done) {
      return;
    }
    rest = (rest + value).replaceAll("\r\n", "\n");
    for (let end = rest.indexOf("\n\n"); end >= 0; end = rest.indexOf("\n\n")) {
      const block = rest.slice(0, end);
      rest = rest.slice(end + 2);
      dispatch(block, event);
    }
  }
}

function dispatch(block: string, event: (name: string, data: unknown, id: string) => void): void {
  let name = "message";
  let id = "";
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") {
      name = value;
    } else if (field === "id") {
      id = value;
    } else if (field === "data") {
      data.push(value);
    }
  }
  if (data.length > 0) {
    event(name, JSON.parse(data.join("\n")), id);
  }
}

/** Waits, but not while the network is known to be away and not after the stop. */
function rest(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      stop.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    addEventListener("online", done);
    stop.addEventListener("abort", done);
  });
}
