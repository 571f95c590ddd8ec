// What journeys of agents tell the server over HTTP, as a sender would.
import { type Page } from "@playwright/test";
import { expect, given } from "./journey";

/** So many seconds ago, in the words of the contract. */
export function ago(s: number): string {
  return new Date(Date.now() - s * 1000).toISOString();
}

async function post(page: Page, path: string, data: unknown): Promise<unknown> {
  const answer = await page.request.post(path, { data, headers: { authorization: `Bearer ${given("JOURNEY_TOKEN")}` } });
  expect(answer.ok(), `${path}: ${await answer.text()}`).toBe(true);
  return answer.json();
}

export interface Told {
  sessionId: string;
  state: string;
  startedAt: string;
  [field: string]: unknown;
}

/** Tells of a session, with calls or without. */
export async function tell(page: Page, session: Told, calls: unknown[] = [], events: unknown[] = []): Promise<void> {
  const whole = { agentId: "coder", modelId: "claude-sonnet-4-5", provider: "anthropic", ...session };
  await post(page, "/api/v3/ingest/session", { envelope_version: "v3", payload: { session: whole, calls, events } });
}

export const make_rule = (page: Page, rule: object) => post(page, "/api/v3/alerts/rules", rule) as Promise<{ ruleId: string }>;
export const evaluate = (page: Page) => post(page, "/v1/agents/alerts/evaluate", {});
