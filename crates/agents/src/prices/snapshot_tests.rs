//! Lists of prices: how they are read, named, and come into force; the one that ships.

use std::collections::HashSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::prices::shipped::{SHIPPED, shipped};
use crate::prices::{MIXED, PriceBook, PricingVersion, parse};

fn list() -> Value {
    json!({
        "origin": "a page", "owner": "a person", "effectiveFrom": "2026-01-01T00:00:00Z", "reviewAt": "2026-07-01T00:00:00+02:00",
        "models": [{
            "provider": "p", "model": "m", "aliases": ["n"], "in": 1_000, "out": 2_000, "cacheRead": 100, "perSearch": 5,
            "tiers": [{ "aboveInput": 200_000, "serviceTier": "batch", "prices": { "in": 1, "out": 2.0 } }],
        }],
    })
}

fn read(value: &Value) -> Result<Snapshot, Findings> {
    parse(value.to_string().as_bytes())
}

fn since(effective_from: &str, input: i64) -> Snapshot {
    let mut value = list();
    value["effectiveFrom"] = Value::from(effective_from);
    value["models"][0]["in"] = Value::from(input);
    read(&value).expect("a list")
}

#[test]
fn a_list_is_named_by_its_content() {
    let snapshot = read(&list()).expect("a list");
    let body = String::from_utf8(snapshot.body().to_vec()).expect("text");
    assert_eq!(
        body,
        concat!(
            r#"{"effectiveFrom":"2026-01-01T00:00:00.000000Z","models":[{"aliases":["n"],"cacheRead":100,"in":1000,"model":"m","#,
            r#""out":2000,"perSearch":5,"provider":"p","tiers":[{"aboveInput":200000,"prices":{"in":1,"out":2},"#,
            r#""serviceTier":"batch"}]}],"origin":"a page","owner":"a person","reviewAt":"2026-06-30T22:00:00.000000Z"}"#
        )
    );
    let digest = exhibit_model::digest::Digest::of(body.as_bytes()).to_hex();
    assert_eq!(snapshot.pricing_version().as_str(), format!("px-{}", &digest[..16]));
    let again = parse(snapshot.body()).expect("a list");
    assert_eq!(again.pricing_version(), snapshot.pricing_version());
    assert_eq!(again.models(), snapshot.models());
    // What may be left out has the same name as what is empty, and another price has another name.
    let mut bare = list();
    bare["models"][0]["tiers"] = Value::Null;
    let mut empty = list();
    empty["models"][0]["tiers"] = json!([]);
    let version = |value: &Value| read(value).expect("a list").pricing_version().clone();
    assert_eq!(version(&bare), version(&empty));
    assert_ne!(version(&bare), version(&list()));
}

/// A list that could be called `recompute` would be hidden by the route of that name.
#[test]
fn a_list_takes_no_name_but_that_of_its_content() {
    for name in ["pricingVersion", "name"] {
        let mut named = list();
        named[name] = json!("recompute");
        let findings = read(&named).expect_err("refused");
        let shown: Vec<(&str, &str)> = findings.iter().map(|it| (it.pointer.as_str(), it.code)).collect();
        assert_eq!(shown, [(format!("/{name}").as_str(), "named_by_content")]);
        assert!(findings.to_string().contains("a list has the name that its content gives it"), "{findings}");
    }
    assert!(read(&list()).expect("a list").pricing_version().as_str().starts_with("px-"));
}

#[test]
fn all_problems_of_a_list_are_told() {
    let wrong = json!({
        "origin": 5, "effectiveFrom": "2026-01-01", "extra": 1,
        "models": [
            { "model": "m", "in": "1", "cacheRead": 1.5, "aliases": ["a", 2], "tiers": [{ "serviceTier": "never", "prices": { "in": null } }, 3] },
            "model",
            { "model": "far", "in": -7, "out": 1 },
        ],
    });
    let findings = read(&wrong).expect_err("refused");
    let shown: Vec<(&str, &str)> = findings.iter().map(|it| (it.pointer.as_str(), it.code)).collect();
    assert_eq!(
        shown,
        [
            ("/effectiveFrom", "not_a_time"),
            ("/extra", "unknown_field"),
            ("/models/0/aliases/1", "wrong_type"),
            ("/models/0/cacheRead", "wrong_type"),
            ("/models/0/in", "wrong_type"),
            ("/models/0/out", "missing_field"),
            ("/models/0/tiers/0/prices/in", "missing_field"),
            ("/models/0/tiers/0/prices/out", "missing_field"),
            ("/models/0/tiers/0/serviceTier", "unknown_word"),
            ("/models/0/tiers/1", "wrong_type"),
            ("/models/1", "wrong_type"),
            ("/models/2/in", "out_of_range"),
            ("/origin", "wrong_type"),
            ("/owner", "missing_field"),
        ]
    );
    let contradicting = json!({
        "origin": "", "owner": "x".repeat(300), "effectiveFrom": "2026-01-02T00:00:00Z", "reviewAt": "2026-01-01T00:00:00Z",
        "models": [
            { "model": "m", "in": -1, "out": 1, "tiers": [
                { "prices": { "in": 1, "out": 1 } },
                { "aboveInput": 5, "prices": { "in": 1, "out": 1 } },
                { "aboveInput": 5, "prices": { "in": 1, "out": 1 } },
            ] },
            { "model": "n", "aliases": ["m"], "in": 1, "out": 1 },
        ],
    });
    let findings = read(&contradicting).expect_err("refused");
    let shown: Vec<(&str, &str)> = findings.iter().map(|it| (it.pointer.as_str(), it.code)).collect();
    assert_eq!(
        shown,
        [
            ("/models/0/in", "out_of_range"),
            ("/models/0/tiers/0", "tier_without_condition"),
            ("/models/0/tiers/2", "duplicate_tier"),
            ("/models/1/aliases/0", "duplicate_name"),
            ("/origin", "empty"),
            ("/owner", "too_long"),
            ("/reviewAt", "review_before_effective"),
        ]
    );
    for text in ["", "[]", "{\"a\":1,\"a\":2}"] {
        assert!(parse(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn the_latest_list_that_holds_counts() {
    let (old, new) = (since("2026-01-01T00:00:00Z", 1), since("2026-02-01T00:00:00Z", 1));
    let twin = since("2026-02-01T00:00:00Z", 2);
    let mut book = PriceBook::new([new.clone(), old.clone(), old.clone()]);
    assert!(book.add(twin.clone()) && !book.add(twin.clone()));
    assert_eq!(book.iter().count(), 3);
    let at = |text: &str| {
        book.in_force(Timestamp::parse(text).expect("a time")).map(|snapshot| snapshot.pricing_version().clone())
    };
    let greater = new.pricing_version().max(twin.pricing_version());
    assert_eq!(at("2025-12-31T23:59:59.999999Z"), None);
    assert_eq!(at("2026-01-01T00:00:00Z").as_ref(), Some(old.pricing_version()));
    assert_eq!(at("2026-01-31T23:59:59.999999Z").as_ref(), Some(old.pricing_version()));
    assert_eq!(at("2026-02-01T00:00:00Z").as_ref(), Some(greater));
    assert_eq!(book.get(old.pricing_version()).map(Snapshot::models), Some(old.models()));
}

#[test]
fn versions_have_their_words() {
    for (version, word) in [
        (PricingVersion::provider_native(), "provider_native"),
        (PricingVersion::legacy_unversioned(), "legacy_unversioned"),
        (PricingVersion::v3_flat(), "v3-flat-2usd-per-mtok"),
        (PricingVersion::v41_default(), "v4.1-default"),
        (PricingVersion::mixed(), "mixed"),
        (PricingVersion::litellm("1.80.0"), "litellm@1.80.0"),
        (PricingVersion::claude_code("2.1.0"), "claude-code@2.1.0"),
        (PricingVersion::openclaw(""), "openclaw@unknown"),
    ] {
        assert_eq!(version.as_str(), word);
        assert_eq!(PricingVersion::parse(word), Some(version));
    }
    assert_eq!(PricingVersion::openclaw(&"é".repeat(300)).as_str().len(), 255);
    assert_eq!(PricingVersion::parse(""), None);
    assert_eq!(PricingVersion::parse(&"x".repeat(257)), None);
    let (one, other) = (PricingVersion::litellm("1"), PricingVersion::litellm("2"));
    assert_eq!(PricingVersion::of_sum([]), None);
    assert_eq!(PricingVersion::of_sum([&one, &one]), Some(one.clone()));
    assert_eq!(PricingVersion::of_sum([&one, &other, &one]).as_ref().map(PricingVersion::as_str), Some(MIXED));
}

#[test]
fn the_list_that_ships_is_sane() {
    let snapshot = shipped().unwrap_or_else(|findings| panic!("{findings}"));
    let head = snapshot.head();
    assert!(head.origin.starts_with("hand-kept") && head.owner == "exhibit" && head.review_at.is_some());
    let mut names = HashSet::new();
    for model in snapshot.models() {
        for name in std::iter::once(&model.model).chain(&model.aliases) {
            assert!(names.insert(name.clone()), "{name} twice");
        }
        let all = std::iter::once(&model.prices).chain(model.tiers.iter().map(|tier| &tier.prices));
        for prices in all {
            let Prices { input, output, cache_read, cache_write, cache_write_1h, .. } = *prices;
            assert!(input > 0 && output >= input, "{}", model.model);
            assert!(cache_read.is_none_or(|read| read <= input), "{}", model.model);
            assert!(cache_write.is_none_or(|write| write >= input), "{}", model.model);
            assert!(cache_write_1h.is_none_or(|hour| cache_write.is_some_and(|write| hour > write)), "{}", model.model);
            // Between one cent and a thousand dollars per million tokens: a slip of the point is seen.
            assert!((10_000_000..1_000_000_000_000).contains(&input), "{}", model.model);
        }
    }
    for (provider, name) in [("anthropic", "claude-opus-4-5"), ("openai", "gpt-5"), ("gcp.gemini", "gemini-2.5-pro")] {
        let found = snapshot.find(Some(provider), name).expect(name);
        assert_eq!(found.by, crate::prices::MatchBy::ProviderAndModel, "{name}");
    }
    assert!(SHIPPED.ends_with("}\n"));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        parse(&bytes).expect_err("no list");
    }

    #[test]
    fn a_spoilt_list_does_not_panic(place in 0..400_usize, byte: u8) {
        let mut text = list().to_string().into_bytes();
        let place = place % text.len();
        text[place] = byte;
        if let Ok(snapshot) = parse(&text) {
            let again = parse(snapshot.body()).map(|again| again.pricing_version().clone());
            prop_assert_eq!(again.as_ref(), Ok(snapshot.pricing_version()));
        }
    }

    #[test]
    fn every_list_reads_back(
        prices in prop::collection::vec((0..=PRICE_MAX, 0..=PRICE_MAX, prop::option::of(0..=PRICE_MAX)), 0..5),
        start in -60_000_000_000_000_000..250_000_000_000_000_000_i64,
    ) {
        let models = prices.iter().enumerate().map(|(place, (input, output, cache_read))| ModelPrices {
            provider: None,
            model: format!("m{place}"),
            aliases: vec![format!("a\"{place}\u{1F600}")],
            prices: Prices { input: *input, output: *output, cache_read: *cache_read, ..Prices::default() },
            tiers: Vec::new(),
        });
        let head = Head { origin: "o".to_owned(), owner: "p".to_owned(), effective_from: Timestamp(start), review_at: None };
        let snapshot = Snapshot::new(Draft { head, models: models.collect() }).expect("a list");
        let again = parse(snapshot.body()).expect("a list");
        prop_assert_eq!(again.pricing_version(), snapshot.pricing_version());
        prop_assert_eq!(again.models(), snapshot.models());
    }
}
