//! A client of the older contract: it knows the fields that there were then, takes each by its type, and passes over all others.

#![expect(dead_code, reason = "that a field can be read is all that this client wants of it")]

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Reads an answer of a shape as the client would; what it trips over.
pub fn read(shape: &str, value: &Value) -> Result<(), String> {
    fn as_a<T: DeserializeOwned>(value: &Value) -> Result<(), String> {
        serde_json::from_value::<T>(value.clone()).map(drop).map_err(|error| error.to_string())
    }
    match shape {
        "Ledger" => as_a::<Ledger>(value),
        "Detail" => as_a::<Detail>(value),
        "Analytics" => as_a::<Analytics>(value),
        "Matrix" => as_a::<Matrix>(value),
        "Rules" => as_a::<Rules>(value),
        "AlertRule" => as_a::<Rule>(value),
        "Active" => as_a::<Active>(value),
        "Status" => as_a::<System>(value),
        "Logs" => as_a::<Logs>(value),
        "Killed" => as_a::<Killed>(value),
        "Spawned" => as_a::<Spawned>(value),
        "ModelSet" => as_a::<ModelSet>(value),
        "Taken" => as_a::<Taken>(value),
        "Refused" => as_a::<Refused>(value),
        "Said" | "Failed" => as_a::<Said>(value),
        "Forbidden" => as_a::<Forbidden>(value),
        other => panic!("an older client never asked for {other}"),
    }
}

/// A field that may be left out, and is never null.
fn given<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(reader: D) -> Result<Option<T>, D::Error> {
    T::deserialize(reader).map(Some)
}

/// A text or null, and never left out.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Nullable {
    Text(String),
    Null(()),
}

macro_rules! older {
    ($($name:ident { $($field:ident: $kind:ty,)* ; $($maybe:ident: $maybe_kind:ty,)* })*) => {
        $(
            #[derive(Debug, Deserialize)]
            #[serde(rename_all = "camelCase")]
            pub struct $name {
                $(pub $field: $kind,)*
                $(#[serde(default, deserialize_with = "given")] pub $maybe: Option<$maybe_kind>,)*
            }
        )*
    };
}

older! {
    Ledger { rows: Vec<LedgerEntry>, total: u64, ; }
    LedgerEntry {
        session_id: String, agent_id: String, agent_label: String, model_id: String, status: Status, started_at: String,
        runtime_ms: u64, artifact_count: u64, ingested_at: String, ;
        run_id: String, task_title: String, task_text: String, task_category: String, ended_at: String, error_code: String,
        error_message: String, source_version: String,
    }
    Detail { ledger: LedgerEntry, events: Vec<Event>, ; usage: Usage, }
    Event { event_id: String, session_id: String, seq: u64, event_type: EventType, event_ts: String, payload: Map<String, Value>, ; }
    Usage {
        session_id: String, runtime_ms: u64, cost_confidence: Confidence, computed_at: String, ;
        prompt_tokens: u64, completion_tokens: u64, total_tokens: u64, cost_usd: f64, provider: String, pricing_version: String,
    }
    Analytics { totals: Totals, provenance: Sources, series: Vec<Day>, ; }
    Sources { token: Map<String, Value>, runtime: Map<String, Value>, cost: Map<String, Value>, ; }
    Totals { runs: u64, tokens: u64, runtime_ms: u64, cost_usd: f64, ; }
    Day { date: String, tokens: u64, runtime_ms: u64, cost_usd: f64, runs: u64, ; }
    Matrix { rows: Vec<MatrixRow>, ; }
    MatrixRow {
        model_id: String, runs_total: u64, success_count: u64, failure_count: u64, success_rate: f64, median_runtime_ms: f64,
        median_cost_usd: f64, sample_warning: bool, failed_drilldown: Drilldown, ;
    }
    Drilldown { status: String, model: String, ; from: String, to: String, agent: String, }
    Rules { rows: Vec<Rule>, ; }
    Rule {
        rule_id: String, enabled: bool, metric: String, scope_type: ScopeType, warn_threshold: f64, critical_threshold: f64,
        window: Window, comparison: Comparison, dedup_cooldown_sec: u64, created_at: String, updated_at: String, ;
        scope_ref: Scope,
    }
    Scope { ; agent_id: String, model_id: String, }
    Active { rows: Vec<ActiveAlert>, ; }
    ActiveAlert {
        rule_id: String, metric: String, scope: Scope, value: f64, warn_threshold: f64, critical_threshold: f64, status: AlertStatus,
        triggered_at: String, deduped: bool, ;
    }
    System { generated_at: String, source: String, gateway: Gateway, agents: Vec<Agent>, ; }
    Gateway { connected: bool, healthy: bool, ; }
    Agent { id: String, name: String, status: AgentState, last_activity_at: Nullable, reason: String, ; }
    Logs { logs: Vec<Line>, ; }
    Line { ts: String, level: String, msg: String, ; }
    Killed { ok: bool, session_id: String, output: String, ; }
    Spawned { ok: bool, session_id: Nullable, output: String, ; }
    ModelSet { ok: bool, provider: String, model: String, ; }
    Taken { ok: bool, session_id: String, revision: u64, fingerprint: String, ; }
    Refused { error: Refusal, ; }
    Refusal { code: String, message: String, details: Vec<Problem>, ; }
    Problem { field: String, message: String, ; }
    Said { error: String, ; }
    Forbidden { error: String, required_scope: String, ; }
}

macro_rules! words {
    ($($name:ident { $($word:ident = $text:literal),* })*) => {
        $(#[derive(Debug, Deserialize, PartialEq, Eq)] pub enum $name { $(#[serde(rename = $text)] $word,)* })*
    };
}

words! {
    Status { Success = "success", Failed = "failed", Killed = "killed", Cancelled = "cancelled", Running = "running", Queued = "queued" }
    EventType {
        ToolCall = "tool_call", Message = "message", Transition = "state_transition", Artifact = "artifact", Error = "error",
        Metric = "metric"
    }
    Confidence { Exact = "exact", Estimated = "estimated", Unknown = "unknown" }
    ScopeType { Global = "global", Agent = "agent", Model = "model", AgentModel = "agent_model" }
    Window { FiveMinutes = "5m", Hour = "1h", Day = "24h", Week = "7d" }
    Comparison { Gt = "gt", Gte = "gte" }
    AlertStatus { Warning = "warning", Critical = "critical", Resolved = "resolved" }
    AgentState { Running = "running", Idle = "idle", Failed = "failed", Done = "done" }
}
