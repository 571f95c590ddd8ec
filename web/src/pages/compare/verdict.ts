// What a comparison says in sentences and figures. Pure.
import type { Comparison, Json, RunSide, Verdict } from "../../api/types";
import { bytes, count, duration_us } from "../../lib/format";

export type Side = "first" | "second";

/** The run that a verdict names, as one of the two; null when they are the same. */
export function winner(comparison: Comparison, verdict: Verdict | null): Side | null {
  if (verdict?.run == null) return null;
  return verdict.run === comparison.runs[0].run ? "first" : "second";
}

/** One sentence about speed and failures, and what stands behind it. */
export function sentence(comparison: Comparison): string {
  const { faster, more_reliable } = comparison;
  const fast = winner(comparison, faster);
  const good = winner(comparison, more_reliable);
  if (faster === null && more_reliable === null) return "Neither speed nor failures of these runs can be compared yet.";
  if (faster !== null && more_reliable !== null && fast === null && good === null) return "Both runs were equally fast and equally reliable.";
  if (fast !== null && fast === good) return `The ${fast} run was faster and more reliable.`;
  const speed = faster === null ? "their speed cannot be compared" : fast === null ? "both were equally fast" : `the ${fast} run was faster`;
  const failures = more_reliable === null ? "their failures cannot be compared" : good === null ? "both were equally reliable" : `the ${good} run was more reliable`;
  const joined = `${speed}, ${failures}.`;
  return joined.charAt(0).toUpperCase() + joined.slice(1);
}

/** `2.4x slower`: how the second time relates to the first; null when one is not known. */
export function ratio(pair: [number | null, number | null]): string | null {
  const [a, b] = pair;
  if (a === null || b === null || a <= 0 || b <= 0) return null;
  const part = b / a;
  if (part > 0.95 && part < 1.05) return "the same";
  return part < 1 ? `${figure(1 / part)}x faster` : `${figure(part)}x slower`;
}

function figure(n: number): string {
  return n >= 9.95 ? count(Math.round(n)) : n.toFixed(1);
}

export interface Figure {
  name: string;
  values: [string, string];
}

/** Figures of the benchmark records of both runs, as far as they exist. */
export function figures(sides: [RunSide, RunSide]): Figure[] {
  const rows: [string, (side: RunSide) => string | null][] = [
    ["Members", (side) => count(side.members)],
    ["Units that failed", (side) => (side.failed_part === null ? null : `${(side.failed_part * 100).toFixed(2)} %`)],
    ["Time of the work", (side) => summed(side, (host) => host.wall_us, duration_us)],
    ["Processor time", (side) => summed(side, (host) => host.extractor_cpu_us + host.host_cpu_us, duration_us)],
    ["Largest process", (side) => largest(side)],
    ["Workers", (side) => summed(side, (host) => host.workers, count)],
    ["Machine", (side) => (side.benchmark ? `${side.benchmark.machine.processor}, ${side.benchmark.machine.cores} cores` : null)],
    ["Build", (side) => side.benchmark?.machine.build ?? null],
  ];
  return rows
    .map(([name, of]) => ({ name, values: [of(sides[0]), of(sides[1])] }))
    .filter(({ values }) => values.some((value) => value !== null))
    .map(({ name, values }) => ({ name, values: [values[0] ?? "–", values[1] ?? "–"] }));
}

type Host = NonNullable<RunSide["benchmark"]>["hosts"][number];

function summed(side: RunSide, of: (host: Host) => number, say: (n: number) => string): string | null {
  return side.benchmark ? say(side.benchmark.hosts.reduce((sum, host) => sum + of(host), 0)) : null;
}

function largest(side: RunSide): string | null {
  return side.benchmark ? bytes(Math.max(0, ...side.benchmark.hosts.map((host) => host.extractor_rss_bytes_max))) : null;
}

export interface Change {
  path: string;
  values: [Json | undefined, Json | undefined];
}

/** Values of two payloads that are not the same, by path (`exif.iso`), in the order of the first. */
export function changes(first: Json | undefined, second: Json | undefined, path = ""): Change[] {
  if (JSON.stringify(first) === JSON.stringify(second)) return [];
  if (!is_object(first) || !is_object(second)) return [{ path, values: [first, second] }];
  const names = [...new Set([...Object.keys(first), ...Object.keys(second)])];
  return names.flatMap((name) => changes(first[name], second[name], path === "" ? name : `${path}.${name}`));
}

function is_object(value: Json | undefined): value is { [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value of a payload in one short line. */
export function value_text(value: Json | undefined): string {
  if (value === undefined) return "–";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
