// One job as it goes: begun here or found running, followed by events, its result asked for in the end. Events carry no results.
import * as routes from "../api/routes";
import { as_problem, Problem } from "../api/problem";
import type { Job, JobResults, JobWhat } from "../api/types";
import { live } from "./live.svelte";
import { resource } from "./resource.svelte";
import { toasts } from "./toasts.svelte";

/** What a job that nobody looks at any more says when it ends. */
const ENDED: Record<JobWhat, string> = { verify: "Everything was checked.", replay: "The artifact was made again.", export: "The export is ready.", clean: "It is cleaned up." };

/** Jobs that were begun here and whose page or dialog was left. */
const left = new Set<string>();

/** Tells about jobs that end after their page was left; returns how to stop. */
export function tell_of_left_jobs(): () => void {
  return live.on("job", (job) => {
    if (job.state === "running" || !left.delete(job.job)) return;
    if (job.state === "done" && job.what === "export") {
      toasts.show(ENDED.export, "ok", { label: "Download", run: () => location.assign(routes.export_url(job.job)) });
    } else if (job.state === "done") toasts.show(ENDED[job.what], "ok");
    else if (job.state === "failed") toasts.show(`${job.problem?.detail ?? "A job failed."}`, "error");
  });
}

export interface Followed<W extends JobWhat> {
  /** As it stands; null when none was begun, or when the server was started anew and remembers none. */
  readonly job: Job | null;
  readonly result: JobResults[W] | null;
  /** Why it was not begun, or failed, or why its result cannot be shown. */
  readonly problem: Problem | null;
  readonly beginning: boolean;
  readonly running: boolean;
  begin(ask: () => Promise<Job>): Promise<void>;
  stop(): Promise<void>;
  /** Looks at none any more, so that another can be begun. */
  forget(): void;
}

/** Follows the job that was begun here, else the newest of that sort which `adopts` takes for its own. Call it while a component is set up. */
export function follow_job<W extends JobWhat>(what: W, adopts: (job: Job) => boolean = () => false): Followed<W> {
  let mine = $state<string | null>(null);
  let refused = $state.raw<Problem | null>(null);
  let beginning = $state(false);
  const newest = () => [...live.jobs.values()].filter((job) => job.what === what && adopts(job)).sort((a, b) => b.started.localeCompare(a.started))[0];
  const job = $derived((mine === null ? newest() : live.jobs.get(mine)) ?? null);
  const ended = resource(
    () => (job?.state === "done" ? job.job : null),
    async (id, signal) => (id === null ? null : ((await routes.job(id, signal)).result as JobResults[W])),
  );

  // A job that still runs when its page is left is told about when it ends.
  $effect(() => {
    const id = job?.state === "running" && mine !== null ? job.job : null;
    if (id === null) return;
    left.delete(id);
    return () => {
      if (live.jobs.get(id)?.state === "running") left.add(id);
    };
  });

  return {
    get job() {
      return job;
    },
    get result() {
      return job?.state === "done" ? (ended.data ?? null) : null;
    },
    get problem() {
      if (refused) return refused;
      if (job?.state === "failed") return new Problem(job.problem?.status ?? 500, job.problem ?? {}, null);
      return job?.state === "done" ? ended.problem : null;
    },
    get beginning() {
      return beginning;
    },
    get running() {
      return job?.state === "running";
    },
    async begin(ask) {
      if (beginning) return;
      beginning = true;
      refused = null;
      try {
        const begun = await ask();
        live.know_job(begun);
        mine = begun.job;
      } catch (error) {
        refused = as_problem(error);
      }
      beginning = false;
    },
    async stop() {
      if (job === null) return;
      try {
        live.know_job(await routes.cancel_job(job.job));
      } catch (error) {
        toasts.show(as_problem(error).message, "error");
      }
    },
    forget() {
      mine = null;
      refused = null;
    },
  };
}
