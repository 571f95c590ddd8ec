import { describe, expect, it } from "vitest";
import type { AssetView, Fact } from "../../api/types";
import { captured_text, exposure_text, fact_groups, run_of } from "./facts";

const fact = (kind: string, payload: Fact["payload"]): Fact => ({
  artifact_id: "art_01M7.6.0",
  asset_id: "ast_1",
  kind,
  schema_version: 1,
  span_start_ms: null,
  span_end_ms: null,
  payload,
  blob: null,
  blob_bytes: null,
  blob_media_type: null,
  content_hash: "",
});

const asset = (facts: Fact[]): AssetView => ({
  asset_id: "ast_1",
  media_type: "image/jpeg",
  size_bytes: 89037,
  first_seen: "2026-11-21T17:49:17Z",
  paths: [],
  companions: [],
  companion_warnings: [],
  facts,
  units: [],
});

it.each([
  ["2004-11-02T07:03:58", "2 Nov 2004, 07:03:58"],
  ["2004-11-02T09:49:05-05:00", "2 Nov 2004, 09:49:05 -05:00"],
  ["2004-11-02T23:03:07.124459Z", "2 Nov 2004, 23:03:07 UTC"],
  ["soon", "soon"],
])("the capture time %s stays as the clock showed it", (at, expected) => expect(captured_text(at)).toBe(expected));

it.each([
  [1, 1000, "1/1,000 s"],
  [10, 80, "1/8 s"],
  [8, 10, "0.8 s"],
  [30, 1, "30 s"],
  [0, 1, ""],
])("an exposure of %i/%i is %s", (num, den, expected) => expect(exposure_text(num, den)).toBe(expected));

describe("fact_groups", () => {
  const rows = (facts: Fact[]) =>
    Object.fromEntries(
      fact_groups(asset(facts), "UTC").map((group) => [group.title, Object.fromEntries(group.rows.map((row) => [row.label, row.value]))]),
    );

  it("shows what the newest run found, once", () => {
    const found = (run: string, value: string) => ({ ...fact("noop.echo", { text: value }), artifact_id: `art_${run}.6.0` });
    const groups = fact_groups(asset([found("01M8", "newer"), found("01M7", "older")]), "UTC").filter((group) => group.title !== "File");
    expect(groups.map((group) => group.rows.map((row) => row.value))).toEqual([["newer"]]);
  });

  it("reads metadata as a person would", () => {
    expect(
      rows([
        fact("media.metadata", {
          camera: { make: "Canon", model: "Canon EOS 450D" },
          captured: { at: "2004-11-02T07:03:58", floating: true, source: "exif_floating" },
          exposure: { f_number: 2.8, iso: 80, focal_length_mm: 35, time_s: { num: 1, den: 1000 } },
          oriented_width: 1536,
          oriented_height: 2048,
          orientation: 7,
          container: "jpeg",
          streams: [{ kind: "audio", codec: "aac", channels: 1, sample_rate: 44100 }],
          gps: { latitude: 40.72852778, longitude: -74.02663611 },
        }),
      ]),
    ).toEqual({
      Capture: { Taken: "2 Nov 2004, 07:03:58", Camera: "Canon EOS 450D", Exposure: "1/1,000 s · f/2.8 · ISO 80", "Focal length": "35 mm" },
      Content: { Size: "1,536 × 2,048 px", Container: "jpeg", Audio: "aac · mono · 44.1 kHz" },
      Place: { Position: "40.72853° N, 74.02664° W" },
      File: { Type: "image/jpeg", Bytes: "89.0 kB", "First seen": "21 Nov 2026, 17:49:17 UTC" },
    });
  });

  it("shows kinds that it does not know", () => {
    expect(rows([fact("my.kind", { answer: 42, tags: ["a", "b"], deep: { x: 1 } })])["My kind"]).toEqual({ Answer: "42", Tags: "a, b" });
  });

  it("leaves pictures to the artifacts", () => expect(Object.keys(rows([fact("image.thumbnail", { edge: 256 })]))).toEqual(["File"]));
});

it("an artifact names its run", () => {
  expect(run_of("art_01M7ZKM492XY76T5RYRV85E8J3.7.1")).toEqual({ run: "run_01M7ZKM492XY76T5RYRV85E8J3", unit: 7 });
  expect(run_of("rec_1")).toBeNull();
});
