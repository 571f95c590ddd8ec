//! What calls cost, to the nano-USD: AG-22, AG-24.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::contract::{Counts, Options, decode};
use crate::provenance::{CostConfidence, Level, Provenance, Source};
use crate::usage::{UsageSemantics, of_contract, of_session_counts};

const START: Timestamp = Timestamp(1_767_225_600_000_000); // 2026-01-01

fn head(effective_from: &str) -> Head {
    let effective_from = Timestamp::parse(effective_from).expect("a time");
    Head { origin: "test".to_owned(), owner: "test".to_owned(), effective_from, review_at: None }
}

fn model(provider: Option<&str>, name: &str, prices: Prices) -> ModelPrices {
    let provider = provider.map(str::to_owned);
    ModelPrices { provider, model: name.to_owned(), aliases: Vec::new(), prices, tiers: Vec::new() }
}

fn flat(input: i64, output: i64) -> Prices {
    Prices { input, output, ..Prices::default() }
}

/// 3 and 15 dollars per million, cached 0.30, written 3.75 and 6, a cent per search; above 200 tokens twice that; at `batch` half of it.
fn sonnet() -> ModelPrices {
    let prices = Prices {
        input: 3_000_000_000,
        output: 15_000_000_000,
        cache_read: Some(300_000_000),
        cache_write: Some(3_750_000_000),
        cache_write_1h: Some(6_000_000_000),
        per_search: Some(10_000_000),
    };
    let times = |by: fn(i64) -> i64| Prices {
        input: by(prices.input),
        output: by(prices.output),
        cache_read: prices.cache_read.map(by),
        cache_write: prices.cache_write.map(by),
        cache_write_1h: prices.cache_write_1h.map(by),
        per_search: None,
    };
    let tiers = vec![
        Tier { above_input: Some(200), service_tier: None, prices: times(|it| it * 2) },
        Tier { above_input: None, service_tier: Some(ServiceTier::Batch), prices: times(|it| it / 2) },
    ];
    let aliases = vec!["sonnet".to_owned(), "claude-sonnet-4-5-20250929".to_owned()];
    ModelPrices { aliases, tiers, ..model(Some("anthropic"), "claude-sonnet-4-5", prices) }
}

fn snapshot_of(models: Vec<ModelPrices>) -> Snapshot {
    Snapshot::new(Draft { head: head("2025-01-01T00:00:00Z"), models }).expect("a list")
}

fn snapshot() -> Snapshot {
    snapshot_of(vec![
        sonnet(),
        model(Some("openai"), "gpt-5", Prices { cache_read: Some(125_000_000), ..flat(1_250_000_000, 10_000_000_000) }),
        model(Some("openai"), "text-embedding-3-small", flat(20_000_000, 0)),
        model(None, "local", flat(0, 0)),
        model(Some("one"), "shared", flat(5, 5)),
        model(Some("two"), "shared", flat(7, 7)),
        model(Some("anthropic"), "claude-opus-4", flat(15, 75)),
    ])
}

fn usage(counts: Counts) -> CallUsage {
    of_contract(&crate::contract::Usage::Counted(counts)).usage
}

fn call<'a>(model: &'a str, usage: &'a CallUsage) -> PricedCall<'a> {
    PricedCall { provider: None, model, service_tier: None, usage, started_at: START, billed: None, estimated: None }
}

fn nano(cost: &Cost) -> Option<i64> {
    cost.amount().map(|amount| amount.0)
}

fn both(input: i64, output: i64) -> CallUsage {
    usage(Counts { input_uncached: Some(input), output: Some(output), ..Counts::default() })
}

/// AG-22: no amount without the name of its prices, 0 included, and no words that contradict it.
#[test]
fn ag_22_a_cost_names_its_prices() {
    let good = CostColumns {
        amount: Some(Nano(0)),
        version: Some("px-1"),
        source: Source::Derived,
        level: Level::Medium,
        confidence: CostConfidence::Estimated,
    };
    let none = CostColumns {
        amount: None,
        version: None,
        source: Source::Missing,
        level: Level::Unknown,
        confidence: CostConfidence::Unknown,
    };
    for (columns, refused) in [
        (good, None),
        (none, None),
        (CostColumns { version: None, ..good }, Some(CostRefused::NoVersion)),
        (CostColumns { version: Some(""), ..good }, Some(CostRefused::NoVersion)),
        (CostColumns { version: Some("px-1"), ..none }, Some(CostRefused::NoAmount)),
        (CostColumns { amount: Some(Nano(-1)), ..good }, Some(CostRefused::Negative)),
        (CostColumns { source: Source::Missing, ..good }, Some(CostRefused::Words)),
        (CostColumns { level: Level::Unknown, ..good }, Some(CostRefused::Words)),
        (CostColumns { confidence: CostConfidence::Unknown, ..good }, Some(CostRefused::Words)),
        (CostColumns { confidence: CostConfidence::Exact, ..none }, Some(CostRefused::Words)),
        (CostColumns { source: Source::Derived, ..none }, Some(CostRefused::Words)),
    ] {
        assert_eq!(Cost::from_columns(columns).err(), refused, "{columns:?}");
    }
    assert_eq!(Cost::billed(Nano(-1)), Cost::missing());
}

/// AG-24: buckets, tiers and services. Prices are those of [`sonnet`] in nano-USD per token: 3000, 15000, 300, 3750, 6000.
#[test]
fn ag_24_buckets_to_the_nano() {
    let all = Counts {
        input_uncached: Some(10),
        cache_read: Some(20),
        cache_write_5m: Some(30),
        cache_write_1h: Some(40),
        cache_write: Some(50),
        output: Some(60),
        reasoning: Some(15),
        web_search_requests: Some(2),
    };
    for (name, counts, service, cost, level) in [
        // 10 x 3000 + 20 x 300 + (30 + 50) x 3750 + 40 x 6000 + 60 x 15000 = 30000 + 6000 + 300000 + 240000 + 900000 = 1476000,
        // and two searches of 10000000 each. The input of 150 is below the tier.
        ("all buckets", all, None, 21_476_000, Level::Medium),
        // The same at half: 738000, and searches at the price of the model.
        ("batch", all, Some(ServiceTier::Batch), 20_738_000, Level::Medium),
        // 51 more uncached are 201 input tokens, above 200: (1476000 + 51 x 3000) x 2 = 3258000.
        ("above", Counts { input_uncached: Some(61), ..all }, None, 23_258_000, Level::Medium),
        // 50 more are 200, and 200 is not above 200: 1476000 + 50 x 3000 = 1626000.
        ("not above", Counts { input_uncached: Some(60), ..all }, None, 21_626_000, Level::Medium),
        // Batch knows no price for large inputs: half of 1476000 + 51 x 3000 = 1629000, which is 814500, and a guess.
        ("above, batch", Counts { input_uncached: Some(61), ..all }, Some(ServiceTier::Batch), 20_814_500, Level::Low),
        // No price for flex: the standard ones, as a guess.
        ("flex", all, Some(ServiceTier::Flex), 21_476_000, Level::Low),
        ("standard", all, Some(ServiceTier::Standard), 21_476_000, Level::Medium),
        // Output that nobody told: 10 x 3000 + 20 x 300 + 80 x 3750 + 40 x 6000 = 576000.
        ("no output", Counts { output: None, ..all }, None, 20_576_000, Level::Low),
    ] {
        let (snapshot, usage) = (snapshot(), usage(counts));
        let call = PricedCall { service_tier: service, ..call("claude-sonnet-4-5", &usage) };
        let found = price(&PriceBook::new([snapshot.clone()]), &call);
        assert_eq!((nano(&found), found.level()), (Some(cost), level), "{name}");
        assert_eq!(found.pricing_version(), Some(snapshot.pricing_version()), "{name}");
        assert_eq!((found.source(), found.confidence()), (Source::Derived, CostConfidence::Estimated), "{name}");
    }
}

/// AG-24: what has no price of its own costs as much as input, and twice that for an hour.
#[test]
fn ag_24_missing_cache_prices() {
    let snapshot = snapshot_of(vec![model(None, "m", flat(1_000_000, 2_000_000))]);
    for (counts, cost, level) in [
        (Counts { cache_read: Some(3), ..Counts::default() }, 5 + 3, Level::Low),
        (Counts { cache_write_5m: Some(3), ..Counts::default() }, 5 + 3, Level::Low),
        (Counts { cache_write: Some(3), ..Counts::default() }, 5 + 3, Level::Low),
        (Counts { cache_write_1h: Some(3), ..Counts::default() }, 5 + 6, Level::Low),
        // Nothing in the bucket: nothing is assumed.
        (Counts { cache_read: Some(0), cache_write_1h: Some(0), ..Counts::default() }, 5, Level::Medium),
        // A search without a price is left out, which is an assumption.
        (Counts { web_search_requests: Some(1), ..Counts::default() }, 5, Level::Low),
    ] {
        // One uncached and two of output: 1 + 2 x 2 = 5 nano-USD.
        let usage = usage(Counts { input_uncached: Some(1), output: Some(2), ..counts });
        let cost_of = reprice(&snapshot, &call("m", &usage));
        assert_eq!((nano(&cost_of), cost_of.level()), (Some(cost), level), "{counts:?}");
    }
}

#[test]
fn sums_are_rounded_once_half_up() {
    let snapshot = snapshot_of(vec![model(None, "m", flat(1, 1))]);
    for (input, output, cost) in [(499_999, 0, 0), (250_000, 250_000, 1), (1_000_000, 499_999, 1), (1_499_999, 1, 2)] {
        let usage = both(input, output);
        assert_eq!(nano(&reprice(&snapshot, &call("m", &usage))), Some(cost), "{input} {output}");
    }
}

/// AG-24: an unknown model has no cost, and a total alone has none; neither is 0.
#[test]
fn ag_24_what_is_not_known_has_no_cost() {
    let book = PriceBook::new([snapshot()]);
    let total = of_session_counts(None, None, Some(100));
    for (name, usage) in
        [("nobody-knows", both(1, 1)), ("gpt-5", total), ("gpt-5", CallUsage::UNKNOWN), ("", both(1, 1))]
    {
        assert_eq!(price(&book, &call(name, &usage)), Cost::missing(), "{name}");
    }
    let early = PricedCall { started_at: Timestamp(0), ..call("gpt-5", &total) };
    assert_eq!(price(&book, &early), Cost::missing());
    let free = both(5, 5);
    assert_eq!(nano(&price(&book, &call("local", &free))), Some(0));
}

/// AG-24: a bill stands above an estimate, and that above what is computed here; prices that change later leave a bill alone.
#[test]
fn ag_24_bills_and_estimates() {
    let (book, usage) = (PriceBook::new([snapshot()]), both(1_000_000, 0));
    let estimated = PricedCall { estimated: Some((Nano(7), "claude-code@2.1.0")), ..call("gpt-5", &usage) };
    let billed = PricedCall { billed: Some(Nano(0)), ..estimated };
    let words =
        |cost: &Cost| (nano(cost), cost.pricing_version().map(ToString::to_string), cost.level(), cost.confidence());
    for cost in [price(&book, &billed), reprice(&snapshot(), &billed)] {
        let shown = (Some(0), Some(PROVIDER_NATIVE.to_owned()), Level::High, CostConfidence::Exact);
        assert_eq!((words(&cost), cost.source()), (shown, Source::ProviderReported));
    }
    let cost = price(&book, &estimated);
    let shown = (Some(7), Some("claude-code@2.1.0".to_owned()), Level::Medium, CostConfidence::Estimated);
    assert_eq!((words(&cost), cost.source()), (shown, Source::Derived));
    // Computed again, it has the price of the list; where the list knows none, the estimate stays.
    assert_eq!(nano(&reprice(&snapshot(), &estimated)), Some(1_250_000_000));
    let unknown = PricedCall { model: "nobody-knows", ..estimated };
    assert_eq!(nano(&reprice(&snapshot(), &unknown)), Some(7));
}

/// AG-24: two models of one session under one list, and what was read from a cache of an inclusive prompt.
#[test]
fn ag_24_two_models() {
    let body = json!({ "envelope_version": "v3", "payload": { "session": {
        "sessionId": "s", "agentId": "a", "modelId": "gpt-5", "state": "done", "startedAt": "2026-01-01T00:00:00Z",
    }, "calls": [
        { "callId": "1", "startedAt": "2026-01-01T00:00:00Z", "status": "success", "semantics": "inclusive",
          "rawUsage": { "prompt_tokens": 1_000, "completion_tokens": 10, "prompt_tokens_details": { "cached_tokens": 600 } } },
        { "callId": "2", "startedAt": "2026-01-01T00:00:00Z", "status": "success", "semantics": "exclusive",
          "modelId": "claude-sonnet-4-5", "provider": "anthropic",
          "rawUsage": { "input_tokens": 100, "output_tokens": 10, "cache_read_input_tokens": 50 } },
    ] } });
    let document = decode(body.to_string().as_bytes(), Options::default()).expect("a document");
    let book = PriceBook::new([snapshot()]);
    let costs: Vec<Cost> = document
        .calls
        .iter()
        .map(|call| {
            let usage = of_contract(&call.usage).usage;
            price(&book, &PricedCall::of_call(call, &usage, &document.session.model_id, None))
        })
        .collect();
    // 400 x 1250 + 600 x 125 + 10 x 10000 = 500000 + 75000 + 100000, and 100 x 3000 + 50 x 300 + 10 x 15000 = 300000 + 15000 + 150000.
    assert_eq!(costs.iter().map(nano).collect::<Vec<_>>(), [Some(675_000), Some(465_000)]);
    let session = crate::provenance::session_cost(None, &costs);
    assert_eq!((nano(&session.cost), session.cost.level()), (Some(1_140_000), Level::Medium));
}

/// A prompt that nobody split counts as uncached; that is a guess only where a cached one would cost something else.
#[test]
fn an_unsplit_prompt_is_uncached() {
    let snapshot = snapshot();
    let usage = of_session_counts(Some(1_000), Some(10), None);
    // 1000 x 1250 + 10 x 10000.
    let cost = reprice(&snapshot, &call("gpt-5", &usage));
    assert_eq!((nano(&cost), cost.level()), (Some(1_350_000), Level::Low));
    let embedding = of_session_counts(Some(1_000), None, None);
    let cost = reprice(&snapshot, &call("text-embedding-3-small", &embedding));
    assert_eq!((nano(&cost), cost.level()), (Some(20_000), Level::Medium));
    let inferred = CallUsage { semantics: UsageSemantics::ExclusiveInferred, ..both(1, 1) };
    assert_eq!(reprice(&snapshot, &call("gpt-5", &inferred)).level(), Level::Low);
    let doubted = CallUsage { provenance: Provenance::new(Source::ProviderReported, Level::Low), ..both(1, 1) };
    assert_eq!(reprice(&snapshot, &call("gpt-5", &doubted)).level(), Level::Low);
}

#[test]
fn models_are_found_under_the_names_that_tools_use() {
    let snapshot = snapshot();
    use MatchBy::{Alias, Model, Prefix, ProviderAndModel, Shortened};
    for (provider, name, found) in [
        (Some("anthropic"), "claude-sonnet-4-5", Some(("claude-sonnet-4-5", ProviderAndModel))),
        (Some("Anthropic"), "claude-sonnet-4-5", Some(("claude-sonnet-4-5", ProviderAndModel))),
        (None, "claude-sonnet-4-5", Some(("claude-sonnet-4-5", Model))),
        (Some("somebody"), "claude-sonnet-4-5", Some(("claude-sonnet-4-5", Model))),
        (None, "sonnet", Some(("claude-sonnet-4-5", Alias))),
        (None, "claude-sonnet-4-5-20250929", Some(("claude-sonnet-4-5", Alias))),
        (None, "claude-sonnet-4-5-20991231", Some(("claude-sonnet-4-5", Shortened))),
        (None, "claude-sonnet-4-5[1m]", Some(("claude-sonnet-4-5", Shortened))),
        (None, "anthropic/claude-sonnet-4-5", Some(("claude-sonnet-4-5", Shortened))),
        (None, "Claude-Sonnet-4-5", Some(("claude-sonnet-4-5", Shortened))),
        (Some("aws.bedrock"), "us.anthropic.claude-sonnet-4-5-20250929-v1:0", Some(("claude-sonnet-4-5", Shortened))),
        (Some("gcp.vertex_ai"), "claude-sonnet-4-5@20250929", Some(("claude-sonnet-4-5", Shortened))),
        (None, "gpt-5-2025-08-07", Some(("gpt-5", Shortened))),
        (None, "gpt-5-something", Some(("gpt-5", Prefix))),
        // Another version is another model, and so is another size.
        (None, "gpt-5-pro-2025-10-06", None),
        (None, "gpt-5-mini", None),
        (None, "gpt-5.9", None),
        (None, "claude-opus-4-7", None),
        (None, "claude-opus-4-7-20270101", None),
        (None, "gpt", None),
        (None, "-", None),
        (None, "é-é[é", None),
    ] {
        let shown = snapshot.find(provider, name).map(|found| (found.model.model.as_str(), found.by));
        assert_eq!(shown, found, "{provider:?} {name}");
    }
    assert!(snapshot.find(None, &"x-".repeat(1_000)).is_none());
    let contested = snapshot.find(None, "shared").expect("found");
    assert!(contested.contested && contested.is_assumed());
    assert!(!snapshot.find(Some("two"), "shared").expect("found").contested);
}

fn counts() -> impl Strategy<Value = Counts> {
    let tokens = || prop::option::of(prop_oneof![0..1_000_i64, 0..2_000_000_i64, Just(9_007_199_254_740_991)]);
    (tokens(), tokens(), tokens(), tokens(), tokens(), tokens(), prop::option::of(0..5_i64)).prop_map(
        |(input_uncached, cache_read, cache_write_5m, cache_write_1h, cache_write, output, web_search_requests)| {
            Counts {
                input_uncached,
                cache_read,
                cache_write_5m,
                cache_write_1h,
                cache_write,
                output,
                reasoning: None,
                web_search_requests,
            }
        },
    )
}

fn prices() -> impl Strategy<Value = Prices> {
    let price = || prop_oneof![0..10_i64, 0..100_000_000_000_i64, Just(PRICE_MAX)];
    let maybe = || prop::option::of(price());
    (price(), price(), maybe(), maybe(), maybe(), maybe()).prop_map(
        |(input, output, cache_read, cache_write, cache_write_1h, per_search)| Prices {
            input,
            output,
            cache_read,
            cache_write,
            cache_write_1h,
            per_search,
        },
    )
}

/// The sum of section 6, term by term.
fn naive(counts: &Counts, prices: &Prices) -> Option<i64> {
    let tokens = |count: Option<i64>| i128::from(count.unwrap_or(0));
    let input = i128::from(prices.input);
    let price = |price: Option<i64>, instead: i128| price.map_or(instead, i128::from);
    let sum = tokens(counts.input_uncached) * input
        + tokens(counts.cache_read) * price(prices.cache_read, input)
        + (tokens(counts.cache_write_5m) + tokens(counts.cache_write)) * price(prices.cache_write, input)
        + tokens(counts.cache_write_1h) * price(prices.cache_write_1h, 2 * input)
        + tokens(counts.output) * i128::from(prices.output);
    let (whole, part) = (sum / 1_000_000, sum % 1_000_000);
    let extras = tokens(counts.web_search_requests) * price(prices.per_search, 0);
    i64::try_from(whole + i128::from(part >= 500_000) + extras).ok()
}

proptest! {
    /// AG-24: the formula, against the same sum written down naively.
    #[test]
    fn ag_24_the_formula(counts in counts(), prices in prices()) {
        let snapshot = snapshot_of(vec![model(None, "m", prices)]);
        let usage = usage(counts);
        let cost = reprice(&snapshot, &call("m", &usage));
        let known = usage.input().is_some() || usage.output().is_some();
        prop_assert_eq!(nano(&cost), if known { naive(&counts, &prices) } else { None });
        prop_assert_eq!(cost.amount().is_some(), cost.pricing_version().is_some());
    }

    #[test]
    fn no_name_panics(provider in prop::option::of("\\PC{0,12}"), name in "\\PC{0,40}") {
        snapshot().find(provider.as_deref(), &name);
    }

    /// AG-22: whatever goes in, an amount has the name of its prices and words that say it is there.
    #[test]
    fn ag_22_no_cost_without_prices(billed: Option<i64>, estimate: Option<i64>, version in "\\PC{0,3}", input: i64, output: i64) {
        let usage = both(input, output);
        let call = PricedCall {
            billed: billed.map(Nano),
            estimated: estimate.map(|amount| (Nano(amount), version.as_str())),
            ..call("gpt-5", &usage)
        };
        let cost = price(&PriceBook::new([snapshot()]), &call);
        let columns = CostColumns {
            amount: cost.amount(),
            version: cost.pricing_version().map(PricingVersion::as_str),
            source: cost.source(),
            level: cost.level(),
            confidence: cost.confidence(),
        };
        prop_assert_eq!(Cost::from_columns(columns), Ok(cost));
    }
}
