import { describe, expect, it } from "vitest";
import { body_of, draft_of } from "./rule";

const rule = {
  ruleId: "r",
  enabled: true,
  metric: "failure_rate",
  scopeType: "agent_model",
  scopeRef: { agentId: "coder" },
  warnThreshold: 0.07,
  criticalThreshold: 0.35,
  window: "1h",
  comparison: "gte",
  dedupCooldownSec: 60,
  hysteresisPct: 5,
  minSample: 10,
  noData: "keep",
  timeZone: "Asia/Tokyo",
  createdAt: "",
  updatedAt: "",
  channels: [],
} as const;

describe("a rule in a form", () => {
  it("speaks in percent", () => expect(draft_of({ ...rule, channels: [] })).toMatchObject({ warn: 7, critical: 35, agentId: "coder", modelId: "" }));

  it("comes back as it went", () => {
    const { ruleId: _, enabled: __, createdAt: ___, updatedAt: ____, channels: _____, ...body } = rule;
    expect(body_of(draft_of({ ...rule, channels: [] }))).toEqual(body);
  });

  it("names nobody where the scope has no place for it", () => expect(body_of({ ...draft_of({ ...rule, channels: [] }), scopeType: "global" })).not.toHaveProperty("scopeRef"));
});
