// A game created in one window, found in the other's list, joined and played.
import assert from "node:assert/strict";
import { test } from "node:test";
import { complaints, launch, LIMIT, lobby, open, shot } from "../lib/browser.js";
import { byTurn, nameOf, put, seated } from "../lib/play.js";

test("an open game is found, joined and played", LIMIT, async (t) => {
  const context = await open(await launch(t));
  const host = await lobby(context);
  const guest = await lobby(context);
  const hostName = (await nameOf(host)).split("#")[0];

  await host.getByRole("button", { name: /^Open a game/ }).first().click();
  await host.getByRole("heading", { name: "Your game is open" }).waitFor();
  assert.deepEqual(await complaints(host), []);

  const row = guest.locator(".open-row", { hasText: hostName });
  await row.waitFor();
  await shot(guest, "open-games-desk");
  assert.deepEqual(await complaints(guest), []);
  await row.getByRole("button", { name: /^Join/ }).click();
  await Promise.all([seated(host), seated(guest)]);
  const [first, second] = await byTurn(host, guest);
  await put(first, second, 2, 2);
});

test("an open game that is taken back leaves the list", LIMIT, async (t) => {
  const context = await open(await launch(t));
  const host = await lobby(context);
  const other = await lobby(context);
  const row = other.locator(".open-row", { hasText: (await nameOf(host)).split("#")[0] });
  await host.getByRole("button", { name: /^Open a game/ }).first().click();
  await row.waitFor();
  await host.getByRole("button", { name: /Stop waiting/ }).click();
  await row.waitFor({ state: "detached" });
});
