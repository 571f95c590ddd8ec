//! `exhibit sources`.

use clap::{Args, Subcommand};
use exhibit_archive::catalog::find_source;
use exhibit_archive::relocate::{Relocated, relocate};
use exhibit_archive::sources::{OutcomeView, SourceView};
use exhibit_http::Page;
use exhibit_store::sql::{assets, sources as sql};
use serde_json::json;

use crate::cli::Context;
use crate::error::{CliError, Exit};
use crate::output::table;
use crate::remote::{Server, part};

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
    if let Some(SourcesCommand::Move(wanted)) = args.command {
        return move_source(wanted, context).await;
    }
    match args.source {
        Some(name) => outcomes(name, args.limit, context).await,
        None => list(context).await,
    }
}

/// The source of a server with that name, or that beginning of its id.
pub async fn of_server(server: &Server, text: &str) -> Result<SourceView, CliError> {
    match among(every(server).await?, text).as_slice() {
        [] => Err(CliError::usage(format!("there is no source `{text}`; `exhibit sources` lists them"))),
        [source] => Ok(source.clone()),
        _ => Err(CliError::usage(format!("`{text}` is the beginning of more than one source; give more of it"))),
    }
}

/// Every source of a server.
pub async fn every(server: &Server) -> Result<Vec<SourceView>, CliError> {
    Ok(server.get::<Page<SourceView>>("/v1/sources", &[]).await?.items)
}

fn among(all: Vec<SourceView>, text: &str) -> Vec<SourceView> {
    if let Some(named) = all.iter().find(|source| source.name == text) {
        return vec![named.clone()];
    }
    all.into_iter().filter(|source| text.len() > 4 && source.source.to_string().starts_with(text)).collect()
}

async fn outcomes(name: String, limit: i64, context: &Context) -> Result<Exit, CliError> {
    let (source, outcomes): (SourceView, Vec<OutcomeView>) = match &context.server {
        Some(server) => {
            let source = of_server(server, &name).await?;
            let path = format!("/v1/sources/{}/outcomes", part(&source.source.to_string()));
            let outcomes = server.list(&path, &[], usize::try_from(limit).unwrap_or(0)).await?.0;
            (source, outcomes)
        }
        None => {
            let app = context.open()?;
            let source = app.store.read(move |read| Ok(find_source(read, &name))).await??;
            let key = source.key;
            let outcomes = app.store.read(move |read| assets::outcomes(read, key, b"", limit)).await?;
            (SourceView::new(&source), outcomes.iter().map(OutcomeView::new).collect())
        }
    };
    if context.out.json {
        context.out.document(&json!({ "source": source.source, "name": source.name, "not_taken_in": outcomes }))?;
        return Ok(Exit::Ok);
    }
    let rows = outcomes.into_iter().map(|outcome| vec![outcome.code, outcome.path, outcome.detail]);
    for line in table(&rows.collect::<Vec<_>>()) {
        context.out.line(&line)?;
    }
    Ok(Exit::Ok)
}

async fn move_source(args: MoveArgs, context: &Context) -> Result<Exit, CliError> {
    let moved: Relocated = match &context.server {
        Some(server) => {
            let Some(root) = args.root.to_str().filter(|_| args.root.is_absolute()) else {
                return Err(CliError::usage(
                    "a folder of the server is named from the root of its machine on, as UTF-8",
                ));
            };
            server.post(&format!("/v1/sources/{}/move", part(&args.source)), &json!({ "root": root })).await?
        }
        None => {
            let app = context.open()?;
            let source = app.store.read(move |read| Ok(find_source(read, &args.source))).await??;
            relocate(&app.store, &source, &args.root, &app.own_folders()).await?
        }
    };
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

async fn list(context: &Context) -> Result<Exit, CliError> {
    let all = match &context.server {
        Some(server) => every(server).await?,
        None => context.open()?.store.read(sql::all).await?.iter().map(SourceView::new).collect(),
    };
    if context.out.json {
        context.out.document(&json!({ "items": all }))?;
        return Ok(Exit::Ok);
    }
    let row = |source: &SourceView| {
        let scanned = source.scanned.map_or_else(|| "scan not finished".to_owned(), |at| at.to_string());
        let online = if source.online { "online" } else { "offline" };
        vec![source.name.clone(), online.to_owned(), scanned, source.root.clone(), source.source.to_string()]
    };
    for line in table(&all.iter().map(row).collect::<Vec<_>>()) {
        context.out.line(&line)?;
    }
    if all.is_empty() {
        context.out.note("no sources yet; `exhibit scan FOLDER` adds one");
    }
    Ok(Exit::Ok)
}
