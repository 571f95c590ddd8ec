// Agents are seen, started, set and stopped, through a gateway for drills.
import { AxeBuilder } from "@axe-core/playwright";
import { api, expect, test } from "./journey";

test.beforeEach(({ journey }) => journey.log_in());

interface Status {
  agents: { sessions: { sessionId: string; state: string; modelId: string | null }[] }[];
}

test("AG-34: the overview tells every reported agent, why, and that the gateway is connected", async ({ page }) => {
  await page.goto("/agents");
  await expect(page.getByRole("status", { name: "Connection to the gateway" })).toContainText("connected");
  const agents = page.getByRole("list", { name: "Reported agents" });
  for (const [name, reason] of [["main", "active session"], ["writer", "last session completed"], ["tester", "session error"], ["spare", "no active session"]] as const)
    await expect(agents.getByRole("listitem").filter({ has: page.getByRole("link", { name, exact: true }) })).toContainText(reason);
  await expect(page.getByRole("region", { name: "Log" })).toBeVisible();
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
});

test("AG-35: a session is started and its model set, by its real id, and both are read back", async ({ page }) => {
  await page.goto("/agents/control");
  const start = page.getByRole("region", { name: "Start a session" });
  await start.getByLabel("Agent").fill("spare");
  await start.getByLabel("Prompt").fill("Tidy up.");
  await start.getByRole("button", { name: "Try on paper" }).click();
  await expect(start.getByText("On paper.")).toBeVisible();
  await start.getByRole("button", { name: "Start it" }).click();
  await expect(start.getByText("Confirmed.")).toBeVisible();
  const id = await start.getByRole("link", { name: /^fake-/ }).textContent();
  const set = page.getByRole("region", { name: "Set a model" });
  await set.getByRole("combobox", { name: "Of" }).selectOption(`session:${id}`);
  await set.getByRole("combobox", { name: "Model" }).selectOption("anthropic/claude");
  await set.getByRole("button", { name: "Set it" }).click();
  await expect(set.getByText("Confirmed.")).toBeVisible();
  const sessions = async () => (await api<Status>(page, "/api/system/status")).agents.flatMap((agent) => agent.sessions);
  await expect.poll(async () => (await sessions()).find((one) => one.sessionId === id)?.modelId).toBe("claude");
  const orders = page.getByRole("table", { name: "Orders, newest first" }).getByRole("row");
  await expect(orders.nth(1)).toContainText(`session ${id} to anthropic/claude`);
  await expect(orders.nth(1)).toContainText("confirmed");
});

test("AG-35, AG-37: a real session is killed by keyboard from the overview, and the audit has intent and outcome", async ({ page }) => {
  await page.goto("/agents");
  const session = page.getByRole("list", { name: "Sessions of main" }).getByRole("listitem").filter({ hasText: "main-0001" });
  await expect(session.getByText("running", { exact: true })).toBeVisible();
  await page.keyboard.press("j");
  await expect(session).toBeFocused();
  await page.keyboard.press("x");
  const dialog = page.getByRole("dialog", { name: "Kill this session" });
  await expect(dialog).toContainText("main-0001");
  await expect(page).toHaveURL(/kill=main-0001/);
  await dialog.getByRole("button", { name: "Try on paper" }).click();
  await expect(dialog.getByText("On paper.")).toBeVisible();
  await expect(session.getByText("running", { exact: true }), "nothing was done").toBeAttached();
  await dialog.getByRole("button", { name: "Kill the session" }).click();
  await expect(dialog.getByText("Confirmed.")).toBeVisible();
  await expect(dialog).toContainText("Read back: killed.");
  const audit = await dialog.getByRole("link", { name: "audit" }).getAttribute("href");
  await dialog.getByRole("button", { name: "Close" }).last().click();
  await expect(session.getByText("killed", { exact: true })).toBeVisible();
  await expect(session.getByRole("button", { name: "Kill…" })).toHaveCount(0);
  await page.goto(audit ?? "");
  const order = page.getByRole("dialog", { name: "Kill, as it is noted" });
  await expect(order).toContainText("session=main-0001");
  await expect(order).toContainText("confirmed");
  await page.keyboard.press("Escape");
  const orders = page.getByRole("table", { name: "Orders, newest first" }).getByRole("row");
  await expect(orders.filter({ hasText: "only on paper" }).first()).toContainText("session main-0001");
});

test("AG-35: what has ended is not killed again, and a name that looks like an option is refused", async ({ page, journey }) => {
  journey.expects(/status of 500/);
  await page.goto("/agents/control");
  const kill = page.getByRole("region", { name: "Kill a session" });
  const dialog = page.getByRole("dialog", { name: "Kill this session" });
  await kill.getByLabel("Session id").fill("writer-0001");
  await page.keyboard.press("Enter");
  await dialog.getByRole("button", { name: "Kill the session" }).click();
  await expect(dialog.getByText("Already ended.")).toBeVisible();
  await page.keyboard.press("Escape");
  await kill.getByLabel("Session id").fill("-x");
  await page.keyboard.press("Enter");
  await dialog.getByRole("button", { name: "Kill the session" }).click();
  await expect(dialog.getByRole("alert").or(dialog.getByText("Refused."))).toContainText(/begins with a dash|Refused/);
});

test("AG-36: who may only look sees everything and can order nothing", async ({ page }) => {
  await page.context().clearCookies();
  const { JOURNEY_READER } = process.env;
  expect((await page.request.post("/v1/session", { data: { token: JOURNEY_READER } })).status()).toBe(200);
  await page.goto("/agents/control");
  await expect(page.getByText("Your login can look, but not give orders")).toBeVisible();
  for (const name of ["Start it", "Set it", "Kill…"]) await expect(page.getByRole("button", { name })).toBeDisabled();
  await page.goto("/agents/prices?recompute=any");
  await expect(page.getByRole("table", { name: /^Lists of prices/ })).toBeVisible();
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await page.goto("/agents/alerts?tab=channels");
  await expect(page.getByText("no admin permission")).toBeVisible();
});
