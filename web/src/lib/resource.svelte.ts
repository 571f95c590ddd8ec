import { untrack } from "svelte";
import { as_problem, is_abort, type Problem } from "../api/problem";
import { live } from "./live.svelte";

/** Something a page loads. Data stays while it is loaded again and when that fails, so that nothing blinks and offline pages keep their last state. */
export interface Resource<T> {
  readonly data: T | undefined;
  readonly problem: Problem | null;
  readonly loading: boolean;
  /** Puts in what is already known, for example the answer to an action. */
  set(data: T): void;
  reload(): void;
}

/**
 * Loads with `load` now and whenever a reactive value that `key` reads changes; what is under way is aborted then.
 * A changed key drops the old data, `reload` keeps it. Call it while a component is set up.
 */
export function resource<K, T>(key: () => K, load: (key: K, signal: AbortSignal) => Promise<T>): Resource<T> {
  let data = $state.raw<T | undefined>(undefined);
  let problem = $state.raw<Problem | null>(null);
  let loading = $state(true);
  let round = $state(0);
  let loaded_key: string | undefined;

  $effect(() => {
    const current = key();
    void round;
    const name = JSON.stringify(current) ?? "";
    const abort = new AbortController();
    if (name !== loaded_key) data = undefined;
    loaded_key = name;
    loading = true;
    load(current, abort.signal).then(
      (loaded) => {
        if (abort.signal.aborted) return;
        data = loaded;
        problem = null;
        loading = false;
      },
      (error: unknown) => {
        if (abort.signal.aborted || is_abort(error)) return;
        problem = as_problem(error);
        loading = false;
      },
    );
    return () => abort.abort();
  });

  // What failed because the server was out of reach is asked for again when it is back.
  $effect(() => {
    if (live.state !== "live") return;
    untrack(() => {
      if (problem?.offline) round += 1;
    });
  });

  return {
    get data() {
      return data;
    },
    get problem() {
      return problem;
    },
    get loading() {
      return loading;
    },
    set(next: T) {
      data = next;
      problem = null;
    },
    reload() {
      round += 1;
    },
  };
}
