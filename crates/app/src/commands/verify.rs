//! `exhibit verify`.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use exhibit_archive::catalog::find_artifact;
use exhibit_store::Store;
use exhibit_store::ledger::checkpoint;
use exhibit_store::ledger::proof::prove;
use exhibit_store::ledger::verify::{Report, check_record, printed_id, verify_ledger};
use exhibit_store::retention::Tombstones;
use exhibit_store::sql::records;
use serde_json::json;

use crate::cli::Context;
use crate::error::{CliError, Exit};
use crate::output::{bytes, number};

/// Check everything, some artifacts, or a checkpoint.
#[derive(Args)]
pub struct VerifyArgs {
    /// Only these artifacts; without any, every record, lineage, batch and blob
    artifacts: Vec<String>,
    /// Prove that the ledger extends this checkpoint
    #[arg(long, value_name = "FILE", requires = "key", conflicts_with = "artifacts")]
    checkpoint: Option<PathBuf>,
    /// The public key of the checkpoint, as text or as a file
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Do not read the blobs
    #[arg(long)]
    no_blobs: bool,
}

/// Largest checkpoint or key file in bytes.
const NOTE_BYTES_MAX: u64 = 64 * 1024;

pub async fn verify(args: VerifyArgs, context: &Context) -> Result<Exit, CliError> {
    let app = context.open()?;
    if let (Some(file), Some(key)) = (&args.checkpoint, &args.key) {
        return verify_checkpoint(&app.store, file, key, context).await;
    }
    let report = if args.artifacts.is_empty() {
        verify_all(&app.store, !args.no_blobs, context).await?
    } else {
        verify_some(&app.store, args.artifacts, !args.no_blobs).await?
    };
    if context.out.json {
        context.out.document(&report)?;
    } else {
        print(&report, context)?;
    }
    Ok(if report.problem_count == 0 { Exit::Ok } else { Exit::Failed })
}

async fn verify_all(store: &Store, blobs: bool, context: &Context) -> Result<Report, CliError> {
    let bar = context.out.bar(Some(0), false);
    bar.set_prefix("verify");
    let shown = bar.clone();
    let kinds = Arc::clone(store.kinds());
    let mut report = store
        .read(move |read| {
            verify_ledger(read, &kinds, &mut |done, total| {
                shown.set_length(total);
                shown.set_position(done);
            })
        })
        .await?;
    if blobs {
        let named = store.read(records::named_blobs).await?;
        bar.set_prefix("blobs");
        bar.set_length(named.len() as u64);
        let (files, shown) = (store.blobs().clone(), bar.clone());
        let work = move || {
            for (index, (sha256, size)) in named.into_iter().enumerate() {
                check_blob(&files, sha256, size, &mut report)?;
                shown.set_position(index as u64 + 1);
            }
            Ok::<_, exhibit_store::StoreError>(report)
        };
        report = tokio::task::spawn_blocking(work).await.map_err(|error| CliError::failed(error.to_string()))??;
    }
    bar.finish_and_clear();
    Ok(report)
}

fn check_blob(
    blobs: &exhibit_store::Blobs,
    sha256: exhibit_model::digest::Digest,
    size: u64,
    report: &mut Report,
) -> Result<(), exhibit_store::StoreError> {
    report.blobs += 1;
    match blobs.rehash(sha256)? {
        None => report.add(format!("blob {sha256}"), "blob_missing", "the file is not in the blob store"),
        Some((found, bytes)) => {
            report.blob_bytes += bytes;
            if found != sha256 || bytes != size {
                report.add(format!("blob {sha256}"), "blob_mismatch", format!("its bytes hash to {found}"));
            }
        }
    }
    Ok(())
}

async fn verify_some(store: &Store, artifacts: Vec<String>, blobs: bool) -> Result<Report, CliError> {
    let kinds = Arc::clone(store.kinds());
    let checked = store
        .read(move |read| {
            let mut report = Report::default();
            let mut named = Vec::new();
            for text in &artifacts {
                let (_, _, record) = match find_artifact(read, text) {
                    Ok(found) => found,
                    Err(error) => return Ok(Err(error)),
                };
                let stones = Tombstones::for_record(read, &kinds, &record)?;
                let leaf = check_record((&kinds, &stones), &record, &mut report);
                report.records += 1;
                let holds = prove(read, record.seq)?.is_some_and(|proof| proof.leaf == leaf && proof.holds());
                if !holds {
                    let subject = format!("record {} ({})", record.seq, printed_id(&record));
                    report.add(subject, "not_in_ledger", "its inclusion proof does not hold");
                }
                named.extend(record.blob.filter(|_| record.body.is_some()).map(|blob| (blob.sha256, blob.bytes)));
            }
            Ok(Ok((report, named)))
        })
        .await?;
    let (mut report, named) = checked?;
    for (sha256, size) in named.into_iter().filter(|_| blobs) {
        check_blob(store.blobs(), sha256, size, &mut report)?;
    }
    Ok(report)
}

fn print(report: &Report, context: &Context) -> Result<(), CliError> {
    let out = context.out;
    for problem in &report.problems {
        out.line(&format!("{}: {} ({})", problem.subject, problem.message, problem.code))?;
    }
    let what = format!(
        "{} records in {} batches, {} blobs ({})",
        number(report.records as i64),
        number(report.batches as i64),
        number(report.blobs as i64),
        bytes(report.blob_bytes as i64)
    );
    if report.problem_count == 0 {
        out.line(&format!("all as written: {what}"))?;
    } else {
        out.line(&format!("{} problems in {what}", number(report.problem_count as i64)))?;
    }
    if let Some(root) = report.root {
        out.line(&format!("ledger root {root}"))?;
    }
    Ok(())
}

async fn verify_checkpoint(
    store: &Store,
    file: &std::path::Path,
    key: &str,
    context: &Context,
) -> Result<Exit, CliError> {
    let note = read_small(file)?;
    let as_file = std::path::Path::new(key);
    let key = if as_file.is_file() { read_small(as_file)? } else { key.to_owned() };
    let older = match checkpoint::open(&note, &key) {
        Ok(older) => older,
        Err(checkpoint::CheckpointError::Unreadable(reason)) => return Err(CliError::usage(reason)),
        Err(error) => return Err(error.into()),
    };
    let asked = older.clone();
    let result = store.read(move |read| Ok(checkpoint::extends(read, &asked))).await?;
    let now = result?;
    if context.out.json {
        context.out.document(&json!({
            "extends": true, "checkpoint_batches": older.size(), "checkpoint_root": older.root(),
            "batches": now.size(), "root": now.root(),
        }))?;
    } else {
        context.out.line(&format!(
            "the ledger extends the checkpoint: {} batches then, {} now, nothing before it changed",
            older.size(),
            now.size()
        ))?;
    }
    Ok(Exit::Ok)
}

fn read_small(path: &std::path::Path) -> Result<String, CliError> {
    let wrong = |reason: String| CliError::usage(format!("{} cannot be read: {reason}", path.display()));
    let found = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?;
    if found.len() > NOTE_BYTES_MAX {
        return Err(wrong("it is larger than 64 KiB".to_owned()));
    }
    std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))
}
