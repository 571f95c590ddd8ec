//! The engine: make a run, work it off, cancel, resume, retry.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use exhibit_model::ids::{CollectionId, RunId};
use exhibit_model::states::{Policy, RunState, UnitState, Wish};
use exhibit_model::time::IdSource;
use exhibit_store::sql::runs::{self, NewRun, Run};
use exhibit_store::sql::units;
use exhibit_store::{Store, StoreError, Tx};
use tokio::sync::mpsc;

use crate::benchmark::{self, HostUsage};
use crate::confine::Confinement;
use crate::disk::{self, DiskRules, Projection};
use crate::guard::{Guard, Looked, REASON};
use crate::host::{RunContext, RunError};
use crate::pipeline::Pipeline;
use crate::registry::ExtractorSet;
use crate::scratch::Scratch;
use crate::usage;
use crate::worker::Worker;

/// Members whose units are planned in one transaction: below a tenth of a second on two cores.
const PLAN_MEMBERS: i64 = 5_000;

/// How often a host reads what people want of its run; well within the promised 250 ms.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Everything that an engine needs beside the store.
pub struct EngineOptions {
    /// The extractors that can be used.
    pub extractors: ExtractorSet,
    /// This binary, to be started again as a supervisor.
    pub exe: PathBuf,
    /// Names the binary in `explain`.
    pub build: String,
    /// Folder for scratch and locks.
    pub work_folder: PathBuf,
    /// Random id of the home.
    pub home_id: String,
    /// Workers, and so extractor processes, of a run.
    pub workers: usize,
    /// How long leases last, in milliseconds.
    pub lease_ms: i64,
    /// Resident memory of one extractor process with its tools and its supervisor, in bytes. See [`crate::memory`].
    pub process_memory_max: u64,
    /// What may be written, and how much room has to stay.
    pub disk: DiskRules,
    /// Whether every original is hashed again before it is given to an extractor.
    pub verify_inputs: bool,
    /// What is required of the kernel.
    pub confinement: Confinement,
    /// Where ids come from.
    pub ids: Arc<dyn IdSource>,
}

/// What is asked of a new run.
#[derive(Debug, Clone)]
pub struct RunRequest {
    /// What to do.
    pub pipeline: Pipeline,
    /// With what.
    pub collection: CollectionId,
    /// Whether its results count at once.
    pub policy: Policy,
    /// How long the results of a sandbox run stay, in microseconds.
    pub sandbox_us: i64,
    /// Crashes after which a unit is given up.
    pub attempts_max: i64,
    /// Never reuse earlier work.
    pub recompute: bool,
}

/// How the work of this host on a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkEnd {
    /// Where the run stands.
    pub state: RunState,
    /// Commits that were refused because their lease was lost.
    pub refused: u64,
}

/// Makes and works off runs.
#[derive(Clone)]
pub struct Engine {
    store: Store,
    options: Arc<EngineOptions>,
}

impl Engine {
    /// An engine on a store.
    pub fn new(store: Store, options: EngineOptions) -> Self {
        Self { store, options: Arc::new(options) }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn options(&self) -> &Arc<EngineOptions> {
        &self.options
    }

    /// Freezes the collection and makes a run. Its units are planned when it is worked on.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn create_run(&self, request: RunRequest) -> Result<Run, RunError> {
        let definition =
            request.pipeline.canonical().map_err(|findings| RunError::NotPossible(findings.to_string()))?;
        let now_us = self.store.clock().now().0;
        let sandbox = request.policy == Policy::Sandbox;
        let new = NewRun {
            id: RunId(self.options.ids.next_ulid()),
            pipeline: request.pipeline.name,
            pipeline_version: request.pipeline.version,
            definition,
            policy: request.policy.to_string(),
            expires_us: sandbox.then(|| now_us.saturating_add(request.sandbox_us)),
            collection: request.collection,
            attempts_max: request.attempts_max,
            recompute: request.recompute,
            steps: i64::try_from(request.pipeline.steps.len()).unwrap_or(0),
            now_us,
        };
        let kinds = Arc::clone(self.store.kinds());
        let run = self.store.write(move |tx| {
            let key = runs::create(tx, &kinds, &new)?;
            runs::by_key(tx, key)
        });
        run.await?.ok_or_else(|| RunError::Internal("the new run is not there".to_owned()))
    }

    /// What a run that was just made may need, and what there is; `None` when nothing is guarded.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn project(&self, run: &Run) -> Result<Option<Projection>, RunError> {
        let pipeline: Pipeline = serde_json::from_slice(&run.definition)
            .map_err(|error| RunError::Internal(format!("the frozen pipeline cannot be read: {error}")))?;
        let writes = |name: &str| {
            self.options.extractors.iter().any(|known| known.descriptor.name == name && known.descriptor.writes_files)
        };
        Ok(disk::project(&self.store, &self.options.disk, run.key, &pipeline, writes).await?)
    }

    /// Works a run off until nothing is left, it is cancelled, or `stop` is set (then the rest waits for `resume`).
    ///
    /// # Errors
    /// When another host works on it, an extractor cannot be started, or the store fails. The run can then be resumed.
    pub async fn work(&self, id: RunId, stop: Arc<AtomicBool>) -> Result<WorkEnd, RunError> {
        let scratch = Scratch::make(&self.options.work_folder, self.options.ids.next_ulid())?;
        let (run, _lock) = self.take(id, scratch.owner()).await?;
        let context =
            RunContext::open(&self.store, run, scratch.owner(), &self.options, scratch.path().to_owned()).await?;
        let context = Arc::new(context);
        let (begun, before) = (Instant::now(), usage::of_this_process());
        let worked = self.run_workers(&context, &stop).await;
        context.commits_done().await;
        let (own, others) = (usage::of_this_process(), context.used());
        let used = HostUsage {
            wall_us: u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX),
            workers: self.options.workers.max(1) as u64,
            extractor_cpu_us: others.cpu_us,
            extractor_rss_bytes_max: others.rss_bytes,
            host_cpu_us: own.cpu_us.saturating_sub(before.cpu_us),
            host_rss_bytes_max: own.rss_bytes,
        };
        let end = self.settle(&context, worked, used).await;
        drop(scratch);
        let end = end?;
        benchmark::record(&self.store, context.run.key, benchmark::machine(&self.options.build)).await?;
        Ok(end)
    }

    /// Takes the ownership of the run, and the units of an owner that died.
    async fn take(&self, id: RunId, owner: u128) -> Result<(Run, Option<OwnerLock>), RunError> {
        let run = self.store.read(move |read| runs::by_id(read, id)).await?;
        let run = run.ok_or_else(|| RunError::NotPossible(format!("there is no run {id}")))?;
        if run.state.is_ended() {
            return Err(RunError::NotPossible(format!(
                "run {id} is {}; `exhibit resume` or `exhibit retry` queue it again",
                run.state
            )));
        }
        if run.expired_us.is_some() {
            return Err(RunError::NotPossible(format!("run {id} was a sandbox run and has expired; start it again")));
        }
        if run.state == RunState::Paused {
            return Err(RunError::NotPossible(format!("run {id} is paused; `exhibit resume {id}` goes on with it")));
        }
        let owned = || RunError::Owned { run: id.to_string() };
        let lock = OwnerLock::take(&self.options.work_folder, id)?;
        // The lock of a dead owner of this home is free: it cannot come back, so its units are free at once. A host that is only
        // stopped keeps its lock; its lease runs out all the same.
        let free = lock.is_some();
        let (home, lease_ms) = (self.options.home_id.clone(), self.options.lease_ms);
        let now_us = self.store.clock().now().0;
        let taken = self.store.write(move |tx| {
            let Some(run) = runs::by_id(tx, id)? else { return Ok(None) };
            let dead = free && run.owner_home.as_deref() == Some(home.as_str());
            let Ok(before) = runs::take_ownership(tx, &run, owner, &home, dead, lease_ms)? else { return Ok(None) };
            if let Some(before) = before.filter(|_| dead) {
                units::requeue_owner(tx, run.key, before)?;
            }
            units::requeue_expired(tx, run.key)?;
            if run.state == RunState::Queued {
                runs::set_state(tx, run.key, RunState::Queued, RunState::Running, None, now_us)?;
            }
            runs::by_key(tx, run.key)
        });
        Ok((taken.await?.ok_or_else(owned)?, lock))
    }

    async fn run_workers(&self, context: &Arc<RunContext>, stop: &AtomicBool) -> Result<Ending, RunError> {
        self.plan_some(context).await?;
        let (ended, mut workers_ended) = mpsc::unbounded_channel();
        for index in 0..self.options.workers.max(1) {
            let worker = Worker::new(Arc::clone(context), index);
            let ended = ended.clone();
            std::thread::Builder::new()
                .name(format!("worker-{index}"))
                // The host waits for every worker, so the receiver is there.
                .spawn(move || drop(ended.send(worker.run())))
                .map_err(|source| RunError::System { what: "starting a worker".to_owned(), source })?;
        }
        drop(ended);
        let result = self.watch(context, stop, &mut workers_ended).await;
        context.stop_now();
        let mut first_error = result.as_ref().err().is_some();
        let mut failure = None;
        while let Some(outcome) = workers_ended.recv().await {
            if let Err(error) = outcome
                && !first_error
            {
                first_error = true;
                failure = Some(error);
            }
        }
        match (result, failure) {
            (Err(error), _) | (_, Some(error)) => Err(error),
            (Ok(ending), None) => Ok(ending),
        }
    }

    /// Plans, keeps the leases alive and looks for wishes until the workers are done.
    async fn watch(
        &self,
        context: &Arc<RunContext>,
        stop: &AtomicBool,
        workers: &mut mpsc::UnboundedReceiver<Result<(), RunError>>,
    ) -> Result<Ending, RunError> {
        let beat_every = Duration::from_millis(u64::try_from(context.lease_ms / 3).unwrap_or(1).max(1));
        let mut beaten = Instant::now();
        let mut planned = context.run.members_planned == context.run.members;
        let mut guard = Guard::new(&self.options.disk);
        loop {
            if guard.look(&self.store, context).await? == Looked::GiveUp {
                return Ok(Ending::NoRoom);
            }
            if !planned && !context.is_held() {
                planned = self.plan_some(context).await?;
            }
            let pause = if planned || context.is_held() { LOOK_EVERY.min(beat_every) } else { Duration::ZERO };
            match tokio::time::timeout(pause, workers.recv()).await {
                Ok(None) => return Ok(Ending::WorkedOff),
                Ok(Some(Ok(()))) => {}
                Ok(Some(Err(error))) => return Err(error),
                Err(_) => {}
            }
            if let Some(error) = context.take_failure() {
                return Err(error);
            }
            if stop.load(Ordering::Relaxed) {
                return Ok(Ending::Stopped);
            }
            let key = context.run.key;
            let run = self.store.read(move |read| runs::by_key(read, key)).await?;
            match run.map(|run| run.wish) {
                Some(Wish::GoOn) => {}
                Some(Wish::Pause) => return Ok(Ending::Paused),
                Some(Wish::Cancel) | None => return Ok(Ending::Cancelled),
            }
            if beaten.elapsed() >= beat_every {
                beaten = Instant::now();
                if !context.heartbeat().await? {
                    return Ok(Ending::TakenOver);
                }
            }
        }
    }

    /// Plans the next members. True when all are planned.
    async fn plan_some(&self, context: &Arc<RunContext>) -> Result<bool, RunError> {
        let (key, takes) = (context.run.key, context.takes());
        let planned = self.store.write(move |tx| {
            let run = runs::by_key(tx, key)?.ok_or_else(|| StoreError::Refused("the run is gone".to_owned()))?;
            if run.members_planned == run.members {
                return Ok(true);
            }
            Ok(units::plan(tx, &run, PLAN_MEMBERS, &takes)? == run.members)
        });
        let planned = planned.await?;
        if planned {
            context.set_planned();
        }
        Ok(planned)
    }

    /// Gives back what this host holds and moves the run to where it stands now.
    async fn settle(
        &self,
        context: &RunContext,
        worked: Result<Ending, RunError>,
        used: HostUsage,
    ) -> Result<WorkEnd, RunError> {
        let (key, owner, now_us) = (context.run.key, context.owner, self.store.clock().now().0);
        let refused = context.refused();
        // A commit may have failed after the last look.
        let worked = context.take_failure().map_or(worked, Err);
        let (ending, error) = match worked {
            Ok(ending) => (ending, None),
            Err(error) => (Ending::Stopped, Some(error)),
        };
        let settled = self
            .store
            .write(move |tx| {
                benchmark::add_host(tx, key, used)?;
                settle(tx, key, owner, ending, now_us)
            })
            .await;
        match (error, settled) {
            (Some(error), _) => Err(error),
            (None, Ok(state)) => Ok(WorkEnd { state, refused }),
            (None, Err(error)) => Err(error.into()),
        }
    }

    /// Asks for a run to be cancelled. A run that no host works on is cancelled at once. Returns where it stands.
    ///
    /// # Errors
    /// When there is no such run, it has ended, or the database cannot be written.
    pub async fn cancel(&self, id: RunId) -> Result<RunState, RunError> {
        self.stop_run(id, Wish::Cancel).await
    }

    /// Asks for a run to wait: what is done stays, what waits goes on waiting. A run that no host works on is paused at once. Returns where
    /// it stands.
    ///
    /// # Errors
    /// When there is no such run, it has ended, or the database cannot be written.
    pub async fn pause(&self, id: RunId) -> Result<RunState, RunError> {
        self.stop_run(id, Wish::Pause).await
    }

    async fn stop_run(&self, id: RunId, wish: Wish) -> Result<RunState, RunError> {
        let now_us = self.store.clock().now().0;
        let run = self.find(id).await?;
        if run.state.is_ended() || (run.state == RunState::Paused && wish == Wish::Pause) {
            return Err(RunError::NotPossible(format!("run {id} is {} already", run.state)));
        }
        // A free lock says that no process of this home works on the run.
        let lock = OwnerLock::take(&self.options.work_folder, id)?;
        let (free, home) = (lock.is_some(), self.options.home_id.clone());
        let state = self.store.write(move |tx| {
            let Some(run) = runs::by_id(tx, id)? else { return Ok(None) };
            runs::set_wish(tx, run.key, wish)?;
            let dead = free && run.owner_home.as_deref() == Some(home.as_str());
            let time = tx.lease_clock()?;
            let expired = run.owner_clock.as_deref() != Some(time.clock.as_str())
                || run.owner_until_ms.is_none_or(|until_ms| until_ms <= time.now_ms);
            if run.owner.is_some() && !dead && !expired {
                let stopping = if wish == Wish::Pause { RunState::Pausing } else { RunState::Cancelling };
                return Ok(Some(stopping));
            }
            if let Some(owner) = run.owner {
                units::requeue_owner(tx, run.key, owner)?;
            }
            let stopped = if wish == Wish::Pause { pause_all } else { cancel_all };
            stopped(tx, run.key, run.state, now_us).map(Some)
        });
        state.await?.ok_or_else(|| RunError::NotPossible(format!("there is no run {id}")))
    }

    pub(crate) async fn find(&self, id: RunId) -> Result<Run, RunError> {
        let run = self.store.read(move |read| runs::by_id(read, id)).await?;
        run.ok_or_else(|| RunError::NotPossible(format!("there is no run {id}")))
    }
}

/// Why the workers stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    WorkedOff,
    Cancelled,
    Paused,
    Stopped,
    TakenOver,
    /// There was no room for too long.
    NoRoom,
}

fn settle(tx: &mut Tx<'_>, key: i64, owner: u128, ending: Ending, now_us: i64) -> Result<RunState, StoreError> {
    units::requeue_owner(tx, key, owner)?;
    if ending == Ending::NoRoom {
        units::block_pending(tx, key, REASON, "there was no room for its results", now_us)?;
    }
    let run = runs::by_key(tx, key)?.ok_or_else(|| StoreError::Refused("the run is gone".to_owned()))?;
    if run.owner != Some(owner) {
        return Ok(run.state);
    }
    let coverage = runs::coverage(tx, key)?;
    let any =
        |wanted: &dyn Fn(UnitState) -> bool| coverage.iter().any(|(_, state, count)| wanted(*state) && *count > 0);
    let open = any(&|state| !state.is_ended()) || run.members_planned < run.members;
    let state = if ending == Ending::Cancelled {
        cancel_all(tx, key, run.state, now_us)?
    } else if open && ending == Ending::Paused {
        pause_all(tx, key, run.state, now_us)?
    } else if open {
        runs::set_state(tx, key, run.state, RunState::Queued, None, now_us)?;
        RunState::Queued
    } else {
        let partial = any(&|state| matches!(state, UnitState::Failed | UnitState::Blocked | UnitState::Cancelled));
        let state = if partial { RunState::Partial } else { RunState::Completed };
        runs::set_state(tx, key, run.state, state, None, now_us)?;
        state
    };
    runs::release_ownership(tx, key, owner)?;
    Ok(state)
}

fn cancel_all(tx: &mut Tx<'_>, key: i64, from: RunState, now_us: i64) -> Result<RunState, StoreError> {
    units::cancel_pending(tx, key, now_us)?;
    if from == RunState::Running {
        runs::set_state(tx, key, RunState::Running, RunState::Cancelling, None, now_us)?;
        runs::set_state(tx, key, RunState::Cancelling, RunState::Cancelled, None, now_us)?;
    } else {
        runs::set_state(tx, key, from, RunState::Cancelled, None, now_us)?;
    }
    Ok(RunState::Cancelled)
}

fn pause_all(tx: &mut Tx<'_>, key: i64, from: RunState, now_us: i64) -> Result<RunState, StoreError> {
    if from == RunState::Running {
        runs::set_state(tx, key, RunState::Running, RunState::Pausing, None, now_us)?;
        runs::set_state(tx, key, RunState::Pausing, RunState::Paused, None, now_us)?;
    } else {
        runs::set_state(tx, key, from, RunState::Paused, None, now_us)?;
    }
    Ok(RunState::Paused)
}

/// A file lock that the owner of a run holds: it frees itself when the process ends, so that a takeover on one machine is immediate.
struct OwnerLock {
    _file: File,
}

impl OwnerLock {
    /// `None`: another process holds it.
    fn take(work_folder: &std::path::Path, run: RunId) -> Result<Option<Self>, RunError> {
        let folder = work_folder.join("locks");
        let failed = |source| RunError::System { what: format!("locking in {}", folder.display()), source };
        std::fs::create_dir_all(&folder).map_err(failed)?;
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.join(run.to_string()))
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(std::fs::TryLockError::WouldBlock) => Ok(None),
            Err(std::fs::TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}
