//! `exhibit replay`.

use clap::Args;
use exhibit_archive::catalog::find_artifact;
use exhibit_engine::replay::Replayed;
use exhibit_model::lineage::LineageParts;
use exhibit_store::sql::records::StoredRecord;
use serde::Serialize;
use serde_json::Value as Json;

use super::run::{HostArgs, check_sources, engine};
use crate::cli::Context;
use crate::error::{CliError, Exit};

/// Make an artifact again and say whether it is the same; nothing is kept.
#[derive(Args)]
pub struct ReplayArgs {
    /// The artifact: its id, with any unambiguous prefix of the run
    artifact: String,
    #[command(flatten)]
    host: HostArgs,
}

/// What came of it.
#[derive(Serialize)]
struct ReplayView {
    artifact: String,
    identical: bool,
    content_hash: String,
    replayed_content_hash: Option<String>,
    /// What is not the same, for people.
    differences: Vec<String>,
}

pub async fn replay(args: ReplayArgs, context: &Context) -> Result<Exit, CliError> {
    let app = context.open()?;
    let text = args.artifact.clone();
    let (run, unit, record) = app.store.read(move |read| Ok(find_artifact(read, &text))).await??;
    check_sources(&app).await?;
    let engine = engine(&app, &args.host, context).await?;
    let replayed = engine.replay(run, &unit).await?;
    let view = compare(args.artifact, &record, &replayed);
    if context.out.json {
        context.out.document(&view)?;
    } else if view.identical {
        context.out.line(&format!("identical: content hash {}", view.content_hash))?;
    } else {
        context.out.line("NOT identical")?;
        for difference in &view.differences {
            context.out.line(&format!("  {difference}"))?;
        }
    }
    Ok(if view.identical { Exit::Ok } else { Exit::Failed })
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
