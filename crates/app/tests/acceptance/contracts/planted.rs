//! What the suites are worth: a field that is taken away, renamed or of another type is refused in every answer that was committed.

use serde_json::{Value, json};

use super::shape::{Part, differences, parts};
use super::{VOLATILE, decoder, folder};

/// Every answer of a suite as shape and body, with moments in place of what was masked.
fn answers(suite: &str) -> Vec<(String, Value)> {
    let text = std::fs::read_to_string(folder().join(format!("{suite}.json"))).expect("a committed copy");
    let heard: Value = serde_json::from_str(&text).expect("JSON");
    let answer = |one: &Value| (one["shape"].as_str().expect("a shape").to_owned(), unmasked(&one["body"]));
    heard.as_object().expect("answers").values().map(answer).collect()
}

fn unmasked(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(unmasked).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), unmasked(value))).collect(),
        Value::String(text) if VOLATILE.iter().any(|name| *text == format!("<{name}>")) => {
            json!("2026-01-02T03:04:05.000Z")
        }
        other => other.clone(),
    }
}

/// A body with another value at a place; without it when there is none.
fn changed(body: &Value, part: &Part, name: &str, value: Option<Value>) -> Value {
    let mut body = body.clone();
    let object = body.pointer_mut(&part.object).and_then(Value::as_object_mut).expect("an object");
    object.remove(&part.name);
    if let Some(value) = value {
        object.insert(name.to_owned(), value);
    }
    body
}

/// Plants every regression in every answer of these files; how many there were.
fn plant(suites: &[&str]) -> usize {
    let mut planted = 0;
    for (shape, body) in suites.iter().flat_map(|suite| answers(suite)) {
        assert_eq!(differences(&shape, &body), [""; 0], "as it was answered");
        assert_eq!(decoder::read(&shape, &body), Ok(()), "as it was answered");
        for part in parts(&shape, &body) {
            let here = body.pointer(&format!("{}/{}", part.object, part.name)).cloned();
            // No field has a list in a list in it.
            let retyped = changed(&body, &part, &part.name, Some(json!([[]])));
            let renamed = changed(&body, &part, &format!("{}_", part.name), here);
            let mut regressions = vec![("retyped", retyped), ("renamed", renamed)];
            if !part.may_be_null {
                regressions.push(("null", changed(&body, &part, &part.name, Some(Value::Null))));
            }
            if !part.is_optional {
                regressions.push(("removed", changed(&body, &part, "", None)));
            }
            for (what, regression) in regressions {
                let place = format!("{}/{}", part.object, part.name);
                assert_ne!(differences(&shape, &regression), [""; 0], "{shape}: {place} was {what}: {regression}");
                let is_needed = part.is_older && !part.is_optional;
                assert!(
                    !is_needed || decoder::read(&shape, &regression).is_err(),
                    "{shape}: {place} was {what}, and it was read"
                );
                planted += 1;
            }
        }
    }
    planted
}

#[test]
fn v1_ag_42_a_planted_regression_is_refused() {
    assert!(plant(&["v1"]) > 100);
}

#[test]
fn v2_ag_42_a_planted_regression_is_refused() {
    assert!(plant(&["v2"]) > 100);
}

#[test]
fn v3_ag_42_a_planted_regression_is_refused() {
    assert!(plant(&["v3-ledger", "v3-analytics", "v3-alerts"]) > 500);
}

#[test]
fn v41_ag_42_a_planted_regression_is_refused() {
    assert!(plant(&["v41"]) > 200);
}
