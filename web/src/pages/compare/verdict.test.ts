import { describe, expect, test } from "vitest";
import type { Comparison, RunSide, Verdict } from "../../api/types";
import { changes, figures, ratio, sentence, value_text } from "./verdict";

const side = (run: string): RunSide => ({ run, pipeline: "basics", pipeline_version: "1", policy: "production", members: 1200, units: {}, failed_part: 0.0385, benchmark: null });
const of = (faster: Verdict | null, more_reliable: Verdict | null) => ({ runs: [side("a"), side("b")], faster, more_reliable }) as unknown as Comparison;
const is = (run: string | null): Verdict => ({ run, because: "" });

test.each([
  [is("b"), is("b"), "The second run was faster and more reliable."],
  [is("a"), is("b"), "The first run was faster, the second run was more reliable."],
  [is("a"), is(null), "The first run was faster, both were equally reliable."],
  [is(null), is("b"), "Both were equally fast, the second run was more reliable."],
  [is(null), is(null), "Both runs were equally fast and equally reliable."],
  [null, is("a"), "Their speed cannot be compared, the first run was more reliable."],
  [null, null, "Neither speed nor failures of these runs can be compared yet."],
])("%j and %j", (faster, reliable, text) => {
  expect(sentence(of(faster, reliable))).toBe(text);
});

test.each<[[number | null, number | null], string | null]>([
  [[100, 50], "2.0x faster"],
  [[50, 120], "2.4x slower"],
  [[100, 102], "the same"],
  [[3420, 88], "39x faster"],
  [[100, null], null],
  [[0, 5], null],
])("%j", (pair, text) => {
  expect(ratio(pair)).toBe(text);
});

test("figures that nobody has are left out", () => {
  expect(figures([side("a"), side("b")])).toEqual([
    { name: "Members", values: ["1,200", "1,200"] },
    { name: "Units that failed", values: ["3.85 %", "3.85 %"] },
  ]);
});

describe("what differs in two payloads", () => {
  test("by path, deep and with what only one has", () => {
    expect(changes({ width: 1, exif: { iso: 100, lens: "a" }, same: [1] }, { width: 2, exif: { iso: 100 }, same: [1], more: true })).toEqual([
      { path: "width", values: [1, 2] },
      { path: "exif.lens", values: ["a", undefined] },
      { path: "more", values: [undefined, true] },
    ]);
    expect(changes({ a: 1 }, { a: 1 })).toEqual([]);
  });

  test("in one line", () => {
    expect(value_text(undefined)).toBe("–");
    expect(value_text([1, 2])).toBe("[1,2]");
    expect(value_text("x".repeat(100))).toHaveLength(80);
  });
});
