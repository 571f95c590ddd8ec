//! Feeding one process: units go in, facts and ends come out, and a process that does not keep to its part is given up.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use exhibit_model::digest::Digest;
use exhibit_model::states::UnitState;

use super::verdict::{Said, Trouble, Verdict, changed};
use super::{COMMIT_AFTER, Worker};
use crate::commit::Fact;
use crate::dispatch::Work;
use crate::host::RunError;
use crate::inputs::InputState;
use crate::process::{ExtractorProcess, Received, StartError};
use crate::protocol::{
    BLOBS_BYTES_MAX, EndOutcome, FACTS_BYTES_MAX, FACTS_MAX, FactMessage, FromExtractor, ToExtractor,
};
use crate::supervisor::Ended;

/// Bytes of units that a process has not answered yet: less than a pipe holds, so that sending never blocks.
const OUTSTANDING_BYTES_MAX: usize = 48 * 1024;

/// A unit that was sent and not answered yet.
struct Sent {
    work: Work,
    number: u64,
    bytes: usize,
    facts: Vec<Fact>,
    facts_bytes: usize,
    blobs_bytes: u64,
    /// The name by which a plug-in opens the original.
    path: Option<String>,
    work_key: Digest,
    /// Nothing else is sent while it is worked on, so that a crash is its own.
    alone: bool,
}

impl Worker {
    /// Sends units to the process and takes its answers until the queue is empty or the process is gone.
    pub(super) fn feed(&mut self, step: u32, queue: &mut VecDeque<Work>) -> Result<(), RunError> {
        let Some((_, mut process)) = self.process.take() else { return Ok(()) };
        let mut sent: VecDeque<Sent> = VecDeque::new();
        let limits = self.context.extractor(step)?.descriptor.limits;
        let wall = Duration::from_secs(limits.unit_wall_s);
        let mut begun = Instant::now();
        let context = Arc::clone(&self.context);
        let stop = move || context.should_stop();
        let mut healthy = true;
        // A host that has no room takes the answers to what it has sent, and sends no more.
        while healthy && (!sent.is_empty() || !(queue.is_empty() || self.context.is_held())) {
            if sent.is_empty() {
                begun = Instant::now();
                process.begin_unit(limits.unit_cpu_s);
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
                    if !sent.is_empty() {
                        process.begin_unit(limits.unit_cpu_s);
                    }
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
            let path = match &self.context.extractor(step)?.plugin {
                Some(_) => self.context.link_original(process, number, work)?,
                None => None,
            };
            let message = ToExtractor::Unit(self.context.unit_message(number, work, path.clone())?);
            serde_json::to_writer(&mut lines, &message).map_err(std::io::Error::from).map_err(StartError::System)?;
            lines.push(b'\n');
            let bytes = lines.len() - before;
            if outstanding > 0 && outstanding + bytes > OUTSTANDING_BYTES_MAX {
                lines.truncate(before);
                self.clear_folder(step, process, number)?;
                break;
            }
            outstanding += bytes;
            let Some(work) = queue.pop_front() else { break };
            let work_key = self.work_key(step, process, &work)?;
            let (facts, facts_bytes, blobs_bytes) = (Vec::new(), 0, 0);
            batch.push_back(Sent { work, number, bytes, facts, facts_bytes, blobs_bytes, path, work_key, alone });
        }
        // A process that does not take its input has ended; `receive` says how.
        process.send(&lines).ok();
        sent.extend(batch);
        Ok(true)
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
        front.facts_bytes += process.line_bytes();
        if front.facts_bytes > FACTS_BYTES_MAX {
            let detail = format!("it sent more than {FACTS_BYTES_MAX} bytes of facts about one unit");
            return Ok(Some(Trouble::Lied(detail)));
        }
        let descriptor = self.context.extractor(step)?.descriptor;
        if !descriptor.emits.iter().any(|(name, version)| *name == message.kind && *version == message.schema_version) {
            let detail = format!("it sent a fact of kind {} v{}", message.kind, message.schema_version);
            return Ok(Some(Trouble::Lied(detail)));
        }
        if message.asset_id.is_some() {
            return Ok(Some(Trouble::Lied("it named an asset in a fact about one original".to_owned())));
        }
        let blob = match &message.blob {
            None => None,
            Some(blob) => {
                match self.context.take_blob(process, front.number, blob, descriptor.limits.file_bytes_max)? {
                    Ok(staged) => {
                        front.blobs_bytes = front.blobs_bytes.saturating_add(staged.bytes);
                        if front.blobs_bytes > BLOBS_BYTES_MAX {
                            let detail = format!("its blobs of one unit have more than {BLOBS_BYTES_MAX} bytes");
                            return Ok(Some(Trouble::Lied(detail)));
                        }
                        Some((staged, blob.media_type.clone()))
                    }
                    Err(detail) => return Ok(Some(Trouble::Lied(detail))),
                }
            }
        };
        front.facts.push(Fact { message, blob, about: None });
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
        self.clear_folder(step, process, unit.number)?;
        let said = said.without_path(unit.path.as_deref());
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
        let facts_bytes = unit.facts_bytes;
        self.finish(&unit.work, Verdict { took, facts_bytes, ..verdict }, facts, Some(process))?;
        Ok(None)
    }

    /// Removes the folder of a unit, for extractors that have one.
    fn clear_folder(&self, step: u32, process: &ExtractorProcess, number: u64) -> Result<(), RunError> {
        let known = self.context.extractor(step)?;
        if known.plugin.is_some() || known.descriptor.writes_files {
            self.context.clear_unit_scratch(process, number);
        }
        Ok(())
    }

    /// The process is gone or has to go. What it said was read in order, so a lie is about the unit that was being answered, and that one
    /// pays. When it had one unit, that one pays. Of several nobody knows which it worked on when it ended or stopped answering, because
    /// answers may have been lost with it: then nobody pays, and each of them is sent alone to the next process.
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
        let lied = matches!(trouble, Trouble::Lied(_));
        let guilty = lied || (!matches!(trouble, Trouble::Stopped) && sent.len() == 1);
        let front = if guilty { sent.pop_front() } else { None };
        if !lied {
            self.suspects.extend(sent.iter().map(|unit| unit.work.unit.key));
        }
        for unit in sent.drain(..).rev() {
            queue.push_front(unit.work);
        }
        let Some(front) = front else { return Ok(()) };
        let verdict = self.verdict_after(&front.work, trouble, ended, &log, front.path.as_deref());
        self.finish(&front.work, verdict, Vec::new(), None)
    }

    /// Ends a process and says what that means for the one unit it had.
    pub(super) fn verdict_of(
        &self,
        process: &mut ExtractorProcess,
        work: &Work,
        trouble: Trouble,
        path: Option<&str>,
    ) -> Verdict {
        if !matches!(trouble, Trouble::Ended) {
            process.kill();
        }
        let (ended, log) = process.end();
        self.verdict_after(work, trouble, ended, &log, path)
    }

    fn verdict_after(&self, work: &Work, trouble: Trouble, ended: Ended, log: &str, path: Option<&str>) -> Verdict {
        let log = path.map_or_else(|| log.to_owned(), |path| log.replace(path, "the original"));
        let detail = |what: &str| if log.is_empty() { what.to_owned() } else { format!("{what}: {log}") };
        match (trouble, ended) {
            (Trouble::Lied(what), _) => Verdict::failed("bad-output", detail(&what), false),
            (Trouble::TimedOut(what), _) => Verdict::failed("time-limit", detail(&what), false),
            (_, Ended::OverMemory) => Verdict::failed("memory-limit", detail("it used too much memory"), false),
            (_, Ended::OverFiles) => Verdict::failed("output-limit", detail("it left too many files"), false),
            (_, Ended::Signal(libc::SIGXCPU)) => Verdict::failed("time-limit", detail("out of CPU time"), false),
            (_, Ended::Signal(libc::SIGXFSZ)) => {
                Verdict::failed("output-limit", detail("a file grew too large"), false)
            }
            (_, ended) => self.crash(work, &detail(&format!("the process ended: {ended}"))),
        }
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
}
