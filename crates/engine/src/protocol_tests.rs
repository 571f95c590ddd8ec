//! The protocol types and their committed schema say the same.

use serde_json::{Value as Json, json};

use super::{
    BlobMessage, CollectionMessage, EndOutcome, FactMessage, FromExtractor, ToExtractor, UnitMessage, is_reason,
};

const SCHEMA: &str = include_str!("../../../schemas/protocol/extractor.v1.json");

/// Checks against one of the two directions.
fn is_valid(direction: &str, message: &Json) -> bool {
    let mut schema: Json = serde_json::from_str(SCHEMA).unwrap();
    schema["oneOf"] = json!([{ "$ref": format!("#/$defs/{direction}") }]);
    jsonschema::draft202012::new(&schema).unwrap().is_valid(message)
}

fn to_extractor() -> Vec<ToExtractor> {
    let unit = UnitMessage {
        unit: 1,
        source: "src_01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned(),
        path_b64: "YQ==".to_owned(),
        path: None,
        asset_id: format!("ast_{}", "0".repeat(64)),
        media_type: "image/jpeg".to_owned(),
        size_bytes: 7,
        mtime_ns: "-1".to_owned(),
    };
    let to_plugin = UnitMessage { path: Some("1/original.jpg".to_owned()), ..unit.clone() };
    let params = json!({ "a": 1 }).as_object().unwrap().clone();
    let sources = [(unit.source.clone(), "L3Bob3Rvcw==".to_owned())].into();
    vec![
        ToExtractor::Step { params, profile: "balanced".to_owned(), sources },
        ToExtractor::Unit(unit),
        ToExtractor::Unit(to_plugin),
        ToExtractor::Collection(CollectionMessage { unit: 3, inputs: "3/inputs.jsonl".to_owned(), members: 9 }),
    ]
}

fn from_extractor() -> Vec<FromExtractor> {
    let blob = Some(BlobMessage { file: "256.webp".to_owned(), media_type: "image/webp".to_owned() });
    let fact = |span: Option<i64>, blob| FactMessage {
        unit: 1,
        asset_id: span.map(|_| format!("ast_{}", "0".repeat(64))),
        kind: "noop.echo".to_owned(),
        schema_version: 1,
        span_start_ms: span,
        span_end_ms: span,
        payload: json!({}),
        blob,
    };
    let end = |outcome, reason: Option<&str>, retryable| FromExtractor::End {
        unit: 1,
        outcome,
        reason: reason.map(str::to_owned),
        detail: reason.map(str::to_owned),
        retryable,
    };
    vec![
        FromExtractor::Ready {
            protocol: super::PROTOCOL_VERSION,
            extractor: "noop".to_owned(),
            version: "1".to_owned(),
            tools: [("ffmpeg".to_owned(), "5.1".to_owned())].into(),
        },
        FromExtractor::Unable { detail: "no".to_owned() },
        FromExtractor::Fact(fact(None, None)),
        FromExtractor::Fact(fact(Some(5), blob)),
        end(EndOutcome::Done, None, false),
        end(EndOutcome::Skipped, Some("unsupported"), false),
        end(EndOutcome::Failed, Some("corrupt"), true),
    ]
}

#[test]
fn every_message_matches_the_schema_and_reads_back() {
    for message in to_extractor() {
        let text = serde_json::to_value(&message).unwrap();
        assert!(is_valid("to_extractor", &text), "{text}");
        assert!(!is_valid("from_extractor", &text), "{text}");
        assert_eq!(serde_json::from_value::<ToExtractor>(text).unwrap(), message);
    }
    for message in from_extractor() {
        let text = serde_json::to_value(&message).unwrap();
        assert!(is_valid("from_extractor", &text), "{text}");
        assert_eq!(serde_json::from_value::<FromExtractor>(text).unwrap(), message);
    }
}

#[test]
fn types_and_schema_refuse_unknown_fields_alike() {
    for message in from_extractor() {
        let mut text = serde_json::to_value(&message).unwrap();
        text["more"] = json!(1);
        assert!(!is_valid("from_extractor", &text), "{text}");
        assert!(serde_json::from_value::<FromExtractor>(text.clone()).is_err(), "{text}");
    }
    for message in to_extractor() {
        let mut text = serde_json::to_value(&message).unwrap();
        text["more"] = json!(1);
        assert!(!is_valid("to_extractor", &text), "{text}");
        assert!(serde_json::from_value::<ToExtractor>(text.clone()).is_err(), "{text}");
    }
}

#[test]
fn a_reason_is_a_short_word() {
    for good in ["corrupt", "no-video", "a1"] {
        assert!(is_reason(good), "{good}");
    }
    for bad in ["", "Corrupt", "two words", "a\nb", &"x".repeat(41)] {
        assert!(!is_reason(bad), "{bad}");
    }
}
