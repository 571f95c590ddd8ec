//! Whether an artifact comes out the same when it is made again.

use exhibit_engine::replay::Replayed;
use exhibit_engine::{Engine, RunError};
use exhibit_model::lineage::LineageParts;
use exhibit_store::Store;
use exhibit_store::sql::records::StoredRecord;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::catalog::{LookupError, find_artifact};

/// What came of it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ReplayView {
    /// The artifact, as it was asked for.
    pub artifact: String,
    /// Whether the same came out.
    pub identical: bool,
    /// What it said.
    pub content_hash: String,
    /// What it says now; none when the unit does not make it any more.
    pub replayed_content_hash: Option<String>,
    /// What is not the same, for people.
    pub differences: Vec<String>,
}

/// Why an artifact was not made again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It is unknown.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// Its unit could not be done.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Makes an artifact again, confined, and compares. Nothing is kept.
///
/// # Errors
/// When it is unknown, its original is not there or not the same any more, or its extractor cannot be started.
pub async fn replay(store: &Store, engine: &Engine, artifact: String) -> Result<ReplayView, ReplayError> {
    let text = artifact.clone();
    let (run, unit, record) =
        store.read(move |read| Ok(find_artifact(read, &text))).await.map_err(LookupError::from)??;
    let replayed = engine.replay(run, &unit).await?;
    Ok(compare(artifact, &record, &replayed))
}

fn compare(artifact: String, record: &StoredRecord, replayed: &Replayed) -> ReplayView {
    let fact = record.ordinal.and_then(|ordinal| replayed.facts.get(ordinal as usize));
    let identical = fact.is_some_and(|fact| fact.content_hash == record.commitment);
    let mut differences = Vec::new();
    if !identical {
        let then = record.lineage.as_deref().and_then(|lineage| serde_json::from_slice::<LineageParts>(lineage).ok());
        match then.map(|lineage| lineage.producer_version) {
            Some(then) if then != replayed.producer_version => {
                differences.push(format!("made by version {then}, now version {}", replayed.producer_version));
            }
            _ => differences.push(format!("made by the same version, {}", replayed.producer_version)),
        }
        differences.extend(replayed.refusal.as_ref().map(|refusal| format!("the unit now ends as {refusal}")));
    }
    if let (Some(fact), false) = (fact, identical) {
        let blob = record.blob.as_ref().map(|blob| blob.sha256);
        if blob != fact.blob {
            let text = |blob: Option<_>| {
                blob.map_or_else(|| "none".to_owned(), |blob: exhibit_model::digest::Digest| blob.to_hex())
            };
            differences.push(format!("blob {} became {}", text(blob), text(fact.blob)));
        }
        match record.body.as_deref().map(serde_json::from_slice::<Json>) {
            Some(Ok(then)) => differences.extend(differing_fields(&then, &fact.payload)),
            Some(Err(_)) => differences.push("the recorded payload cannot be read".to_owned()),
            None => differences.push("the recorded payload is gone; only its hash is left".to_owned()),
        }
    } else if fact.is_none() {
        let count = replayed.facts.len();
        differences.push(format!("the unit now makes {count} artifacts, this one is not among them"));
    }
    ReplayView {
        artifact,
        identical,
        content_hash: record.commitment.to_hex(),
        replayed_content_hash: fact.map(|fact| fact.content_hash.to_hex()),
        differences,
    }
}

/// Characters of a value that are shown.
const VALUE_CHARS: usize = 80;

/// Fields of the payload, outermost only, with both values.
fn differing_fields(then: &Json, now: &Json) -> Vec<String> {
    let names: std::collections::BTreeSet<&String> =
        [then, now].into_iter().filter_map(Json::as_object).flat_map(|object| object.keys()).collect();
    let short = |value: &Json| value.to_string().chars().take(VALUE_CHARS).collect::<String>();
    let differs = names.into_iter().filter(|name| then[name.as_str()] != now[name.as_str()]);
    differs
        .map(|name| format!("{name}: {} became {}", short(&then[name.as_str()]), short(&now[name.as_str()])))
        .collect()
}
