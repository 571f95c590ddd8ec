//! Tests of `noop`.

use exhibit_engine::extractor::Outcome;
use serde_json::json;

use super::*;
use crate::testing::{self, Original};

fn with(params: serde_json::Value, asset_id: &str) -> testing::Unit {
    testing::run(make().as_mut(), &DESCRIPTOR, Original { asset_id, ..Original::of(b"12345", "audio/wav") }, params)
}

#[test]
fn it_echoes_what_it_was_told() {
    let unit = with(json!({}), "ast_07");
    assert_eq!(unit.outcome, Outcome::Done);
    assert_eq!(unit.facts[0].payload, json!({"size_bytes": 5, "media_type": "audio/wav"}));
    assert_eq!((unit.facts.len(), unit.facts[0].kind, unit.facts[0].span_ms), (1, ECHO, None));
}

#[test]
fn the_number_of_an_asset_is_the_end_of_its_digest() {
    let hex = format!("ast_{}", "0123456789abcdef".repeat(4));
    assert_eq!(number_of(&hex), 0x123456789abcdef);
    assert_eq!(number_of("ast_10"), 16);
    assert_eq!(number_of("ast_"), 0);
    assert_eq!(number_of("äöü"), 0);
}

#[test]
fn it_fails_where_the_number_is_divisible_and_nowhere_else() {
    for number in 0..20_u64 {
        let unit = with(json!({"fail_every": 5}), &format!("ast_{number:064x}"));
        let failed = matches!(unit.outcome, Outcome::Failed { reason: "asked-to-fail", retryable: true, .. });
        assert_eq!(failed, number % 5 == 0, "{number}");
        assert_eq!(unit.facts.len(), usize::from(!failed));
    }
}

#[test]
fn it_finds_nothing_where_asked() {
    assert!(with(json!({"emit": false}), "ast_01").facts.is_empty());
    assert!(with(json!({"empty_every": 3}), "ast_06").facts.is_empty());
    assert_eq!(with(json!({"empty_every": 3}), "ast_07").facts.len(), 1);
}

#[test]
fn it_fills_memory_where_asked_and_gives_it_back() {
    let unit = with(json!({"memory_every": 3, "memory_mib": 1}), "ast_06");
    assert_eq!((unit.outcome, unit.facts.len()), (Outcome::Done, 1));
    // Nowhere else: so much could not be had.
    assert_eq!(with(json!({"memory_every": 3, "memory_mib": 65_536}), "ast_07").outcome, Outcome::Done);
    assert_eq!(with(json!({"memory_mib": 65_536}), "ast_06").outcome, Outcome::Done);
}

#[test]
fn the_kind_file_says_what_the_type_says() {
    testing::assert_kind_matches::<Echo>(
        ECHO_KIND_FILE,
        ECHO,
        &[Echo { size_bytes: 0, media_type: "image/jpeg".into() }],
    );
}
