// A seat: kept without a network, given up by leaving, taken over by a newer window.
import assert from "node:assert/strict";
import { test } from "node:test";
import { launch, LIMIT, lobby, open, shot } from "../lib/browser.js";
import { door } from "../lib/proxy.js";
import { byTurn, leave, meet, put, seated } from "../lib/play.js";

/** What the page promises to survive. */
const OFFLINE_MS = 20_000;
/** How soon it is back once the network is. */
const BACK_MS = 2_000;

test("20 s without a network, and on", LIMIT, async (t) => {
  const browser = await launch(t);
  const here = await open(browser);
  const there = await open(browser);
  const one = await lobby(here);
  const two = await lobby(there);
  await meet(one, two, "Tic-tac-toe");
  const [first, second] = await byTurn(one, two);
  await put(first, second, 1, 1);

  const since = performance.now();
  await here.setOffline(true);
  await one.locator('[data-link="reconnecting"]').waitFor();
  await one.getByText(/Reconnecting, \d+ s left/).waitFor();
  await shot(one, "reconnecting-desk");
  await two.locator(".plate-note", { hasText: "away" }).waitFor();
  // The claim is about time: the rest of the 20 s has to pass.
  await new Promise((done) => setTimeout(done, OFFLINE_MS - (performance.now() - since)));
  await here.setOffline(false);
  await one.locator('[data-link="live"]').waitFor({ timeout: BACK_MS });

  await put(second, first, 2, 2);
  await put(first, second, 1, 2);
});

test("a gateway that dies and comes back: the match pauses, the page is back by itself", LIMIT, async (t) => {
  const gateway = await door(t);
  const context = await open(await launch(t), { baseURL: gateway.url });
  const one = await lobby(context);
  const two = await lobby(context);
  await meet(one, two, "Tic-tac-toe");
  const [first, second] = await byTurn(one, two);
  await put(first, second, 1, 1);

  gateway.shut();
  await Promise.all([one, two].map((page) => page.locator('[data-link="reconnecting"]').waitFor()));
  await gateway.reopen();
  await Promise.all([one, two].map((page) => page.locator('[data-link="live"]').waitFor({ timeout: BACK_MS })));
  await put(second, first, 2, 2);
});

test("leaving by Escape asks, gives the seat up at once, and the other is told", LIMIT, async (t) => {
  const context = await open(await launch(t));
  const one = await lobby(context);
  const two = await lobby(context);
  await meet(one, two, "Tic-tac-toe");

  await one.keyboard.press("Escape");
  const dialog = one.getByRole("dialog", { name: "Leave this match?" });
  await dialog.waitFor();
  await shot(one, "leave-desk");
  for (const name of ["Leave now", "Stay"]) {
    await one.keyboard.press("Tab");
    const focused = await one.evaluate(() => document.activeElement?.textContent);
    assert.equal(focused, name, "the focus stays in the dialog");
  }
  await one.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await one.locator(".cell:focus").waitFor();

  await leave(one);
  await one.getByText("You left the match. The others have been told.").first().waitFor();
  await two.locator(".result").getByRole("heading", { name: "You won" }).waitFor();
  assert.equal(await one.getByRole("button", { name: "Back to the match" }).count(), 0);
});

test("a seat continued elsewhere says so, and can be taken back", LIMIT, async (t) => {
  const browser = await launch(t);
  const here = await open(browser);
  const one = await lobby(here);
  const two = await lobby(await open(browser));
  const bearer = await one.evaluate(() => localStorage.getItem("bellhop.bearer"));
  await meet(one, two, "Tic-tac-toe");

  // The same player in another browser: the lobby offers the way back.
  const elsewhere = await open(browser);
  await elsewhere.addInitScript((token) => localStorage.setItem("bellhop.bearer", token), bearer);
  const three = await lobby(elsewhere);
  await three.getByRole("button", { name: "Back to the match" }).click();
  await seated(three);
  await one.getByRole("heading", { name: "Continued in another window" }).waitFor();
  await one.getByRole("button", { name: "Take it back here" }).click();
  await seated(one);
  await three.getByRole("heading", { name: "Continued in another window" }).waitFor();
});
