// The shapes of what people do in the agents room: status and orders, prices, channels, imports. See `agents.ts` for what they look at.
import type { AlertTransition } from "./agents";

export type AgentStatusWord = "running" | "idle" | "failed" | "done";

export interface ReportedSession {
  /** The real id, which an order takes. */
  sessionId: string;
  state: string;
  modelId: string | null;
  lastActivityAt: string | null;
}

export interface ReportedAgent {
  id: string;
  name: string;
  status: AgentStatusWord;
  lastActivityAt: string | null;
  reason: string;
  sessions: ReportedSession[];
}

export interface GatewayState {
  connected: boolean;
  healthy: boolean;
  stale: boolean;
  /** Why it could not be asked. */
  problem?: string;
}

export interface AgentsStatus {
  generatedAt: string;
  source: string;
  gateway: GatewayState;
  agents: ReportedAgent[];
  controller: string;
}

export interface LogLine {
  ts: string;
  level: "TRACE" | "DEBUG" | "INFO" | "WARN" | "ERROR" | "FATAL";
  msg: string;
}

export type OrderOutcome = "confirmed" | "already_ended" | "unconfirmed" | "failed" | "refused" | "unsupported" | "dry_run";

/** What the audit holds of an order; also part of the answers that say that it went wrong. */
export interface Noted {
  outcome: OrderOutcome;
  /** Absent when nothing was read back. */
  finalState?: string;
  auditId: string;
}

export interface Killed extends Noted {
  ok: true;
  sessionId: string;
  output: string;
}

export interface Begun extends Noted {
  ok: true;
  sessionId: string | null;
  output: string;
}

export interface ModelSet extends Noted {
  ok: true;
  provider: string;
  model: string;
}

export interface SpawnOrder {
  agentId: string;
  prompt: string;
  dryRun?: boolean;
}

export interface ModelOrder {
  provider: string;
  model: string;
  agentId?: string;
  sessionId?: string;
  dryRun?: boolean;
}

export interface Order {
  auditId: string;
  at: string;
  actor: string;
  remoteAddr: string;
  forwardedFor?: string;
  action: "kill" | "spawn" | "model";
  target: string;
  controller: string;
  dryRun: boolean;
  /** Absent while it is carried out, and when its outcome could not be noted. */
  endedAt?: string;
  outcome?: OrderOutcome;
  finalState?: string;
  detail?: string;
}

export interface PriceList {
  pricingVersion: string;
  origin: string;
  owner: string;
  effectiveFrom: string;
  reviewAt?: string;
  loadedAt: string;
}

export type PriceName = "in" | "out" | "cacheRead" | "cacheWrite" | "cacheWrite1h" | "perSearch";

/** Nano-USD per million tokens, of a search each; what is absent has no price. */
export type Prices = Partial<Record<PriceName, number>>;

export interface PriceTier {
  aboveInput?: number;
  serviceTier?: string;
  prices: Prices;
}

export interface PricedModel extends Prices {
  provider?: string;
  model: string;
  aliases: string[];
  tiers: PriceTier[];
}

export interface PriceBody {
  origin: string;
  owner: string;
  effectiveFrom: string;
  reviewAt?: string;
  models: PricedModel[];
}

export interface RecomputeAsk {
  pricingVersion: string;
  from?: string;
  to?: string;
  model?: string;
  dryRun?: boolean;
}

export interface Recompute {
  state: "planned" | "running" | "done" | "failed";
  subjects: number;
  changed: number;
  unchanged: number;
  oldCostUsd: number;
  newCostUsd: number;
}

export interface AlertChannel {
  id: string;
  url: string;
  enabled: boolean;
}

export type NewChannel = AlertChannel & { secret: string };

export type DeliveryState = "pending" | "delivered" | "dead";

export interface AlertDelivery {
  deliveryId: string;
  transitionId: string;
  ruleId: string;
  channelId: string;
  state: DeliveryState;
  attempts: number;
  nextAt?: string;
  createdAt: string;
  settledAt?: string;
  lastError?: string;
}

/** How an instance would stand under a rule that nobody has saved. */
export interface PreviewedValue {
  scopeKey: string;
  status: "ok" | "warning" | "critical";
  value?: number;
  sample: number;
}

export interface AlertEvaluation {
  at: string;
  rules: number;
  instances: number;
  happened: number;
  transitions: AlertTransition[];
  deliveries: number;
  /** Of the rule that was sent along, the first ones of many. */
  values?: PreviewedValue[];
}

export type ImportKind = "v3_json" | "v41_sqlite";

export interface ImportAsk {
  kind: ImportKind;
  /** Below the folder of the server that its configuration names. */
  path: string;
  dryRun?: boolean;
  replace?: boolean;
}

export interface ImportTotals {
  runs: number;
  promptTokens: number;
  completionTokens: number;
  totalTokens: number;
  runtimeMs: number;
  /** Nano-USD. */
  costNano: number;
}

export interface ImportReport {
  /** A dry run has none. */
  reportId?: string;
  kind: ImportKind;
  path: string;
  sourceHash: string;
  dryRun: boolean;
  startedAt: string;
  /** Absent when it was broken off. */
  finishedAt?: string;
  read: number;
  written: number;
  skipped: number;
  errors: number;
  rowsOmitted: number;
  /** Absent when nothing was written. */
  parityOk?: boolean;
  totals: { file: ImportTotals; stored: ImportTotals };
}

export interface ImportRow {
  ref: string;
  outcome: "skipped" | "error";
  reason: string;
}

export interface ImportDetail extends ImportReport {
  rows: ImportRow[];
  next?: string;
}

export interface ImportedFile {
  path: string;
  reportId: string;
  state: "same" | "changed" | "gone" | "unreadable";
  importedHash: string;
  hash?: string;
  reason?: string;
}

export type AgentsEventName = "session" | "alert" | "delivery" | "collector" | "price" | "control";
