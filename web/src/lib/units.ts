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

/** Parts of the bar that are not empty; they always add up to the counts. */
export function unit_parts(units: UnitCounts): UnitPart[] {
  return GROUPS.map(({ group, word, states }) => ({
    group,
    word,
    states,
    count: states.reduce((sum, state) => sum + (units[state] ?? 0), 0),
  })).filter((part) => part.count > 0);
}

export function unit_total(units: UnitCounts): number {
  return Object.values(units).reduce((sum, n) => sum + n, 0);
}

/** Units that have come to their end, for "3,214 of 5,050". */
export function unit_ended(units: UnitCounts): number {
  return unit_total(units) - (units.pending ?? 0) - (units.leased ?? 0) - (units.blocked ?? 0);
}
