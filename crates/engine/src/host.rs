//! A host works a run off: it owns the run, keeps its leases alive, runs the workers and finishes. What a worker shares with its host is
//! [`RunContext`].

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use exhibit_model::states::UnitState;
use exhibit_store::sql::assets::{self, PathOutcome};
use exhibit_store::sql::runs::{self, Run};
use exhibit_store::sql::sources;
use exhibit_store::sql::units;
use exhibit_store::{GateError, Store, StoreError};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::commit::{Committed, Finished, commit};
use crate::dispatch::{Place, Work};
use crate::engine::EngineOptions;
use crate::inputs::{InputState, OpenSource};
use crate::pipeline::{Pipeline, Step};
use crate::process::{Ready, StartError};
use crate::registry::Known;
use crate::usage::{Meter, Usage};

mod processes;

pub(crate) use processes::StepFailure;

/// Groups that wait to be committed, for all workers of a host; more make the workers wait.
const COMMITS_MAX: usize = 8;

/// A run could not be worked on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The store could not do its work.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The gate could not do its work.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// An extractor process could not be started.
    #[error(transparent)]
    Process(StartError),
    /// Another host works on it.
    #[error(
        "run {run} is being worked on by another process; `exhibit watch {run}` shows it, `exhibit cancel {run}` stops it"
    )]
    Owned {
        /// The run.
        run: String,
    },
    /// The run does not allow what was asked for.
    #[error("{0}")]
    NotPossible(String),
    /// A rule of this program was broken.
    #[error("internal error: {0}")]
    Internal(String),
    /// The system refused.
    #[error("{what}: {source}")]
    System {
        /// What was being done.
        what: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl From<StartError> for RunError {
    fn from(error: StartError) -> Self {
        Self::Process(error)
    }
}

/// What the workers of a run share.
pub(crate) struct RunContext {
    pub(crate) store: Store,
    pub(crate) run: Run,
    pub(crate) owner: u128,
    pub(crate) workers: i64,
    pub(crate) lease_ms: i64,
    pipeline: Pipeline,
    options: Arc<EngineOptions>,
    sources: BTreeMap<i64, OpenSource>,
    offline: Mutex<BTreeSet<i64>>,
    scratch: PathBuf,
    handle: Handle,
    stop: AtomicBool,
    /// Raised with each hold and each release: odd while the workers are held.
    holds: AtomicU64,
    wake: (Mutex<()>, Condvar),
    commits: Arc<Semaphore>,
    failure: Mutex<Option<RunError>>,
    processes: AtomicU64,
    step_failures: Mutex<BTreeMap<u32, StepFailure>>,
    refused: AtomicU64,
    planned: AtomicBool,
    meter: Arc<Meter>,
}

impl RunContext {
    pub(crate) async fn open(
        store: &Store,
        run: Run,
        owner: u128,
        options: &Arc<EngineOptions>,
        scratch: PathBuf,
    ) -> Result<Self, RunError> {
        let pipeline: Pipeline = serde_json::from_slice(&run.definition)
            .map_err(|error| RunError::Internal(format!("the frozen pipeline cannot be read: {error}")))?;
        let mut open = BTreeMap::new();
        for source in store.read(sources::all).await? {
            open.insert(source.key, OpenSource::open(source));
        }
        Ok(Self {
            store: store.clone(),
            owner,
            workers: i64::try_from(options.workers).unwrap_or(1),
            lease_ms: options.lease_ms,
            pipeline,
            options: Arc::clone(options),
            sources: open,
            offline: Mutex::default(),
            scratch,
            handle: Handle::current(),
            stop: AtomicBool::new(false),
            holds: AtomicU64::new(0),
            wake: (Mutex::new(()), Condvar::new()),
            commits: Arc::new(Semaphore::new(COMMITS_MAX)),
            failure: Mutex::new(None),
            processes: AtomicU64::new(0),
            step_failures: Mutex::new(BTreeMap::new()),
            refused: AtomicU64::new(0),
            planned: AtomicBool::new(run.members_planned == run.members),
            meter: Arc::default(),
            run,
        })
    }

    // Stopping and waiting -----------------------------------------------------------------------------------------

    pub(crate) fn should_stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// How often workers were held and released. Who finds nothing to do while it changes has not seen that there is nothing left.
    pub(crate) fn holds(&self) -> u64 {
        self.holds.load(Ordering::SeqCst)
    }

    /// True while the host takes no more work, because there is no room for its results.
    pub(crate) fn is_held(&self) -> bool {
        self.holds() % 2 == 1
    }

    pub(crate) fn hold(&self, held: bool) {
        if self.is_held() != held {
            self.holds.fetch_add(1, Ordering::SeqCst);
        }
        self.wake.1.notify_all();
    }

    pub(crate) fn stop_now(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.wake.1.notify_all();
    }

    /// Waits for `time` or until the host stops.
    pub(crate) fn wait(&self, time: Duration) {
        let guard = self.wake.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.should_stop() {
            drop(self.wake.1.wait_timeout(guard, time));
        }
    }

    /// Waits for the store. Workers are threads of their own, so they may.
    pub(crate) fn wait_for<T>(&self, work: impl Future<Output = T>) -> T {
        self.handle.block_on(work)
    }

    pub(crate) fn take_failure(&self) -> Option<RunError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn fail(&self, error: RunError) {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        self.stop_now();
    }

    pub(crate) fn set_planned(&self) {
        self.planned.store(true, Ordering::Relaxed);
    }

    /// What the extractor processes that have ended used.
    pub(crate) fn used(&self) -> Usage {
        self.meter.total()
    }

    /// How many commits were refused because their lease was lost.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// True when every unit is planned and none waits or is leased.
    pub(crate) fn is_worked_off(&self) -> Result<bool, RunError> {
        self.none_is(|state| !state.is_ended())
    }

    /// True when none is blocked either: room would change nothing any more.
    pub(crate) fn needs_no_room(&self) -> Result<bool, RunError> {
        self.none_is(|state| !state.is_ended() || state == UnitState::Blocked)
    }

    fn none_is(&self, wanted: impl Fn(UnitState) -> bool) -> Result<bool, RunError> {
        if !self.planned.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let run = self.run.key;
        let coverage = self.wait_for(self.store.read(move |read| runs::coverage(read, run)))?;
        Ok(!coverage.iter().any(|(_, state, count)| wanted(*state) && *count > 0))
    }

    // What the run is made of --------------------------------------------------------------------------------------

    pub(crate) fn step(&self, step: u32) -> Result<&Step, RunError> {
        self.pipeline
            .steps
            .get(step as usize)
            .ok_or_else(|| RunError::Internal(format!("the pipeline has no step {step}")))
    }

    pub(crate) fn extractor(&self, step: u32) -> Result<&Known, RunError> {
        let (name, extractors) = (&self.step(step)?.extractor, &self.options.extractors);
        let missing = || RunError::NotPossible(format!("the run needs {name}: {}", extractors.explain_missing(name)));
        extractors.find(name).ok_or_else(missing)
    }

    pub(crate) fn source_id(&self, key: i64) -> Result<String, RunError> {
        let found = self.sources.get(&key).map(|open| open.source.id.to_string());
        found.ok_or_else(|| RunError::Internal(format!("there is no source {key}")))
    }

    /// Steps over the whole collection.
    pub(crate) fn aggregates(&self) -> Vec<u32> {
        (0_u32..).zip(&self.pipeline.steps).filter(|(_, step)| step.is_aggregate()).map(|(index, _)| index).collect()
    }

    pub(crate) fn is_planned(&self) -> bool {
        self.planned.load(Ordering::Relaxed)
    }

    /// Whether a step has a unit for a member: for each asset that it takes, or the first member alone, which stands for the collection.
    pub(crate) fn takes(&self) -> impl Fn(u32, i64, &str) -> bool + Send + 'static {
        let steps = self.pipeline.steps.clone();
        move |step, member, media_type| {
            let step = steps.get(step as usize);
            step.is_some_and(|step| if step.is_aggregate() { member == 0 } else { step.takes(media_type) })
        }
    }

    /// How a unit was made, as JSON: everything that `explain` shows and the lineage does not hold.
    pub(crate) fn made_text(&self, worker: &str, ready: &Ready, took: Duration) -> String {
        let made = serde_json::json!({
            "worker": worker,
            "took_us": u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            "input_check": if self.options.verify_inputs { "sha256" } else { "stat" },
            "tools": ready.tools,
            "build": self.options.build,
            "confined": self.options.is_confined(),
        });
        made.to_string()
    }

    // Originals ----------------------------------------------------------------------------------------------------

    /// Compares what the file system says now with what the catalog says.
    pub(crate) fn check_input(&self, work: &Work) -> InputState {
        self.look_at_input(work, &|open, place| open.check(place))
    }

    /// Compares all bytes of an original with the catalog.
    pub(crate) fn check_bytes(&self, work: &Work) -> InputState {
        self.look_at_input(work, &|open, place| open.check_bytes(place, work.asset.0))
    }

    /// The same before a unit is done, with all bytes when the person who started the run wants that.
    pub(crate) fn check_input_first(&self, work: &Work) -> InputState {
        if !self.options.verify_inputs {
            return self.check_input(work);
        }
        self.check_bytes(work)
    }

    fn look_at_input(&self, work: &Work, look: &dyn Fn(&OpenSource, &Place) -> InputState) -> InputState {
        let Some(place) = &work.place else {
            return InputState::Missing("no path of this asset is present; scan its source again".to_owned());
        };
        let Some(open) = self.sources.get(&place.source) else {
            return InputState::Missing("its source is not known any more".to_owned());
        };
        let found = look(open, place);
        match &found {
            InputState::Offline(detail) => self.note_offline(place.source, detail),
            InputState::Rotten => self.note_rotten(place),
            _ => {}
        }
        found
    }

    /// Marks a source as offline, once.
    fn note_offline(&self, source: i64, detail: &str) {
        if !self.offline.lock().unwrap_or_else(PoisonError::into_inner).insert(source) {
            return;
        }
        tracing::warn!(run.id = %self.run.id, detail, "a source went offline; its units are blocked");
        if let Err(error) = self.wait_for(self.store.write(move |tx| sources::set_online(tx, source, false))) {
            self.fail(error.into());
        }
    }

    /// Keeps among the outcomes of the source that a file has rotted, as a scan with `--verify` would.
    fn note_rotten(&self, place: &Place) {
        let (source, now_us) = (place.source, self.store.clock().now().0);
        let detail = "its bytes are not those that were cataloged, although size and time are the same".to_owned();
        let outcome = PathOutcome { path: place.path.clone(), code: "bit-rot".to_owned(), detail };
        let noted = self.store.write(move |tx| assets::record_outcomes(tx, source, &[outcome], now_us));
        if let Err(error) = self.wait_for(noted) {
            self.fail(error.into());
        }
    }

    // Commits ------------------------------------------------------------------------------------------------------

    /// Starts a commit; waits only when too many are under way.
    pub(crate) fn commit(self: &Arc<Self>, group: Vec<Finished>) -> Result<(), RunError> {
        let permit = self.wait_for(Arc::clone(&self.commits).acquire_owned());
        let permit = permit.map_err(|_| RunError::Internal("commits were closed".to_owned()))?;
        let context = Arc::clone(self);
        self.handle.spawn(async move {
            match commit(&context.store, context.run.key, group).await {
                Ok(committed) => context.note(&committed),
                Err(error) => context.fail(error.into()),
            }
            drop(permit);
        });
        Ok(())
    }

    /// Waits until every commit that was started has ended.
    pub(crate) async fn commits_done(&self) {
        let all = u32::try_from(COMMITS_MAX).unwrap_or(1);
        // Closed only when this context is gone.
        drop(self.commits.acquire_many(all).await);
    }

    fn note(&self, committed: &Committed) {
        self.refused.fetch_add(committed.refused, Ordering::Relaxed);
        for (unit, ending) in &committed.ended {
            if ending.state == UnitState::Failed {
                let step = self.step(ending.step).map_or("?", |step| step.name.as_str());
                let reason = ending.reason.as_deref().unwrap_or("");
                let detail = ending.detail.as_deref().unwrap_or("");
                let rerun = format!("exhibit retry {} --unit {}", unit.run, unit.ordinal);
                tracing::warn!(unit.id = %unit, step, reason, detail, rerun, "unit failed");
            }
        }
    }

    // Leases -------------------------------------------------------------------------------------------------------

    /// Renews the ownership and the leases, and takes back what others lost. False: another host owns the run now.
    pub(crate) async fn heartbeat(&self) -> Result<bool, StoreError> {
        let (run, owner, lease_ms) = (self.run.key, self.owner, self.lease_ms);
        self.store
            .write(move |tx| {
                let still = runs::renew_ownership(tx, run, owner, lease_ms)?;
                if still {
                    units::renew(tx, run, owner, lease_ms)?;
                    units::requeue_expired(tx, run)?;
                }
                Ok(still)
            })
            .await
    }
}
