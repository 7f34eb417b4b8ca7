/** One WebSocket to a room, from its opening to its close. */
import { delay, inLab } from "./lab.ts";

/** What a room's close code means; the numbers are those of room/wire. */
export enum Close {
  Normal = 1000,
  Malformed = 4000,
  Superseded = 4001,
  WrongSchema = 4002,
  Flood = 4003,
  TooSlow = 4004,
  Released = 4005,
  MatchOver = 4006,
  Drained = 4007,
  Left = 4008,
  TooLarge = 4009,
  Spectator = 4010,
  Kicked = 4011,
}

/** The gateway answers or refuses well within this. */
const OPEN_DEADLINE_MS = 2_500;

export interface Closed {
  /** Whether it had been open: if not, the token was refused or nobody was there. */
  opened: boolean;
  code: number;
  reason: string;
}

export interface SocketHandlers {
  created(socket: WebSocket): void;
  open(socket: WebSocket): void;
  frame(bytes: Uint8Array): void;
}

export function closeOf(opened: boolean, code: number, reason: string): Closed {
  return { opened, code, reason };
}

/** Opens a socket with a join or resume token and resolves when it has closed. */
export function openSocket(url: string, token: string, handlers: SocketHandlers): Promise<Closed> {
  return new Promise((resolve) => {
    let opened = false;
    let socket: WebSocket;
    try {
      socket = new WebSocket(url, ["bellhop.v1", `bellhop.token.${token}`]);
    } catch (error) {
      console.error("the room's address is not a WebSocket address", error);
      resolve(closeOf(false, 0, String(error)));
      return;
    }
    socket.binaryType = "arraybuffer";
    // A close that is ours has the code 1005 or 1006 on this side: it never counts as the room's word.
    const done = (code: number, reason: string) => {
      clearTimeout(deadline);
      socket.onopen = socket.onmessage = socket.onclose = null;
      resolve(closeOf(opened, code, reason));
    };
    const close = socket.close.bind(socket);
    socket.close = () => {
      close();
      // A dead network would leave the closing handshake hanging.
      done(0, "closed by this page");
    };
    const deadline = setTimeout(() => socket.close(), OPEN_DEADLINE_MS);
    socket.onopen = () => {
      opened = true;
      clearTimeout(deadline);
      handlers.open(socket);
    };
    socket.onmessage = ({ data }) => {
      if (data instanceof ArrayBuffer) {
        handlers.frame(new Uint8Array(data));
      }
    };
    socket.onclose = ({ code, reason }) => done(code, reason);
    if (inLab) {
      delay(socket);
    }
    handlers.created(socket);
  });
}
