/**
 * A door in front of the gateway that can be shut and opened: to the page, a gateway that dies and comes back. With
 * `oneWayMs` everything takes so much longer, either way.
 */
import { connect, createServer } from "node:net";
import { BASE } from "./browser.js";

export async function door(t, { oneWayMs = 0 } = {}) {
  const target = new URL(BASE);
  const open = new Set();
  let server;
  let port = 0;
  const listen = () =>
    new Promise((done, fail) => {
      server = createServer((near) => {
        const far = connect(Number(target.port), target.hostname);
        for (const [from, to] of [[near, far], [far, near]]) {
          open.add(from);
          from.setNoDelay(true);
          from.on("error", () => to.destroy());
          from.on("close", () => {
            open.delete(from);
            to.destroy();
          });
          if (oneWayMs === 0) {
            from.pipe(to);
          } else {
            from.on("data", (bytes) => setTimeout(() => to.write(bytes), oneWayMs));
            from.on("end", () => setTimeout(() => to.end(), oneWayMs));
          }
        }
      });
      server.on("error", fail);
      server.listen(port, "127.0.0.1", () => {
        port = server.address().port;
        done();
      });
    });
  const shut = () => {
    server.close();
    for (const socket of open) {
      socket.resetAndDestroy();
    }
  };
  await listen();
  t.after(shut);
  return { url: `http://127.0.0.1:${port}`, shut, reopen: listen };
}
