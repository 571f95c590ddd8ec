// Where every picture of the Library lies, from the ratios alone: the height of the page is exact before a picture is loaded.
import type { TimelineBucket } from "../../api/types";

export interface LayoutOptions {
  width: number;
  /** The height that rows come near to; each is stretched until it is as wide as the page. */
  row_height: number;
  gap: number;
  /** Height of the line with the month above its rows. */
  head: number;
}

export interface BucketBox {
  bucket: string;
  top: number;
  height: number;
  /** Index of its first item among all items. */
  first: number;
  count: number;
  first_row: number;
  rows: number;
}

export interface Layout {
  options: LayoutOptions;
  buckets: BucketBox[];
  /** Per row: top, height, index of the first item. Typed, because there are tens of thousands. */
  row_tops: Float64Array;
  row_heights: Float32Array;
  row_firsts: Uint32Array;
  ratios: Float32Array;
  rows: number;
  total: number;
  height: number;
}

export interface TileBox {
  index: number;
  left: number;
  top: number;
  width: number;
  height: number;
}

// Panoramas and strips are cut to these, or one picture would make a row of a few pixels.
const RATIO_MIN = 0.45;
const RATIO_MAX = 3.2;
/** A row at the end of a month that is nearly full is stretched; a shorter one keeps the height it was asked for. */
const NEARLY_FULL = 0.82;

/** Lays out all buckets in one pass. 100,000 items take a few milliseconds. */
export function lay_out(buckets: readonly TimelineBucket[], options: LayoutOptions): Layout {
  const total = buckets.reduce((sum, bucket) => sum + bucket.ratios.length, 0);
  const ratios = new Float32Array(total);
  const tops = new Float64Array(total);
  const heights = new Float32Array(total);
  const firsts = new Uint32Array(total);
  const boxes: BucketBox[] = [];
  let rows = 0;
  let top = 0;
  let first = 0;
  for (const bucket of buckets) {
    const count = bucket.ratios.length;
    for (let at = 0; at < count; at += 1) ratios[first + at] = clamp_ratio(bucket.ratios[at] ?? 100);
    const box: BucketBox = { bucket: bucket.bucket, top, height: 0, first, count, first_row: rows, rows: 0 };
    let y = top + options.head;
    for (let at = first; at < first + count;) {
      const row = fill_row(ratios, at, first + count, options);
      tops[rows] = y;
      heights[rows] = row.height;
      firsts[rows] = at;
      rows += 1;
      at += row.count;
      y += row.height + options.gap;
    }
    box.rows = rows - box.first_row;
    box.height = y - top;
    boxes.push(box);
    top = y;
    first += count;
  }
  return {
    options,
    buckets: boxes,
    row_tops: tops.subarray(0, rows),
    row_heights: heights.subarray(0, rows),
    row_firsts: firsts.subarray(0, rows),
    ratios,
    rows,
    total,
    height: top,
  };
}

function clamp_ratio(hundredths: number): number {
  return Math.min(RATIO_MAX, Math.max(RATIO_MIN, hundredths / 100));
}

/** Takes items until one more would make the row lower than wanted by more than it is higher without. */
function fill_row(ratios: Float32Array, from: number, end: number, options: LayoutOptions): { count: number; height: number } {
  const { width, row_height, gap } = options;
  let sum = 0;
  for (let at = from; at < end; at += 1) {
    const before = sum;
    const count = at - from;
    sum += ratios[at] ?? 1;
    const height = (width - count * gap) / sum;
    if (height > row_height) continue;
    const without = count === 0 ? Infinity : (width - (count - 1) * gap) / before;
    if (without / row_height < row_height / height) return { count, height: without };
    return { count: count + 1, height };
  }
  const count = end - from;
  const stretched = (width - (count - 1) * gap) / sum;
  const full = (row_height * sum) / (width - (count - 1) * gap) >= NEARLY_FULL;
  return { count, height: full ? stretched : Math.min(row_height, stretched) };
}

/** Last row whose top is at or above `y`. */
export function row_at(layout: Layout, y: number): number {
  let low = 0;
  let high = layout.rows - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((layout.row_tops[middle] ?? 0) <= y) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Index of the first item of a row, and behind the last row the number of items. */
export function row_first(layout: Layout, row: number): number {
  return row >= layout.rows ? layout.total : (layout.row_firsts[Math.max(0, row)] ?? 0);
}

export function row_of(layout: Layout, index: number): number {
  let low = 0;
  let high = layout.rows - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((layout.row_firsts[middle] ?? 0) <= index) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Bucket that the item, or at the end of the page the last bucket, belongs to; null when there is none. */
export function bucket_of(layout: Layout, index: number): BucketBox | null {
  return search_buckets(layout, (bucket) => bucket.first <= index);
}

export function bucket_at(layout: Layout, y: number): BucketBox | null {
  return search_buckets(layout, (bucket) => bucket.top <= y);
}

function search_buckets(layout: Layout, reached: (bucket: BucketBox) => boolean): BucketBox | null {
  let low = 0;
  let high = layout.buckets.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    const bucket = layout.buckets[middle];
    if (bucket && reached(bucket)) low = middle;
    else high = middle - 1;
  }
  return layout.buckets[low] ?? null;
}

/** Boxes of the items of one row, left to right. */
export function tiles_of(layout: Layout, row: number): TileBox[] {
  const first = row_first(layout, row);
  const end = row_first(layout, row + 1);
  const top = layout.row_tops[row] ?? 0;
  const height = layout.row_heights[row] ?? 0;
  const tiles: TileBox[] = [];
  let left = 0;
  for (let index = first; index < end; index += 1) {
    const width = (layout.ratios[index] ?? 1) * height;
    tiles.push({ index, left, top, width, height });
    left += width + layout.options.gap;
  }
  return tiles;
}

/** The item above (`step` -1) or below (1) another: the one whose middle is nearest. */
export function beside(layout: Layout, index: number, step: -1 | 1): number {
  const row = row_of(layout, index);
  const here = tiles_of(layout, row).find((tile) => tile.index === index);
  const others = row + step < 0 || row + step >= layout.rows ? [] : tiles_of(layout, row + step);
  if (!here || others.length === 0) return index;
  const middle = here.left + here.width / 2;
  const distance = (tile: TileBox) => Math.abs(tile.left + tile.width / 2 - middle);
  return others.reduce((best, tile) => (distance(tile) < distance(best) ? tile : best)).index;
}

export interface Window {
  first_row: number;
  /** Behind the last row. */
  end_row: number;
}

/** Tiles in the document at most, whatever the size of rows and window: with what lies in a tile this keeps the page under 1,500 nodes. */
export const TILES_MAX = 260;

/** Rows to draw: those in view, and as many above and below as the limit allows, up to one screen each. */
export function rows_to_draw(layout: Layout, scroll: number, view: number): Window {
  if (layout.rows === 0) return { first_row: 0, end_row: 0 };
  let first_row = row_at(layout, scroll);
  let end_row = row_at(layout, scroll + view) + 1;
  const above = Math.max(0, row_at(layout, scroll - view));
  const below = Math.min(layout.rows, row_at(layout, scroll + 2 * view) + 1);
  const size = () => row_first(layout, end_row) - row_first(layout, first_row);
  for (let grown = true; grown && size() < TILES_MAX;) {
    grown = false;
    if (end_row < below && row_first(layout, end_row + 1) - row_first(layout, first_row) <= TILES_MAX) {
      end_row += 1;
      grown = true;
    }
    if (first_row > above && row_first(layout, end_row) - row_first(layout, first_row - 1) <= TILES_MAX) {
      first_row -= 1;
      grown = true;
    }
  }
  return { first_row, end_row };
}
