import type { Action } from "../../lib/keys.svelte";

interface Doors {
  kind: () => string;
  zoomed: () => boolean;
  has_picture: () => boolean;
  newer: () => string | null;
  older: () => string | null;
  /** There is a fact that can be explained. */
  explained: () => boolean;
  step: (to: string | null) => void;
  zoom: () => void;
  pan: (x: number, y: number) => void;
  play: () => void;
  why: () => void;
  toggle_panel: () => void;
  download: () => void;
  choose_tab: (id: string) => void;
  back: () => void;
}

/** Every key of the Asset page. While a picture is zoomed, arrows move it instead of going to the neighbours. */
export function asset_actions(tabs: readonly { id: string; label: string }[], doors: Doors): Action[] {
  const group = "Asset";
  const plays = () => doors.kind() === "video" || doors.kind() === "audio";
  const pan = (key: string, way: string, x: number, y: number): Action => ({
    id: `pan-${way}`,
    title: `Look further ${way}`,
    group: "While zoomed",
    keys: [key],
    run: () => doors.pan(x, y),
    when: doors.zoomed,
    palette: false,
  });
  const neighbour = (id: string, title: string, key: string, to: () => string | null): Action => ({
    id,
    title,
    group,
    keys: [key],
    run: () => doors.step(to()),
    when: () => !doors.zoomed() && to() !== null,
  });
  return [
    neighbour("newer", "Newer asset", "ArrowLeft", doors.newer),
    neighbour("older", "Older asset", "ArrowRight", doors.older),
    { id: "zoom", title: "Zoom to the pixels and back", group, keys: ["z"], run: doors.zoom, when: doors.has_picture },
    { id: "play", title: "Play or pause", group, keys: ["k", "Space"], run: doors.play, when: plays },
    { id: "why", title: "Why is this so?", group, keys: ["w"], run: doors.why, when: doors.explained },
    { id: "panel", title: "Show or hide the panel", group, keys: ["i"], run: doors.toggle_panel },
    { id: "download", title: "Download the original", group, keys: ["d"], run: doors.download },
    ...tabs.map((tab, at) => ({
      id: `tab-${tab.id}`,
      title: `Show ${tab.label}`,
      group,
      keys: [String(at + 1)],
      run: () => doors.choose_tab(tab.id),
    })),
    { id: "back", title: "Back", group, keys: ["Escape"], run: doors.back },
    pan("ArrowLeft", "left", -1, 0),
    pan("ArrowRight", "right", 1, 0),
    pan("ArrowUp", "up", 0, -1),
    pan("ArrowDown", "down", 0, 1),
  ];
}
