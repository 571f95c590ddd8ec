import { describe, expect, it } from "vitest";
import { TILES_MAX, beside, bucket_at, bucket_of, lay_out, row_at, row_first, row_of, rows_to_draw, tiles_of, type Layout } from "./layout";

const options = { width: 1000, row_height: 200, gap: 4, head: 40 };

/** Ratios that look like an archive, the same at each run. */
function ratios(count: number, seed = 1): number[] {
  const shapes = [150, 133, 67, 75, 178, 100, 1200, 5];
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return shapes[Math.floor((state / 2147483648) * shapes.length)] ?? 100;
  });
}

function archive(counts: number[]): Layout {
  return lay_out(
    counts.map((count, at) => ({ bucket: `20${String(30 - at).padStart(2, "0")}-01`, count, ratios: ratios(count, at + 1) })),
    options,
  );
}

describe("lay_out", () => {
  const layout = archive([812, 1, 3, 97]);

  it("places every item once and in order", () => {
    const indexes = Array.from({ length: layout.rows }, (_, row) => tiles_of(layout, row).map((tile) => tile.index)).flat();
    expect(indexes).toEqual(Array.from({ length: 913 }, (_, index) => index));
  });

  it("fills rows to the edge, but for the last of a month", () => {
    for (const bucket of layout.buckets) {
      for (let row = bucket.first_row; row < bucket.first_row + bucket.rows; row += 1) {
        const last = tiles_of(layout, row).at(-1);
        const right = (last?.left ?? 0) + (last?.width ?? 0);
        expect(right).toBeLessThan(options.width + 0.5);
        if (row < bucket.first_row + bucket.rows - 1) expect(right).toBeGreaterThan(options.width - 0.5);
      }
    }
  });

  it("keeps rows near the height that was asked for", () => {
    for (const height of layout.row_heights) {
      expect(height).toBeGreaterThan(options.row_height * 0.5);
      expect(height).toBeLessThan(options.row_height * 1.6);
    }
  });

  it("puts buckets below each other without overlap", () => {
    let top = 0;
    for (const bucket of layout.buckets) {
      expect(bucket.top).toBe(top);
      top += bucket.height;
    }
    expect(layout.height).toBe(top);
  });

  it("has no height when there is nothing", () => {
    const nothing = lay_out([], options);
    expect([nothing.height, nothing.rows]).toEqual([0, 0]);
    expect(rows_to_draw(nothing, 0, 900)).toEqual({ first_row: 0, end_row: 0 });
    expect(bucket_at(nothing, 0)).toBeNull();
  });
});

describe("finding", () => {
  const layout = archive([50, 60, 70]);

  it("rows by place and by item", () => {
    for (let row = 0; row < layout.rows; row += 1) {
      expect(row_at(layout, layout.row_tops[row] ?? 0)).toBe(row);
      expect(row_of(layout, row_first(layout, row))).toBe(row);
    }
    expect(row_first(layout, layout.rows)).toBe(180);
  });

  it("buckets by place and by item", () => {
    expect(bucket_of(layout, 49)?.first).toBe(0);
    expect(bucket_of(layout, 50)?.first).toBe(50);
    expect(bucket_of(layout, 179)?.first).toBe(110);
    expect(bucket_at(layout, layout.buckets[1]?.top ?? 0)?.first).toBe(50);
    expect(bucket_at(layout, 1e9)?.first).toBe(110);
  });

  it("the item below and back again stays near", () => {
    const below = beside(layout, 3, 1);
    expect(row_of(layout, below)).toBe(row_of(layout, 3) + 1);
    expect(beside(layout, 0, -1)).toBe(0);
    expect(beside(layout, 179, 1)).toBe(179);
  });
});

describe("rows_to_draw", () => {
  it.each([60, 120, 200, 400])("covers the view and stays bounded at rows of %i px", (row_height) => {
    const layout = lay_out([{ bucket: "2019-07", count: 100_000, ratios: ratios(100_000) }], { ...options, width: 1400, row_height });
    for (const scroll of [0, 5000, layout.height / 2, layout.height - 900]) {
      const { first_row, end_row } = rows_to_draw(layout, scroll, 900);
      expect(layout.row_tops[first_row]).toBeLessThanOrEqual(Math.max(scroll, 40));
      expect(end_row === layout.rows || (layout.row_tops[end_row] ?? 0) >= scroll + 900).toBe(true);
      const tiles = row_first(layout, end_row) - row_first(layout, first_row);
      const in_view = row_first(layout, row_at(layout, scroll + 900) + 1) - row_first(layout, row_at(layout, scroll));
      expect(tiles).toBeLessThanOrEqual(Math.max(TILES_MAX, in_view));
    }
  });

  it("lays out 100,000 items quickly", () => {
    const buckets = Array.from({ length: 240 }, (_, at) => ({ bucket: String(at), count: 417, ratios: ratios(417, at) }));
    const before = performance.now();
    lay_out(buckets, options);
    // Measured at 8 ms; the bound has room for a busy machine.
    expect(performance.now() - before).toBeLessThan(250);
  });
});
