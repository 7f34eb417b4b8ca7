// An operator takes a player out of a match: he is told why and does not come back; the others play on.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BASE, complaints, launch, LIMIT, lobby, open, shot, tooWide } from "../lib/browser.js";
import { kick } from "../lib/ops.js";
import { meet, press, quit, seated, token } from "../lib/play.js";

const matchOf = (page) => new URL(page.url()).pathname.split("/").pop();

async function idOf(page) {
  const headers = { authorization: `Bearer ${await token(page)}` };
  return (await (await fetch(`${BASE}/v1/players/me`, { headers })).json()).id;
}

test("who is kicked reads why and is not let in again; the others play on", LIMIT, async (t) => {
  const browser = await launch(t);
  const [desk, hand] = [await open(browser), await open(browser, { phone: true })];
  const [one, two, next] = [await lobby(desk), await lobby(desk), await lobby(desk)];
  const bad = await lobby(hand);
  const player = await idOf(bad);
  await meet(one, two, "Tanks");
  const match = matchOf(one);
  await press(bad, "Tanks");
  await seated(bad);
  assert.equal(matchOf(bad), match, "a free seat of the same match");

  await kick(match, player, "he shoots at the spectators");
  await bad.getByRole("heading", { name: "You were taken out of the match" }).waitFor();
  await bad.getByText("he shoots at the spectators").first().waitFor();
  assert.equal(await tooWide(bad), false);
  assert.deepEqual(await complaints(bad), []);
  await shot(bad, "kicked-phone");
  for (const page of [one, two]) {
    await page.locator('[role="log"]', { hasText: "he shoots at the spectators" }).waitFor();
  }

  // Not by his link, and not by the queue: the free seat goes to who comes after him.
  await bad.goto(`/m/${match}`);
  await bad.getByRole("heading", { name: "You have no seat in this match" }).waitFor();
  await bad.getByRole("button", { name: "To the lobby" }).click();
  await press(bad, "Tanks");
  await bad.getByRole("heading", { name: "Finding you a match" }).waitFor();
  await press(next, "Tanks");
  await seated(next);
  assert.equal(matchOf(next), match);
  await bad.getByRole("heading", { name: "Finding you a match" }).waitFor();
  assert.equal(await one.locator(".match").getAttribute("data-phase"), "playing");
  assert.equal(await two.locator(".match").getAttribute("data-phase"), "playing");
  await bad.keyboard.press("Escape");
  assert.deepEqual([...desk.errors, ...hand.errors], []);
  await Promise.all([one, two, next].map(quit));
});
