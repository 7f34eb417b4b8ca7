/**
 * A player of tic-tac-toe without a browser and without a line of ours: Node and the package `ws`, from docs/protocol.md.
 */
import { readFileSync } from "node:fs";
import WebSocket from "ws";
import { BASE } from "./browser.js";

/** Longest wait for anything. */
const SOON_MS = 20_000;

/** The schema, as the vectors say it. */
const SCHEMA = BigInt(
  "0x" + /^tictactoe: (\w+)$/m.exec(readFileSync(new URL("../../../docs/vectors/schemas.txt", import.meta.url), "utf8"))[1],
);

/** Kinds of messages of the room, in the lowest three bits. */
export const STATE = 0;
export const WELCOME = 1;
export const ENDED = 5;

/** Hello: three bits of kind, the schema, and one bit for what is left out. */
export function hello() {
  const bytes = Buffer.alloc(9);
  for (let at = 0, rest = SCHEMA << 3n; at < bytes.length; at += 1, rest >>= 8n) {
    bytes[at] = Number(rest & 0xffn);
  }
  return bytes;
}

/** The message that gives the seat up. */
export const LEAVE = Buffer.from([5]);

async function call(method, path, bearer, body) {
  const headers = { "content-type": "application/json", ...(bearer ? { authorization: `Bearer ${bearer}` } : {}) };
  const answer = await fetch(BASE + path, { method, headers, body: body && JSON.stringify(body) });
  if (!answer.ok) {
    throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  }
  return answer;
}

/** A guest with a seat: the address of his game socket, and what opens it. */
export async function seat(name) {
  const { token } = await (await call("POST", "/v1/guests", undefined, { name })).json();
  const ticket = await (await call("POST", "/v1/tickets", token, { queue: "tictactoe", idempotency_key: name })).json();
  const events = await call("GET", `/v1/tickets/${ticket.id}/events`, token);
  let text = "";
  for await (const piece of events.body.pipeThrough(new TextDecoderStream())) {
    text += piece;
    const whole = text.split(/\r?\n\r?\n/).slice(0, -1);
    const assigned = whole.find((event) => /^event: ?assigned$/m.test(event));
    if (assigned) {
      return JSON.parse(/^data: ?(.*)$/m.exec(assigned)[1]);
    }
  }
  throw new Error("the events ended without a seat");
}

/** A game socket that remembers what came. */
export class Socket {
  constructor(way, token = way.token) {
    this.heard = [];
    this.waiting = [];
    this.ws = new WebSocket(way.url, ["bellhop.v1", `bellhop.token.${token}`]);
    for (const kind of ["open", "message", "pong", "close", "error"]) {
      this.ws.on(kind, (...what) => {
        this.heard.push({ kind, what });
        this.waiting.splice(0).forEach((look) => look());
      });
    }
  }

  /** The next of this kind of which something holds; it is forgotten then. */
  async next(kind, holds = () => true) {
    const late = Date.now() + SOON_MS;
    for (;;) {
      const at = this.heard.findIndex((heard) => heard.kind === kind && holds(...heard.what));
      if (at >= 0) {
        return this.heard.splice(at, 1)[0].what;
      }
      const left = late - Date.now();
      if (left <= 0) {
        throw new Error(`no ${kind} came; there came ${this.heard.map((heard) => heard.kind).join(", ")}`);
      }
      await new Promise((look) => {
        this.waiting.push(look);
        setTimeout(look, left).unref();
      });
    }
  }

  /** The next message of the room of this kind. */
  async message(kind) {
    return (await this.next("message", (bytes, binary) => binary && (bytes[0] & 7) === kind))[0];
  }
}

/** The resume token in a welcome: behind seat, epoch and two rates. */
export function resumeToken(welcome) {
  let at = 3;
  const bits = (count) => {
    let value = 0;
    for (let bit = 0; bit < count; bit += 1, at += 1) {
      value |= ((welcome[at >> 3] >> (at & 7)) & 1) << bit;
    }
    return value;
  };
  const varint = () => {
    for (let value = 0, shift = 0; ; shift += 4) {
      const group = bits(5);
      value += (group & 15) * 2 ** shift;
      if (!(group & 16)) {
        return value;
      }
    }
  };
  for (let skipped = 0; skipped < 4; skipped += 1) {
    varint();
  }
  return Buffer.from(Array.from({ length: varint() }, () => bits(8))).toString();
}
