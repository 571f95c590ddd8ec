// Journeys through the real program in a real browser. `cargo test … browser` starts the server and sets what is read here.
import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: "e2e",
  outputDir: process.env.JOURNEY_OUT ?? "node_modules/.e2e",
  workers: 1,
  retries: 0,
  forbidOnly: true,
  reporter: [["list"]],
  // Far above what it takes: other tests run beside it.
  timeout: 90_000,
  globalTimeout: 900_000,
  expect: { timeout: 30_000 },
  use: {
    baseURL: process.env.JOURNEY_URL,
    browserName: "chromium",
    viewport: { width: 1440, height: 900 },
    locale: "en-GB",
    timezoneId: "UTC",
    colorScheme: "light",
    screenshot: "only-on-failure",
    video: "off",
    trace: "off",
    launchOptions: {
      executablePath: process.env.JOURNEY_BROWSER,
      // Chromium has no sandbox for root; the pages are our own.
      args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
    },
  },
});
