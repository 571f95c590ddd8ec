// Settings and limits as rows of a table. Pure.
import type { Json, Settings } from "../../api/types";
import { bytes, count, duration_s } from "../../lib/format";

export interface Row {
  /** `workers` in the section `engine`. */
  name: string;
  /** `EXHIBIT_ENGINE__WORKERS`: the variable that sets it. */
  variable: string;
  value: string;
}

export interface Section {
  section: string;
  rows: Row[];
}

/** The configuration by section, each setting on one row; a section without settings says so by having none. */
export function sections_of(config: Settings["config"]): Section[] {
  return Object.entries(config).map(([section, value]) => ({ section, rows: rows_of(section, value) }));
}

function rows_of(name: string, value: Json): Row[] {
  if (value !== null && typeof value === "object" && !Array.isArray(value)) {
    return Object.entries(value).flatMap(([inner, deep]) => rows_of(`${name}.${inner}`, deep));
  }
  // The section is the heading of its rows.
  return [{ name: name.slice(name.indexOf(".") + 1), variable: `EXHIBIT_${name.replaceAll(".", "__").toUpperCase()}`, value: said(value) }];
}

function said(value: Json): string {
  if (value === null) return "not set";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.map(said).join(", ");
  return typeof value === "string" ? value || "empty" : JSON.stringify(value);
}

/** A limit of an extractor by the unit at the end of its name: `address_space_bytes` is bytes, `unit_wall_s` is seconds. */
export function limit_text(name: string, value: Json): string {
  if (typeof value !== "number") return said(value);
  if (/_bytes(_max)?$/.test(name)) return bytes(value);
  if (/_s(_max)?$/.test(name)) return duration_s(value).replace(/\.0 s$/, " s");
  return count(value);
}

const LIMITS: Record<string, string> = {
  address_space_bytes: "Memory",
  file_bytes_max: "Largest file that it writes",
  unit_cpu_s: "Processor time of a unit",
  unit_wall_s: "Time of a unit",
};

/** The name of a limit in words. */
export function limit_name(name: string): string {
  const text = LIMITS[name] ?? name.replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
