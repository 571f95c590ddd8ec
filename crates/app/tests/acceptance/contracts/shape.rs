//! The shapes of the older contract, copied from its tables, and a checker that holds an answer against them.
//!
//! A shape has two lists of fields: what older clients know, and what came later. An answer must have each older field with its type,
//! may leave out those with a question mark, never says null for them, and has nothing that stands in neither list: what is added is added here first,
//! so that nobody adds it by accident.

use serde_json::Value;

/// Name, fields that older clients know, fields that came later.
///
/// A field is its name, a question mark when it may be left out, and its type: none for a text, `int`, `num`, `bool`, `time` (ISO 8601 with
/// `Z` and milliseconds), `day`, `text|null`, `object`, `counts` (numbers by name), words with a bar between them, the name of a shape, or
/// that name in brackets for a list.
const SHAPES: &[(&str, &str, &str)] = &[
    (
        "LedgerEntry",
        "sessionId, runId?, agentId, agentLabel, modelId, taskTitle?, taskText?, taskCategory?, \
         status success|failed|killed|cancelled|running|queued, startedAt time, endedAt? time, runtimeMs int, artifactCount int, \
         errorCode?, errorMessage?, sourceVersion?, ingestedAt time",
        "usage? Usage",
    ),
    ("Event", "eventId, sessionId, seq int, eventType, eventTs time, payload object", ""),
    (
        "Usage",
        "sessionId, promptTokens? int, completionTokens? int, totalTokens? int, runtimeMs int, costUsd? num, \
         costConfidence exact|estimated|unknown, provider?, pricingVersion?, computedAt time, \
         tokenSource? provider_reported|derived|missing, runtimeSource? provider_reported|derived|missing, \
         costSource? provider_reported|derived|missing, tokenConfidence? high|medium|low|unknown, \
         runtimeConfidence? high|medium|low|unknown, costConfidenceLevel? high|medium|low|unknown",
        "",
    ),
    ("Ledger", "rows [LedgerEntry], total int", "next?"),
    ("Detail", "ledger LedgerEntry, usage? Usage, events [Event]", "eventsNext?, calls? [Call]"),
    (
        "Call",
        "",
        "sessionId, callId, responseId?, modelId, provider?, feed, status success|failed|cancelled, errorCode?, \
         serviceTier? standard|batch|flex|priority, startedAt time, durationMs? int, usage counts, totalOnly? int, semantics, \
         rawUsage? object, costUsd? num, pricingVersion?, tokenSource, tokenConfidence, costSource, costConfidence, \
         costConfidenceLevel, revision int, ledgerSeq int",
    ),
    ("Analytics", "totals Totals, provenance Sources, series [Day]", "coverage Coverage, groups? [Group]"),
    ("Totals", "runs int, tokens int, runtimeMs int, costUsd num", ""),
    ("Sources", "token counts, runtime counts, cost counts", ""),
    ("Day", "date day, tokens int, runtimeMs int, costUsd num, runs int", "unpricedRuns int"),
    ("Coverage", "", "pricedRuns int, unpricedRuns int, liveRuns int"),
    ("Group", "", "key?, tokens int, runtimeMs int, costUsd num, runs int, unpricedRuns int"),
    ("Matrix", "rows [MatrixRow]", ""),
    (
        "MatrixRow",
        "modelId, runsTotal int, successCount int, failureCount int, successRate num, medianRuntimeMs num, medianCostUsd num, \
         sampleWarning bool, failedDrilldown Drilldown",
        "killedCount int, cancelledCount int, inferredCount int, failureRate num, approx bool, provenance Known",
    ),
    ("Drilldown", "status failed, model, from?, to?, agent?", ""),
    ("Known", "", "runtime counts, cost counts"),
    ("Rules", "rows [AlertRule]", ""),
    (
        "AlertRule",
        "ruleId, enabled bool, metric daily_cost_usd|runtime_p95_ms|failure_rate|rolling_cost_usd, \
         scopeType global|agent|model|agent_model, scopeRef? Scope, warnThreshold num, criticalThreshold num, window 5m|1h|24h|7d, \
         comparison gt|gte, dedupCooldownSec int, createdAt time, updatedAt time",
        "name?, hysteresisPct num, minSample int, noData resolve|keep|alert, timeZone, channels texts",
    ),
    ("Scope", "agentId?, modelId?", "type? global|agent|model|agent_model"),
    ("Active", "rows [ActiveAlert]", ""),
    (
        "ActiveAlert",
        "ruleId, metric daily_cost_usd|runtime_p95_ms|failure_rate|rolling_cost_usd, scope Scope, value num, warnThreshold num, \
         criticalThreshold num, status warning|critical|resolved, triggeredAt time, deduped bool",
        "scopeType global|agent|model|agent_model, scopeKey, lifecycle active|suppressed|resolved, suppressedUntil? time, silencedUntil? time, episode int, \
         openedAt time, resolvedAt? time, ackedAt? time, sample int",
    ),
    ("Taken", "ok true, sessionId, revision int, fingerprint hash", "idempotent_replay? true, stale? true"),
    ("Said", "error", ""),
    ("Forbidden", "error, requiredScope ingest|read|control|admin", ""),
    ("Refused", "error Refusal", ""),
    ("Refusal", "code, message, details [Problem]", ""),
    ("Problem", "field, message", ""),
    ("Status", "generatedAt time, source gateway-ws, gateway Gateway, agents [Agent]", "controller"),
    ("Gateway", "connected bool, healthy bool", "stale bool, problem?"),
    (
        "Agent",
        "id, name, status running|idle|failed|done, lastActivityAt text|null, \
         reason no active session|session error|active session|last session completed|idle|gateway unavailable",
        "sessions [AgentSession]",
    ),
    ("AgentSession", "", "sessionId, state, modelId text|null, lastActivityAt text|null"),
    ("Logs", "logs [Line]", ""),
    ("Line", "ts, level, msg", ""),
    ("Killed", "ok true, sessionId, output", "outcome, finalState?, auditId"),
    ("Spawned", "ok true, sessionId text|null, output", "outcome, finalState?, auditId"),
    ("ModelSet", "ok true, provider, model", "outcome, finalState?, auditId"),
    ("Failed", "error", "sessionId?, outcome, finalState?, auditId"),
];

/// A field of a shape.
struct Field {
    name: &'static str,
    is_optional: bool,
    kind: &'static str,
}

fn fields(list: &'static str) -> Vec<Field> {
    let parts = list.split(", ").map(str::trim).filter(|part| !part.is_empty());
    let field = |part: &'static str| {
        let (name, kind) = part.split_once(' ').unwrap_or((part, "text"));
        Field { name: name.trim_end_matches('?'), is_optional: name.ends_with('?'), kind }
    };
    parts.map(field).collect()
}

/// Everything in which an answer is not of a shape, with its place; nothing when it is.
pub fn differences(shape: &str, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare(shape, value, shape, &mut found);
    found
}

fn compare(shape: &str, value: &Value, place: &str, found: &mut Vec<String>) {
    let (_, older, later) = shape_of(shape);
    let Some(object) = value.as_object() else {
        found.push(format!("{place}: no object"));
        return;
    };
    let known: Vec<Field> = fields(older).into_iter().chain(fields(later)).collect();
    for field in &known {
        let place = format!("{place}.{}", field.name);
        match object.get(field.name) {
            None if field.is_optional => {}
            None => found.push(format!("{place}: lacking")),
            Some(Value::Null) if !field.kind.ends_with("|null") => {
                found.push(format!("{place}: null, and not left out"))
            }
            Some(value) => compare_kind(field.kind, value, &place, found),
        }
    }
    for name in object.keys().filter(|name| known.iter().all(|field| field.name != name.as_str())) {
        found.push(format!("{place}.{name}: nobody knows it"));
    }
}

fn compare_kind(kind: &str, value: &Value, place: &str, found: &mut Vec<String>) {
    if let Some(shape) = kind.strip_prefix('[').and_then(|kind| kind.strip_suffix(']')) {
        let Some(items) = value.as_array() else {
            found.push(format!("{place}: no list"));
            return;
        };
        for (index, item) in items.iter().enumerate() {
            compare(shape, item, &format!("{place}[{index}]"), found);
        }
        return;
    }
    if kind.starts_with(|first: char| first.is_ascii_uppercase()) {
        compare(kind, value, place, found);
        return;
    }
    let text = value.as_str();
    let fits = match kind {
        "text" => text.is_some(),
        "text|null" => text.is_some() || value.is_null(),
        "texts" => value.as_array().is_some_and(|items| items.iter().all(Value::is_string)),
        "int" => value.is_i64() || value.is_u64(),
        "num" => value.is_number(),
        "bool" => value.is_boolean(),
        "true" => *value == Value::Bool(true),
        "object" => value.is_object(),
        "counts" => value.as_object().is_some_and(|counts| counts.values().all(Value::is_i64)),
        "time" => text.is_some_and(is_time),
        "day" => text.is_some_and(|text| has_form(text, "0000-00-00")),
        "hash" => text.is_some_and(|text| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())),
        words => text.is_some_and(|text| words.split('|').any(|word| word == text)),
    };
    if !fits {
        found.push(format!("{place}: {value} is not {kind}"));
    }
}

/// ISO 8601 with `Z` and milliseconds.
fn is_time(text: &str) -> bool {
    has_form(text, "0000-00-00T00:00:00.000Z")
}

/// True when a text has a digit where the form has 0, and what the form has elsewhere.
fn has_form(text: &str, form: &str) -> bool {
    let fits = |(byte, form): (u8, u8)| if form == b'0' { byte.is_ascii_digit() } else { byte == form };
    text.len() == form.len() && text.bytes().zip(form.bytes()).all(fits)
}

/// A field that an answer has, and where.
pub struct Part {
    /// JSON pointer of the object that it is a field of.
    pub object: String,
    /// Its name.
    pub name: String,
    /// Whether older clients know it.
    pub is_older: bool,
    /// Whether it may be left out.
    pub is_optional: bool,
    /// Whether it may be null.
    pub may_be_null: bool,
}

/// Every field that an answer of a shape has, at any depth. Of a list two items are enough: all have one shape.
pub fn parts(shape: &str, value: &Value) -> Vec<Part> {
    let mut found = Vec::new();
    collect(shape, value, ("", true), &mut found);
    found
}

/// `object` is where the value is, and whether older clients know that place.
fn collect(shape: &str, value: &Value, object: (&str, bool), found: &mut Vec<Part>) {
    let (object, is_known) = object;
    let (_, older, later) = shape_of(shape);
    let older = fields(older).into_iter().map(|field| (field, is_known));
    for (field, is_older) in older.chain(fields(later).into_iter().map(|field| (field, false))) {
        let Some(here) = value.get(field.name) else { continue };
        let place = format!("{object}/{}", field.name);
        if let Some(of) = field.kind.strip_prefix('[').and_then(|kind| kind.strip_suffix(']')) {
            for (index, item) in here.as_array().into_iter().flatten().take(2).enumerate() {
                collect(of, item, (&format!("{place}/{index}"), is_older), found);
            }
        } else if field.kind.starts_with(|first: char| first.is_ascii_uppercase()) {
            collect(field.kind, here, (&place, is_older), found);
        }
        let may_be_null = field.kind.ends_with("|null");
        let (object, name) = (object.to_owned(), field.name.to_owned());
        found.push(Part { object, name, is_older, is_optional: field.is_optional, may_be_null });
    }
}

fn shape_of(name: &str) -> &'static (&'static str, &'static str, &'static str) {
    SHAPES.iter().find(|shape| shape.0 == name).unwrap_or_else(|| panic!("there is no shape {name}"))
}

/// An answer is of a shape.
#[track_caller]
pub fn assert_is(shape: &str, value: &Value) {
    let found = differences(shape, value);
    assert!(found.is_empty(), "no {shape}: {found:#?}\n{value:#}");
}
