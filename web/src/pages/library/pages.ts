// Which pieces of which buckets to ask the server for. Pure.
import type { BucketBox, Layout } from "./layout";

/** Items that are asked for at once: the most that the server gives. */
export const PAGE_ITEMS = 500;

export interface PageRef {
  key: string;
  bucket: string;
  /** Position in the bucket. */
  from: number;
  /** Index among all items. */
  first: number;
}

/** Index of the first bucket that reaches to or beyond an item. */
function bucket_index(buckets: readonly BucketBox[], index: number): number {
  let low = 0;
  let high = buckets.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const bucket = buckets[middle];
    if (bucket && bucket.first + bucket.count <= index) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The pages that hold the items from `first` up to, not including, `end`. */
export function pages_for(layout: Layout, first: number, end: number): PageRef[] {
  const pages: PageRef[] = [];
  for (let at = bucket_index(layout.buckets, first); at < layout.buckets.length; at += 1) {
    const bucket = layout.buckets[at];
    if (!bucket || bucket.first >= end) break;
    const from = Math.max(0, first - bucket.first);
    const to = Math.min(bucket.count, end - bucket.first);
    for (let page = Math.floor(from / PAGE_ITEMS) * PAGE_ITEMS; page < to; page += PAGE_ITEMS) {
      pages.push({ key: `${bucket.bucket}/${page}`, bucket: bucket.bucket, from: page, first: bucket.first + page });
    }
  }
  return pages;
}
