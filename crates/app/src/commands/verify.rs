//! `exhibit verify`.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use exhibit_archive::ledger::{Extension, check_checkpoint};
use exhibit_archive::verify::{verify_all, verify_some};
use exhibit_store::Store;
use exhibit_store::ledger::checkpoint::{CheckpointError, open};
use exhibit_store::ledger::verify::Report;
use exhibit_store::progress::Steps;
use serde_json::json;

use crate::cli::Context;
use crate::error::{CliError, Exit};
use crate::follow::follow_steps;
use crate::output::{bytes, number};
use crate::remote::{Order, work};

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
    if let (Some(file), Some(key)) = (&args.checkpoint, &args.key) {
        return verify_checkpoint(file, key, context).await;
    }
    let report: Report = match &context.server {
        Some(server) => {
            let body = json!({ "artifacts": args.artifacts, "blobs": !args.no_blobs });
            let order = Order { path: "/v1/verify", body: &body, title: "verify", bytes: false };
            work(server, order, context).await?.1
        }
        None => followed(&context.open()?.store, args.artifacts, !args.no_blobs, context).await?,
    };
    if context.out.json {
        context.out.document(&report)?;
    } else {
        print(&report, context)?;
    }
    Ok(if report.problem_count == 0 { Exit::Ok } else { Exit::Failed })
}

async fn followed(store: &Store, artifacts: Vec<String>, blobs: bool, context: &Context) -> Result<Report, CliError> {
    let steps = Arc::new(Steps::default());
    let work = async {
        match artifacts.as_slice() {
            [] => verify_all(store, blobs, &steps).await.map_err(CliError::from),
            _ => verify_some(store, artifacts, blobs, &steps).await.map_err(CliError::from),
        }
    };
    follow_steps(context, "verify", &steps, work).await
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

async fn verify_checkpoint(file: &std::path::Path, key: &str, context: &Context) -> Result<Exit, CliError> {
    let note = read_small(file)?;
    let as_file = std::path::Path::new(key);
    let key = if as_file.is_file() { read_small(as_file)? } else { key.to_owned() };
    let readable = |error: CheckpointError| match error {
        CheckpointError::Unreadable(reason) => CliError::usage(reason),
        other => other.into(),
    };
    let found = match &context.server {
        Some(server) => {
            // The signature needs nobody's word.
            let older = open(&note, &key).map_err(readable)?;
            let found: Extension = server.post("/v1/ledger/check", &json!({ "note": note, "key": key })).await?;
            if !found.extends || (found.checkpoint_batches, found.checkpoint_root) != (older.size(), older.root()) {
                return Err(CliError::failed("the server answered about another checkpoint than it was asked about"));
            }
            found
        }
        None => check_checkpoint(&context.open()?.store, &note, &key).await.map_err(readable)?,
    };
    if context.out.json {
        context.out.document(&found)?;
    } else {
        context.out.line(&format!(
            "the ledger extends the checkpoint: {} batches then, {} now, nothing before it changed",
            found.checkpoint_batches, found.batches
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
