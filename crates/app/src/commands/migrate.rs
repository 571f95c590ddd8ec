//! `exhibit migrate`.

use clap::Args;
use serde_json::json;

use crate::cli::Context;
use crate::error::{CliError, Exit};
use crate::output::table;

/// Every command brings the database up to date when it opens it; this one says what there is.
#[derive(Args)]
pub struct MigrateArgs {}

pub async fn migrate(_args: MigrateArgs, context: &Context) -> Result<Exit, CliError> {
    let app = context.open()?;
    let list = app.store.migrations().await?;
    if context.out.json {
        context.out.document(&json!({ "database": app.store.name(), "migrations": list }))?;
        return Ok(Exit::Ok);
    }
    let rows = list.iter().map(|migration| {
        let state = if migration.applied { "applied" } else { "pending" };
        vec![migration.room.clone(), format!("{:04}", migration.version), migration.name.clone(), state.to_owned()]
    });
    for line in table(&rows.collect::<Vec<_>>()) {
        context.out.line(&line)?;
    }
    Ok(Exit::Ok)
}
