//! Rows of sessions, usage and events of an older file, read strictly, and what they come to together.

use exhibit_model::time::Timestamp;

use super::file::Row;
use super::stated::Stated;
use crate::contract::{Event, Fields, Reading, Session, read_event, read_session};
use crate::money::Nano;
use crate::prices::{Cost, PROVIDER_NATIVE, PricingVersion, V41_DEFAULT};
use crate::provenance::{
    CostConfidence, Level, Provenance, RuntimeFacts, Source, TokenCounts, session_runtime, session_tokens,
};

/// Longest short text, in bytes: the same as in the contract.
const TEXT_BYTES_MAX: usize = 256;

/// Fields of a row of the ledger, and how the contract calls them.
const LEDGER_FIELDS: [(&str, &str); 17] = [
    ("sessionId", "sessionId"),
    ("runId", "runId"),
    ("agentId", "agentId"),
    ("agentLabel", "agentLabel"),
    ("modelId", "modelId"),
    ("taskTitle", "title"),
    ("taskText", "task"),
    ("taskCategory", "taskCategory"),
    ("status", "state"),
    ("startedAt", "startedAt"),
    ("endedAt", "endedAt"),
    ("runtimeMs", "runtimeMs"),
    ("artifactCount", "artifactCount"),
    ("errorCode", "errorCode"),
    ("errorMessage", "errorMessage"),
    ("sourceVersion", "sourceVersion"),
    ("ingestedAt", "ingestedAt"),
];

/// What tasks are called that nobody gave a category.
const UNCATEGORIZED: &str = "uncategorized";

/// A row of the ledger.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LedgerRow {
    /// What it says.
    pub(super) session: Session,
    /// When the older version took it in.
    pub(super) ingested_at: Option<Timestamp>,
}

/// A row of the usage.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct UsageIn {
    /// The session.
    pub(super) session_id: String,
    /// Its tokens.
    pub(super) tokens: TokenCounts,
    /// Milliseconds.
    pub(super) runtime_ms: Option<i64>,
    /// What it cost.
    pub(super) cost: Option<Nano>,
    confidence: CostConfidence,
    provider: Option<String>,
    pricing_version: Option<String>,
    computed_at: Option<Timestamp>,
    token_words: (Option<Source>, Option<Level>),
    runtime_words: (Option<Source>, Option<Level>),
    cost_words: (Option<Source>, Option<Level>),
}

/// What is wrong, in the words of the file; `None` when nothing is.
fn wrong(reading: Reading, names: &[(&str, &str)]) -> Option<String> {
    let details = reading.details.into_inner();
    let told = details.iter().map(|detail| {
        let file =
            names.iter().find(|(_, contract)| *contract == detail.field).map_or(&*detail.field, |(file, _)| file);
        format!("{file} {}", detail.message)
    });
    let told: Vec<String> = told.collect();
    (!told.is_empty()).then(|| told.join("; "))
}

/// Reads a row of the ledger; `Err` says what is wrong with it.
pub(super) fn ledger_row(row: Row) -> Result<LedgerRow, String> {
    let reading = Reading::strict();
    let mut renamed = Row::new();
    for (name, value) in row {
        match LEDGER_FIELDS.iter().find(|(file, _)| *file == name) {
            Some((_, contract)) => {
                renamed.insert((*contract).to_owned(), value);
            }
            None => reading.wrong(name, "unsupported field"),
        }
    }
    let ingested = renamed.remove("ingestedAt").map(|value| ("ingestedAt".to_owned(), value));
    let mut own = Fields::new(&reading, "", ingested.into_iter().collect());
    let ingested_at = own.maybe_time("ingestedAt");
    let session = read_session(Fields::new(&reading, "", renamed), false);
    match (wrong(reading, &LEDGER_FIELDS), session) {
        (None, Some(mut session)) => {
            session.task_category = session.task_category.filter(|category| category != UNCATEGORIZED);
            // Nothing has run yet, or it still does: that is no runtime.
            if !session.state.is_terminal() {
                session.runtime_ms = session.runtime_ms.filter(|runtime_ms| *runtime_ms > 0);
            }
            Ok(LedgerRow { session, ingested_at })
        }
        (wrong, _) => Err(wrong.unwrap_or_else(|| "it is no session".to_owned())),
    }
}

/// Reads a row of the usage; `Err` says what is wrong with it.
pub(super) fn usage_row(row: Row) -> Result<UsageIn, String> {
    let reading = Reading::strict();
    let mut fields = Fields::new(&reading, "", row);
    let session_id = fields.text("sessionId", TEXT_BYTES_MAX);
    let confidence = fields.maybe_word("costConfidence", CostConfidence::of_word).unwrap_or(CostConfidence::Unknown);
    let mut words = |source: &str, level: &str| {
        // V4.1 wrote `unknown` where nobody had said who says it.
        let source = fields
            .maybe_word(source, |word| if word == "unknown" { Some(None) } else { Source::of_word(word).map(Some) });
        (source.flatten(), fields.maybe_word(level, Level::of_word))
    };
    let token_words = words("tokenSource", "tokenConfidence");
    let runtime_words = words("runtimeSource", "runtimeConfidence");
    let cost_words = words("costSource", "costConfidenceLevel");
    let row = UsageIn {
        session_id: session_id.unwrap_or_default(),
        tokens: TokenCounts {
            prompt: fields.maybe_count("promptTokens"),
            completion: fields.maybe_count("completionTokens"),
            total: fields.maybe_count("totalTokens"),
        },
        runtime_ms: fields.maybe_count("runtimeMs"),
        cost: fields.maybe_money("costUsd"),
        confidence,
        provider: fields.maybe_text("provider", TEXT_BYTES_MAX),
        pricing_version: fields.maybe_text("pricingVersion", TEXT_BYTES_MAX),
        computed_at: fields.maybe_time("computedAt"),
        token_words,
        runtime_words,
        cost_words,
    };
    fields.finish();
    wrong(reading, &[]).map_or(Ok(row), Err)
}

/// Reads an event; `index` is its place among those of its session.
pub(super) fn event_row(row: Row, index: usize, session_id: &str) -> Result<Event, String> {
    let reading = Reading::strict();
    let event = read_event(Fields::new(&reading, "", row), index, Some(session_id));
    match (wrong(reading, &[]), event) {
        (None, Some(event)) => Ok(event),
        (wrong, _) => Err(wrong.unwrap_or_else(|| "it is no event".to_owned())),
    }
}

/// The session as the contract would say it, and what the file says of its numbers.
pub(super) fn together(row: LedgerRow, usage: Option<&UsageIn>) -> (Session, Stated) {
    let LedgerRow { mut session, ingested_at } = row;
    let nothing = (None, None);
    let cost = usage.map_or(Cost::missing(), cost_of);
    if let Some(usage) = usage {
        session.provider.clone_from(&usage.provider);
        let TokenCounts { prompt, completion, total } = usage.tokens;
        (session.prompt_tokens, session.completion_tokens, session.total_tokens) = (prompt, completion, total);
        // Sums are made of the usage; where the ledger says something else, the sums of the file were these.
        let is_live_zero = !session.state.is_terminal() && usage.runtime_ms == Some(0);
        session.runtime_ms = usage.runtime_ms.filter(|_| !is_live_zero).or(session.runtime_ms);
        session.billed = cost.amount().filter(|_| cost.confidence() == CostConfidence::Exact);
    }
    let runtime = session_runtime(&RuntimeFacts {
        // What the file says is kept as it says it, even of a session that goes on.
        terminal: session.state.is_terminal() || session.runtime_ms.is_some(),
        started_at: session.started_at,
        runtime_ms: session.runtime_ms,
        ended_at: session.ended_at,
        terminal_at: None,
        inferred_end: None,
    });
    let counts = usage.map(|usage| usage.tokens).unwrap_or_default();
    let tokens = session_tokens(counts, &[]).provenance;
    let stated = Stated {
        runtime_ms: runtime.ms,
        runtime: said(usage.map_or(nothing, |usage| usage.runtime_words), runtime.provenance),
        tokens: said(usage.map_or(nothing, |usage| usage.token_words), tokens),
        cost,
        computed_at: usage.and_then(|usage| usage.computed_at),
        ingested_at,
    };
    (session, stated)
}

/// The words of the file; those that it leaves out follow from the numbers.
fn said((source, level): (Option<Source>, Option<Level>), otherwise: Provenance) -> Provenance {
    Provenance::new(source.unwrap_or(otherwise.source), level.unwrap_or(otherwise.level))
}

/// What a row of usage says that the session cost: section 11 of the specification, word for word.
fn cost_of(usage: &UsageIn) -> Cost {
    let Some(amount) = usage.cost else { return Cost::missing() };
    let version = usage.pricing_version.as_deref();
    let known = |version: PricingVersion, otherwise: Provenance| {
        Cost::known(amount, version, said(usage.cost_words, otherwise), usage.confidence)
    };
    let derived = |level| Provenance::new(Source::Derived, level);
    let native = Provenance::new(Source::ProviderReported, Level::High);
    match (usage.confidence, version.and_then(PricingVersion::parse)) {
        (CostConfidence::Exact, None) => Cost::billed(amount),
        (CostConfidence::Exact, Some(version)) if [PROVIDER_NATIVE, V41_DEFAULT].contains(&version.as_str()) => {
            Cost::billed(amount)
        }
        (CostConfidence::Exact, Some(version)) => known(version, native),
        (CostConfidence::Estimated, None) => Cost::assumed(amount, PricingVersion::v3_flat()),
        (CostConfidence::Estimated, Some(version)) => known(version, derived(Level::Medium)),
        (CostConfidence::Unknown, None) => Cost::assumed(amount, PricingVersion::legacy_unversioned()),
        (CostConfidence::Unknown, Some(version)) => known(version, derived(Level::Low)),
    }
}

#[cfg(test)]
#[path = "entry_tests.rs"]
mod tests;
