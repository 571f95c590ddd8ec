// Figures as people say them. All functions are pure; times take "now" from outside.

const COUNT = new Intl.NumberFormat("en");

/** `3214` is `3,214`. */
export function count(n: number): string {
  return COUNT.format(n);
}

/** `1 photo`, `2 photos`; the plural is the word with s unless it is given. */
export function counted(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/** One unit, at most three figures: `89.0 kB`, `5.2 MB`, `812 B`. */
export function bytes(n: number): string {
  let value = n;
  let unit = 0;
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return unit === 0 ? `${count(n)} B` : `${figures(value)} ${BYTE_UNITS[unit]}`;
}

function figures(value: number): string {
  if (value >= 99.95) return String(Math.round(value));
  return value >= 9.995 ? value.toFixed(1) : value.toFixed(value < 0.995 ? 2 : 1);
}

/** One unit: `640 us` is `0.64 ms`, then `s`, `min`, `h`, `days`. */
export function duration_us(us: number): string {
  if (us < 1) return "0 ms";
  if (us < 999_500) return `${figures(us / 1000)} ms`;
  return duration_s(us / 1e6);
}

/** One unit, for the length of work: `45 s`, `3 min`, `2.5 h`, `4 days`. */
export function duration_s(s: number): string {
  if (s < 9.95) return `${s.toFixed(1)} s`;
  if (s < 89.5) return `${Math.round(s)} s`;
  if (s < 89.5 * 60) return `${Math.round(s / 60)} min`;
  if (s < 36 * 3600) return `${figures(s / 3600)} h`;
  return `${count(Math.round(s / 86400))} days`;
}

/** Playing time as on a player: `0:04`, `12:30`, `1:02:03`. */
export function clock(ms: number): string {
  const s = Math.round(ms / 1000);
  const two = (n: number) => String(n).padStart(2, "0");
  const hours = Math.floor(s / 3600);
  return hours > 0 ? `${hours}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${Math.floor(s / 60)}:${two(s % 60)}`;
}

/** `41/s`, `0.8/s`, `12/min` when it is slow. */
export function rate(per_s: number): string {
  if (per_s >= 9.95) return `${count(Math.round(per_s))}/s`;
  if (per_s >= 0.5) return `${per_s.toFixed(1)}/s`;
  return per_s <= 0 ? "0/s" : `${figures(per_s * 60)}/min`;
}

/** `3.8 %`; small parts never look like nothing, and nearly all never looks like all. */
export function percent(part: number): string {
  if (part <= 0) return "0 %";
  if (part >= 1) return "100 %";
  const value = part * 100;
  if (value < 0.1) return "< 0.1 %";
  if (value > 99.9) return "99.9 %";
  return value < 10 ? `${value.toFixed(1)} %` : `${Math.min(99, Math.round(value))} %`;
}

/** `3,214 of 5,050 · 41/s · 45 s left`; what is not known is left out. */
export function progress(done: number, total: number, per_s: number | null): string {
  const parts = [`${count(done)} of ${count(total)}`];
  if (per_s !== null && per_s > 0) {
    parts.push(rate(per_s));
    if (total > done) parts.push(`${duration_s((total - done) / per_s)} left`);
  }
  return parts.join(" · ");
}

/** How long ago, in one unit: `just now`, `5 min ago`, `3 days ago`; beyond two months the date. */
export function ago(at: Date, now: Date): string {
  const s = (now.getTime() - at.getTime()) / 1000;
  if (Math.abs(s) < 45) return "just now";
  const [text, far] = ago_parts(Math.abs(s));
  if (far) return date(at);
  return s > 0 ? `${text} ago` : `in ${text}`;
}

function ago_parts(s: number): [string, boolean] {
  if (s < 3570) return [`${Math.max(1, Math.round(s / 60))} min`, false];
  if (s < 86400) return [`${Math.round(s / 3600)} h`, false];
  return [counted(Math.round(s / 86400), "day"), s > 60 * 86400];
}

const DAY: Intl.DateTimeFormatOptions = { day: "numeric", month: "short", year: "numeric" };
const SECOND: Intl.DateTimeFormatOptions = { ...DAY, hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short" };
// To make one takes longer than to draw a tile; each tile of the Library says its time.
const formats = new Map<string, Intl.DateTimeFormat>();

function formatted(name: string, options: Intl.DateTimeFormatOptions, at: Date, zone: string | undefined): string {
  const key = `${name} ${zone ?? ""}`;
  const known = formats.get(key) ?? new Intl.DateTimeFormat("en-GB", { ...options, timeZone: zone });
  formats.set(key, known);
  return known.format(at);
}

/** `2 Nov 2004`, in the reader's zone unless another is given. */
export function date(at: Date, zone?: string): string {
  return formatted("day", DAY, at, zone);
}

/** Date and time to the second with the zone in words: `2 Nov 2004, 07:03:58 UTC`. */
export function date_time(at: Date, zone?: string): string {
  return formatted("second", SECOND, at, zone);
}

const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

/** `2019-07` is `July 2019`. */
export function month(bucket: string): string {
  const [year, number] = bucket.split("-");
  return `${MONTHS[Number(number) - 1] ?? ""} ${year}`.trim();
}

/** An id with its prefix and as much of it as people compare: `ast_463ed72a`, `run_…RV85E8J3`, `art_…8J3.7.1`. */
export function short_id(id: string): string {
  const at = id.indexOf("_");
  if (at === -1) return id.length > 12 ? id.slice(0, 8) : id;
  const prefix = id.slice(0, at + 1);
  const rest = id.slice(at + 1);
  if (rest.length <= 12) return id;
  if (/^[0-9a-f]{64}$/.test(rest)) return prefix + rest.slice(0, 8);
  // The first half of a ULID is the time and is the same for neighbours; the end tells them apart.
  const dot = rest.indexOf(".");
  const ulid = dot === -1 ? rest : rest.slice(0, dot);
  return `${prefix}…${ulid.slice(-6)}${dot === -1 ? "" : rest.slice(dot)}`;
}

/** `media.metadata` is `Media metadata`; `extractor-crashed` is `Extractor crashed`. */
export function words(name: string): string {
  const text = name.replace(/[._-]+/g, " ").trim();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** What people call a media type: `image/svg+xml` is `SVG`, `video/x-matroska` is `MATROSKA`, bytes without a type are `Data`. */
export function media_word(media_type: string): string {
  const name = (media_type.split("/")[1] ?? media_type).replace(/^(x-|vnd\.)/, "").replace(/\+xml$/, "");
  if (name === "octet-stream") return "Data";
  return name === "empty" || name === "plain" ? words(name === "plain" ? "text" : name) : name.toUpperCase();
}
