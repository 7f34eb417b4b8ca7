// Two windows of one Chromium play Snake, one of them through a reload, until one is the last alive.
import assert from "node:assert/strict";
import { test } from "node:test";
import { complaints, launch, LIMIT, lobby, open, shot, SOON } from "../lib/browser.js";
import { circle, meet, press, quit, ratingAfter, seated } from "../lib/play.js";

/** A match of the test's settings: a few rounds of at most a few seconds each. */
const MATCH = 60_000;

test("two windows play snake through a reload to the result", LIMIT, async (t) => {
  const context = await open(await launch(t));
  const one = await lobby(context);
  const two = await lobby(context);
  await meet(one, two, "Snake");
  await one.locator(".snake .board").waitFor();
  await two.locator(".scores li.own").waitFor();
  // However long the reload of the other one takes, the match waits for it.
  const stop = circle(t, two);
  await shot(one, "snake-desk");
  assert.deepEqual(await complaints(one), []);

  await one.reload();
  await seated(one);
  await one.locator(".scores li").nth(1).waitFor();

  // From here on both go where they go; walls and bodies do the rest.
  stop();
  const over = (page) => page.locator(".result h2").waitFor({ timeout: MATCH });
  await Promise.all([over(one), over(two)]);
  const titles = [await one.locator(".result h2").textContent(), await two.locator(".result h2").textContent()].sort();
  assert.ok(
    titles.join() === "You lost,You won" || titles.join() === "A draw,A draw",
    `the two results fit: ${titles.join(" and ")}`,
  );
  await ratingAfter(one);
  await one.locator(".ranks tbody tr.you-row").waitFor({ timeout: SOON });
  await shot(one, "snake-result-desk");
  assert.deepEqual(await complaints(one), []);
  assert.deepEqual(context.errors, []);
});

test("who comes late to a running match waits for its next round in words", LIMIT, async (t) => {
  const context = await open(await launch(t));
  const [one, two, three] = [await lobby(context), await lobby(context), await lobby(context)];
  await meet(one, two, "Snake");
  // A match is one decided round: it must not be decided before the third window is there.
  circle(t, one);
  circle(t, two);
  // Who is there before the first step plays the first round.
  await one.locator(".snake .say.low").waitFor({ state: "attached" });
  await press(three, "Snake");
  await seated(three);
  await three.getByText("You come in with the next round").first().waitFor();
  await three.locator(".scores li.own").waitFor();
  await shot(three, "snake-late-desk");
  for (const page of [one, two, three]) {
    await quit(page);
  }
});
