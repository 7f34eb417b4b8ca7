import { env } from "node:process";
import { defineConfig } from "vite";

// `npx vite` serves the page beside a lobby that already runs; BELLHOP_URL names another one.
const lobby = env["BELLHOP_URL"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: { target: "es2022", modulePreload: { polyfill: false }, assetsInlineLimit: 0 },
  server: {
    proxy: {
      "/v1": lobby,
      "/games": lobby,
      "/rooms": { target: lobby, ws: true },
    },
  },
});
