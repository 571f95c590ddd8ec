// A rule as a form holds it: thresholds in units that people think in. Pure.
import type { AlertRule, Metric, RuleBody } from "../../api/agents";

export interface Draft extends Pick<RuleBody, "metric" | "scopeType" | "window" | "comparison" | "noData" | "timeZone"> {
  name: string;
  agentId: string;
  modelId: string;
  /** A field of numbers that is empty holds `null`. */
  warn: number | null;
  critical: number | null;
  cooldown: number | null;
  hysteresis: number | null;
  minSample: number | null;
}

/** How many of the wire's units one of the form's is. */
export function unit_of(metric: Metric): { word: string; size: number } {
  if (metric === "failure_rate") return { word: "%", size: 0.01 };
  return metric === "runtime_p95_ms" ? { word: "s", size: 1000 } : { word: "USD", size: 1 };
}

/** Without the dust of binary fractions: 0.35 is 35, not 35.00000000000001. */
function exact(n: number): number {
  return Number(n.toPrecision(12));
}

export function draft_of(rule: AlertRule | undefined): Draft {
  const metric = rule?.metric ?? "daily_cost_usd";
  const { size } = unit_of(metric);
  return {
    name: rule?.name ?? "",
    metric,
    scopeType: rule?.scopeType ?? "global",
    agentId: rule?.scopeRef?.agentId ?? "",
    modelId: rule?.scopeRef?.modelId ?? "",
    warn: rule ? exact(rule.warnThreshold / size) : null,
    critical: rule ? exact(rule.criticalThreshold / size) : null,
    window: rule?.window ?? "24h",
    comparison: rule?.comparison ?? "gt",
    cooldown: rule?.dedupCooldownSec ?? 300,
    hysteresis: rule?.hysteresisPct ?? 0,
    minSample: rule?.minSample ?? 1,
    noData: rule?.noData ?? "resolve",
    timeZone: rule?.timeZone ?? "UTC",
  };
}

/** What is sent: names that the scope has no place for are left out. Whether a rule is on is no matter of the form. */
export function body_of(draft: Draft): Omit<RuleBody, "enabled"> {
  const { size } = unit_of(draft.metric);
  const name = draft.name.trim();
  const agentId = draft.scopeType.startsWith("agent") ? draft.agentId.trim() : "";
  const modelId = draft.scopeType.endsWith("model") ? draft.modelId.trim() : "";
  const scopeRef = { ...(agentId && { agentId }), ...(modelId && { modelId }) };
  return {
    ...(name && { name }),
    metric: draft.metric,
    scopeType: draft.scopeType,
    ...(Object.keys(scopeRef).length > 0 && { scopeRef }),
    warnThreshold: exact((draft.warn ?? 0) * size),
    criticalThreshold: exact((draft.critical ?? 0) * size),
    window: draft.window,
    comparison: draft.comparison,
    dedupCooldownSec: draft.cooldown ?? 0,
    hysteresisPct: draft.hysteresis ?? 0,
    minSample: draft.minSample ?? 0,
    noData: draft.noData,
    timeZone: draft.timeZone.trim(),
  };
}
