// Every page in light and dark, at three widths, with something, with nothing, when it fails, without the server, without permission.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test, type Browser, type BrowserContext, type Page } from "@playwright/test";
import { place, type Place } from "./home";

const OUT = join(import.meta.dirname, "../../shots");
const WIDTHS = [
  [1440, 900],
  [768, 1024],
  [360, 740],
] as const;

/** Longer pages are cut off. */
const HEIGHT_MAX = 3_600;

type Shot = [name: string, path: string, also?: (page: Page) => Promise<void>];

async function ask<T>(context: BrowserContext, path: string): Promise<T> {
  return (await (await context.request.get(path)).json()) as T;
}

/** Every page with something on it. */
async function pages(context: BrowserContext): Promise<Shot[]> {
  const first = async (filter: string) =>
    (await ask<{ items: { asset_id: string }[] }>(context, `/v1/assets?filter=${encodeURIComponent(filter)}&limit=1`)).items[0]?.asset_id;
  const asset = `/assets/${await first("type:image has:image.thumbnail has:media.metadata")}`;
  const runs = (await ask<{ items: { run: string; pipeline: string; policy: string; state: string }[] }>(context, "/v1/runs")).items;
  const of = (wanted: (run: (typeof runs)[number]) => boolean) => `/runs/${runs.find(wanted)?.run}`;
  const basics = of((run) => run.pipeline === "basics" && run.policy === "production");
  const sandbox = of((run) => run.policy === "sandbox");
  const session = "/agents/sessions/agent%3Amain%3A7";
  const prices = (await ask<{ items: { pricingVersion: string }[] }>(context, "/v1/agents/prices")).items[0]?.pricingVersion;
  return [
    ["library", "/library"],
    ["library, filter", "/library?filter=type:video"],
    ["library, no match", "/library?filter=path:nothing-like-it"],
    ["library, filter wrong", "/library?filter=tkane:2019"],
    ["library, selection", "/library", select],
    ["library, collect", "/library", async (page) => (await select(page), await page.keyboard.press("c"))],
    ["library, run on selection", "/library", async (page) => (await select(page), await page.keyboard.press("r"))],
    ["library, export", "/library", async (page) => (await select(page), await page.keyboard.press("Shift+E"))],
    ["library, form", "/library", (page) => page.keyboard.press("f")],
    ["asset, facts", asset],
    ["asset, artifacts", `${asset}?tab=artifacts`],
    ["asset, lineage", `${asset}?tab=lineage`],
    ["asset, paths", `${asset}?tab=paths`],
    ["asset, proof", `${asset}?tab=proof`],
    ["asset, replay", `${asset}?tab=proof`, replay],
    ["asset, film", `/assets/${await first("type:video has:video.keyframe")}`],
    ["asset, no picture", `/assets/${await first("not has:image.thumbnail not has:video.keyframe")}`],
    ["runs", "/runs"],
    ["runs, start", "/runs?new=1"],
    ["run, ended", basics],
    ["run, units", `${basics}?tab=units`],
    ["run, working", of((run) => run.pipeline === "noop")],
    ["run, sandbox", sandbox],
    ["run, compare with", `${basics}?with=choose`],
    ["compare", `${basics}${sandbox.replace("/runs/", "/compare/")}`],
    ["collections", "/collections"],
    ["collections, make", "/collections?new=1"],
    ["collection, all", "/collections/all"],
    ["collection, filter", "/collections/films"],
    ["collection, export", "/collections/films?ask=export"],
    ["collection, delete", "/collections/films?ask=delete"],
    ["pipelines", "/pipelines"],
    ["pipeline", "/pipelines/basics"],
    ["doctor", "/doctor"],
    ["doctor, evidence", "/doctor?tab=evidence", verify],
    ["doctor, jobs", "/doctor?tab=jobs"],
    ["settings, audit", "/settings?tab=audit"],
    ["settings, you", "/settings"],
    ["settings, configuration", "/settings?tab=configuration"],
    ["settings, extractors", "/settings?tab=extractors"],
    ["settings, keys", "/settings?tab=keys"],
    ["agents, overview", "/agents"],
    ["agents, kill", "/agents?kill=main-0001"],
    ["agents, ledger", "/agents/ledger"],
    ["agents, ledger filtered", "/agents/ledger?status=failed&sort=runtime"],
    ["agents, no match", "/agents/ledger?q=nothing-like-it"],
    ["agents, filter wrong", "/agents/ledger?from=nonsense"],
    ["agents, session", session],
    ["agents, calls", `${session}?tab=calls`],
    ["agents, call", `${session}?tab=calls&call=c7-0`],
    ["agents, session usage", `${session}?tab=usage`],
    ["agents, session costs", `${session}?tab=costs`],
    ["agents, session proof", `${session}?tab=proof`],
    ["agents, usage", "/agents/usage"],
    ["agents, usage by call", "/agents/usage?measure=tokens&group=agent&basis=spend"],
    ["agents, models", "/agents/models"],
    ["agents, alerts", "/agents/alerts"],
    ["agents, rule", "/agents/alerts?edit=new", preview],
    ["agents, notices", "/agents/alerts?tab=deliveries"],
    ["agents, channel", "/agents/alerts?tab=channels&channel=new"],
    ["agents, control", "/agents/control", try_to_start],
    ["agents, prices", `/agents/prices?version=${prices}`],
    ["agents, recompute", `/agents/prices?recompute=${prices}`, plan],
    ["agents, import", "/agents/import"],
    ["palette", "/runs", (page) => page.keyboard.press("Control+k")],
    ["keys", "/library", (page) => page.keyboard.press("?")],
    ["nowhere", "/no-such-page"],
  ];
}

/** Those that look another way when there is nothing, and when something is wrong. */
const PLAIN: Shot[] = [
  ["library", "/library"],
  ["asset", "/assets/ast_0000"],
  ["runs", "/runs"],
  ["run", "/runs/run_0000"],
  ["compare", "/runs/run_0000/compare/run_0001"],
  ["collections", "/collections"],
  ["collection, all", "/collections/all"],
  ["pipelines", "/pipelines"],
  ["pipeline", "/pipelines/basics"],
  ["doctor", "/doctor"],
  ["doctor, evidence", "/doctor?tab=evidence"],
  ["doctor, jobs", "/doctor?tab=jobs"],
  ["agents, overview", "/agents"],
  ["agents, ledger", "/agents/ledger"],
  ["agents, session", "/agents/sessions/none_0000"],
  ["agents, usage", "/agents/usage"],
  ["agents, models", "/agents/models"],
  ["agents, alerts", "/agents/alerts"],
  ["agents, transitions", "/agents/alerts?tab=transitions"],
  ["agents, rules", "/agents/alerts?tab=rules"],
  ["agents, notices", "/agents/alerts?tab=deliveries"],
  ["agents, channels", "/agents/alerts?tab=channels"],
  ["agents, control", "/agents/control"],
  ["agents, prices", "/agents/prices"],
  ["agents, import", "/agents/import"],
  ["settings, audit", "/settings?tab=audit"],
  ["settings, configuration", "/settings?tab=configuration"],
  ["settings, extractors", "/settings?tab=extractors"],
];

async function verify(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Verify everything" }).click();
  await expect(page.getByText("Everything is as it was written")).toBeVisible();
}

/** A rule that is looked at before it is made. */
async function preview(page: Page): Promise<void> {
  await page.getByLabel(/^Warning from/).fill("1");
  await page.getByLabel(/^Critical from/).fill("5");
  await page.getByRole("button", { name: "Preview" }).click();
  await expect(page.getByRole("button", { name: "Preview again" })).toBeVisible();
}

/** An order on paper, so that there is an outcome and an audit. */
async function try_to_start(page: Page): Promise<void> {
  await page.getByLabel("Agent", { exact: true }).fill("spare");
  await page.getByLabel("Prompt").fill("Tidy up.");
  await page.getByRole("button", { name: "Try on paper" }).first().click();
  await expect(page.getByText("Noted in the")).toBeVisible();
}

/** What a recompute would come to. */
async function plan(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Preview" }).click();
  await expect(page.getByText(/^(A preview|Nothing here)/)).toBeVisible();
}

async function replay(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Replay" }).click();
  await expect(page.getByText("Identical.")).toBeVisible();
}

async function select(page: Page): Promise<void> {
  // By keyboard, because a finger has no button for it.
  await page.getByRole("group", { name: "Assets, newest first" }).getByRole("link").first().focus();
  for (const key of ["x", "ArrowRight", "ArrowRight", "x"]) await page.keyboard.press(key);
  await expect(page.getByRole("toolbar", { name: "Selection" })).toBeVisible();
}

/** Nothing waits any more: no skeleton, no picture under way. */
async function settled(page: Page): Promise<void> {
  await expect(page.locator("h1").first()).toBeAttached();
  await expect(page.locator("[aria-busy=true], .skeleton")).toHaveCount(0);
  await page.waitForFunction(() => [...document.images].every((image) => image.complete || image.loading === "lazy"));
  await page.waitForTimeout(150);
}

/** Makes the window as high as the page, where the page is one to be scrolled down. */
async function grow(page: Page, width: number, height: number): Promise<void> {
  const more = await page.evaluate(() => {
    const main = document.querySelector("main:has(> .page)");
    return main && !document.querySelector("dialog[open]") ? main.scrollHeight - main.clientHeight : 0;
  });
  if (more <= 0) return;
  await page.setViewportSize({ width, height: Math.min(HEIGHT_MAX, height + more) });
  await settled(page);
}

interface State {
  name: string;
  at: () => Place;
  token?: (place: Place) => string;
  shots: (context: BrowserContext) => Promise<Shot[]>;
  before?: (context: BrowserContext) => Promise<void>;
  waits?: (page: Page) => Promise<void>;
}

const STATES: State[] = [
  { name: "normal", at: () => place("full"), shots: pages },
  { name: "empty", at: () => place("empty"), shots: async () => PLAIN.filter(([, path]) => !path.includes("_0000")) },
  { name: "error", at: () => place("full"), shots: async () => PLAIN, before: refuse },
  {
    name: "offline",
    at: () => place("full"),
    shots: async (context) => (await pages(context)).filter(([name]) => /^(library|asset, facts|runs|run, working|doctor)$/.test(name)),
    before: async (context) => void (await context.route("**/v1/events*", (route) => route.abort())),
    waits: (page) => expect(page.getByText("Offline since")).toBeVisible(),
  },
  {
    name: "reader",
    at: () => place("full"),
    token: ({ reader }) => reader,
    shots: async (context) => (await pages(context)).filter(([name]) => /^(library, selection|asset, proof|runs|runs, start|run, ended|collection|doctor$|settings, (you|audit)|agents, alerts)/.test(name)),
  },
];

/** Everything but the login fails, as when the disk is gone. */
async function refuse(context: BrowserContext): Promise<void> {
  const body = { type: "about:blank", title: "Internal error", status: 500, code: "internal", detail: "the database cannot be read: disk I/O error", errors: [] };
  await context.route(/\/api\//, (route) =>
    route.fulfill({ status: 500, contentType: "application/json", headers: { "x-request-id": "01JQ8ZEXAMPLE" }, body: JSON.stringify({ error: "Internal error" }) }),
  );
  await context.route(/\/v1\/(?!me$|session$|events)/, (route) =>
    route.fulfill({ status: 500, contentType: "application/problem+json", headers: { "x-request-id": "01JQ8ZEXAMPLE" }, body: JSON.stringify(body) }),
  );
}

async function opened(browser: Browser, state: State, theme: "light" | "dark", width: number, height: number): Promise<BrowserContext> {
  const { url, ...rest } = state.at();
  const context = await browser.newContext({ baseURL: url, colorScheme: theme, viewport: { width, height }, locale: "en-GB", timezoneId: "UTC", reducedMotion: "reduce", hasTouch: width < 600 });
  const answer = await context.request.post("/v1/session", { data: { token: state.token?.({ url, ...rest }) ?? rest.token } });
  expect(answer.status()).toBe(200);
  return context;
}

for (const state of STATES)
  for (const theme of ["light", "dark"] as const)
    for (const [width, height] of WIDTHS)
      test(`${state.name}, ${theme}, ${width}`, async ({ browser }) => {
        const context = await opened(browser, state, theme, width, height);
        const shots = await state.shots(context);
        await state.before?.(context);
        const page = await context.newPage();
        const folder = join(OUT, state.name);
        mkdirSync(folder, { recursive: true });
        for (const [name, path, also] of shots) {
          await page.setViewportSize({ width, height });
          await page.goto(path);
          await settled(page);
          await also?.(page);
          await state.waits?.(page);
          if (also) await settled(page);
          else await grow(page, width, height);
          await page.screenshot({ path: join(folder, `${name.replaceAll(", ", "-").replaceAll(" ", "-")}.${theme}.${width}.png`) });
        }
        await context.close();
      });

for (const theme of ["light", "dark"] as const)
  test(`login, ${theme}`, async ({ browser }) => {
    for (const [width, height] of WIDTHS) {
      const context = await browser.newContext({ baseURL: place("full").url, colorScheme: theme, viewport: { width, height } });
      const page = await context.newPage();
      await page.goto("/library");
      await expect(page.getByRole("heading", { name: "Log in to Exhibit" })).toBeVisible();
      mkdirSync(join(OUT, "normal"), { recursive: true });
      await page.screenshot({ path: join(OUT, "normal", `login.${theme}.${width}.png`) });
      await context.close();
    }
  });
