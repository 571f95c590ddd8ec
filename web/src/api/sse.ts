// Server-sent events over `fetch`: unlike EventSource it can resume after a pause of our own (Last-Event-ID), sees the status of a
// refusal, and stops at once.

export interface ServerEvent {
  event: string;
  data: string;
}

/** Cuts a stream of text into events; keeps what is unfinished. Field rules are those of the HTML standard. */
export class EventParser {
  private rest = "";
  private event = "";
  private data: string[] = [];
  /** The last id seen; what a reconnect sends as Last-Event-ID. */
  last_id: string | null = null;

  push(text: string): ServerEvent[] {
    const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? "";
    const events: ServerEvent[] = [];
    for (const line of lines) {
      if (line === "") {
        if (this.data.length > 0) events.push({ event: this.event || "message", data: this.data.join("\n") });
        this.event = "";
        this.data = [];
      } else {
        this.field(line);
      }
    }
    return events;
  }

  /** Forgets a half event of a connection that broke; the last id stays. */
  restart(): void {
    this.rest = "";
    this.event = "";
    this.data = [];
  }

  private field(line: string): void {
    if (line.startsWith(":")) return;
    const colon = line.indexOf(":");
    const name = colon === -1 ? line : line.slice(0, colon);
    let value = colon === -1 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (name === "event") this.event = value;
    else if (name === "data") this.data.push(value);
    else if (name === "id" && !value.includes("\0")) this.last_id = value;
  }
}

export interface StreamHooks {
  /** Connected. `gap`: events may have been missed, because nothing was heard before that could be resumed after. */
  opened(gap: boolean): void;
  event(event: ServerEvent): void;
  /** The connection broke or was refused; `status` is 0 when no answer came. Another attempt follows unless it is one of `FINAL`. */
  closed(status: number): void;
}

/** Answers after which asking again is of no use: nobody logged in, no permission, and a server that has no such stream. */
const FINAL = [401, 403, 404];
/** Longest silence before the connection counts as dead; the server sends a comment line every 15 s. */
const SILENCE_MS = 40_000;
const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 15_000;

/** Waiting time before attempt `failures + 1`: doubles up to a bound. */
export function retry_delay_ms(failures: number): number {
  return Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.max(0, failures - 1));
}

export class EventStream {
  private readonly parser = new EventParser();
  private abort: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private watchdog: ReturnType<typeof setTimeout> | undefined;
  private failures = 0;
  private opened_before = false;

  constructor(
    private readonly url: string,
    private readonly hooks: StreamHooks,
  ) {}

  /** Connects, resuming after the last event seen. Does nothing while connected. */
  start(): void {
    clearTimeout(this.timer);
    if (this.abort !== null) return;
    this.abort = new AbortController();
    void this.read(this.abort);
  }

  stop(): void {
    clearTimeout(this.timer);
    clearTimeout(this.watchdog);
    const abort = this.abort;
    this.abort = null;
    abort?.abort();
  }

  private async read(abort: AbortController): Promise<void> {
    let status = 0;
    try {
      const headers: Record<string, string> = { accept: "text/event-stream" };
      if (this.parser.last_id !== null) headers["last-event-id"] = this.parser.last_id;
      const response = await fetch(this.url, { headers, credentials: "same-origin", cache: "no-store", signal: abort.signal });
      status = response.status;
      if (response.ok && response.body !== null) await this.drain(response.body, abort);
    } catch {
      // Broken, refused or stopped: what follows is the same.
    }
    clearTimeout(this.watchdog);
    if (this.abort !== abort) return;
    this.abort = null;
    this.failures += 1;
    this.hooks.closed(status);
    if (!FINAL.includes(status)) this.timer = setTimeout(() => this.start(), retry_delay_ms(this.failures));
  }

  private async drain(body: ReadableStream<Uint8Array>, abort: AbortController): Promise<void> {
    this.parser.restart();
    this.failures = 0;
    const gap = this.opened_before && this.parser.last_id === null;
    this.opened_before = true;
    this.hooks.opened(gap);
    const reader = body.getReader();
    const decoder = new TextDecoder();
    for (;;) {
      this.watch(abort);
      const { done, value } = await reader.read();
      if (done) return;
      for (const event of this.parser.push(decoder.decode(value, { stream: true }))) this.hooks.event(event);
    }
  }

  private watch(abort: AbortController): void {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => abort.abort(), SILENCE_MS);
  }
}
