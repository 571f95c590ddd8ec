// An older database is tried on paper, taken over, and told of in a report.
import { AxeBuilder } from "@axe-core/playwright";
import { expect, test } from "./journey";

test("AG-09: a database of V4.1 is taken over after a dry run, once, and its sums are those of the file", async ({ page, journey }) => {
  await journey.log_in();
  await page.goto("/agents/import");
  await expect(page.getByRole("heading", { name: "Nothing was taken over yet" })).toBeVisible();
  const real = page.getByRole("button", { name: "Take it over" });
  await page.getByLabel("Sort of file").selectOption({ label: "Database of V4.1 (SQLite)" });
  await page.getByLabel("Path").fill("nothing.sqlite");
  journey.expects(/status of 409.*\/v1\/agents\/import/);
  await page.getByRole("button", { name: "Dry run" }).click();
  await expect(page.getByRole("alert")).toContainText("there is no such file");
  await expect(real).toBeDisabled();

  await page.getByLabel("Path").fill("v41.sqlite");
  await page.getByRole("button", { name: "Dry run" }).click();
  await expect(page.getByText("A dry run, nothing is written.")).toBeVisible();
  await expect(page.getByText("14 would be written", { exact: false })).toBeVisible();
  await expect(page.getByRole("heading", { name: "Nothing was taken over yet" })).toBeVisible();
  await real.click();
  const sums = page.getByRole("table", { name: "Sums of the file, and here" });
  await expect(sums.getByText("equal", { exact: true })).toHaveCount(6);
  const imports = page.getByRole("table", { name: "Imports, newest first" });
  await expect(imports.getByRole("row")).toHaveCount(2);
  await imports.getByRole("link", { name: "v41.sqlite" }).click();
  const report = page.getByRole("dialog", { name: "Report of an import" });
  await expect(report.getByText("14 were written", { exact: false })).toBeVisible();
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  await page.keyboard.press("Escape");

  await page.getByRole("button", { name: "Dry run" }).click();
  await expect(page.getByText("0 would be written, 14 skipped", { exact: false })).toBeVisible();
  await expect(page.getByRole("table", { name: "Rows that were not written" }).getByText("identical").first()).toBeVisible();
});
