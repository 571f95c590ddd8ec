//! `exhibit sources`.

use clap::Args;
use exhibit_archive::catalog::{find_source, printable};
use exhibit_model::time::Timestamp;
use exhibit_store::sql::{assets, sources as sql};
use serde_json::json;

use crate::cli::Context;
use crate::error::{CliError, Exit};
use crate::output::table;

/// List sources, or what one of them holds that could not be taken in.
#[derive(Args)]
pub struct SourcesArgs {
    /// Show what the last scan of this source could not take in
    source: Option<String>,
    /// At most this many lines
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(i64).range(1..=1_000_000))]
    limit: i64,
}

pub async fn sources(args: SourcesArgs, context: &Context) -> Result<Exit, CliError> {
    let app = context.open()?;
    let Some(name) = args.source else { return list(&app, context).await };
    let limit = args.limit;
    let found = app
        .store
        .read(move |read| {
            Ok(match find_source(read, &name) {
                Ok(source) => Ok((assets::outcomes(read, source.key, limit)?, source)),
                Err(error) => Err(error),
            })
        })
        .await?;
    let (outcomes, source) = found?;
    if context.out.json {
        let items: Vec<_> = outcomes
            .iter()
            .map(|outcome| json!({ "path": printable(&outcome.path), "code": outcome.code, "detail": outcome.detail }))
            .collect();
        context.out.document(&json!({ "source": source.id, "name": source.name, "not_taken_in": items }))?;
        return Ok(Exit::Ok);
    }
    let rows =
        outcomes.iter().map(|outcome| vec![outcome.code.clone(), printable(&outcome.path), outcome.detail.clone()]);
    for line in table(&rows.collect::<Vec<_>>()) {
        context.out.line(&line)?;
    }
    Ok(Exit::Ok)
}

async fn list(app: &crate::home::App, context: &Context) -> Result<Exit, CliError> {
    let all = app.store.read(sql::all).await?;
    if context.out.json {
        let items: Vec<_> = all
            .iter()
            .map(|source| {
                json!({
                    "source": source.id, "name": source.name, "class": source.class.as_str(), "root": printable(&source.root),
                    "online": source.online, "added": Timestamp(source.added_us), "scanned": source.scanned_us.map(Timestamp),
                })
            })
            .collect();
        context.out.document(&json!({ "items": items }))?;
        return Ok(Exit::Ok);
    }
    let mut rows = Vec::new();
    for source in &all {
        let scanned = source.scanned_us.map_or_else(|| "scan not finished".to_owned(), |at| Timestamp(at).to_string());
        let online = if source.online { "online" } else { "offline" };
        rows.push(vec![
            source.name.clone(),
            online.to_owned(),
            scanned,
            printable(&source.root),
            source.id.to_string(),
        ]);
    }
    for line in table(&rows) {
        context.out.line(&line)?;
    }
    if all.is_empty() {
        context.out.note("no sources yet; `exhibit scan FOLDER` adds one");
    }
    Ok(Exit::Ok)
}
