// A selection as ranges of positions: a hundred thousand chosen pictures are one pair of numbers. Pure; ranges are sorted, never touch
// and never overlap, and both ends belong to them.

export type Range = readonly [first: number, last: number];
export type Ranges = readonly Range[];

export const NOTHING: Ranges = [];

export function span(a: number, b: number): Range {
  return a <= b ? [a, b] : [b, a];
}

export function includes(ranges: Ranges, index: number): boolean {
  let low = 0;
  let high = ranges.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const [first, last] = ranges[middle] as Range;
    if (index < first) high = middle - 1;
    else if (index > last) low = middle + 1;
    else return true;
  }
  return false;
}

export function size(ranges: Ranges): number {
  return ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
}

export function added(ranges: Ranges, range: Range): Ranges {
  let [first, last] = range;
  const apart: Range[] = [];
  for (const one of ranges) {
    if (one[1] < first - 1 || one[0] > last + 1) apart.push(one);
    else [first, last] = [Math.min(first, one[0]), Math.max(last, one[1])];
  }
  return [...apart, [first, last] as const].sort((a, b) => a[0] - b[0]);
}

export function removed(ranges: Ranges, [first, last]: Range): Ranges {
  return ranges.flatMap((one): Range[] => {
    if (one[1] < first || one[0] > last) return [one];
    const rest: Range[] = [];
    if (one[0] < first) rest.push([one[0], first - 1]);
    if (one[1] > last) rest.push([last + 1, one[1]]);
    return rest;
  });
}

export function toggled(ranges: Ranges, index: number): Ranges {
  return includes(ranges, index) ? removed(ranges, [index, index]) : added(ranges, [index, index]);
}

/** Positions with their buckets, which is what stays true when newer items come above. */
export interface Placed {
  bucket: string;
  first: number;
  count: number;
}

/** `2019-07:3-40.55,2019-06:*`: per bucket the positions in it, `*` for all; `*` alone is everything. Ranges over bucket borders are cut there. */
export function to_text(ranges: Ranges, buckets: readonly Placed[]): string {
  const last = buckets.at(-1);
  if (buckets.length > 1 && last && ranges.length === 1 && size(ranges) === last.first + last.count) return "*";
  const parts: string[] = [];
  let at = 0;
  for (const { bucket, first, count } of buckets) {
    const end = first + count - 1;
    while (at < ranges.length && (ranges[at] as Range)[1] < first) at += 1;
    const inside: string[] = [];
    for (let one = at; one < ranges.length && (ranges[one] as Range)[0] <= end; one += 1) {
      const [a, b] = ranges[one] as Range;
      const from = Math.max(a, first) - first;
      const to = Math.min(b, end) - first;
      inside.push(from === 0 && to === count - 1 ? "*" : from === to ? String(from) : `${from}-${to}`);
    }
    if (inside.length > 0) parts.push(`${bucket}:${inside.join(".")}`);
  }
  return parts.join(",");
}

/** The opposite of `to_text`; what does not exist any more is left out. */
export function from_text(text: string, buckets: readonly Placed[]): Ranges {
  const end = buckets.at(-1);
  if (text === "*" && end) return [[0, end.first + end.count - 1]];
  const by_name = new Map(buckets.map((bucket) => [bucket.bucket, bucket]));
  let ranges: Ranges = NOTHING;
  for (const part of text.split(",")) {
    const [name, inside] = part.split(":");
    const bucket = by_name.get(name ?? "");
    if (!bucket || !inside) continue;
    for (const piece of inside.split(".")) {
      const match = piece === "*" ? ["", "0", String(bucket.count - 1)] : /^(\d+)(?:-(\d+))?$/.exec(piece);
      if (!match) continue;
      const from = Number(match[1]);
      const to = Math.min(bucket.count - 1, Number(match[2] ?? match[1]));
      if (from <= to) ranges = added(ranges, [bucket.first + from, bucket.first + to]);
    }
  }
  return ranges;
}
