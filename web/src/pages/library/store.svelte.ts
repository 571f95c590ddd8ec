// What the Library knows of the timeline: its shape as a whole, its items near the view. It outlives the page, so that coming back from
// an asset shows the same place at once.
import * as routes from "../../api/routes";
import { as_problem, is_abort, type Problem } from "../../api/problem";
import type { ArtifactNews, Timeline, TimelineItem } from "../../api/types";
import { bucket_of, lay_out, type Layout } from "./layout";
import { PAGE_ITEMS, pages_for, type PageRef } from "./pages";
import { size, type Ranges } from "./ranges";

/** Pages kept: 20,000 items, about 6 MB. The pictures themselves go with their tiles. */
const PAGES_MAX = 40;
/** The timeline is loaded anew at most this often, however much the server reports. */
const REFRESH_MS_MIN = 2_000;
const MOVED = "The Library changed while the selection was read. Show what is new, look at the selection again, then repeat.";
/** Kinds that can be the picture of an asset. */
const PICTURE_KINDS = ["image.thumbnail", "video.keyframe"];

/** A page under way; one that somebody waits for is not given up when the view moves on. */
interface Loading {
  abort: AbortController;
  awaited: boolean;
  done: Promise<void>;
}

export type ItemPage = { ref: PageRef; items: TimelineItem[] };

export class LibraryStore {
  readonly layout_gap = 4;
  timeline = $state.raw<Timeline | null>(null);
  problem = $state.raw<Problem | null>(null);
  /** A newer timeline that waits until the person asks for it. */
  waiting = $state.raw<Timeline | null>(null);
  width = $state(0);
  row_height = $state(180);
  head = $state(44);
  pages = $state.raw<ReadonlyMap<string, ItemPage>>(new Map());

  readonly layout: Layout | null = $derived(
    this.timeline === null || this.width === 0
      ? null
      : lay_out(this.timeline.buckets, { width: this.width, row_height: this.row_height, gap: this.layout_gap, head: this.head }),
  );
  /** Items that came since the timeline was shown; negative when some went. */
  readonly news = $derived(this.waiting === null ? 0 : this.waiting.total - (this.timeline?.total ?? 0));

  /** Where the Library was when it was left, and the asset that was opened from it. */
  place: { at: string; index: number; offset: number } | null = null;
  opened: { asset: string; index: number | null } | null = null;

  private loading = new Map<string, Loading>();
  private loading_timeline: AbortController | null = null;
  private refreshed_at = 0;
  /** The last page came from a newer timeline than the one that is shown. */
  private moved = false;
  private refresh_timer: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly filter: string) {}

  async load(): Promise<void> {
    this.loading_timeline?.abort();
    const abort = new AbortController();
    this.loading_timeline = abort;
    this.refreshed_at = Date.now();
    try {
      this.show(await routes.timeline(this.filter, abort.signal));
    } catch (error) {
      if (!is_abort(error)) this.problem = as_problem(error);
    }
  }

  /** Looks whether the timeline has changed; a change of shape waits in `waiting`, an empty Library is filled at once. */
  refresh(): void {
    clearTimeout(this.refresh_timer);
    const wait = Math.max(0, this.refreshed_at + REFRESH_MS_MIN - Date.now());
    this.refresh_timer = setTimeout(() => void this.look(), wait);
  }

  private async look(): Promise<void> {
    this.refreshed_at = Date.now();
    try {
      const next = await routes.timeline(this.filter);
      if (this.timeline === null || this.timeline.total === 0) this.show(next);
      else if (same_shape(this.timeline, next)) {
        // Only the version moved on. The object stays, so that nothing is laid out anew.
        this.timeline.version = next.version;
        this.waiting = null;
      } else this.waiting = next;
      this.problem = null;
    } catch (error) {
      if (!is_abort(error)) this.problem = as_problem(error);
    }
  }

  /** Shows the newer timeline. Items are asked for anew, because their positions have moved. */
  take_waiting(): void {
    if (this.waiting !== null) this.show(this.waiting);
  }

  private show(timeline: Timeline): void {
    for (const { abort } of this.loading.values()) abort.abort();
    this.loading.clear();
    this.pages = new Map();
    this.waiting = null;
    this.problem = null;
    this.timeline = timeline;
  }

  item(index: number): TimelineItem | null {
    if (this.layout === null) return null;
    const ref = pages_for(this.layout, index, index + 1)[0];
    if (!ref) return null;
    return this.pages.get(ref.key)?.items[index - ref.first] ?? null;
  }

  /** Index of an asset among the items that are loaded. */
  index_of(asset: string): number | null {
    for (const page of this.pages.values()) {
      const at = page.items.findIndex((item) => item.asset_id === asset);
      if (at !== -1) return page.ref.first + at;
    }
    return null;
  }

  /** Loads the items from `first` to `end`; requests for what has gone far out of view are given up. */
  want(first: number, end: number): void {
    if (this.layout === null || this.timeline === null) return;
    const wanted = pages_for(this.layout, first, end);
    const keys = new Set(wanted.map((page) => page.key));
    for (const [key, { abort, awaited }] of this.loading) {
      if (!keys.has(key) && !awaited) {
        abort.abort();
        this.loading.delete(key);
      }
    }
    for (const page of wanted) void this.load_page(page, false);
  }

  /**
   * The ids of a selection, in order. What was shown counts as it was shown; what was never loaded is loaded now, and when its positions
   * have moved meanwhile this fails, because nobody has seen which assets they are.
   */
  async ids_of(ranges: Ranges): Promise<string[]> {
    const layout = this.layout;
    if (layout === null) return [];
    const ids: string[] = [];
    for (const [first, last] of ranges) {
      for (const page of pages_for(layout, first, last + 1)) {
        const items = this.pages.get(page.key)?.items ?? (await this.items_unmoved(page));
        const from = Math.max(0, first - page.first);
        for (const item of items.slice(from, last + 1 - page.first)) ids.push(item.asset_id);
      }
    }
    if (ids.length !== size(ranges)) throw new Error(MOVED);
    return ids;
  }

  private async items_unmoved(page: PageRef): Promise<TimelineItem[]> {
    const items = await this.fetch_page(page);
    if (this.moved) await this.look();
    if (this.waiting !== null) throw new Error(MOVED);
    return items;
  }

  /** New facts: pictures that were missing appear where they lie, in place. */
  take_news(news: ArtifactNews[]): void {
    const fresh = new Set(news.filter((one) => PICTURE_KINDS.includes(one.kind)).map((one) => one.asset_id));
    if (fresh.size === 0) return;
    let changed = false;
    const pages = new Map(this.pages);
    for (const [key, page] of pages) {
      if (!page.items.some((item) => !item.thumbnail && fresh.has(item.asset_id))) continue;
      changed = true;
      pages.set(key, { ref: page.ref, items: page.items.map((item) => (fresh.has(item.asset_id) ? { ...item, thumbnail: true } : item)) });
    }
    if (changed) this.pages = pages;
  }

  /** Day of an item as the address bar keeps it, or its month while the item is not loaded. */
  date_of(index: number): string | null {
    const item = this.item(index);
    if (item) return item.at.slice(0, 10);
    return this.layout ? (bucket_of(this.layout, index)?.bucket ?? null) : null;
  }

  /** Index of the newest item that is not newer than a date like `2019-07` or `2019-07-14`; loads the month to find a day in it. */
  async index_at(date: string): Promise<number | null> {
    const layout = this.layout;
    const box = layout?.buckets.find((bucket) => bucket.bucket <= date.slice(0, 7)) ?? layout?.buckets.at(-1);
    if (!layout || !box) return null;
    if (date.length < 10 || !date.startsWith(box.bucket)) return box.first;
    for (const page of pages_for(layout, box.first, box.first + box.count)) {
      await this.load_page(page, true);
      const at = this.pages.get(page.key)?.items.findIndex((item) => item.at.slice(0, 10) <= date) ?? -1;
      if (at !== -1) return page.first + at;
    }
    return box.first;
  }

  /** Loads a page unless it is there or under way; resolves when that has ended, well or not. */
  private load_page(page: PageRef, awaited: boolean): Promise<void> {
    if (this.pages.has(page.key)) return Promise.resolve();
    const present = this.loading.get(page.key);
    if (present) {
      present.awaited ||= awaited;
      return present.done;
    }
    const abort = new AbortController();
    const done = this.fetch_page(page, abort.signal).then(
      (items) => {
        if (abort.signal.aborted) return;
        this.loading.delete(page.key);
        this.keep(page, items);
      },
      (error: unknown) => {
        if (!abort.signal.aborted) this.loading.delete(page.key);
        // A page that does not come leaves its tiles grey; it is asked for again with the next move.
        if (!is_abort(error) && this.timeline === null) this.problem = as_problem(error);
      },
    );
    this.loading.set(page.key, { abort, awaited, done });
    return done;
  }

  private keep(page: PageRef, items: TimelineItem[]): void {
    const pages = new Map(this.pages);
    pages.set(page.key, { ref: page, items });
    for (const key of pages.keys()) {
      if (pages.size <= PAGES_MAX) break;
      pages.delete(key);
    }
    this.pages = pages;
  }

  private async fetch_page(page: PageRef, signal?: AbortSignal): Promise<TimelineItem[]> {
    const version = this.timeline?.version ?? "";
    const answer = await routes.timeline_page(page.bucket, { filter: this.filter, version, from: page.from, limit: PAGE_ITEMS }, signal);
    this.moved = answer.version !== this.timeline?.version;
    if (this.moved) this.refresh();
    return answer.items;
  }
}

function same_shape(a: Timeline, b: Timeline): boolean {
  return (
    a.total === b.total &&
    a.buckets.length === b.buckets.length &&
    a.buckets.every((bucket, at) => {
      const other = b.buckets[at];
      return (
        other !== undefined &&
        other.bucket === bucket.bucket &&
        other.count === bucket.count &&
        bucket.ratios.every((ratio, i) => ratio === other.ratios[i])
      );
    })
  );
}

let present: LibraryStore | null = null;

/** Remembers which asset of which filter is open, so that coming back to the Library finds it. */
export function note_opened(filter: string, asset: string, index: number | null): void {
  if (present?.filter === filter) present.opened = { asset, index };
}

/** True when the Library has loaded that asset and knows a picture of it. */
export function has_picture(filter: string, asset: string): boolean {
  const index = present?.filter === filter ? present.index_of(asset) : null;
  return index !== null && present?.item(index)?.thumbnail === true;
}

/** The store of a filter; that of the filter before is let go. */
export function library_store(filter: string): LibraryStore {
  if (present?.filter !== filter) {
    present = new LibraryStore(filter);
    void present.load();
  } else if (present.problem !== null) void present.load();
  else present.refresh();
  return present;
}
