import { describe, expect, it } from "vitest";
import type { PriceBody } from "../../api/agents_desk";
import { in_force, price_changes, price_rows, price_step, price_usd } from "./prices";

const list = (models: PriceBody["models"]): PriceBody => ({ origin: "a test", owner: "us", effectiveFrom: "2026-01-01T00:00:00.000Z", models });
const model = (name: string, input: number, more: object = {}) => ({ model: name, provider: "p", in: input, out: 2e9, aliases: [], tiers: [], ...more });

describe("lists of prices", () => {
  const old = list([model("b", 1e9), model("a", 3e9, { cacheRead: 3e8 }), model("gone", 1e9)]);
  const now = list([model("b", 1e9), model("a", 2e9), model("new", 5e9, { tiers: [{ aboveInput: 200_000, prices: { in: 6e9, out: 9e9 } }] })]);

  it("are read by name, tiers below their model", () =>
    expect(price_rows(now).map((row) => [row.model, row.tier])).toEqual([["a", ""], ["b", ""], ["new", ""], ["new", "above 200,000 tokens of input"]]));

  it("differ by what changed, came and went", () =>
    expect(price_changes(old, now).map(({ row, kind, prices }) => [kind, row.model, row.tier, prices.map((one) => `${one.name} ${one.old} ${one.now}`)])).toEqual([
      ["changed", "a", "", ["in 3000000000 2000000000", "cacheRead 300000000 undefined"]],
      ["added", "new", "", ["in undefined 5000000000", "out undefined 2000000000"]],
      ["added", "new", "above 200,000 tokens of input", ["in undefined 6000000000", "out undefined 9000000000"]],
      ["removed", "gone", "", ["in 1000000000 undefined", "out 2000000000 undefined"]],
    ]));

  it("do not differ from themselves", () => expect(price_changes(old, old)).toEqual([]));
});

it.each([
  [3e9, "$3"],
  [37_500_000, "$0.0375"],
  [1, "$0.000000001"],
  [1_234_500_000_000, "$1,234.50"],
  [0, "$0"],
])("%s is %s", (nano, text) => expect(price_usd(nano)).toBe(text));

it.each([
  [2, 3, "+50 %"],
  [3, 2.9, "-3.3 %"],
  [0, 3, ""],
  [undefined, 3, ""],
  [3, undefined, ""],
])("from %s to %s is %s", (old, now, text) => expect(price_step(old, now)).toBe(text));

it("the last list that has come into force holds", () => {
  const lists = ["2026-01-01", "2026-02-01", "2026-03-01"].map((day) => ({ effectiveFrom: `${day}T00:00:00.000Z` }));
  expect(in_force(lists, new Date("2026-02-15"))).toBe(lists[1]);
  expect(in_force(lists, new Date("2025-02-15"))).toBeUndefined();
});
