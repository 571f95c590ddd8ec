import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

// `npm run dev` serves the pages with hot reload and passes all else on to a running `exhibit serve`.
const server = process.env.EXHIBIT_URL ?? "http://127.0.0.1:8765";
const passed_on = ["/api", "/v1", "/login", "/healthz", "/readyz", "/metrics", "/openapi.json"];

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: "es2022",
    // Nothing becomes a data: URL, because the content security policy allows none.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: Object.fromEntries(passed_on.map((path) => [path, { target: server, changeOrigin: true }])),
  },
  test: {
    include: ["src/**/*.test.ts"],
    environment: "node",
    maxWorkers: 1,
  },
});
