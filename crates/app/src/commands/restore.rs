//! `exhibit restore`.

use std::path::{Path, PathBuf};

use clap::Args;
use exhibit_store::Location;
use exhibit_store::backup::{DATABASE_NAME, restore as restore_backup};
use serde_json::json;

use crate::cli::Context;
use crate::config;
use crate::error::{CliError, Exit};
use crate::follow::follow;
use crate::home::store_options;
use crate::output::{bytes, number};

/// Make a new home from a backup. The home is `--home`; it is absent or empty.
#[derive(Args)]
pub struct RestoreArgs {
    /// The folder that `exhibit backup` made
    backup: PathBuf,
}

/// The configuration, and its name where it would lead elsewhere.
const CONFIG_NAME: &str = "exhibit.toml";
const CONFIG_ASIDE: &str = "exhibit.toml.from-backup";

pub async fn restore(args: RestoreArgs, context: &Context) -> Result<Exit, CliError> {
    refuse_other_database(&context.home)?;
    let home = context.home.clone();
    let restored = follow(context, "restore", |progress| async move {
        let work = tokio::task::spawn_blocking(move || {
            let options = |folder: &Path| {
                let path = folder.join(DATABASE_NAME);
                store_options(folder, Location::Sqlite { path, synchronous: exhibit_store::Synchronous::Full })
            };
            restore_backup(&args.backup, &home, options, &progress)
        });
        work.await.map_err(|error| CliError::failed(error.to_string()))
    });
    let restored = restored.await??;
    let aside = set_config_aside(restored.delivery.folder())?;
    let (note, report) = (restored.note, restored.report);
    let home = restored.delivery.place_folder()?;
    if context.out.json {
        context.out.document(&json!({
            "home": home.display().to_string(), "made_at": note.made_at, "records": report.records, "blobs": report.blobs,
            "blob_bytes": report.blob_bytes, "batches": report.batches, "root": report.root, "problems": note.problems,
            "config_set_aside": aside,
        }))?;
    } else {
        context.out.line(&format!(
            "{} restored from the backup of {}: {} records, {} blobs ({}), every digest and the ledger as written",
            home.display(),
            note.made_at,
            number(report.records as i64),
            number(report.blobs as i64),
            bytes(report.blob_bytes as i64)
        ))?;
        for problem in &note.problems {
            context.out.line(&format!("  problem that the home had when it was backed up: {problem}"))?;
        }
    }
    if aside {
        eprintln!(
            "exhibit: {CONFIG_NAME} of the backup names a database elsewhere, or cannot be read; it lies in the home as {CONFIG_ASIDE} and is not used"
        );
    }
    Ok(if note.problems.is_empty() && !aside { Exit::Ok } else { Exit::Partial })
}

/// A backup becomes a home with its own database; what the environment says would hide it.
fn refuse_other_database(home: &Path) -> Result<(), CliError> {
    let config = config::load(home)?;
    if config.store.postgres.url.is_some() || config.store.sqlite.path.is_some() {
        return Err(CliError::usage(
            "restore puts the database into the home, but EXHIBIT_STORE__POSTGRES__URL or EXHIBIT_STORE__SQLITE__PATH names another; unset it",
        ));
    }
    Ok(())
}

/// A configuration that leads to another database would let two homes write to one; it is kept under another name. True: it was.
fn set_config_aside(folder: &Path) -> Result<bool, CliError> {
    if !folder.join(CONFIG_NAME).exists() || refuse_other_database(folder).is_ok() {
        return Ok(false);
    }
    std::fs::rename(folder.join(CONFIG_NAME), folder.join(CONFIG_ASIDE))?;
    Ok(true)
}
