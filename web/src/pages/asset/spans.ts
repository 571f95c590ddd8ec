// Paths as lines over time. Pure.
import type { AssetPath } from "../../api/types";

export interface Span {
  /** 0 to 1 on the common axis. */
  from: number;
  to: number;
  /** The path is there still: its line goes on to the edge. */
  open: boolean;
}

export interface Axis {
  from: Date;
  to: Date;
  spans: Span[];
}

/** One axis for all paths, from the first time one was seen until now; a moment alone still gets a visible piece. */
export function spans_of(paths: readonly AssetPath[], now: Date): Axis {
  const starts = paths.map((path) => Date.parse(path.first_seen));
  const from = Math.min(now.getTime(), ...starts);
  const length = Math.max(1, now.getTime() - from);
  const share = (time: number) => Math.max(0, Math.min(1, (time - from) / length));
  const spans = paths.map((path) => {
    const open = path.state === "present";
    const end = open ? 1 : share(Date.parse(path.last_seen));
    const start = Math.min(share(Date.parse(path.first_seen)), 0.98);
    return { from: start, to: Math.max(end, start + 0.02), open };
  });
  return { from: new Date(from), to: now, spans };
}
