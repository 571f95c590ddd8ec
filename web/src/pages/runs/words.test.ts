import { describe, expect, test } from "vitest";
import type { RunState, RunSummary, UnitCounts } from "../../api/types";
import { choices, plan_of, took, unit_words, with_result } from "./words";

function run(state: RunState, units: UnitCounts, more: Partial<RunSummary> = {}): RunSummary {
  const scope = Object.values(units).reduce((sum, n) => sum + n, 0);
  return {
    run: "run_1",
    served: true,
    pipeline: "basics",
    pipeline_version: "1",
    policy: "production",
    counts: true,
    expires: null,
    expired: null,
    state,
    reason: null,
    collection: "col_1",
    collection_name: "all",
    members: 10,
    members_planned: 10,
    created: "2026-01-01T00:00:00Z",
    started: "2026-01-01T00:00:01Z",
    ended: null,
    units,
    scope,
    steps: [],
    ...more,
  };
}

const sandbox: Partial<RunSummary> = { policy: "sandbox", counts: false, expires: "2026-01-08T00:00:00Z" };

describe("what can be done with a run", () => {
  test.each<[string, RunSummary, string[]]>([
    ["waits for its turn", run("queued", { pending: 5 }), ["pause", "cancel"]],
    ["goes on", run("running", { done: 2, leased: 1, pending: 2, failed: 1 }), ["pause", "cancel"]],
    ["is about to stop", run("cancelling", { done: 2, pending: 2 }), []],
    ["is about to wait", run("pausing", { done: 2, pending: 2 }), ["cancel"]],
    ["waits", run("paused", { done: 2, pending: 2 }), ["resume", "cancel"]],
    ["was stopped", run("cancelled", { done: 2, cancelled: 2 }), ["resume"]],
    ["is done", run("completed", { done: 4 }), []],
    ["is done with failures", run("partial", { done: 4, failed: 2 }), ["retry"]],
    ["is blocked", run("partial", { done: 4, blocked: 2 }), ["resume"]],
    ["tried something", run("partial", { done: 4, failed: 2 }, sandbox), ["retry", "promote"]],
    ["tries something", run("running", { done: 4, pending: 2 }, sandbox), ["pause", "promote", "cancel"]],
    ["counts by now", run("completed", { done: 4 }, { ...sandbox, counts: true }), []],
    ["has expired", run("partial", { done: 4, failed: 2 }, { ...sandbox, expired: "2026-01-08T00:00:00Z" }), []],
    ["was not planned to its end", run("failed", { done: 4 }, { members_planned: 4 }), ["resume"]],
  ])("a run that %s", (_, one, expected) => {
    expect(choices(one).map((choice) => choice.action)).toEqual(expected);
  });

  test("no two choices share a key", () => {
    const keys = choices(run("paused", { done: 1, pending: 2, failed: 3 }, sandbox)).map((choice) => choice.key);
    expect(new Set(keys).size).toBe(keys.length);
  });
});

test("the plan of a cancel names what stays and what goes with counts", () => {
  const plan = plan_of("cancel", run("running", { done: 1200, reused: 4, failed: 1, leased: 2, pending: 3000 }));
  expect(plan.stays).toEqual(["The results of 1,204 units; they can be searched as before.", "The reasons of 1 failure."]);
  expect(plan.goes).toEqual(["3,000 waiting units are given up.", "2 units in work stop within two seconds; their unfinished work is thrown away."]);
});

test("nothing found is a result", () => {
  expect(with_result({ done: 1, "done-empty": 2, reused: 3, failed: 4 })).toBe(6);
});

test("units in words", () => {
  expect(unit_words({ done: 1200, "done-empty": 34, failed: 2 })).toBe("1,234 done, 2 failed");
});

test("how long a run took", () => {
  const now = new Date("2026-01-01T00:01:01Z");
  expect(took({ started: null, ended: null }, now)).toBe(null);
  expect(took({ started: "2026-01-01T00:00:01Z", ended: null }, now)).toBe("60 s");
  expect(took({ started: "2026-01-01T00:00:01Z", ended: "2026-01-01T00:00:05Z" }, now)).toBe("4.0 s");
});
