import { describe, expect, it } from "vitest";
import type { UnitCounts } from "../api/types";
import { unit_ended, unit_parts, unit_starts, unit_total } from "./units";

const units: UnitCounts = { done: 5, "done-empty": 2, reused: 3, failed: 1, blocked: 4, skipped: 6, cancelled: 7, leased: 2, pending: 10 };

describe("units", () => {
  it("add up to their total in the parts of the bar", () => {
    expect(unit_parts(units).reduce((sum, part) => sum + part.count, 0)).toBe(unit_total(units));
    expect(unit_total(units)).toBe(40);
  });

  it("leave out parts that are empty", () => expect(unit_parts({ done: 0, failed: 1 }).map((part) => part.group)).toEqual(["failed"]));
  it("of an open run have a place before there is one", () =>
    expect(unit_parts({ done: 1, pending: 9 }, true).map((part) => [part.group, part.count])).toEqual([["done", 1], ["running", 0], ["failed", 0], ["pending", 9]]));
  it("begin where those before them end", () => expect(unit_starts(unit_parts({ done: 1, failed: 1, pending: 2 }))).toEqual([0, 0.25, 0.5]));
  it("can be seen when they are few", () => {
    const [, failed = 0, pending = 0] = unit_starts(unit_parts({ done: 1_000_000, failed: 1, pending: 1 }));
    expect(pending - failed).toBeGreaterThan(0.003);
    expect(pending).toBeLessThan(0.997);
  });
  it("have ended unless they wait, run or are blocked", () => expect(unit_ended(units)).toBe(24));
});
