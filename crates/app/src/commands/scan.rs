//! `exhibit scan`.

mod there;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use exhibit_archive::scan::{ScanOptions, ScanProgress, ScanReport, check_root, scan as scan_folder};
use exhibit_model::ids::SourceId;

use crate::cli::Context;
use crate::commands::run::check_sources;
use crate::config;
use crate::error::{CliError, Exit};
use crate::home::own_folders;
use crate::output::{Output, bytes, number};

/// Catalog a folder.
#[derive(Args)]
pub struct ScanArgs {
    /// The folder; nothing below it is ever written. With --server: a folder of its machine, or the name of a source
    root: PathBuf,
    /// Name of the source [default: the last part of the path]
    #[arg(long)]
    name: Option<String>,
    /// Read everything, and report bytes that changed though size and time did not
    #[arg(long)]
    verify: bool,
    /// Threads that read and hash [default: one per core]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=64))]
    threads: Option<u16>,
}

/// Outcomes of files that should be in the catalog as they are, and are not.
const PARTIAL: [&str; 3] = ["bit-rot", "unreadable", "unstable"];

/// How often the bar moves.
const SHOW_EVERY: Duration = Duration::from_millis(150);

pub async fn scan(args: ScanArgs, context: &Context) -> Result<Exit, CliError> {
    let report = match &context.server {
        Some(server) => match there::scan(server, args, context).await? {
            Some(report) => report,
            None => return Ok(Exit::Partial),
        },
        None => scan_here(args, context).await?,
    };
    if context.out.json {
        context.out.document(&report)?;
    } else {
        print(&report, context)?;
    }
    let left_out: Vec<String> = PARTIAL
        .iter()
        .filter_map(|code| report.outcomes.get(*code).map(|count| format!("{} {code}", number(*count as i64))))
        .collect();
    if left_out.is_empty() {
        return Ok(Exit::Ok);
    }
    if !context.out.json {
        eprintln!("exhibit: done in part: {}; `exhibit sources {}` lists them", left_out.join(", "), report.name);
    }
    Ok(Exit::Partial)
}

async fn scan_here(args: ScanArgs, context: &Context) -> Result<ScanReport, CliError> {
    // Before anything is made: a home inside the folder must not come to be.
    let root = check_root(&args.root, std::slice::from_ref(&context.home))?;
    check_root(&root, &own_folders(&context.home, &config::load(&context.home)?))?;
    let app = context.open()?;
    check_sources(&app).await?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let options = ScanOptions {
        root,
        name: args.name,
        verify: args.verify,
        threads: args.threads.map_or(cores, usize::from),
        own_folders: app.own_folders(),
        new_id: SourceId(app.ids.next_ulid()),
    };
    let progress = Arc::new(ScanProgress::default());
    let stopper = Arc::clone(&progress);
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stopper.stop();
        }
    });
    let bar = context.out.bar(None, true);
    bar.set_prefix("scan");
    if context.out.shows_progress() {
        let (counter, root) = (Arc::clone(&progress), options.root.clone());
        tokio::task::spawn_blocking(move || counter.count_total(&root));
    }
    let mut work = std::pin::pin!(scan_folder(&app.store, options, Arc::clone(&progress)));
    let report = loop {
        match tokio::time::timeout(SHOW_EVERY, &mut work).await {
            Ok(result) => break result,
            Err(_) => {
                if let Some(total) = progress.bytes_total() {
                    Output::set_total_bytes(&bar, total);
                }
                bar.set_position(progress.bytes_done());
                let (found, read) = (progress.entries() as i64, progress.files_read() as i64);
                bar.set_message(format!("· {} found, {} read", number(found), number(read)));
            }
        }
    };
    bar.finish_and_clear();
    Ok(report?)
}

fn print(report: &ScanReport, context: &Context) -> Result<(), CliError> {
    let out = context.out;
    out.line(&format!("{} ({}) at {}", report.name, report.source, report.root))?;
    for (class, (count, size)) in &report.classes {
        out.line(&format!("  {:<6} {:>9}  {}", class, number(*count), bytes(*size)))?;
    }
    out.line(&format!(
        "{} files: {} read ({}), {} unchanged, {} new assets, {} missing, in {:.1} s",
        number(report.files as i64),
        number(report.files_read as i64),
        bytes(report.bytes_read as i64),
        number(report.unchanged as i64),
        number(report.new_assets as i64),
        number(report.missing as i64),
        report.seconds
    ))?;
    for (code, count) in &report.outcomes {
        out.line(&format!("  not taken in: {} {code}", number(*count as i64)))?;
    }
    if !report.outcomes.is_empty() {
        out.note(&format!("`exhibit sources {}` lists what was not taken in", report.name));
    }
    out.note("next: exhibit run basics");
    Ok(())
}
