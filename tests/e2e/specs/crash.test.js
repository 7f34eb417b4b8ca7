// A room's process is killed with SIGKILL in the middle of a match: both windows go on in the same match, in another room;
// or, where nothing of it was written down, are told and meet again in a new one.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import { test } from "node:test";
import { complaints, launch, LIMIT, lobby, open, shot, until } from "../lib/browser.js";
import { byTurn, cell, meet, put, quit, result, seated } from "../lib/play.js";
import { roomOf, signal } from "../lib/rooms.js";

/** The match a window is in. */
const matchOf = (page) => new URL(page.url()).pathname;

/** Notes from now on how the page says it is connected: a room may be replaced between two looks at it. */
async function noteLinks(page) {
  await page.evaluate(() => {
    const links = [];
    globalThis.links = links;
    new MutationObserver((changes) => {
      links.push(...changes.map((change) => change.oldValue), document.querySelector("[data-link]")?.dataset.link);
    }).observe(document, { subtree: true, childList: true, attributeFilter: ["data-link"], attributeOldValue: true });
  });
}

/** Kills the room, waits until every window is back, and says how long that took. */
async function kill(room, pages) {
  await Promise.all(pages.map(noteLinks));
  const dead = room();
  const begun = performance.now();
  signal(dead, "SIGKILL");
  await Promise.all(pages.map((page) => until(page, () => globalThis.links.includes("reconnecting"))));
  await Promise.all(pages.map(seated));
  const took = performance.now() - begun;
  assert.notEqual(room(), dead, "it goes on in another room");
  return took;
}

test("a game of moves loses nothing with its room, and is played to its end", LIMIT, async (t) => {
  const context = await open(await launch(t));
  const one = await lobby(context);
  const two = await lobby(context);
  const room = roomOf(one);
  await meet(one, two, "Tic-tac-toe");
  const match = matchOf(one);
  const [first, second] = await byTurn(one, two);
  await put(first, second, 1, 1);
  await put(second, first, 2, 1);

  const took = await kill(room, [one, two]);
  t.diagnostic(`both windows play on after ${Math.round(took)} ms`);
  assert.equal(matchOf(one), match, "without leaving the match");
  for (const page of [first, second]) {
    await cell(page, 1, 1).and(page.locator(".taken")).waitFor();
    await cell(page, 2, 1).and(page.locator(".taken")).waitFor();
  }
  await put(first, second, 1, 2);
  await shot(first, "crash-desk");
  await put(second, first, 2, 2);

  // And once more, for the room that took over may die as well.
  await kill(room, [one, two]);
  await put(first, second, 1, 3);
  await Promise.all([result(first, "You won"), result(second, "You lost")]);
  assert.deepEqual(await complaints(first), []);
  assert.deepEqual(context.errors, []);
});

test("who watches is carried on into the next room", LIMIT, async (t) => {
  const browser = await launch(t);
  const [context, other] = [await open(browser), await open(browser, { phone: true })];
  const one = await lobby(context);
  const two = await lobby(context);
  const room = roomOf(one);
  await meet(one, two, "Tic-tac-toe");
  const eve = await other.newPage();
  const watched = roomOf(eve);
  await eve.goto(`/w/${matchOf(one).split("/").pop()}`);
  const watching = eve.locator('.match[data-phase="watch-watching"]');
  await watching.waitFor();
  const [first, second] = await byTurn(one, two);
  await put(first, second, 1, 1);
  await cell(eve, 1, 1).and(eve.locator(".taken")).waitFor();
  assert.equal(watched(), room(), "in the room of the players");

  const dead = watched();
  const again = eve.locator(".strip-reconnecting").waitFor();
  await Promise.all([kill(room, [one, two]), again]);
  await eve.locator(".chip-live").waitFor();
  assert.equal(watched(), room(), "in the room that goes on");
  assert.notEqual(watched(), dead);
  await cell(eve, 1, 1).and(eve.locator(".taken")).waitFor();
  await put(second, first, 2, 2);
  await cell(eve, 2, 2).and(eve.locator(".taken")).waitFor();
  await watching.waitFor();
  await shot(eve, "crash-watch-phone");
  assert.deepEqual([...context.errors, ...other.errors], []);
  await Promise.all([quit(one), quit(two)]);
});

test("a game that runs by the clock goes on where it was", LIMIT, async (t) => {
  const context = await open(await launch(t));
  const one = await lobby(context);
  const two = await lobby(context);
  const room = roomOf(one);
  await meet(one, two, "Tanks");
  const match = matchOf(one);
  const took = await kill(room, [one, two]);
  t.diagnostic(`both windows play on after ${Math.round(took)} ms`);
  assert.equal(matchOf(one), match, "without leaving the match");
  await Promise.all([one, two].map((page) => page.keyboard.down("w")));
  await one.locator('[data-link="live"]').waitFor();
  assert.deepEqual(context.errors, []);
  await Promise.all([quit(one), quit(two)]);
});

test("a match that nothing is left of is over: its players are told, and meet again", LIMIT, async (t) => {
  const context = await open(await launch(t));
  const one = await lobby(context);
  const two = await lobby(context);
  const room = roomOf(one);
  await meet(one, two, "Tic-tac-toe");
  const match = matchOf(one);
  const dead = room();
  rmSync(join(env.DATA_DIR, "matches", `${match.split("/").pop()}.journal`));
  signal(dead, "SIGKILL");
  const told = (page) => page.getByText("You are back in the queue").first().waitFor();
  await Promise.all([told(one), told(two)]);
  await Promise.all([seated(one), seated(two)]);
  assert.notEqual(room(), dead);
  assert.notEqual(matchOf(one), match, "in a match of its own");
  assert.deepEqual(context.errors, []);
  await quit(one);
});
