/** What players do, in the page's own words. */
import { SOON } from "./browser.js";

export function card(page, game) {
  return page.locator(".card", { has: page.getByRole("heading", { name: game, exact: true }) });
}

/** Presses Play on a game's card. */
export function press(page, game) {
  return page.getByRole("button", { name: `Play ${game}` }).click();
}

/** Waits until the match is live in this window. */
export async function seated(page) {
  await page.locator('.match[data-phase="playing"]').waitFor();
  await page.locator('[data-link="live"]').waitFor();
}

/** Both press Play and meet. */
export async function meet(one, two, game) {
  await press(one, game);
  await one.getByRole("heading", { name: "Finding you a match" }).waitFor();
  await press(two, game);
  await Promise.all([seated(one), seated(two)]);
}

/** Goes round in small circles, and so stays alive in Snake, until the function it gives is called or the test ends. */
export function circle(t, page) {
  const round = ["ArrowDown", "ArrowLeft", "ArrowUp", "ArrowRight"];
  let at = 0;
  const circling = setInterval(() => page.keyboard.press(round[at++ % round.length]).catch(() => {}), 600);
  const stop = () => clearInterval(circling);
  t.after(stop);
  return stop;
}

export function cell(page, row, column) {
  return page.getByRole("button", { name: new RegExp(`^Row ${row}, column ${column}:`) });
}

/** Of two windows of tic-tac-toe, first the one whose turn it is. */
export async function byTurn(one, two) {
  const turn = (page) => page.locator(".status", { hasText: "Your turn" }).waitFor({ timeout: SOON });
  const first = await Promise.any([turn(one).then(() => one), turn(two).then(() => two)]);
  return first === one ? [one, two] : [two, one];
}

/** Puts a mark and waits until both see it. */
export async function put(page, other, row, column) {
  await page.locator(".status", { hasText: "Your turn" }).waitFor();
  await cell(page, row, column).click();
  await cell(page, row, column).and(page.locator(".taken:not(.pending)")).waitFor();
  await cell(other, row, column).and(other.locator(".taken")).waitFor();
}

/** Plays until the first of the two has its three in the top row. */
export async function topRow(first, second) {
  await put(first, second, 1, 1);
  await put(second, first, 2, 1);
  await put(first, second, 1, 2);
  await put(second, first, 2, 2);
  await put(first, second, 1, 3);
}

/** The result's heading. */
export function result(page, heading) {
  return page.locator(".result").getByRole("heading", { name: heading }).waitFor();
}

/** Waits for the rating after a match and gives it. */
export async function ratingAfter(page) {
  const rating = page.locator(".result-rating strong");
  await rating.waitFor();
  return Number(await rating.textContent());
}

/** Leaves a match by Escape. */
export async function leave(page) {
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").getByRole("button", { name: "Leave now" }).click();
  await page.getByRole("heading", { name: "What shall we play?" }).waitFor();
}

/** Tidies up after a test: leaves the match if it still runs. */
export async function quit(page) {
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Leave now" }).click({ timeout: 2_000 }).catch(() => {});
}

export async function nameOf(page) {
  const tag = page.locator(".keytag-name");
  return `${await tag.locator(".name").textContent()}${await tag.locator(".tag").textContent()}`;
}

export async function token(page) {
  return page.evaluate(() => sessionStorage.getItem("bellhop.bearer") ?? localStorage.getItem("bellhop.bearer"));
}
