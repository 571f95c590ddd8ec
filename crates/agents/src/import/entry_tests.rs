//! What rows of an older file come to.

use serde_json::{Value, json};

use super::*;

fn row(value: &Value) -> Row {
    value.as_object().cloned().unwrap()
}

fn ledger(fields: &Value) -> Result<LedgerRow, String> {
    let mut whole = row(&json!({"sessionId": "s", "agentId": "a", "modelId": "m", "status": "success",
        "startedAt": "2026-01-02T03:04:05Z", "runtimeMs": 1_500, "artifactCount": 0}));
    whole.extend(row(fields));
    ledger_row(whole)
}

fn usage(fields: &Value) -> Result<UsageIn, String> {
    let mut whole = row(&json!({"sessionId": "s", "runtimeMs": 1_500}));
    whole.extend(row(fields));
    usage_row(whole)
}

/// AG-10: every way in which older versions wrote a cost, in the words of the specification.
#[test]
fn costs_of_older_files() {
    for (confidence, version, words) in [
        ("exact", None, "provider_native provider_reported high exact"),
        ("exact", Some("v4.1-default"), "provider_native provider_reported high exact"),
        ("exact", Some("bill-7"), "bill-7 provider_reported high exact"),
        ("estimated", None, "v3-flat-2usd-per-mtok derived low estimated"),
        ("estimated", Some("v4.1-default"), "v4.1-default derived medium estimated"),
        ("unknown", None, "legacy_unversioned derived low estimated"),
        ("unknown", Some("v4.1-default"), "v4.1-default derived low estimated"),
    ] {
        let row = usage(&json!({"costUsd": 0.25, "costConfidence": confidence, "pricingVersion": version})).unwrap();
        let (session, stated) = together(ledger(&json!({})).unwrap(), Some(&row));
        let cost = &stated.cost;
        let told = [
            cost.pricing_version().unwrap().as_str(),
            cost.source().as_str(),
            cost.level().as_str(),
            cost.confidence().as_str(),
        ];
        assert_eq!(told.join(" "), words);
        assert_eq!(cost.amount(), Some(Nano(250_000_000)));
        assert_eq!(session.billed.is_some(), confidence == "exact");
    }
    let row = usage(&json!({"costConfidence": "unknown", "pricingVersion": "v4.1-default"})).unwrap();
    assert_eq!(together(ledger(&json!({})).unwrap(), Some(&row)).1.cost, Cost::missing());
}

#[test]
fn stored_words_are_kept_and_others_follow_from_the_numbers() {
    let words = json!({"promptTokens": 3, "completionTokens": 4, "tokenSource": "derived", "tokenConfidence": "low"});
    let stated = together(ledger(&json!({})).unwrap(), Some(&usage(&words).unwrap())).1;
    assert_eq!(stated.tokens, Provenance::new(Source::Derived, Level::Low));
    assert_eq!(stated.runtime, Provenance::new(Source::ProviderReported, Level::High));
    let live = together(
        ledger(&json!({"status": "running", "runtimeMs": 0})).unwrap(),
        Some(&usage(&json!({"runtimeMs": 0})).unwrap()),
    );
    assert_eq!((live.1.runtime_ms, live.1.runtime), (0, Provenance::MISSING));
    // V4.1 filled the column with it.
    let unknown = json!({"costUsd": 1, "costConfidence": "exact", "pricingVersion": "bill-7", "costSource": "unknown"});
    let cost = together(ledger(&json!({})).unwrap(), Some(&usage(&unknown).unwrap())).1.cost;
    assert_eq!((cost.source(), cost.level()), (Source::ProviderReported, Level::High));
}

/// AG-10: a refused row says why, in the words of the file.
#[test]
fn refused_rows_say_why() {
    for (fields, reason) in [
        (json!({"status": "banana"}), "status unsupported value"),
        (json!({"billedCostUsd": 1}), "billedCostUsd unsupported field"),
        (json!({"startedAt": "yesterday"}), "startedAt must be an RFC 3339 date-time with offset"),
        (
            json!({"taskTitle": 7, "runtimeMs": -1}),
            "runtimeMs must be a non-negative integer; taskTitle must be a string",
        ),
    ] {
        assert_eq!(ledger(&fields).unwrap_err(), reason);
    }
    for (fields, reason) in [
        (json!({"costConfidence": "sure"}), "costConfidence unsupported value"),
        (json!({"tokenSource": "guess"}), "tokenSource unsupported value"),
        (json!({"costUsd": -1}), "costUsd must be a non-negative number"),
        (json!({"sessionId": ""}), "sessionId must be a non-empty string"),
        (json!({"extra": 1}), "extra unsupported field"),
    ] {
        assert_eq!(usage(&fields).unwrap_err(), reason);
    }
}
