//! What happens in the archive, as it happens.
//!
//! Listeners get runs as they stand, so a slow one misses nothing that it needs, and what was recorded by its place in the ledger, so that
//! one that comes back goes on where it was.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::response::sse::Event;
use exhibit_engine::status::{RunStatus, summary};
use exhibit_http::live::{self, Looks, last_event_id, stream_to};
use exhibit_http::{ApiError, Job, Jobs, Query, Route, Scope};
use exhibit_model::ids::{AssetId, RunId};
use exhibit_model::states::UnitState;
use exhibit_store::ledger::verify::printed_id;
use exhibit_store::sql::{ledger, records, runs, sources};
use exhibit_store::{Read, Store, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::Api;
use super::sources::Scans;
use crate::catalog::find_run;
use crate::sources::ScanView;

/// Runs that are told about at once.
const RUNS_MAX: i64 = 64;

/// Artifacts that one event names.
const NAMED_MAX: i64 = 200;

/// Records that a listener who comes back is told about; beyond, it has to load everything anew.
const MISSED_MAX: i64 = 10_000;

/// How far back the rate of a run looks.
const RATE_OVER: Duration = Duration::from_secs(5);

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct EventsQuery {
    /// Only this run and what it finds
    run: Option<String>,
}

/// A run, and how fast it goes.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct RunNow {
    #[serde(flatten)]
    status: RunStatus,
    /// Units that ended in a second, over the last five; absent while nothing ends.
    rate_per_s: Option<f64>,
}

/// An artifact that was just recorded.
#[derive(Debug, Serialize)]
struct ArtifactNow {
    artifact_id: String,
    asset_id: Option<AssetId>,
    kind: String,
    run: Option<RunId>,
}

/// How things stand.
#[derive(Debug, Default)]
struct Look {
    /// The place of the next record.
    next_seq: i64,
    runs: Vec<RunNow>,
    scans: Vec<ScanView>,
    jobs: Vec<Job>,
    /// Changes when a scan of any process ended.
    catalog: Vec<(i64, Option<i64>, bool)>,
}

/// Tells listeners how things stand.
pub(super) struct Live {
    looks: Looks<Look>,
}

impl Live {
    /// Starts the task that looks.
    pub(super) fn start(store: Store, scans: Scans, jobs: Jobs) -> Self {
        let looker = Looker { store, scans, jobs, rates: Rates::default(), followed: BTreeSet::new() };
        Self { looks: Looks::start(Look::default(), looker) }
    }
}

/// Looks, and remembers what the next look has to know.
struct Looker {
    store: Store,
    scans: Scans,
    jobs: Jobs,
    rates: Rates,
    /// Runs that were open at the last look.
    followed: BTreeSet<i64>,
}

impl live::Look for Looker {
    type Seen = Look;

    async fn look(&mut self) -> Result<Look, StoreError> {
        let before = std::mem::take(&mut self.followed);
        let (next_seq, found, catalog) = self
            .store
            .read(move |read| {
                let mut open = runs::open(read, RUNS_MAX)?;
                // A run that has just ended is told about once more.
                for key in before {
                    if !open.iter().any(|run| run.key == key) {
                        open.extend(runs::by_key(read, key)?);
                    }
                }
                let found = open
                    .iter()
                    .map(|run| Ok((run.key, summary(read, run)?)))
                    .collect::<Result<Vec<_>, StoreError>>()?;
                let sources = sources::all(read)?;
                let catalog: Vec<_> =
                    sources.into_iter().map(|source| (source.key, source.scanned_us, source.online)).collect();
                Ok((ledger::state(read)?.next_seq, found, catalog))
            })
            .await?;
        self.followed.extend(found.iter().filter(|(_, status)| !status.state.is_ended()).map(|(key, _)| *key));
        let runs = found.into_iter().map(|(_, status)| {
            let rate_per_s = self.rates.of(&status);
            RunNow { status, rate_per_s }
        });
        let runs: Vec<RunNow> = runs.collect();
        self.rates.forget_all_but(&runs);
        Ok(Look { next_seq, runs, scans: self.scans.list(), jobs: self.jobs.list(), catalog })
    }
}

/// How many units had ended when.
#[derive(Default)]
struct Rates(BTreeMap<RunId, Vec<(Instant, i64)>>);

impl Rates {
    fn of(&mut self, status: &RunStatus) -> Option<f64> {
        let ended = |(state, count): (&String, &i64)| {
            state.parse::<UnitState>().is_ok_and(UnitState::is_ended).then_some(*count)
        };
        let ended: i64 = status.units.iter().filter_map(ended).sum();
        let now = Instant::now();
        let seen = self.0.entry(status.run).or_default();
        seen.retain(|(at, _)| now.duration_since(*at) <= RATE_OVER);
        seen.push((now, ended));
        let (first, before) = *seen.first()?;
        let seconds = now.duration_since(first).as_secs_f64();
        (ended > before && seconds > 0.2).then(|| ((ended - before) as f64 / seconds * 10.0).round() / 10.0)
    }

    fn forget_all_but(&mut self, runs: &[RunNow]) {
        self.0.retain(|id, _| runs.iter().any(|run| run.status.run == *id));
    }
}

pub(super) fn routes(api: &Api) -> Vec<Route> {
    vec![
        Route::get(
            "/v1/events",
            ("watch_events", "Runs, artifacts, scans and jobs as they change, as server-sent events"),
            Scope::Read,
            (events, api.clone()),
        )
        .query::<EventsQuery>()
        .bytes(200, "A stream that ends when either side wants it to", "text/event-stream")
        .fails(&[404]),
    ]
}

/// One listener.
struct Listener {
    store: Store,
    looks: watch::Receiver<Arc<Look>>,
    only: Option<RunId>,
    /// The place of the next record to tell about.
    next_seq: i64,
    /// Whether it knows its place.
    greeted: bool,
    runs: BTreeMap<RunId, RunNow>,
    scans: Vec<ScanView>,
    jobs: Vec<Job>,
    catalog: Option<Vec<(i64, Option<i64>, bool)>>,
}

async fn events(
    State(api): State<Api>,
    Query(asked): Query<EventsQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let only = match asked.run {
        Some(id) => Some(api.read(move |read| find_run(read, &id)).await?.id),
        None => None,
    };
    let last = last_event_id(&headers).and_then(|text| text.parse::<i64>().ok());
    // Who has no place yet begins where the ledger ends now, not where it will end at the first look.
    let next_seq = match last.filter(|last| *last >= 0) {
        Some(last) => last.saturating_add(1),
        None => api.read(ledger::state).await?.next_seq,
    };
    let listener = Listener {
        store: api.store().clone(),
        looks: api.0.live.looks.subscribe(),
        only,
        next_seq,
        greeted: last.is_some(),
        runs: BTreeMap::new(),
        scans: Vec::new(),
        jobs: Vec::new(),
        catalog: None,
    };
    Ok(stream_to(listener))
}

impl live::Listener for Listener {
    async fn next(&mut self) -> Option<Vec<Event>> {
        if !self.greeted {
            self.greeted = true;
            return Some(self.event("ready", &serde_json::json!({})).into_iter().collect());
        }
        loop {
            self.looks.changed().await.ok()?;
            let now = Arc::clone(&self.looks.borrow_and_update());
            let mut told = Vec::new();
            self.tell_records(&now, &mut told).await;
            for run in now.runs.iter().filter(|run| self.only.is_none_or(|only| only == run.status.run)) {
                if self.runs.get(&run.status.run) != Some(run) {
                    self.runs.insert(run.status.run, run.clone());
                    told.extend(self.event("run", run));
                }
            }
            self.runs.retain(|id, _| now.runs.iter().any(|run| run.status.run == *id));
            for scan in &now.scans {
                if !self.scans.contains(scan) {
                    told.extend(self.event("scan", scan));
                }
            }
            self.scans.clone_from(&now.scans);
            for job in &now.jobs {
                if !self.jobs.contains(job) {
                    told.extend(self.event("job", job));
                }
            }
            self.jobs.clone_from(&now.jobs);
            if self.catalog.as_ref().is_some_and(|before| *before != now.catalog) {
                told.extend(self.event("catalog", &serde_json::json!({})));
            }
            self.catalog = Some(now.catalog.clone());
            if !told.is_empty() {
                return Some(told);
            }
        }
    }
}

impl Listener {
    /// Each event carries the place up to which its listener was told about records.
    fn event(&self, name: &str, data: &impl Serialize) -> Option<Event> {
        let event = Event::default().event(name).data(serde_json::to_string(data).ok()?);
        Some(event.id((self.next_seq - 1).to_string()))
    }

    async fn tell_records(&mut self, now: &Look, told: &mut Vec<Event>) {
        let mut first = self.next_seq;
        if first > now.next_seq || now.next_seq - first > MISSED_MAX {
            self.next_seq = now.next_seq;
            told.extend(self.event("reset", &serde_json::json!({})));
            return;
        }
        while first < now.next_seq {
            let count = (now.next_seq - first).min(NAMED_MAX);
            let (kinds, only) = (Arc::clone(self.store.kinds()), self.only);
            let found = self.store.read(move |read| artifacts(read, &kinds, first, count, only)).await;
            let items = match found {
                Ok(items) => items,
                Err(error) => {
                    tracing::warn!(%error, "a listener cannot be told about records");
                    return;
                }
            };
            first += count;
            self.next_seq = first;
            if !items.is_empty() {
                told.extend(
                    self.event("artifacts", &serde_json::json!({ "items": items, "more": first < now.next_seq })),
                );
            }
        }
    }
}

fn artifacts(
    read: &Read<'_>,
    kinds: &exhibit_store::kinds::Kinds,
    first: i64,
    count: i64,
    only: Option<RunId>,
) -> Result<Vec<ArtifactNow>, StoreError> {
    let mut items = Vec::new();
    records::each_from(read, first, count, &mut |record| {
        let run = record.run.map(RunId);
        let Some(kind) = kinds.by_key(record.kind).filter(|_| run.is_some()) else { return Ok(()) };
        if only.is_none() || only == run {
            items.push(ArtifactNow {
                artifact_id: printed_id(&record),
                asset_id: record.asset.map(AssetId),
                kind: kind.name().to_owned(),
                run,
            });
        }
        Ok(())
    })?;
    Ok(items)
}
