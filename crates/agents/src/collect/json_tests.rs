//! Lenient reading: what is odd is left out, and nothing panics.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn map(value: Value) -> Map<String, Value> {
    value.as_object().cloned().expect("an object")
}

#[test]
fn strings_do_not_count_as_structure() {
    let text = br#"{"a":"{[,\"{","b":[1,2]}"#;
    assert_eq!(Structure::of(text), Structure { containers: 2, values: 4, depth: 2 });
}

#[test]
fn lines_that_would_fill_the_memory_are_not_read() {
    let wide = format!("[{}]", "[],".repeat(50));
    assert_eq!(value(wide.as_bytes(), 10), Err(BadLine::TooLarge));
    let deep = "[".repeat(200);
    assert_eq!(value(deep.as_bytes(), 1_000), Err(BadLine::TooLarge));
    assert_eq!(object(b"[]", 10), Err(BadLine::NotJson));
}

#[test]
fn counts_come_as_numbers_and_as_digits() {
    for (value, expected) in [
        (json!(5), Some(5)),
        (json!(5.0), Some(5)),
        (json!("5"), Some(5)),
        (json!(5.5), None),
        (json!(-1), None),
        (json!(9_007_199_254_740_992_i64), None),
        (json!(1e300), None),
        (json!(null), None),
    ] {
        assert_eq!(count(&value), expected, "{value}");
    }
}

#[test]
fn moments_are_texts_or_milliseconds() {
    let said = map(json!({ "a": "2026-01-02T03:04:05Z", "b": 1_767_323_045_000_i64, "c": "soon", "d": -1 }));
    assert_eq!(time_of(&said, "a"), Some(Timestamp(1_767_323_045_000_000)));
    assert_eq!(time_of(&said, "a"), time_of(&said, "b"));
    assert_eq!((time_of(&said, "c"), time_of(&said, "d")), (None, None));
}

#[test]
fn usage_keeps_what_a_document_can_hold() {
    let raw = map(json!({ "input_tokens": 4.0, "big": u64::MAX, "tier": "standard", "list": [1], "nul": "\0",
        "inner": { "five": 5, "deep": { "six": { "seven": 7 } } } }));
    let kept = raw_usage(&raw).expect("has numbers");
    assert_eq!(
        Value::Object(kept),
        json!({ "input_tokens": 4, "tier": "standard", "nul": "?", "inner": { "five": 5, "deep": {} } })
    );
    assert_eq!(raw_usage(&map(json!({ "tier": "standard", "inner": {} }))), None);
    let many: Map<String, Value> = (0..100).map(|n| (format!("n{n}"), json!({ "a": n, "b": n }))).collect();
    let kept = Value::Object(raw_usage(&many).expect("has numbers")).to_string();
    assert_eq!(kept.matches(':').count(), USAGE_FIELDS_MAX, "inner fields are counted, too");
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _read = value(&bytes, 50);
    }
}
