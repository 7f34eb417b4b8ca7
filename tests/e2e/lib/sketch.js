/** What painters do in sketch, and what is seen of it. */
import { until } from "./browser.js";

export const WIDTH = 960;
export const HEIGHT = 720;

/** Waits for the prompt's card and reads it. */
export async function readPrompt(page) {
  const card = page.getByRole("dialog", { name: /^Prompt \d of \d$/ });
  await card.waitFor();
  return card.locator(".prompt-now").textContent();
}

export async function ok(page) {
  await page.getByRole("button", { name: "OK", exact: true }).click();
  await page.locator(".prompt").waitFor({ state: "hidden" });
}

/** Where a place on the canvas is in the window. */
export async function onScreen(page, [x, y]) {
  const box = await page.locator(".sketch .paper").boundingBox();
  return [box.x + (x / WIDTH) * box.width, box.y + (y / HEIGHT) * box.height];
}

/** Draws along these places with the mouse. */
export async function drawByMouse(page, places) {
  const [first, ...rest] = await Promise.all(places.map((place) => onScreen(page, place)));
  await page.mouse.move(...first);
  await page.mouse.down();
  for (const place of rest) {
    await page.mouse.move(...place, { steps: 6 });
  }
  await page.mouse.up();
}

/** Draws along these places with a finger. */
export async function drawByTouch(page, places) {
  const touch = await page.context().newCDPSession(page);
  const points = await Promise.all(places.map((place) => onScreen(page, place)));
  const at = ([x, y]) => [{ x, y, id: 1 }];
  await touch.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: at(points[0]) });
  for (const point of points.slice(1)) {
    await touch.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: at(point) });
  }
  await touch.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  await touch.detach();
}

/** The colour of a place in the picture that the room has confirmed, as #rrggbb. */
export function colourAt(page, [x, y]) {
  return page.evaluate(
    ([x, y]) => {
      const canvas = document.querySelector(".sketch .picture");
      const [r, g, b] = canvas.getContext("2d").getImageData(x * 2, y * 2, 1, 1).data;
      return `#${[r, g, b].map((part) => part.toString(16).padStart(2, "0")).join("")}`;
    },
    [x, y],
  );
}

/** Waits until a place has this colour. */
export function untilColour(page, [x, y], colour) {
  return until(
    page,
    ([x, y, colour]) => {
      const canvas = document.querySelector(".sketch .picture");
      const [r, g, b] = canvas.getContext("2d").getImageData(x * 2, y * 2, 1, 1).data;
      return `#${[r, g, b].map((part) => part.toString(16).padStart(2, "0")).join("")}` === colour;
    },
    [x, y, colour],
  );
}

/** A number that all pixels of the picture decide. */
export function pictureHash(page) {
  return page.evaluate(() => {
    const canvas = document.querySelector(".sketch .picture");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return new Uint32Array(data.buffer).reduce((hash, pixel) => Math.imul(hash ^ pixel, 16777619) >>> 0, 2166136261);
  });
}
