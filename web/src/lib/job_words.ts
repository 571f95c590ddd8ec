// Jobs in words. Pure.
import type { Job, JobWhat } from "../api/types";
import { bytes, count, duration_s, rate } from "./format";

export const WHAT: Record<JobWhat, { verb: string; short: string }> = {
  verify: { verb: "Check", short: "checking" },
  replay: { verb: "Replay", short: "replay" },
  export: { verb: "Export", short: "export" },
  clean: { verb: "Clean up", short: "cleaning" },
};

/** How far it is, from 0 to 1; null while nobody knows. */
export function part_of(job: Pick<Job, "done" | "total">): number | null {
  return job.total === null || job.total === 0 ? null : Math.min(1, job.done / job.total);
}

/** `3,214 of 5,050 records · 41/s · 45 s left`, `12.3 MB of 80.0 MB · 9.1 MB/s`; what is not known is left out. */
export function job_progress(job: Pick<Job, "done" | "total" | "unit" | "started">, now: Date): string {
  const said = (n: number) => (job.unit === "bytes" ? bytes(n) : count(n));
  const unit = job.unit === "bytes" ? "" : ` ${job.unit}`;
  const parts = [job.total === null ? `${said(job.done)}${unit}` : `${said(job.done)} of ${said(job.total)}${unit}`];
  const took_s = (now.getTime() - new Date(job.started).getTime()) / 1000;
  const per_s = took_s >= 1 ? job.done / took_s : 0;
  if (per_s > 0) parts.push(job.unit === "bytes" ? `${bytes(per_s)}/s` : rate(per_s));
  if (per_s > 0 && job.total !== null && job.total > job.done) parts.push(`${duration_s((job.total - job.done) / per_s)} left`);
  return parts.join(" · ");
}
