//! What a session adds to the sums by hour and day (`docs/governance.md`): a pure function of its rows, so that moving and recounting agree.

use std::collections::BTreeMap;

use exhibit_model::time::Timestamp;

use crate::prices::Cost;
use crate::provenance::{Provenance, Source, TokenCounts};
use crate::sketch::Sketch;
use crate::sql::calls::CallRow;
use crate::sql::sessions::SessionRow;
use crate::sql::usage::{BucketSums, UsageRow};
use crate::state::SessionState;

/// What is booked when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Basis {
    /// A session, at its start.
    SessionStart,
    /// A call, at its own start; a session that tells its sums and not its calls, at its start.
    CallTime,
}

impl Basis {
    /// As it is kept.
    pub fn code(self) -> i64 {
        match self {
            Self::SessionStart => 0,
            Self::CallTime => 1,
        }
    }
}

/// Seconds of an hour.
pub const HOUR: i64 = 3_600;

/// Seconds of a day.
pub const DAY: i64 = 86_400;

/// The finest cut that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cut {
    /// What is booked when.
    pub basis: Basis,
    /// Seconds that a bucket is long: [`HOUR`] or [`DAY`].
    pub grain: i64,
    /// Start of the bucket, in microseconds UTC.
    pub bucket_at: i64,
    /// The agent.
    pub agent_key: i64,
    /// The model.
    pub model_key: i64,
    /// The category.
    pub category_key: i64,
}

macro_rules! sums {
    ($($(#[$about:meta])* $variant:ident = $column:literal),* $(,)?) => {
        /// One of the sums that are kept of a cut.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Sum { $($(#[$about])* $variant),* }

        impl Sum {
            /// All of them, in the order of the columns.
            pub const EVERY: &'static [Self] = &[$(Self::$variant),*];

            /// The columns.
            pub const COLUMNS: &'static [&'static str] = &[$($column),*];

            /// Its column.
            pub fn column(self) -> &'static str {
                Self::COLUMNS[self as usize]
            }
        }

        /// The sums of a cut, by [`Sum`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct Sums(pub [i64; [$($column),*].len()]);
    };
}

sums! {
    /// Sessions; with [`Basis::CallTime`], calls and sessions without calls.
    Runs = "runs_total",
    /// Those that go on.
    Live = "live_runs",
    /// Those without a cost.
    Unpriced = "unpriced_runs",
    /// Milliseconds.
    RuntimeMs = "runtime_ms_total",
    /// Tokens that went in.
    Prompt = "prompt_tokens",
    /// Tokens that came out.
    Completion = "completion_tokens",
    /// All tokens.
    Total = "total_tokens",
    /// Input that came from no cache.
    InputUncached = "input_uncached",
    /// Input that was read from a cache.
    CacheRead = "cache_read",
    /// Input that was written to a cache for five minutes.
    CacheWrite5m = "cache_write_5m",
    /// Input that was written to a cache for an hour.
    CacheWrite1h = "cache_write_1h",
    /// Input that was written to a cache, nobody says for how long.
    CacheWrite = "cache_write",
    /// Output.
    Output = "output",
    /// Part of the output that was thought and not said.
    Reasoning = "reasoning",
    /// Searches of the web.
    WebSearches = "web_search_requests",
    /// Nano-USD.
    CostNano = "cost_nano_total",
    /// Tokens that someone else counted.
    TokenReported = "token_reported",
    /// Tokens that were counted here.
    TokenDerived = "token_derived",
    /// Tokens that nobody counted.
    TokenMissing = "token_missing",
    /// Runtimes that were sent.
    RuntimeReported = "runtime_reported",
    /// Runtimes that were concluded.
    RuntimeDerived = "runtime_derived",
    /// Runtimes that nobody knows.
    RuntimeMissing = "runtime_missing",
    /// Costs that were billed.
    CostReported = "cost_reported",
    /// Costs that were reckoned.
    CostDerived = "cost_derived",
    /// Costs that nobody knows.
    CostMissing = "cost_missing",
}

/// Largest sum that is kept, and smallest below zero: four thousand million dollars, half of what a column holds. A sender may tell of absurd
/// amounts; the sum then stands here, and the next honest session of the same hour still finds room.
pub const SUM_MAX: i64 = 1 << 62;

/// Adds within what is kept.
fn bounded(sum: i64, value: i64) -> i64 {
    sum.saturating_add(value).clamp(-SUM_MAX, SUM_MAX)
}

impl Sums {
    /// One of the sums.
    pub fn get(&self, sum: Sum) -> i64 {
        self.0[sum as usize]
    }

    /// Adds to one of the sums.
    pub fn add(&mut self, sum: Sum, value: i64) {
        self.0[sum as usize] = bounded(self.get(sum), value);
    }

    fn add_source(&mut self, provenance: Source, [reported, derived, missing]: [Sum; 3]) {
        self.add(
            match provenance {
                Source::ProviderReported => reported,
                Source::Derived => derived,
                Source::Missing => missing,
            },
            1,
        );
    }

    /// Some of the sums; the others are 0.
    pub fn only(&self, some: &[Sum]) -> Self {
        let mut only = Self::default();
        some.iter().for_each(|sum| only.add(*sum, self.get(*sum)));
        only
    }

    /// Adds others so many times; -1 takes them away.
    pub fn merge(&mut self, other: &Self, times: i64) {
        for (sum, value) in self.0.iter_mut().zip(other.0) {
            *sum = bounded(*sum, value.saturating_mul(times));
        }
    }

    /// True when nothing is in it.
    pub fn is_zero(&self) -> bool {
        self.0.iter().all(|sum| *sum == 0)
    }
}

/// How sessions of a cut ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Performance {
    /// Sessions that have ended.
    pub runs: i64,
    /// With success.
    pub success: i64,
    /// Without.
    pub failure: i64,
    /// By force.
    pub killed: i64,
    /// Because nobody wanted them any more.
    pub cancelled: i64,
    /// Whose end was concluded from silence.
    pub inferred: i64,
    /// Known runtimes in milliseconds.
    pub runtime: Sketch,
    /// Known costs in nano-USD.
    pub cost: Sketch,
}

impl Performance {
    /// Adds another one so many times; -1 takes it away.
    pub fn merge(&mut self, other: &Self, times: i64) {
        for (sum, value) in [
            (&mut self.runs, other.runs),
            (&mut self.success, other.success),
            (&mut self.failure, other.failure),
            (&mut self.killed, other.killed),
            (&mut self.cancelled, other.cancelled),
            (&mut self.inferred, other.inferred),
        ] {
            *sum += value * times;
        }
        self.runtime.merge(&other.runtime, times);
        self.cost.merge(&other.cost, times);
    }

    /// True when nothing is in it.
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }
}

/// What sessions add to the sums.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contributions {
    /// To usage.
    pub usage: BTreeMap<Cut, Sums>,
    /// To performance.
    pub performance: BTreeMap<Cut, Performance>,
}

/// Microseconds of a second.
const MICROS: i64 = 1_000_000;

/// Something that is booked: when, under which model, and how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// What is booked when.
    pub basis: Basis,
    /// When.
    pub at: Timestamp,
    /// The model.
    pub model_key: i64,
    /// Who served it: the call's, else the session's.
    pub provider_key: Option<i64>,
    /// How much.
    pub sums: Sums,
}

/// Everything that a session is booked with. `calls` are all calls of it.
pub fn parts<'a>(session: &SessionRow, usage: &UsageRow, calls: impl Iterator<Item = &'a CallRow>) -> Vec<Part> {
    let mut whole = Sums::default();
    whole.add(Sum::Runs, 1);
    whole.add(Sum::Live, i64::from(!session.standing.state.is_terminal()));
    whole.add(Sum::RuntimeMs, usage.runtime_ms);
    add_tokens(&mut whole, &usage.tokens.counts, usage.tokens.provenance, &usage.buckets);
    add_cost(&mut whole, &usage.cost);
    whole.add_source(usage.runtime.source, [Sum::RuntimeReported, Sum::RuntimeDerived, Sum::RuntimeMissing]);
    let (at, model_key, provider_key) = (session.started_at, session.model_key, session.provider_key);
    let mut parts = vec![Part { basis: Basis::SessionStart, at, model_key, provider_key, sums: whole }];
    add_spent(&mut parts, session, usage, calls);
    parts
}

/// By call time: each call its own part, and at the start of the session what the session told as a whole.
fn add_spent<'a>(
    parts: &mut Vec<Part>,
    session: &SessionRow,
    usage: &UsageRow,
    calls: impl Iterator<Item = &'a CallRow>,
) {
    let basis = Basis::CallTime;
    let sent_tokens = usage.sent != TokenCounts::default();
    let sent_cost = usage.billed.is_some();
    for call in calls {
        let mut sums = Sums::default();
        sums.add(Sum::Runs, 1);
        let counts = if sent_tokens {
            TokenCounts::default()
        } else {
            TokenCounts { prompt: call.usage.input(), completion: call.usage.output(), total: call.usage.total() }
        };
        add_tokens(&mut sums, &counts, call.usage.provenance, &buckets_of(call));
        if !sent_cost {
            add_cost(&mut sums, &call.cost);
        }
        let provider_key = call.provider_key.or(session.provider_key);
        parts.push(Part { basis, at: call.started_at, model_key: call.model_key, provider_key, sums });
    }
    if usage.call_count == 0 || sent_tokens || sent_cost {
        let mut sums = Sums::default();
        sums.add(Sum::Runs, 1);
        if usage.call_count == 0 || sent_tokens {
            let none = BucketSums::default();
            let buckets = if usage.call_count == 0 { &usage.buckets } else { &none };
            add_tokens(&mut sums, &usage.tokens.counts, usage.tokens.provenance, buckets);
        }
        if usage.call_count == 0 || sent_cost {
            add_cost(&mut sums, &usage.cost);
        }
        let (at, model_key, provider_key) = (session.started_at, session.model_key, session.provider_key);
        parts.push(Part { basis, at, model_key, provider_key, sums });
    }
}

impl Contributions {
    /// Adds what a session contributes so many times; -1 takes it away. `calls` are all calls of the session.
    pub fn add<'a>(
        &mut self,
        session: &SessionRow,
        usage: &UsageRow,
        calls: impl Iterator<Item = &'a CallRow>,
        times: i64,
    ) {
        for part in parts(session, usage, calls) {
            for grain in [HOUR, DAY] {
                let cut = cut(part.basis, grain, part.at, session, part.model_key);
                self.usage.entry(cut).or_default().merge(&part.sums, times);
            }
        }
        if session.standing.state.is_terminal() {
            let ended = performance_of(session, usage);
            for grain in [HOUR, DAY] {
                let cut = cut(Basis::SessionStart, grain, session.started_at, session, session.model_key);
                self.performance.entry(cut).or_default().merge(&ended, times);
            }
        }
    }

    /// Leaves out what changes nothing.
    pub fn without_zeros(mut self) -> Self {
        self.usage.retain(|_, sums| !sums.is_zero());
        self.performance.retain(|_, performance| !performance.is_zero());
        self
    }
}

fn cut(basis: Basis, grain: i64, at: Timestamp, session: &SessionRow, model_key: i64) -> Cut {
    let length = grain * MICROS;
    Cut {
        basis,
        grain,
        bucket_at: at.0.div_euclid(length) * length,
        agent_key: session.agent_key,
        model_key,
        category_key: session.task_category_key,
    }
}

fn add_tokens(sums: &mut Sums, counts: &TokenCounts, provenance: Provenance, buckets: &BucketSums) {
    // One side that is known is known to have been used.
    let sides = counts.prompt.unwrap_or(0).saturating_add(counts.completion.unwrap_or(0));
    for (sum, value) in [
        (Sum::Prompt, counts.prompt.unwrap_or(0)),
        (Sum::Completion, counts.completion.unwrap_or(0)),
        (Sum::Total, counts.total.unwrap_or(sides)),
        (Sum::InputUncached, buckets.input_uncached),
        (Sum::CacheRead, buckets.cache_read),
        (Sum::CacheWrite5m, buckets.cache_write_5m),
        (Sum::CacheWrite1h, buckets.cache_write_1h),
        (Sum::CacheWrite, buckets.cache_write),
        (Sum::Output, buckets.output),
        (Sum::Reasoning, buckets.reasoning),
        (Sum::WebSearches, buckets.web_search_requests),
    ] {
        sums.add(sum, value);
    }
    sums.add_source(provenance.source, [Sum::TokenReported, Sum::TokenDerived, Sum::TokenMissing]);
}

fn add_cost(sums: &mut Sums, cost: &Cost) {
    match cost.amount() {
        Some(amount) => sums.add(Sum::CostNano, amount.0),
        None => sums.add(Sum::Unpriced, 1),
    }
    sums.add_source(cost.source(), [Sum::CostReported, Sum::CostDerived, Sum::CostMissing]);
}

/// The buckets of a call; what is unknown adds nothing.
pub fn buckets_of(call: &CallRow) -> BucketSums {
    let counts = &call.usage.counts;
    BucketSums {
        input_uncached: counts.input_uncached.unwrap_or(0),
        cache_read: counts.cache_read.unwrap_or(0),
        cache_write_5m: counts.cache_write_5m.unwrap_or(0),
        cache_write_1h: counts.cache_write_1h.unwrap_or(0),
        cache_write: counts.cache_write.unwrap_or(0),
        output: counts.output.unwrap_or(0),
        reasoning: counts.reasoning.unwrap_or(0),
        web_search_requests: counts.web_search_requests.unwrap_or(0),
    }
}

/// What a session that has ended adds to the performance of its model.
pub fn performance_of(session: &SessionRow, usage: &UsageRow) -> Performance {
    let mut ended = Performance { runs: 1, inferred: i64::from(session.end_inferred), ..Performance::default() };
    match session.standing.state {
        SessionState::Success => ended.success = 1,
        SessionState::Failed => ended.failure = 1,
        SessionState::Killed => ended.killed = 1,
        SessionState::Cancelled => ended.cancelled = 1,
        // Only sessions that have ended come here.
        SessionState::Queued | SessionState::Running => {}
    }
    if usage.runtime.source != Source::Missing {
        ended.runtime.add(usage.runtime_ms, 1);
    }
    if let Some(amount) = usage.cost.amount() {
        ended.cost.add(amount.0, 1);
    }
    ended
}
