import type { GameClient } from "@bellhop/page/game-api";

/** Loads the rules as WebAssembly: `client.js` lies beside this module in the game's bundle. */
export async function createClient(): Promise<GameClient> {
  const address = new URL("client.js", import.meta.url).href;
  const rules = (await import(/* @vite-ignore */ address)) as { default(): Promise<unknown>; Client: new () => GameClient };
  await rules.default();
  return new rules.Client();
}

export { mount } from "./mount.ts";
