// The ledger of agents: from a search to the proof of a session, and what was used by day in the reader's zone.
import { AxeBuilder } from "@axe-core/playwright";
import { ago, tell } from "./agents_told";
import { expect, expect_no_shift, test } from "./journey";

test.beforeEach(({ journey }) => journey.log_in());

test("AG-32: a search in the ledger leads to a session with its calls, costs and a proof that holds in the browser", async ({ page }) => {
  const calls = [0, 1].map((n) => ({
    callId: `found-${n}`,
    startedAt: ago(500 - n),
    status: "success",
    usage: { inputUncached: 1_000, cacheRead: 4_000, output: 250 },
  }));
  await tell(page, { sessionId: "found", state: "success", startedAt: ago(600), endedAt: ago(60), title: "Mend the upload of large files" }, calls, [
    { eventType: "message", eventTs: ago(590), payload: { text: "Keep it small." } },
  ]);
  await tell(page, { sessionId: "other", state: "success", startedAt: ago(700), endedAt: ago(600), title: "Write the release notes" });
  await page.goto("/agents/ledger");
  await expect(page.getByRole("table", { name: "Sessions" })).toBeVisible();
  await page.keyboard.press("f");
  await page.keyboard.type("uplo");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/q=uplo/);
  const rows = page.getByRole("table", { name: "Sessions" }).getByRole("row");
  await expect(rows).toHaveCount(2);
  await rows.getByRole("link", { name: "Mend the upload of large files" }).click();
  await expect(page.getByRole("heading", { name: "Mend the upload of large files" })).toBeVisible();
  await expect(page.getByText("Keep it small.").first()).toBeVisible();
  await page.keyboard.press("2");
  await expect(page.getByRole("table", { name: "Calls to models, in order" }).getByRole("row")).toHaveCount(3);
  await page.keyboard.press("4");
  await expect(page.getByRole("table", { name: "Costs, and what they replaced" })).toBeVisible();
  await page.keyboard.press("5");
  await expect(page).toHaveURL(/tab=proof/);
  await expect(page.getByText("again here in your browser")).toBeVisible();
  const steps = page.getByRole("list", { name: "Steps of the proof" }).getByRole("listitem");
  for (const name of ["What was told", "What it commits to", "Its leaf", "The ledger"]) await expect(steps.filter({ hasText: `${name} fits` })).toBeVisible();
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
});

test("AG-33: a session at 23:30-08:00 stands on another day when the zone changes", async ({ page }) => {
  await tell(page, { sessionId: "late", agentId: "night", state: "success", startedAt: "2026-01-01T23:30:00-08:00", endedAt: "2026-01-01T23:40:00-08:00", totalTokens: 1_234 });
  await page.goto("/agents/usage?agent=night&measure=tokens");
  const days = page.getByRole("table", { name: /day/i });
  await expect(days).toContainText("2026-01-02");
  await expect(days).toContainText("1,234");
  await page.getByLabel("Days of zone").selectOption("America/Los_Angeles");
  await expect(page).toHaveURL(/tz=America/);
  await expect(days).toContainText("2026-01-01");
  await expect(days).not.toContainText("2026-01-02");
  await page.goBack();
  await expect(days).toContainText("2026-01-02");
});

test("what is told while the ledger is read changes in place, and what is new waits until it is wanted", async ({ page }) => {
  await tell(page, { sessionId: "goes-on", agentId: "watched", state: "running", startedAt: ago(30), title: "It goes on" });
  const following = page.waitForResponse((answer) => answer.url().endsWith("/v1/agents/events"));
  await page.goto("/agents/ledger?agent=watched");
  const rows = page.getByRole("table", { name: "Sessions" }).getByRole("row");
  await expect(rows.nth(1)).toContainText("running");
  expect((await following).status()).toBe(200);
  await tell(page, { sessionId: "goes-on", agentId: "watched", state: "success", startedAt: ago(30), endedAt: ago(0), title: "It goes on" });
  await tell(page, { sessionId: "newer", agentId: "watched", state: "queued", startedAt: ago(1), title: "It is newer" });
  await expect(rows.nth(1)).toContainText("success");
  const pill = page.getByRole("button", { name: "1 new: show" });
  await expect(pill).toBeVisible();
  await expect(rows).toHaveCount(2);
  await expect_no_shift(page);
  await pill.click();
  await expect(rows).toHaveCount(3);
  await expect(rows.nth(1)).toContainText("It is newer");
  await expect(pill).toBeHidden();
});
