// Collections in words, and what depends on one. Pure.
import type { Collection, CollectionView, RunStatus } from "../../api/types";
import { counted } from "../../lib/format";

export const KINDS: Record<Collection["kind"], { word: string; about: string }> = {
  all: { word: "everything", about: "Every asset with a present path. It always exists." },
  dynamic: { word: "filter", about: "Whatever fulfils the filter and is present belongs to it when it is asked." },
  withdrawn: { word: "deleted", about: "It was deleted; runs over it keep the members that they froze." },
  static: { word: "list", about: "A list of assets; it changes only when someone puts another list in its place." },
};

/** Why a text is no name for a collection, or null; the rule is the server's. */
export function name_problem(name: string): string | null {
  if (name === "") return null;
  if (name === "all" || name.startsWith("col_")) return `“${name}” is taken.`;
  if (!/^[A-Za-z0-9_]/.test(name)) return "It begins with a letter, a digit or _.";
  const wrong = /[^A-Za-z0-9_.-]/.exec(name);
  if (wrong) return wrong[0] === " " ? "No spaces; _ stands for them." : `“${wrong[0]}” cannot stand in a name: letters, digits, _, - and . can.`;
  return name.length > 64 ? "At most 64 letters." : null;
}

/** What a collection is called; one that was made for one run has no name of its own. */
export function title_of(collection: CollectionView): string {
  return collection.name ?? "Made for one run";
}

/** `in:name` as it stands in a filter. */
export function in_filter(name: string): string {
  return `in:${name}`;
}

/** Collections whose filter names this one; they would find nothing under its name any more. */
export function leaning_on(name: string, collections: readonly Collection[]): Collection[] {
  const wanted = new RegExp(`(^|[\\s(])in[:=]"?${name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}"?($|[\\s)])`);
  return collections.filter((one) => one.name !== name && one.filter !== null && wanted.test(one.filter));
}

export interface DeletePlan {
  stays: string[];
  goes: string[];
  /** What stops working because of it. */
  breaks: string[];
}

/** What a deletion takes and what it leaves. */
export function delete_plan(view: CollectionView, runs: readonly RunStatus[], leaning: readonly Collection[]): DeletePlan {
  const one = view.members_now === 1;
  const stays = [`${counted(view.members_now, "asset")} that ${one ? "belongs" : "belong"} to it now, with all ${one ? "its" : "their"} facts and originals.`];
  if (runs.length > 0) stays.push(`${counted(runs.length, "run")} over it and ${runs.length === 1 ? "its" : "their"} results; a run keeps the members that it froze.`);
  stays.push("Its record in the ledger: the deletion is a record that withdraws it.");
  return {
    stays,
    goes: [view.kind === "static" ? "The name and the list behind it." : "The name and the filter behind it."],
    breaks: leaning.map((one) => `The collection ${one.name} names it in its filter and cannot be asked any more.`),
  };
}
