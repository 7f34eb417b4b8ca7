// A match that is over is watched again: by its players from the result, by anybody who has the address.
import assert from "node:assert/strict";
import { test } from "node:test";
import { complaints, launch, LIMIT, lobby, open, shot } from "../lib/browser.js";
import { byTurn, cell, meet, put, result } from "../lib/play.js";

test("a match is watched again after its end, from both seats, forwards and backwards", LIMIT, async (t) => {
  const context = await open(await launch(t));
  const one = await lobby(context);
  const two = await lobby(context);
  await meet(one, two, "Tic-tac-toe");
  const match = one.url().split("/").pop();

  // While it runs its journal is nobody's to see.
  const early = await lobby(context);
  await early.goto(`/r/${match}`);
  await early.getByText("The match still runs.").waitFor();
  await early.close();

  const [first, second] = await byTurn(one, two);
  await put(first, second, 1, 1);
  await put(second, first, 2, 1);
  await put(first, second, 1, 2);
  await put(second, first, 2, 2);
  await put(first, second, 1, 3);
  await Promise.all([result(first, "You won"), result(second, "You lost")]);

  await first.getByRole("button", { name: "Watch the replay" }).click();
  const moment = first.getByRole("slider", { name: "Moment of the match" });
  await moment.waitFor();
  // To the end, then back to the beginning: the board follows.
  await moment.focus();
  await moment.press("End");
  await cell(first, 1, 3).and(first.locator(".taken")).waitFor();
  await shot(first, "replay-desk");
  assert.deepEqual(await complaints(first), []);
  await moment.press("Home");
  await cell(first, 1, 1).and(first.locator(":not(.taken)")).waitFor();
  // From the keyboard: Space plays on, and at four times the speed the first move comes by itself.
  await first.getByRole("combobox", { name: "Speed" }).selectOption("4");
  if (await first.getByRole("button", { name: "Play", exact: true }).isVisible()) {
    await first.getByRole("button", { name: "Play", exact: true }).click();
  }
  await cell(first, 1, 3).and(first.locator(".taken")).waitFor();
  const eyes = first.getByRole("combobox", { name: "Seen by" });
  assert.equal(await eyes.locator("option").count(), 2);
  await eyes.selectOption({ index: 1 });
  await cell(first, 1, 1).and(first.locator(".taken")).waitFor();

  // The address works for somebody else, on a phone too.
  const phone = await open(await launch(t), { phone: true });
  const guest = await lobby(phone);
  await guest.goto(`/r/${match}`);
  await guest.getByRole("slider", { name: "Moment of the match" }).press("End");
  await cell(guest, 1, 3).and(guest.locator(".taken")).waitFor();
  await shot(guest, "replay-phone");
  assert.deepEqual(await complaints(guest), []);
  await guest.goto("/r/m-0000000000000");
  await guest.getByText("Replays are kept for a week").waitFor();
  assert.deepEqual(context.errors, []);
});
