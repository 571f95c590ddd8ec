//! Strict reading of rules: the first thing that is wrong, in the words and the order of the contract.

use exhibit_model::json::SAFE_INTEGER_MAX;
use exhibit_model::time::Timestamp;
use serde_json::{Map, Value};

use super::ids::RuleId;
use super::rule::Rule;
use super::scope::Scope;
use super::window::Zone;
use super::words::{Comparison, Metric, NoData, ScopeType, Window};

/// Longest name of a rule, in bytes: it stands in a table cell.
const NAME_BYTES_MAX: usize = 256;

/// Longest id of an agent or a model, in bytes: the same as in the contract of ingest, so that every id can be named.
const ID_BYTES_MAX: usize = 256;

/// Channels of a rule: more people than this are reached through one channel that fans out.
const CHANNELS_MAX: usize = 16;

/// Longest cooldown, in seconds: a leap year. Whoever wants to hear nothing for longer disables the rule.
const COOLDOWN_SEC_MAX: i64 = 366 * 86_400;

/// Largest minimum of samples: beyond it a rule would never speak.
const MIN_SAMPLE_MAX: i64 = 1_000_000;

/// Longest name of an unknown field that an answer repeats, in characters.
const ECHO_CHARS_MAX: usize = 128;

/// The fields that a rule is read from.
const FIELDS: [&str; 15] = [
    "enabled",
    "metric",
    "scopeType",
    "scopeRef",
    "warnThreshold",
    "criticalThreshold",
    "window",
    "comparison",
    "dedupCooldownSec",
    "name",
    "hysteresisPct",
    "minSample",
    "noData",
    "timeZone",
    "channels",
];

/// The fields that only the service sets; older clients send them back as they got them.
const IGNORED: [&str; 3] = ["ruleId", "createdAt", "updatedAt"];

/// What is wrong with the body of a rule or a channel. The text is the exact message of the answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The body is JSON, but no object.
    #[error("Invalid JSON payload")]
    NotAnObject,
    /// A field is absent or says nothing.
    #[error("{0} is required")]
    Required(&'static str),
    /// A threshold is absent or no number.
    #[error("{0} must be a number")]
    NotANumber(&'static str),
    /// The second threshold is below the first.
    #[error("criticalThreshold must be >= warnThreshold")]
    CriticalBelowWarning,
    /// A word that is not in the list of the field, or a field that nobody knows.
    #[error("{0} is not supported")]
    NotSupported(String),
    /// A value that the field cannot have.
    #[error("{0} is not valid")]
    NotValid(String),
}

impl Problem {
    /// [`Problem::NotSupported`] with as much of the name as an answer repeats.
    pub(super) fn not_supported(field: &str) -> Self {
        Self::NotSupported(field.chars().take(ECHO_CHARS_MAX).collect())
    }

    /// [`Problem::NotValid`] for a field.
    pub(super) fn not_valid(field: &str) -> Self {
        Self::NotValid(field.to_owned())
    }
}

/// The fields of a body that makes something. JSON that is no object has none, so that what is missing is named.
pub(super) fn fields(body: &Value) -> Map<String, Value> {
    body.as_object().cloned().unwrap_or_default()
}

/// The fields of a body that changes something: one without fields would change nothing in silence.
pub(super) fn object(body: &Value) -> Result<&Map<String, Value>, Problem> {
    body.as_object().ok_or(Problem::NotAnObject)
}

/// Reads the fields of a rule; `null` is the same as absent.
pub(super) fn read(
    map: &Map<String, Value>,
    rule_id: RuleId,
    created_at: Timestamp,
    updated_at: Timestamp,
) -> Result<Rule, Problem> {
    let required = Required::read(map)?;
    let metric = word(required.metric, "metric", Metric::of_word)?;
    let scope_type = word(required.scope_type, "scopeType", ScopeType::of_word)?;
    let window = word(required.window, "window", Window::of_word)?;
    let comparison = word(required.comparison, "comparison", Comparison::of_word)?;
    let no_data = get(map, "noData").map_or(Ok(NoData::Resolve), |value| word(value, "noData", NoData::of_word))?;
    // What is not supported is told before anything that is not valid.
    let scope_ref = match scope_fields(map, scope_type) {
        Err(problem @ Problem::NotSupported(_)) => return Err(problem),
        scope_ref => scope_ref,
    };
    if let Some(name) = unknown(map, |name| FIELDS.contains(&name) || IGNORED.contains(&name)) {
        return Err(Problem::not_supported(name));
    }
    let scope_ref = scope_ref?;
    Ok(Rule {
        rule_id,
        enabled: optional(map, "enabled", Value::as_bool)?.unwrap_or(true),
        metric,
        scope: Scope {
            scope_type,
            agent_id: scope_id(scope_ref, "agentId")?,
            model_id: scope_id(scope_ref, "modelId")?,
        },
        warn_threshold: valid(required.warn, "warnThreshold", |value| value >= 0.0 && is_exact(value))?,
        critical_threshold: valid(required.critical, "criticalThreshold", is_exact)?,
        window,
        comparison,
        cooldown_sec: optional(map, "dedupCooldownSec", |value| whole(value, COOLDOWN_SEC_MAX))?.unwrap_or(300),
        created_at,
        updated_at,
        name: optional(map, "name", |value| text(value, NAME_BYTES_MAX))?.filter(|name| !name.is_empty()),
        hysteresis_pct: optional(map, "hysteresisPct", percent)?.unwrap_or(0.0),
        min_sample: optional(map, "minSample", |value| whole(value, MIN_SAMPLE_MAX))?.unwrap_or(1),
        no_data,
        zone: optional(map, "timeZone", |value| value.as_str().and_then(Zone::parse))?.unwrap_or_default(),
        channels: optional(map, "channels", channels)?.unwrap_or_default(),
        silenced_until: None,
    })
}

/// The fields without which there is no rule.
struct Required<'a> {
    metric: &'a Value,
    scope_type: &'a Value,
    warn: f64,
    critical: f64,
    window: &'a Value,
    comparison: &'a Value,
}

impl<'a> Required<'a> {
    fn read(map: &'a Map<String, Value>) -> Result<Self, Problem> {
        let metric = present(map, "metric")?;
        let scope_type = present(map, "scopeType")?;
        let number = |name| get(map, name).and_then(Value::as_f64).ok_or(Problem::NotANumber(name));
        let warn = number("warnThreshold")?;
        let critical = number("criticalThreshold")?;
        if critical < warn {
            return Err(Problem::CriticalBelowWarning);
        }
        let window = present(map, "window")?;
        let comparison = present(map, "comparison")?;
        Ok(Self { metric, scope_type, warn, critical, window, comparison })
    }
}

/// A field that is there and not `null`.
pub(super) fn get<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    map.get(name).filter(|value| !value.is_null())
}

/// A field that says something: what older clients knew as missing is missing (`""`, `false`, 0).
fn present<'a>(map: &'a Map<String, Value>, name: &'static str) -> Result<&'a Value, Problem> {
    let says = |value: &&Value| match value {
        Value::Bool(flag) => *flag,
        Value::String(text) => !text.is_empty(),
        Value::Number(number) => number.as_f64() != Some(0.0),
        _ => true,
    };
    get(map, name).filter(says).ok_or(Problem::Required(name))
}

fn word<T>(value: &Value, name: &str, known: impl Fn(&str) -> Option<T>) -> Result<T, Problem> {
    value.as_str().and_then(known).ok_or_else(|| Problem::not_supported(name))
}

/// The first name in byte order that is not known.
pub(super) fn unknown(map: &Map<String, Value>, known: impl Fn(&str) -> bool) -> Option<&str> {
    map.keys().map(String::as_str).filter(|name| !known(name)).min()
}

/// `scopeRef`, unless it names nothing. A name that the type of the scope has no room for is refused: it would be ignored in silence.
fn scope_fields(map: &Map<String, Value>, scope_type: ScopeType) -> Result<Option<&Map<String, Value>>, Problem> {
    let fields = match get(map, "scopeRef") {
        None => return Ok(None),
        Some(Value::Object(fields)) => fields,
        Some(_) if scope_type == ScopeType::Global => return Err(Problem::not_supported("scopeRef")),
        Some(_) => return Err(Problem::not_valid("scopeRef")),
    };
    if fields.is_empty() {
        return Ok(None);
    }
    let allowed: &[&str] = match scope_type {
        ScopeType::Global => return Err(Problem::not_supported("scopeRef")),
        ScopeType::Agent => &["agentId"],
        ScopeType::Model => &["modelId"],
        ScopeType::AgentModel => &["agentId", "modelId"],
    };
    let fits =
        |name: &str| allowed.contains(&name) || (["agentId", "modelId"].contains(&name) && fields[name].is_null());
    match unknown(fields, fits) {
        Some(name) => Err(Problem::not_supported(&format!("scopeRef.{name}"))),
        None => Ok(Some(fields)),
    }
}

/// An id in `scopeRef`; an empty one names nobody.
fn scope_id(fields: Option<&Map<String, Value>>, name: &str) -> Result<Option<String>, Problem> {
    let Some(value) = fields.and_then(|fields| get(fields, name)) else { return Ok(None) };
    let id = text(value, ID_BYTES_MAX).ok_or_else(|| Problem::NotValid(format!("scopeRef.{name}")))?;
    Ok(Some(id).filter(|id| !id.is_empty()))
}

/// A field that may be absent.
pub(super) fn optional<T>(
    map: &Map<String, Value>,
    name: &str,
    read: impl Fn(&Value) -> Option<T>,
) -> Result<Option<T>, Problem> {
    get(map, name).map(|value| read(value).ok_or_else(|| Problem::not_valid(name))).transpose()
}

fn valid(value: f64, name: &str, holds: impl Fn(f64) -> bool) -> Result<f64, Problem> {
    if holds(value) { Ok(value) } else { Err(Problem::not_valid(name)) }
}

/// Whether a number is within those that every reader keeps; it is finite, then.
fn is_exact(number: f64) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "2^53 - 1 is exact as a double")]
    let max = SAFE_INTEGER_MAX as f64;
    number.abs() <= max
}

/// A text that is not too long, and holds no U+0000, which not every database keeps.
pub(super) fn text(value: &Value, bytes_max: usize) -> Option<String> {
    value.as_str().filter(|text| text.len() <= bytes_max && !text.contains('\0')).map(str::to_owned)
}

/// A whole number from 0, also when it is written with a point.
fn whole(value: &Value, max: i64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "only integral values within 2^53 are converted")]
    let integral = |number: f64| (number.fract() == 0.0 && is_exact(number)).then_some(number as i64);
    let number = value.as_i64().or_else(|| value.as_f64().and_then(integral))?;
    (0..=max).contains(&number).then_some(number)
}

/// From 0 to below 100: at 100 a level with `gte` could never be left.
fn percent(value: &Value) -> Option<f64> {
    value.as_f64().filter(|percent| (0.0..100.0).contains(percent))
}

fn channels(value: &Value) -> Option<Vec<String>> {
    let items = value.as_array().filter(|items| items.len() <= CHANNELS_MAX)?;
    let mut ids = Vec::with_capacity(items.len());
    for item in items {
        let id = item.as_str().filter(|id| super::channel::is_id(id))?.to_owned();
        if ids.contains(&id) {
            return None;
        }
        ids.push(id);
    }
    Some(ids)
}
