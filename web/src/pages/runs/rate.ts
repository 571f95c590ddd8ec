// The rate of a run over time, as much of it as the page has seen. Pure.
export interface Sample {
  at_ms: number;
  per_s: number;
}

/** Ten minutes at one sample a second. */
export const SAMPLES_MAX = 600;
const SAMPLE_MS_MIN = 1_000;

/** With one more sample; what comes faster than once a second replaces the last. */
export function with_sample(samples: readonly Sample[], sample: Sample): Sample[] {
  const last = samples.at(-1);
  const before = samples.at(-2);
  const kept = last && before && last.at_ms - before.at_ms < SAMPLE_MS_MIN ? samples.slice(0, -1) : samples;
  return [...kept.slice(-(SAMPLES_MAX - 1)), sample];
}

/** The next round number at or above the highest rate: 1, 2, 5, 10, 20, 50, … */
export function ceiling(samples: readonly Sample[]): number {
  const highest = samples.reduce((high, sample) => Math.max(high, sample.per_s), 0);
  if (highest <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(highest));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= highest * 0.999) ?? 10 * power;
}

/** How far back a rate has to reach so that the time that is left does not jump with every slow file. */
const STEADY_MS = 60_000;
const STEADY_SAMPLES_MIN = 5;

/** The mean rate of the last minute; null while too little of it was seen. */
export function steady(samples: readonly Sample[]): number | null {
  const last = samples.at(-1);
  const recent = samples.filter((sample) => last !== undefined && sample.at_ms > last.at_ms - STEADY_MS);
  if (recent.length < STEADY_SAMPLES_MIN) return null;
  return recent.reduce((sum, sample) => sum + sample.per_s, 0) / recent.length;
}

export interface Line {
  line: string;
  area: string;
}

/** Path data in a box of `width` x `height`: time from left to right, the newest sample at the right edge. */
export function line_of(samples: readonly Sample[], width: number, height: number): Line | null {
  const first = samples[0];
  const last = samples.at(-1);
  if (!first || !last || samples.length < 2) return null;
  const span = Math.max(1, last.at_ms - first.at_ms);
  const top = ceiling(samples);
  const points = samples.map((sample) => {
    const x = ((sample.at_ms - first.at_ms) / span) * width;
    const y = height - (Math.min(sample.per_s, top) / top) * height;
    return `${x.toFixed(1)} ${y.toFixed(1)}`;
  });
  const line = `M${points.join("L")}`;
  return { line, area: `${line}L${width} ${height}L0 ${height}Z` };
}

/** The sample nearest to a part (0 to 1) of the time that is shown. */
export function nearest(samples: readonly Sample[], part: number): Sample | null {
  const first = samples[0];
  const last = samples.at(-1);
  if (!first || !last) return null;
  const at_ms = first.at_ms + part * (last.at_ms - first.at_ms);
  return samples.reduce((best, sample) => (Math.abs(sample.at_ms - at_ms) < Math.abs(best.at_ms - at_ms) ? sample : best), first);
}
