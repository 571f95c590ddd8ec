// Days of usage as a chart draws them. Pure.
import type { UsageDay, UsageSums } from "../../api/agents";
import { counted } from "../../lib/format";
import { runtime, tokens, usd } from "./words";

export type Measure = "cost" | "tokens" | "runs" | "runtime";

export const MEASURES: Record<Measure, { word: string; of: (sums: UsageSums) => number; says: (n: number) => string }> = {
  cost: { word: "Cost", of: (sums) => sums.costUsd, says: usd },
  tokens: { word: "Tokens", of: (sums) => sums.tokens, says: tokens },
  runs: { word: "Runs", of: (sums) => sums.runs, says: (n) => counted(n, "run") },
  runtime: { word: "Runtime", of: (sums) => sums.runtimeMs, says: runtime },
};

export const MEASURE_ORDER = Object.keys(MEASURES) as Measure[];

const DAY_S = 86_400;

export function day_s(date: string): number {
  return Date.parse(`${date}T00:00:00Z`) / 1000;
}

export function date_of(day: number): string {
  return new Date(day * 1000).toISOString().slice(0, 10);
}

/** Most days that are drawn one by one; a day far off would make a chart of nothing. */
const DAYS_MAX = 3_660;

/** Days without a break, in seconds, and a value for each; `null` where there was nothing. */
export function columns(series: readonly UsageDay[], measure: Measure): [number[], (number | null)[]] {
  const [first, last] = [series[0], series.at(-1)];
  if (!first || !last) return [[], []];
  const values = new Map(series.map((day) => [day_s(day.date), MEASURES[measure].of(day)]));
  const days = Math.round((day_s(last.date) - day_s(first.date)) / DAY_S) + 1;
  const at = days > DAYS_MAX ? [...values.keys()] : Array.from({ length: days }, (_, day) => day_s(first.date) + day * DAY_S);
  return [at, at.map((day) => values.get(day) ?? null)];
}

/** What the chart shows in a sentence, for those who do not see it. */
export function sentence(series: readonly UsageDay[], measure: Measure): string {
  const { word, of, says } = MEASURES[measure];
  const [first, last] = [series[0], series.at(-1)];
  if (!first || !last) return `${word} by day: nothing`;
  const most = series.reduce((best, day) => (of(day) > of(best) ? day : best), first);
  return `${word} by day from ${first.date} to ${last.date}, ${counted(series.length, "day")} with data; the most on ${most.date}: ${says(of(most))}`;
}
