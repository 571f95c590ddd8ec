//! Doing a unit once more, to see whether the same comes out. Nothing of it is kept.

use std::sync::Arc;
use std::time::{Duration, Instant};

use exhibit_model::canonical::to_canonical;
use exhibit_model::digest::Digest;
use exhibit_model::envelope::content_hash_of_canonical;
use exhibit_model::ids::AssetId;
use exhibit_store::sql::runs::Run;
use exhibit_store::sql::units::{Leased, Unit};
use serde_json::Value as Json;

use crate::dispatch::{Work, work_of};
use crate::engine::Engine;
use crate::host::{RunContext, RunError};
use crate::inputs::InputState;
use crate::pipeline::Pipeline;
use crate::process::Received;
use crate::protocol::{EndOutcome, FACTS_MAX, FactMessage, FromExtractor, ToExtractor};
use crate::scratch::Scratch;

/// What came out.
#[derive(Debug)]
pub struct Replayed {
    /// Version of the extractor and of the tools that it used, as a lineage names it.
    pub producer_version: String,
    /// Its facts, in order; empty when it was skipped or failed.
    pub facts: Vec<ReplayedFact>,
    /// Why it was skipped or failed, when it was.
    pub refusal: Option<String>,
}

/// One fact.
#[derive(Debug)]
pub struct ReplayedFact {
    /// Name of the kind.
    pub kind: String,
    /// Version of the kind.
    pub schema_version: u32,
    /// What is claimed.
    pub payload: Json,
    /// SHA-256 of its blob.
    pub blob: Option<Digest>,
    /// What is claimed, as one digest.
    pub content_hash: Digest,
}

impl Engine {
    /// Does a unit of a run again, confined, with the parameters that the run froze and the bytes that the asset names. Needs nobody's
    /// permission and changes nothing: no lease, no record, no blob.
    ///
    /// # Errors
    /// When the original is not there or not the same any more, or the extractor cannot be started.
    pub async fn replay(&self, run: Run, unit: &Unit) -> Result<Replayed, RunError> {
        let definition: Pipeline = serde_json::from_slice(&run.definition)
            .map_err(|error| RunError::Internal(format!("the frozen pipeline cannot be read: {error}")))?;
        if definition.steps.get(unit.step as usize).is_some_and(crate::pipeline::Step::is_aggregate) {
            let text = "it was made from a whole collection; run its pipeline again with --recompute, and `exhibit compare` the two runs";
            return Err(RunError::NotPossible(text.to_owned()));
        }
        let scratch = Scratch::make(&self.options().work_folder, self.options().ids.next_ulid())?;
        let leased = Leased {
            key: unit.key,
            ordinal: unit.ordinal,
            step: unit.step,
            asset: unit.asset,
            generation: unit.generation,
            crashes: 0,
        };
        let work = self.store().read(move |read| work_of(read, vec![leased])).await?.pop();
        let work = work.ok_or_else(|| RunError::Internal("the unit is gone".to_owned()))?;
        let owner = scratch.owner();
        let context = RunContext::open(self.store(), run, owner, self.options(), scratch.path().to_owned()).await?;
        let context = Arc::new(context);
        // The context waits for the store, which a task of the runtime must not do.
        let done = tokio::task::spawn_blocking(move || {
            let done = replay(&context, &work);
            drop(scratch);
            done
        });
        done.await.map_err(|error| RunError::Internal(error.to_string()))?
    }
}

fn replay(context: &RunContext, work: &Work) -> Result<Replayed, RunError> {
    let not_possible = |why: String| RunError::NotPossible(format!("{} cannot be read again: {why}", work.asset));
    match context.check_bytes(work) {
        InputState::Same => {}
        InputState::Missing(detail) | InputState::Offline(detail) => return Err(not_possible(detail)),
        InputState::Changed => return Err(not_possible("the file at its path is another one now".to_owned())),
        InputState::Rotten => return Err(not_possible("its bytes are not those that were cataloged".to_owned())),
    }
    let step = work.unit.step;
    let known = context.extractor(step)?;
    let (limits, is_plugin) = (known.descriptor.limits, known.plugin.is_some());
    let mut process = context.start_process(step).map_err(RunError::Process)?;
    let ready = process.ready.for_media(known.descriptor.tools, &work.media_type);
    let ready = ready.map_err(|tool| RunError::NotPossible(tool.missing()))?;
    let number = process.number_unit();
    let path = if is_plugin { context.link_original(&process, number, work)? } else { None };
    let message = ToExtractor::Unit(context.unit_message(number, work, path)?);
    let mut line =
        serde_json::to_vec(&message).map_err(std::io::Error::from).map_err(crate::process::StartError::System)?;
    line.push(b'\n');
    process.begin_unit(limits.unit_cpu_s);
    // A process that does not take its input has ended; `receive` says how.
    process.send(&line).ok();
    let deadline = Instant::now() + Duration::from_secs(limits.unit_wall_s);
    let mut facts = Vec::new();
    loop {
        match process.receive(deadline, &|| context.should_stop()) {
            Received::Message(FromExtractor::Fact(fact)) if fact.unit == number && facts.len() < FACTS_MAX => {
                let blob = match &fact.blob {
                    None => None,
                    // Dropped without a name: only its digest is wanted.
                    Some(blob) => match context.take_blob(&process, number, blob, limits.file_bytes_max)? {
                        Ok(staged) => Some(staged.sha256),
                        Err(detail) => return Err(RunError::NotPossible(detail)),
                    },
                };
                facts.push(replayed(work.asset, fact, blob)?);
            }
            Received::Message(FromExtractor::End { unit, outcome, reason, detail, .. }) if unit == number => {
                let refusal = (outcome != EndOutcome::Done)
                    .then(|| format!("{}: {}", reason.unwrap_or_default(), detail.unwrap_or_default()));
                return Ok(Replayed { producer_version: ready.producer_version(), facts, refusal });
            }
            Received::Message(_) => return Err(RunError::NotPossible("the extractor spoke out of turn".to_owned())),
            Received::Bad(detail) => return Err(RunError::NotPossible(detail)),
            Received::TimedOut => {
                return Err(RunError::NotPossible(format!("it took longer than {} s", limits.unit_wall_s)));
            }
            Received::Closed | Received::Stopped => {
                process.kill();
                let (ended, log) = process.end();
                return Err(RunError::NotPossible(format!("the extractor ended: {ended}: {log}")));
            }
        }
    }
}

fn replayed(asset: AssetId, fact: FactMessage, blob: Option<Digest>) -> Result<ReplayedFact, RunError> {
    let body = to_canonical(&fact.payload).map_err(|findings| RunError::NotPossible(findings.to_string()))?;
    let span = fact.span_start_ms.zip(fact.span_end_ms);
    let content_hash = content_hash_of_canonical(&fact.kind, fact.schema_version, Some(asset), span, &body, blob);
    let FactMessage { kind, schema_version, payload, .. } = fact;
    Ok(ReplayedFact { kind, schema_version, payload, blob, content_hash })
}
