// What the page weighs, and how smoothly its games are drawn by a computer a quarter as fast as this one. With --json one
// object per figure on stdout.
import { argv } from "node:process";
import { gzipSync } from "node:zlib";
import { launch, lobby, open } from "../lib/browser.js";
import { circle, meet } from "../lib/play.js";

const SLOWER = 4;
const MEASURED_MS = 5_000;
const GAMES = ["Snake", "Tanks", "Maze", "Sketch", "Tic-tac-toe"];

const report = (name, value, unit) =>
  console.log(
    argv.includes("--json")
      ? JSON.stringify({ name, value, unit })
      : `${name.padEnd(40)} ${value.toFixed(3).padStart(14)} ${unit}`,
  );

/** Weighs what a page loads, compressed, until the function it gives is called. */
function weigh(page) {
  const loaded = [];
  const note = (response) => {
    if (/\.(js|wasm)$/.test(new URL(response.url()).pathname)) {
      loaded.push(response.body().then((body) => gzipSync(body).length));
    }
  };
  page.on("response", note);
  return async () => {
    page.off("response", note);
    return (await Promise.all(loaded)).reduce((sum, bytes) => sum + bytes, 0) / 1024;
  };
}

/** Frames a second that the page draws. */
function frames(page) {
  return page.evaluate(
    (ms) =>
      new Promise((resolve) => {
        let drawn = -1;
        let begun;
        const draw = (now) => {
          begun ??= now;
          drawn += 1;
          if (now - begun < ms) {
            requestAnimationFrame(draw);
          } else {
            resolve((drawn * 1_000) / (now - begun));
          }
        };
        requestAnimationFrame(draw);
      }),
    MEASURED_MS,
  );
}

const ends = [];
const life = { after: (end) => ends.push(end) };
const browser = await launch(life);
try {
  let slowest = Number.POSITIVE_INFINITY;
  for (const game of GAMES) {
    const name = game.toLowerCase().replaceAll("-", "");
    const context = await open(browser);
    const other = await lobby(context);
    const page = await context.newPage();
    const lobbyWeighed = weigh(page);
    await page.goto("/");
    await page.getByRole("button", { name: `Play ${game}` }).waitFor();
    const lobbyWeight = await lobbyWeighed();
    if (game === GAMES[0]) {
      report("page/weight/lobby", lobbyWeight, "KiB");
    }
    const weighed = weigh(page);
    await meet(other, page, game);
    const stops = [circle(life, page), circle(life, other)];
    const devtools = await context.newCDPSession(page);
    await devtools.send("Emulation.setCPUThrottlingRate", { rate: SLOWER });
    const drawn = await frames(page);
    stops.forEach((stop) => stop());
    report(`page/weight/${name}`, await weighed(), "KiB");
    report(`page/frames/${name}`, drawn, "/s");
    slowest = Math.min(slowest, drawn);
    await context.close();
  }
  report("page/frames", slowest, "/s");
} finally {
  for (const end of ends.reverse()) {
    await end();
  }
}
