// Two windows play Maze, one by keyboard at a desk and one by touch on a phone, through both roles to the result.
import assert from "node:assert/strict";
import { test } from "node:test";
import { complaints, launch, LIMIT, lobby, open, shot, tooWide, until } from "../lib/browser.js";
import { meet, ratingAfter } from "../lib/play.js";

/** A match of the test's settings: two rounds of fifteen seconds, and what lies between them. */
const MATCH = 60_000;

const role = (page) => page.locator(".maze").getAttribute("data-role");
const place = (page) => page.locator(".maze").getAttribute("data-at");
const phase = (page, wanted) => page.locator(`.maze[data-phase="${wanted}"]`).waitFor({ timeout: MATCH });

/** Waits until the own body is somewhere else. */
const moved = (page, from) =>
  until(page, (before) => document.querySelector(".maze")?.dataset.at !== before, from, 4_000).then(() => true, () => false);

/** Holds one arrow after another until one leads somewhere. */
async function walkByKeys(page) {
  const from = await place(page);
  for (const key of ["ArrowUp", "ArrowRight", "ArrowDown", "ArrowLeft"]) {
    await page.keyboard.down(key);
    const went = await until(page, (before) => document.querySelector(".maze")?.dataset.at !== before, from, 700).then(() => true, () => false);
    await page.keyboard.up(key);
    if (went) {
      return true;
    }
  }
  return false;
}

/** Swipes one way after another until one leads somewhere: a swipe is held when the finger is gone. */
async function walkBySwipes(page) {
  const touch = await page.context().newCDPSession(page);
  const box = await page.locator(".maze .board").boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const from = await place(page);
  for (const [dx, dy] of [[0, -60], [60, 0], [0, 60], [-60, 0]]) {
    await touch.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: [{ x, y }] });
    await touch.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: [{ x: x + dx, y: y + dy }] });
    await touch.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
    if (await until(page, (before) => document.querySelector(".maze")?.dataset.at !== before, from, 700).then(() => true, () => false)) {
      return true;
    }
  }
  return false;
}

test("two windows play maze, one by touch, and swap roles", LIMIT, async (t) => {
  const browser = await launch(t);
  const [desk, hand] = [await open(browser), await open(browser, { phone: true })];
  const one = await lobby(desk);
  const two = await lobby(hand);
  await meet(one, two, "Maze");
  await Promise.all([phase(one, "countdown"), phase(two, "countdown")]);
  const first = [await role(one), await role(two)];
  assert.deepEqual([...first].sort(), ["collector", "haunter"]);
  for (const [page, its] of [[one, first[0]], [two, first[1]]]) {
    await page.locator(".say", { hasText: its === "haunter" ? "You haunt" : "haunts" }).waitFor();
  }
  await shot(one, "maze-countdown-desk");
  assert.equal(await tooWide(two), false);

  await Promise.all([phase(one, "hunt"), phase(two, "hunt")]);
  assert.ok(await walkByKeys(one), "an arrow leads somewhere");
  assert.ok(await walkBySwipes(two), "a swipe leads somewhere");
  const before = await place(two);
  await two.locator(".pad-left").waitFor();
  await moved(two, before); // the swipe is still held, where no wall has stopped it
  await shot(one, "maze-desk");
  await shot(two, "maze-phone");
  assert.deepEqual(await complaints(one), []);
  assert.deepEqual(await complaints(two), []);

  await Promise.all([one, two].map((page) => page.locator('.maze[data-round="2"]').waitFor({ timeout: MATCH })));
  assert.deepEqual([await role(one), await role(two)], [first[1], first[0]], "the roles are swapped");
  await Promise.all([phase(one, "over"), phase(two, "over")]);
  await shot(two, "maze-over-phone");

  await Promise.all([one, two].map((page) => page.locator(".result h2").waitFor({ timeout: MATCH })));
  await ratingAfter(one);
  await shot(one, "maze-result-desk");
  assert.deepEqual([...desk.errors, ...hand.errors], []);
});
