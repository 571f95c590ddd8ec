// Where years and months stand on the scrubber: at their true share of the height. Pure.
import type { Layout } from "./layout";

export interface Mark {
  year: string;
  /** 0 at the top, 1 at the bottom. */
  at: number;
}

/** One mark per year at its newest month; those that would overlap (nearer than `apart`) are left out, the first and last year stay. */
export function year_marks(layout: Layout, apart: number): Mark[] {
  const all: Mark[] = [];
  for (const box of layout.buckets) {
    const year = box.bucket.slice(0, 4);
    if (all.at(-1)?.year !== year) all.push({ year, at: box.top / Math.max(1, layout.height) });
  }
  const kept: Mark[] = [];
  for (const mark of all) if (kept.length === 0 || mark.at - (kept.at(-1)?.at ?? 0) >= apart) kept.push(mark);
  const last = all.at(-1);
  if (last && kept.at(-1) !== last) {
    if (kept.length > 1) kept.pop();
    kept.push(last);
  }
  return kept;
}

/** Places of the months between them, as fine lines, none nearer to another than `apart`. */
export function month_marks(layout: Layout, apart: number): number[] {
  const marks: number[] = [];
  for (const box of layout.buckets) {
    const at = box.top / Math.max(1, layout.height);
    if (marks.length === 0 || at - (marks.at(-1) ?? 0) >= apart) marks.push(at);
  }
  return marks;
}

/** Position of the next older (1) or newer (-1) bucket of another year, or the end of the row of buckets. */
export function year_step(layout: Layout, from: number, step: -1 | 1): number {
  const year = layout.buckets[from]?.bucket.slice(0, 4);
  let at = from;
  while (at + step >= 0 && at + step < layout.buckets.length && layout.buckets[at]?.bucket.slice(0, 4) === year) at += step;
  if (step === 1) return at;
  // Newer: to the newest month of that year.
  const target = layout.buckets[at]?.bucket.slice(0, 4);
  while (at > 0 && layout.buckets[at - 1]?.bucket.slice(0, 4) === target) at -= 1;
  return at;
}
