// What a room may do to a page: refuse it as too old, find it too slow, and drain. That it dies: crash.test.js.
import assert from "node:assert/strict";
import { test } from "node:test";
import { launch, LIMIT, lobby, open, shot } from "../lib/browser.js";
import { byTurn, meet, put, quit } from "../lib/play.js";
import { between, roomOf, signal } from "../lib/rooms.js";

test("a page that a room finds too old loads itself again, once", LIMIT, async (t) => {
  const context = await open(await launch(t));
  const one = await lobby(context);
  const two = await lobby(context);
  const rooms = await between(one);
  let loads = 0;
  one.on("load", () => (loads += 1));
  let refuse = 1;
  rooms.onOpen = (state) => {
    if (refuse > 0) {
      refuse -= 1;
      void state.shut(4002, "the game was updated: load it again");
    }
  };
  await meet(one, two, "Tic-tac-toe");
  assert.equal(loads, 1, "it loaded itself again");

  // A room that finds it too old again is believed, and the player is told.
  refuse = 2;
  await one.reload();
  await one.getByRole("heading", { name: "This page is older than the room" }).waitFor();
  await shot(one, "outdated-desk");
  assert.equal(loads, 3, "by hand once, by itself once, and not for ever");
  await quit(two);
});

test("who watches a match that goes on in a room with a newer page part loads it", LIMIT, async (t) => {
  const context = await open(await launch(t));
  const one = await lobby(context);
  const two = await lobby(context);
  await meet(one, two, "Tic-tac-toe");
  const eve = await context.newPage();
  const rooms = await between(eve);
  let loads = 0;
  eve.on("load", () => (loads += 1));
  const watching = eve.locator('.match[data-phase="watch-watching"]');
  await eve.goto(`/w/${one.url().split("/").pop()}`);
  await watching.waitFor();

  // The lobby names another bundle once, and the right one to the page that was loaded anew.
  let named = 0;
  await eve.route("**/v1/matches/*/watch", async (route) => {
    const answer = await route.fetch();
    named += 1;
    await route.fulfill({ json: { ...(await answer.json()), ...(named === 1 ? { bundle: "0".repeat(32) } : {}) } });
  });
  const reloaded = eve.waitForEvent("load");
  await rooms.shut(4004, "nothing was heard for too long");
  await reloaded;
  await watching.waitFor();
  assert.deepEqual([loads, named], [2, 2], "once, not for ever");

  // And one that the room finds too old loads itself again, once.
  let refuse = 1;
  rooms.onOpen = (state) => {
    if (refuse > 0) {
      refuse -= 1;
      void state.shut(4002, "the game was updated: load it again");
    }
  };
  await rooms.shut(4004, "nothing was heard for too long");
  await eve.waitForEvent("load");
  await watching.waitFor();
  assert.equal(loads, 3);
  assert.deepEqual(context.errors, []);
  await quit(one);
});

test("a page that a room finds too slow is back by itself", LIMIT, async (t) => {
  const context = await open(await launch(t));
  const one = await lobby(context);
  const two = await lobby(context);
  const rooms = await between(one);
  await meet(one, two, "Tic-tac-toe");
  const [first, second] = await byTurn(one, two);
  await put(first, second, 1, 1);
  const before = rooms.opened;
  await rooms.shut(4004, "nothing was heard for too long");
  await one.locator('[data-link="live"]').waitFor();
  await put(second, first, 2, 2);
  assert.equal(rooms.opened, before + 1, "by one new socket");
  await quit(one);
});

test("a room that drains says so, and the match is played to its end", LIMIT, async (t) => {
  const context = await open(await launch(t));
  const one = await lobby(context);
  const two = await lobby(context);
  const room = roomOf(one);
  await meet(one, two, "Tic-tac-toe");
  signal(room(), "SIGTERM");
  await Promise.all([one, two].map((page) => page.locator('[data-link="draining"]').waitFor()));
  await shot(one, "draining-desk");
  const [first, second] = await byTurn(one, two);
  await put(first, second, 1, 1);
  await put(second, first, 2, 2);
  await quit(one);
  await two.locator(".result").getByRole("heading", { name: "You won" }).waitFor();
});
