// Long work that is no run: exports, checks, replays; and the log of what was changed.
import { readFile } from "node:fs/promises";
import type { Page } from "@playwright/test";
import { api, expect, expect_no_shift, given, pictures, test, tiles } from "./journey";

const bar = (page: Page) => page.getByRole("toolbar", { name: "Selection" });

/** The names of the members of a zip, from its directory at the end. */
function members(zip: Buffer): string[] {
  const names: string[] = [];
  for (let at = zip.indexOf("PK\x01\x02"); at !== -1; at = zip.indexOf("PK\x01\x02", at + 46)) {
    names.push(zip.subarray(at + 46, at + 46 + zip.readUInt16LE(at + 28)).toString("utf8"));
  }
  return names;
}

/** Exports with the dialog that is open and returns what is in the zip. */
async function exported(page: Page): Promise<string[]> {
  const dialog = page.getByRole("dialog", { name: /^Export/ });
  await expect(dialog.getByText("What it will hold")).toBeVisible();
  await dialog.getByRole("button", { name: "Export", exact: true }).click();
  await expect(dialog.getByText("The zip is there")).toBeVisible();
  const waited = page.waitForEvent("download");
  await dialog.getByRole("link", { name: /^Download/ }).click();
  const download = await waited;
  expect(download.suggestedFilename()).toMatch(/^exhibit-.*\.zip$/);
  return members(await readFile(await download.path()));
}

test("a selection is exported and downloaded", async ({ page, journey }) => {
  await journey.log_in();
  await page.goto("/library?filter=type:image");
  await expect(pictures(page).first()).toBeVisible();
  await page.getByRole("button", { name: "Add to the selection: 1", exact: true }).click({ force: true });
  await tiles(page).nth(2).click({ modifiers: ["Shift"] });
  await bar(page).getByRole("button", { name: "Export" }).click();
  await expect(page.getByRole("dialog", { name: "Export 3 assets" })).toBeVisible();
  const inside = await exported(page);
  expect(inside.filter((name) => name.startsWith("originals/"))).toHaveLength(3);
  expect(inside.some((name) => /sha256/i.test(name)), inside.join()).toBe(true);
});

test("a collection is exported by keyboard, without its originals", async ({ page, journey }) => {
  await journey.log_in();
  await page.goto("/collections/all");
  await expect(page.getByRole("heading", { name: "all" })).toBeVisible();
  await page.keyboard.press("Shift+E");
  await page.getByRole("checkbox", { name: /^Originals/ }).uncheck();
  const inside = await exported(page);
  expect(inside.length).toBeGreaterThan(5);
  expect(inside.filter((name) => name.startsWith("originals/"))).toEqual([]);
});

test("everything is verified with its progress, and the report is there after a reload", async ({ page, journey }) => {
  await journey.log_in();
  const { records } = await api<{ records: number }>(page, "/v1/status");
  await page.goto("/doctor?tab=evidence");
  await expect(page.getByText(/Not checked since|Everything is as it was written/)).toBeVisible();
  await page.getByRole("button", { name: "Verify everything" }).click();
  const report = page.getByText("Everything is as it was written");
  await expect(report).toBeVisible();
  await expect(page.getByText(`${records.toLocaleString("en")} records`)).toBeVisible();
  await expect_no_shift(page);
  await page.reload();
  await expect(report).toBeVisible();
  await page.getByRole("tab", { name: "Jobs" }).click();
  await expect(page.getByRole("list", { name: "Jobs" }).getByText("everything", { exact: true }).first()).toBeVisible();
});

test("an artifact is made again and is identical", async ({ page, journey }) => {
  await journey.log_in();
  const { items } = await api<{ items: { asset_id: string }[] }>(page, "/v1/assets?filter=has:image.thumbnail&limit=1");
  await page.goto(`/assets/${items[0]?.asset_id}?tab=proof`);
  await expect(page.getByText("The proof holds.")).toBeVisible();
  await page.keyboard.press("y");
  await expect(page.getByText("Identical.")).toBeVisible();
});

test("a checkpoint is kept, and the ledger extends it", async ({ page, journey }) => {
  await journey.log_in();
  await page.goto("/doctor?tab=evidence");
  const waited = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download a checkpoint" }).click();
  const kept = await (await waited).path();
  await page.getByLabel("A checkpoint that was kept").setInputFiles({ name: "kept.json", mimeType: "application/json", buffer: await readFile(kept) });
  await expect(page.getByText("The ledger extends kept.json.")).toBeVisible();
  await expect(page.getByRole("region", { name: "Clean up" }).getByText(/Nothing has had its time|can go/)).toBeVisible();
});

test("the audit log is for those who may do everything, and says so to others", async ({ page, journey }) => {
  await journey.log_in();
  await page.goto("/settings?tab=audit");
  await expect(page.getByRole("table", { name: "Audit log" }).getByText("/v1/session").first()).toBeVisible();
  await page.context().clearCookies();
  expect((await page.request.post("/v1/session", { data: { token: given("JOURNEY_READER") } })).status()).toBe(200);
  await page.reload();
  await expect(page.getByText("it has no admin permission")).toBeVisible();
  await page.goto("/doctor?tab=evidence");
  await expect(page.getByText("it has no control permission")).toBeVisible();
  await expect(page.getByRole("button", { name: "Verify everything" })).toBeDisabled();
});
