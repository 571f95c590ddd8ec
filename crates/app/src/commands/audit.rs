//! `exhibit audit`.

use clap::Args;
use exhibit_model::time::Timestamp;
use exhibit_store::sql::audit::{self as sql, Entry};
use serde_json::json;

use crate::cli::Context;
use crate::error::{CliError, Exit};
use crate::output::table;

/// List what was changed over HTTP, and every login, newest first: when, by which token, and how it ended.
#[derive(Args)]
pub struct AuditArgs {
    /// At most this many lines
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=100_000))]
    limit: i64,
}

pub async fn audit(args: AuditArgs, context: &Context) -> Result<Exit, CliError> {
    let app = context.open()?;
    let limit = args.limit;
    let entries = app.store.read(move |read| sql::newest(read, i64::MAX, limit)).await?;
    if context.out.json {
        let item = |Entry { entry, intent, status }: &Entry| {
            json!({
                "entry": entry, "at": Timestamp(intent.at_us), "token": intent.token, "method": intent.method,
                "route": intent.route, "path": intent.path, "request": intent.request, "status": status,
            })
        };
        context.out.document(&json!({ "items": entries.iter().map(item).collect::<Vec<_>>() }))?;
        return Ok(Exit::Ok);
    }
    let row = |Entry { intent, status, .. }: &Entry| {
        // Without a status the server ended while it was worked on, or it still is.
        let status = status.map_or_else(|| "open".to_owned(), |status| status.to_string());
        let token = if intent.token.is_empty() { "nobody" } else { &intent.token };
        vec![Timestamp(intent.at_us).to_string(), status, token.to_owned(), intent.method.clone(), intent.path.clone()]
    };
    for line in table(&entries.iter().map(row).collect::<Vec<_>>()) {
        context.out.line(&line)?;
    }
    Ok(Exit::Ok)
}
