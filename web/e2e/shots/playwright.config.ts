// `npm run shots`: pictures of every page, for the eyes. Nothing is asserted; a page that does not come is a failure.
import { execFileSync } from "node:child_process";
import { defineConfig } from "@playwright/test";

const browser = process.env.JOURNEY_BROWSER ?? execFileSync("sh", ["-c", "command -v chromium || true"], { encoding: "utf8" }).trim();

export default defineConfig({
  testDir: ".",
  testMatch: /\.shots\.ts$/,
  outputDir: "../../node_modules/.shots",
  globalSetup: "./home.ts",
  workers: 2,
  fullyParallel: true,
  retries: 0,
  reporter: [["list"]],
  timeout: 240_000,
  expect: { timeout: 20_000 },
  use: {
    browserName: "chromium",
    locale: "en-GB",
    timezoneId: "UTC",
    reducedMotion: "reduce",
    actionTimeout: 20_000,
    // Without one of the machine, that of `npx playwright install chromium`.
    launchOptions: { executablePath: browser || undefined, args: process.getuid?.() === 0 ? ["--no-sandbox"] : [] },
  },
});
