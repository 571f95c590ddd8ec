//! One unit over a whole collection: the list of its members goes in, facts about members come out.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use exhibit_model::digest::{Digest, DigestHasher};
use exhibit_model::ids::AssetId;
use exhibit_model::states::UnitState;
use exhibit_store::StoreError;
use exhibit_store::kinds::Kinds;
use exhibit_store::sql::{inputs, runs};

use super::verdict::{Said, Trouble, Verdict};
use super::{Start, Worker};
use crate::commit::Fact;
use crate::dispatch::Work;
use crate::host::RunError;
use crate::lineage::work_key;
use crate::process::{ExtractorProcess, Received};
use crate::protocol::{
    COLLECTION_FACTS_BYTES_MAX, COLLECTION_FACTS_MAX, CollectionMessage, EndOutcome, FromExtractor, ToExtractor,
};

/// Members that are read in one query.
const MEMBERS_AT_ONCE: i64 = 500;

/// Largest list of members, in bytes: it is sorted in memory, and lies in scratch.
const LIST_BYTES_MAX: usize = 2 * 1024 * 1024 * 1024;

/// The list of members, as the extractor reads it.
struct List {
    /// Lines in the order of asset ids.
    lines: Vec<(Digest, String)>,
    /// Keys of the members.
    keys: HashMap<AssetId, i64>,
    /// SHA-256 of the whole list: the one input of the unit.
    digest: Digest,
}

impl Worker {
    /// Does the unit of a step over the collection.
    pub(super) fn do_collection(&mut self, work: &Work) -> Result<(), RunError> {
        if self.has_blocked_inputs(work.unit.step)? {
            let detail = "units of other steps are blocked; `exhibit resume` does them first".to_owned();
            let verdict = Verdict { attempts: 0, ..Verdict::because(UnitState::Blocked, "inputs-blocked", detail) };
            self.finish(work, verdict, Vec::new(), None)?;
            return self.flush();
        }
        let step = work.unit.step;
        match self.ensure_process(step)? {
            Start::Runs => {}
            Start::Stopped => {
                self.finish(work, Verdict::given_back(work), Vec::new(), None)?;
                return self.flush();
            }
            Start::Failed(failure) => {
                self.finish(work, Verdict::failed(failure.reason, failure.detail, true), Vec::new(), None)?;
                return self.flush();
            }
        }
        let list = self.list(step)?;
        let Some((_, mut process)) = self.process.take() else { return Ok(()) };
        let key = work_key(self.context.step(step)?, &process.ready, &[list.digest], None);
        if !self.context.run.recompute
            && let Some(unit) = self.done_before(key)?
        {
            let verdict = Verdict { attempts: 0, reused_unit: Some(unit), ..Verdict::new(UnitState::Reused) };
            self.finish(work, verdict, Vec::new(), None)?;
        } else {
            self.feed_collection(work, &mut process, &list, key)?;
        }
        // The process has done what it was started for.
        drop(process);
        self.flush()
    }

    fn done_before(&self, key: Digest) -> Result<Option<i64>, RunError> {
        let find = move |read: &exhibit_store::Read<'_>| exhibit_store::sql::units::find_work(read, &[key]);
        Ok(self.context.wait_for(self.context.store.read(find))?.get(&key).copied())
    }

    fn has_blocked_inputs(&self, step: u32) -> Result<bool, RunError> {
        let run = self.context.run.key;
        let coverage = self.context.wait_for(self.context.store.read(move |read| runs::coverage(read, run)))?;
        Ok(coverage.iter().any(|(of, state, count)| *of != step && *state == UnitState::Blocked && *count > 0))
    }

    /// The members with their facts.
    fn list(&self, step: u32) -> Result<List, RunError> {
        let kinds = Arc::clone(self.context.store.kinds());
        let (run, members) = (self.context.run.key, self.context.run.members);
        let reads = self.context.step(step)?.reads.clone();
        let made = self.context.store.read(move |read| {
            let keys: Vec<i64> =
                reads.iter().filter_map(|(name, version)| Some(kinds.get(name, *version)?.key)).collect();
            let (mut lines, mut known, mut bytes) = (Vec::new(), HashMap::new(), 0_usize);
            let mut from = 0;
            while from < members {
                let some = inputs::members(read, run, from, MEMBERS_AT_ONCE)?;
                if some.is_empty() {
                    break;
                }
                from += MEMBERS_AT_ONCE;
                let assets: Vec<i64> = some.iter().map(|(asset, _, _)| *asset).collect();
                let mut of_asset: HashMap<i64, Vec<inputs::InputFact>> = HashMap::new();
                for fact in inputs::facts(read, run, &assets, &keys)? {
                    of_asset.entry(fact.asset).or_default().push(fact);
                }
                for (asset, sha256, paths) in some {
                    let line = line_of(&kinds, sha256, paths, &of_asset.remove(&asset).unwrap_or_default())?;
                    bytes += line.len();
                    if bytes > LIST_BYTES_MAX {
                        let message = format!("the facts of the collection have more than {LIST_BYTES_MAX} bytes");
                        return Err(StoreError::Refused(message));
                    }
                    known.insert(AssetId(sha256), asset);
                    lines.push((sha256, line));
                }
            }
            lines.sort_unstable();
            let mut hasher = DigestHasher::new();
            lines.iter().for_each(|(_, line)| hasher.update(line.as_bytes()));
            Ok(List { digest: hasher.finish(), lines, keys: known })
        });
        Ok(self.context.wait_for(made)?)
    }

    fn feed_collection(
        &mut self,
        work: &Work,
        process: &mut ExtractorProcess,
        list: &List,
        key: Digest,
    ) -> Result<(), RunError> {
        let descriptor = self.context.extractor(work.unit.step)?.descriptor;
        let number = process.number_unit();
        let inputs = self.write_list(process, number, list)?;
        let message = CollectionMessage { unit: number, inputs, members: list.lines.len() as u64 };
        let failed = |source| RunError::System { what: "writing a message".to_owned(), source };
        let mut line = serde_json::to_vec(&ToExtractor::Collection(message)).map_err(|error| failed(error.into()))?;
        line.push(b'\n');
        process.begin_unit(descriptor.limits.unit_cpu_s);
        // A process that does not take its input has ended; `receive` says how.
        process.send(&line).ok();
        let begun = Instant::now();
        let wall = Duration::from_secs(descriptor.limits.unit_wall_s);
        let context = Arc::clone(&self.context);
        let stop = move || context.should_stop();
        let (mut facts, mut facts_bytes) = (Vec::new(), 0_usize);
        let trouble = loop {
            match process.receive(begun + wall, &stop) {
                Received::Message(FromExtractor::Fact(fact)) if fact.unit == number => {
                    facts_bytes += process.line_bytes();
                    let about = fact.asset_id.as_deref().and_then(|id| id.parse::<AssetId>().ok());
                    let member = about.and_then(|asset| Some((asset, *list.keys.get(&asset)?)));
                    let emits = descriptor
                        .emits
                        .iter()
                        .any(|(name, version)| *name == fact.kind && *version == fact.schema_version);
                    let problem = match member {
                        _ if facts.len() >= COLLECTION_FACTS_MAX || facts_bytes > COLLECTION_FACTS_BYTES_MAX => {
                            "it sent too many facts about one collection".to_owned()
                        }
                        _ if !emits => format!("it sent a fact of kind {} v{}", fact.kind, fact.schema_version),
                        _ if fact.blob.is_some() => "it sent a blob about a collection".to_owned(),
                        None => "it sent a fact that names no member of the collection".to_owned(),
                        Some(member) => {
                            facts.push(Fact { message: fact, blob: None, about: Some(member) });
                            continue;
                        }
                    };
                    break Trouble::Lied(problem);
                }
                Received::Message(FromExtractor::End { unit, outcome, reason, detail, retryable })
                    if unit == number =>
                {
                    let said = Said { unit, outcome, reason, detail, retryable };
                    return self.end_collection(work, process, list, key, (said, facts, facts_bytes, begun.elapsed()));
                }
                Received::Message(_) => break Trouble::Lied("it spoke out of turn".to_owned()),
                Received::Bad(detail) => break Trouble::Lied(detail),
                Received::TimedOut => break Trouble::TimedOut(format!("it took longer than {} s", wall.as_secs())),
                Received::Closed => break Trouble::Ended,
                Received::Stopped => break Trouble::Stopped,
            }
        };
        if matches!(trouble, Trouble::Stopped) {
            process.kill();
            return self.finish(work, Verdict::given_back(work), Vec::new(), None);
        }
        let verdict = self.verdict_of(process, work, trouble, None);
        self.finish(work, verdict, Vec::new(), None)
    }

    fn end_collection(
        &mut self,
        work: &Work,
        process: &ExtractorProcess,
        list: &List,
        key: Digest,
        (said, facts, facts_bytes, took): (Said, Vec<Fact>, usize, Duration),
    ) -> Result<(), RunError> {
        let done = |state| Verdict { work_key: Some(key), inputs: Some(vec![list.digest]), ..Verdict::new(state) };
        let verdict = match said.outcome {
            EndOutcome::Done if facts.is_empty() => done(UnitState::DoneEmpty),
            EndOutcome::Done => done(UnitState::Done),
            EndOutcome::Skipped => said.verdict(UnitState::Skipped),
            EndOutcome::Failed => said.verdict(UnitState::Failed),
        };
        let facts = if verdict.state == UnitState::Done { facts } else { Vec::new() };
        self.finish(work, Verdict { took, facts_bytes, ..verdict }, facts, Some(process))
    }

    /// Writes the list into the folder of the unit. Returns its name relative to scratch.
    fn write_list(&self, process: &ExtractorProcess, number: u64, list: &List) -> Result<String, RunError> {
        let failed = |source| RunError::System { what: "writing the list of a collection".to_owned(), source };
        let folder = process.scratch_path().join(number.to_string());
        std::fs::create_dir(&folder).map_err(failed)?;
        let file = std::fs::File::create_new(folder.join("inputs.jsonl")).map_err(failed)?;
        let mut file = std::io::BufWriter::new(file);
        list.lines.iter().try_for_each(|(_, line)| file.write_all(line.as_bytes())).map_err(failed)?;
        file.flush().map_err(failed)?;
        Ok(format!("{number}/inputs.jsonl"))
    }
}

/// One member as RFC 8785 JSON and a line feed. Names and hashes need no escaping; payloads are canonical already.
fn line_of(kinds: &Kinds, sha256: Digest, paths: u64, facts: &[inputs::InputFact]) -> Result<String, StoreError> {
    let mut named = Vec::with_capacity(facts.len());
    for fact in facts {
        let kind = kinds.by_key(fact.kind).ok_or_else(|| StoreError::Unexpected(format!("kind {}", fact.kind)))?;
        let body = std::str::from_utf8(&fact.body).map_err(|error| StoreError::Unexpected(error.to_string()))?;
        let (name, version) = (kind.name().to_owned(), kind.declaration.version);
        let hash = fact.content_hash.to_hex();
        let text = format!(
            "{{\"content_hash\":\"{hash}\",\"kind\":\"{name}\",\"payload\":{body},\"schema_version\":{version}}}"
        );
        named.push((name, version, text));
    }
    // Keys of kinds differ from database to database, their names do not.
    named.sort();
    let facts: Vec<String> = named.into_iter().map(|(_, _, text)| text).collect();
    Ok(format!("{{\"asset_id\":\"{}\",\"facts\":[{}],\"paths\":{paths}}}\n", AssetId(sha256), facts.join(",")))
}
