//! What the tests of alerts share: a rule to begin with.

use exhibit_model::time::Timestamp;
use serde_json::{Value, json};

use super::Rule;

/// A moment from its text.
pub(super) fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// The least that makes a rule, with fields of its own in place or beside: warn at 10 USD, critical at 50.
pub(super) fn body(fields: &Value) -> Value {
    let mut body = json!({
        "metric": "rolling_cost_usd", "scopeType": "global", "warnThreshold": 10, "criticalThreshold": 50,
        "window": "1h", "comparison": "gt"
    });
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// A rule from [`body`].
pub(super) fn rule(fields: &Value) -> Rule {
    Rule::create(&body(fields), 0, at("2026-02-18T00:00:00Z")).unwrap()
}
