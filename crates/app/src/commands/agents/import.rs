//! `exhibit agents import`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use exhibit_agents::http::imports::{ImportDetail, ImportReport, ImportedFile};
use exhibit_agents::import::drift::drift;
use exhibit_agents::import::report::ROWS_KEPT_MAX;
use exhibit_agents::import::{self as older, Kind, Request};
use exhibit_agents::service::prepare;
use exhibit_agents::sql::imports;
use exhibit_http::Page;
use exhibit_model::time::Timestamp;
use serde_json::json;

use crate::cli::Context;
use crate::error::{CliError, Exit};
use crate::output::table;
use crate::remote::part;

/// Files of older versions.
#[derive(Args)]
pub struct ImportArgs {
    #[command(subcommand)]
    command: ImportCommand,
}

#[derive(Subcommand)]
enum ImportCommand {
    /// Take the JSON file of V3 over
    Json(FileArgs),
    /// Take the SQLite database of V4.1 over
    Sqlite(FileArgs),
    /// List imports, or show what one did and why rows were not written
    Report {
        /// Its id
        report: Option<String>,
    },
    /// Whether files that were taken over changed since
    Drift,
}

#[derive(Args)]
struct FileArgs {
    /// The file; it is read and never written
    path: PathBuf,
    /// Only say what would become of each row
    #[arg(long)]
    dry_run: bool,
    /// Where something else stands, write what the file says as a further revision
    #[arg(long)]
    replace: bool,
}

/// Imports that are listed at most: nobody has taken over as many files.
const REPORTS_MAX: usize = 1_000;

pub async fn import(args: ImportArgs, context: &Context) -> Result<Exit, CliError> {
    match args.command {
        ImportCommand::Json(args) => take(Kind::V3Json, args, context).await,
        ImportCommand::Sqlite(args) => take(Kind::V41Sqlite, args, context).await,
        ImportCommand::Report { report: None } => list(context).await,
        ImportCommand::Report { report: Some(id) } => show(&id, context).await,
        ImportCommand::Drift => changed(context).await,
    }
}

async fn take(kind: Kind, args: FileArgs, context: &Context) -> Result<Exit, CliError> {
    let FileArgs { path, dry_run, replace } = args;
    let done: ImportDetail = match &context.server {
        Some(server) => {
            let path = path.to_str().ok_or_else(|| CliError::usage("the path is not text; a server takes no other"))?;
            let ask = json!({ "kind": kind, "path": path, "dryRun": dry_run, "replace": replace });
            server.post("/v1/agents/import", &ask).await?
        }
        None => {
            let app = context.open()?;
            prepare(&app.store).await?;
            let request = Request { kind, path: std::path::absolute(path)?, data: app.home.clone(), dry_run, replace };
            ImportDetail::of(older::import(&app.store, request).await?)
        }
    };
    tell(&done, context)?;
    let report = &done.report;
    Ok(match (report.errors == 0 && report.parity_ok != Some(false), report.written + report.skipped) {
        (true, _) => Exit::Ok,
        (false, 0) => Exit::Failed,
        (false, _) => Exit::Partial,
    })
}

/// What an import did, and the rows that it did not write.
fn tell(done: &ImportDetail, context: &Context) -> Result<(), CliError> {
    if context.out.json {
        return context.out.document(done);
    }
    let report = &done.report;
    let would = if report.dry_run { "would be written" } else { "written" };
    context.out.line(&format!(
        "{} rows read: {} {would}, {} skipped, {} refused",
        report.read, report.written, report.skipped, report.errors
    ))?;
    for row in &done.rows {
        context.out.line(&format!("{}  {}  {}", row.reference, row.outcome, row.reason))?;
    }
    let shown = u64::try_from(done.rows.len()).unwrap_or(u64::MAX);
    let more = (report.skipped + report.errors).saturating_sub(shown);
    if more > 0 {
        context.out.line(&format!("and {more} more rows"))?;
    }
    if let Some(is_equal) = report.parity_ok {
        let totals = &report.totals;
        context.out.line(if is_equal {
            "the sums are those of the file"
        } else {
            "the sums are NOT those of the file"
        })?;
        if !is_equal {
            context.out.line(&format!("  in the file: {}", json!(totals.file)))?;
            context.out.line(&format!("  here:        {}", json!(totals.stored)))?;
        }
    }
    match &report.report_id {
        Some(id) => context.out.line(&format!("report {id}: `exhibit agents import report {id}` shows it again")),
        None => Ok(()),
    }
}

async fn list(context: &Context) -> Result<Exit, CliError> {
    let found: Vec<ImportReport> = match &context.server {
        Some(server) => server.list("/v1/agents/import/reports", &[], REPORTS_MAX).await?.0,
        None => {
            let (app, most) = (context.open()?, i64::try_from(REPORTS_MAX).unwrap_or(i64::MAX));
            let found = app.store.read(move |read| imports::page(read, (Timestamp(i64::MAX), ""), most)).await?;
            found.into_iter().map(ImportReport::from).collect()
        }
    };
    if context.out.json {
        context.out.document(&json!({ "items": found }))?;
        return Ok(Exit::Ok);
    }
    let rows = found.into_iter().map(|report| {
        let sums = match (&report.finished_at, report.parity_ok) {
            (None, _) => "broken off",
            (_, Some(true)) => "sums equal",
            (_, _) => "sums differ",
        };
        let numbers = format!("{} written, {} skipped, {} refused", report.written, report.skipped, report.errors);
        vec![report.report_id.unwrap_or_default(), report.started_at, numbers, sums.to_owned(), report.path]
    });
    table(&rows.collect::<Vec<_>>()).iter().try_for_each(|line| context.out.line(line))?;
    Ok(Exit::Ok)
}

fn unknown(id: &str) -> CliError {
    CliError::usage(format!("there is no report `{id}`; `exhibit agents import report` lists them"))
}

/// Rows of a report that are asked for at once of a server.
const PAGE: &str = "1000";

async fn show(id: &str, context: &Context) -> Result<Exit, CliError> {
    let found: ImportDetail = match &context.server {
        Some(server) => {
            let path = format!("/v1/agents/import/reports/{}", part(id));
            let mut whole: ImportDetail = server.get(&path, &[("limit", PAGE)]).await?;
            while let Some(cursor) = whole.next.take().filter(|_| whole.rows.len() < ROWS_KEPT_MAX) {
                let more: ImportDetail = server.get(&path, &[("limit", PAGE), ("cursor", &cursor)]).await?;
                whole.next = more.next.filter(|_| !more.rows.is_empty());
                whole.rows.extend(more.rows);
            }
            whole
        }
        None => {
            let (asked, most) = (id.to_owned(), i64::try_from(ROWS_KEPT_MAX).unwrap_or(i64::MAX));
            let app = context.open()?;
            let found = app.store.read(move |read| {
                let Some(report) = imports::by_id(read, &asked)? else { return Ok(None) };
                Ok(Some((report, imports::rows(read, &asked, -1, most)?)))
            });
            let (report, rows) = found.await?.ok_or_else(|| unknown(id))?;
            ImportDetail { report: report.into(), rows: rows.into_iter().map(Into::into).collect(), next: None }
        }
    };
    tell(&found, context)?;
    Ok(Exit::Ok)
}

async fn changed(context: &Context) -> Result<Exit, CliError> {
    let files: Vec<ImportedFile> = match &context.server {
        Some(server) => server.get::<Page<ImportedFile>>("/v1/agents/import/drift", &[]).await?.items,
        None => drift(&context.open()?.store).await?.into_iter().map(ImportedFile::from).collect(),
    };
    let is_calm = files.iter().all(|file| matches!(file.state.as_str(), "same" | "gone"));
    if context.out.json {
        context.out.document(&json!({ "items": files }))?;
    } else {
        let rows = files.into_iter().map(|file| vec![file.state, file.path, file.reason.unwrap_or(file.report_id)]);
        table(&rows.collect::<Vec<_>>()).iter().try_for_each(|line| context.out.line(line))?;
        if !is_calm {
            context.out.warn("what changed there since is not here; import the file again");
        }
    }
    Ok(if is_calm { Exit::Ok } else { Exit::Failed })
}
