import { as_problem, is_abort, type Problem } from "../api/problem";
import type { Page } from "../api/types";
import { in_place } from "./arrivals";

/** A list that is loaded page by page, oldest part last. What is shown stays while more of it or all of it anew is loaded. */
export interface Paged<T> {
  readonly items: readonly T[] | undefined;
  readonly total: number | null;
  /** True when the server has more behind the last item. */
  readonly has_more: boolean;
  readonly problem: Problem | null;
  readonly loading: boolean;
  /** How many items came since, as far as `refresh` has seen, that are not in the list. */
  readonly arrived: number;
  more(): void;
  reload(): void;
  /** Looks at the newest page and changes items where they stand: nothing moves, and nothing that was loaded goes. */
  refresh(id: (item: T) => string): void;
}

/** Loads the first page now and whenever a reactive value that `key` reads changes. Call it while a component is set up. */
export function paged<K, T>(key: () => K, load: (key: K, cursor: string | null, signal: AbortSignal) => Promise<Page<T>>): Paged<T> {
  let items = $state.raw<readonly T[] | undefined>(undefined);
  let next = $state.raw<string | null>(null);
  let total = $state.raw<number | null>(null);
  let problem = $state.raw<Problem | null>(null);
  let loading = $state(true);
  let round = $state(0);
  let arrived = $state(0);
  let loaded_key: string | undefined;
  let abort = new AbortController();

  function ask(current: K, cursor: string | null): void {
    abort.abort();
    const mine = (abort = new AbortController());
    loading = true;
    load(current, cursor, mine.signal).then(
      (page) => {
        if (mine.signal.aborted) return;
        items = cursor === null ? page.items : [...(items ?? []), ...page.items];
        next = page.next ?? null;
        total = page.total ?? null;
        if (cursor === null) arrived = 0;
        problem = null;
        loading = false;
      },
      (error: unknown) => {
        if (mine.signal.aborted || is_abort(error)) return;
        problem = as_problem(error);
        loading = false;
      },
    );
  }

  async function look_again(id: (item: T) => string): Promise<void> {
    const before = items;
    if (loading || before === undefined) return;
    if (before.length === 0) return void (round += 1);
    const mine = abort;
    try {
      const page = await load(key(), null, mine.signal);
      if (mine.signal.aborted || items !== before) return;
      const now = in_place(before, page.items, id);
      items = now.rows;
      arrived = now.arrived;
    } catch {
      // What is shown stays; whoever asks for the list hears of the problem.
    }
  }

  $effect(() => {
    const current = key();
    void round;
    const name = JSON.stringify(current) ?? "";
    if (name !== loaded_key) items = undefined;
    loaded_key = name;
    ask(current, null);
    return () => abort.abort();
  });

  return {
    get items() {
      return items;
    },
    get total() {
      return total;
    },
    get has_more() {
      return next !== null;
    },
    get problem() {
      return problem;
    },
    get loading() {
      return loading;
    },
    get arrived() {
      return arrived;
    },
    more() {
      if (next !== null && !loading) ask(key(), next);
    },
    reload() {
      round += 1;
    },
    refresh(id) {
      void look_again(id);
    },
  };
}
