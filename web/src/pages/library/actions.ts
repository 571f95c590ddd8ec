import type { Action } from "../../lib/keys.svelte";
import { link, router } from "../../lib/router.svelte";
import { session } from "../../lib/session.svelte";
import type { LibraryView } from "./view.svelte";

interface Doors {
  edit_filter: () => void;
  add_filter: () => void;
  collect: () => void;
  export: () => void;
  run: () => void;
}

/** Every key of the Library. */
export function library_actions(view: LibraryView, doors: Doors): Action[] {
  const group = "Library";
  const chosen = () => view.count > 0 && session.may("control");
  const walk = (id: string, title: string, keys: string[], run: () => void): Action => ({
    id,
    title,
    group: "In the pictures",
    keys,
    run,
    palette: false,
  });
  return [
    { id: "edit-filter", title: "Edit the filter", group, keys: ["e"], run: doors.edit_filter },
    { id: "filter-add", title: "Add a condition to the filter", group, keys: ["f"], run: doors.add_filter },
    { id: "larger", title: "Larger pictures", group, keys: ["+", "="], run: () => view.resize_rows(1) },
    { id: "smaller", title: "Smaller pictures", group, keys: ["-"], run: () => view.resize_rows(-1) },
    { id: "select-all", title: "Select everything shown", group, keys: ["mod+a"], run: () => view.select_all() },
    { id: "clear", title: "Clear the selection", group, keys: ["Escape"], run: () => view.clear_selection(), when: () => view.count > 0 },
    { id: "collect", title: "Add the selection to a collection", group, keys: ["c"], run: doors.collect, when: chosen },
    { id: "export-selection", title: "Export the selection", group, keys: ["Shift+e"], run: doors.export, when: chosen },
    { id: "run-selection", title: "Run a pipeline on the selection", group, keys: ["r"], run: doors.run, when: chosen },
    {
      id: "show-news",
      title: "Show what is new",
      group,
      keys: ["n"],
      run: () => void view.take_waiting(),
      when: () => view.store.news !== 0,
    },
    walk("left", "One back", ["ArrowLeft"], () => view.move(-1)),
    walk("right", "One on", ["ArrowRight"], () => view.move(1)),
    walk("up", "Row above", ["ArrowUp"], () => view.move_row(-1)),
    walk("down", "Row below", ["ArrowDown"], () => view.move_row(1)),
    walk("select-left", "Select backwards", ["Shift+ArrowLeft"], () => view.move(-1, true)),
    walk("select-right", "Select onwards", ["Shift+ArrowRight"], () => view.move(1, true)),
    walk("select-up", "Select a row up", ["Shift+ArrowUp"], () => view.move_row(-1, true)),
    walk("select-down", "Select a row down", ["Shift+ArrowDown"], () => view.move_row(1, true)),
    walk("page-up", "A screen up", ["PageUp"], () => view.move_view(-1)),
    walk("page-down", "A screen down", ["PageDown"], () => view.move_view(1)),
    walk("home", "To the newest", ["Home"], () => view.go_to(0)),
    walk("end", "To the oldest", ["End"], () => view.go_to((view.layout?.total ?? 1) - 1)),
    walk("toggle", "Select or not", ["x", "Space"], () => view.toggle(view.focusable)),
    walk("open", "Open", ["Enter"], () => {
      const item = view.store.item(view.focusable);
      if (!item) return;
      view.write();
      view.store.opened = { asset: item.asset_id, index: view.focusable };
      router.go(link(`/assets/${item.asset_id}`, { filter: view.store.filter }));
    }),
  ];
}
