import type { GameClient } from "@bellhop/page/game-api";

interface Rules {
  default(options: { module_or_path: URL }): Promise<unknown>;
  Client: new () => GameClient;
}

/** Loads the rules as WebAssembly: `client.js` and `client_bg.wasm` lie beside this module in the game's bundle. */
export async function createClient(): Promise<GameClient> {
  const beside = (name: string) => new URL(name, import.meta.url);
  const rules = (await import(/* @vite-ignore */ beside("client.js").href)) as Rules;
  await rules.default({ module_or_path: beside("client_bg.wasm") });
  return new rules.Client();
}

export { mount } from "./mount.ts";

/** Nobody wins: the picture is the result. */
export const together = true;
