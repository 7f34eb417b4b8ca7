/** What an operator does, by gRPC on the private port (`PRIVATE`) with the token of this lobby. */
import { readFileSync } from "node:fs";
import { connect } from "node:http2";
import { join } from "node:path";
import { env } from "node:process";

/** A field of text, as protobuf writes it; shorter than 128 bytes. */
function field(number, text) {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
}

/** Calls a method of Operations whose request is nothing but texts, and throws what it refuses. */
function call(method, ...texts) {
  const token = readFileSync(join(env.DATA_DIR, "keys/operator.token"), "utf8").trim();
  const message = Buffer.concat(texts.map((text, at) => field(at + 1, text)));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return new Promise((done, fail) => {
    const session = connect(`http://${env.PRIVATE}`);
    session.on("error", fail);
    const stream = session.request({
      ":method": "POST",
      ":path": `/bellhop.v1.Operations/${method}`,
      "content-type": "application/grpc",
      te: "trailers",
      authorization: `Bearer ${token}`,
    });
    let said = {};
    for (const event of ["response", "trailers"]) {
      stream.on(event, (headers) => (said = { ...said, ...headers }));
    }
    stream.on("error", fail);
    stream.on("close", () => {
      session.close();
      said["grpc-status"] === "0" ? done() : fail(new Error(`${method}: ${said["grpc-status"]} ${said["grpc-message"]}`));
    });
    stream.resume();
    stream.end(Buffer.concat([head, message]));
  });
}

export const kick = (match, player, reason) => call("KickPlayer", match, player, reason);
