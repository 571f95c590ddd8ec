import { expect, test } from "vitest";
import { job_progress, part_of } from "./job_words";

const started = "2026-01-01T00:00:00Z";
const at = (s: number) => new Date(Date.parse(started) + s * 1000);

test.each([
  [{ done: 0, total: null, unit: "records" }, 0, "0 records"],
  [{ done: 3_000, total: 5_000, unit: "records" }, 100, "3,000 of 5,000 records · 30/s · 67 s left"],
  [{ done: 12_300_000, total: 80_000_000, unit: "bytes" }, 10, "12.3 MB of 80.0 MB · 1.2 MB/s · 55 s left"],
  [{ done: 1, total: 1, unit: "results" }, 2, "1 of 1 results · 0.5/s"],
] as const)("%j after %d s", (job, s, words) => {
  expect(job_progress({ ...job, started }, at(s))).toBe(words);
});

test("how far a job is", () => {
  expect([part_of({ done: 5, total: 10 }), part_of({ done: 5, total: null }), part_of({ done: 12, total: 10 }), part_of({ done: 0, total: 0 })]).toEqual([0.5, null, 1, null]);
});
