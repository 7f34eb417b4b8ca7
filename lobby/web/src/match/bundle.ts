/** A game's bundle: how it is drawn, and its rules as WebAssembly. */
import type { GameClient, GameModule } from "../game-api.ts";

/** The wasm class `Replay`: a match that is over, played again from its journal. */
export interface Playback {
  seats(): { seat: number; name: string; team: number }[];
  config(): unknown;
  durationMs(): number;
  tickRate(): number;
  look(seat: number | undefined): void;
  seek(ms: number, jump: boolean): void;
  view(): unknown;
  since(from: number): Int32Array;
  events(): unknown[];
  free(): void;
}

interface Rules {
  default(options: { module_or_path: URL }): Promise<unknown>;
  Client: new () => GameClient;
  Replay: new (journal: Uint8Array) => Playback;
}

/** Loads the bundle of this hash. */
export async function openBundle(hash: string): Promise<{ module: GameModule; rules: Rules }> {
  const file = (name: string) => new URL(`/games/${hash}/${name}`, location.origin);
  const [module, rules] = await Promise.all([
    import(/* @vite-ignore */ file("index.js").href) as Promise<GameModule>,
    import(/* @vite-ignore */ file("client.js").href) as Promise<Rules>,
  ]);
  await rules.default({ module_or_path: file("client_bg.wasm") });
  return { module, rules };
}
