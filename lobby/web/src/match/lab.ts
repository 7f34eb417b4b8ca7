/** For authors of games: a worse network than the real one, where the page was opened with `?lab`. */
import { effect, signal } from "@preact/signals";
import { Line, type Weather, type World } from "./late.ts";

/** Kept with the window: a match has an address of its own, and a reload must not mend the network. */
const KEY = "bellhop.lab";
const CALM: Weather = { latencyMs: 0, jitterMs: 0, lossPercent: 0 };

const asked = new URLSearchParams(location.search).get("lab");
if (asked === "off") {
  sessionStorage.removeItem(KEY);
} else if (asked !== null && sessionStorage.getItem(KEY) === null) {
  sessionStorage.setItem(KEY, JSON.stringify(CALM));
}
const kept = sessionStorage.getItem(KEY);

/** Whether this window is for trying a game on a bad network; `?lab=off` ends it. */
export const inLab = kept !== null;

/** What the sliders say. */
export const weather = signal<Weather>(kept === null ? CALM : { ...CALM, ...(JSON.parse(kept) as Partial<Weather>) });
if (inLab) {
  effect(() => sessionStorage.setItem(KEY, JSON.stringify(weather.value)));
}

const WORLD: World = {
  now: () => performance.now(),
  after: (ms, then) => void setTimeout(then, ms),
  chance: Math.random,
};

/** Makes a socket late in both directions: what it says, and what it hears, its end included. */
export function delay(socket: WebSocket): void {
  const [up, down] = [new Line(WORLD, () => weather.value), new Line(WORLD, () => weather.value)];
  const [send, close] = [socket.send.bind(socket), socket.close.bind(socket)];
  socket.send = (data: Parameters<typeof send>[0]) =>
    up.carry(() => {
      if (socket.readyState === WebSocket.OPEN) {
        send(data);
      }
    });
  socket.close = () => {
    up.flush();
    close();
  };
  // Asked for anew when they arrive: who closed the socket meanwhile hears no more of it.
  const [heard, closed] = [socket.onmessage, socket.onclose];
  socket.onmessage = (event) => down.carry(() => socket.onmessage !== null && heard?.call(socket, event));
  socket.onclose = (event) => down.carry(() => socket.onclose !== null && closed?.call(socket, event));
}
