// The client that the page runs and the one that bots run are the same code, built twice: what one native client went
// through in a match (`FRAMES`, written by `bellhop-load frames`), the WebAssembly client goes through again.
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

async function client(game) {
  const bundle = join(env.BUNDLES, game);
  const module = await import(pathToFileURL(join(bundle, "client.js")).href);
  const wasm = readdirSync(bundle).find((name) => name.endsWith(".wasm"));
  module.initSync({ module: readFileSync(join(bundle, wasm)) });
  return new module.Client();
}

for (const game of ["snake", "tictactoe"]) {
  test(`${game}: native and WebAssembly see the same`, async () => {
    const steps = JSON.parse(readFileSync(join(env.FRAMES, `${game}.json`), "utf8"));
    const player = await client(game);
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
}
