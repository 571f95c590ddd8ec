// The shapes of the agents room that the document of the API does not hold here yet, under the names that pages call them by.

import type { Explanation, Json } from "./types";

export type SessionStatus = "success" | "failed" | "killed" | "cancelled" | "running" | "queued";
export type Source = "provider_reported" | "derived" | "missing";
export type Level = "high" | "medium" | "low" | "unknown";
export type Confidence = "exact" | "estimated" | "unknown";

export interface LedgerEntry {
  sessionId: string;
  runId?: string;
  agentId: string;
  agentLabel: string;
  modelId: string;
  taskTitle?: string;
  taskText?: string;
  taskCategory?: string;
  status: SessionStatus;
  startedAt: string;
  endedAt?: string;
  runtimeMs: number;
  artifactCount: number;
  errorCode?: string;
  errorMessage?: string;
  sourceVersion?: string;
  ingestedAt: string;
  usage?: SessionUsage;
}

export interface SessionUsage {
  sessionId: string;
  promptTokens?: number;
  completionTokens?: number;
  totalTokens?: number;
  runtimeMs: number;
  costUsd?: number;
  costConfidence: Confidence;
  provider?: string;
  pricingVersion?: string;
  computedAt: string;
  tokenSource: Source;
  runtimeSource: Source;
  costSource: Source;
  tokenConfidence: Level;
  runtimeConfidence: Level;
  costConfidenceLevel: Level;
}

export type EventType = "tool_call" | "message" | "state_transition" | "artifact" | "error" | "metric";

export interface LedgerEvent {
  eventId: string;
  sessionId: string;
  seq: number;
  eventType: EventType;
  eventTs: string;
  payload: { [key: string]: unknown };
}

export type Bucket = "inputUncached" | "cacheRead" | "cacheWrite5m" | "cacheWrite1h" | "cacheWrite" | "output" | "reasoning" | "webSearchRequests";

export interface LedgerCall {
  callId: string;
  responseId?: string;
  modelId: string;
  provider?: string;
  feed: string;
  status: "success" | "failed" | "cancelled";
  errorCode?: string;
  serviceTier?: string;
  startedAt: string;
  durationMs?: number;
  /** Buckets that do not overlap, but for `reasoning`, which is a part of `output`. */
  usage: Partial<Record<Bucket, number>>;
  totalOnly?: number;
  semantics: string;
  rawUsage?: unknown;
  costUsd?: number;
  pricingVersion?: string;
  tokenSource: Source;
  tokenConfidence: Level;
  costSource: Source;
  costConfidence: Confidence;
  costConfidenceLevel: Level;
  revision: number;
  ledgerSeq: number;
}

export interface Ledger {
  rows: LedgerEntry[];
  total: number;
  next?: string;
}

/** All are optional and left out when they are empty. */
export interface LedgerQuery {
  agent?: string;
  status?: string;
  model?: string;
  task?: string;
  from?: string;
  to?: string;
  tz?: string;
  q?: string;
  match?: string;
  sort?: string;
  page?: number;
  pageSize?: number;
  include?: "usage";
}

export interface SessionDetail {
  ledger: LedgerEntry;
  usage?: SessionUsage;
  events: LedgerEvent[];
  eventsNext?: string;
  calls?: LedgerCall[];
}

/** What a call, or a session that tells no calls, cost by some prices; the last revision of a subject stands. */
export interface CostRevision {
  subject: "call" | "session";
  callId?: string;
  revision: number;
  pricingVersion?: string;
  costUsd?: number;
  source: Source;
  confidence: Confidence;
  confidenceLevel: Level;
  reason: "ingest" | "recompute";
  computedAt: string;
}

/** A document about a session that changed nothing. */
export interface Aside {
  ledgerSeq: number;
  key: string;
  fingerprint: string;
}

/** Where the record of a session stands in the ledger, with all that is needed to check it elsewhere. */
export interface SessionProof {
  recordId: string;
  kind: string;
  schemaVersion: number;
  admission: string;
  ledgerSeq: number;
  /** Absent once it was erased. */
  body?: Json;
  bodyHash?: string;
  contentHash: string;
  inclusion: Explanation["ledger"];
  holds: boolean;
  problems: { subject: string; code: string; message: string }[];
  conflicts: (Aside & { reason: string; standing: number })[];
  stale: (Aside & { revision: number })[];
}

export interface UsageSums {
  tokens: number;
  runtimeMs: number;
  costUsd: number;
  runs: number;
}

export type UsageDay = UsageSums & { date: string };
/** A group whose name nobody told has no key. */
export type UsageGroup = UsageSums & { key?: string; unpricedRuns: number };
export type SourceCounts = Partial<Record<Source, number>>;

export interface Usage {
  totals: UsageSums;
  provenance: { token: SourceCounts; runtime: SourceCounts; cost: SourceCounts };
  series: UsageDay[];
  coverage: { pricedRuns: number; unpricedRuns: number; liveRuns: number };
  groups?: UsageGroup[];
}

export interface UsageQuery {
  agent?: string;
  model?: string;
  task?: string;
  from?: string;
  to?: string;
  tz?: string;
  groupBy?: string;
  basis?: string;
}

export interface MatrixRow {
  modelId: string;
  runsTotal: number;
  successCount: number;
  failureCount: number;
  successRate: number;
  medianRuntimeMs: number;
  medianCostUsd: number;
  sampleWarning: boolean;
  failedDrilldown: { status: "failed"; model: string; from?: string; to?: string; agent?: string };
  killedCount: number;
  cancelledCount: number;
  inferredCount: number;
  failureRate: number;
  approx: boolean;
  provenance: { runtime: KnownCounts; cost: KnownCounts };
}

export type KnownCounts = Partial<Record<"known" | "missing", number>>;

export interface MatrixQuery {
  agent?: string;
  model?: string;
  task?: string;
  from?: string;
  to?: string;
  tz?: string;
  minSample?: string;
}

export type Metric = "daily_cost_usd" | "rolling_cost_usd" | "runtime_p95_ms" | "failure_rate";
export type ScopeType = "global" | "agent" | "model" | "agent_model";
export type Window = "5m" | "1h" | "24h" | "7d";
export type AlertScope = { agentId?: string; modelId?: string; type?: ScopeType };
export type Lifecycle = "active" | "suppressed" | "resolved";

/** What a rule is made of, when one is made or changed. */
export interface RuleBody {
  name?: string;
  enabled: boolean;
  metric: Metric;
  scopeType: ScopeType;
  scopeRef?: { agentId?: string; modelId?: string };
  warnThreshold: number;
  criticalThreshold: number;
  window: Window;
  comparison: "gt" | "gte";
  dedupCooldownSec: number;
  hysteresisPct: number;
  minSample: number;
  noData: "resolve" | "keep" | "alert";
  timeZone: string;
}

export interface AlertRule extends RuleBody {
  ruleId: string;
  createdAt: string;
  updatedAt: string;
  channels: string[];
}

export interface ActiveAlert {
  ruleId: string;
  metric: Metric;
  scope: AlertScope;
  value: number;
  warnThreshold: number;
  criticalThreshold: number;
  status: "warning" | "critical" | "resolved";
  triggeredAt: string;
  deduped: boolean;
  scopeType: ScopeType;
  scopeKey: string;
  lifecycle: Lifecycle;
  /** The cooldown of the last notice. */
  suppressedUntil?: string;
  /** A silence of a person. */
  silencedUntil?: string;
  episode: number;
  openedAt: string;
  resolvedAt?: string;
  ackedAt?: string;
  /** 0 says that there was no value at all. */
  sample: number;
}

export type TransitionKind = "open" | "escalate" | "deescalate" | "suppress" | "renotify" | "resolve" | "ack" | "silence" | "close";

export interface AlertTransition {
  ruleId: string;
  scopeKey: string;
  episode: number;
  ordinal: number;
  kind: TransitionKind;
  previousStatus: "ok" | "warning" | "critical";
  status: "ok" | "warning" | "critical";
  lifecycle: Lifecycle;
  value?: number;
  sample: number;
  threshold?: number;
  at: string;
  notified: boolean;
  cause: "ingest" | "timer" | "manual" | "human";
  actor?: string;
}

export interface AlertInstance {
  scopeKey: string;
  status: "ok" | "warning" | "critical";
  lifecycle: Lifecycle;
  ackedAt?: string;
  ackedBy?: string;
  silencedUntil?: string;
  episode: number;
}
