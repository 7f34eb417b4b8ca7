/** The rooms behind the page: which one a window plays in, and its process. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { env, kill } from "node:process";

/** Follows the window's game sockets from now on; gives the id of the room that it opened one to last. */
export function roomOf(page) {
  let room;
  page.on("websocket", (socket) => {
    room = /\/rooms\/(r-[^/?]+)/.exec(socket.url())?.[1] ?? room;
  });
  return () => room;
}

/** Sends a signal to a room's process. */
export function signal(room, name) {
  const record = JSON.parse(readFileSync(join(env.DATA_DIR, "rooms", `${room}.pid`), "utf8"));
  kill(record.pid, name);
}

/**
 * Stands between the page and its rooms. `shut(code, reason)` says to the page what a room would say; `opened` counts
 * its sockets, and `onOpen` hears of each.
 */
export async function between(page) {
  const state = { opened: 0, shut: undefined, onOpen: () => {} };
  await page.routeWebSocket(/\/rooms\//, (route) => {
    const room = route.connectToServer();
    state.opened += 1;
    state.shut = async (code, reason) => {
      await room.close();
      await route.close({ code, reason });
    };
    state.onOpen(state);
  });
  return state;
}
