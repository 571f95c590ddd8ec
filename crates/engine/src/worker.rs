//! A worker: a thread of a host that leases units in chunks, feeds one extractor process and commits what comes back.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use exhibit_model::digest::Digest;
use exhibit_model::ids::UnitId;
use exhibit_model::lineage::{Lineage, LineageParts};
use exhibit_model::states::UnitState;
use exhibit_store::sql::units::Ending;

use crate::commit::{Fact, Finished};
use crate::dispatch::{Ask, CHUNK_MAX, Work, next_units};
use crate::extractor::Tool;
use crate::host::{RunContext, RunError, StepFailure};
use crate::inputs::InputState;
use crate::lineage::{config_of, input_hash, work_key};
use crate::process::{ExtractorProcess, Ready, StartError};

mod aggregate;
mod feed;
mod verdict;

use verdict::{Verdict, changed, rotten};

/// A chunk should keep a process busy about this long: long enough to pay for its transactions, short enough to be shared.
const CHUNK_TARGET: Duration = Duration::from_millis(1_000);

/// Finished units wait at most this long for others to be committed with.
const COMMIT_AFTER: Duration = Duration::from_millis(25);

/// Bytes of facts that wait to be committed together; then they are not gathered any longer.
const COMMIT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How long a worker with nothing to do waits before it asks again.
const IDLE_LOOK: Duration = Duration::from_millis(20);

/// Starts in a row that something outside may end before a worker gives up.
const STARTS_MAX: usize = 5;

/// What became of starting a process.
enum Start {
    Runs,
    Stopped,
    Failed(StepFailure),
}

/// One thread of a host.
pub(crate) struct Worker {
    context: Arc<RunContext>,
    name: String,
    process: Option<(u32, ExtractorProcess)>,
    /// Time per unit by step, smoothed, in microseconds.
    pace_us: BTreeMap<u32, u64>,
    finished: Vec<Finished>,
    finished_bytes: usize,
    oldest: Instant,
    /// Units of this chunk that were sent together to a process that was lost: one of them is to blame, so each is sent alone.
    suspects: BTreeSet<i64>,
}

impl Worker {
    pub(crate) fn new(context: Arc<RunContext>, index: usize) -> Self {
        Self {
            context,
            name: format!("w{index}"),
            process: None,
            pace_us: BTreeMap::new(),
            finished: Vec::new(),
            finished_bytes: 0,
            oldest: Instant::now(),
            suspects: BTreeSet::new(),
        }
    }

    /// Works until the run has nothing left, or the host stops.
    pub(crate) fn run(mut self) -> Result<(), RunError> {
        let result = self.work();
        if result.is_err() {
            self.context.stop_now();
        }
        result
    }

    fn work(&mut self) -> Result<(), RunError> {
        while !self.context.should_stop() {
            let holds = self.context.holds();
            if self.context.is_held() {
                self.flush()?;
                // The last results may be those that used the room up.
                if self.context.needs_no_room()? {
                    break;
                }
                self.context.wait(IDLE_LOOK);
                continue;
            }
            let chunk = self.next_chunk()?;
            if chunk.is_empty() {
                // The guard may have blocked what waits since this worker looked whether it is held.
                if self.context.is_worked_off()? && self.context.holds() == holds {
                    break;
                }
                self.context.wait(IDLE_LOOK);
                continue;
            }
            self.do_chunk(chunk)?;
        }
        self.flush()
    }

    fn next_chunk(&self) -> Result<Vec<Work>, RunError> {
        let step = self.process.as_ref().map(|(step, _)| *step);
        let ask = Ask {
            run: self.context.run.key,
            step,
            aggregates: self.context.aggregates(),
            planned: self.context.is_planned(),
            owner: self.context.owner,
            limit: step.map_or(4, |step| self.chunk_size(step)),
            sharers: self.context.workers,
            lease_ms: self.context.lease_ms,
            now_us: self.context.store.clock().now().0,
        };
        Ok(self.context.wait_for(next_units(&self.context.store, ask))?)
    }

    fn chunk_size(&self, step: u32) -> i64 {
        let Some(pace_us) = self.pace_us.get(&step) else { return 4 };
        let fits = CHUNK_TARGET.as_micros() as u64 / (*pace_us).max(1);
        i64::try_from(fits).unwrap_or(CHUNK_MAX).clamp(1, CHUNK_MAX)
    }

    /// Does a chunk of one step, whatever happens to its processes.
    fn do_chunk(&mut self, chunk: Vec<Work>) -> Result<(), RunError> {
        let Some(step) = chunk.first().map(|work| work.unit.step) else { return Ok(()) };
        if self.context.step(step)?.is_aggregate() {
            return chunk.iter().try_for_each(|work| self.do_collection(work));
        }
        let mut queue: VecDeque<Work> = VecDeque::new();
        self.suspects.clear();
        for work in chunk {
            match self.context.check_input_first(&work) {
                InputState::Same => queue.push_back(work),
                InputState::Rotten => self.finish(&work, rotten(), Vec::new(), None)?,
                InputState::Changed => self.finish(&work, changed(), Vec::new(), None)?,
                InputState::Missing(detail) => {
                    self.finish(&work, Verdict::failed("input-missing", detail, true), Vec::new(), None)?;
                }
                InputState::Offline(detail) => {
                    let verdict =
                        Verdict { attempts: 0, ..Verdict::because(UnitState::Blocked, "source-offline", detail) };
                    self.finish(&work, verdict, Vec::new(), None)?;
                }
            }
        }
        while !queue.is_empty() && !self.context.should_stop() && !self.context.is_held() {
            match self.ensure_process(step)? {
                Start::Runs => {
                    self.give_up_without_tools(step, &mut queue)?;
                    self.reuse(step, &mut queue)?;
                    self.feed(step, &mut queue)?;
                }
                Start::Stopped => break,
                Start::Failed(failure) => {
                    for work in queue.drain(..) {
                        let verdict = Verdict::failed(failure.reason, failure.detail.clone(), true);
                        self.finish(&work, verdict, Vec::new(), None)?;
                    }
                }
            }
        }
        for work in queue {
            self.finish(&work, Verdict::given_back(&work), Vec::new(), None)?;
        }
        self.flush()
    }

    /// Starts the process of a step, when it does not run. A built-in extractor that does not start is our fault and ends the host's work;
    /// a plug-in that does not costs its own units only.
    fn ensure_process(&mut self, step: u32) -> Result<Start, RunError> {
        if self.process.as_ref().is_some_and(|(running, _)| *running == step) {
            return Ok(Start::Runs);
        }
        self.process = None;
        if let Some(failure) = self.context.step_failure(step) {
            return Ok(Start::Failed(failure));
        }
        let mut starts = 0;
        loop {
            starts += 1;
            match self.context.start_process(step) {
                Ok(process) => {
                    self.process = Some((step, process));
                    return Ok(Start::Runs);
                }
                Err(StartError::Stopped) => return Ok(Start::Stopped),
                Err(_) if self.context.should_stop() => return Ok(Start::Stopped),
                Err(error) if starts < STARTS_MAX && error.is_killed() => {}
                Err(error) => {
                    let is_built_in = self.context.extractor(step).is_ok_and(|known| known.plugin.is_none());
                    let Some(reason) = error.reason().filter(|_| !is_built_in) else {
                        return Err(RunError::Process(error));
                    };
                    let failure = StepFailure { reason, detail: error.to_string() };
                    self.context.note_step_failure(step, failure.clone());
                    return Ok(Start::Failed(failure));
                }
            }
        }
    }

    /// Ends units that need a tool that is not installed. A retry after installing it helps.
    fn give_up_without_tools(&mut self, step: u32, queue: &mut VecDeque<Work>) -> Result<(), RunError> {
        let Some((_, process)) = &self.process else { return Ok(()) };
        let mut missing = Vec::new();
        for work in std::mem::take(queue) {
            match self.ready_for(step, process, &work)? {
                Ok(_) => queue.push_back(work),
                Err(tool) => missing.push((work, tool)),
            }
        }
        for (work, tool) in missing {
            self.finish(&work, Verdict::failed("tool-missing", tool.missing(), true), Vec::new(), None)?;
        }
        Ok(())
    }

    /// Who does this unit, with the tools that serve its original; else the tool that is missing.
    fn ready_for(
        &self,
        step: u32,
        process: &ExtractorProcess,
        work: &Work,
    ) -> Result<Result<Ready, &'static Tool>, RunError> {
        Ok(process.ready.for_media(self.context.extractor(step)?.descriptor.tools, &work.media_type))
    }

    /// The same for a unit that was handed to the process, which had all of them.
    fn done_by(&self, step: u32, process: &ExtractorProcess, work: &Work) -> Result<Ready, RunError> {
        let lost = |tool: &Tool| RunError::Internal(format!("a unit was done without {}", tool.name));
        self.ready_for(step, process, work)?.map_err(lost)
    }

    /// Ends units whose work was done before, without sending them.
    fn reuse(&mut self, step: u32, queue: &mut VecDeque<Work>) -> Result<(), RunError> {
        let Some((_, process)) = &self.process else { return Ok(()) };
        if self.context.run.recompute {
            return Ok(());
        }
        let keys =
            queue.iter().map(|work| self.work_key(step, process, work)).collect::<Result<Vec<Digest>, RunError>>()?;
        let asked = keys.clone();
        let known = self
            .context
            .wait_for(self.context.store.read(move |read| exhibit_store::sql::units::find_work(read, &asked)))?;
        if known.is_empty() {
            return Ok(());
        }
        let mut left = VecDeque::with_capacity(queue.len());
        for (work, key) in std::mem::take(queue).into_iter().zip(keys) {
            match known.get(&key) {
                Some(unit) => {
                    let verdict = Verdict { attempts: 0, reused_unit: Some(*unit), ..Verdict::new(UnitState::Reused) };
                    self.finish(&work, verdict, Vec::new(), None)?;
                }
                None => left.push_back(work),
            }
        }
        *queue = left;
        Ok(())
    }

    fn work_key(&self, step: u32, process: &ExtractorProcess, work: &Work) -> Result<Digest, RunError> {
        let file_time = work.place.as_ref().map(|place| place.stat.mtime_ns);
        let file_time =
            file_time.filter(|_| self.context.extractor(step).is_ok_and(|known| known.descriptor.reads_file_time));
        let ready = self.done_by(step, process, work)?;
        Ok(work_key(self.context.step(step)?, &ready, &[work.asset.0], file_time))
    }

    /// Puts a unit among those that wait for the next commit.
    fn finish(
        &mut self,
        work: &Work,
        verdict: Verdict,
        facts: Vec<Fact>,
        process: Option<&ExtractorProcess>,
    ) -> Result<(), RunError> {
        let ready = process.map(|process| self.done_by(work.unit.step, process, work)).transpose()?;
        let verdict_bytes = verdict.facts_bytes;
        let lineage = match (&ready, facts.is_empty()) {
            (Some(ready), false) => {
                let step = self.context.step(work.unit.step)?;
                let inputs = verdict.inputs.unwrap_or_else(|| vec![work.asset.0]);
                let parts = LineageParts {
                    producer: step.extractor.clone(),
                    producer_version: ready.producer_version(),
                    model_profile: step.profile,
                    config_hash: config_of(step),
                    input_hash: input_hash(&inputs),
                    inputs,
                };
                Some(Lineage::new(parts).map_err(|findings| RunError::Internal(findings.to_string()))?)
            }
            _ => None,
        };
        let ending = Ending {
            key: work.unit.key,
            step: work.unit.step,
            generation: work.unit.generation,
            state: verdict.state,
            attempts: verdict.attempts,
            crashes: verdict.crashes,
            retryable: verdict.retryable,
            artifacts: 0,
            reason: verdict.reason,
            detail: verdict.detail.map(|detail| detail.chars().take(500).collect()),
            work_key: verdict.work_key,
            reused_unit: verdict.reused_unit,
            ended_us: self.context.store.clock().now().0,
            made: ready.map(|ready| self.context.made_text(&self.name, &ready, verdict.took)),
        };
        if self.finished.is_empty() {
            self.oldest = Instant::now();
        }
        self.finished_bytes += verdict_bytes;
        let unit = UnitId { run: self.context.run.id, ordinal: work.unit.ordinal };
        self.finished.push(Finished { ending, unit, asset: (work.asset, work.unit.asset), lineage, facts });
        let full = self.finished.len() >= CHUNK_MAX as usize || self.finished_bytes >= COMMIT_BYTES_MAX;
        if full || self.oldest.elapsed() >= COMMIT_AFTER {
            self.flush()?;
        }
        Ok(())
    }

    /// Hands what is finished to a commit that runs while the process goes on.
    fn flush(&mut self) -> Result<(), RunError> {
        if self.finished.is_empty() {
            return Ok(());
        }
        self.finished_bytes = 0;
        self.context.commit(std::mem::take(&mut self.finished))
    }
}
