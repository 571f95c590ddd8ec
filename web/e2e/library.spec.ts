// The Library: looked at, moved through, filtered, chosen from.
import type { Page } from "@playwright/test";
import { api, expect, expect_no_shift, pictures, test, tiles } from "./journey";

test.beforeEach(({ journey }) => journey.log_in());

const scroller = (page: Page) => page.getByRole("region", { name: "Pictures" });
const top_of = (page: Page) => scroller(page).evaluate((element) => element.scrollTop);
const search = (page: Page) => page.getByRole("textbox", { name: "Search or filter" });

test("pictures come while one scrolls, and nothing moves but by hand", async ({ page }) => {
  await page.goto("/library");
  await expect(pictures(page).first()).toBeVisible();
  await scroller(page).hover();
  for (let step = 0; step < 6; step += 1) {
    const before = await top_of(page);
    await page.mouse.wheel(0, 400);
    await expect.poll(() => top_of(page)).toBeGreaterThanOrEqual(before);
    await expect(pictures(page).last()).toBeVisible();
  }
  await expect_no_shift(page);
});

test("the scrubber goes to the oldest month, and the address finds the place again", async ({ page }) => {
  await page.goto("/library");
  await expect(pictures(page).first()).toBeVisible();
  const scrubber = page.getByRole("slider", { name: "Time" });
  const newest = await scrubber.getAttribute("aria-valuetext");
  const box = await scrubber.boundingBox();
  if (!box) throw new Error("the scrubber has no place");
  await page.mouse.move(box.x + box.width / 2, box.y + 4);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height - 2, { steps: 8 });
  await page.mouse.up();
  await expect(scrubber).not.toHaveAttribute("aria-valuetext", newest ?? "");
  expect(await top_of(page)).toBeGreaterThan(0);
  const oldest = (await scrubber.getAttribute("aria-valuetext")) ?? "";
  // The address keeps the date that is at the top.
  const month = (at: string) => new Date(at).toLocaleDateString("en-GB", { month: "long", year: "numeric", timeZone: "UTC" });
  await expect.poll(() => month(new URL(page.url()).searchParams.get("at") ?? "")).toBe(oldest);
  await page.reload();
  await expect(tiles(page).first()).toBeVisible();
  await expect(scrubber).toHaveAttribute("aria-valuetext", oldest);
  await scrubber.focus();
  await page.keyboard.press("Home");
  await expect.poll(() => top_of(page)).toBe(0);
  await expect_no_shift(page);
});

test("a filter is typed, counted and shown; back and forward go through the filters", async ({ page }) => {
  const { total } = await api<{ total: number }>(page, "/v1/timeline");
  const videos = await api<{ matches: number }>(page, "/v1/filters?text=type:video");
  expect(videos.matches).toBeGreaterThan(0);
  await page.goto("/library");
  await expect(page.getByText(`${total} assets`)).toBeVisible();
  await search(page).fill("type:video");
  await expect(page.locator("#search-result")).toContainText(String(videos.matches));
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/filter=type:video/);
  await expect(tiles(page)).toHaveCount(videos.matches);
  await search(page).fill("type:image");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/filter=type:image/);
  await page.goBack();
  await expect(tiles(page)).toHaveCount(videos.matches);
  await expect(search(page)).toHaveValue("type:video");
  await page.goBack();
  await expect(page.getByText(`${total} assets`)).toBeVisible();
  await page.goForward();
  await expect(tiles(page)).toHaveCount(videos.matches);
  await page.getByRole("button", { name: "Take away type:video" }).click();
  await expect(page.getByText(`${total} assets`)).toBeVisible();
});

test("an error in a filter points at its place", async ({ page, journey }) => {
  journey.expects(/status of 400.*\/v1\/(filters|timeline)/);
  await page.goto("/library");
  await search(page).fill("type:image tkane:2019");
  await expect(page.locator("#search-result mark")).toHaveText("tkane");
  await page.keyboard.press("Enter");
  await expect(page, "what is not understood is not shown").not.toHaveURL(/tkane/);
  await page.goto("/library?filter=type:image+tkane:2019");
  await expect(page.getByRole("heading", { name: "The filter is not understood" })).toBeVisible();
  await expect(page.getByRole("region", { name: "Pictures" }).locator("mark")).toHaveText("tkane");
});

test("an asset opens from its tile, and back leads to the same place", async ({ page }) => {
  await page.goto("/library");
  await expect(pictures(page).first()).toBeVisible();
  await page.keyboard.press("End");
  await expect.poll(() => top_of(page)).toBeGreaterThan(0);
  const place = await top_of(page);
  await tiles(page).last().click();
  await expect(page).toHaveURL(/\/assets\/ast_/);
  await expect(page.getByRole("tablist", { name: "About this asset" })).toBeVisible();
  await page.goBack();
  await expect(tiles(page).first()).toBeVisible();
  await expect.poll(async () => Math.abs((await top_of(page)) - place)).toBeLessThan(4);
});

test("a collection is made of a selection", async ({ page }) => {
  await page.goto("/library");
  await expect(pictures(page).first()).toBeVisible();
  await page.getByRole("button", { name: "Add to the selection: 1", exact: true }).click({ force: true });
  await tiles(page).nth(3).click({ modifiers: ["Shift"] });
  await expect(page.getByRole("toolbar", { name: "Selection" })).toContainText("4 selected");
  // All of it, and not only the first: the address follows a moment later.
  await expect(page).toHaveURL(/selected=.*(:\d+-\d+|,)/);
  await page.reload();
  await expect(page.getByRole("toolbar", { name: "Selection" }), "a selection can be shared").toContainText("4 selected");
  await page.getByRole("button", { name: "Add to a collection" }).click();
  const name = `chosen_${Date.now()}`;
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: "Make the collection" }).click();
  await page.getByRole("button", { name: "Open", exact: true }).click();
  await expect(page.getByRole("heading", { name })).toBeVisible();
  await expect(page.getByText("4 assets now")).toBeVisible();
  const made = await api<{ kind: string; members_now: number }>(page, `/v1/collections/${name}`);
  expect(made).toMatchObject({ kind: "static", members_now: 4 });
});
