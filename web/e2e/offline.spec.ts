// The server dies and comes back; the page says so and goes on by itself.
import { spawn, type ChildProcess } from "node:child_process";
import { api, expect, given, pictures, test } from "./journey";

let server: ChildProcess | undefined;

test.afterAll(() => void server?.kill("SIGKILL"));

test("a server that was killed and started again is come back to without a hand on the page", async ({ page, journey, baseURL }) => {
  await journey.log_in();
  await page.goto("/library");
  await expect(pictures(page).first()).toBeVisible();
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  await page.evaluate(() => (document.documentElement.dataset.loaded = "once"));
  journey.expects(/ERR_(CONNECTION_REFUSED|CONNECTION_RESET|INCOMPLETE_CHUNKED_ENCODING|EMPTY_RESPONSE|SOCKET_NOT_CONNECTED)|status of 503/);
  process.kill(Number(given("JOURNEY_PID")), "SIGKILL");
  await expect(page.getByText("Offline since")).toBeVisible();
  await expect(pictures(page).first(), "the last that came stays").toBeVisible();
  server = spawn(given("JOURNEY_BINARY"), ["serve", "--listen", new URL(baseURL ?? "").host], { stdio: "ignore" });
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  await expect(page.getByText("Offline since")).toBeHidden();
  expect(await page.evaluate(() => document.documentElement.dataset.loaded), "the page was not loaded anew").toBe("once");
  // The login holds, and what happens now is heard of.
  const { total } = await api<{ total: number }>(page, "/v1/timeline");
  expect(total).toBeGreaterThan(0);
  const started = await page.request.post("/v1/runs", { data: { pipeline: "noop", set: ["noop.sleep_ms=50"] } });
  expect(started.status()).toBe(201);
  await expect(page.getByRole("link", { name: /noop/ })).toBeVisible();
});
