// Two windows of one Chromium: lobby, match, play, a reload in mid-game, result, rating, again.
import assert from "node:assert/strict";
import { test } from "node:test";
import { complaints, launch, LIMIT, lobby, open, shot } from "../lib/browser.js";
import { byTurn, cell, meet, nameOf, put, ratingAfter, result, seated, topRow } from "../lib/play.js";

test("two windows play tic-tac-toe through a reload to the result and again", LIMIT, async (t) => {
  const context = await open(await launch(t));
  const one = await lobby(context);
  const two = await lobby(context);
  assert.notEqual(await nameOf(one), await nameOf(two), "the second window is a guest of its own");

  await meet(one, two, "Tic-tac-toe");
  const [first, second] = await byTurn(one, two);
  await put(first, second, 1, 1);
  await put(second, first, 2, 1);
  await shot(first, "tictactoe-desk");
  assert.deepEqual(await complaints(first), []);

  await first.reload();
  await seated(first);
  await cell(first, 1, 1).and(first.locator(".taken")).waitFor();
  await cell(first, 2, 1).and(first.locator(".taken")).waitFor();

  await put(first, second, 1, 2);
  await put(second, first, 2, 2);
  await put(first, second, 1, 3);
  await Promise.all([result(first, "You won"), result(second, "You lost")]);
  const [won, lost] = await Promise.all([ratingAfter(first), ratingAfter(second)]);
  assert.ok(won > lost, `the winner's ${won} is above the loser's ${lost}`);
  await shot(first, "tictactoe-result-desk");
  assert.deepEqual(await complaints(first), []);

  // Enter plays again; the wait it leads to is cancelled by Escape.
  await first.keyboard.press("Enter");
  await first.getByRole("heading", { name: "Finding you a match" }).waitFor();
  await first.keyboard.press("Escape");
  await first.getByText("You are no longer waiting.").first().waitFor();
  assert.equal(Number(await first.locator(".ratings strong").textContent()), won, "the lobby shows the new rating");
  assert.deepEqual(context.errors, []);
});

test("a rematch is offered, accepted and played in the same room", LIMIT, async (t) => {
  const context = await open(await launch(t));
  const one = await lobby(context);
  const two = await lobby(context);
  await meet(one, two, "Tic-tac-toe");
  const [first, second] = await byTurn(one, two);
  await topRow(first, second);
  await first.locator(".status", { hasText: "You have three in a row" }).waitFor();
  await first.getByRole("button", { name: "Offer a rematch" }).click();
  await second.getByRole("button", { name: "Accept the rematch" }).click();
  // Whoever was second begins.
  await second.locator(".status", { hasText: "Your turn" }).waitFor();
  await first.locator(".plate.own .plate-note", { hasText: "1 won" }).waitFor();
  await put(second, first, 2, 2);

  await first.getByRole("button", { name: "Resign" }).click();
  await first.getByRole("button", { name: "Really resign?" }).click();
  await second.locator(".status", { hasText: "resigned" }).waitFor();
  await second.getByRole("button", { name: "No more games" }).click();
  await Promise.all([result(first, "A draw"), result(second, "A draw")]);
});
