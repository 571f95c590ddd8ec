// What a page sees of its own tiles, frame by frame: when the first picture came, which tile in view is blank and for how long, how many
// nodes there are, how long the slowest answer to a key or a click took.
import type { Page } from "@playwright/test";

declare global {
  interface Window {
    tiles: {
      first_ms: number | null;
      blank_max_ms: number;
      nodes_max: number;
      slowest: { ms: number; what: string };
      /** What a person does from now on. */
      doing(what: string): void;
      blank_now(): number;
    };
  }
}

/** Runs in the page before anything else there. */
export function watch_tiles(): void {
  const GRID = '[aria-label="Assets, newest first"]';
  const blank_since = new Map<string, number>();
  const done: [at: number, what: string][] = [];
  const state = {
    first_ms: null as number | null,
    blank_max_ms: 0,
    nodes_max: 0,
    slowest: { ms: 0, what: "nothing" },
    blank_now: () => look().length,
    doing: (what: string) => void done.push([performance.now(), what]),
  };
  window.tiles = state;

  /** Indexes of the tiles in view that show neither their picture nor that they have none; `hole` where there should be a tile. */
  function look(): string[] {
    const grid = document.querySelector(GRID);
    const view = grid?.closest('[aria-label="Pictures"]')?.getBoundingClientRect();
    if (!grid || !view) return ["hole"];
    const blank: string[] = [];
    let covered = 0;
    for (const tile of grid.querySelectorAll<HTMLElement>("[data-index]")) {
      const box = tile.getBoundingClientRect();
      const height = Math.min(box.bottom, view.bottom) - Math.max(box.top, view.top);
      if (height <= 0) continue;
      covered += height * box.width;
      if (!tile.querySelector("img.loaded, .none")) blank.push(tile.dataset.index ?? "");
    }
    // Heads of months and the end of the last one take some of the room; half of it is never theirs.
    if (covered < (view.width * view.height) / 4) blank.push("hole");
    return blank;
  }

  function frame(now: number): void {
    state.nodes_max = Math.max(state.nodes_max, document.getElementsByTagName("*").length);
    if (state.first_ms !== null && document.querySelector(GRID)) {
      const blank = new Set(look());
      for (const index of blank_since.keys()) if (!blank.has(index)) blank_since.delete(index);
      for (const index of blank) {
        const since = blank_since.get(index) ?? now;
        blank_since.set(index, since);
        state.blank_max_ms = Math.max(state.blank_max_ms, now - since);
      }
    }
    requestAnimationFrame(frame);
  }
  requestAnimationFrame(frame);

  // On its way down the load of a picture passes the document, and not the window.
  document.addEventListener(
    "load",
    (event) => {
      if (state.first_ms !== null || !(event.target instanceof HTMLImageElement) || !event.target.closest(GRID)) return;
      // The frame after the next one has it on the screen.
      requestAnimationFrame(() => requestAnimationFrame((now) => (state.first_ms = now)));
    },
    true,
  );

  new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as (PerformanceEntry & { interactionId: number })[])
      if (entry.interactionId > 0 && entry.duration > state.slowest.ms)
        state.slowest = { ms: entry.duration, what: done.findLast(([at]) => at <= entry.startTime)?.[1] ?? entry.name };
  }).observe({ type: "event", durationThreshold: 16, buffered: true } as PerformanceObserverInit);
}

/** How long the longest blank tile was blank since this was last asked. */
export async function blank_of(page: Page): Promise<number> {
  return page.evaluate(() => {
    const longest = window.tiles.blank_max_ms;
    window.tiles.blank_max_ms = 0;
    return longest;
  });
}
