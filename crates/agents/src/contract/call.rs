//! The calls of a session to models, and what they used.

use exhibit_model::time::Timestamp;
use serde_json::{Map, Value};

use super::fields::{Fields, Reading};
use crate::money::Nano;
use crate::prices::{MIXED, PROVIDER_NATIVE};

macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$each])* $variant),* }

        impl $name {
            /// All of them.
            pub const EVERY: &'static [Self] = &[$(Self::$variant),*];

            /// The word.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            pub(crate) fn of_word(word: &str) -> Option<Self> {
                Self::EVERY.iter().copied().find(|known| known.as_str() == word)
            }
        }
    };
}

words!(
    /// How a call ended.
    CallStatus {
        /// With an answer.
        Success = "success",
        /// Without one.
        Failed = "failed",
        /// Nobody wanted the answer any more.
        Cancelled = "cancelled",
    }
);

words!(
    /// At which price a provider serves.
    ServiceTier {
        /// As usual.
        Standard = "standard",
        /// Later, for less.
        Batch = "batch",
        /// When there is room, for less.
        Flex = "flex",
        /// Sooner, for more.
        Priority = "priority",
    }
);

words!(
    /// What the counts of a raw usage object mean.
    Semantics {
        /// The input holds what was read from caches.
        Inclusive = "inclusive",
        /// The input is what came from no cache.
        Exclusive = "exclusive",
        /// Only a total is known.
        TotalOnly = "total_only",
    }
);

/// Tokens in buckets that do not overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Input that came from no cache.
    pub input_uncached: Option<i64>,
    /// Input that was read from a cache.
    pub cache_read: Option<i64>,
    /// Input that was written to a cache for five minutes.
    pub cache_write_5m: Option<i64>,
    /// Input that was written to a cache for an hour.
    pub cache_write_1h: Option<i64>,
    /// Input that was written to a cache, nobody says for how long.
    pub cache_write: Option<i64>,
    /// Output.
    pub output: Option<i64>,
    /// Output that was thought and not said; part of the output.
    pub reasoning: Option<i64>,
    /// Searches of the web.
    pub web_search_requests: Option<i64>,
}

impl Counts {
    /// Names and values, in the order of the names.
    pub fn named(&self) -> [(&'static str, Option<i64>); 8] {
        [
            ("cacheRead", self.cache_read),
            ("cacheWrite", self.cache_write),
            ("cacheWrite1h", self.cache_write_1h),
            ("cacheWrite5m", self.cache_write_5m),
            ("inputUncached", self.input_uncached),
            ("output", self.output),
            ("reasoning", self.reasoning),
            ("webSearchRequests", self.web_search_requests),
        ]
    }
}

/// What a call used.
#[derive(Debug, Clone, PartialEq)]
pub enum Usage {
    /// Nothing is said.
    Unknown,
    /// Buckets that do not overlap.
    Counted(Counts),
    /// The object of a provider, and what its counts mean.
    Raw(Map<String, Value>, Semantics),
}

/// A call to a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Its id, unique in the session.
    pub call_id: String,
    /// When it began.
    pub started_at: Timestamp,
    /// How it ended.
    pub status: CallStatus,
    /// The model; that of the session when nothing else was sent.
    pub model_id: Option<String>,
    /// Who serves it.
    pub provider: Option<String>,
    /// A word for what went wrong.
    pub error_code: Option<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<i64>,
    /// The id that the provider gave the answer.
    pub response_id: Option<String>,
    /// At which price it was served.
    pub service_tier: Option<ServiceTier>,
    /// What it used.
    pub usage: Usage,
    /// What the provider billed.
    pub billed: Option<Nano>,
    /// What someone else thinks it cost, and under which prices.
    pub estimated: Option<(Nano, String)>,
}

impl Call {
    /// A call that went well and of which nothing else is known yet.
    pub fn new(call_id: String, started_at: Timestamp) -> Self {
        Self {
            call_id,
            started_at,
            status: CallStatus::Success,
            model_id: None,
            provider: None,
            error_code: None,
            duration_ms: None,
            response_id: None,
            service_tier: None,
            usage: Usage::Unknown,
            billed: None,
            estimated: None,
        }
    }
}

/// Reads a call; `None` when something that it needs is not there, which was noted.
pub(super) fn read(mut fields: Fields<'_>, reading: &Reading) -> Option<Call> {
    let call_id = fields.id("callId");
    let started_at = fields.time("startedAt");
    let status = fields.word("status", CallStatus::of_word);
    let model_id = fields.maybe_id("modelId");
    let provider = fields.maybe_text("provider", super::TEXT_BYTES_MAX);
    let error_code = fields.maybe_text("errorCode", super::TEXT_BYTES_MAX);
    let duration_ms = fields.maybe_count("durationMs");
    let response_id = fields.maybe_id("responseId");
    let service_tier = fields.maybe_word("serviceTier", ServiceTier::of_word);
    let usage = usage(&mut fields, reading);
    let (billed, estimated) = cost(&mut fields);
    fields.finish();
    let (call_id, started_at, status) = (call_id?, started_at?, status?);
    Some(Call {
        call_id,
        started_at,
        status,
        model_id,
        provider,
        error_code,
        duration_ms,
        response_id,
        service_tier,
        usage,
        billed,
        estimated,
    })
}

fn usage(fields: &mut Fields<'_>, reading: &Reading) -> Usage {
    let (counted, raw) = (fields.maybe_object("usage"), fields.maybe_object("rawUsage"));
    let semantics = fields.maybe_word("semantics", Semantics::of_word);
    match (counted, raw, semantics) {
        (None, None, None) => Usage::Unknown,
        (None, Some(raw), Some(semantics)) => Usage::Raw(raw, semantics),
        (None, Some(_), None) => {
            fields.wrong("semantics", "must be a non-empty string");
            Usage::Unknown
        }
        (Some(counted), None, None) => {
            let mut fields = Fields::new(reading, &fields.path_of("usage"), counted);
            let counts = Counts {
                input_uncached: fields.maybe_count("inputUncached"),
                cache_read: fields.maybe_count("cacheRead"),
                cache_write_5m: fields.maybe_count("cacheWrite5m"),
                cache_write_1h: fields.maybe_count("cacheWrite1h"),
                cache_write: fields.maybe_count("cacheWrite"),
                output: fields.maybe_count("output"),
                reasoning: fields.maybe_count("reasoning"),
                web_search_requests: fields.maybe_count("webSearchRequests"),
            };
            fields.finish();
            Usage::Counted(counts)
        }
        (counted, raw, _) => {
            // Two accounts of one thing, or the meaning of nothing.
            if counted.is_some() && raw.is_some() {
                fields.wrong("rawUsage", "unsupported field");
            }
            if raw.is_none() {
                fields.wrong("semantics", "unsupported field");
            }
            Usage::Unknown
        }
    }
}

fn cost(fields: &mut Fields<'_>) -> (Option<Nano>, Option<(Nano, String)>) {
    let billed = fields.maybe_money("billedCostUsd");
    let estimated = fields.maybe_money("estimatedCostUsd");
    let version = fields.maybe_text("pricingVersion", super::TEXT_BYTES_MAX);
    match (billed, estimated, version) {
        (billed, None, None) => (billed, None),
        // These words say where a cost comes from, and an estimate is neither a bill nor a sum.
        (None, Some(_), Some(version)) if [PROVIDER_NATIVE, MIXED].contains(&version.as_str()) => {
            fields.wrong("pricingVersion", "unsupported value");
            (None, None)
        }
        (None, Some(estimated), Some(version)) => (None, Some((estimated, version))),
        (None, Some(_), None) => {
            fields.wrong("pricingVersion", "must be a non-empty string");
            (None, None)
        }
        (billed, estimated, version) => {
            if billed.is_some() && estimated.is_some() {
                fields.wrong("estimatedCostUsd", "unsupported field");
            }
            if version.is_some() {
                fields.wrong("pricingVersion", "unsupported field");
            }
            (billed, None)
        }
    }
}
