// Runs: started from the page, watched, stopped and gone on with.
import type { Page } from "@playwright/test";
import { api, expect, expect_no_shift, test } from "./journey";

test.beforeEach(({ journey }) => journey.log_in());

/** A run that was started by hand is the page that is open; returns its id. */
async function started(page: Page): Promise<string> {
  await expect(page).toHaveURL(/\/runs\/run_/);
  return new URL(page.url()).pathname.split("/")[2] ?? "";
}

async function choose(page: Page, pipeline: string): Promise<void> {
  await page.goto("/runs");
  await page.getByRole("button", { name: "Start a run" }).click();
  const dialog = page.getByRole("dialog", { name: "Start a run" });
  await dialog.getByLabel("Pipeline", { exact: true }).selectOption(pipeline);
  await expect(dialog.getByText("can be read now")).toBeVisible();
}

test("thumbnails of a run appear while it runs, and nobody loads the page anew", async ({ page }) => {
  // All of the sample is decoded again, on a machine that has other tests to do.
  test.setTimeout(240_000);
  await choose(page, "basics");
  const dialog = page.getByRole("dialog", { name: "Start a run" });
  await dialog.getByLabel("Do everything again").check();
  await dialog.getByRole("button", { name: "Start the run" }).click();
  const run = await started(page);
  await page.evaluate(() => (document.documentElement.dataset.loaded = "once"));
  const newest = page.getByRole("region", { name: "Newest results" });
  await expect(newest.getByRole("link", { name: "Result 1", exact: true }).locator("img")).toBeVisible();
  // The sample holds files that cannot be read.
  await expect(page.getByRole("main").getByText("partial", { exact: true })).toBeVisible({ timeout: 180_000 });
  await expect.poll(() => newest.getByRole("link").count()).toBeGreaterThan(5);
  expect(await page.evaluate(() => document.documentElement.dataset.loaded)).toBe("once");
  const { state, units } = await api<{ state: string; units: Record<string, number> }>(page, `/v1/runs/${run}`);
  expect(state).toBe("partial");
  expect(units["reused"] ?? 0, "everything was done again").toBe(0);
});

test("a run is cancelled with the plan first, and goes on where it was", async ({ page }) => {
  await choose(page, "noop");
  const dialog = page.getByRole("dialog", { name: "Start a run" });
  await dialog.getByText("Parameters", { exact: true }).click();
  await dialog.getByLabel("sleep ms").fill("300");
  await dialog.getByRole("button", { name: "Start the run" }).click();
  const run = await started(page);
  type Status = { state: string; units: Record<string, number> };
  const status = () => api<Status>(page, `/v1/runs/${run}`);
  await expect.poll(async () => (await status()).units["done"] ?? 0).toBeGreaterThan(1);
  await page.getByRole("button", { name: "Cancel…" }).click();
  const plan = page.getByRole("dialog");
  await expect(plan.getByRole("heading", { name: "What stays" })).toBeVisible();
  await expect(plan.getByRole("heading", { name: "What goes" })).toBeVisible();
  await plan.getByRole("button", { name: "Leave it as it is" }).click();
  await page.getByRole("button", { name: "Cancel…" }).click();
  await plan.getByRole("button", { name: /cancel/i }).click();
  await expect(page.getByRole("main").getByText("cancelled", { exact: true }).first()).toBeVisible();
  const stopped = await status();
  expect(stopped.state).toBe("cancelled");
  expect(stopped.units["cancelled"]).toBeGreaterThan(0);
  await page.getByRole("button", { name: "Resume", exact: true }).click();
  await expect(page.getByRole("main").getByText("completed", { exact: true })).toBeVisible();
  const ended = await status();
  expect(ended.units["cancelled"] ?? 0).toBe(0);
  expect(ended.units["done"]).toBeGreaterThan(stopped.units["done"] ?? 0);
});

for (const { name, request, seen } of [
  { name: "units that fail", request: { pipeline: "noop", set: ["noop.sleep_ms=150", "noop.fail_every=6"], recompute: true }, seen: "failed" },
  { name: "pictures", request: { pipeline: "basics", recompute: true }, seen: "done" },
] as const) {
  test(`the page of a run holds still while it works and ${name} come`, async ({ page }) => {
    test.setTimeout(240_000);
    type Status = { run: string; state: string; units: Record<string, number> };
    const answer = await page.request.post("/v1/runs", { data: request });
    expect(answer.status()).toBe(201);
    const { run } = (await answer.json()) as Status;
    await page.goto(`/runs/${run}`);
    // Many units end, with and without a result; what the page does at its end is another matter.
    await expect.poll(async () => (await api<Status>(page, `/v1/runs/${run}`)).units[seen] ?? 0, { timeout: 120_000 }).toBeGreaterThan(2);
    if (seen === "failed") await expect(page.getByRole("region", { name: "Units without a result" }).getByRole("link").first()).toBeVisible();
    else await expect(page.getByRole("link", { name: "Result 2", exact: true })).toBeVisible();
    expect((await api<Status>(page, `/v1/runs/${run}`)).state, "looked at while it works").toBe("running");
    await expect_no_shift(page);
    await page.request.post(`/v1/runs/${run}/cancel`, { data: {} });
  });
}

test("units of a run are listed by their part of the bar, and back leads to the overview", async ({ page }) => {
  const { items } = await api<{ items: { run: string; units: Record<string, number> }[] }>(page, "/v1/runs");
  const first = items.at(-1);
  await page.goto(`/runs/${first?.run}`);
  await page.getByRole("tab", { name: "Units" }).click();
  await expect(page).toHaveURL(/tab=units/);
  await expect(page.getByRole("table").getByRole("row").nth(1)).toBeVisible();
  await page.goBack();
  await expect(page.getByRole("heading", { name: "Steps" })).toBeVisible();
});
