// The end of a chain that began with a document: what its server took in before it was killed is seen by a person.
import { expect, test } from "./journey";

test("AG-38: the alert, its notice, the session and what it cost stand in the browser", async ({ page, journey }) => {
  await journey.log_in();
  await page.goto("/agents/alerts");
  const alert = page.getByRole("listitem").filter({ hasText: "builder" });
  await expect(alert.getByText("critical", { exact: true })).toBeVisible();
  await page.getByRole("tab", { name: "Notices" }).click();
  const notices = page.getByRole("table", { name: "Notices, newest first" }).getByRole("row").filter({ hasText: "to pager" });
  await expect(notices).toHaveCount(1);
  await expect(notices.getByText("delivered", { exact: true })).toBeVisible();
  await page.goto("/agents/ledger");
  const rows = page.getByRole("table", { name: "Sessions" }).getByRole("row");
  await expect(rows).toHaveCount(3);
  await expect(rows.filter({ hasText: "$7.50" })).toHaveCount(1);
  await page.goto("/agents/sessions/s?tab=proof");
  const steps = page.getByRole("list", { name: "Steps of the proof" }).getByRole("listitem");
  for (const name of ["What was told", "What it commits to", "Its leaf", "The ledger"]) await expect(steps.filter({ hasText: `${name} fits` })).toBeVisible();
  await page.goto("/agents/usage");
  await expect(page.getByRole("table", { name: /day/i })).toContainText("$8.00");
});
