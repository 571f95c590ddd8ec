// What happens in the agents room, as it happens: a stream of its own, open while one of its pages is shown.
import { untrack } from "svelte";
import { EventStream, type ServerEvent } from "../api/sse";
import type { AgentsEventName } from "../api/agents_desk";
import { agents_events_url } from "../api/routes";
import { live } from "./live.svelte";
import { session } from "./session.svelte";

/** What an event tells: ids, and how things stand. */
type Told = { readonly [name: string]: unknown };
type Listener = (told: Told | null) => void;

/** After a first event, others that come with it are waited for: an ingest tells of a session, an alert and a delivery. */
const GATHER_MS = 250;
/** The least time between two loads, so that a busy feed costs a page one load a second. */
const REST_MS = 1_000;

class AgentsLive {
  /** `unknown` until the server has answered; `none` where it has no such stream or the login may not follow it. */
  state = $state<"unknown" | "live" | "lost" | "none">("unknown");
  /** Pages of the room that are shown; while one is left for another they are two. */
  private users = 0;
  private readonly listeners = new Map<AgentsEventName | "reset", Set<Listener>>();
  private stream: EventStream | null = null;

  use(): () => void {
    this.users += 1;
    if (this.users === 1) this.open();
    return () => {
      this.users -= 1;
      // Another page of the room takes over in the same turn; only leaving the room closes the stream.
      queueMicrotask(() => {
        if (this.users === 0) this.close();
      });
    };
  }

  on(event: AgentsEventName | "reset", listener: Listener): () => void {
    const set = this.listeners.get(event) ?? new Set();
    this.listeners.set(event, set);
    set.add(listener);
    return () => set.delete(listener);
  }

  /** A server that was not there is back, perhaps in another version. */
  retry(): void {
    this.stream?.start();
  }

  private open(): void {
    this.stream ??= new EventStream(agents_events_url, {
      opened: (gap) => {
        this.state = "live";
        if (gap) this.tell("reset");
      },
      // `lost` says that more went by than the server tells one by one.
      event: (event: ServerEvent) => this.tell(event.event === "lost" ? "reset" : event.event, event.data),
      closed: (status) => {
        if (status === 401) session.lost();
        this.state = status === 403 || status === 404 ? "none" : "lost";
      },
    });
    this.stream.start();
    document.addEventListener("visibilitychange", this.seen);
  }

  private close(): void {
    this.stream?.stop();
    this.stream = null;
    this.state = "unknown";
    document.removeEventListener("visibilitychange", this.seen);
  }

  // Browsers allow six connections to a host without TLS; a page that nobody sees gives this one back and resumes later.
  private readonly seen = (): void => {
    if (document.visibilityState === "visible") this.stream?.start();
    else this.stream?.stop();
  };

  private tell(event: string, data?: string): void {
    for (const listener of this.listeners.get(event as AgentsEventName) ?? []) listener(told_in(data));
  }
}

function told_in(data: string | undefined): Told | null {
  try {
    const parsed: unknown = JSON.parse(data ?? "null");
    return typeof parsed === "object" ? (parsed as Told | null) : null;
  } catch {
    return null;
  }
}

export const agents_live = new AgentsLive();

/**
 * Calls `reload` soon after one of these events, at most once a second, and when events were missed. Call it while a component is set up.
 * `reload` has to leave what is being read where it is. `concerns` says whether an event is about what is shown.
 */
export function follow_agents(events: readonly AgentsEventName[], reload: () => void, concerns: (told: Told) => boolean = () => true): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let last = -Infinity;

  function soon(told: Told | null): void {
    if (timer !== undefined || (told !== null && !concerns(told))) return;
    timer = setTimeout(
      () => {
        timer = undefined;
        last = performance.now();
        reload();
      },
      Math.max(GATHER_MS, last + REST_MS - performance.now()),
    );
  }

  $effect(() => {
    const stop = [untrack(() => agents_live.use()), ...[...events, "reset" as const].map((event) => agents_live.on(event, soon))];
    return () => {
      clearTimeout(timer);
      timer = undefined;
      for (const end of stop) end();
    };
  });
  $effect(() => {
    void live.connects;
    untrack(() => agents_live.retry());
  });
}
