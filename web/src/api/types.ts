// The shapes of the HTTP API, as docs and server give them. Everything that the pages know about the wire is in this file.

export type MediaClass = "image" | "video" | "audio" | "other";
export type RunState = "queued" | "running" | "pausing" | "paused" | "cancelling" | "cancelled" | "completed" | "partial" | "failed";
export type UnitState = "pending" | "leased" | "done" | "done-empty" | "reused" | "failed" | "blocked" | "skipped" | "cancelled";
export type Policy = "production" | "sandbox";
export type UnitCounts = Partial<Record<UnitState, number>>;
export type Scope = "read" | "control" | "admin" | "ingest";
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface Page<T> {
  items: T[];
  next?: string | null;
  total?: number | null;
}

export interface ProblemPlace {
  pointer: string;
  code: string;
  message: string;
  /** For filters: where in the text, in bytes of UTF-8. */
  offset?: number;
  length?: number;
}

export interface ProblemBody {
  type?: string;
  title?: string;
  status?: number;
  code?: string;
  detail?: string;
  hint?: string | null;
  errors?: ProblemPlace[];
}

export interface Me {
  name: string;
  scopes: Scope[];
  expires: string | null;
}

export interface Status {
  version: string;
  backend: string;
  assets: number;
  sources: number;
  records: number;
  ledger_root: string | null;
  runs_open: number;
}

export interface Source {
  source: string;
  name: string;
  class: "sacred" | "reapable";
  root: string;
  online: boolean;
  added: string;
  scanned: string | null;
}

export interface Outcome {
  path: string;
  code: string;
  detail: string;
}

export interface Scan {
  source: string;
  name: string;
  state: "running" | "done" | "failed";
  seen: number;
  read: number;
  bytes: number;
  new: number;
  detail: string | null;
  started: string;
  ended: string | null;
}

export interface FilterCheck {
  text: string;
  matches: number;
}

export interface AssetLine {
  asset_id: string;
  media_type: string;
  size_bytes: number;
  source: string | null;
  path: string | null;
  path_b64: string | null;
  present: boolean;
  paths: number;
  captured_at: string | null;
  captured_source: string | null;
  camera: string | null;
  width: number | null;
  height: number | null;
  duration_ms: number | null;
}

export interface AssetPath {
  source: string;
  path: string;
  path_b64: string;
  state: "present" | "missing" | "closed";
  first_seen: string;
  last_seen: string;
}

export interface Fact {
  artifact_id: string;
  asset_id: string;
  kind: string;
  schema_version: number;
  span_start_ms: number | null;
  span_end_ms: number | null;
  payload: { [key: string]: Json };
  blob: string | null;
  blob_bytes: number | null;
  blob_media_type: string | null;
  content_hash: string;
}

export interface AssetUnit {
  run: string;
  unit: number;
  pipeline: string;
  counts: boolean;
  state: UnitState;
  reason: string | null;
  detail: string | null;
  ended: string | null;
}

export interface Companion {
  asset_id?: string;
  relation?: string;
  path?: string | null;
  [key: string]: Json | undefined;
}

export interface AssetView {
  asset_id: string;
  media_type: string;
  size_bytes: number;
  first_seen: string;
  paths: AssetPath[];
  companions: Companion[];
  companion_warnings: string[];
  facts: Fact[];
  units: AssetUnit[];
}

export interface TimelineBucket {
  /** A month, `2019-07`. */
  bucket: string;
  count: number;
  /** Width * 100 / height of each item, in order; 100 where it is not known. */
  ratios: number[];
}

export interface Timeline {
  version: string;
  total: number;
  buckets: TimelineBucket[];
}

export interface TimelineItem {
  asset_id: string;
  class: MediaClass;
  media_type: string;
  at: string;
  ratio: number;
  colour: string | null;
  duration_ms: number | null;
  thumbnail: boolean;
}

export interface TimelinePage {
  version: string;
  items: TimelineItem[];
}

export interface Neighbours {
  previous: string | null;
  next: string | null;
  index: number;
  total: number;
  bucket: string;
}

export interface Collection {
  collection: string;
  name: string;
  kind: "all" | "static" | "dynamic";
  filter: string | null;
  members: number | null;
  about: string;
  revision: number | null;
}

export interface CollectionView extends Collection {
  members_now: number;
  present_now: number;
  record: string;
  seq: number;
}

export type NewCollection = { name: string; about?: string; replace?: boolean } & (
  | { filter: string }
  | { assets: string[] }
  | { run: string; state: UnitState }
);

/** The part of JSON Schema that parameters use. */
export interface ParamsSchema {
  type?: string | string[];
  title?: string;
  description?: string;
  default?: Json;
  enum?: Json[];
  minimum?: number;
  maximum?: number;
  items?: ParamsSchema;
  properties?: { [name: string]: ParamsSchema };
  required?: string[];
  [key: string]: unknown;
}

export interface PipelineStep {
  name: string;
  extractor: string;
  profile: string;
  media: MediaClass[];
  params: { [name: string]: Json };
  params_schema: ParamsSchema;
  reads?: Json;
}

export interface Pipeline {
  name: string;
  version: string;
  about: string;
  steps: PipelineStep[];
}

export interface RunStep {
  step: string;
  extractor: string;
  units: UnitCounts;
}

export interface RunReason {
  step: string;
  state: "failed" | "blocked" | "skipped";
  reason: string;
  count: number;
  example_unit: number;
  example: string | null;
}

export interface RunSummary {
  run: string;
  pipeline: string;
  pipeline_version: string;
  policy: Policy;
  counts: boolean;
  expires: string | null;
  expired: string | null;
  state: RunState;
  /** Why it stands as it does, when that is more than its state says. */
  reason?: string | null;
  collection: string;
  collection_name: string | null;
  members: number;
  members_planned: number;
  created: string;
  started: string | null;
  ended: string | null;
  units: UnitCounts;
  scope: number;
  steps: RunStep[];
}

export interface RunStatus extends RunSummary {
  /** Left out of lists. */
  reasons?: RunReason[] | null;
}

/** What the `run` event carries: no reasons, but the rate of now. */
export interface RunEvent extends RunSummary {
  rate_per_s: number | null;
}

export interface NewRun {
  pipeline: string;
  collection?: string;
  filter?: string;
  policy?: Policy;
  set?: string[];
  recompute?: boolean;
}

export type RunAction = "cancel" | "pause" | "resume" | "retry" | "promote";

export interface RunUnit {
  unit: string;
  ordinal: number;
  step: string;
  state: UnitState;
  attempts: number;
  reason: string | null;
  detail: string | null;
  retryable: boolean;
  artifacts: number;
  asset_id: string | null;
}

export interface BenchmarkHost {
  extractor_cpu_us: number;
  extractor_rss_bytes_max: number;
  host_cpu_us: number;
  host_rss_bytes_max: number;
  wall_us: number;
  workers: number;
}

export interface Benchmark {
  started: string;
  ended: string;
  hosts: BenchmarkHost[];
  machine: { build: string; cores: number; kernel: string; memory_bytes: number; processor: string };
  [key: string]: unknown;
}

export interface RunSide {
  run: string;
  pipeline: string;
  pipeline_version: string;
  policy: Policy;
  members: number;
  units: UnitCounts;
  failed_part: number | null;
  benchmark: Benchmark | null;
}

export interface Verdict {
  run: string | null;
  because: string;
}

export interface ComparedStep {
  step: string;
  mean_us: [number | null, number | null];
  p50_us: [number | null, number | null];
  p95_us: [number | null, number | null];
  params: { [name: string]: [Json, Json] };
}

export interface DifferingFact {
  asset_id: string;
  kind: string;
  span_ms: [number, number] | null;
  first: string[];
  second: string[];
}

export interface Comparison {
  runs: [RunSide, RunSide];
  steps: ComparedStep[];
  faster: Verdict | null;
  more_reliable: Verdict | null;
  facts: {
    same: number;
    differing: number;
    only_first: number;
    only_second: number;
    examples: DifferingFact[];
  };
}

export interface Envelope {
  artifact_id: string;
  asset_id: string;
  artifact_type: string;
  schema_version: number;
  span_start_ms?: number | null;
  span_end_ms?: number | null;
  payload: { [key: string]: Json };
  blob?: { sha256: string; bytes: number; media_type: string } | null;
  producer: string;
  producer_version: string;
  model_profile: string | null;
  config_hash: string;
  input_hash: string;
  inputs: string[];
  run_id: string;
  content_hash: string;
  created_at: string;
}

export interface InclusionProof {
  seq: number;
  leaf: string;
  batch: number;
  first_seq: number;
  count: number;
  at_us: number;
  leaves_root: string;
  path_in_batch: string[];
  batches: number;
  path_in_ledger: string[];
  root: string;
}

export interface Explanation {
  artifact: Envelope;
  original: { media_type: string; size_bytes: number; paths: AssetPath[] };
  made: {
    pipeline: string;
    pipeline_version: string;
    step: string;
    params: { [name: string]: Json };
    policy: Policy;
    lineage_hash: string;
    host: { [name: string]: Json };
    attempts: number;
    started: string | null;
    ended: string | null;
  };
  ledger: InclusionProof;
  erased: boolean;
  proof_holds: boolean;
  problems: string[];
}

export interface Extractor {
  name: string;
  origin: "built-in" | "plug-in";
  version: string;
  about: string;
  media: MediaClass[];
  emits: { kind: string; schema_version: number }[];
  params: ParamsSchema;
  tools: { name: string; install?: string; required?: boolean; media_types?: string[] }[];
  limits: { [name: string]: Json };
}

export interface Extractors {
  items: Extractor[];
  broken: { name: string; reason: string }[];
}

export interface Doctor {
  ok: boolean;
  checks: { name: string; ok: boolean; says: string }[];
  kernel: { [name: string]: Json };
}

export interface Settings {
  home: string;
  listen: string;
  config: { [section: string]: Json };
}

export interface ArtifactNews {
  artifact_id: string;
  asset_id: string;
  kind: string;
  run: string;
}

/** Server-sent events by name. */
export interface LiveEvents {
  run: RunEvent;
  artifacts: { items: ArtifactNews[]; more: boolean };
  scan: Scan;
  catalog: Record<string, never>;
  reset: Record<string, never>;
}
