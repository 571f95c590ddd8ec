// One run as it goes: loaded once, changed by events, its reasons loaded anew when they must have changed.
import { untrack } from "svelte";
import * as routes from "../../api/routes";
import type { RunStatus } from "../../api/types";
import { keep_fresh } from "../../lib/fresh.svelte";
import { live } from "../../lib/live.svelte";
import { resource, type Resource } from "../../lib/resource.svelte";
import { merged, type ListedRun } from "./merge";
import { with_sample, type Sample } from "./rate";

/** Events do not carry reasons; asking for them more often than this would be a load for nothing. */
const REASONS_MS = 2_000;

/** Rates by run for as long as the page is open, so that a plot goes on after a look at another page. */
const rates = new Map<string, Sample[]>();

export interface Followed {
  readonly loaded: Resource<RunStatus>;
  readonly run: ListedRun | undefined;
  readonly samples: readonly Sample[];
  /** Takes in the answer to an action. */
  know(run: RunStatus): void;
}

/** Follows the run that `id` names. Call it while a component is set up. */
export function follow(id: () => string): Followed {
  const loaded = resource(id, (run, signal) => routes.run(run, signal));
  keep_fresh(loaded.reload);
  const run = $derived(loaded.data && merged(loaded.data, live.runs.get(loaded.data.run)));
  let samples = $state.raw<readonly Sample[]>([]);

  $effect(() => {
    const known = loaded.data?.run;
    if (known === undefined) return;
    samples = rates.get(known) ?? [];
    return live.on("run", (event) => {
      if (event.run !== known || event.state !== "running") return;
      const more = with_sample(rates.get(known) ?? [], { at_ms: Date.now(), per_s: event.rate_per_s ?? 0 });
      rates.set(known, more);
      samples = more;
    });
  });

  const without_result = $derived(run ? `${run.state} ${run.units.failed ?? 0} ${run.units.blocked ?? 0} ${run.units.skipped ?? 0}` : "");
  let asked_at = 0;
  let asked_for = "";
  $effect(() => {
    const wanted = without_result;
    if (wanted === "" || wanted === asked_for) return;
    if (asked_for === "") {
      asked_for = wanted;
      return;
    }
    const timer = setTimeout(
      () => {
        asked_for = wanted;
        asked_at = Date.now();
        untrack(() => loaded.reload());
      },
      Math.max(0, asked_at + REASONS_MS - Date.now()),
    );
    return () => clearTimeout(timer);
  });

  return {
    loaded,
    get run() {
      return run;
    },
    get samples() {
      return samples;
    },
    know(next) {
      live.know(next);
      loaded.set(next);
    },
  };
}
