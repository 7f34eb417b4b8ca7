// The page around the games: what it weighs, who may use it how, and what it says when things are not well.
import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { BASE, complaints, launch, LIMIT, lobby, open, shot, tooWide, until } from "../lib/browser.js";
import { byTurn, cell, meet, nameOf, press, put, quit, result, seated, topRow } from "../lib/play.js";

const MOST_SCRIPT_BYTES = 60 * 1024;
const FIRST_PAINT_MS = 1_000;
/** A machine that builds meanwhile may be late; a page that is slow always is. */
const LOADS = 5;

test("the lobby is light, quick and without a complaint in both themes", LIMIT, async (t) => {
  const browser = await launch(t);
  for (const dark of [false, true]) {
    const context = await open(browser, { dark });
    const page = await context.newPage();
    const scripts = [];
    const weigh = (response) => {
      if (response.url().endsWith(".js")) {
        scripts.push(response.body().then((body) => gzipSync(body).length));
      }
    };
    page.on("response", weigh);
    await page.goto("/");
    await page.locator(".keytag .name").waitFor();
    await page.getByRole("button", { name: "Play Snake" }).waitFor();
    // What a reload cuts off has no body to weigh.
    page.off("response", weigh);
    const weight = (await Promise.all(scripts)).reduce((sum, bytes) => sum + bytes, 0);
    assert.ok(weight < MOST_SCRIPT_BYTES, `${weight} bytes of script before a game`);
    const paints = [];
    for (let load = 0; load < LOADS && !paints.some((paint) => paint < FIRST_PAINT_MS); load += 1) {
      await page.reload();
      await page.locator(".keytag .name").waitFor();
      paints.push(await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime));
    }
    assert.ok(paints.some((paint) => paint < FIRST_PAINT_MS), `first paints after ${paints.join(", ")} ms`);
    await page.getByRole("button", { name: "Play Snake" }).waitFor();
    await shot(page, dark ? "home-desk-dark" : "home-desk");
    assert.deepEqual(await complaints(page), []);

    await press(page, "Tic-tac-toe");
    await page.getByRole("heading", { name: "Finding you a match" }).waitFor();
    await page.getByText("Why it waits").waitFor();
    await until(page, () => document.title.includes("waiting"));
    await shot(page, dark ? "waiting-desk-dark" : "waiting-desk");
    assert.deepEqual(await complaints(page), []);
    await page.getByRole("button", { name: /Stop waiting/ }).click();
    await page.getByText("You are no longer waiting.").first().waitFor();
    await context.close();
  }
});

test("a whole match by the keyboard alone", LIMIT, async (t) => {
  const browser = await launch(t);
  const one = await lobby(await open(browser));
  const two = await lobby(await open(browser));
  const tabTo = async (page, name) => {
    for (let steps = 0; steps < 40; steps += 1) {
      await page.keyboard.press("Tab");
      const label = await page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent);
      if (label?.startsWith(name)) {
        return;
      }
    }
    assert.fail(`no way by Tab to "${name}"`);
  };
  for (const page of [one, two]) {
    await tabTo(page, "Play Tic-tac-toe");
    await page.keyboard.press("Enter");
  }
  await Promise.all([seated(one), seated(two)]);
  const [first, second] = await byTurn(one, two);
  // The board has the focus in its middle; arrows walk, Enter places.
  const go = async (page, other, keys, row, column) => {
    await page.locator(".status", { hasText: "Your turn" }).waitFor();
    for (const key of keys) {
      await page.keyboard.press(key);
    }
    await page.keyboard.press("Enter");
    await cell(other, row, column).and(other.locator(".taken")).waitFor();
  };
  await go(first, second, ["ArrowUp", "ArrowLeft"], 1, 1);
  await go(second, first, ["ArrowLeft"], 2, 1);
  await go(first, second, ["ArrowRight"], 1, 2);
  await go(second, first, ["ArrowRight"], 2, 2);
  await go(first, second, ["ArrowRight"], 1, 3);
  await result(first, "You won");
  await first.keyboard.press("Escape");
  await first.getByRole("heading", { name: "What shall we play?" }).waitFor();
  // Enter with nothing chosen plays what was played last.
  await first.keyboard.press("Enter");
  await first.getByRole("heading", { name: "Finding you a match" }).waitFor();
  await first.keyboard.press("Escape");
  await first.getByText("You are no longer waiting.").first().waitFor();
});

test("a whole match on a phone of 360 px by touch", LIMIT, async (t) => {
  const browser = await launch(t);
  const one = await lobby(await open(browser, { phone: true }));
  const two = await lobby(await open(browser, { phone: true, dark: true }));
  const look = async (page, name) => {
    assert.equal(await tooWide(page), false, `${name} is not wider than the phone`);
    assert.deepEqual(await complaints(page), []);
    await shot(page, name);
  };
  await look(one, "home-phone");
  await look(two, "home-phone-dark");
  await one.getByRole("button", { name: "Play Tic-tac-toe" }).tap();
  await one.getByRole("heading", { name: "Finding you a match" }).waitFor();
  await look(one, "waiting-phone");
  await two.getByRole("button", { name: "Play Tic-tac-toe" }).tap();
  await Promise.all([seated(one), seated(two)]);
  const [first, second] = await byTurn(one, two);
  await cell(first, 2, 2).tap();
  await cell(second, 2, 2).and(second.locator(".taken")).waitFor();
  await look(first, "tictactoe-phone");
  await look(second, "tictactoe-phone-2");
  await put(second, first, 1, 1);
  await put(first, second, 1, 3);
  await put(second, first, 1, 2);
  await put(first, second, 3, 1);
  await result(first, "You won");
  await look(first, "result-phone");

  const pair = [await lobby(await open(browser, { phone: true })), await lobby(await open(browser, { phone: true, dark: true }))];
  await meet(...pair, "Snake");
  for (const [index, page] of pair.entries()) {
    await page.getByRole("button", { name: "Up" }).waitFor();
    await look(page, `snake-phone-${index + 1}`);
  }
  await quit(pair[0]);
  await quit(pair[1]);
});

test("a second window of a browser is a guest of its own, and stays that one through a reload", LIMIT, async (t) => {
  const context = await open(await launch(t));
  const one = await lobby(context);
  const two = await lobby(context);
  const [first, second] = [await nameOf(one), await nameOf(two)];
  assert.notEqual(first, second);
  await two.getByText("so this one is a guest of its own").waitFor();
  for (const [page, name] of [[two, second], [one, first]]) {
    await page.reload();
    await page.locator(".keytag .name").waitFor();
    assert.equal(await nameOf(page), name);
  }
});

test("a name is changed; a name that is none is refused with a reason", LIMIT, async (t) => {
  const page = await lobby(await open(await launch(t)));
  const tag = (await nameOf(page)).split("#")[1];
  await page.getByRole("button", { name: "Change name" }).click();
  await page.getByLabel("Name", { exact: true }).fill("Ada L.");
  await page.keyboard.press("Enter");
  await page.locator(".keytag .name", { hasText: "Ada L." }).waitFor();
  await page.reload();
  await page.locator(".keytag .name", { hasText: "Ada L." }).waitFor();
  assert.equal((await nameOf(page)).split("#")[1], tag);
});

test("a password makes a guest a player who can log in elsewhere", LIMIT, async (t) => {
  const browser = await launch(t);
  const page = await lobby(await open(browser));
  const login = await nameOf(page);
  await page.getByRole("button", { name: "Keep this player" }).click();
  await page.getByLabel("New password").fill("correct horse battery");
  assert.deepEqual(await complaints(page), []);
  await page.keyboard.press("Enter");
  await page.getByText(/Password set/).first().waitFor();

  const other = await lobby(await open(browser));
  await other.getByRole("button", { name: "Log in" }).click();
  const dialog = other.getByRole("dialog");
  await dialog.getByLabel("Login name").fill(login);
  await dialog.getByLabel("Password").fill("wrong horse battery");
  await other.keyboard.press("Enter");
  await dialog.getByText("Name or password is wrong.").waitFor();
  await dialog.getByLabel("Password").fill("correct horse battery");
  await other.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });
  assert.equal(await nameOf(other), login);
});

test("a lobby that is away is said calmly, and found again without a hand", LIMIT, async (t) => {
  const context = await open(await launch(t));
  const page = await lobby(context);
  await context.route("**/v1/**", (route) =>
    route.fulfill({ status: 503, contentType: "application/problem+json", body: '{"title":"back in a moment","status":503}' }),
  );
  await page.getByText("Back in a moment").waitFor();
  await shot(page, "lobby-away-desk");
  assert.deepEqual(await complaints(page), []);
  assert.ok(await page.getByRole("button", { name: "Play Snake" }).isDisabled());
  await context.unroute("**/v1/**");
  await page.getByText("Back in a moment").waitFor({ state: "detached" });
  await page.locator('.play:not([disabled])').first().waitFor();
});

test("a page that opens while the lobby is away waits for it", LIMIT, async (t) => {
  const context = await open(await launch(t));
  await context.route("**/v1/**", (route) => route.abort());
  const page = await context.newPage();
  await page.goto("/");
  await page.getByText("Back in a moment").waitFor();
  await page.getByText("Looking around the lobby").waitFor({ state: "attached" });
  await context.unroute("**/v1/**");
  await page.locator(".keytag .name").waitFor();
  await page.getByRole("button", { name: "Play Snake" }).waitFor();
});

test("a hidden window gives its lobby stream back; a waiting ticket keeps its own", LIMIT, async (t) => {
  const context = await open(await launch(t));
  const page = await lobby(context);
  const hide = (hidden) =>
    page.evaluate((now) => {
      Object.defineProperty(document, "hidden", { value: now, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);
  const gone = page.waitForEvent("requestfailed", (request) => request.url().includes("/v1/open-games/events"));
  await hide(true);
  await gone;
  const back = page.waitForRequest((request) => request.url().includes("/v1/open-games/events"));
  await hide(false);
  await back;

  await press(page, "Tic-tac-toe");
  await page.getByText("Why it waits").waitFor();
  let lost = false;
  page.on("requestfailed", (request) => (lost ||= request.url().includes("/v1/tickets/")));
  await hide(true);
  const before = await page.locator(".wait-clock").textContent();
  await until(page, (text) => document.querySelector(".wait-clock")?.textContent !== text, before);
  assert.equal(lost, false);
  await hide(false);
  await page.keyboard.press("Escape");
});

test("German is there from the first paint on", LIMIT, async (t) => {
  const context = await open(await launch(t), { locale: "de-DE" });
  const page = await context.newPage();
  await page.goto("/");
  await page.getByRole("heading", { name: "Was spielen wir?" }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), "de");
  await page.getByLabel("Sprache").selectOption("en");
  await page.getByRole("heading", { name: "What shall we play?" }).waitFor();
});

test("a way into nowhere says so", LIMIT, async (t) => {
  const page = await (await open(await launch(t))).newPage();
  await page.goto(`${BASE}/m/m-0000000000000`);
  await page.getByRole("heading", { name: "You have no seat in this match" }).waitFor();
  assert.deepEqual(await complaints(page), []);
  await page.getByRole("button", { name: "To the lobby" }).click();
  await page.getByRole("heading", { name: "What shall we play?" }).waitFor();
});
