// The network that authors try their games on (`?lab`): late, but nothing is lost, and nothing overtakes.
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { runnerImport } from "vite";
import { complaints, launch, LIMIT, lobby, open, shot, tooWide, until } from "../lib/browser.js";
import { byTurn, meet, quit, result, seated, topRow } from "../lib/play.js";

const LATE = fileURLToPath(new URL("../../../lobby/web/src/match/late.ts", import.meta.url));

/** Random numbers that are the same in every run. */
function dice(seed) {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A clock that goes from one thing that is due to the next. */
function world(seed) {
  const due = [];
  const clock = { at: 0 };
  return {
    chance: dice(seed),
    now: () => clock.at,
    after: (ms, then) => due.push({ at: clock.at + ms, then }),
    /** Lets time pass until `to`, or until nothing is due any more. */
    pass(to = Infinity) {
      for (;;) {
        due.sort((one, other) => one.at - other.at);
        if (due.length === 0 || due[0].at > to) {
          clock.at = Number.isFinite(to) ? to : clock.at;
          return;
        }
        const next = due.shift();
        clock.at = Math.max(clock.at, next.at);
        next.then();
      }
    },
  };
}

test("a worse network reorders nothing, loses nothing, and is as late as it says", async () => {
  const { module } = await runnerImport(LATE, { configFile: false, logLevel: "error" });
  for (const weather of [
    { latencyMs: 0, jitterMs: 0, lossPercent: 0 },
    { latencyMs: 150, jitterMs: 0, lossPercent: 0 },
    { latencyMs: 500, jitterMs: 200, lossPercent: 0 },
    { latencyMs: 100, jitterMs: 50, lossPercent: 10 },
    { latencyMs: 0, jitterMs: 0, lossPercent: 100 },
  ]) {
    const what = JSON.stringify(weather);
    const here = world(7);
    const line = new module.Line(here, () => weather);
    const [arrived, late] = [[], []];
    for (let message = 0; message < 2_000; message += 1) {
      const sent = here.now();
      line.carry(() => {
        arrived.push(message);
        late.push(here.now() - sent);
      });
      here.pass(sent + here.chance() * 40);
    }
    here.pass();
    assert.deepEqual(arrived, Array.from({ length: 2_000 }, (_, at) => at), `all, in order: ${what}`);
    assert.ok(Math.min(...late) >= weather.latencyMs / 2 - 1e-6, what);
    const longest = Math.max(...late);
    const most = weather.latencyMs / 2 + weather.jitterMs;
    if (weather.lossPercent === 0) {
      assert.ok(longest <= most + 1e-6, `${longest} ms: ${what}`);
    } else {
      assert.ok(longest >= module.RESEND_MS && longest <= most + (weather.latencyMs + module.RESEND_MS) * (2 ** module.MOST_LOSSES - 1) + 1e-6, `${longest} ms: ${what}`);
    }
  }
});

test("a better network does not let later messages overtake, and a close sends what waits", async () => {
  const { module } = await runnerImport(LATE, { configFile: false, logLevel: "error" });
  const here = world(1);
  let weather = { latencyMs: 500, jitterMs: 0, lossPercent: 0 };
  const line = new module.Line(here, () => weather);
  const arrived = [];
  line.carry(() => arrived.push("slow"));
  weather = { latencyMs: 0, jitterMs: 0, lossPercent: 0 };
  line.carry(() => arrived.push("fast"));
  here.pass(249);
  assert.deepEqual(arrived, []);
  here.pass(251);
  assert.deepEqual(arrived, ["slow", "fast"]);
  weather = { latencyMs: 500, jitterMs: 0, lossPercent: 0 };
  line.carry(() => arrived.push("last"));
  line.flush();
  here.pass();
  assert.deepEqual(arrived, ["slow", "fast", "last"]);
});

const slider = (page, name) => page.getByRole("slider", { name });

/** Milliseconds from a click to the room's word that this cell is taken, measured in the page. */
async function confirmed(page, row, column) {
  await page.evaluate(([row, column]) => {
    addEventListener("click", () => (globalThis.clicked ??= performance.now()), { capture: true });
    new MutationObserver(() => {
      const cell = document.querySelector(`[aria-label^="Row ${row}, column ${column}:"]`);
      if (cell?.matches(".taken:not(.pending)") && globalThis.clicked !== undefined) {
        globalThis.confirmed ??= performance.now() - globalThis.clicked;
      }
    }).observe(document, { subtree: true, childList: true, attributes: true });
  }, [row, column]);
  return () => page.evaluate(() => globalThis.confirmed);
}

const ping = (page, least) =>
  until(page, (ms) => {
    const row = [...document.querySelectorAll(".net dl > div")].find((each) => each.textContent.startsWith("Ping"));
    return Number.parseInt(row?.querySelector("dd").textContent ?? "", 10) >= ms;
  }, least);

test("the sliders make the network late in one window, and a match goes on", LIMIT, async (t) => {
  const context = await open(await launch(t));
  const one = await lobby(context);
  await one.goto("/?lab");
  const two = await lobby(context);
  await meet(one, two, "Tic-tac-toe");
  assert.equal(await two.locator(".net, .lab").count(), 0, "the other window has the real network");
  await two.keyboard.press("n");
  await two.locator(".net").waitFor();
  assert.equal(await two.locator(".lab").count(), 0, "and no sliders");

  // By keyboard: End is the most, arrows are steps.
  await slider(one, /Latency/).press("End");
  await one.getByText("Latency 500 ms").waitFor();
  for (let step = 0; step < 20; step += 1) {
    await slider(one, /Latency/).press("ArrowLeft");
  }
  await one.getByText("Latency 300 ms").waitFor();
  await slider(one, /Jitter/).fill("40");
  await slider(one, /Loss/).fill("5");
  await ping(one, 100); // it follows slowly
  await shot(one, "lab-desk");
  assert.deepEqual(await complaints(one), []);
  // It lasts through a reload, and N hides it though a slider has the focus.
  await one.reload();
  await seated(one);
  await one.getByText("Latency 300 ms").waitFor();
  await slider(one, /Loss/).focus();
  await one.keyboard.press("n");
  await one.locator(".net").waitFor({ state: "detached" });

  const [first, second] = await byTurn(one, two);
  const took = await confirmed(one, one === first ? 1 : 2, 1);
  await topRow(first, second);
  assert.ok((await took()) >= 300, `${await took()} ms until a mark is confirmed`);
  await Promise.all([result(first, "You won"), result(second, "You lost")]);
  await one.goto("/?lab=off");
  assert.equal(await one.evaluate(() => sessionStorage.getItem("bellhop.lab")), null);
  assert.deepEqual(context.errors, []);
});

test("on a phone the sliders fit, and who lets one go steers again", LIMIT, async (t) => {
  const browser = await launch(t);
  const [hand, desk] = [await open(browser, { phone: true }), await open(browser)];
  const one = await lobby(hand);
  await one.goto("/?lab");
  const two = await lobby(desk);
  await two.goto("/?lab");
  await meet(one, two, "Snake");
  assert.equal(await one.locator(".net").count(), 0, "on a phone it would cover the game");
  await one.getByRole("button", { name: "Network" }).tap();
  await slider(one, /Jitter/).fill("200");
  await one.getByText("Jitter 200 ms").waitFor();
  await shot(one, "lab-phone");
  assert.equal(await tooWide(one), false);
  await slider(two, /Latency/).click();
  await until(two, () => !document.activeElement?.matches("input"));
  await ping(two, 100);
  await Promise.all([quit(one), quit(two)]);
  assert.deepEqual([...hand.errors, ...desk.errors], []);
});
