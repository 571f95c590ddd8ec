//! What the attributes of a span say about a call to a model.
//!
//! Source: the GenAI semantic conventions of OpenTelemetry; before them `gen_ai.system`, `prompt_tokens` and `completion_tokens` had other names.
//! Beside them: OpenInference (`llm.token_count.*`, `llm.cost.total`), OpenLLMetry (`llm.usage.total_tokens`), Pydantic (`details.*`),
//! Langfuse (`langfuse.observation.*`) and OpenClaw (`openclaw.tokens.*`).

use serde_json::{Map, Value};

use super::attributes::Attributes;
use crate::collect::json::{object, usd};
use crate::collect::text;
use crate::contract::{Counts, Semantics, Usage};
use crate::money::Nano;

const INPUT: &str = "gen_ai.usage.input_tokens";
const OUTPUT: &str = "gen_ai.usage.output_tokens";
const CACHE_READ: &str = "gen_ai.usage.cache_read.input_tokens";
const CACHE_WRITE: &str = "gen_ai.usage.cache_creation.input_tokens";

const INPUTS: [&str; 4] = [INPUT, "gen_ai.usage.prompt_tokens", "llm.token_count.prompt", "llm.usage.prompt_tokens"];
const OUTPUTS: [&str; 4] =
    [OUTPUT, "gen_ai.usage.completion_tokens", "llm.token_count.completion", "llm.usage.completion_tokens"];
const CACHE_READS: [&str; 4] = [
    CACHE_READ,
    "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.details.cache_read_tokens",
    "llm.token_count.prompt_details.cache_read",
];
const CACHE_WRITES: [&str; 5] = [
    CACHE_WRITE,
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "gen_ai.usage.details.cache_write_tokens",
    "llm.token_count.prompt_details.cache_write",
];
const REASONINGS: [&str; 4] = [
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.reasoning_tokens",
    "gen_ai.usage.details.reasoning_tokens",
    "llm.token_count.completion_details.reasoning",
];
const TOTALS: [&str; 3] = ["llm.usage.total_tokens", "llm.token_count.total", "gen_ai.usage.total_tokens"];

/// Objects and arrays of the costs that Langfuse writes as JSON into one attribute; they are one flat object.
const COST_CONTAINERS_MAX: usize = 8;

/// The model that answered, or else the one that was asked.
pub(super) fn model(attributes: Attributes<'_>) -> Option<String> {
    let names = [
        "gen_ai.response.model",
        "gen_ai.request.model",
        "llm.model_name",
        "langfuse.observation.model.name",
        "openclaw.model",
    ];
    attributes.short(&names)
}

/// Who serves it.
pub(super) fn provider(attributes: Attributes<'_>) -> Option<String> {
    attributes.short(&["gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "openclaw.provider"])
}

/// What was used. The input holds what came from caches and went to them; where less went in than that, the object is handed on for those
/// who judge such cases.
pub(super) fn usage(attributes: Attributes<'_>) -> Usage {
    let (input, output) = (attributes.count(&INPUTS), attributes.count(&OUTPUTS));
    let (read, write) = (attributes.count(&CACHE_READS), attributes.count(&CACHE_WRITES));
    let reasoning = attributes.count(&REASONINGS);
    if input.is_none() && output.is_none() {
        return own_counts(attributes).or_else(|| total(attributes)).unwrap_or(Usage::Unknown);
    }
    let rest = input.map(|input| input - read.unwrap_or(0) - write.unwrap_or(0));
    if rest.is_some_and(|rest| rest < 0) {
        let raw = [(INPUT, input), (OUTPUT, output), (CACHE_READ, read), (CACHE_WRITE, write)];
        let raw = raw.into_iter().filter_map(|(name, count)| Some((name.to_owned(), Value::from(count?))));
        return Usage::Raw(raw.collect(), Semantics::Inclusive);
    }
    Usage::Counted(Counts {
        input_uncached: rest,
        cache_read: read,
        cache_write: write,
        output,
        reasoning: reasoning.filter(|reasoning| Some(*reasoning) <= output),
        ..Counts::default()
    })
}

/// What OpenClaw counted before it knew the conventions: buckets that do not overlap.
fn own_counts(attributes: Attributes<'_>) -> Option<Usage> {
    let count = |name: &str| attributes.count(&[name]);
    let counts = Counts {
        input_uncached: count("openclaw.tokens.input"),
        cache_read: count("openclaw.tokens.cache_read"),
        cache_write: count("openclaw.tokens.cache_write"),
        output: count("openclaw.tokens.output"),
        ..Counts::default()
    };
    (counts != Counts::default()).then_some(Usage::Counted(counts))
}

fn total(attributes: Attributes<'_>) -> Option<Usage> {
    let total = attributes.count(&TOTALS)?;
    Some(Usage::Raw(Map::from_iter([("total_tokens".to_owned(), total.into())]), Semantics::TotalOnly))
}

/// What the call cost: billed by the provider, or estimated by the sender. An estimate of zero is taken for a missing price.
pub(super) fn cost(attributes: Attributes<'_>) -> (Option<Nano>, Option<Nano>) {
    let currency = attributes.text("gen_ai.usage.cost.currency");
    if currency.is_none_or(|currency| currency.eq_ignore_ascii_case("usd"))
        && let Some(amount) = attributes.usd("gen_ai.usage.cost.amount")
    {
        if attributes.text("gen_ai.usage.cost.source") == Some("provider") {
            return (Some(amount), None);
        }
        return (None, Some(amount).filter(|amount| amount.0 > 0));
    }
    let estimate = attributes.usd("gen_ai.usage.cost").or_else(|| attributes.usd("llm.cost.total"));
    let estimate = estimate.or_else(|| cost_details(attributes.text("langfuse.observation.cost_details")?));
    (None, estimate.filter(|amount| amount.0 > 0))
}

/// A flat object of costs: its total, or else their sum.
fn cost_details(json: &str) -> Option<Nano> {
    let costs = object(json.as_bytes(), COST_CONTAINERS_MAX).ok()?;
    if let Some(total) = costs.get("total") {
        return usd(total);
    }
    let mut sum = 0_i64;
    for cost in costs.values() {
        sum = sum.checked_add(usd(cost)?.0)?;
    }
    usd(&Value::from(format!("{sum}e-9")))
}

/// The name of the prices behind an estimate: the service that sent it, and its version.
pub(super) fn pricing_version(resource: Attributes<'_>) -> String {
    text::pricing_version(resource.text("service.name").unwrap_or("otel"), resource.text("service.version"))
}
