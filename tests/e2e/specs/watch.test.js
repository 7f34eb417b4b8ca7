// Somebody watches a match that two others play: at once where nothing is secret, later where it would help a player.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BASE, complaints, launch, LIMIT, lobby, open, shot, tooWide } from "../lib/browser.js";
import { byTurn, cell, meet, put, quit, result } from "../lib/play.js";

/** A match of maze: two rounds of fifteen seconds, what lies between them, and the delay of who watches. */
const MATCH = 70_000;

const matchOf = (page) => page.url().split("/").pop();
const phase = (page, name) => page.locator(`.match[data-phase="watch-${name}"]`);

async function watch(context, match) {
  const page = await context.newPage();
  await page.goto(`/w/${match}`);
  return page;
}

test("tic-tac-toe is watched by link, on a phone, to its end and its replay", LIMIT, async (t) => {
  const browser = await launch(t);
  const [players, phone] = [await open(browser, { permissions: ["clipboard-read", "clipboard-write"] }), await open(browser, { phone: true })];
  const one = await lobby(players);
  const two = await lobby(players);
  await meet(one, two, "Tic-tac-toe");
  const match = matchOf(one);

  // The link is copied where the match is.
  await one.getByRole("button", { name: "Copy watch link" }).click();
  await one.locator(".notice", { hasText: "The link is copied." }).waitFor();
  assert.equal(await one.evaluate(() => navigator.clipboard.readText()), `${BASE}/w/${match}`);

  const eve = await watch(phone, match);
  await phase(eve, "watching").waitFor();
  assert.equal(await eve.locator(".chip[data-delay]").getAttribute("data-delay"), "0");
  const [first, second] = await byTurn(one, two);
  await put(first, second, 1, 1);
  await cell(eve, 1, 1).and(eve.locator(".taken")).waitFor();
  await put(second, first, 2, 2);
  await cell(eve, 2, 2).and(eve.locator(".taken")).waitFor();
  assert.equal(await tooWide(eve), false);
  assert.deepEqual(await complaints(eve), []);
  await shot(eve, "watch-phone");

  // What she sends in the place of a player is nothing: her window offers nothing to press.
  assert.equal(await eve.locator(".game").getAttribute("inert"), "");
  // Who reloads is there again, and sees all that was played.
  await eve.reload();
  await cell(eve, 2, 2).and(eve.locator(".taken")).waitFor();

  // There is one place in this queue: the next one waits for it.
  const mal = await watch(await open(browser), match);
  await phase(mal, "full").waitFor();
  await mal.getByRole("heading", { name: "All places are taken" }).waitFor();
  await shot(mal, "watch-full");
  await eve.goto("/");
  await phase(mal, "watching").waitFor();
  await cell(mal, 1, 1).and(mal.locator(".taken")).waitFor();

  await put(first, second, 1, 2);
  await put(second, first, 3, 3);
  await put(first, second, 1, 3);
  await Promise.all([result(first, "You won"), result(second, "You lost")]);
  await phase(mal, "ended").waitFor();
  await shot(mal, "watch-ended");
  await mal.getByRole("button", { name: "Watch the replay" }).click();
  await mal.getByRole("slider", { name: "Moment of the match" }).waitFor();

  // Who comes when it is over is told so; who has no match at all, too.
  const late = await watch(phone, match);
  await phase(late, "over").waitFor();
  assert.equal(await tooWide(late), false);
  await late.goto("/w/m-00000000000000000000000000");
  await phase(late, "unknown").waitFor();
  assert.deepEqual([...players.errors, ...phone.errors], []);
});

test("maze is watched later, and nothing of it is sent before", LIMIT, async (t) => {
  const browser = await launch(t);
  const [desk, other] = [await open(browser), await open(browser)];
  const one = await lobby(desk);
  const two = await lobby(other);
  await meet(one, two, "Maze");
  const began = Date.now();
  const match = matchOf(one);
  const context = await open(browser);
  const states = [];
  context.on("page", (page) =>
    page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => {
      // The lowest three bits of a message's first byte are its kind: 0 is a state.
      if (typeof payload !== "string" && (payload[0] & 7) === 0) {
        states.push({ at: Date.now(), bytes: payload.length });
      }
    })));
  const eve = await watch(context, match);
  await phase(eve, "early").waitFor();
  await eve.getByText("You see this match 15 seconds later than its players.").waitFor();
  await eve.locator('.chip[data-delay="15"]').waitFor();
  assert.deepEqual(await complaints(eve), []);
  await phase(eve, "watching").waitFor({ timeout: 30_000 });
  assert.ok(states[0].at - began > 13_000, `a state after ${states[0].at - began} ms`);
  await eve.locator('.maze[data-phase="hunt"]').waitFor({ timeout: 20_000 });
  await eve.locator('.maze[data-role="none"]').waitFor();
  // Nothing there is for her to hold, press or read how to steer.
  assert.equal(await eve.locator(".maze .keys, .maze .pad").count(), 0);
  assert.equal(await one.locator(".maze .keys").count(), 1);
  await shot(eve, "watch-maze");

  await phase(eve, "ended").waitFor({ timeout: MATCH });
  await Promise.all([one, two].map((page) => page.locator(".result h2").waitFor()));
  await eve.getByRole("button", { name: "Watch the replay" }).waitFor();
  assert.deepEqual([...desk.errors, ...other.errors, ...context.errors], []);
});

test("players write to each other, unobtrusively and by keyboard", LIMIT, async (t) => {
  const browser = await launch(t);
  const [desk, phone] = [await open(browser), await open(browser, { phone: true })];
  const one = await lobby(desk);
  const two = await lobby(phone);
  await meet(one, two, "Snake");
  await one.keyboard.press("t");
  const box = one.getByRole("textbox", { name: "Write to all" });
  await box.waitFor();
  await box.pressSequentially("well met");
  await box.press("Enter");
  for (const page of [one, two]) {
    await page.locator('[role="log"]', { hasText: "well met" }).waitFor();
  }
  assert.equal(await two.locator('[role="log"]').getAttribute("aria-live"), "polite");
  assert.equal(await tooWide(two), false);
  await shot(two, "chat-phone");
  assert.deepEqual(await complaints(one), []);
  // Too many at once: the writer alone is told, and plays on.
  for (let line = 0; line < 7; line += 1) {
    await box.fill(`line ${line}`);
    await box.press("Enter");
  }
  await one.getByText("Not sent: too many lines").waitFor();
  await box.press("Escape");
  await box.waitFor({ state: "detached" });
  await two.getByRole("button", { name: "Chat" }).click();
  await two.getByRole("textbox", { name: "Write to all" }).waitFor();
  await shot(two, "chat-open-phone");
  await two.getByRole("textbox", { name: "Write to all" }).press("Escape");
  await Promise.all([quit(one), quit(two)]);
  assert.deepEqual([...desk.errors, ...phone.errors], []);
});
