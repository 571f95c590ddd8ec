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

/// Writers in JavaScript and Python cut texts between the halves of a character, and Python writes `NaN`: what a call cost is read all the same.
#[test]
fn halves_of_characters_and_no_numbers_are_mended() {
    for (written, read) in [
        (r#"{"a":"cut \ud83d"}"#, json!({"a": "cut \u{fffd}"})),
        (r#"{"a":"\ude00 \ud83d\ud83d\ude00"}"#, json!({"a": "\u{fffd} \u{fffd}\u{1f600}"})),
        (r#"{"a":"\\ud83d \"\ud83d\" NaN","b":NaN}"#, json!({"a": "\\ud83d \"\u{fffd}\" NaN", "b": null})),
        (r#"[Infinity,-Infinity,1]"#, json!([null, null, 1])),
    ] {
        assert_eq!(parsed::<Value>(written.as_bytes()), Some(read), "{written}");
    }
    for broken in [r#"{"a":"\ud83"}"#, r#"{"a":"\ud83d"#, "[NaN", r#"{"a":NaNs}"#, r#"{"a":"\"#] {
        assert_eq!(parsed::<Value>(broken.as_bytes()), None, "{broken}");
    }
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
    /// What is valid already is not touched.
    #[test]
    fn mending_leaves_valid_texts_alone(texts in prop::collection::vec(any::<String>(), 0..5)) {
        let written = serde_json::to_vec(&texts).expect("JSON");
        prop_assert_eq!(mended(&written), written);
    }

    #[test]
    fn mending_does_not_panic(bytes in prop::collection::vec(prop::sample::select(&b"\\ud8Dc0\"N-aI"[..]), 0..40)) {
        let _mended = mended(&bytes);
    }
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _read = value(&bytes, 50);
    }
}
