//! A worker: a thread of a host that leases units in chunks, feeds one extractor process and commits what comes back.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use exhibit_model::digest::Digest;
use exhibit_model::ids::UnitId;
use exhibit_model::lineage::{Lineage, LineageParts};
use exhibit_model::states::UnitState;
use exhibit_store::sql::units::Ending;

use crate::commit::{Fact, Finished};
use crate::dispatch::{Ask, CHUNK_MAX, Work, next_units};
use crate::extractor::Tool;
use crate::host::{RunContext, RunError};
use crate::inputs::InputState;
use crate::lineage::{config_of, input_hash, work_key};
use crate::process::{ExtractorProcess, Ready, Received, StartError};
use crate::protocol::{EndOutcome, FACTS_MAX, FactMessage, FromExtractor, ToExtractor, UnitMessage, is_reason};
use crate::supervisor::Ended;

/// Bytes of units that a process has not answered yet: less than a pipe holds, so that sending never blocks.
const OUTSTANDING_BYTES_MAX: usize = 48 * 1024;

/// A chunk should keep a process busy about this long: long enough to pay for its transactions, short enough to be shared.
const CHUNK_TARGET: Duration = Duration::from_millis(1_000);

/// Finished units wait at most this long for others to be committed with.
const COMMIT_AFTER: Duration = Duration::from_millis(25);

/// How long a worker with nothing to do waits before it asks again.
const IDLE_LOOK: Duration = Duration::from_millis(20);

/// Starts in a row that something outside may end before a worker gives up.
const STARTS_MAX: usize = 5;

/// One thread of a host.
pub(crate) struct Worker {
    context: Arc<RunContext>,
    name: String,
    process: Option<(u32, ExtractorProcess)>,
    /// Time per unit by step, smoothed, in microseconds.
    pace_us: BTreeMap<u32, u64>,
    finished: Vec<Finished>,
    oldest: Instant,
    /// Units of this chunk that were sent together to a process that was lost: one of them is to blame, so each is sent alone.
    suspects: BTreeSet<i64>,
}

/// A unit that was sent and not answered yet.
struct Sent {
    work: Work,
    number: u64,
    bytes: usize,
    facts: Vec<Fact>,
    work_key: Digest,
    /// Nothing else is sent while it is worked on, so that a crash is its own.
    alone: bool,
}

/// How a unit ends, before it is put into an [`Ending`].
struct Verdict {
    state: UnitState,
    attempts: i64,
    crashes: i64,
    retryable: bool,
    reason: Option<String>,
    detail: Option<String>,
    work_key: Option<Digest>,
    reused_unit: Option<i64>,
    took: Duration,
}

impl Verdict {
    fn new(state: UnitState) -> Self {
        Self {
            state,
            attempts: 1,
            crashes: 0,
            retryable: false,
            reason: None,
            detail: None,
            work_key: None,
            reused_unit: None,
            took: Duration::ZERO,
        }
    }

    /// Back to everyone, without an attempt.
    fn given_back(work: &Work) -> Self {
        Self { attempts: 0, crashes: work.unit.crashes, ..Self::new(UnitState::Pending) }
    }

    fn failed(reason: &str, detail: impl Into<String>, retryable: bool) -> Self {
        Self { retryable, ..Self::because(UnitState::Failed, reason, detail) }
    }

    fn because(state: UnitState, reason: &str, detail: impl Into<String>) -> Self {
        Self { reason: Some(reason.to_owned()), detail: Some(detail.into()), ..Self::new(state) }
    }
}

impl Worker {
    pub(crate) fn new(context: Arc<RunContext>, index: usize) -> Self {
        Self {
            context,
            name: format!("w{index}"),
            process: None,
            pace_us: BTreeMap::new(),
            finished: Vec::new(),
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
            if self.context.is_held() {
                self.flush()?;
                self.context.wait(IDLE_LOOK);
                continue;
            }
            let chunk = self.next_chunk()?;
            if chunk.is_empty() {
                if self.context.is_worked_off()? {
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
        while !queue.is_empty() {
            if self.context.should_stop() || self.context.is_held() || !self.ensure_process(step)? {
                break;
            }
            self.give_up_without_tools(step, &mut queue)?;
            self.reuse(step, &mut queue)?;
            self.feed(step, &mut queue)?;
        }
        for work in queue {
            self.finish(&work, Verdict::given_back(&work), Vec::new(), None)?;
        }
        self.flush()
    }

    /// Starts the process of a step, when it does not run. False: the host stops.
    fn ensure_process(&mut self, step: u32) -> Result<bool, RunError> {
        if self.process.as_ref().is_some_and(|(running, _)| *running == step) {
            return Ok(true);
        }
        self.process = None;
        let mut starts = 0;
        loop {
            starts += 1;
            match self.context.start_process(step) {
                Ok(process) => {
                    self.process = Some((step, process));
                    return Ok(true);
                }
                Err(StartError::Stopped) => return Ok(false),
                Err(_) if self.context.should_stop() => return Ok(false),
                Err(error) if starts < STARTS_MAX && error.is_killed() => {}
                Err(error) => return Err(RunError::Process(error)),
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
        Ok(process.ready.for_media(self.context.built_in(step)?.descriptor.tools, &work.media_type))
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

    /// Sends units to the process and takes its answers until the queue is empty or the process is gone.
    fn feed(&mut self, step: u32, queue: &mut VecDeque<Work>) -> Result<(), RunError> {
        let Some((_, mut process)) = self.process.take() else { return Ok(()) };
        let mut sent: VecDeque<Sent> = VecDeque::new();
        let wall = Duration::from_secs(self.context.built_in(step)?.descriptor.limits.unit_wall_s);
        let mut begun = Instant::now();
        let context = Arc::clone(&self.context);
        let stop = move || context.should_stop();
        let mut healthy = true;
        // A host that has no room takes the answers to what it has sent, and sends no more.
        while healthy && (!sent.is_empty() || !(queue.is_empty() || self.context.is_held())) {
            if sent.is_empty() {
                begun = Instant::now();
            }
            healthy = self.send_units(step, &mut process, queue, &mut sent)?;
            if !process.has_message() && self.oldest.elapsed() >= COMMIT_AFTER {
                self.flush()?;
            }
            let received = process.receive(begun + wall, &stop);
            let problem = match received {
                Received::Message(FromExtractor::Fact(fact)) => self.take_fact(step, &process, &mut sent, fact)?,
                Received::Message(FromExtractor::End { unit, outcome, reason, detail, retryable }) => {
                    let said = Said { unit, outcome, reason, detail, retryable };
                    let problem = self.take_end(step, &process, &mut sent, said, begun.elapsed())?;
                    begun = Instant::now();
                    problem
                }
                Received::Message(_) => Some(Trouble::Lied("it spoke out of turn".to_owned())),
                Received::Bad(detail) => Some(Trouble::Lied(detail)),
                Received::TimedOut => Some(Trouble::TimedOut(format!("it took longer than {} s", wall.as_secs()))),
                Received::Closed => Some(Trouble::Ended),
                Received::Stopped => Some(Trouble::Stopped),
            };
            if let Some(problem) = problem {
                self.lose_process(&mut process, &mut sent, queue, problem)?;
                healthy = false;
            }
        }
        if healthy {
            self.process = Some((step, process));
        }
        Ok(())
    }

    fn send_units(
        &mut self,
        step: u32,
        process: &mut ExtractorProcess,
        queue: &mut VecDeque<Work>,
        sent: &mut VecDeque<Sent>,
    ) -> Result<bool, RunError> {
        let mut outstanding: usize = sent.iter().map(|sent| sent.bytes).sum();
        let mut lines = Vec::new();
        let mut batch = VecDeque::new();
        while let Some(work) = queue.front().filter(|_| !self.context.is_held()) {
            let alone = work.unit.crashes > 0 || self.suspects.contains(&work.unit.key);
            let busy = !sent.is_empty() || !batch.is_empty();
            if busy && (alone || batch.back().or(sent.back()).is_some_and(|sent| sent.alone)) {
                break;
            }
            let number = process.number_unit();
            let before = lines.len();
            let message = ToExtractor::Unit(self.unit_message(number, work)?);
            serde_json::to_writer(&mut lines, &message).map_err(std::io::Error::from).map_err(StartError::System)?;
            lines.push(b'\n');
            let bytes = lines.len() - before;
            if outstanding > 0 && outstanding + bytes > OUTSTANDING_BYTES_MAX {
                lines.truncate(before);
                break;
            }
            outstanding += bytes;
            let Some(work) = queue.pop_front() else { break };
            let work_key = self.work_key(step, process, &work)?;
            batch.push_back(Sent { work, number, bytes, facts: Vec::new(), work_key, alone });
        }
        // A process that does not take its input has ended; `receive` says how.
        process.send(&lines).ok();
        sent.extend(batch);
        Ok(true)
    }

    fn work_key(&self, step: u32, process: &ExtractorProcess, work: &Work) -> Result<Digest, RunError> {
        let file_time = work.place.as_ref().map(|place| place.stat.mtime_ns);
        let file_time =
            file_time.filter(|_| self.context.built_in(step).is_ok_and(|known| known.descriptor.reads_file_time));
        let ready = self.done_by(step, process, work)?;
        Ok(work_key(self.context.step(step)?, &ready, &[work.asset.0], file_time))
    }

    fn unit_message(&self, number: u64, work: &Work) -> Result<UnitMessage, RunError> {
        let place =
            work.place.as_ref().ok_or_else(|| RunError::Internal("a unit without a path was sent".to_owned()))?;
        Ok(UnitMessage {
            unit: number,
            source: self.context.source_id(place.source)?,
            path_b64: BASE64_STANDARD.encode(&place.path),
            asset_id: work.asset.to_string(),
            media_type: work.media_type.clone(),
            size_bytes: u64::try_from(place.stat.size_bytes).unwrap_or(0),
            mtime_ns: place.stat.mtime_ns.to_string(),
        })
    }

    /// Keeps a fact of the unit that is being answered. `Some` = the process cannot be trusted any more.
    fn take_fact(
        &mut self,
        step: u32,
        process: &ExtractorProcess,
        sent: &mut VecDeque<Sent>,
        message: FactMessage,
    ) -> Result<Option<Trouble>, RunError> {
        let Some(front) = sent.front_mut().filter(|front| front.number == message.unit) else {
            return Ok(Some(Trouble::Lied("it sent a fact about a unit that it was not asked for".to_owned())));
        };
        if front.facts.len() >= FACTS_MAX {
            return Ok(Some(Trouble::Lied(format!("it sent more than {FACTS_MAX} facts about one unit"))));
        }
        let descriptor = self.context.built_in(step)?.descriptor;
        if !descriptor.emits.iter().any(|(name, version)| *name == message.kind && *version == message.schema_version) {
            let detail = format!("it sent a fact of kind {} v{}", message.kind, message.schema_version);
            return Ok(Some(Trouble::Lied(detail)));
        }
        let blob = match &message.blob {
            None => None,
            Some(blob) => {
                match self.context.take_blob(process, front.number, blob, descriptor.limits.file_bytes_max)? {
                    Ok(staged) => Some((staged, blob.media_type.clone())),
                    Err(detail) => return Ok(Some(Trouble::Lied(detail))),
                }
            }
        };
        front.facts.push(Fact { message, blob });
        Ok(None)
    }

    fn take_end(
        &mut self,
        step: u32,
        process: &ExtractorProcess,
        sent: &mut VecDeque<Sent>,
        said: Said,
        took: Duration,
    ) -> Result<Option<Trouble>, RunError> {
        let Some(unit) = sent.pop_front_if(|front| front.number == said.unit) else {
            return Ok(Some(Trouble::Lied("it ended a unit that it was not asked for".to_owned())));
        };
        if self.context.built_in(step)?.descriptor.writes_files {
            self.context.clear_unit_scratch(process, unit.number);
        }
        let pace = self.pace_us.entry(step).or_insert(took.as_micros() as u64);
        *pace = (*pace * 7 + took.as_micros() as u64) / 8;
        let verdict = match (self.context.check_input(&unit.work), said.outcome) {
            (InputState::Same, EndOutcome::Done) if unit.facts.is_empty() => {
                Verdict { work_key: Some(unit.work_key), ..Verdict::new(UnitState::DoneEmpty) }
            }
            (InputState::Same, EndOutcome::Done) => {
                Verdict { work_key: Some(unit.work_key), ..Verdict::new(UnitState::Done) }
            }
            (InputState::Same, EndOutcome::Skipped) => said.verdict(UnitState::Skipped),
            (InputState::Same, EndOutcome::Failed) => said.verdict(UnitState::Failed),
            (InputState::Offline(detail), _) => Verdict::because(UnitState::Blocked, "source-offline", detail),
            _ => changed(),
        };
        let facts = if verdict.state == UnitState::Done { unit.facts } else { Vec::new() };
        self.finish(&unit.work, Verdict { took, ..verdict }, facts, Some(process))?;
        Ok(None)
    }

    /// The process is gone or has to go. When it had one unit, that one pays. Of several nobody knows which it worked on, because answers
    /// may have been lost with it: then nobody pays, and each of them is sent alone to the next process.
    fn lose_process(
        &mut self,
        process: &mut ExtractorProcess,
        sent: &mut VecDeque<Sent>,
        queue: &mut VecDeque<Work>,
        trouble: Trouble,
    ) -> Result<(), RunError> {
        if !matches!(trouble, Trouble::Ended) {
            process.kill();
        }
        let (ended, log) = process.end();
        let guilty = !matches!(trouble, Trouble::Stopped) && sent.len() == 1;
        let front = if guilty { sent.pop_front() } else { None };
        self.suspects.extend(sent.iter().map(|unit| unit.work.unit.key));
        for unit in sent.drain(..).rev() {
            queue.push_front(unit.work);
        }
        let Some(front) = front else { return Ok(()) };
        let detail = |what: &str| if log.is_empty() { what.to_owned() } else { format!("{what}: {log}") };
        let verdict = match (trouble, ended) {
            (Trouble::Lied(what), _) => Verdict::failed("bad-output", detail(&what), false),
            (Trouble::TimedOut(what), _) => Verdict::failed("time-limit", detail(&what), false),
            (_, Ended::OverMemory) => Verdict::failed("memory-limit", detail("it used too much memory"), false),
            (_, Ended::OverFiles) => Verdict::failed("output-limit", detail("it left too many files"), false),
            (_, Ended::Signal(libc::SIGXCPU)) => Verdict::failed("time-limit", detail("out of CPU time"), false),
            (_, Ended::Signal(libc::SIGXFSZ)) => {
                Verdict::failed("output-limit", detail("a file grew too large"), false)
            }
            (_, ended) => self.crash(&front.work, &detail(&format!("the process ended: {ended}"))),
        };
        self.finish(&front.work, verdict, Vec::new(), None)
    }

    /// One attempt is charged; at the limit the unit is given up.
    fn crash(&self, work: &Work, detail: &str) -> Verdict {
        let crashes = work.unit.crashes + 1;
        let detail: String = detail.chars().take(500).collect();
        if crashes >= self.context.run.attempts_max {
            return Verdict { crashes, ..Verdict::failed("extractor-crashed", detail, true) };
        }
        Verdict { crashes, ..Verdict::because(UnitState::Pending, "extractor-crashed", detail) }
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
        let lineage = match (&ready, facts.is_empty()) {
            (Some(ready), false) => {
                let step = self.context.step(work.unit.step)?;
                let inputs = vec![work.asset.0];
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
        let unit = UnitId { run: self.context.run.id, ordinal: work.unit.ordinal };
        self.finished.push(Finished { ending, unit, asset: (work.asset, work.unit.asset), lineage, facts });
        if self.finished.len() >= CHUNK_MAX as usize || self.oldest.elapsed() >= COMMIT_AFTER {
            self.flush()?;
        }
        Ok(())
    }

    /// Hands what is finished to a commit that runs while the process goes on.
    fn flush(&mut self) -> Result<(), RunError> {
        if self.finished.is_empty() {
            return Ok(());
        }
        self.context.commit(std::mem::take(&mut self.finished))
    }
}

fn rotten() -> Verdict {
    let detail = "its bytes are not those that were cataloged, although size and time are the same; look at the disk, and at a copy";
    Verdict::failed("input-rotten", detail, true)
}

fn changed() -> Verdict {
    let detail = "the file is not the one in the catalog any more; scan its source again";
    Verdict::failed("input-changed", detail, true)
}

/// Why a process has to go.
enum Trouble {
    Lied(String),
    TimedOut(String),
    Ended,
    Stopped,
}

/// The end of a unit, as the process said it.
struct Said {
    unit: u64,
    outcome: EndOutcome,
    reason: Option<String>,
    detail: Option<String>,
    retryable: bool,
}

impl Said {
    fn verdict(self, state: UnitState) -> Verdict {
        let reason = self.reason.filter(|reason| is_reason(reason)).unwrap_or_else(|| "unstated".to_owned());
        let retryable = self.retryable && state == UnitState::Failed;
        Verdict { retryable, ..Verdict::because(state, &reason, self.detail.unwrap_or_default()) }
    }
}
