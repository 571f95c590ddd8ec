// The shapes of the HTTP API under the names that pages call them by. They come from `schema.ts`, which is made out of the document of the
// API; written by hand is only what that document leaves open: which words a text can be, what lies in a payload, and the events.
import type { components, operations } from "./schema";

type Schemas = components["schemas"];

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type JsonObject = { [key: string]: Json };

/** A shape of the document with what is known about fields that it leaves open; fields that it does not have are refused. */
type Known<T, Part extends { [K in keyof Part]: K extends keyof T ? unknown : never }> = Omit<T, keyof Part> & Part;

type Parameters<Route extends keyof operations> = NonNullable<operations[Route]["parameters"]["query"]>;
/** What a route can be asked: its query parameters; `null` leaves one out. */
export type Asked<Route extends keyof operations> = { [Name in keyof Parameters<Route>]: Parameters<Route>[Name] | null };

export type MediaClass = Schemas["MediaClass"];
export type RunState = Schemas["RunState"];
export type UnitState = Schemas["UnitState"];
export type Policy = Schemas["Policy"];
export type UnitCounts = Partial<Record<UnitState, number>>;
export type Scope = "read" | "control" | "admin" | "ingest";

export interface Page<T> extends Omit<Schemas["SourceViewPage"], "items"> {
  items: T[];
}

export type ProblemPlace = Schemas["Mistake"];
/** What stands between us and the server may answer, too, and knows nothing of problems. */
export type ProblemBody = Partial<Schemas["Problem"]>;

export type Me = Known<Schemas["Me"], { scopes: Scope[] }>;
export type Status = Schemas["Status"];
export type Source = Known<Schemas["SourceView"], { class: "sacred" | "reapable" }>;
export type NewSource = Schemas["NewSource"];
export type Outcome = Schemas["OutcomeView"];
export type Scan = Known<Schemas["ScanView"], { state: "running" | "done" | "failed" }>;
export type FilterCheck = Schemas["FilterAnswer"];

export type AssetLine = Schemas["AssetLine"];
export type AssetPath = Known<Schemas["PathView"], { state: "present" | "missing" | "closed" }>;
/** Its payload is `null` once it was erased; its facts were made of an asset, those of pages are. */
export type Fact = Known<Schemas["FactView"], { payload: JsonObject; asset_id: string }>;
export type AssetUnit = Schemas["UnitView"];
export type Companion = Schemas["Companion"];
export type AssetView = Known<Schemas["AssetView"], { facts: Fact[]; paths: AssetPath[] }>;

export type TimelineBucket = Schemas["TimelineBucket"];
export type Timeline = Schemas["Timeline"];
export type TimelineItem = Schemas["TimelineItem"];
export type TimelinePage = Schemas["BucketItems"];
export type Neighbours = Schemas["Neighbours"];

type Kind = { kind: "all" | "static" | "dynamic" | "withdrawn" };
/** One of a list, or one that was made here: they have names. One that was made for a run has none. */
export type Collection = Known<Schemas["CollectionView"], Kind & { name: string }>;
export type CollectionView = Known<Schemas["CollectionDetail"], Kind>;
export type NewCollection = Schemas["NewCollection"];

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

export type PipelineStep = Known<Schemas["StepView"], { params: JsonObject; params_schema: ParamsSchema }>;
export type Pipeline = Known<Schemas["PipelineView"], { steps: PipelineStep[] }>;

type Counted = { policy: Policy; units: UnitCounts };
export type RunStep = Known<Schemas["StepStatus"], { units: UnitCounts }>;
export type RunReason = Schemas["ReasonStatus"];
export type RunStatus = Known<Schemas["RunStatus"], Counted & { steps: RunStep[] }>;
/** A run of a list and of an event, which have no reasons. */
export type RunSummary = Omit<RunStatus, "reasons">;
export type NewRun = Schemas["NewRun"];
/** What of a run is done again: all that failed, one unit, or what failed in one step for one reason. */
export type Retry = Schemas["RetryBody"];
export type RunAction = "cancel" | "pause" | "resume" | "retry" | "promote";
export type RunUnit = Schemas["UnitLine"];

/** The part of a benchmark record that pages show (`schemas/kinds/run.benchmark`). */
export interface Benchmark {
  started: string;
  ended: string;
  hosts: {
    extractor_cpu_us: number;
    extractor_rss_bytes_max: number;
    host_cpu_us: number;
    host_rss_bytes_max: number;
    wall_us: number;
    workers: number;
  }[];
  machine: { build: string; cores: number; kernel: string; memory_bytes: number; processor: string };
}

type Both<T> = [T, T];
export type RunSide = Known<Schemas["RunSide"], Counted & { benchmark: Benchmark | null }>;
export type Verdict = Schemas["Verdict"];
type Time = Both<number | null>;
export type ComparedStep = Known<Schemas["StepPair"], { mean_us: Time; p50_us: Time; p95_us: Time; params: { [name: string]: Both<Json> } }>;
export type DifferingFact = Schemas["Difference"];
export type Comparison = Known<Schemas["Comparison"], { runs: Both<RunSide>; steps: ComparedStep[] }>;

export type Envelope = Known<Schemas["Envelope"], { payload: JsonObject }>;
export type InclusionProof = Schemas["InclusionProof"];
type Made = Known<Schemas["MadeView"], { policy: Policy; params: JsonObject; host: JsonObject }>;
export type Explanation = Known<Schemas["Explanation"], { artifact: Envelope; made: Made }>;

export type Extractor = Known<Schemas["ExtractorView"], { origin: "built-in" | "plug-in"; params: ParamsSchema }>;
export type Extractors = Known<Schemas["Extractors"], { items: Extractor[] }>;

export type JobWhat = "verify" | "replay" | "export" | "clean";
export type Job = Known<Schemas["Job"], { what: JobWhat; unit: "records" | "blobs" | "bytes" | "results"; problem: ProblemBody | null }>;
export type NewExport = Schemas["ExportBody"];
export type CleanPlan = Schemas["CleanPlan"];
export type Checkpoint = Schemas["CheckpointView"];
export type Extension = Schemas["Extension"];
export type AuditLine = Schemas["AuditLine"];

/** What came of a job, by what it was. The document says that this is what the command line prints, and nothing of its shape. */
export interface JobResults {
  verify: {
    records: number;
    batches: number;
    blobs: number;
    blob_bytes: number;
    problem_count: number;
    problems: Schemas["LedgerProblem"][];
    root: string;
  };
  replay: { artifact: string; identical: boolean; content_hash: string; replayed_content_hash: string | null; differences: string[] };
  export: {
    assets: number;
    originals: number;
    facts: number;
    blobs: number;
    files: number;
    bytes: number;
    failed: number;
    failures: { subject: string; path?: string; code: string; reason: string }[];
  };
  clean: CleanPlan;
}

/** What `exhibit doctor --json` prints; the document calls it an object. */
export interface Doctor {
  ok: boolean;
  checks: { name: string; ok: boolean; says: string }[];
  kernel: JsonObject;
}

/** The configuration that the server read; the document calls it an object. */
export interface Settings {
  home: string;
  listen: string;
  config: { [section: string]: Json };
}

/** Server-sent events by name: OpenAPI has no words for them, `docs/reference/api.md` has. */
export interface LiveEvents {
  run: RunEvent;
  artifacts: { items: ArtifactNews[]; more: boolean };
  scan: Scan;
  job: Job;
  catalog: Record<string, never>;
  reset: Record<string, never>;
}

export type RunEvent = RunSummary & { rate_per_s: number | null };
export type ArtifactNews = Pick<Fact, "artifact_id" | "asset_id" | "kind"> & { run: string };
