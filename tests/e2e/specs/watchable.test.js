// The lobby lists the matches that everybody may watch, and only those.
import assert from "node:assert/strict";
import { test } from "node:test";
import { complaints, launch, LIMIT, lobby, open, shot, tooWide, until } from "../lib/browser.js";
import { byTurn, cell, meet, nameOf, put, quit, result } from "../lib/play.js";

const panel = (page) => page.locator(".panel", { has: page.getByRole("heading", { name: "Matches to watch" }) });
const rows = (page) => panel(page).locator(".watchable-row");

test("a match is found in the lobby, watched, and gone from the list when it is over", LIMIT, async (t) => {
  const browser = await launch(t);
  const [players, phone] = [await open(browser), await open(browser, { phone: true })];
  // What others play goes on: she looks at first at a queue that lists nothing.
  const nothing = (route) => route.continue({ url: `${route.request().url()}&queue=snake` });
  await phone.route("**/v1/watchable?*", nothing);
  const eve = await lobby(phone);
  await panel(eve).getByText("No match to watch runs right now.").waitFor();
  await shot(eve, "watchable-empty-phone");
  await phone.unroute("**/v1/watchable?*", nothing);

  const [one, two] = [await lobby(players), await lobby(players)];
  const names = [(await nameOf(one)).split("#")[0], (await nameOf(two)).split("#")[0]];
  await meet(one, two, "Tic-tac-toe");
  const row = rows(eve).filter({ hasText: names[0] }).filter({ hasText: names[1] });
  await row.waitFor();
  assert.equal(await tooWide(eve), false);
  assert.deepEqual(await complaints(eve), []);
  await row.scrollIntoViewIfNeeded();
  await shot(eve, "watchable-phone");

  // Found and opened by the keyboard alone.
  const button = row.getByRole("button", { name: /^Watch Tic-tac-toe: / });
  await button.focus();
  await eve.keyboard.press("Enter");
  await eve.locator('.match[data-phase="watch-watching"]').waitFor();
  assert.equal(new URL(eve.url()).pathname, new URL(one.url()).pathname.replace("/m/", "/w/"));
  const [first, second] = await byTurn(one, two);
  await put(first, second, 1, 1);
  await cell(eve, 1, 1).and(eve.locator(".taken")).waitFor();

  // Another window of the lobby says that the one place is taken.
  const desk = await lobby(await open(browser));
  await rows(desk).filter({ hasText: names[0] }).getByText("all places are taken").waitFor();
  await shot(desk, "watchable-desk");
  await eve.keyboard.press("Escape");
  await eve.getByRole("heading", { name: "What shall we play?" }).waitFor();
  await row.waitFor();
  await quit(one);
  await result(two, "You won");
  await row.waitFor({ state: "detached" });
  assert.deepEqual([...players.errors, ...phone.errors], []);
});

test("a match of a queue that lists none is watched by its link alone", LIMIT, async (t) => {
  const context = await open(await launch(t));
  const [one, two] = [await lobby(context), await lobby(context)];
  await meet(one, two, "Snake");
  const eve = await lobby(context);
  const listed = await (await eve.request.get("/v1/watchable?queue=snake")).json();
  assert.deepEqual([listed.total, listed.matches], [0, []]);
  await eve.goto(`/w/${one.url().split("/").pop()}`);
  await eve.locator('.match[data-phase="watch-watching"]').waitFor();
  await Promise.all([quit(one), quit(two)]);
});

test("a long list is turned page by page, and one that is gone leads back to the first", LIMIT, async (t) => {
  const context = await open(await launch(t), { phone: true });
  // Twelve matches would need 24 windows: the list is the lobby's, what it says is ours.
  let forgotten = false;
  await context.route("**/v1/watchable?*", (route) => {
    const asked = new URL(route.request().url()).searchParams;
    const [size, from] = [Number(asked.get("page_size")), Number(asked.get("page_token") || 0)];
    if (forgotten && from > 0) {
      return route.fulfill({ status: 400, contentType: "application/problem+json", json: { type: "bellhop:bad-page", status: 400 } });
    }
    const matches = Array.from({ length: Math.min(size, 12 - from) }, (_, at) => ({
      match_id: `m-${from + at}`, queue: "tanks", game: "tanks", playing: 6, age_ms: 61_000 * (from + at + 1), delay_ms: 0,
      players: ["Ada", "Bo", "Cy", "A guest with quite a long name"].map((name) => ({ name: `${name} ${from + at}`, tag: "0001" })),
      spectators: at, max_spectators: 50,
    }));
    return route.fulfill({ json: { matches, total: 12, next_page_token: from + size < 12 ? String(from + size) : "" } });
  });
  const page = await lobby(context);
  await panel(page).getByText("12 run").waitFor();
  await rows(page).first().getByText("Ada 0, Bo 0, Cy 0, A guest with quite a long name 0 and 2 more").waitFor();
  assert.equal(await rows(page).count(), 5);
  const [newer, older] = ["Newer", "Older"].map((name) => panel(page).getByRole("button", { name }));
  assert.ok(await newer.isDisabled());
  await older.focus();
  await page.keyboard.press("Enter");
  await rows(page).first().getByText("Ada 5,").waitFor();
  assert.equal(await tooWide(page), false);
  assert.deepEqual(await complaints(page), []);
  await rows(page).first().scrollIntoViewIfNeeded();
  await shot(page, "watchable-pages-phone");
  await older.click();
  await rows(page).first().getByText("Ada 10,").waitFor();
  assert.equal(await rows(page).count(), 2);
  assert.ok(await older.isDisabled());
  await newer.click();
  await rows(page).first().getByText("Ada 5,").waitFor();
  forgotten = true;
  await rows(page).first().getByText("Ada 0,").waitFor();
  await until(page, () => document.querySelectorAll(".watchable-row").length === 5);
});
