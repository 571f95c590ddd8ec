// What agents did, in words. Pure, so that it can be tested as a table.
import type { ActiveAlert, AlertScope, Bucket, Confidence, EventType, Level, Metric, SessionStatus, Source, TransitionKind, Window } from "../../api/agents";
import type { IconName } from "../../ui/icons";
import { count, duration_s, duration_us, percent } from "../../lib/format";

export type Tone = "plain" | "ok" | "warning" | "error" | "running";

export const STATUSES: Record<SessionStatus, { tone: Tone; icon: IconName; about: string }> = {
  queued: { tone: "plain", icon: "more", about: "It waits for its turn." },
  running: { tone: "running", icon: "play", about: "It goes on." },
  success: { tone: "ok", icon: "check", about: "It came to its end with success." },
  failed: { tone: "error", icon: "error", about: "It came to its end with an error." },
  killed: { tone: "warning", icon: "stop", about: "It was ended by force." },
  cancelled: { tone: "plain", icon: "close", about: "Nobody wanted it any more." },
};

export const SESSION_STATUSES = Object.keys(STATUSES) as SessionStatus[];

export function is_live(status: SessionStatus): boolean {
  return status === "running" || status === "queued";
}

/** `$0.0042`, `$12.30`, `$1,204`: enough figures to tell small costs apart, none that mean nothing. */
export function usd(amount: number): string {
  if (amount === 0) return "$0";
  const size = Math.abs(amount);
  if (size < 0.000_001) return "< $0.000001";
  const places = size >= 1000 ? 0 : size >= 0.0995 ? 2 : size >= 0.01 ? 3 : 6;
  const text = amount.toLocaleString("en", { minimumFractionDigits: Math.min(2, places), maximumFractionDigits: places });
  return `$${text}`.replace("$-", "-$");
}

export function runtime(ms: number): string {
  return ms < 1000 ? duration_us(ms * 1000) : duration_s(ms / 1000);
}

/** `1,204`, `31.2 k`, `4.8 M`: for tables; the whole number belongs into the tooltip. */
export function tokens(n: number): string {
  if (n < 10_000) return count(n);
  const [value, unit] = n < 999_500 ? [n / 1e3, "k"] : n < 999_500_000 ? [n / 1e6, "M"] : [n / 1e9, "G"];
  return `${value.toFixed(value < 100 ? 1 : 0)} ${unit}`;
}

/** An id that somebody else made: nobody knows which end of it tells it apart, so both stay. */
export function foreign_id(id: string): string {
  return id.length <= 28 ? id : `${id.slice(0, 12)}…${id.slice(-12)}`;
}

export const SOURCES: Record<Source, { word: string; about: string }> = {
  provider_reported: { word: "reported", about: "The provider or the feed told it." },
  derived: { word: "derived", about: "It was worked out here from what was told." },
  missing: { word: "missing", about: "Nobody told it, and it cannot be worked out." },
};

export const SOURCE_ORDER: Source[] = ["provider_reported", "derived", "missing"];

const CONFIDENCES: Record<Confidence, string> = { exact: "exact", estimated: "estimated", unknown: "unknown" };

/** Where a number comes from and how sure it is: `reported, high confidence`. */
export function provenance(source: Source, level: Level): string {
  return source === "missing" ? SOURCES.missing.word : `${SOURCES[source].word}, ${level === "unknown" ? "unknown" : level} confidence`;
}

interface Costed {
  costUsd?: number;
  costSource: Source;
  costConfidence: Confidence;
  costConfidenceLevel: Level;
  pricingVersion?: string;
}

/** A cost with where it comes from: never a zero for what nobody knows. */
export function cost_words(usage: Costed | undefined): { amount: string; says: string; tip: string } {
  if (usage === undefined) return { amount: "unknown", says: "no usage told", tip: "Nothing is known about what it used." };
  const says = usage.costSource === "missing" ? "no price" : `${SOURCES[usage.costSource].word}, ${CONFIDENCES[usage.costConfidence]}`;
  if (usage.costUsd === undefined) return { amount: "unknown", says, tip: "No price is known for its model, or not enough of its tokens." };
  const by = usage.pricingVersion ? `, by ${price_words(usage.pricingVersion)}` : "";
  return { amount: usd(usage.costUsd), says, tip: `$${usage.costUsd}, ${provenance(usage.costSource, usage.costConfidenceLevel)}${by}` };
}

const PRICES: Record<string, string> = {
  provider_native: "the provider's bill",
  legacy_unversioned: "older prices without a version",
  "v3-flat-2usd-per-mtok": "the flat price of older versions",
  "v4.1-default": "the default price of older versions",
  mixed: "several price lists",
};

export function price_words(version: string): string {
  return PRICES[version] ?? `price list ${version}`;
}

export const BUCKETS: { bucket: Bucket; word: string; about: string }[] = [
  { bucket: "inputUncached", word: "Input", about: "Input that came out of no cache" },
  { bucket: "cacheRead", word: "Cache read", about: "Input read from the provider's cache" },
  { bucket: "cacheWrite5m", word: "Cache write 5 min", about: "Input written into the cache for five minutes" },
  { bucket: "cacheWrite1h", word: "Cache write 1 h", about: "Input written into the cache for an hour" },
  { bucket: "cacheWrite", word: "Cache write", about: "Input written into the cache; nobody told for how long" },
  { bucket: "output", word: "Output", about: "Output, reasoning included" },
  { bucket: "reasoning", word: "Reasoning", about: "The part of the output that was reasoning" },
  { bucket: "webSearchRequests", word: "Searches", about: "Searches of the web" },
];

type Counts = Partial<Record<Bucket, number>>;

/** The buckets that any of these calls tells, in the order above. */
export function told_buckets(calls: readonly { usage: Counts }[]): typeof BUCKETS {
  return BUCKETS.filter(({ bucket }) => calls.some((call) => call.usage[bucket] !== undefined));
}

/** Sums of buckets; a bucket that no call tells is unknown, not zero. */
export function bucket_sums(calls: readonly { usage: Counts }[]): Counts {
  const sums: Counts = {};
  for (const call of calls) for (const [name, n] of Object.entries(call.usage)) sums[name as Bucket] = (sums[name as Bucket] ?? 0) + n;
  return sums;
}

export const EVENTS: Record<EventType, { word: string; icon: IconName }> = {
  tool_call: { word: "Tool call", icon: "command" },
  message: { word: "Message", icon: "file" },
  state_transition: { word: "State", icon: "promote" },
  artifact: { word: "Artifact", icon: "library" },
  error: { word: "Error", icon: "error" },
  metric: { word: "Metric", icon: "doctor" },
};

/** Names under which feeds say the most of an event, the best first. */
const TELLING = ["message", "text", "summary", "content", "tool", "name", "title", "error", "reason", "path", "uri", "to", "state", "metric"];

const SAYS_MAX = 240;

/** An event in a line: what its payload says first, else its names. */
export function event_says(payload: { [key: string]: unknown }): string {
  const found = TELLING.map((name) => payload[name]).filter((value): value is string => typeof value === "string" && value.trim() !== "");
  const text = found.slice(0, 2).join(" · ") || Object.entries(payload).map(pair_says).join(", ");
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > SAYS_MAX ? `${line.slice(0, SAYS_MAX - 1)}…` : line;
}

function pair_says([name, value]: [string, unknown]): string {
  return value !== null && typeof value === "object" ? name : `${name} ${String(value)}`;
}

/** `+0.4 s`, `+12 min`: how long after the beginning. */
export function offset(from: string, at: string): string {
  const ms = new Date(at).getTime() - new Date(from).getTime();
  return `${ms < 0 ? "-" : "+"}${runtime(Math.abs(ms))}`;
}

export const METRICS: Record<Metric, { word: string; about: string }> = {
  daily_cost_usd: { word: "Cost by calendar day", about: "What calls cost on the calendar days of the rule's zone" },
  rolling_cost_usd: { word: "Cost over a moving window", about: "What calls cost in the window that ends now" },
  runtime_p95_ms: { word: "Slowest runtimes (p95)", about: "The runtime that 95 of 100 ended sessions stay below" },
  failure_rate: { word: "Failure rate", about: "Failures of all sessions that failed or succeeded" },
};

export const WINDOWS: Record<Window, string> = { "5m": "5 minutes", "1h": "1 hour", "24h": "24 hours", "7d": "7 days" };

/** A value of a metric with its unit. */
export function measured(metric: Metric, value: number): string {
  if (metric === "failure_rate") return percent(value);
  return metric === "runtime_p95_ms" ? runtime(value) : usd(value);
}

/** Of whom an alert speaks. */
export function scope_words(scope: AlertScope): string {
  const parts = [scope.agentId && `agent ${scope.agentId}`, scope.modelId && `model ${scope.modelId}`].filter(Boolean);
  return parts.length > 0 ? parts.join(", ") : "everything";
}

function unescaped(text: string): string {
  return text.replace(/%(25|3B|3D)/g, (escaped) => decodeURIComponent(escaped));
}

/** The same for the key of an instance: `global`, `agent=coder;model=m`. */
export function scope_of_key(key: string): AlertScope {
  const scope: AlertScope = {};
  for (const pair of key.split(";")) {
    const [kind, value] = pair.split("=");
    if (kind === "agent" && value) scope.agentId = unescaped(value);
    if (kind === "model" && value) scope.modelId = unescaped(value);
  }
  return scope;
}

export const ALERTS: Record<"ok" | ActiveAlert["status"], { tone: Tone; icon: IconName; word: string }> = {
  ok: { tone: "ok", icon: "check", word: "ok" },
  resolved: { tone: "ok", icon: "check", word: "resolved" },
  warning: { tone: "warning", icon: "warning", word: "warning" },
  critical: { tone: "error", icon: "error", word: "critical" },
};

export const TRANSITIONS: Record<TransitionKind, string> = {
  open: "opened",
  escalate: "became worse",
  deescalate: "became less bad",
  suppress: "went on; repetitions are held back",
  renotify: "went on and was told again",
  resolve: "is over",
  ack: "was acknowledged",
  silence: "was silenced",
  close: "was closed with its rule",
};
