//! `exhibit agents export` and `exhibit agents retention`.

use std::io::{BufWriter, Write as _};

use clap::Args;
use exhibit_agents::export as sessions;
use exhibit_agents::retention as rules;
use exhibit_store::StoreError;
use serde_json::json;

use super::SessionFilter;
use crate::cli::Context;
use crate::error::{CliError, Exit};

/// Whether anything is to go.
#[derive(Args)]
pub struct RetentionArgs {
    /// Say what would go, and let nothing go
    #[arg(long)]
    dry_run: bool,
}

/// What a reader that went away is told as; it is no mistake of anybody.
const NOBODY_READS: &str = "nobody reads what is exported any more";

/// Writes documents to standard output as they are read, on one snapshot of the database.
pub(super) async fn export(args: SessionFilter, context: &Context) -> Result<Exit, CliError> {
    let mut query = args.query();
    let filter = query.filter().map_err(|error| CliError::usage(error.detail()))?;
    let app = context.open()?;
    let written = app.store.read(move |read| {
        let mut out = BufWriter::new(std::io::stdout().lock());
        let told = sessions::export(read, &filter, &mut |line| writeln!(out, "{line}").map_err(stopped))?;
        out.flush().map_err(stopped)?;
        Ok(told)
    });
    match written.await {
        Ok(told) => {
            context.out.note(&format!("{} sessions in {} documents", told.sessions, told.envelopes));
            if told.priced_as_whole > 0 {
                context.out.warn(&format!(
                    "the costs of {} sessions that tell no calls are reckoned anew where they are taken in; load the same lists of prices there first",
                    told.priced_as_whole
                ));
            }
            Ok(Exit::Ok)
        }
        Err(StoreError::Refused(told)) if told == NOBODY_READS => Ok(Exit::Ok),
        Err(error) => Err(error.into()),
    }
}

fn stopped(error: std::io::Error) -> StoreError {
    StoreError::Refused(match error.kind() {
        std::io::ErrorKind::BrokenPipe => NOBODY_READS.to_owned(),
        _ => format!("the export cannot be written: {error}"),
    })
}

/// Lets go what is too old, or says what that is.
pub async fn retention(args: RetentionArgs, context: &Context) -> Result<Exit, CliError> {
    let app = context.open()?;
    let kept = app.config.agents.retention;
    if kept.keep_everything() {
        return Err(CliError::usage(
            "everything is kept for ever: set bodies_days, hours_days or days_days in [agents.retention] of exhibit.toml",
        ));
    }
    let report = if args.dry_run {
        rules::plan(&app.store, kept).await?
    } else {
        let bar = context.out.bar(None, false);
        let gone = rules::run(&app.store, kept, &mut |so_far| bar.set_position(so_far.sessions)).await;
        bar.finish_and_clear();
        gone?
    };
    if context.out.json {
        context.out.document(&json!({ "dryRun": args.dry_run, "rules": kept, "report": report }))?;
        return Ok(Exit::Ok);
    }
    let rules::Report { sessions, calls, records, bytes, hours, days, shared, large } = report;
    let went = if args.dry_run { "would go" } else { "went" };
    context.out.line(&format!("{sessions} sessions with {calls} calls {went}: {records} records of {bytes} bytes"))?;
    context.out.line(&format!("{hours} sums by hour and {days} by day {went}"))?;
    if shared + large > 0 {
        context.out.line(&format!(
            "{shared} old sessions stay because others need their records, {large} because they are too large"
        ))?;
    }
    Ok(Exit::Ok)
}
