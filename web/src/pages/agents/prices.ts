// Lists of prices: what stands in them, and how two of them differ. Pure.
import type { PriceBody, PriceName, Prices, PricedModel, PriceTier } from "../../api/agents_desk";
import { count } from "../../lib/format";

export const PRICE_NAMES: { name: PriceName; word: string; about: string }[] = [
  { name: "in", word: "Input", about: "USD for a million tokens of input that came out of no cache" },
  { name: "out", word: "Output", about: "USD for a million tokens of output, reasoning included" },
  { name: "cacheRead", word: "Cache read", about: "USD for a million tokens read from a cache" },
  { name: "cacheWrite", word: "Cache write", about: "USD for a million tokens written into a cache for five minutes, or for nobody says how long" },
  { name: "cacheWrite1h", word: "Cache write 1 h", about: "USD for a million tokens written into a cache for an hour" },
  { name: "perSearch", word: "Search", about: "USD for one search of the web" },
];

/** Prices as one row of a table: a model, or one of its tiers. */
export interface PriceRow {
  id: string;
  model: string;
  provider: string | undefined;
  /** When the tier holds; empty for the model itself. */
  tier: string;
  prices: Prices;
}

function tier_words(tier: PriceTier): string {
  const above = tier.aboveInput === undefined ? "" : `above ${count(tier.aboveInput)} tokens of input`;
  const service = tier.serviceTier === undefined ? "" : `service ${tier.serviceTier}`;
  return [above, service].filter(Boolean).join(", ");
}

/** What stands in a list, model by model in the order of their names, each with its tiers below it. */
export function price_rows(list: PriceBody): PriceRow[] {
  const name = (model: PricedModel) => `${model.model}\n${model.provider ?? ""}`;
  const sorted = [...list.models].sort((a, b) => (name(a) < name(b) ? -1 : 1));
  return sorted.flatMap(({ model, provider, tiers, ...prices }) => [
    { id: `${provider ?? ""}\n${model}`, model, provider, tier: "", prices },
    ...tiers.map((tier) => ({ id: `${provider ?? ""}\n${model}\n${tier_words(tier)}`, model, provider, tier: tier_words(tier), prices: tier.prices })),
  ]);
}

export interface PriceChange {
  row: PriceRow;
  kind: "added" | "removed" | "changed";
  /** Prices that differ; all of them where a row came or went. */
  prices: { name: PriceName; old: number | undefined; now: number | undefined }[];
}

/** How `now` differs from `old`: what changed first, then what came, then what went. */
export function price_changes(old: PriceBody, now: PriceBody): PriceChange[] {
  const before = new Map(price_rows(old).map((row) => [row.id, row]));
  const after = new Map(price_rows(now).map((row) => [row.id, row]));
  const differ = (a: PriceRow | undefined, b: PriceRow | undefined) =>
    PRICE_NAMES.map(({ name }) => ({ name, old: a?.prices[name], now: b?.prices[name] })).filter((pair) => pair.old !== pair.now);
  const changed = [...after.values()].flatMap((row): PriceChange[] => {
    const was = before.get(row.id);
    const prices = differ(was, row);
    return was && prices.length > 0 ? [{ row, kind: "changed", prices }] : [];
  });
  const added = [...after.values()].filter((row) => !before.has(row.id)).map((row): PriceChange => ({ row, kind: "added", prices: differ(undefined, row) }));
  const removed = [...before.values()].filter((row) => !after.has(row.id)).map((row): PriceChange => ({ row, kind: "removed", prices: differ(row, undefined) }));
  return [...changed, ...added, ...removed];
}

const NANO = 1e9;

/** `$3`, `$7.50`, `$0.0375`: prices are compared to their last figure, so none is left out. */
export function price_usd(nano: number): string {
  return `$${(nano / NANO).toLocaleString("en", { minimumFractionDigits: nano % NANO === 0 ? 0 : 2, maximumFractionDigits: 9 })}`;
}

/** `+20 %`, `-4.5 %`; nothing where it cannot be said. */
export function price_step(old: number | undefined, now: number | undefined): string {
  if (!old || now === undefined) return "";
  const percent = (now / old - 1) * 100;
  const size = Math.abs(percent);
  return `${percent < 0 ? "-" : "+"}${size < 10 ? size.toFixed(1) : Math.round(size)} %`;
}

/** The list whose prices hold at a moment, of lists in the order in which they come into force. */
export function in_force<T extends { effectiveFrom: string }>(lists: readonly T[], at: Date): T | undefined {
  return lists.filter((list) => new Date(list.effectiveFrom) <= at).at(-1);
}
