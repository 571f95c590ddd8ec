// One function per route, in the order of the documentation. Pages call these and never spell a path themselves.
import { get, patch, post, remove, with_query } from "./client";
import type * as a from "./agents";
import type * as d from "./agents_desk";
import type * as t from "./types";

const part = encodeURIComponent;

export const me = (signal?: AbortSignal) => get<t.Me>("/v1/me", {}, signal);
export const log_in = (token: string) => post<t.Me>("/v1/session", { token });
export const log_out = () => remove<null>("/v1/session");
export const status = (signal?: AbortSignal) => get<t.Status>("/v1/status", {}, signal);

export const sources = (signal?: AbortSignal) => get<t.Page<t.Source>>("/v1/sources", {}, signal);
export const outcomes = (name: string, limit = 100, signal?: AbortSignal) =>
  get<t.Page<t.Outcome>>(`/v1/sources/${part(name)}/outcomes`, { limit }, signal);
export const add_source = (root: string, name?: string) => post<t.Scan>("/v1/sources", name ? { root, name } : { root });
export const scan_source = (name: string) => post<t.Scan>(`/v1/sources/${part(name)}/scan`);
export const scans = (signal?: AbortSignal) => get<t.Page<t.Scan>>("/v1/scans", {}, signal);

/** An empty filter is one, too: every asset fulfils it. */
export const check_filter = (text: string, signal?: AbortSignal) => get<t.FilterCheck>(`/v1/filters?text=${part(text)}`, {}, signal);

export const assets = (query: t.Asked<"list_assets">, signal?: AbortSignal) =>
  get<t.Page<t.AssetLine>>("/v1/assets", query, signal);
export const asset = (id: string, sandboxes: boolean, signal?: AbortSignal) =>
  get<t.AssetView>(`/v1/assets/${part(id)}`, { sandboxes }, signal);
export const original_url = (id: string) => `/v1/assets/${part(id)}/original`;
export const thumbnail_url = (id: string, edge: 256 | 1024) => `/v1/assets/${part(id)}/thumbnail?edge=${edge}`;

export const timeline = (filter: string, signal?: AbortSignal) => get<t.Timeline>("/v1/timeline", { filter }, signal);
export const timeline_page = (
  bucket: string,
  query: t.Asked<"get_bucket">,
  signal?: AbortSignal,
) => get<t.TimelinePage>(`/v1/timeline/${part(bucket)}`, query, signal);
export const neighbours = (filter: string, asset: string, signal?: AbortSignal) =>
  get<t.Neighbours>("/v1/timeline/neighbours", { filter, asset }, signal);

export const collections = (signal?: AbortSignal) => get<t.Page<t.Collection>>("/v1/collections", {}, signal);
export const collection = (name: string, signal?: AbortSignal) => get<t.CollectionView>(`/v1/collections/${part(name)}`, {}, signal);
export const create_collection = (collection: t.NewCollection) => post<t.Collection>("/v1/collections", collection);
export const delete_collection = (name: string) => remove<unknown>(`/v1/collections/${part(name)}`);

export const pipelines = (signal?: AbortSignal) => get<t.Page<t.Pipeline>>("/v1/pipelines", {}, signal);
export const pipeline = (name: string, signal?: AbortSignal) => get<t.Pipeline>(`/v1/pipelines/${part(name)}`, {}, signal);

export const runs = (query: t.Asked<"list_runs">, signal?: AbortSignal) =>
  get<t.Page<t.RunStatus>>("/v1/runs", query, signal);
export const run = (id: string, signal?: AbortSignal) => get<t.RunStatus>(`/v1/runs/${part(id)}`, {}, signal);
export const start_run = (run: t.NewRun) => post<t.RunStatus>("/v1/runs", run);
export const act_on_run = (id: string, action: t.RunAction, body: t.Retry = {}) =>
  post<t.RunStatus>(`/v1/runs/${part(id)}/${action}`, body);
export const run_units = (
  id: string,
  query: t.Asked<"list_units">,
  signal?: AbortSignal,
) => get<t.Page<t.RunUnit>>(`/v1/runs/${part(id)}/units`, query, signal);
export const run_artifacts = (id: string, query: t.Asked<"list_artifacts">, signal?: AbortSignal) =>
  get<t.Page<t.Fact>>(`/v1/runs/${part(id)}/artifacts`, query, signal);
export const compare_runs = (first: string, second: string, examples = 20, signal?: AbortSignal) =>
  get<t.Comparison>(`/v1/runs/${part(first)}/compare/${part(second)}`, { examples }, signal);

export const explanation = (artifact: string, signal?: AbortSignal) => get<t.Explanation>(`/v1/artifacts/${part(artifact)}`, {}, signal);
export const explanation_url = (artifact: string) => `/v1/artifacts/${part(artifact)}`;
export const lineage_url = (artifact: string) => `/v1/artifacts/${part(artifact)}/lineage`;
export const blob_url = (artifact: string) => `/v1/artifacts/${part(artifact)}/blob`;

export const jobs = (signal?: AbortSignal) => get<t.Page<t.Job>>("/v1/jobs", {}, signal);
export const job = (id: string, signal?: AbortSignal) => get<t.Job>(`/v1/jobs/${part(id)}`, {}, signal);
export const cancel_job = (id: string) => post<t.Job>(`/v1/jobs/${part(id)}/cancel`);
export const verify_all = (blobs: boolean) => post<t.Job>("/v1/verify", { blobs });
export const replay = (artifact: string) => post<t.Job>(`/v1/artifacts/${part(artifact)}/replay`);
export const make_export = (wanted: t.NewExport) => post<t.Job>("/v1/exports", wanted);
export const export_url = (job: string) => `/v1/exports/${part(job)}/file`;
export const clean_plan = (signal?: AbortSignal) => get<t.CleanPlan>("/v1/clean", {}, signal);
export const clean = () => post<t.Job>("/v1/clean");
export const checkpoint = (signal?: AbortSignal) => get<t.Checkpoint>("/v1/ledger", {}, signal);
export const check_checkpoint = (note: string, key: string) => post<t.Extension>("/v1/ledger/check", { note, key });
export const audit = (query: t.Asked<"list_audit">, signal?: AbortSignal) => get<t.Page<t.AuditLine>>("/v1/audit", query, signal);

export const extractors = (signal?: AbortSignal) => get<t.Extractors>("/v1/extractors", {}, signal);
export const doctor = (signal?: AbortSignal) => get<t.Doctor>("/v1/doctor", {}, signal);
export const settings = (signal?: AbortSignal) => get<t.Settings>("/v1/settings", {}, signal);
export const events_url = (run?: string) => with_query("/v1/events", { run });

export const agents_ledger = (query: a.LedgerQuery, signal?: AbortSignal) => get<a.Ledger>("/api/v3/ledger", { ...query }, signal);
export const agents_session = (id: string, events_after: string | null, signal?: AbortSignal) =>
  get<a.SessionDetail>(`/api/v3/ledger/${part(id)}`, { include: "calls", eventsAfter: events_after }, signal);
export const agents_costs = (id: string, signal?: AbortSignal) =>
  get<a.SessionDetail & { costs: a.CostRevision[] }>(`/api/v3/ledger/${part(id)}`, { include: "costs" }, signal).then((found) => found.costs);
export const agents_proof = (id: string, signal?: AbortSignal) =>
  get<a.SessionDetail & { proof: a.SessionProof }>(`/api/v3/ledger/${part(id)}`, { include: "proof" }, signal).then((found) => found.proof);
export const agents_proof_url = (id: string) => `/api/v3/ledger/${part(id)}?include=proof`;
export const agents_session_url = (id: string) => `/api/v3/ledger/${part(id)}?include=calls`;
export const agents_usage = (query: a.UsageQuery, signal?: AbortSignal) => get<a.Usage>("/api/v3/analytics/usage", { ...query }, signal);
export const agents_models = (query: a.MatrixQuery, signal?: AbortSignal) =>
  get<{ rows: a.MatrixRow[] }>("/api/v3/analytics/performance", { ...query }, signal);
export const alert_rules = (signal?: AbortSignal) => get<{ rows: a.AlertRule[] }>("/api/v3/alerts/rules", {}, signal);
export const create_alert_rule = (rule: Omit<a.RuleBody, "enabled">) => post<a.AlertRule>("/api/v3/alerts/rules", rule);
export const change_alert_rule = (id: string, rule: Partial<a.RuleBody>) => patch<a.AlertRule>(`/api/v3/alerts/rules/${part(id)}`, rule);
export const delete_alert_rule = (id: string) => remove<null>(`/v1/agents/alerts/rules/${part(id)}`);
export const active_alerts = (signal?: AbortSignal) => get<{ rows: a.ActiveAlert[] }>("/api/v3/alerts/active", {}, signal);
export const alert_transitions = (query: { rule: string | null; limit: number; cursor: string | null }, signal?: AbortSignal) =>
  get<t.Page<a.AlertTransition>>("/v1/agents/alerts/transitions", query, signal);
export const ack_alert = (rule: string, scopeKey: string) =>
  post<{ items: a.AlertInstance[] }>(`/v1/agents/alerts/rules/${part(rule)}/ack`, { scopeKey });
export const silence_alert = (rule: string, scopeKey: string, seconds: number) =>
  post<{ items: a.AlertInstance[] }>(`/v1/agents/alerts/rules/${part(rule)}/silence`, { seconds, scopeKey });
/** With `rule`, what that rule would find, whether or not it is saved; else what all saved ones would do. Nothing is written. */
export const preview_alerts = (rule?: Omit<a.RuleBody, "enabled">, signal?: AbortSignal) =>
  post<d.AlertEvaluation>("/v1/agents/alerts/evaluate", { dryRun: true, ...(rule && { rule }) }, signal);
export const alert_deliveries = (query: { state: string | null; limit: number; cursor: string | null }, signal?: AbortSignal) =>
  get<t.Page<d.AlertDelivery>>("/v1/agents/alerts/deliveries", query, signal);
export const alert_channels = (signal?: AbortSignal) => get<{ items: d.AlertChannel[] }>("/v1/agents/alerts/channels", {}, signal);
export const create_channel = (channel: d.NewChannel) => post<d.AlertChannel>("/v1/agents/alerts/channels", channel);
export const change_channel = (id: string, changes: Partial<Omit<d.NewChannel, "id">>) =>
  patch<d.AlertChannel>(`/v1/agents/alerts/channels/${part(id)}`, changes);
export const delete_channel = (id: string) => remove<null>(`/v1/agents/alerts/channels/${part(id)}`);

export const agents_events_url = "/v1/agents/events";
export const agents_status = (signal?: AbortSignal) => get<d.AgentsStatus>("/api/system/status", {}, signal);
export const agents_logs = (signal?: AbortSignal) => get<{ logs: d.LogLine[] }>("/api/logs", {}, signal);
export const kill_session = (sessionId: string, dryRun: boolean) => post<d.Killed>("/api/control/kill", { sessionId, dryRun });
export const spawn_session = (order: d.SpawnOrder) => post<d.Begun>("/api/control/spawn", order);
export const set_model = (order: d.ModelOrder) => post<d.ModelSet>("/api/control/model", order);
export const control_audit = (query: { limit: number; cursor: string | null }, signal?: AbortSignal) =>
  get<t.Page<d.Order>>("/v1/agents/control/audit", query, signal);

export const price_lists = (query: { limit: number; cursor: string | null }, signal?: AbortSignal) => get<t.Page<d.PriceList>>("/v1/agents/prices", query, signal);
export const price_list = (version: string, signal?: AbortSignal) => get<d.PriceBody>(`/v1/agents/prices/${part(version)}`, {}, signal);
export const recompute = (ask: d.RecomputeAsk) => post<{ jobId: string }>("/v1/agents/prices/recompute", ask);
export const recompute_job = (id: string, signal?: AbortSignal) => get<d.Recompute>(`/v1/agents/prices/recompute/${part(id)}`, {}, signal);

export const import_file = (ask: d.ImportAsk) => post<d.ImportDetail>("/v1/agents/import", ask);
export const import_reports = (query: { limit: number; cursor: string | null }, signal?: AbortSignal) =>
  get<t.Page<d.ImportReport>>("/v1/agents/import/reports", query, signal);
export const import_report = (id: string, cursor: string | null, signal?: AbortSignal) =>
  get<d.ImportDetail>(`/v1/agents/import/reports/${part(id)}`, { cursor }, signal);
export const import_drift = (signal?: AbortSignal) => get<t.Page<d.ImportedFile>>("/v1/agents/import/drift", {}, signal);
