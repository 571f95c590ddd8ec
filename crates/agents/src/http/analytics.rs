//! What `GET /api/v3/analytics/usage` and `GET /api/v3/analytics/performance` answer, for the command line as well.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use exhibit_http::{ApiError, Json, Query, Route, Scope};
use exhibit_store::{Read, StoreError};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Api;
use super::dialect::LegacyProblem;
use super::ledger::{bound, given, invalid, number, zone};
use crate::aggregates::{Basis, Sum, Sums};
use crate::alerts::Zone;
use crate::analytics::{Reach, by_day, by_provider, matrix};
use crate::money::Nano;
use crate::sql::analytics::{By, Cuts};
use crate::sql::dims::{self, DimKind, UNCATEGORIZED};

/// Sessions of a model below which its row warns, unless asked otherwise.
const MIN_SAMPLE: i64 = 5;

pub(super) fn routes(api: &Api) -> Vec<Route> {
    let words = ("agentsUsage", "What sessions used and cost, by day and as wanted");
    let usage = Route::get("/api/v3/analytics/usage", words, Scope::Read, (usage, api.clone()));
    let words = ("agentsPerformance", "How the sessions of each model ended, how long they took and what they cost");
    let performance = Route::get("/api/v3/analytics/performance", words, Scope::Read, (performance, api.clone()));
    vec![
        usage.query::<UsageQuery>().takes_secret().told_as::<LegacyProblem>().answers::<Usage>(200, "The sums"),
        performance
            .query::<PerformanceQuery>()
            .takes_secret()
            .told_as::<LegacyProblem>()
            .answers::<Models>(200, "A row for each model"),
    ]
}

/// Which sessions, and how they are told apart. Parameters that nobody knows are passed over, as they always were.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageQuery {
    /// Begun then or later: a day, or a time to the precision that is written
    pub from: Option<String>,
    /// Begun then or earlier, all of what is written included
    pub to: Option<String>,
    /// Of this agent
    pub agent: Option<String>,
    /// With this model
    pub model: Option<String>,
    /// Of this category
    pub task: Option<String>,
    /// Time zone of days; UTC when it is not given
    pub tz: Option<String>,
    /// `day`, `week`, `month`, `agent`, `model`, `task` or `provider`
    pub group_by: Option<String>,
    /// `spend`: by the time of calls in place of the start of sessions
    pub basis: Option<String>,
}

/// Sums.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Sessions; with `basis=spend`, calls and sessions that tell no calls.
    pub runs: i64,
    /// Tokens.
    pub tokens: i64,
    /// Milliseconds.
    pub runtime_ms: i64,
    /// USD with six decimals.
    pub cost_usd: f64,
}

/// Sums of a day.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageDay {
    /// The day in the zone.
    pub date: String,
    /// Tokens.
    pub tokens: i64,
    /// Milliseconds.
    pub runtime_ms: i64,
    /// USD with six decimals.
    pub cost_usd: f64,
    /// Sessions.
    pub runs: i64,
    /// Those without a cost.
    pub unpriced_runs: i64,
}

/// Sums of a group.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageGroup {
    /// Monday of the week, the month, or the name; absent where nobody told one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Tokens.
    pub tokens: i64,
    /// Milliseconds.
    pub runtime_ms: i64,
    /// USD with six decimals.
    pub cost_usd: f64,
    /// Sessions.
    pub runs: i64,
    /// Those without a cost.
    pub unpriced_runs: i64,
}

/// How many numbers come from where.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Sources {
    /// Of tokens.
    pub token: BTreeMap<String, i64>,
    /// Of runtimes.
    pub runtime: BTreeMap<String, i64>,
    /// Of costs.
    pub cost: BTreeMap<String, i64>,
}

/// How much of it has a cost.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Coverage {
    /// Sessions with a cost.
    pub priced_runs: i64,
    /// Sessions without.
    pub unpriced_runs: i64,
    /// Sessions that go on.
    pub live_runs: i64,
}

/// Usage.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// The sums of everything.
    pub totals: Totals,
    /// Where the numbers come from.
    pub provenance: Sources,
    /// Days with data, the oldest first.
    pub series: Vec<UsageDay>,
    /// How much has a cost.
    pub coverage: Coverage,
    /// The groups, when they were asked for: periods the oldest first, names the most expensive first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<UsageGroup>>,
}

/// How groups are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Groups {
    None,
    Week,
    Month,
    Agent,
    Model,
    Category,
    Provider,
}

/// A question about usage, understood.
pub struct AskedUsage {
    span: Reach,
    names: Names,
    zone: Zone,
    groups: Groups,
    basis: Basis,
}

/// Names that sessions are filtered by.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Names {
    agent: Option<String>,
    model: Option<String>,
    category: Option<String>,
}

impl Names {
    /// Their keys; `None` when nobody has such a name, so that nothing is found.
    fn cuts(&self, read: &Read<'_>) -> Result<Option<Cuts>, StoreError> {
        let key = |kind: DimKind, name: &Option<String>| -> Result<Result<Option<i64>, ()>, StoreError> {
            let Some(name) = name else { return Ok(Ok(None)) };
            Ok(dims::find(read, kind, name)?.map(Some).ok_or(()))
        };
        let agent = key(DimKind::Agent, &self.agent)?;
        let model = key(DimKind::Model, &self.model)?;
        let category = key(DimKind::Category, &self.category)?;
        Ok(match (agent, model, category) {
            (Ok(agent_key), Ok(model_key), Ok(category_key)) => Some(Cuts { agent_key, model_key, category_key }),
            _ => None,
        })
    }
}

fn span(from: Option<&str>, to: Option<&str>, zone: &Zone) -> Result<Reach, ApiError> {
    Ok(Reach {
        from: bound(from, "from", zone)?.map(|covered| covered.first),
        before: bound(to, "to", zone)?.map(|covered| covered.after),
    })
}

impl AskedUsage {
    /// Reads a question.
    ///
    /// # Errors
    /// 400 with the first parameter that is wrong.
    pub fn of(query: UsageQuery) -> Result<Self, ApiError> {
        let zone = zone(query.tz.as_deref())?;
        let span = span(query.from.as_deref(), query.to.as_deref(), &zone)?;
        let groups = match query.group_by.as_deref().unwrap_or_default() {
            "" | "day" => Groups::None,
            "week" => Groups::Week,
            "month" => Groups::Month,
            "agent" => Groups::Agent,
            "model" => Groups::Model,
            "task" => Groups::Category,
            "provider" => Groups::Provider,
            _ => return Err(invalid("groupBy")),
        };
        let basis = match query.basis.as_deref().unwrap_or_default() {
            "" | "start" => Basis::SessionStart,
            "spend" => Basis::CallTime,
            _ => return Err(invalid("basis")),
        };
        let names = Names { agent: given(query.agent), model: given(query.model), category: given(query.task) };
        Ok(Self { span, names, zone, groups, basis })
    }

    /// The sums that were asked for.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn answer(&self, read: &Read<'_>) -> Result<Usage, StoreError> {
        let (mut days, mut named): (BTreeMap<Date, Sums>, BTreeMap<Option<i64>, Sums>) = Default::default();
        if let Some(cuts) = self.names.cuts(read)? {
            let by = match self.groups {
                Groups::Agent => By::Agent,
                Groups::Model => By::Model,
                Groups::Category => By::Category,
                Groups::None | Groups::Week | Groups::Month | Groups::Provider => By::Nothing,
            };
            for ((day, name), sums) in by_day(read, self.basis, self.span, &self.zone, &cuts, by)? {
                days.entry(day).or_default().merge(&sums, 1);
                named.entry(Some(name)).or_default().merge(&sums, 1);
            }
            if self.groups == Groups::Provider {
                named = by_provider(read, self.basis, self.span, &cuts)?;
            }
        }
        let groups = match self.groups {
            Groups::None => None,
            Groups::Week | Groups::Month => Some(self.periods(&days)),
            Groups::Agent | Groups::Model | Groups::Category | Groups::Provider => Some(groups_of(read, named)?),
        };
        let mut all = Sums::default();
        days.values().for_each(|sums| all.merge(sums, 1));
        let unpriced = all.get(Sum::Unpriced);
        Ok(Usage {
            totals: Totals {
                runs: all.get(Sum::Runs),
                tokens: all.get(Sum::Total),
                runtime_ms: all.get(Sum::RuntimeMs),
                cost_usd: usd(&all),
            },
            provenance: sources(&all),
            series: days
                .iter()
                .map(|(day, sums)| UsageDay {
                    date: day.to_string(),
                    tokens: sums.get(Sum::Total),
                    runtime_ms: sums.get(Sum::RuntimeMs),
                    cost_usd: usd(sums),
                    runs: sums.get(Sum::Runs),
                    unpriced_runs: sums.get(Sum::Unpriced),
                })
                .collect(),
            coverage: Coverage {
                priced_runs: all.get(Sum::CostReported) + all.get(Sum::CostDerived),
                unpriced_runs: unpriced,
                live_runs: all.get(Sum::Live),
            },
            groups,
        })
    }

    fn periods(&self, days: &BTreeMap<Date, Sums>) -> Vec<UsageGroup> {
        let mut periods: BTreeMap<String, Sums> = BTreeMap::new();
        for (day, sums) in days {
            let key = match self.groups {
                Groups::Month => day.strftime("%Y-%m").to_string(),
                _ => monday(*day).to_string(),
            };
            periods.entry(key).or_default().merge(sums, 1);
        }
        periods.into_iter().map(|(key, sums)| group(Some(key), &sums)).collect()
    }
}

fn monday(day: Date) -> Date {
    let back = i64::from(day.weekday().to_monday_zero_offset());
    day.checked_sub(jiff::Span::new().days(back)).unwrap_or(day)
}

fn usd(sums: &Sums) -> f64 {
    Nano(sums.get(Sum::CostNano)).usd()
}

fn group(key: Option<String>, sums: &Sums) -> UsageGroup {
    UsageGroup {
        key,
        tokens: sums.get(Sum::Total),
        runtime_ms: sums.get(Sum::RuntimeMs),
        cost_usd: usd(sums),
        runs: sums.get(Sum::Runs),
        unpriced_runs: sums.get(Sum::Unpriced),
    }
}

fn groups_of(read: &Read<'_>, named: BTreeMap<Option<i64>, Sums>) -> Result<Vec<UsageGroup>, StoreError> {
    let keys: BTreeSet<i64> = named.keys().flatten().copied().collect();
    let names = dims::names(read, &keys)?;
    let mut groups: Vec<(i64, UsageGroup)> = named
        .into_iter()
        .map(|(key, sums)| {
            let name = key.filter(|key| *key != UNCATEGORIZED).and_then(|key| names.get(&key).cloned());
            (sums.get(Sum::CostNano), group(name, &sums))
        })
        .collect();
    groups.sort_by(|one, other| (other.0, other.1.tokens, &one.1.key).cmp(&(one.0, one.1.tokens, &other.1.key)));
    Ok(groups.into_iter().map(|(_, group)| group).collect())
}

fn sources(sums: &Sums) -> Sources {
    let counts = |counts: [Sum; 3]| {
        let words = ["provider_reported", "derived", "missing"];
        let found = words.into_iter().zip(counts).map(|(word, sum)| (word.to_owned(), sums.get(sum)));
        found.filter(|(_, count)| *count != 0).collect()
    };
    Sources {
        token: counts([Sum::TokenReported, Sum::TokenDerived, Sum::TokenMissing]),
        runtime: counts([Sum::RuntimeReported, Sum::RuntimeDerived, Sum::RuntimeMissing]),
        cost: counts([Sum::CostReported, Sum::CostDerived, Sum::CostMissing]),
    }
}

async fn usage(State(api): State<Api>, Query(query): Query<UsageQuery>) -> Result<Json<Usage>, ApiError> {
    let asked = AskedUsage::of(query)?;
    Ok(Json(api.read(move |read| asked.answer(read)).await?))
}

/// Which sessions. Parameters that nobody knows are passed over, as they always were.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PerformanceQuery {
    /// Begun then or later: a day, or a time to the precision that is written
    pub from: Option<String>,
    /// Begun then or earlier, all of what is written included
    pub to: Option<String>,
    /// Of this agent
    pub agent: Option<String>,
    /// With this model
    pub model: Option<String>,
    /// Of this category
    pub task: Option<String>,
    /// Time zone of days; UTC when it is not given
    pub tz: Option<String>,
    /// Sessions below which a row warns; 5 when it is not given
    pub min_sample: Option<String>,
}

/// A row for each model.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Models {
    /// The rows: the most sessions first, then by name.
    pub rows: Vec<MatrixRow>,
}

/// How the sessions of a model that have ended did.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MatrixRow {
    /// The model.
    pub model_id: String,
    /// Sessions that have ended.
    pub runs_total: i64,
    /// With success.
    pub success_count: i64,
    /// Without.
    pub failure_count: i64,
    /// Success of all.
    pub success_rate: f64,
    /// Milliseconds: the median of known runtimes, 0 when there are none.
    pub median_runtime_ms: f64,
    /// USD with six decimals: the median of known costs, 0 when there are none.
    pub median_cost_usd: f64,
    /// Whether these are too few to say anything.
    pub sample_warning: bool,
    /// What the ledger is asked for to see the failures.
    pub failed_drilldown: Drilldown,
    /// By force.
    pub killed_count: i64,
    /// Because nobody wanted them any more.
    pub cancelled_count: i64,
    /// Whose end was concluded from silence.
    pub inferred_count: i64,
    /// Failures of those that succeeded or failed.
    pub failure_rate: f64,
    /// Whether the medians are known to 1/256 of themselves only.
    pub approx: bool,
    /// How many runtimes and costs are known.
    pub provenance: Known,
}

/// How many numbers are known, and how many are not.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Known {
    /// Of runtimes.
    pub runtime: BTreeMap<String, i64>,
    /// Of costs.
    pub cost: BTreeMap<String, i64>,
}

/// A question about the ledger.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Drilldown {
    /// Always `failed`.
    pub status: String,
    /// The model.
    pub model: String,
    /// As it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// As it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// As it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
}

/// A question about performance, understood.
pub struct AskedPerformance {
    span: Reach,
    names: Names,
    min_sample: i64,
    said: (Option<String>, Option<String>),
}

impl AskedPerformance {
    /// Reads a question.
    ///
    /// # Errors
    /// 400 with the first parameter that is wrong.
    pub fn of(query: PerformanceQuery) -> Result<Self, ApiError> {
        let zone = zone(query.tz.as_deref())?;
        let span = span(query.from.as_deref(), query.to.as_deref(), &zone)?;
        let min_sample = number(query.min_sample.as_deref(), "minSample", MIN_SAMPLE)?;
        let names = Names { agent: given(query.agent), model: given(query.model), category: given(query.task) };
        Ok(Self { span, names, min_sample, said: (given(query.from), given(query.to)) })
    }

    /// The rows that were asked for.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn answer(&self, read: &Read<'_>) -> Result<Models, StoreError> {
        let Some(cuts) = self.names.cuts(read)? else { return Ok(Models { rows: Vec::new() }) };
        let models = matrix(read, self.span, &cuts)?;
        let names = dims::names(read, &models.keys().copied().collect())?;
        let mut rows: Vec<MatrixRow> = Vec::with_capacity(models.len());
        for (model_key, (performance, medians)) in models {
            if performance.runs == 0 {
                continue;
            }
            let model = names.get(&model_key).cloned().unwrap_or_default();
            let known = |count: i64| {
                let all = [("known", count), ("missing", performance.runs - count)];
                all.into_iter().filter(|(_, count)| *count != 0).map(|(word, count)| (word.to_owned(), count)).collect()
            };
            rows.push(MatrixRow {
                runs_total: performance.runs,
                success_count: performance.success,
                failure_count: performance.failure,
                success_rate: rate(performance.success, performance.runs),
                median_runtime_ms: half(medians.runtime_twice),
                median_cost_usd: Nano((medians.cost_twice.saturating_add(1)) / 2).usd(),
                sample_warning: performance.runs < self.min_sample,
                failed_drilldown: Drilldown {
                    status: "failed".to_owned(),
                    model: model.clone(),
                    from: self.said.0.clone(),
                    to: self.said.1.clone(),
                    agent: self.names.agent.clone(),
                },
                killed_count: performance.killed,
                cancelled_count: performance.cancelled,
                inferred_count: performance.inferred,
                failure_rate: rate(performance.failure, performance.success + performance.failure),
                approx: medians.approx,
                provenance: Known {
                    runtime: known(performance.runtime.count()),
                    cost: known(performance.cost.count()),
                },
                model_id: model,
            });
        }
        rows.sort_by(|one, other| (other.runs_total, &one.model_id).cmp(&(one.runs_total, &other.model_id)));
        Ok(Models { rows })
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of sessions are far below 2^53")]
fn rate(part: i64, whole: i64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of a session are far below 2^53")]
fn half(twice: i64) -> f64 {
    twice as f64 / 2.0
}

async fn performance(State(api): State<Api>, Query(query): Query<PerformanceQuery>) -> Result<Json<Models>, ApiError> {
    let asked = AskedPerformance::of(query)?;
    Ok(Json(api.read(move |read| asked.answer(read)).await?))
}
