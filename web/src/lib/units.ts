import type { UnitCounts, UnitState } from "../api/types";

/** Groups of unit states as the bar shows them, in the order of the bar. */
export type UnitGroup = "done" | "reused" | "running" | "failed" | "blocked" | "skipped" | "cancelled" | "pending";

export interface UnitPart {
  group: UnitGroup;
  word: string;
  count: number;
  /** States that the group is made of, for links to the units. */
  states: UnitState[];
}

const GROUPS: { group: UnitGroup; word: string; states: UnitState[] }[] = [
  { group: "done", word: "done", states: ["done", "done-empty"] },
  { group: "reused", word: "reused", states: ["reused"] },
  { group: "running", word: "running", states: ["leased"] },
  { group: "failed", word: "failed", states: ["failed"] },
  { group: "blocked", word: "blocked", states: ["blocked"] },
  { group: "skipped", word: "skipped", states: ["skipped"] },
  { group: "cancelled", word: "cancelled", states: ["cancelled"] },
  { group: "pending", word: "waiting", states: ["pending"] },
];

/** Groups that a run which is still worked on has sooner or later: shown from the beginning, they push nothing aside when they come. */
const OPEN: readonly UnitGroup[] = ["done", "running", "failed", "pending"];

/** Parts of the bar that are not empty, and of an open run those that will not stay so; they always add up to the counts. */
export function unit_parts(units: UnitCounts, open = false): UnitPart[] {
  return GROUPS.map(({ group, word, states }) => ({
    group,
    word,
    states,
    count: states.reduce((sum, state) => sum + (units[state] ?? 0), 0),
  })).filter((part) => part.count > 0 || (open && OPEN.includes(part.group)));
}

/** The least that a part which is not empty gets of the bar: it can still be seen and pointed at. */
const SHARE_MIN = 0.004;

/** Where each part begins, as a share of the bar. */
export function unit_starts(parts: readonly UnitPart[]): number[] {
  const total = parts.reduce((sum, part) => sum + part.count, 0);
  const shares = parts.map((part) => (part.count === 0 ? 0 : Math.max(SHARE_MIN, part.count / total)));
  const sum = shares.reduce((all, share) => all + share, 0) || 1;
  let at = 0;
  return shares.map((share) => {
    const start = at;
    at += share / sum;
    return start;
  });
}

export function unit_total(units: UnitCounts): number {
  return Object.values(units).reduce((sum, n) => sum + n, 0);
}

/** Units that have come to their end, for "3,214 of 5,050". */
export function unit_ended(units: UnitCounts): number {
  return unit_total(units) - (units.pending ?? 0) - (units.leased ?? 0) - (units.blocked ?? 0);
}
