//! `exhibit sources`.

use clap::{Args, Subcommand};
use exhibit_archive::catalog::{find_source, printable};
use exhibit_archive::relocate::{Relocated, relocate};
use exhibit_model::time::Timestamp;
use exhibit_store::sql::{assets, sources as sql};
use serde_json::json;

use crate::cli::Context;
use crate::error::{CliError, Exit};
use crate::home::App;
use crate::output::table;

/// List sources, or what one of them holds that could not be taken in.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct SourcesArgs {
    #[command(subcommand)]
    command: Option<SourcesCommand>,
    /// Show what the last scan of this source could not take in
    source: Option<String>,
    /// At most this many lines
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(i64).range(1..=1_000_000))]
    limit: i64,
}

#[derive(Subcommand)]
enum SourcesCommand {
    /// Say that a source lies elsewhere now: a renamed mount, a moved folder. Nothing of it is read or extracted again
    Move(MoveArgs),
}

#[derive(Args)]
struct MoveArgs {
    /// The source, by name or id
    source: String,
    /// The folder where it lies now
    root: std::path::PathBuf,
}

pub async fn sources(args: SourcesArgs, context: &Context) -> Result<Exit, CliError> {
    let app = context.open()?;
    if let Some(SourcesCommand::Move(wanted)) = args.command {
        return move_source(&app, wanted, context).await;
    }
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

async fn move_source(app: &App, args: MoveArgs, context: &Context) -> Result<Exit, CliError> {
    let source = app.store.read(move |read| Ok(find_source(read, &args.source))).await??;
    let moved = relocate(&app.store, &source, &args.root, &app.own_folders()).await?;
    if context.out.json {
        context.out.document(&moved)?;
    } else {
        let Relocated { name, from, to, looked_for, found } = &moved;
        context.out.line(&format!(
            "{name} lies at {to} now, before at {from}; {found} of {looked_for} files looked for are there"
        ))?;
        context.out.note(&format!("next: exhibit scan {to}"));
    }
    Ok(Exit::Ok)
}

async fn list(app: &App, context: &Context) -> Result<Exit, CliError> {
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
