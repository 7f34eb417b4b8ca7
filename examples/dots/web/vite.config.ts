import { defineConfig } from "vite";

// One ES module beside the game's `client.js` (the rules as WebAssembly), which it imports at run time.
export default defineConfig({
  build: {
    target: "es2022",
    outDir: "dist",
    lib: { entry: "src/index.ts", formats: ["es"], fileName: () => "index.js" },
  },
});
