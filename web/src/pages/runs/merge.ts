// A list of runs, and what the live events say about the same runs. Pure.
import type { RunEvent, RunStatus } from "../../api/types";

export type ListedRun = RunStatus & { rate_per_s: number | null };

/** What was loaded, with what was heard since; an event says all but the reasons. */
export function merged(run: RunStatus, event: RunEvent | undefined): ListedRun {
  return event === undefined ? { ...run, rate_per_s: null } : { ...run, ...event };
}

/** Runs that were heard of and are newer than all that was loaded: what a "2 new" pill counts. */
export function unlisted(runs: readonly RunStatus[], events: Iterable<RunEvent>): RunEvent[] {
  const newest = runs[0]?.created ?? "";
  const known = new Set(runs.map((run) => run.run));
  return [...events].filter((event) => !known.has(event.run) && event.created >= newest);
}
