// An alert from the rule that is tried first, over firing and acknowledging, to its end; and the prices behind its figures.
import { ago, evaluate, make_rule, tell } from "./agents_told";
import { expect, test } from "./journey";

test.beforeEach(({ journey }) => journey.log_in());

const spent = (sessionId: string, agentId: string, billedCostUsd: number) => ({ sessionId, agentId, state: "success", startedAt: ago(60), endedAt: ago(30), totalTokens: 100, billedCostUsd });

test("AG-26: a rule is tried in the form before it is made, and what it finds fires then", async ({ page }) => {
  await tell(page, spent("dear", "tried", 7.5));
  await page.goto("/agents/alerts?tab=rules");
  await expect(page.getByRole("table", { name: "Rules" }).or(page.getByRole("heading", { name: "There is no rule yet" }))).toBeVisible();
  await page.keyboard.press("n");
  const form = page.getByRole("dialog", { name: "Make a rule" });
  await form.getByLabel("Name").fill("Spend of the tried");
  await form.getByLabel("Measures").selectOption("rolling_cost_usd");
  await form.getByLabel("Of whom").selectOption("agent");
  await form.getByLabel("Agent", { exact: true }).fill("tried");
  await form.getByLabel(/^Warning from/).fill("1");
  await form.getByLabel(/^Critical from/).fill("5");
  await form.getByRole("button", { name: "Preview" }).click();
  await expect(form.getByText("It would fire at once.")).toBeVisible();
  await expect(form.getByText("critical", { exact: true })).toBeVisible();
  await form.getByLabel(/^Critical from/).fill("50");
  await expect(form.getByText("The form was changed since")).toBeVisible();
  await form.getByRole("button", { name: "Preview again" }).click();
  await expect(form.getByText("warning", { exact: true })).toBeVisible();
  await page.goto("/agents/alerts");
  await expect(page.getByText("Spend of the tried"), "a preview writes nothing").toBeHidden();
});

test("AG-26, AG-29: an alert fires, is acknowledged, and is over when its window is", async ({ page }) => {
  const { ruleId } = await make_rule(page, {
    name: "Failures of the builder",
    metric: "failure_rate",
    scopeType: "agent",
    scopeRef: { agentId: "builder" },
    warnThreshold: 0.3,
    criticalThreshold: 0.6,
    window: "24h",
    comparison: "gte",
    dedupCooldownSec: 0,
  });
  await page.goto("/agents/alerts");
  await tell(page, { sessionId: "broke", agentId: "builder", state: "failed", startedAt: ago(120), endedAt: ago(100), errorCode: "overloaded" });
  await evaluate(page);
  await page.keyboard.press("r");
  const alert = page.getByRole("listitem").filter({ hasText: "Failures of the builder" });
  await expect(alert.getByText("critical", { exact: true })).toBeVisible();
  await expect(alert).toContainText("100 %");
  await page.goto("/agents");
  await expect(page.getByRole("region", { name: "Alerts" })).toContainText("Failures of the builder");
  await page.goto("/agents/alerts");
  await page.keyboard.press("j");
  await alert.getByRole("button", { name: "Acknowledge" }).click();
  await expect(alert.getByText("acknowledged", { exact: false }).last()).toBeVisible();
  for (const n of [1, 2, 3, 4]) await tell(page, { sessionId: `held-${n}`, agentId: "builder", state: "success", startedAt: ago(90), endedAt: ago(80) });
  await evaluate(page);
  await page.keyboard.press("r");
  await expect(alert.getByText("resolved", { exact: true })).toBeVisible();
  await alert.getByRole("link", { name: "1 episode" }).click();
  await expect(page).toHaveURL(new RegExp(`rule=${ruleId}`));
  const happened = page.getByRole("table", { name: "Transitions, newest first" });
  for (const words of ["is over", "was acknowledged", "opened"]) await expect(happened.getByText(words, { exact: false }).first()).toBeVisible();
});

test("AG-30: a channel is made without showing its secret, and a notice that nobody takes is told", async ({ page }) => {
  await page.goto("/agents/alerts?tab=channels");
  await page.getByRole("button", { name: "Make a channel" }).click();
  const form = page.getByRole("dialog", { name: "Make a channel" });
  await form.getByLabel("Name").fill("pager");
  // Nobody listens on the discard port, and nothing leaves this machine.
  await form.getByLabel("Address that notices are posted to").fill("http://127.0.0.1:9/hook");
  await form.getByLabel("Secret that they are signed with").fill("sixteen bytes of it");
  await form.getByRole("button", { name: "Make it" }).click();
  await expect(page.getByRole("table", { name: "Channels" })).toContainText("http://127.0.0.1:9/hook");
  expect(await page.content()).not.toContain("sixteen bytes of it");
  await make_rule(page, { name: "Any cost", metric: "rolling_cost_usd", scopeType: "agent", scopeRef: { agentId: "noticed" }, warnThreshold: 1, criticalThreshold: 2, window: "24h", comparison: "gte" });
  await tell(page, spent("noticed", "noticed", 3));
  await evaluate(page);
  await page.getByRole("tab", { name: "Notices" }).click();
  await page.keyboard.press("r");
  const notice = page.getByRole("table", { name: "Notices, newest first" }).getByRole("row").filter({ hasText: "Any cost" });
  await expect(notice).toContainText("to pager");
  await expect(notice.getByText("waits", { exact: true })).toBeVisible();
  await page.getByRole("button", { name: "Given up", exact: true }).click();
  await expect(page.getByRole("heading", { name: "No notice is like this" })).toBeVisible();
});

test("AG-24: a recompute shows old beside new cost before anything is written, and keeps what stood before", async ({ page }) => {
  const calls = [{ callId: "priced-1", startedAt: ago(100), status: "success", usage: { inputUncached: 100_000, output: 10_000 } }];
  await tell(page, { sessionId: "priced", agentId: "priced", state: "success", startedAt: ago(120), endedAt: ago(60), title: "It has a price" }, calls);
  const { items } = (await (await page.request.get("/v1/agents/prices")).json()) as { items: { pricingVersion: string }[] };
  const shipped = items[0]?.pricingVersion ?? "";
  const list = (await (await page.request.get(`/v1/agents/prices/${shipped}`)).json()) as { owner: string; effectiveFrom: string; reviewAt?: string; models: { model: string; in: number; out: number }[] };
  list.owner = "a journey";
  list.effectiveFrom = "2027-01-01T00:00:00.000Z";
  delete list.reviewAt;
  for (const model of list.models) if (model.model === "claude-sonnet-4-5") [model.in, model.out] = [model.in * 2, model.out * 2];
  const taken = await page.request.post("/v1/agents/prices", { data: list });
  expect(taken.status(), await taken.text()).toBe(200);
  const { pricingVersion } = (await taken.json()) as { pricingVersion: string };

  await page.goto(`/agents/prices?version=${pricingVersion}`);
  await page.getByLabel("Compared with").selectOption(shipped);
  const differs = page.getByRole("table", { name: "What differs" });
  await expect(differs.getByRole("row")).toHaveCount(2);
  await expect(differs).toContainText("claude-sonnet-4-5");
  await expect(differs).toContainText("+100 %");
  await page.keyboard.press("n");
  const dialog = page.getByRole("dialog", { name: "Reckon costs anew" });
  const real = dialog.getByRole("button", { name: "Reckon it anew" });
  await expect(real).toBeDisabled();
  await dialog.getByLabel("Only of the model").fill("claude-sonnet-4-5");
  await dialog.getByRole("button", { name: "Preview" }).click();
  await expect(dialog.getByText("1 of 1 cost would change")).toBeVisible();
  await expect(dialog.getByText("+100 %")).toBeVisible();
  const cost = async () => ((await (await page.request.get("/api/v3/ledger/priced")).json()) as { usage: { costUsd: number } }).usage.costUsd;
  const before = await cost();
  await real.click();
  await expect(dialog.getByText("Done: 1 of 1 cost changed.")).toBeVisible();
  expect(await cost()).toBeCloseTo(before * 2, 6);
  await page.goto("/agents/sessions/priced?tab=costs");
  const costs = page.getByRole("table", { name: "Costs, and what they replaced" });
  await expect(costs.getByRole("row")).toHaveCount(3);
  await expect(costs.getByText("replaced", { exact: true })).toHaveCount(1);
});
