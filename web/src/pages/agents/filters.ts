// What pages of the room are filtered by: all of it stands in the address. Pure.
import type { Query } from "../../lib/routes";

export const FILTERS = ["agent", "model", "task", "from", "to", "tz"] as const;
export type Filter = (typeof FILTERS)[number];
export type Filters = Partial<Record<Filter, string>>;

/** The filters of an address, empty ones left out. */
export function filters_of(query: Query): Filters {
  return Object.fromEntries(FILTERS.filter((name) => query[name]).map((name) => [name, query[name]]));
}

/** Whether anything is left out by them; a zone alone leaves nothing out. */
export function is_filtered(filters: Filters): boolean {
  return FILTERS.some((name) => name !== "tz" && filters[name] !== undefined);
}

/** A day is picked; anything else that an address holds, such as a time, is kept as text. */
export function is_day(text: string): boolean {
  return /^(\d{4}-\d\d-\d\d)?$/.test(text);
}

/** Zones to choose from: UTC, the reader's own, the one that is chosen, then all that the browser knows. */
export function zones(own: string, chosen: string | undefined, known: readonly string[]): string[] {
  return [...new Set(["UTC", own, ...(chosen ? [chosen] : []), ...known])];
}
