import { describe, expect, it } from "vitest";
import type { UnitCounts } from "../api/types";
import { unit_ended, unit_parts, unit_total } from "./units";

const units: UnitCounts = { done: 5, "done-empty": 2, reused: 3, failed: 1, blocked: 4, skipped: 6, cancelled: 7, leased: 2, pending: 10 };

describe("units", () => {
  it("add up to their total in the parts of the bar", () => {
    expect(unit_parts(units).reduce((sum, part) => sum + part.count, 0)).toBe(unit_total(units));
    expect(unit_total(units)).toBe(40);
  });

  it("leave out parts that are empty", () => expect(unit_parts({ done: 0, failed: 1 }).map((part) => part.group)).toEqual(["failed"]));
  it("have ended unless they wait, run or are blocked", () => expect(unit_ended(units)).toBe(24));
});
