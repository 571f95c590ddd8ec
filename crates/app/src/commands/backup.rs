//! `exhibit backup`.

use std::path::PathBuf;

use clap::Args;
use exhibit_store::Location;
use exhibit_store::backup::{BackupOptions, BackupReport, DATABASE_NAME, back_up};
use exhibit_store::delivery::refuse_overlap;
use exhibit_store::sql::sources;

use crate::cli::Context;
use crate::error::{CliError, Exit};
use crate::follow::follow;
use crate::home::{App, location};
use crate::output::{bytes, number};

/// Back up a home on SQLite, also while it is used.
#[derive(Args)]
pub struct BackupArgs {
    /// The folder to make; it is absent or empty, and best on another disk
    folder: PathBuf,
}

/// What is in a home and need not be in a backup: it is copied in its own way, or can be made again.
const LEFT_OUT: [&str; 3] = ["blobs", "work", "logs"];

/// What SQLite puts beside a database, by the endings of its name.
const DATABASE_ENDINGS: [&str; 4] = ["", "-wal", "-shm", "-journal"];

pub async fn backup(args: BackupArgs, context: &Context) -> Result<Exit, CliError> {
    let app = context.open()?;
    let roots = app.store.read(sources::all).await?.into_iter().map(|source| {
        let root = <std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(source.root);
        ("the source", PathBuf::from(root))
    });
    let own = app.own_folders().into_iter().map(|folder| ("the home's", folder));
    refuse_overlap(&args.folder, &roots.chain(own).collect::<Vec<_>>())?;
    let options = BackupOptions {
        target: args.folder,
        home: app.home.clone(),
        leave_out: left_out(&app),
        exhibit: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let report = follow(context, "backup", |progress| back_up(&app.store, options, progress)).await?;
    if context.out.json {
        context.out.document(&report)?;
    } else {
        print(&report, context)?;
    }
    Ok(if report.note.problems.is_empty() { Exit::Ok } else { Exit::Partial })
}

fn left_out(app: &App) -> Vec<String> {
    let mut names: Vec<String> = LEFT_OUT.iter().map(|name| (*name).to_owned()).collect();
    let mut databases = vec![DATABASE_NAME.to_owned()];
    // A database under another name in the home is that of the snapshot all the same.
    if let Location::Sqlite { path, .. } = location(&app.home, &app.config)
        && path.parent() == Some(&app.home)
    {
        databases.extend(path.file_name().map(|name| name.to_string_lossy().into_owned()));
    }
    names.extend(databases.iter().flat_map(|name| DATABASE_ENDINGS.map(|ending| format!("{name}{ending}"))));
    names
}

fn print(report: &BackupReport, context: &Context) -> Result<(), CliError> {
    let out = context.out;
    let note = &report.note;
    let size = note.blob_bytes + note.files.iter().map(|file| file.bytes).sum::<u64>();
    out.line(&format!(
        "{}: {} records, {} blobs, {} other files ({}), read back and as written",
        report.target,
        number(note.records as i64),
        number(note.blobs as i64),
        number(note.files.len() as i64),
        bytes(size as i64)
    ))?;
    out.line(&format!("ledger of {} batches, root {}", number(note.batches as i64), note.root))?;
    for problem in &note.problems {
        out.line(&format!("  problem of the home: {problem}"))?;
    }
    out.note("it holds the private key of the ledger and everything that was found: keep it as you keep the originals");
    if !note.problems.is_empty() {
        let count = number(note.problems.len() as i64);
        eprintln!(
            "exhibit: done in part: the home has {count} problems, and so has the backup; `exhibit verify` says more"
        );
    }
    Ok(())
}
