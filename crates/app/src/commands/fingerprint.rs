//! `exhibit fingerprint`.

use std::path::PathBuf;

use clap::Args;
use exhibit_archive::catalog::printable;
use exhibit_archive::fingerprint::fingerprint as fingerprint_tree;
use serde_json::json;

use crate::cli::Context;
use crate::error::{CliError, Exit};
use crate::output::{bytes, number};

/// Digest of a folder.
#[derive(Args)]
pub struct FingerprintArgs {
    /// The folder
    root: PathBuf,
}

pub async fn fingerprint(args: FingerprintArgs, context: &Context) -> Result<Exit, CliError> {
    let bar = context.out.bar(None, true);
    bar.set_prefix("fingerprint");
    let shown = bar.clone();
    let root = args.root.clone();
    let work = tokio::task::spawn_blocking(move || {
        fingerprint_tree(&root, &mut |progress| {
            shown.set_position(progress.bytes);
            shown.set_message(format!("· {} entries", number(progress.entries as i64)));
        })
    });
    let result = work.await.map_err(|error| CliError::failed(error.to_string()))?;
    bar.finish_and_clear();
    let found = result?;
    if context.out.json {
        let problems: Vec<_> = found
            .problems
            .iter()
            .map(|problem| json!({ "path": printable(&problem.path), "troubles": problem.troubles }))
            .collect();
        context.out.document(&json!({
            "digest": found.digest, "files": found.files, "directories": found.directories, "others": found.others,
            "bytes": found.bytes, "unreadable": found.unreadable, "problems": problems,
        }))?;
    } else {
        context.out.line(&format!("{}", found.digest))?;
        context.out.note(&format!(
            "{} files, {} folders, {} others, {}",
            number(found.files as i64),
            number(found.directories as i64),
            number(found.others as i64),
            bytes(found.bytes as i64)
        ));
        for problem in &found.problems {
            eprintln!("not read in full: {}: {}", printable(&problem.path), problem.troubles);
        }
    }
    Ok(if found.unreadable > 0 { Exit::Partial } else { Exit::Ok })
}
