// One asset: what is known, why, and that it is proven.
import { api, expect, expect_no_shift, test } from "./journey";

test.beforeEach(({ journey }) => journey.log_in());

interface Lines {
  items: { asset_id: string; path: string }[];
}

test("facts lead to their lineage, the lineage to the run, and the proof holds", async ({ page }) => {
  const { items } = await api<Lines>(page, "/v1/assets?filter=has:image.thumbnail&limit=1");
  await page.goto(`/assets/${items[0]?.asset_id}`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(items[0]?.path.split("/").at(-1) ?? "");
  const why = page.getByRole("button", { name: /^Why is this so\?/ }).first();
  await why.click();
  await expect(page).toHaveURL(/tab=lineage/);
  const graph = page.getByRole("group", { name: "Lineage" });
  await expect(graph.getByText("Original")).toBeVisible();
  await expect(graph.getByText("Artifact").first()).toBeVisible();
  await page.getByRole("tab", { name: "Proof" }).click();
  await expect(page.getByText("The proof holds.")).toBeVisible();
  await expect(page.getByText("again here in your browser")).toBeVisible();
  await page.getByRole("button", { name: "Verify now" }).click();
  await expect(page.getByText("again here in your browser")).toBeVisible();
  await page.getByRole("tab", { name: "Lineage" }).click();
  await graph.getByRole("link", { name: /Unit/ }).click();
  await expect(page).toHaveURL(/\/runs\/run_/);
  await page.goBack();
  await expect(graph).toBeVisible();
});

test("every asset of the archive opens, whatever is known of it", async ({ page }) => {
  const { items } = await api<Lines>(page, "/v1/assets?limit=1000");
  for (const { asset_id } of items) {
    await page.goto(`/assets/${asset_id}`);
    await expect(page.getByRole("heading", { level: 2, name: "Identity" }), asset_id).toBeVisible();
  }
});

test("arrows go to the neighbours in the order of the filter", async ({ page }) => {
  const { items } = await api<Lines>(page, "/v1/assets?filter=type:image&limit=1");
  await page.goto(`/assets/${items[0]?.asset_id}?filter=type:image`);
  type Near = { previous: string | null; next: string | null };
  const near = await api<Near>(page, `/v1/timeline/neighbours?filter=type:image&asset=${items[0]?.asset_id}`);
  const [key, to] = near.next ? ["ArrowRight", near.next] : ["ArrowLeft", near.previous];
  await expect(page.getByRole("link", { name: near.next ? "Older asset" : "Newer asset" })).toBeVisible();
  await page.keyboard.press(key);
  await expect(page).toHaveURL(new RegExp(`/assets/${to}\\?filter=type:image`));
  await expect(page.getByRole("main").getByRole("heading", { level: 1 })).toBeVisible();
  await expect_no_shift(page);
});

test("a film plays from its original", async ({ page }) => {
  const { items } = await api<Lines>(page, "/v1/assets?filter=has:video.keyframe&limit=1");
  await page.goto(`/assets/${items[0]?.asset_id}`);
  await expect(page.locator("video")).toBeVisible();
  const ready = () => page.locator("video").evaluate((video: HTMLVideoElement) => video.readyState > 0);
  await expect.poll(ready).toBe(true);
});

test("what is not there is said, with a way back", async ({ page, journey }) => {
  journey.expects(/status of 40[04]/);
  await page.goto(`/assets/ast_${"0".repeat(64)}`);
  await expect(page.getByText("There is no such asset")).toBeVisible();
  await page.goto("/nowhere");
  await expect(page.getByRole("main").getByRole("link").or(page.getByRole("main").getByRole("button")).first()).toBeVisible();
});
