//! `exhibit audit`.

use clap::Args;
use exhibit_server::AuditLine;
use exhibit_store::sql::audit as sql;
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
    let limit = args.limit;
    let lines: Vec<AuditLine> = match &context.server {
        Some(server) => server.list("/v1/audit", &[], usize::try_from(limit).unwrap_or(0)).await?.0,
        None => {
            let newest = context.open()?.store.read(move |read| sql::newest(read, i64::MAX, limit)).await?;
            newest.into_iter().map(AuditLine::from).collect()
        }
    };
    if context.out.json {
        context.out.document(&json!({ "items": lines }))?;
        return Ok(Exit::Ok);
    }
    let row = |line: &AuditLine| {
        // Without a status the server ended while it was worked on, or it still is.
        let status = line.status.map_or_else(|| "open".to_owned(), |status| status.to_string());
        let token = if line.token.is_empty() { "nobody" } else { &line.token };
        vec![line.at.to_string(), status, token.to_owned(), line.method.clone(), line.path.clone()]
    };
    for line in table(&lines.iter().map(row).collect::<Vec<_>>()) {
        context.out.line(&line)?;
    }
    Ok(Exit::Ok)
}
