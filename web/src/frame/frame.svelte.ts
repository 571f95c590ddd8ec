// What belongs to the frame itself: its rooms, its actions, which of its layers is open.
import { use_actions } from "../lib/keys.svelte";
import { router } from "../lib/router.svelte";
import { theme } from "../lib/theme.svelte";
import { toasts } from "../lib/toasts.svelte";
import { session } from "../lib/session.svelte";
import type { IconName } from "../ui/icons";

class Frame {
  palette = $state(false);
  key_list = $state(false);
  /** Asks the search field to take the focus: for something else, or to go on with what is there. */
  search_asked = $state<{ edit: boolean } | null>(null);

  search(): void {
    this.search_asked = { edit: false };
  }

  edit_filter(): void {
    this.search_asked = { edit: true };
  }
}

export const frame = new Frame();

export interface Room {
  path: string;
  word: string;
  icon: IconName;
  key: string;
  pages: string[];
}

export const ROOMS: Room[] = [
  { path: "/library", word: "Library", icon: "library", key: "g l", pages: ["library", "asset"] },
  {
    path: "/agents",
    word: "Agents",
    icon: "agents",
    key: "g a",
    pages: ["agents-overview", "agents-ledger", "agents-session", "agents-usage", "agents-models", "agents-alerts", "agents-control", "agents-prices", "agents-import"],
  },
  { path: "/runs", word: "Runs", icon: "runs", key: "g r", pages: ["runs", "run", "compare"] },
  { path: "/collections", word: "Collections", icon: "collections", key: "g c", pages: ["collections", "collection"] },
  { path: "/pipelines", word: "Pipelines", icon: "pipelines", key: "g p", pages: ["pipelines", "pipeline"] },
  { path: "/doctor", word: "Doctor", icon: "doctor", key: "g d", pages: ["doctor"] },
];

export const SETTINGS: Room = { path: "/settings", word: "Settings", icon: "settings", key: "g s", pages: ["settings"] };

const THEME_WORDS = { system: "Theme of the system", light: "Light theme", dark: "Dark theme" };

export function change_theme(): void {
  toasts.announce(THEME_WORDS[theme.next()]);
}

export function use_frame_actions(): void {
  use_actions(() => {
    if (session.state !== "in") return [];
    const group = "Everywhere";
    return [
      {
        id: "palette",
        title: "Find a command",
        group,
        keys: ["mod+k"],
        run: () => (frame.palette = true),
        in_fields: true,
        palette: false,
      },
      { id: "keys", title: "List the keys", group, keys: ["?"], run: () => (frame.key_list = true) },
      { id: "search", title: "Search", group, keys: ["/"], run: () => frame.search() },
      { id: "theme", title: "Change the theme", group, keys: ["Shift+t"], run: change_theme },
      ...[...ROOMS, SETTINGS].map((room) => ({
        id: `go-${room.path}`,
        title: `Go to ${room.word}`,
        group: "Go to",
        keys: [room.key],
        run: () => router.go(room.path),
      })),
      { id: "log-out", title: "Log out", group, keys: [], run: () => void session.log_out() },
    ];
  });
}
