import { describe, expect, it } from "vitest";
import * as f from "./format";

describe("bytes", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [89_037, "89.0 kB"],
    [999_950, "1.0 MB"],
    [5_200_000, "5.2 MB"],
    [123_456_789, "123 MB"],
    [3.2e12, "3.2 TB"],
  ])("%i", (n, expected) => expect(f.bytes(n)).toBe(expected));
});

describe("durations", () => {
  it.each([
    [20, "0.02 ms"],
    [714, "0.71 ms"],
    [46_241, "46.2 ms"],
    [452_480, "452 ms"],
    [999_600, "1.0 s"],
    [15_725_099, "16 s"],
  ])("%i us", (us, expected) => expect(f.duration_us(us)).toBe(expected));

  it.each([
    [45, "45 s"],
    [100, "2 min"],
    [5400, "1.5 h"],
    [200_000, "2 days"],
  ])("%i s", (s, expected) => expect(f.duration_s(s)).toBe(expected));

  it.each([
    [3600, "0:04"],
    [750_000, "12:30"],
    [3_723_000, "1:02:03"],
  ])("%i ms on a player", (ms, expected) => expect(f.clock(ms)).toBe(expected));
});

describe("progress", () => {
  it("says count, rate and rest", () => expect(f.progress(3214, 5050, 41)).toBe("3,214 of 5,050 · 41/s · 45 s left"));
  it("leaves out what is not known", () => expect(f.progress(3, 9, null)).toBe("3 of 9"));
  it("has no rest at the end", () => expect(f.progress(9, 9, 2)).toBe("9 of 9 · 2.0/s"));
});

describe("percent", () => {
  it.each([
    [0, "0 %"],
    [0.0004, "< 0.1 %"],
    [0.038, "3.8 %"],
    [0.5, "50 %"],
    [0.9999, "99.9 %"],
    [1, "100 %"],
  ])("%d", (part, expected) => expect(f.percent(part)).toBe(expected));
});

describe("times", () => {
  const now = new Date("2026-11-21T12:00:00Z");
  it.each([
    ["2026-11-21T11:59:50Z", "just now"],
    ["2026-11-21T11:55:00Z", "5 min ago"],
    ["2026-11-21T09:00:00Z", "3 h ago"],
    ["2026-11-18T12:00:00Z", "3 days ago"],
    ["2026-11-28T12:00:00Z", "in 7 days"],
  ])("%s", (at, expected) => expect(f.ago(new Date(at), now)).toBe(expected));

  it("falls back to the date when it is long ago", () => expect(f.ago(new Date("2004-11-02T12:00:00Z"), now)).toBe("2 Nov 2004"));
  it("says the zone", () => expect(f.date_time(new Date("2004-11-02T07:03:58Z"), "UTC")).toBe("2 Nov 2004, 07:03:58 UTC"));
  it("names months", () => expect(f.month("2019-07")).toBe("July 2019"));
});

describe("ids", () => {
  it.each([
    [`ast_${"463ed72a".repeat(8)}`, "ast_463ed72a"],
    ["run_01M7ZKM492XY76T5RYRV85E8J3", "run_…85E8J3"],
    ["art_01M7ZKM492XY76T5RYRV85E8J3.7.1", "art_…85E8J3.7.1"],
    ["col_all", "col_all"],
  ])("%s", (id, expected) => expect(f.short_id(id)).toBe(expected));
});

it.each([
  ["image/svg+xml", "SVG"],
  ["video/x-matroska", "MATROSKA"],
  ["application/octet-stream", "Data"],
  ["text/plain", "Text"],
  ["inode/x-empty", "Empty"],
])("%s is called %s", (type, expected) => expect(f.media_word(type)).toBe(expected));
