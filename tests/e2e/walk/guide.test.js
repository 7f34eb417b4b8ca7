// The game that docs/writing-a-game.md begins with, played in two windows while its author works on it: `GAME_HOME` is where
// its sources lie, `PLAY_LOG` what `cargo xtask play --game` says.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import { test } from "node:test";
import { launch, open, shot, until } from "../lib/browser.js";
import { press, seated } from "../lib/play.js";

/** A build of the game, on a machine that does other things too. */
const BUILT = 300_000;
/** Any state of the page: others build beside it. */
const SLOWLY = 60_000;
const LOOK_EVERY_MS = 100;

const TITLE = "Pebbles";

/** Changes a file of the game; the text must be there. */
function change(file, from, to) {
  const path = join(env.GAME_HOME, file);
  const text = readFileSync(path, "utf8");
  assert.ok(text.includes(from), `${file} says ${from}`);
  writeFileSync(path, text.replace(from, to));
}

/** Waits until `play` has said something so many times. */
async function said(what, times) {
  const end = performance.now() + BUILT;
  while (readFileSync(env.PLAY_LOG, "utf8").split(what).length - 1 < times) {
    assert.ok(performance.now() < end, `"${what}" ${times} times within ${BUILT / 1000} s`);
    await new Promise((done) => setTimeout(done, LOOK_EVERY_MS));
  }
}

/** A window of the lobby, which knows this one game. */
async function lobby(context) {
  const page = await context.newPage();
  await page.goto("/");
  await page.getByRole("heading", { name: TITLE, exact: true }).waitFor();
  await page.locator(".keytag .name").waitFor();
  return page;
}

/** Puts into a page what sees where its dots are: centres of discs of one colour. Its own is larger. */
async function eyes(page) {
  await page.evaluate(() => {
    const rgb = (colour) => {
      const pen = new OffscreenCanvas(1, 1).getContext("2d");
      pen.fillStyle = colour;
      pen.fillRect(0, 0, 1, 1);
      return pen.getImageData(0, 0, 1, 1).data;
    };
    const centre = (colour, radius) => {
      const canvas = document.querySelector(".game canvas");
      const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      const [red, green, blue] = rgb(colour);
      // Of a disc at the field's edge one half is seen.
      const is = (x, y) => {
        const at = (y * width + x) * 4;
        const beyond = x < 0 || y < 0 || x >= width || y >= height;
        return beyond || (data[at] === red && data[at + 1] === green && data[at + 2] === blue);
      };
      let [count, sumX, sumY] = [0, 0, 0];
      for (let y = 0; y < height; y += 1) {
        for (let x = 0; x < width; x += 1) {
          if (is(x, y) && is(x - radius, y) && is(x + radius, y) && is(x, y - radius) && is(x, y + radius)) {
            [count, sumX, sumY] = [count + 1, sumX + x, sumY + y];
          }
        }
      }
      return count === 0 ? undefined : [sumX / count, sumY / count];
    };
    globalThis.coin = () => centre("#ffd84c", 4);
    globalThis.own = () => [0, 1].map((seat) => centre(`hsl(${seat * 47 + 200} 80% 65%)`, 10)).find((at) => at !== undefined);
  });
}

/** The page goes for the coins by itself from now on: a hand is too slow for a test. */
async function collect(page) {
  await eyes(page);
  await page.evaluate(() => {
    const canvas = document.querySelector(".game canvas");
    const held = new Set();
    const hold = (key, on) => {
      if (on !== held.has(key)) {
        on ? held.add(key) : held.delete(key);
        canvas.dispatchEvent(new KeyboardEvent(on ? "keydown" : "keyup", { key }));
      }
    };
    setInterval(() => {
      const [coin, own] = [globalThis.coin(), globalThis.own()];
      const [dx, dy] = coin && own ? [coin[0] - own[0], coin[1] - own[1]] : [0, 0];
      hold("ArrowLeft", dx < -10);
      hold("ArrowRight", dx > 10);
      hold("ArrowUp", dy < -10);
      hold("ArrowDown", dy > 10);
    }, 50);
  });
}

test("the guide's game is played, changed and played on in the same match", { timeout: 3 * BUILT }, async (t) => {
  const context = await open(await launch(t));
  context.setDefaultTimeout(SLOWLY);
  const [one, two] = [await lobby(context), await lobby(context)];
  // Open it in two windows and press Play in both.
  for (const page of [one, two]) {
    await press(page, TITLE);
  }
  await Promise.all([seated(one), seated(two)]);
  const match = one.url();
  await eyes(one);
  await until(one, () => globalThis.own() !== undefined && globalThis.coin() !== undefined, undefined, SLOWLY);
  const before = await one.evaluate(() => globalThis.own());
  for (const key of ["ArrowLeft", "ArrowRight"]) {
    // One of both leads somewhere.
    await one.keyboard.down(key);
    await until(one, ([x]) => Math.abs((globalThis.own()?.[0] ?? x) - x) > 20, before, 2_000).catch(() => {});
    await one.keyboard.up(key);
  }
  const moved = await one.evaluate(() => globalThis.own());
  assert.ok(Math.abs(moved[0] - before[0]) > 5, `from ${before} to ${moved}`);
  await shot(one, "guide-desk");

  // A build that fails says why, and the game goes on as it was.
  change("src/lib.rs", "const COINS: u16 = 10;", "const COINS: u16 = ten;");
  await said("The game goes on as it was built before.", 1);
  assert.match(readFileSync(env.PLAY_LOG, "utf8"), /cannot find value `ten`/);
  assert.equal(await one.locator('[data-link="live"]').count(), 1);

  // A rule and a colour: the match goes on with both, everybody in his seat and where he was.
  const stood = await one.evaluate(() => globalThis.own());
  change("web/src/index.ts", "background:#151a22", "background:#22151a");
  change("src/lib.rs", "const COINS: u16 = ten;", "const COINS: u16 = 2;");
  await said("built anew", 1);
  for (const page of [one, two]) {
    await until(page, () => document.querySelector(".game canvas")?.style.background === "rgb(34, 21, 26)", undefined, SLOWLY);
    await seated(page);
  }
  assert.equal(one.url(), match, "in the same match");
  await eyes(one);
  await until(one, ([x, y]) => Math.hypot((globalThis.own()?.[0] ?? 0) - x, (globalThis.own()?.[1] ?? 0) - y) < 2, stood, SLOWLY);
  await shot(one, "guide-changed-desk");
  await collect(one);
  await one.locator(".result h2").waitFor();
  await one.locator(".result").getByText("2 coins").waitFor();
  await two.locator(".result h2").waitFor();
  assert.deepEqual(context.errors, []);
});
