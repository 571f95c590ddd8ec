// Everything once by keyboard alone, with the focus always to be seen.
import type { Page } from "@playwright/test";
import { api, expect, pictures, test } from "./journey";

test.beforeEach(({ journey }) => journey.log_in());

/** What has the focus shows it: by an outline, a shadow or a border that it does not have without. */
async function expect_focus_visible(page: Page): Promise<void> {
  const shown = await page.evaluate(() => {
    const element = document.activeElement;
    if (!(element instanceof HTMLElement) || element === document.body) return "nothing has the focus";
    // The ring may be drawn by the box around a field.
    for (let at: HTMLElement | null = element, up = 0; at && up < 3; at = at.parentElement, up += 1) {
      for (const style of [getComputedStyle(at), getComputedStyle(at, "::after")]) {
        if (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) return "shown";
        if (style.boxShadow !== "none") return "shown";
      }
    }
    return element.outerHTML.slice(0, 200);
  });
  expect(shown).toBe("shown");
}

test("Tab walks through the frame and the page, always visibly", async ({ page }) => {
  for (const path of ["/library", "/agents", "/agents/control", "/agents/prices", "/runs", "/collections", "/pipelines", "/settings"]) {
    await page.goto(path);
    await expect(page.getByRole("heading", { level: 1 })).toBeAttached();
    const seen = new Set<string>();
    for (let step = 0; step < 25; step += 1) {
      await page.keyboard.press("Tab");
      const at = await page.evaluate(() => (document.activeElement === document.body ? "" : document.activeElement?.outerHTML.slice(0, 300)));
      if (at === "" || at === undefined) break;
      seen.add(at);
      await expect_focus_visible(page);
    }
    expect(seen.size, path).toBeGreaterThan(8);
  }
});

test("rooms by their chords, commands by the palette, keys by ?", async ({ page }) => {
  await page.goto("/library");
  await expect(pictures(page).first()).toBeVisible();
  for (const [keys, path] of [["g r", "/runs"], ["g c", "/collections"], ["g p", "/pipelines"], ["g s", "/settings"], ["g l", "/library"]] as const) {
    for (const key of keys.split(" ")) await page.keyboard.press(key);
    await expect(page).toHaveURL(new RegExp(`${path}$`));
  }
  await page.keyboard.press("?");
  const keys = page.getByRole("dialog", { name: "Keys" });
  await expect(keys).toBeVisible();
  await expect(keys.getByText("Find a command")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(keys).toBeHidden();
  await page.keyboard.press("Control+k");
  const field = page.getByRole("combobox", { name: "Find a command" });
  await expect(field).toBeFocused();
  await page.keyboard.type("pipelines");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/pipelines$/);
  await page.keyboard.press("/");
  await expect(page.getByRole("textbox", { name: "Search or filter" })).toBeFocused();
  await page.keyboard.type("type:video");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/library\?filter=type:video/);
});

test("pictures are walked, chosen, collected and opened", async ({ page }) => {
  // Only what a run has looked at can say why something is so.
  await page.goto("/library?filter=has:image.thumbnail");
  await expect(pictures(page).first()).toBeVisible();
  await page.keyboard.press("Home");
  await expect_focus_visible(page);
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("x");
  await page.keyboard.press("Shift+ArrowRight");
  await page.keyboard.press("Shift+ArrowRight");
  const bar = page.getByRole("toolbar", { name: "Selection" });
  await expect(bar).toContainText("3 selected");
  await page.keyboard.press("c");
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByLabel("Name")).toBeFocused();
  await expect_focus_visible(page);
  const name = `keys_${Date.now()}`;
  await page.keyboard.type(name);
  await page.keyboard.press("Enter");
  await expect(dialog).toBeHidden();
  expect(await api<{ members_now: number }>(page, `/v1/collections/${name}`)).toMatchObject({ members_now: 3 });
  await page.keyboard.press("Control+a");
  await expect(bar).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(bar).toBeHidden();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/assets\/ast_/);
  await expect(page.getByRole("tablist", { name: "About this asset" })).toBeVisible();
  await page.keyboard.press("3");
  await expect(page.getByRole("tab", { name: "Lineage" })).toHaveAttribute("aria-selected", "true");
  await page.keyboard.press("1");
  await expect(page.getByRole("tab", { name: "Facts", exact: true })).toHaveAttribute("aria-selected", "true");
  await expect(page.getByRole("heading", { level: 2, name: "Identity" })).toBeVisible();
  await page.keyboard.press("w");
  await expect(page).toHaveURL(/tab=lineage/);
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  await expect(page).toHaveURL(/\/library/);
});

test("a run is started, cancelled and resumed", async ({ page }) => {
  await page.goto("/runs?pipeline=noop&set=noop.sleep_ms=200");
  await expect(page.getByRole("heading", { name: "Runs", level: 1 })).toBeVisible();
  await page.keyboard.press("n");
  const dialog = page.getByRole("dialog", { name: "Start a run" });
  await expect(dialog.getByLabel("Pipeline", { exact: true })).toBeFocused();
  await expect_focus_visible(page);
  await expect(dialog.getByText("can be read now")).toBeVisible();
  const start = dialog.getByRole("button", { name: "Start the run" });
  await expect(start).toBeEnabled();
  for (let step = 0; step < 40 && !(await start.evaluate((element) => element === document.activeElement)); step += 1) await page.keyboard.press("Tab");
  await expect(start).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/runs\/run_/);
  await expect(page.getByRole("main").getByText("running", { exact: true }).first()).toBeVisible();
  await page.keyboard.press("x");
  const plan = page.getByRole("dialog");
  await expect(plan).toBeVisible();
  const yes = plan.getByRole("button", { name: /^cancel/i });
  for (let step = 0; step < 8 && !(await yes.evaluate((element) => element === document.activeElement)); step += 1) await page.keyboard.press("Tab");
  await expect(yes).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("main").getByText("cancelled", { exact: true }).first()).toBeVisible();
  await page.keyboard.press("p");
  await expect(page.getByRole("main").getByText("completed", { exact: true })).toBeVisible();
});
