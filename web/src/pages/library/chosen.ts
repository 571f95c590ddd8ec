// How a selection is named to the server: all of a filter as the filter, anything else as a list.
import * as routes from "../../api/routes";
import type { NewCollection, NewExport, NewRun } from "../../api/types";
import type { LibraryView } from "./view.svelte";

/** Ids in one request at most; 64 hex letters each make this about 7 MB. */
const LIST_MAX = 100_000;

/** True when everything that the filter finds is chosen. */
export function is_all(view: LibraryView): boolean {
  return view.count > 0 && view.count === (view.layout?.total ?? 0);
}

/** A collection of what is chosen. `dynamic`: the filter itself, so that later finds belong to it too; only when all is chosen. */
export async function collection_of(view: LibraryView, name: string, about: string, dynamic: boolean): Promise<NewCollection> {
  if (dynamic) return { name, about, filter: view.store.filter };
  if (view.count > LIST_MAX) throw new Error("At most 100,000 assets fit into a list. Make a collection from a filter instead.");
  return { name, about, assets: await view.store.ids_of(view.selected) };
}

/** Starts a run over what is chosen; anything but a whole filter becomes a collection first, because a run is over one. */
export async function run_over(view: LibraryView, run: Pick<NewRun, "pipeline" | "policy">, name: string): Promise<string> {
  if (is_all(view)) {
    const scope = view.store.filter === "" ? { collection: "all" } : { filter: view.store.filter };
    return (await routes.start_run({ ...run, ...scope })).run;
  }
  await routes.create_collection(await collection_of(view, name, "Chosen in the Library for a run", false));
  return (await routes.start_run({ ...run, collection: name })).run;
}

/** Assets that one export names at most; the server's limit. */
const EXPORT_MAX = 10_000;

/** What is chosen, as an export names it. */
export async function export_of(view: LibraryView): Promise<Pick<NewExport, "collection" | "filter" | "assets">> {
  if (is_all(view)) return view.store.filter === "" ? { collection: "all" } : { filter: view.store.filter };
  if (view.count > EXPORT_MAX) throw new Error("At most 10,000 assets at once. Make a collection of them and export that, or choose everything that a filter finds.");
  return { assets: await view.store.ids_of(view.selected) };
}

/** A name for a collection made on the way: `selection-2026-11-21-1820`. */
export function name_now(now: Date): string {
  const two = (n: number) => String(n).padStart(2, "0");
  return `selection-${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}-${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`;
}
