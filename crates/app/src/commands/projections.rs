//! `exhibit projections`.

use clap::{Args, Subcommand};
use exhibit_store::projection::{TableReport, rebuild, verify};
use serde_json::json;

use crate::cli::Context;
use crate::error::{CliError, Exit};
use crate::output::{number, table};

/// Tables computed from the records.
#[derive(Args)]
pub struct ProjectionsArgs {
    #[command(subcommand)]
    command: ProjectionsCommand,
}

#[derive(Subcommand)]
enum ProjectionsCommand {
    /// Empty them and fill them again from the records
    Rebuild,
    /// Compute every row again and compare
    Verify,
}

pub async fn projections(args: ProjectionsArgs, context: &Context) -> Result<Exit, CliError> {
    let app = context.open()?;
    let reports = match args.command {
        ProjectionsCommand::Rebuild => {
            let bar = context.out.bar(Some(0), false);
            bar.set_prefix("rebuild");
            let reports = rebuild(&app.store, &mut |done, total| {
                bar.set_length(total.unsigned_abs());
                bar.set_position(done.unsigned_abs());
            })
            .await?;
            bar.finish_and_clear();
            reports
        }
        ProjectionsCommand::Verify => verify(&app.store).await?,
    };
    let differing: u64 = reports.iter().map(|report| report.differing).sum();
    if context.out.json {
        context.out.document(&json!({ "tables": reports, "differing": differing }))?;
    } else {
        let row = |report: &TableReport| {
            let verdict = if report.differing == 0 {
                "as the records say".to_owned()
            } else {
                format!("{} differ", number(report.differing as i64))
            };
            vec![report.table.clone(), format!("{} rows", number(report.rows as i64)), verdict]
        };
        for line in table(&reports.iter().map(row).collect::<Vec<_>>()) {
            context.out.line(&line)?;
        }
        if differing > 0 {
            context.out.note("next: exhibit projections rebuild");
        }
    }
    Ok(if differing == 0 { Exit::Ok } else { Exit::Failed })
}
