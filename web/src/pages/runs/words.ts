// What a run is, and what can be done with it, in words. Pure, so that it can be tested as a table.
import type { RunAction, RunState, RunSummary, UnitCounts } from "../../api/types";
import type { IconName } from "../../ui/icons";
import { count, counted, duration_s } from "../../lib/format";
import { unit_parts } from "../../lib/units";

export type Tone = "plain" | "ok" | "warning" | "error" | "running";

export const STATES: Record<RunState, { tone: Tone; icon: IconName; about: string }> = {
  queued: { tone: "plain", icon: "more", about: "It waits for its turn; sandbox runs go before production runs." },
  running: { tone: "running", icon: "play", about: "Its units are being worked on." },
  pausing: { tone: "running", icon: "pause", about: "Units in work are being given back." },
  paused: { tone: "warning", icon: "pause", about: "It waits for you; nothing of it is given up." },
  cancelling: { tone: "running", icon: "stop", about: "Units in work are being given back." },
  cancelled: { tone: "plain", icon: "stop", about: "It was stopped; what it had found stays." },
  completed: { tone: "ok", icon: "check", about: "Every unit came to its end without a failure." },
  partial: { tone: "warning", icon: "warning", about: "Every unit came to its end, some without a result." },
  failed: { tone: "error", icon: "error", about: "It could not go on." },
};

const ENDED: RunState[] = ["cancelled", "completed", "partial", "failed"];

export function has_ended(run: Pick<RunSummary, "state">): boolean {
  return ENDED.includes(run.state);
}

const of = (units: UnitCounts, ...states: (keyof UnitCounts)[]) => states.reduce((sum, state) => sum + (units[state] ?? 0), 0);

/** Units with a result that stays, also the result "nothing found". */
export function with_result(units: UnitCounts): number {
  return of(units, "done", "done-empty", "reused");
}

/** `775 done, 31 failed, 12 skipped`; nothing else is needed once a run has ended. */
export function unit_words(units: UnitCounts): string {
  return unit_parts(units)
    .map((part) => `${count(part.count)} ${part.word}`)
    .join(", ");
}

/** How long it was worked on, until now when it still is; null before it began. */
export function took(run: Pick<RunSummary, "started" | "ended">, now: Date): string | null {
  if (run.started === null) return null;
  const end = run.ended === null ? now : new Date(run.ended);
  return duration_s(Math.max(0, (end.getTime() - new Date(run.started).getTime()) / 1000));
}

/** What a run goes over, in words: the name of its collection, or that it was a filter of its own. */
export function over(run: Pick<RunSummary, "collection_name">): string {
  return run.collection_name ?? "a filter of its own";
}

export interface Choice {
  action: RunAction;
  word: string;
  icon: IconName;
  key: string;
  /** What stays and what goes, in one breath. */
  says: string;
  /** Asks with the counts before it happens. */
  asks: boolean;
}

/** What can be done with a run as it stands, in the order of likelihood. The server has the last word. */
export function choices(run: RunSummary): Choice[] {
  const { units, state } = run;
  const found: Choice[] = [];
  const waiting = of(units, "pending", "leased");
  if (state === "running" || state === "queued") {
    found.push({
      action: "pause",
      word: "Pause",
      icon: "pause",
      key: "p",
      asks: false,
      says: `What is done stays. ${counted(waiting, "unit")} wait until you resume; nothing is given up.`,
    });
  }
  const revived = of(units, "cancelled", "blocked");
  if (state === "paused") {
    found.push(resume(`Goes on with the ${counted(waiting, "unit")} that wait. What is done is not done again.`));
  } else if (has_ended(run) && run.expired === null && (revived > 0 || run.members_planned < run.members)) {
    const which = state === "cancelled" ? "were given up" : "are blocked";
    found.push(resume(revived > 0 ? `Does the ${counted(revived, "unit")} that ${which}. What is done is not done again.` : "Plans and does what was not planned yet."));
  }
  const failed = of(units, "failed");
  if (has_ended(run) && failed > 0 && run.expired === null) {
    found.push({
      action: "retry",
      word: failed === 1 ? "Retry the failed one" : `Retry all ${count(failed)} failed`,
      icon: "retry",
      key: "t",
      asks: false,
      says: `Does the ${counted(failed, "failed unit")} again and nothing else. All results stay.`,
    });
  }
  if (run.policy === "sandbox" && !run.counts && run.expired === null) {
    found.push({
      action: "promote",
      word: "Promote…",
      icon: "promote",
      key: "m",
      asks: true,
      says: `Lets the results of ${counted(with_result(units), "unit")} count and stay. It cannot be taken back.`,
    });
  }
  if (!has_ended(run) && state !== "cancelling") {
    found.push({
      action: "cancel",
      word: "Cancel…",
      icon: "stop",
      key: "x",
      asks: true,
      says: `Stops the run. ${counted(with_result(units), "unit")} with results stay; ${count(waiting)} are given up.`,
    });
  }
  return found;
}

function resume(says: string): Choice {
  return { action: "resume", word: "Resume", icon: "play", key: "p", asks: false, says };
}

export interface Plan {
  title: string;
  button: string;
  stays: string[];
  goes: string[];
  after: string;
}

/** What a dialog says before a run is cancelled or promoted. */
export function plan_of(action: "cancel" | "promote", run: RunSummary): Plan {
  const { units } = run;
  const kept = with_result(units);
  if (action === "cancel") {
    const leased = of(units, "leased");
    const pending = of(units, "pending");
    const stays = [`The results of ${counted(kept, "unit")}; they can be searched as before.`];
    if (of(units, "failed") > 0) stays.push(`The reasons of ${counted(of(units, "failed"), "failure")}.`);
    const goes = [`${counted(pending, "waiting unit")} ${pending === 1 ? "is" : "are"} given up.`];
    if (leased > 0) goes.push(`${counted(leased, "unit")} in work ${leased === 1 ? "stops" : "stop"} within two seconds; ${leased === 1 ? "its" : "their"} unfinished work is thrown away.`);
    return {
      title: "Cancel this run?",
      button: "Cancel the run",
      stays,
      goes,
      after: "Originals are not touched. Resume does what was given up later, and only that.",
    };
  }
  return {
    title: "Promote this run?",
    button: "Promote the run",
    stays: [
      `The results of ${counted(kept, "unit")} count from now on: in the Library, in filters and in later runs.`,
      "How each was made stays as it is; the promotion is a record of its own.",
    ],
    goes: [run.expires === null ? "The end date of the results." : "The end date: the results are kept for good."],
    after: "This cannot be taken back: results that count can be superseded by a newer run, not demoted.",
  };
}
