// What happens on the server, as it happens: one stream for the whole page, whoever listens.
import { EventStream, type ServerEvent } from "../api/sse";
import { events_url } from "../api/routes";
import type { Job, LiveEvents, RunEvent, RunState, RunSummary } from "../api/types";
import { SvelteMap } from "svelte/reactivity";
import { session } from "./session.svelte";

const OPEN_STATES: RunState[] = ["queued", "running", "pausing", "paused", "cancelling"];
const WORKING_STATES: RunState[] = ["running", "pausing", "cancelling"];

/** True while a run of that state can still change by itself or be gone on with. */
export function is_open(state: RunState): boolean {
  return OPEN_STATES.includes(state);
}

type Listener<K extends keyof LiveEvents> = (data: LiveEvents[K]) => void;

class Live {
  state = $state<"connecting" | "live" | "offline" | "refused">("connecting");
  /** Since when the server has been out of reach. */
  offline_since = $state<Date | null>(null);
  /** Grows with each connection, so that pages load anew what they may have missed in between. */
  connects = $state(0);
  /** The newest event of each run heard of since the page was opened. */
  readonly runs = new SvelteMap<string, RunEvent>();
  /** Long work of the server that is no run, by id: what it remembers. A server that was started anew remembers nothing. */
  readonly jobs = new SvelteMap<string, Job>();
  readonly running_jobs = $derived([...this.jobs.values()].filter((job) => job.state === "running"));
  /** The run that is being worked on now, if any. */
  readonly working = $derived([...this.runs.values()].find((run) => WORKING_STATES.includes(run.state)) ?? null);

  private readonly listeners = new Map<string, Set<(data: never) => void>>();
  private stream: EventStream | null = null;
  private hide_timer: ReturnType<typeof setTimeout> | undefined;

  start(): void {
    if (this.stream !== null) return;
    this.stream = new EventStream(events_url(), {
      opened: (gap) => {
        // A run that ended while nobody listened is not told about again; those that are open come at once.
        this.runs.clear();
        this.jobs.clear();
        this.connects += 1;
        this.state = "live";
        this.offline_since = null;
        if (gap) this.take({ event: "reset", data: "{}" });
      },
      event: (event) => this.take(event),
      closed: (status) => {
        if (status === 401) session.lost();
        if (status === 403) {
          this.state = "refused";
          return;
        }
        this.offline_since ??= new Date();
        this.state = "offline";
      },
    });
    this.stream.start();
    document.addEventListener("visibilitychange", this.seen);
  }

  stop(): void {
    this.stream?.stop();
    this.stream = null;
    this.state = "connecting";
    this.offline_since = null;
    this.runs.clear();
    this.jobs.clear();
    document.removeEventListener("visibilitychange", this.seen);
  }

  /** Takes in what an action answered, ahead of the event that will say the same. */
  know(run: RunSummary): void {
    this.runs.set(run.run, { ...run, rate_per_s: this.runs.get(run.run)?.rate_per_s ?? null });
  }

  /** The same for a job. An event may have said more meanwhile. */
  know_job(job: Job): void {
    if (job.state !== "running" || !this.jobs.has(job.job)) this.jobs.set(job.job, job);
  }

  /** Tries again now instead of waiting for the next attempt. */
  retry(): void {
    this.stream?.start();
  }

  /** Listens to one kind of event; returns how to stop. Give it to `$effect`. */
  on<K extends keyof LiveEvents>(event: K, listener: Listener<K>): () => void {
    const set = this.listeners.get(event) ?? new Set();
    this.listeners.set(event, set);
    set.add(listener as (data: never) => void);
    return () => set.delete(listener as (data: never) => void);
  }

  // Browsers allow six connections to a host without TLS; pages in the background give theirs back and resume later.
  private readonly seen = (): void => {
    clearTimeout(this.hide_timer);
    if (document.visibilityState === "visible") this.stream?.start();
    else this.hide_timer = setTimeout(() => this.stream?.stop(), 30_000);
  };

  private take(event: ServerEvent): void {
    let data: unknown;
    try {
      data = JSON.parse(event.data);
    } catch {
      return;
    }
    if (event.event === "job") this.jobs.set((data as Job).job, data as Job);
    if (event.event === "run") this.take_run(data as RunEvent);
    // Runs may have ended unheard; those that are open are told anew.
    if (event.event === "reset") this.runs.clear();
    for (const listener of this.listeners.get(event.event) ?? []) listener(data as never);
  }

  private take_run(run: RunEvent): void {
    // The server leaves the rate out while nothing ends.
    this.runs.set(run.run, { ...run, rate_per_s: run.rate_per_s ?? null });
  }
}

export const live = new Live();
