// How the Library is looked at: place, cursor, selection, size of rows. Positions are indexes among all items; the address bar keeps
// dates and positions within months, which stay true when newer items come.
import { tick } from "svelte";
import { router } from "../../lib/router.svelte";
import { bucket_at, beside, row_at, row_first, row_of, rows_to_draw, tiles_of, type Layout, type TileBox } from "./layout";
import { added, from_text, includes, NOTHING, removed, size, span, to_text, toggled, type Ranges } from "./ranges";
import type { LibraryStore } from "./store.svelte";

const ROW_HEIGHTS = [80, 110, 140, 180, 230, 300, 400];
const ROW_KEY = "exhibit.row-height";
/** Beyond this speed (pixels per millisecond) pictures fly by and are not worth loading. */
const FAST = 4;
/** Moves further apart than this are jumps: whoever jumps wants to see where. */
const MOVES_MS_MAX = 100;

export function stored_row_height(): number {
  const stored = Number(localStorage.getItem(ROW_KEY));
  return ROW_HEIGHTS.includes(stored) ? stored : innerWidth < 600 ? 110 : 180;
}

export class LibraryView {
  scroller: HTMLElement | undefined = $state();
  scroll = $state(0);
  height = $state(0);
  /** The page is scrolled too fast to see pictures. */
  fast = $state(false);
  cursor = $state(0);
  selected: Ranges = $state.raw(NOTHING);
  /** The place of the address bar has been reached; before that nothing is drawn. */
  arrived = $state(false);

  readonly layout: Layout | null = $derived.by(() => this.store.layout);
  private readonly window = $derived.by(() =>
    this.layout ? rows_to_draw(this.layout, this.scroll, this.height) : { first_row: 0, end_row: 0 },
  );
  // Numbers of their own: what hangs on them rests while the same rows are drawn, however far the page moves within them.
  readonly first_row = $derived(this.window.first_row);
  readonly end_row = $derived(this.window.end_row);
  readonly tiles: TileBox[] = $derived.by(() => {
    const tiles: TileBox[] = [];
    for (let row = this.first_row; row < this.end_row; row += 1) tiles.push(...this.row_tiles(row));
    return tiles;
  });
  readonly bucket = $derived.by(() => (this.layout ? bucket_at(this.layout, this.scroll + this.store.head) : null));
  readonly count = $derived(size(this.selected));
  /** The cursor where it is drawn, else the first tile in view: what the Tab key reaches. */
  readonly focusable = $derived.by(() => {
    const { layout } = this;
    if (!layout) return 0;
    const drawn = this.cursor >= row_first(layout, this.first_row) && this.cursor < row_first(layout, this.end_row);
    return drawn ? this.cursor : row_first(layout, row_at(layout, this.scroll));
  });

  private anchor: number | null = null;
  private scrolled_at = 0;
  private slow_timer: ReturnType<typeof setTimeout> | undefined;
  private write_timer: ReturnType<typeof setTimeout> | undefined;
  /** Where the page stood when its date was last put into the address bar. */
  private settled: { scroll: number; at: string } | null = null;
  private written = { at: "", selected: "" };

  constructor(readonly store: LibraryStore) {
    store.row_height = stored_row_height();
  }

  private row_cache: { layout: Layout | null; rows: Map<number, TileBox[]> } = { layout: null, rows: new Map() };

  /** Boxes of a row, the same objects as long as the row is drawn: tiles that stay are not touched while others come. */
  private row_tiles(row: number): TileBox[] {
    const { layout } = this;
    if (layout === null) return [];
    if (this.row_cache.layout !== layout || this.row_cache.rows.size > 400) this.row_cache = { layout, rows: new Map() };
    const known = this.row_cache.rows.get(row) ?? tiles_of(layout, row);
    this.row_cache.rows.set(row, known);
    return known;
  }

  /** Goes to what the address bar says, once the layout is there. */
  async arrive(): Promise<void> {
    const { at, selected } = router.query;
    const layout = this.layout;
    if (!layout) return;
    this.selected = from_text(selected ?? "", layout.buckets);
    this.written = { at: at ?? "", selected: selected ?? "" };
    this.arrived = true;
    await tick();
    const place = this.store.place;
    if (place !== null && place.at === (at ?? "")) {
      this.scroll_to((layout.row_tops[row_of(layout, place.index)] ?? 0) + place.offset);
    } else if (at) {
      const index = await this.store.index_at(at);
      if (index !== null) this.scroll_to_row(index);
    }
    this.settled = { scroll: this.scroll, at: at ?? "" };
    const opened = this.store.opened;
    this.store.opened = null;
    const index = opened === null ? null : (this.store.index_of(opened.asset) ?? opened.index);
    if (index !== null) this.go_to(index);
  }

  /** Follows the back and forward buttons within the Library. */
  follow(at: string, selected: string): void {
    if (!this.layout || !this.arrived) return;
    if (selected !== this.written.selected) this.selected = from_text(selected, this.layout.buckets);
    if (at !== this.written.at) {
      if (at === "") this.scroll_to(0);
      else void this.store.index_at(at).then((index) => index !== null && this.scroll_to_row(index));
    }
    this.written = { at, selected };
  }

  scrolled(time: number): void {
    const y = this.scroller?.scrollTop ?? 0;
    const since_ms = time - this.scrolled_at;
    const speed = Math.abs(y - this.scroll) / Math.max(1, since_ms);
    this.fast = speed > FAST && since_ms < MOVES_MS_MAX && Math.abs(y - this.scroll) > this.height / 2;
    this.scroll = y;
    this.scrolled_at = time;
    clearTimeout(this.slow_timer);
    this.slow_timer = setTimeout(() => (this.fast = false), 120);
    this.write_soon();
  }

  scroll_to(y: number): void {
    this.scroller?.scrollTo(0, y);
    this.scroll = this.scroller?.scrollTop ?? 0;
  }

  /** Puts the row of an item at the top, below the head of its month. */
  scroll_to_row(index: number): void {
    if (!this.layout) return;
    const top = this.layout.row_tops[row_of(this.layout, index)] ?? 0;
    const box = bucket_at(this.layout, top);
    this.scroll_to(box && box.first_row === row_of(this.layout, index) ? box.top : top - this.store.head);
  }

  /** Moves the cursor and brings it into view; with `select` everything from where that began is chosen. */
  go_to(index: number, options: { select?: boolean; focus?: boolean } = {}): void {
    const { layout } = this;
    if (!layout || layout.total === 0) return;
    const to = Math.max(0, Math.min(layout.total - 1, index));
    if (options.select) {
      this.anchor ??= this.cursor;
      this.selected = added(this.reach === null ? this.selected : removed(this.selected, this.reach), span(this.anchor, to));
      this.reach = span(this.anchor, to);
    } else {
      this.anchor = null;
      this.reach = null;
    }
    this.cursor = to;
    const row = row_of(layout, to);
    const top = layout.row_tops[row] ?? 0;
    const bottom = top + (layout.row_heights[row] ?? 0);
    if (top - this.store.head < this.scroll) this.scroll_to(top - this.store.head);
    else if (bottom + 8 > this.scroll + this.height) this.scroll_to(bottom + 8 - this.height);
    if (options.focus !== false) void tick().then(() => this.focus_cursor());
    this.write_soon();
  }

  /** The range that the present walk with Shift has chosen: it shrinks again when the walk turns back. */
  private reach: readonly [number, number] | null = null;

  focus_cursor(): void {
    this.scroller?.querySelector<HTMLElement>(`[data-index="${this.cursor}"] a`)?.focus({ preventScroll: true });
  }

  move(step: number, select = false): void {
    this.go_to(this.cursor + step, { select });
  }

  move_row(step: -1 | 1, select = false): void {
    if (this.layout) this.go_to(beside(this.layout, this.cursor, step), { select });
  }

  move_view(step: -1 | 1): void {
    if (!this.layout) return;
    const row = row_at(this.layout, (this.layout.row_tops[row_of(this.layout, this.cursor)] ?? 0) + step * this.height * 0.9);
    this.go_to(row_first(this.layout, row));
  }

  is_selected(index: number): boolean {
    return includes(this.selected, index);
  }

  toggle(index: number): void {
    this.selected = toggled(this.selected, index);
    this.cursor = index;
    this.anchor = index;
    this.reach = null;
    this.write_soon();
  }

  /** Everything between the last chosen item and this one. */
  select_to(index: number): void {
    this.selected = added(this.selected, span(this.anchor ?? this.cursor, index));
    this.cursor = index;
    this.write_soon();
  }

  /** All of a month, or none of it when all of it is chosen. */
  toggle_bucket(first: number, count: number): void {
    const whole = span(first, first + count - 1);
    const chosen = size(this.selected) - size(removed(this.selected, whole)) === count;
    this.selected = chosen ? removed(this.selected, whole) : added(this.selected, whole);
    this.write_soon();
  }

  select_all(): void {
    const total = this.layout?.total ?? 0;
    this.selected = total === 0 ? NOTHING : [[0, total - 1]];
    this.write_soon();
  }

  clear_selection(): void {
    this.selected = NOTHING;
    this.anchor = null;
    this.reach = null;
    this.write_soon();
  }

  /** One step larger or smaller; what is at the top stays there. */
  resize_rows(step: -1 | 1): void {
    const now = ROW_HEIGHTS.indexOf(this.store.row_height);
    const next = ROW_HEIGHTS[Math.max(0, Math.min(ROW_HEIGHTS.length - 1, now + step))] ?? 180;
    if (next === this.store.row_height) return;
    localStorage.setItem(ROW_KEY, String(next));
    this.keep_place(() => (this.store.row_height = next));
  }

  /** Changes the layout without changing what is at the top. */
  keep_place(change: () => void): void {
    const before = this.place();
    change();
    void tick().then(() => {
      if (before === null || !this.layout || this.scroll === 0) return;
      this.scroll_to((this.layout.row_tops[row_of(this.layout, before.index)] ?? 0) + before.offset);
    });
  }

  /** Shows the newer timeline; what is at the top stays there, and months that changed lose their selection. */
  async take_waiting(): Promise<boolean> {
    const before = this.layout;
    const at = this.scroll > 0 && before ? this.store.date_of(row_first(before, row_at(before, this.scroll))) : null;
    const chosen = before ? to_text(this.selected, before.buckets) : "";
    const counts = new Map(before?.buckets.map((bucket) => [bucket.bucket, bucket.count]));
    this.store.take_waiting();
    await tick();
    if (!this.layout) return true;
    const unchanged = this.layout.buckets.filter((bucket) => counts.get(bucket.bucket) === bucket.count);
    const had = this.count;
    this.selected = from_text(chosen, unchanged);
    const index = at === null ? null : await this.store.index_at(at);
    if (index !== null) this.scroll_to_row(index);
    this.write_soon();
    return this.count === had;
  }

  /** Keeps the place for when the Library is come back to. */
  leave(): void {
    clearTimeout(this.write_timer);
    clearTimeout(this.slow_timer);
    this.store.place = this.place();
  }

  private place(): { at: string; index: number; offset: number } | null {
    if (!this.layout || this.layout.rows === 0) return null;
    const row = row_at(this.layout, this.scroll);
    const top = this.layout.row_tops[row] ?? 0;
    return { at: this.written.at, index: row_first(this.layout, row), offset: this.scroll - top };
  }

  private write_soon(): void {
    clearTimeout(this.write_timer);
    this.write_timer = setTimeout(() => this.write(), 300);
  }

  /** Place and selection into the address bar, without a new entry for the back button. */
  write(): void {
    if (!this.layout || !this.arrived) return;
    const top = row_first(this.layout, row_at(this.layout, this.scroll + this.store.head));
    // A place that has not been left keeps its date: a row may hold two days, and the date would wander with each reload.
    const stays = this.settled !== null && Math.abs(this.settled.scroll - this.scroll) < 4;
    const at = stays ? (this.settled?.at ?? "") : this.scroll < 4 ? "" : (this.store.date_of(top) ?? "");
    this.settled = { scroll: this.scroll, at };
    const selected = to_text(this.selected, this.layout.buckets);
    this.written = { at, selected };
    router.set_query({ at, selected }, { replace: true });
  }
}
