import { expect, it } from "vitest";
import { compared, file_name, report_state } from "./imports";

it.each([
  ["/srv/old/v3-intelligence.json", "v3-intelligence.json"],
  ["C:\\old\\a.db", "a.db"],
  ["a.json", "a.json"],
  ["", ""],
])("%s is shown as %s", (path, name) => expect(file_name(path)).toBe(name));

it.each([
  [{ dryRun: true, errors: 3 }, "dry run"],
  [{ dryRun: false, errors: 0 }, "broken off"],
  [{ dryRun: false, finishedAt: "x", parityOk: false, errors: 0 }, "sums differ"],
  [{ dryRun: false, finishedAt: "x", parityOk: true, errors: 1 }, "rows refused"],
  [{ dryRun: false, finishedAt: "x", parityOk: true, errors: 0 }, "equal"],
])("AG-10: %j is %s", (report, word) => expect(report_state(report).word).toBe(word));

it("AG-10: sums are compared one by one", () => {
  const file = { runs: 2, promptTokens: 10, completionTokens: 5, totalTokens: 15, runtimeMs: 90_000, costNano: 2_500_000_000 };
  const rows = compared({ file, stored: { ...file, costNano: 0 } });
  expect(rows.filter((row) => !row.same)).toEqual([{ what: "Cost", file: "$2.50", here: "$0", same: false }]);
});
