import { describe, expect, it } from "vitest";
import { lay_out } from "./layout";
import { month_marks, year_marks, year_step } from "./years";

const months = (counts: Record<string, number>) =>
  lay_out(
    Object.entries(counts).map(([bucket, count]) => ({ bucket, count, ratios: Array.from({ length: count }, () => 150) })),
    { width: 1000, row_height: 200, gap: 4, head: 40 },
  );

const layout = months({ "2021-03": 100, "2021-01": 100, "2020-05": 2, "2019-12": 400, "2019-02": 1 });

describe("year_marks", () => {
  it("stand at the share of the height that lies above them", () => {
    const marks = year_marks(layout, 0);
    expect(marks.map((mark) => mark.year)).toEqual(["2021", "2020", "2019"]);
    expect(marks[0]?.at).toBe(0);
    expect(marks[2]?.at).toBeCloseTo((layout.buckets[3]?.top ?? 0) / layout.height);
  });

  it("leave out years that would overlap, not the last", () => {
    expect(year_marks(layout, 0.1).map((mark) => mark.year)).toEqual(["2021", "2019"]);
  });

  it("are none without items", () => expect(year_marks(months({}), 0.1)).toEqual([]));
});

it("months stand apart", () => {
  const marks = month_marks(layout, 0.05);
  for (let at = 1; at < marks.length; at += 1) expect((marks[at] ?? 0) - (marks[at - 1] ?? 0)).toBeGreaterThanOrEqual(0.05);
});

it.each([
  [0, 1, 2],
  [2, 1, 3],
  [4, 1, 4],
  [4, -1, 2],
  [2, -1, 0],
  [0, -1, 0],
] as const)("from bucket %i a year on (%i) is bucket %i", (from, step, to) => expect(year_step(layout, from, step)).toBe(to));
