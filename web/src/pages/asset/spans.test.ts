import { expect, it } from "vitest";
import type { AssetPath } from "../../api/types";
import { spans_of } from "./spans";

const path = (state: AssetPath["state"], first_seen: string, last_seen: string): AssetPath => ({
  source: "s",
  path: "p",
  path_b64: "",
  state,
  first_seen,
  last_seen,
});
const now = new Date("2026-01-11T00:00:00Z");

it("paths share one axis", () => {
  const { from, spans } = spans_of(
    [path("closed", "2026-01-01T00:00:00Z", "2026-01-06T00:00:00Z"), path("present", "2026-01-06T00:00:00Z", "2026-01-07T00:00:00Z")],
    now,
  );
  expect(from.toISOString()).toBe("2026-01-01T00:00:00.000Z");
  expect(spans).toEqual([
    { from: 0, to: 0.5, open: false },
    { from: 0.5, to: 1, open: true },
  ]);
});

it("a moment is still visible", () => {
  const [span] = spans_of([path("missing", "2026-01-11T00:00:00Z", "2026-01-11T00:00:00Z")], now).spans;
  expect((span?.to ?? 0) - (span?.from ?? 0)).toBeCloseTo(0.02);
});

it("no paths are no spans", () => expect(spans_of([], now).spans).toEqual([]));
