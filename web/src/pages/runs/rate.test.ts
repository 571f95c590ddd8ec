import { expect, test } from "vitest";
import { ceiling, line_of, nearest, SAMPLES_MAX, steady, with_sample, type Sample } from "./rate";

const every_second = (...rates: number[]): Sample[] => rates.map((per_s, at) => ({ at_ms: at * 1000, per_s }));

test("samples are kept once a second and not for ever", () => {
  let samples: Sample[] = [];
  for (let at = 0; at < 4000; at += 1) samples = with_sample(samples, { at_ms: at * 250, per_s: at });
  expect(samples).toHaveLength(SAMPLES_MAX);
  expect(samples.at(-1)).toEqual({ at_ms: 999_750, per_s: 3999 });
  const gaps = samples.slice(1, -1).map((sample, at) => sample.at_ms - (samples[at]?.at_ms ?? 0));
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1000);
});

test.each([
  [[], 1],
  [[0, 0], 1],
  [[0.4], 0.5],
  [[41, 38], 50],
  [[50], 50],
  [[51], 100],
  [[1300], 2000],
])("the top of %j is %d", (rates, top) => {
  expect(ceiling(every_second(...rates))).toBe(top);
});

test("a line goes from edge to edge and needs two samples", () => {
  expect(line_of(every_second(4), 100, 50)).toBe(null);
  expect(line_of(every_second(0, 5, 10), 100, 50)?.line).toBe("M0.0 50.0L50.0 25.0L100.0 0.0");
});

test("the sample under the pointer", () => {
  expect(nearest([], 0.5)).toBe(null);
  expect(nearest(every_second(1, 2, 3), 0.4)?.per_s).toBe(2);
  expect(nearest(every_second(1, 2, 3), 1)?.per_s).toBe(3);
});

test("the steady rate is the mean of the last minute, once there is enough of it", () => {
  expect(steady([])).toBe(null);
  expect(steady(every_second(1, 2, 3, 4))).toBe(null);
  expect(steady(every_second(1, 2, 3, 4, 5))).toBe(3);
  expect(steady(every_second(...Array<number>(100).fill(900), ...Array<number>(60).fill(10)))).toBe(10);
});
