import { describe, expect, it } from "vitest";
import { bounded, fit_scale, scaled_at } from "./zoom";

const frame = { width: 1000, height: 800 };

it.each([
  [{ width: 4000, height: 3000 }, 0.25],
  [{ width: 1000, height: 1600 }, 0.5],
  [{ width: 320, height: 240 }, 1],
  [{ width: 0, height: 0 }, 1],
])("%o fits at %d", (picture, scale) => expect(fit_scale(picture, frame)).toBe(scale));

describe("bounded", () => {
  const picture = { width: 4000, height: 3000 };
  it("goes no further out than the whole picture", () =>
    expect(bounded({ scale: 0.01, x: 90, y: 90 }, picture, frame)).toEqual({ scale: 0.25, x: 0, y: 0 }));
  it("stops at the edges", () => expect(bounded({ scale: 1, x: 9999, y: -9999 }, picture, frame)).toEqual({ scale: 1, x: 1500, y: -1100 }));
});

it("the point under the pointer stays", () => {
  const before = { scale: 0.25, x: 10, y: -20 };
  const after = scaled_at(before, 1, 100, 50);
  const point = (place: typeof before) => [(100 - place.x) / place.scale, (50 - place.y) / place.scale];
  expect(point(after)).toEqual(point(before));
});
