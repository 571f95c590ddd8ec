import { describe, expect, it } from "vitest";
import { bucket_sums, cost_words, event_says, foreign_id, measured, offset, provenance, scope_of_key, scope_words, told_buckets, tokens, usd } from "./words";

it.each([
  ["agent:main:4ab-1", "agent:main:4ab-1"],
  ["0190b5e4-0177-7000-8000-000000000177", "0190b5e4-017…000000000177"],
])("%s is shown as %s", (id, text) => expect(foreign_id(id)).toBe(text));

describe("usd", () => {
  it.each([
    [0, "$0"],
    [0.000_000_1, "< $0.000001"],
    [0.000_42, "$0.00042"],
    [0.0123, "$0.012"],
    [0.445, "$0.45"],
    [12.3, "$12.30"],
    [1204.4, "$1,204"],
    [-3, "-$3.00"],
  ])("%s is %s", (amount, text) => expect(usd(amount)).toBe(text));
});

it.each([
  [0, "0"],
  [9_999, "9,999"],
  [31_240, "31.2 k"],
  [4_800_000, "4.8 M"],
  [2_000_000_000, "2.0 G"],
])("%s tokens are %s", (n, text) => expect(tokens(n)).toBe(text));

describe("costs", () => {
  const priced = { costUsd: 0.25, costSource: "derived", costConfidence: "estimated", costConfidenceLevel: "medium", pricingVersion: "px-1" } as const;

  it("say where they come from", () =>
    expect(cost_words(priced)).toEqual({ amount: "$0.25", says: "derived, estimated", tip: "$0.25, derived, medium confidence, by price list px-1" }));

  it("are never zero when nobody knows them", () => {
    const missing = { costSource: "missing", costConfidence: "unknown", costConfidenceLevel: "unknown" } as const;
    expect(cost_words(missing)).toMatchObject({ amount: "unknown", says: "no price" });
    expect(cost_words(undefined).amount).toBe("unknown");
  });

  it("that are nothing are zero", () => expect(cost_words({ ...priced, costUsd: 0 }).amount).toBe("$0"));
});

it("what is missing has no confidence", () => {
  expect(provenance("missing", "unknown")).toBe("missing");
  expect(provenance("provider_reported", "high")).toBe("reported, high confidence");
});

describe("buckets", () => {
  const calls = [{ usage: { inputUncached: 10, output: 4 } }, { usage: { inputUncached: 5, cacheRead: 100, output: 0 } }];
  it("are shown when a call tells them", () => expect(told_buckets(calls).map(({ bucket }) => bucket)).toEqual(["inputUncached", "cacheRead", "output"]));
  it("are unknown when none does", () => expect(bucket_sums(calls)).toEqual({ inputUncached: 15, cacheRead: 100, output: 4 }));
});

describe("events", () => {
  it("say what tells the most", () => expect(event_says({ tool: "bash", args: { a: 1 }, message: "ls\n -la" })).toBe("ls -la · bash"));
  it("say their names when nothing does", () => expect(event_says({ a: 1, b: { c: 2 } })).toBe("a 1, b"));
  it("are cut", () => expect(event_says({ text: "x".repeat(500) })).toHaveLength(240));
});

it.each([
  ["2026-01-01T00:00:00.400Z", "+400 ms"],
  ["2026-01-01T00:12:00.000Z", "+12 min"],
  ["2025-12-31T23:59:58.000Z", "-2.0 s"],
])("%s after midnight is %s", (at, text) => expect(offset("2026-01-01T00:00:00.000Z", at)).toBe(text));

describe("alerts", () => {
  it.each([
    ["failure_rate", 0.25, "25 %"],
    ["runtime_p95_ms", 90_000, "2 min"],
    ["daily_cost_usd", 12, "$12.00"],
  ] as const)("%s %s is %s", (metric, value, text) => expect(measured(metric, value)).toBe(text));

  it.each([
    ["global", "everything"],
    ["agent=coder", "agent coder"],
    ["agent=a%3Bb;model=m%3D1%25", "agent a;b, model m=1%"],
  ])("%s speaks of %s", (key, text) => expect(scope_words(scope_of_key(key))).toBe(text));
});
