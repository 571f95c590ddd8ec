// What holds on every page: no violation that axe-core knows, in light and dark, and no sideways scroll on a phone.
import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { api, expect, expect_no_shift, pictures, test } from "./journey";

test.beforeEach(({ journey }) => journey.log_in());

/** Every page with something on it, by name. */
async function pages(page: Page): Promise<Record<string, string>> {
  const assets = await api<{ items: { asset_id: string }[] }>(page, "/v1/assets?filter=has:image.thumbnail&limit=1");
  const films = await api<{ items: { asset_id: string }[] }>(page, "/v1/assets?filter=type:video&limit=1");
  const runs = await api<{ items: { run: string }[] }>(page, "/v1/runs");
  const prices = await api<{ items: { pricingVersion: string }[] }>(page, "/v1/agents/prices");
  const asset = `/assets/${assets.items[0]?.asset_id}`;
  const run = `/runs/${runs.items.at(-1)?.run}`;
  return {
    library: "/library",
    "library with a filter": "/library?filter=type:image",
    "library without a match": "/library?filter=path:nothing-like-it",
    facts: asset,
    artifacts: `${asset}?tab=artifacts`,
    lineage: `${asset}?tab=lineage`,
    paths: `${asset}?tab=paths`,
    proof: `${asset}?tab=proof`,
    film: `/assets/${films.items[0]?.asset_id}`,
    runs: "/runs",
    "start a run": "/runs?new=1",
    run,
    units: `${run}?tab=units`,
    compare: `${run}/compare/${runs.items[0]?.run}`,
    collections: "/collections",
    collection: "/collections/all",
    pipelines: "/pipelines",
    pipeline: "/pipelines/basics",
    doctor: "/doctor",
    evidence: "/doctor?tab=evidence",
    jobs: "/doctor?tab=jobs",
    settings: "/settings",
    audit: "/settings?tab=audit",
    "overview of agents": "/agents",
    "ledger of agents": "/agents/ledger",
    "usage of agents": "/agents/usage",
    models: "/agents/models",
    alerts: "/agents/alerts",
    transitions: "/agents/alerts?tab=transitions",
    rules: "/agents/alerts?tab=rules",
    "make a rule": "/agents/alerts?edit=new",
    notices: "/agents/alerts?tab=deliveries",
    channels: "/agents/alerts?tab=channels",
    "make a channel": "/agents/alerts?tab=channels&channel=new",
    "orders to agents": "/agents/control",
    "kill a session": "/agents/control?kill=some-session",
    prices: "/agents/prices",
    "a list of prices": `/agents/prices?version=${prices.items[0]?.pricingVersion}`,
    "reckon costs anew": `/agents/prices?recompute=${prices.items[0]?.pricingVersion}`,
    import: "/agents/import",
    nowhere: "/no-such-page",
  };
}

/** The page is there when nothing on it waits any more. */
async function settled(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await expect(page.locator("h1").first()).toBeAttached();
  await expect(page.locator("[aria-busy=true], .skeleton")).toHaveCount(0);
}

for (const colour of ["light", "dark"] as const) {
  test(`axe-core finds nothing on any page, ${colour}`, async ({ page }) => {
    test.setTimeout(240_000);
    await page.emulateMedia({ colorScheme: colour, reducedMotion: "reduce" });
    const found: Record<string, unknown> = {};
    for (const [name, path] of Object.entries(await pages(page))) {
      await settled(page, path);
      const { violations } = await new AxeBuilder({ page }).analyze();
      if (violations.length > 0)
        found[name] = violations.map(({ id, nodes }) => [id, ...nodes.slice(0, 3).map((node) => `${node.html.slice(0, 160)} ${node.any[0]?.message ?? ""}`)]);
    }
    expect(found).toEqual({});
  });
}

test("axe-core finds nothing on the login page, in the palette and in the list of keys", async ({ page, journey }) => {
  await page.goto("/library");
  await expect(pictures(page).first()).toBeVisible();
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog")).toBeVisible();
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("combobox", { name: "Find a command" })).toBeVisible();
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  await page.context().clearCookies();
  journey.expects(/status of 401/);
  await page.goto("/library");
  await expect(page.getByRole("heading", { name: "Log in to Exhibit" })).toBeVisible();
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
});

test("no page scrolls sideways at 360 px, and none shifts", async ({ page }) => {
  test.setTimeout(180_000);
  await page.setViewportSize({ width: 360, height: 740 });
  for (const [name, path] of Object.entries(await pages(page))) {
    await settled(page, path);
    const wide = await page.evaluate(() => {
      const room = document.documentElement.clientWidth;
      const scrolls = (element: Element) => ["auto", "scroll"].includes(getComputedStyle(element).overflowX);
      const main = document.querySelector("main");
      const wide = [document.documentElement, ...(main ? [main] : [])].filter((element) => element.scrollWidth > element.clientWidth);
      if (wide.length === 0) return [];
      // Named are those that stick out and lie in nothing that scrolls by itself.
      const out = [...document.querySelectorAll("main *")].filter((element) => {
        if (element.getBoundingClientRect().right <= room + 1) return false;
        for (let at = element.parentElement; at && at !== main; at = at.parentElement) if (scrolls(at)) return false;
        return true;
      });
      return [`${wide.map((element) => element.tagName)}`, ...out.slice(0, 5).map((element) => element.outerHTML.slice(0, 160))];
    });
    expect.soft(wide, name).toEqual([]);
    await expect_no_shift(page);
  }
});
