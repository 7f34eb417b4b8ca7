// The client that the page runs and the one that bots run are the same code, built twice: what one native client went
// through in a match (`FRAMES`, written by `bellhop-load frames`), the WebAssembly client goes through again; and a match
// that is played again from its journal looks the same at every step.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

const hex = (bytes) => Buffer.from(bytes).toString("hex");
const bytes = (text) => new Uint8Array(Buffer.from(text, "hex"));
/** A field that has nothing is left out by one and null by the other. */
const plain = (value) => JSON.parse(JSON.stringify(value ?? null));

const lived = (game) => JSON.parse(readFileSync(join(env.FRAMES, `${game}.json`), "utf8"));

async function load(game) {
  const bundle = join(env.BUNDLES, game);
  const module = await import(pathToFileURL(join(bundle, "client.js")).href);
  const wasm = readdirSync(bundle).find((name) => name.endsWith(".wasm"));
  module.initSync({ module: readFileSync(join(bundle, wasm)) });
  return module;
}

for (const game of ["snake", "tanks", "maze", "sketch", "tictactoe"]) {
  test(`${game}: native and WebAssembly see the same`, async () => {
    const { steps } = lived(game);
    const player = new (await load(game)).Client();
    const counts = { hello: 0, receive: 0, input: 0, command: 0, outgoing: 0, view: 0 };
    steps.forEach((step, at) => {
      const where = `step ${at}: ${step.do}`;
      counts[step.do] += 1;
      switch (step.do) {
        case "hello":
          assert.equal(hex(player.hello()), step.gives, where);
          break;
        case "receive":
          player.receive(bytes(step.bytes), step.at);
          player.news();
          break;
        case "input":
          player.setInput(step.value);
          break;
        case "command":
          player.command(step.value);
          break;
        case "outgoing":
          assert.deepEqual(player.outgoing(step.at).map(hex), step.gives, where);
          break;
        case "view":
          assert.deepEqual(plain(player.view(step.at)), step.gives, where);
          break;
        default:
          assert.fail(`${where} is unknown`);
      }
    });
    assert.ok(counts.receive > 15 && counts.view > 30 && counts.input + counts.command > 2, JSON.stringify(counts));
    assert.equal(player.stats(0).desyncs, 0);
  });

  test(`${game}: played again, native and WebAssembly see the same at every step`, async () => {
    const { journal, replay } = lived(game);
    const again = new (await load(game)).Replay(bytes(journal));
    again.look(0);
    for (const { ms, view, since } of replay) {
      again.seek(ms, false);
      assert.deepEqual(plain(again.view()), view, `at ${ms} ms`);
      assert.deepEqual([...again.since(0)], since, `at ${ms} ms`);
    }
    assert.ok(replay.length > 10, `${replay.length} moments`);
  });
}
