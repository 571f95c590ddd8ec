// What every journey holds, whatever it is about: nothing leaves the origin, the content security policy is never broken, and the console
// stays silent but for what a journey says that it expects.
import { expect, test as base, type Page } from "@playwright/test";

declare global {
  interface Window {
    shifts: { value: number; what: string[] }[];
  }
}

/** A value that the test around this one sets. */
export function given(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: the journeys are started by \`cargo test -p exhibit-app --test acceptance browser\``);
  return value;
}

export interface Journey {
  /** Logs in as a person who may do everything, without the page for it. */
  log_in(): Promise<void>;
  /** A line of the console that belongs to this journey: what the browser says about a refused request. */
  expects(line: RegExp): void;
}

export const test = base.extend<{ journey: Journey }>({
  journey: [
    async ({ page, context, baseURL }, use) => {
      const wrong: string[] = [];
      const expected: RegExp[] = [];
      const origin = new URL(baseURL ?? "").origin;
      context.on("request", (request) => {
        const { protocol, origin: other } = new URL(request.url());
        if (other !== origin && !["blob:", "data:"].includes(protocol)) wrong.push(`left the origin: ${request.url()}`);
      });
      context.on("console", (message) => {
        const said = `${message.text()} ${message.location().url}`;
        // Lists of units and of mixed assets ask for pictures that some do not have; that is no mistake.
        if (/status of 404.*\/thumbnail\?/.test(said)) return;
        if (["error", "warning"].includes(message.type()) && !expected.some((line) => line.test(said))) wrong.push(`console: ${said}`);
      });
      page.on("pageerror", (error) => wrong.push(`threw: ${error.stack ?? error.message}`));
      await page.addInitScript(() => {
        addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
        window.shifts = [];
        const name = (node?: Node | null) => (node instanceof Element ? `${node.tagName}.${node.className}` : String(node?.nodeName));
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean; sources: { node?: Node }[] })[])
            if (!entry.hadRecentInput) window.shifts.push({ value: entry.value, what: entry.sources.map((source) => name(source.node)) });
        }).observe({ type: "layout-shift", buffered: true });
      });
      await use({
        log_in: async () => {
          const answer = await page.request.post("/v1/session", { data: { token: given("JOURNEY_TOKEN") } });
          expect(answer.status()).toBe(200);
        },
        expects: (line) => void expected.push(line),
      });
      expect(wrong).toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };

/** How far things moved that nobody moved, added up since the page was opened. */
export async function shifted(page: Page): Promise<{ value: number; what: string[] }[]> {
  return page.evaluate(() => window.shifts);
}

/** The page holds still in place: what moved adds up to less than anyone sees. */
export async function expect_no_shift(page: Page): Promise<void> {
  const shifts = await shifted(page);
  const sum = shifts.reduce((sum, shift) => sum + shift.value, 0);
  const worst = shifts.filter((shift) => shift.value > 0.002);
  expect(sum, JSON.stringify(worst, null, 1)).toBeLessThan(0.02);
}

/** Tiles of the Library that show their picture. */
export function pictures(page: Page) {
  return page.getByRole("group", { name: "Assets, newest first" }).locator("img.loaded");
}

/** Tiles of the Library. */
export function tiles(page: Page) {
  return page.getByRole("group", { name: "Assets, newest first" }).getByRole("link");
}

/** Asks the API what it has, with the login of the page. */
export async function api<T>(page: Page, path: string): Promise<T> {
  const answer = await page.request.get(path);
  expect(answer.status(), path).toBe(200);
  return (await answer.json()) as T;
}
