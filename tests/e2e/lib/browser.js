/**
 * Real Chromium against a real stack: `BASE_URL` names the gateway, `ARTIFACTS` takes the screenshots.
 *
 * Nothing here sleeps: everything waits for a state of the page, with a deadline.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { env } from "node:process";
import { chromium } from "playwright-core";

export const BASE = env.BASE_URL ?? "http://127.0.0.1:8080";
const ARTIFACTS = env.ARTIFACTS ?? "/tmp/bellhop-artifacts";
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Longest wait for any state that no clock of a game decides. */
export const SOON = 15_000;

/** No test takes longer; a page that hangs must not hold up the others. */
export const LIMIT = { timeout: 90_000 };

const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];

export const DESK = { width: 1280, height: 800 };
export const PHONE = { width: 360, height: 740 };

mkdirSync(ARTIFACTS, { recursive: true });

/** Starts a browser and ends it with the test. */
export async function launch(t) {
  const browser = await chromium.launch({ executablePath: env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
  t.after(() => browser.close());
  return browser;
}

/**
 * A browser of its own: storage and guests are not shared with another one. A page error fails the test that reads
 * `errors`.
 */
export async function open(browser, { phone = false, dark = false, ...more } = {}) {
  const context = await browser.newContext({
    baseURL: BASE,
    viewport: phone ? PHONE : DESK,
    hasTouch: phone,
    isMobile: phone,
    deviceScaleFactor: phone ? 2 : 1,
    colorScheme: dark ? "dark" : "light",
    locale: "en-GB",
    ...more,
  });
  context.setDefaultTimeout(SOON);
  context.errors = [];
  context.on("page", (page) => page.on("pageerror", (error) => context.errors.push(String(error))));
  return context;
}

/** A window that shows the lobby and knows who it is. */
export async function lobby(context) {
  const page = await context.newPage();
  await page.goto("/");
  await page.locator(".keytag .name").waitFor();
  await page.getByRole("heading", { name: "Snake", exact: true }).waitFor();
  return page;
}

export async function shot(page, name) {
  await page.screenshot({ path: join(ARTIFACTS, `${name}.png`) });
}

/** What axe-core has against this page, one line each. */
export async function complaints(page) {
  // What is still fading in has not its own colours yet.
  await page.evaluate(() => {
    const ending = document.getAnimations().filter((each) => each.effect?.getComputedTiming().endTime !== Infinity);
    return Promise.allSettled(ending.map((each) => each.finished));
  });
  await page.evaluate(AXE);
  const found = await page.evaluate(async () => (await globalThis.axe.run(document, { resultTypes: ["violations"] })).violations);
  return found.map((one) => `${one.id}: ${one.nodes.map((node) => node.target.join(" ")).join(", ")}`);
}

/** Waits until `check` holds in the page. */
export function until(page, check, argument, timeout = SOON) {
  return page.waitForFunction(check, argument, { timeout });
}

/** True where something is wider than the window. */
export function tooWide(page) {
  return page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
}
