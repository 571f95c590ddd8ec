// Sessions of agents for the pictures: some weeks of them, every state, with and without calls, with a bill and without a price.

const AGENTS = ["coder", "reviewer", "research", "nightly-maintenance"];
const MODELS = [
  ["claude-sonnet-4-5", "anthropic"],
  ["claude-haiku-4-5", "anthropic"],
  ["gpt-5", "openai"],
  ["a-model-of-our-own-with-a-rather-long-name-70b-instruct", "local"],
] as const;
const TITLES = [
  "Fix the flaky upload test",
  "Write the release notes",
  "Rename the settings module",
  "Find why the build of the documentation takes four minutes on a cold cache",
];
const STATES = ["success", "success", "success", "failed", "success", "killed", "success", "cancelled"];

const DAY_MS = 86_400_000;

const of = <T>(list: readonly T[], at: number): T => list[at % list.length] as T;

function session(n: number, now: number): unknown {
  const begins = now - ((n * 11) % 25) * DAY_MS - 3_600_000;
  const takes = 4_000 + ((n * 7_919) % 1_800) * 1_000;
  const at = (part: number) => new Date(begins + takes * part).toISOString();
  const [modelId, provider] = of(MODELS, n % 5 === 0 ? n : n % 2);
  const state = n === 0 ? "running" : of(STATES, n);
  const title = of(TITLES, n);
  const calls = [0, 0.3, 0.6].map((part, k) => ({
    callId: `c${n}-${k}`,
    responseId: `resp_${n}_${k}`,
    startedAt: at(part),
    modelId,
    provider,
    status: state === "failed" && k === 2 ? "failed" : "success",
    durationMs: Math.round(takes / 5),
    usage: { inputUncached: 900 + n * 37, cacheRead: 20_000 + n * 411, cacheWrite5m: n * 13, output: 300 + n * 19, reasoning: n * 3 },
    ...(n % 3 !== 1 && { billedCostUsd: ((n % 40) + 1) / 100 }),
  }));
  const events = [
    ["state_transition", { to: "running" }],
    ["message", { role: "user", text: `${title}. Keep it small and tell what was changed.` }],
    ["tool_call", { tool: "bash", args: { command: "make test" }, exit: 0 }],
    ["tool_call", { tool: "edit", path: "src/upload.rs", added: 12, removed: 4 }],
    ...(state === "failed" ? [["error", { message: "the provider answered 529: overloaded", attempt: 3 }]] : []),
    ["metric", { name: "tokens_per_s", value: 41.5 }],
  ].map(([eventType, payload], k) => ({ eventType, payload, eventTs: at(k / 8) }));
  return {
    session: {
      sessionId: `agent:main:${n}`,
      agentId: of(AGENTS, n * 3),
      modelId,
      provider,
      state,
      startedAt: at(0),
      title: n % 9 === 0 ? undefined : title,
      task: `${title}.\n\nIt fails once in ten runs.`,
      taskCategory: of(["bugfix", "docs", "refactor", undefined], n),
      sourceVersion: "2.1.7",
      ...(state !== "running" && { endedAt: at(1) }),
      ...(state === "failed" && { errorCode: "provider_overloaded", errorMessage: "the provider answered 529 three times" }),
    },
    ...(n % 6 !== 5 && { calls }),
    events,
  };
}

/** Documents of the contract, one a line. */
export function sessions(now: Date, count = 120): string {
  const lines = Array.from({ length: count }, (_, n) => JSON.stringify({ envelope_version: "v3", payload: session(n, now.getTime()) }));
  return `${lines.join("\n")}\n`;
}
