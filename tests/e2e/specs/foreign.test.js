// A WebSocket client that is none of ours, nor a browser's: Node's `ws`. Python's is in tests/foreign.
import assert from "node:assert/strict";
import { test } from "node:test";
import { LIMIT } from "../lib/browser.js";
import { ENDED, hello, LEAVE, resumeToken, seat, Socket, STATE, WELCOME } from "../lib/ws-player.js";

/** Ends a message, or does not. */
const MORE = { fin: false, binary: true };

test("a match between two players whose sockets are Node's ws", LIMIT, async () => {
  const [here, there] = await Promise.all([seat("Node one"), seat("Node two")]);
  const one = new Socket(here);
  const two = new Socket(there);
  await Promise.all([one.next("open"), two.next("open")]);
  assert.equal(one.ws.protocol, "bellhop.v1", "of what was offered only the protocol comes back, never the token");
  assert.equal(one.ws.extensions, "", "what is small and secret is not compressed");

  // A hello in three pieces, and between them what may stand between them.
  const [first, second, third] = [hello().subarray(0, 2), hello().subarray(2, 3), hello().subarray(3)];
  one.ws.send(first, MORE);
  one.ws.ping("are you there");
  one.ws.send(second, MORE);
  one.ws.pong("unasked for");
  one.ws.send(third);
  assert.equal((await one.next("pong"))[0].toString(), "are you there");
  const welcome = await one.message(WELCOME);
  two.ws.send(hello());
  await Promise.all([one.message(STATE), two.message(STATE)]);

  // Text is none of ours; the seat is held, and taken again.
  one.ws.send("hello?");
  const [code, reason] = await one.next("close");
  assert.deepEqual([code, reason.toString()], [4000, "only binary messages are spoken here"]);
  const again = new Socket(here, resumeToken(welcome));
  await again.next("open");
  again.ws.send(hello());
  await again.message(WELCOME);
  await again.message(STATE);

  // Who closes gets his own code back.
  again.ws.close(1001, "wörd");
  assert.equal((await again.next("close"))[0], 1001);

  two.ws.send(LEAVE);
  const [left] = await two.next("close");
  assert.ok(left === 4008 || left === 1000, `${left}`);
  assert.ok(left === 4008 || (await two.message(ENDED)), "the end is told before the socket closes");
});

test("a message longer than any may be is refused by its length", LIMIT, async () => {
  const [here, there] = await Promise.all([seat("Node three"), seat("Node four")]);
  const one = new Socket(here);
  const two = new Socket(there);
  await Promise.all([one.next("open"), two.next("open")]);
  one.ws.send(Buffer.alloc(16 * 1024 + 1));
  const [code, reason] = await one.next("close");
  assert.deepEqual([code, reason.toString()], [4009, "the message is longer than 16 KiB"]);
  two.ws.send(hello());
  await two.message(WELCOME);
  two.ws.send(LEAVE);
  await two.next("close");
});
