import { describe, expect, it } from "vitest";
import { added, from_text, includes, NOTHING, removed, size, span, to_text, toggled, type Ranges } from "./ranges";

/** The same with a set of numbers: slow and surely right. */
function members(ranges: Ranges): number[] {
  return ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, at) => first + at));
}

describe("ranges", () => {
  it("agree with sets over many random changes", () => {
    let ranges: Ranges = NOTHING;
    const set = new Set<number>();
    let state = 42;
    const random = (n: number) => ((state = (state * 1103515245 + 12345) % 2147483648), Math.floor((state / 2147483648) * n));
    for (let step = 0; step < 400; step += 1) {
      const range = span(random(60), random(60));
      const kind = random(3);
      if (kind === 0) ranges = added(ranges, range);
      else if (kind === 1) ranges = removed(ranges, range);
      else ranges = toggled(ranges, range[0]);
      if (kind === 2) {
        if (!set.delete(range[0])) set.add(range[0]);
      } else for (let at = range[0]; at <= range[1]; at += 1) kind === 0 ? set.add(at) : set.delete(at);
      expect(members(ranges)).toEqual([...set].sort((a, b) => a - b));
      expect(size(ranges)).toBe(set.size);
      expect(includes(ranges, 30)).toBe(set.has(30));
    }
  });

  it("join when they touch", () => expect(added([[0, 2]], [3, 5])).toEqual([[0, 5]]));
});

describe("ranges in the address", () => {
  const buckets = [
    { bucket: "2019-07", first: 0, count: 50 },
    { bucket: "2019-06", first: 50, count: 10 },
    { bucket: "2019-05", first: 60, count: 3 },
  ];

  it.each<[Ranges, string]>([
    [
      [
        [3, 40],
        [45, 45],
      ],
      "2019-07:3-40.45",
    ],
    [[[48, 61]], "2019-07:48-49,2019-06:*,2019-05:0-1"],
    [[[0, 62]], "*"],
    [[], ""],
  ])("%j is %s and back", (ranges, text) => {
    expect(to_text(ranges, buckets)).toBe(text);
    expect(from_text(text, buckets)).toEqual(ranges);
  });

  it("leave out what is not there any more", () => {
    expect(from_text("2018-01:1-2,2019-05:1-99,nonsense,2019-06:x", buckets)).toEqual([[61, 62]]);
  });

  it("follow their bucket when newer items come above", () => {
    const later = [{ bucket: "2019-08", first: 0, count: 12 }, ...buckets.map((bucket) => ({ ...bucket, first: bucket.first + 12 }))];
    expect(from_text("2019-06:*", later)).toEqual([[62, 71]]);
  });
});
