// Facts as rows that a person reads: grouped, with units. Each row knows the artifact it comes from, so that "why is this so?" can be asked.
import { bytes, clock, count, date_time, words } from "../../lib/format";
import type { AssetView, Fact, Json } from "../../api/types";

export interface FactRow {
  label: string;
  value: string;
  /** Where it comes from or what it does not say. */
  note?: string;
  /** Null for what the catalog itself knows. */
  artifact: string | null;
}

export interface FactGroup {
  title: string;
  rows: FactRow[];
}

type Fields = { [key: string]: Json };

/** Kinds whose content is a picture; they stand under Artifacts. */
const PICTURES = ["image.thumbnail", "video.keyframe"];

const TIME_SOURCES: Record<string, string> = {
  exif_offset: "EXIF, with its offset",
  exif_inferred: "EXIF; the offset was inferred from the time of the satellites",
  exif_floating: "EXIF, the clock on the wall; its zone is not known",
  xmp_offset: "XMP, with its offset",
  xmp_floating: "XMP, the clock on the wall; its zone is not known",
  container_offset: "the container, with its offset",
  container_utc: "the container, in UTC by its specification; some cameras write local time",
  file_time: "the time of the file: nothing better is known",
};

const ORIENTATIONS: Record<number, string> = {
  2: "mirrored",
  3: "turned by 180°",
  4: "mirrored and turned by 180°",
  5: "mirrored and turned by 90° to the left",
  6: "turned by 90° to the right",
  7: "mirrored and turned by 90° to the right",
  8: "turned by 90° to the left",
};

function fields(value: Json | undefined): Fields {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? value : {};
}

function list(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : [];
}

function text(value: Json | undefined): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function number(value: Json | undefined): number | null {
  return typeof value === "number" ? value : null;
}

/** A time as the clock showed it, never moved into the reader's zone: `2 Nov 2004, 09:49:05 -05:00`. */
export function captured_text(at: string): string {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)?$/.exec(at);
  if (!match) return at;
  const wall = date_time(new Date(`${match[1]}Z`), "UTC").replace(/ UTC$/, "");
  const offset = match[2];
  return offset === undefined ? wall : `${wall} ${offset === "Z" ? "UTC" : offset}`;
}

/** `1/1000 s`, `0.8 s`, `30 s`. */
export function exposure_text(num: number, den: number): string {
  if (num <= 0 || den <= 0) return "";
  const s = num / den;
  return s < 0.3 ? `1/${count(Math.round(1 / s))} s` : `${Number(s.toFixed(1))} s`;
}

function degrees(value: number, positive: string, negative: string): string {
  return `${Math.abs(value).toFixed(5)}° ${value >= 0 ? positive : negative}`;
}

class Group {
  readonly rows: FactRow[] = [];

  constructor(
    readonly title: string,
    private readonly artifact: string | null,
  ) {}

  add(label: string, value: string | null, note?: string): this {
    if (value !== null && value !== "") this.rows.push({ label, value, note, artifact: this.artifact });
    return this;
  }
}

function capture_group(payload: Fields, artifact: string): Group {
  const group = new Group("Capture", artifact);
  const captured = fields(payload["captured"]);
  const camera = fields(payload["camera"]);
  const exposure = fields(payload["exposure"]);
  const time = fields(exposure["time_s"]);
  const at = text(captured["at"]);
  const source = text(captured["source"]);
  group.add("Taken", at === null ? null : captured_text(at), source === null ? undefined : `From ${TIME_SOURCES[source] ?? source}`);
  const make = text(camera["make"]) ?? "";
  const model = text(camera["model"]) ?? "";
  group.add("Camera", model.toLowerCase().startsWith(make.toLowerCase()) ? model : `${make} ${model}`.trim());
  group.add("Lens", text(camera["lens_model"]));
  const parts = [
    exposure_text(number(time["num"]) ?? 0, number(time["den"]) ?? 0),
    number(exposure["f_number"]) === null ? "" : `f/${number(exposure["f_number"])}`,
    number(exposure["iso"]) === null ? "" : `ISO ${number(exposure["iso"])}`,
  ];
  group.add("Exposure", parts.filter(Boolean).join(" · "));
  const focal = number(exposure["focal_length_mm"]);
  const focal_35 = number(exposure["focal_length_35mm"]);
  group.add("Focal length", focal === null ? null : `${focal} mm`, focal_35 === null ? undefined : `Like ${focal_35} mm on 35 mm film`);
  return group;
}

function place_group(payload: Fields, artifact: string): Group {
  const gps = fields(payload["gps"]);
  const latitude = number(gps["latitude"]);
  const longitude = number(gps["longitude"]);
  const group = new Group("Place", artifact);
  if (latitude !== null && longitude !== null) group.add("Position", `${degrees(latitude, "N", "S")}, ${degrees(longitude, "E", "W")}`);
  const altitude = number(gps["altitude_m"]);
  const direction = number(gps["direction_deg"]);
  group.add("Altitude", altitude === null ? null : `${Math.round(altitude)} m`);
  group.add(
    "Direction",
    direction === null ? null : `${Math.round(direction)}°`,
    text(gps["direction_reference"]) ? `From ${text(gps["direction_reference"])} north` : undefined,
  );
  return group;
}

function picture_group(payload: Fields, artifact: string): Group {
  const group = new Group("Content", artifact);
  const width = number(payload["oriented_width"]) ?? number(payload["width"]);
  const height = number(payload["oriented_height"]) ?? number(payload["height"]);
  const orientation = ORIENTATIONS[number(payload["orientation"]) ?? 1];
  if (width !== null && height !== null) {
    const pixels = (width * height) / 1e6;
    group.add(
      "Size",
      `${count(width)} × ${count(height)} px`,
      [pixels >= 0.1 ? `${pixels.toFixed(1)} megapixels` : "", orientation ? `stored ${orientation}` : ""].filter(Boolean).join(", ") ||
        undefined,
    );
  }
  const duration = number(payload["duration_ms"]);
  group.add("Duration", duration === null ? null : clock(duration));
  group.add("Container", text(payload["container"]));
  for (const stream of list(payload["streams"]).map(fields)) group.add(words(text(stream["kind"]) ?? "Stream"), stream_text(stream));
  return group;
}

function stream_text(stream: Fields): string {
  const rate = fields(stream["frame_rate"]);
  const num = number(rate["num"]);
  const den = number(rate["den"]);
  const channels = number(stream["channels"]);
  const sample_rate = number(stream["sample_rate"]);
  return [
    text(stream["codec"]),
    number(stream["width"]) === null ? null : `${number(stream["width"])} × ${number(stream["height"])} px`,
    num === null || !den ? null : `${Number((num / den).toFixed(2))} frames/s${stream["variable_frame_rate"] === true ? ", varying" : ""}`,
    channels === null ? null : channels === 1 ? "mono" : channels === 2 ? "stereo" : `${channels} channels`,
    sample_rate === null ? null : `${sample_rate / 1000} kHz`,
  ]
    .filter(Boolean)
    .join(" · ");
}

function description_group(payload: Fields, artifact: string): Group {
  const group = new Group("Description", artifact);
  for (const [key, value] of Object.entries({ ...fields(payload["description"]), ...fields(payload["music"]) })) {
    group.add(words(key), plain(value));
  }
  return group;
}

/** A value on one line; what has structure of its own is left to the raw view. */
function plain(value: Json): string | null {
  if (value === null) return null;
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.every((one) => typeof one !== "object")) return value.join(", ");
  return null;
}

function other_group(fact: Fact): Group {
  const group = new Group(words(fact.kind), fact.artifact_id);
  for (const [key, value] of Object.entries(fact.payload)) group.add(words(key), plain(value));
  return group;
}

/** Of each kind what the newest run found; what earlier runs found stands under Artifacts. Ids of runs sort by time. */
function newest_of_each_kind(facts: readonly Fact[]): Fact[] {
  const run = (fact: Fact) => run_of(fact.artifact_id)?.run ?? "";
  const newest = new Map<string, string>();
  for (const fact of facts) if (run(fact) >= (newest.get(fact.kind) ?? "")) newest.set(fact.kind, run(fact));
  return facts.filter((fact) => run(fact) === newest.get(fact.kind));
}

/** The rows under Facts, what was captured first, what the catalog knows last. Groups without rows are left out. */
export function fact_groups(asset: AssetView, zone?: string): FactGroup[] {
  const groups: Group[] = [];
  for (const fact of newest_of_each_kind(asset.facts)) {
    if (fact.kind === "media.metadata") {
      const { payload, artifact_id } = fact;
      groups.push(
        capture_group(payload, artifact_id),
        picture_group(payload, artifact_id),
        place_group(payload, artifact_id),
        description_group(payload, artifact_id),
      );
    } else if (!PICTURES.includes(fact.kind)) groups.push(other_group(fact));
  }
  const file = new Group("File", null)
    .add("Type", asset.media_type, "Found from its first bytes")
    .add("Bytes", bytes(asset.size_bytes), `${count(asset.size_bytes)} bytes`)
    .add("First seen", date_time(new Date(asset.first_seen), zone));
  return [...groups, file].filter((group) => group.rows.length > 0).map(({ title, rows }) => ({ title, rows }));
}

/** The raw tags of the newest metadata, sorted by name. */
export function raw_tags(asset: AssetView): [string, string][] {
  const metadata = asset.facts.findLast((fact) => fact.kind === "media.metadata");
  return Object.entries(fields(metadata?.payload["tags"]))
    .map(([name, value]): [string, string] => [name, plain(value) ?? JSON.stringify(value)])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Warnings of the metadata, in words. */
export function warnings(asset: AssetView): string[] {
  return asset.facts.flatMap((fact) =>
    list(fact.payload["warnings"]).map((one) => (typeof one === "string" ? words(one) : (plain(one) ?? JSON.stringify(one)))),
  );
}

/** The run that an artifact id names, and the unit in it. */
export function run_of(artifact: string): { run: string; unit: number } | null {
  const match = /^art_([0-9A-Z]+)\.(\d+)\.\d+$/.exec(artifact);
  return match ? { run: `run_${match[1]}`, unit: Number(match[2]) } : null;
}

/** Upright size of an image in pixels, when the metadata says it. */
export function pixel_size(asset: AssetView): { width: number; height: number } | null {
  for (const fact of asset.facts) {
    const width = number(fact.payload["oriented_width"]) ?? null;
    const height = number(fact.payload["oriented_height"]) ?? null;
    if (fact.kind === "media.metadata" && width && height) return { width, height };
  }
  return null;
}
