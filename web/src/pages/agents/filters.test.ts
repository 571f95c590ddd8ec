import { describe, expect, it } from "vitest";
import { filters_of, is_day, is_filtered, zones } from "./filters";

describe("filters", () => {
  it("are what the address says", () => expect(filters_of({ agent: "coder", model: "", sort: "cost" })).toEqual({ agent: "coder" }));
  it("leave nothing out with a zone alone", () => {
    expect(is_filtered({ tz: "Asia/Tokyo" })).toBe(false);
    expect(is_filtered({ from: "2026-01-01" })).toBe(true);
  });
});

it.each([
  ["", true],
  ["2026-01-31", true],
  ["2026-01-31T10:00Z", false],
])("%s is a day: %s", (text, day) => expect(is_day(text)).toBe(day));

it("zones are listed once", () => expect(zones("UTC", "Asia/Tokyo", ["Asia/Tokyo", "Europe/Berlin"])).toEqual(["UTC", "Asia/Tokyo", "Europe/Berlin"]));
