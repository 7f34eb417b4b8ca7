// Sketch: a desk with a mouse and a phone with a finger draw one picture.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { complaints, launch, LIMIT, lobby, open, shot, tooWide, until } from "../lib/browser.js";
import { press, quit, seated } from "../lib/play.js";
import { colourAt, drawByMouse, drawByTouch, ok, pictureHash, readPrompt, untilColour } from "../lib/sketch.js";

const GREEN = "#00ff00";
const BLACK = "#000000";

/** A desk and a phone, of two browsers, in one match with the first prompt on. */
async function pair(t) {
  const browser = await launch(t);
  const desk = await lobby(await open(browser));
  const phone = await lobby(await open(browser, { phone: true, dark: true }));
  await press(desk, "Sketch");
  await desk.getByRole("heading", { name: "Finding you a match" }).waitFor();
  await phone.getByRole("button", { name: "Play Sketch" }).tap();
  await Promise.all([seated(desk), seated(phone)]);
  return [desk, phone];
}

/** Every frame a page is sent, as text where it is text. */
function listen(page) {
  const heard = [];
  page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => heard.push(Buffer.from(payload))));
  return heard;
}

/** Whether this text is in these bytes, at whatever bit it begins. */
function holds(bytes, text) {
  for (let shift = 0; shift < 8; shift += 1) {
    const shifted = Buffer.alloc(bytes.length);
    for (let at = 0; at < bytes.length; at += 1) {
      shifted[at] = (bytes[at] | ((bytes[at + 1] ?? 0) << 8)) >> shift;
    }
    if (shifted.includes(text)) {
      return true;
    }
  }
  return false;
}

test("a desk and a phone draw one picture from prompts of their own, to the end and the file", LIMIT, async (t) => {
  const browser = await launch(t);
  const desk = await lobby(await open(browser));
  const phone = await lobby(await open(browser, { phone: true, dark: true }));
  const heard = [listen(desk), listen(phone)];
  await press(desk, "Sketch");
  await desk.getByRole("heading", { name: "Finding you a match" }).waitFor();
  await phone.getByRole("button", { name: "Play Sketch" }).tap();
  await Promise.all([seated(desk), seated(phone)]);

  // Each has a prompt of his own, and only he was sent it.
  const told = [await readPrompt(desk), await readPrompt(phone)];
  assert.notEqual(told[0], told[1]);
  for (const [own, frames] of heard.entries()) {
    assert.ok(frames.some((frame) => holds(frame, told[own])), "the own prompt came");
    assert.ok(!frames.some((frame) => holds(frame, told[1 - own])), "the other's did not");
  }
  await shot(desk, "sketch-prompt-desk");
  await shot(phone, "sketch-prompt-phone");
  await ok(desk);
  await phone.getByRole("button", { name: "OK", exact: true }).tap();

  // Read again, and put away by keyboard.
  await desk.getByRole("button", { name: "Read the prompt" }).click();
  assert.equal(await readPrompt(desk), told[0]);
  await desk.keyboard.press("Enter");
  await desk.locator(".prompt").waitFor({ state: "hidden" });

  // The first brush is green, round, of radius 12, on black.
  assert.equal(await colourAt(desk, [200, 100]), BLACK);
  await drawByMouse(desk, [[100, 100], [300, 100]]);
  await Promise.all([untilColour(desk, [200, 100], GREEN), untilColour(phone, [200, 100], GREEN)]);
  for (const [place, colour] of [[[200, 111], GREEN], [[200, 113], BLACK], [[89, 100], GREEN], [[87, 100], BLACK]]) {
    assert.equal(await colourAt(phone, place), colour, `${place}`);
  }

  // By touch, in another colour and size: a frame, and a fill inside of it.
  await phone.getByRole("radio", { name: "Colour blue" }).tap();
  await phone.getByRole("radio", { name: "Size 6" }).tap();
  await drawByTouch(phone, [[500, 300], [800, 300], [800, 600], [500, 600], [500, 300]]);
  // Its last side closes it.
  await Promise.all([untilColour(desk, [500, 450], "#3c6cff"), untilColour(phone, [500, 450], "#3c6cff")]);
  // Chromium drops a tap that comes at once after a made-up touch; a click is none.
  await phone.getByRole("radio", { name: "Fill" }).click();
  await phone.getByRole("radio", { name: "Fill", checked: true }).waitFor();
  await phone.getByRole("radio", { name: "Colour yellow" }).click();
  await phone.getByRole("radio", { name: "Colour yellow", checked: true }).waitFor();
  await drawByTouch(phone, [[650, 450]]);
  await Promise.all([untilColour(desk, [520, 320], "#ffe14d"), untilColour(phone, [520, 320], "#ffe14d")]);
  assert.equal(await colourAt(desk, [400, 450]), BLACK, "the fill stays inside");

  // Each takes back only what is his: the desk's line goes, the phone's marks stay.
  await drawByMouse(desk, [[520, 320], [780, 580]]);
  await untilColour(phone, [650, 450], GREEN);
  await desk.keyboard.press("z");
  await Promise.all([untilColour(desk, [650, 450], "#ffe14d"), untilColour(phone, [650, 450], "#ffe14d")]);
  assert.equal(await pictureHash(desk), await pictureHash(phone), "both have the same pixels");

  // The eraser, and the pen by keyboard.
  await desk.keyboard.press("e");
  await drawByMouse(desk, [[150, 60], [150, 140]]);
  await untilColour(phone, [150, 100], BLACK);
  await desk.keyboard.press("b");
  await desk.locator(".fresh").focus();
  await desk.keyboard.down(" ");
  for (let step = 0; step < 6; step += 1) {
    await desk.keyboard.press("ArrowLeft");
  }
  await desk.keyboard.up(" ");
  await untilColour(phone, [420, 360], GREEN);
  await shot(desk, "sketch-desk");
  await shot(phone, "sketch-phone");
  assert.equal(await tooWide(phone), false);
  assert.deepEqual(await complaints(desk), []);
  assert.deepEqual(await complaints(phone), []);

  // Whoever comes back has every stroke.
  const before = await pictureHash(phone);
  await phone.reload();
  await seated(phone);
  await until(phone, () => document.querySelector('.sketch[data-phase="drawing"]') !== null);
  await untilColour(phone, [520, 320], "#ffe14d");
  assert.equal(await pictureHash(phone), before);

  // Both are done.
  await ok(phone);
  await desk.getByRole("button", { name: "I am done" }).click();
  await phone.locator(".person-note", { hasText: "done" }).waitFor();
  await phone.getByRole("button", { name: "I am done" }).tap();
  for (const [own, page] of [desk, phone].entries()) {
    await page.locator(".reveal").waitFor();
    await page.locator(".told").nth(1).getByText(told[1 - own]).waitFor();
  }
  await shot(desk, "sketch-end-desk");
  await shot(phone, "sketch-end-phone");
  assert.equal(await tooWide(phone), false);
  assert.deepEqual(await complaints(desk), []);
  assert.deepEqual(await complaints(phone), []);

  // The file is the picture.
  const [file] = await Promise.all([desk.waitForEvent("download"), desk.getByRole("button", { name: "Save as PNG" }).click()]);
  assert.equal(file.suggestedFilename(), "sketch.png");
  const png = readFileSync(await file.path());
  assert.deepEqual([...png.subarray(1, 4)], [...Buffer.from("PNG")]);
  assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [1920, 1440]);

  // It can be watched being drawn, and ends as it was.
  const whole = await pictureHash(desk);
  await desk.getByRole("button", { name: "Watch it being drawn" }).click();
  await untilColour(desk, [520, 320], BLACK);
  await until(desk, () => !document.querySelector(".reveal button:disabled"), undefined, 30_000);
  await untilColour(desk, [520, 320], "#ffe14d");
  assert.equal(await pictureHash(desk), whole);

  await desk.getByRole("button", { name: "Show the result" }).click();
  await desk.getByRole("heading", { name: "The picture is done" }).waitFor();
  await shot(desk, "sketch-result-desk");
  assert.deepEqual(await complaints(desk), []);
});

test("the countdown moves both from prompt to prompt to the end", LIMIT, async (t) => {
  const browser = await launch(t);
  const pages = [await lobby(await open(browser)), await lobby(await open(browser))];
  await press(pages[0], "Quick sketch");
  await pages[0].getByRole("heading", { name: "Finding you a match" }).waitFor();
  await press(pages[1], "Quick sketch");
  await Promise.all(pages.map((page) => seated(page)));
  await pages[0].locator(".clock .seconds", { hasText: /^[1-8]$/ }).waitFor();
  const last = (page) => page.getByRole("dialog", { name: "Prompt 4 of 4" }).waitFor({ timeout: 45_000 });
  await Promise.all(pages.map(last));
  await pages[0].locator(".until", { hasText: "until the picture is finished" }).waitFor();
  // Whoever reads late can read what was before.
  assert.equal(await pages[1].locator(".prompt-before li").count(), 3);
  await Promise.all(pages.map((page) => page.locator(".told").nth(1).waitFor()));
  assert.equal(await pages[0].locator(".told li").count(), 8);
});

test("fast hands lose nothing, and both see the same pixels", LIMIT, async (t) => {
  const [desk, phone] = await pair(t);
  await ok(desk);
  await ok(phone);
  // Outside the canvas a stroke keeps to its edge.
  await drawByMouse(desk, [[900, 400], [1200, 400]]);
  await untilColour(phone, [955, 400], GREEN);
  // The other draws as fast as a hand can: nothing is lost, and both have the same.
  const zigzag = Array.from({ length: 60 }, (_, at) => [40 + at * 14, at % 2 === 0 ? 500 : 700]);
  await Promise.all([drawByTouch(phone, zigzag), drawByMouse(desk, zigzag.slice(0, 12).map(([x, y]) => [x, y - 460]))]);
  await until(phone, () => document.querySelector(".sketch .fresh") !== null);
  await untilColour(desk, zigzag[58], GREEN);
  await untilColour(phone, [zigzag[10][0], zigzag[10][1] - 460], GREEN);
  assert.equal(await pictureHash(desk), await pictureHash(phone));
  await quit(desk);
  await quit(phone);
});
