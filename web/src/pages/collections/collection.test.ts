import { expect, test } from "vitest";
import type { Collection, CollectionView, RunStatus } from "../../api/types";
import { delete_plan, leaning_on, name_problem } from "./collection";

const collection = (name: string, filter: string | null): Collection => ({ collection: `col_${name}`, name, kind: filter === null ? "static" : "dynamic", filter, members: null, about: "", revision: 1 });

test.each([
  ["tiny_sample", null],
  ["2015.best-of", null],
  ["", null],
  ["all", "“all” is taken."],
  ["col_x", "“col_x” is taken."],
  ["-a", "It begins with a letter, a digit or _."],
  ["my best", "No spaces; _ stands for them."],
  ["a/b", "“/” cannot stand in a name: letters, digits, _, - and . can."],
  ["a".repeat(65), "At most 64 letters."],
])("%j as a name", (name, problem) => {
  expect(name_problem(name)).toBe(problem);
});

test("collections that name another in their filter", () => {
  const others = [
    collection("a", "in:best"),
    collection("b", "type:image (not in:best or is:missing)"),
    collection("c", "in:best_of_2015"),
    collection("d", 'in:"best"'),
    collection("e", "path:in:best2"),
    collection("best", "in:best"),
    collection("f", null),
  ];
  expect(leaning_on("best", others).map((one) => one.name)).toEqual(["a", "b", "d"]);
  expect(leaning_on("a.b", [collection("x", "in:aXb")])).toEqual([]);
});

test("the plan of a deletion counts what stays", () => {
  const view: CollectionView = { ...collection("best", "taken:2015"), members_now: 1, present_now: 1, record: "r", seq: 1 };
  const plan = delete_plan(view, [{} as RunStatus], [collection("a", "in:best")]);
  expect(plan.stays[0]).toBe("1 asset that belongs to it now, with all its facts and originals.");
  expect(plan.stays[1]).toBe("1 run over it and its results; a run keeps the members that it froze.");
  expect(plan.goes).toEqual(["The name and the filter behind it."]);
  expect(plan.breaks).toHaveLength(1);
});
