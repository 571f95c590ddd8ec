//! `exhibit collections`: list, show, create and delete.

use std::io::Read as _;
use std::sync::Arc;

use clap::{Args, Subcommand};
use exhibit_archive::catalog::{AssetView, LookupError, find_asset, find_run};
use exhibit_archive::collections::{CollectionDetail, CollectionView, detail};
use exhibit_http::Page;
use exhibit_model::ids::{AssetId, CollectionId};
use exhibit_model::states::UnitState;
use exhibit_store::collections::{ASSETS_MAX, Members, NewCollection, define, withdraw};
use exhibit_store::filter::Filter;
use exhibit_store::sql::collections as sql;
use exhibit_store::{Read, StoreError};
use serde_json::json;

use crate::cli::Context;
use crate::error::{CliError, Exit};
use crate::home::App;
use crate::output::{number, table};
use crate::remote::{Server, Trouble, part};

/// Collections that one list shows.
const LISTED_MAX: i64 = 100_000;

/// Bytes of a list of assets: an id, and something that ends the line.
const LIST_BYTES_MAX: u64 = ASSETS_MAX as u64 * 80;

/// Sets of assets that pipelines run over.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct CollectionsArgs {
    #[command(subcommand)]
    command: Option<CollectionsCommand>,
}

#[derive(Subcommand)]
enum CollectionsCommand {
    /// List the collections; what happens without a verb, too
    List,
    /// Show a collection: what defines it, and how many assets belong to it now
    Show(NameArgs),
    /// Make a collection from a filter or a list of assets
    Create(CreateArgs),
    /// Delete a collection; runs over it keep the members that they froze
    Delete(NameArgs),
}

#[derive(Args)]
struct NameArgs {
    /// Its name or its id
    name: String,
}

#[derive(Args)]
struct CreateArgs {
    /// Its name: letters, digits, `_`, `-` and `.`
    name: String,
    #[command(flatten)]
    members: MembersArgs,
    /// The state of the units that --from-run asks for
    #[arg(long, value_name = "STATE", requires = "from_run")]
    state: Option<UnitState>,
    /// What it is for
    #[arg(long, default_value = "", hide_default_value = true)]
    about: String,
    /// Put this definition in the place of another one with the same name
    #[arg(long)]
    replace: bool,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct MembersArgs {
    /// Whatever fulfils this filter when it is asked; docs/reference/filters.md describes it
    #[arg(long)]
    filter: Option<String>,
    /// The assets that this file lists, one id or unambiguous prefix on each line; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    assets: Option<String>,
    /// The assets of this run whose units are in the state --state
    #[arg(long, value_name = "RUN", requires = "state")]
    from_run: Option<String>,
}

pub async fn collections(args: CollectionsArgs, context: &Context) -> Result<Exit, CliError> {
    match args.command {
        None | Some(CollectionsCommand::List) => list(context).await,
        Some(CollectionsCommand::Show(args)) => show(args.name, context).await,
        Some(CollectionsCommand::Create(args)) => print(&create(args, context).await?, "", context),
        Some(CollectionsCommand::Delete(args)) => {
            let deleted = match &context.server {
                Some(server) => server.delete(&path_of(&args.name)).await?,
                None => CollectionView::new(&withdraw(&context.open()?.store, &args.name).await?),
            };
            print(&deleted, "deleted", context)
        }
    }
}

fn path_of(name: &str) -> String {
    format!("/v1/collections/{}", part(name))
}

async fn list(context: &Context) -> Result<Exit, CliError> {
    let items: Vec<CollectionView> = match &context.server {
        Some(server) => server.get::<Page<CollectionView>>("/v1/collections", &[]).await?.items,
        None => {
            let found = context.open()?.store.read(|read| sql::living(read, "", LISTED_MAX)).await?;
            std::iter::once(CollectionView::of_all()).chain(found.iter().map(CollectionView::new)).collect()
        }
    };
    if context.out.json {
        context.out.document(&json!({ "items": items }))?;
        return Ok(Exit::Ok);
    }
    for line in table(&items.iter().map(row).collect::<Vec<_>>()) {
        context.out.line(&line)?;
    }
    if items.len() < 2 {
        context.out.note("`exhibit collections create tiny --filter 'sample 100'` makes another one");
    }
    Ok(Exit::Ok)
}

async fn show(name: String, context: &Context) -> Result<Exit, CliError> {
    let found: CollectionDetail = match &context.server {
        Some(server) => server.get(&path_of(&name), &[]).await?,
        None => {
            let app = context.open()?;
            let kinds = Arc::clone(app.store.kinds());
            app.store.read(move |read| Ok(detail(read, &kinds, &name))).await??.1
        }
    };
    if context.out.json {
        context.out.document(&found)?;
        return Ok(Exit::Ok);
    }
    context.out.line(&table(&[row(&found.view)]).join("\n"))?;
    let (members, present) = (number(found.members_now.cast_signed()), number(found.present_now.cast_signed()));
    let count = format!("{members} assets belong to it now, {present} of them are present");
    context.out.line(&count)?;
    if let (Some(record), Some(seq)) = (&found.record, found.seq) {
        context.out.line(&format!("record {record} at {seq} of the ledger"))?;
        context.out.note(&format!("next: exhibit ls in:{}", name_of(&found.view)));
    }
    Ok(Exit::Ok)
}

async fn create(args: CreateArgs, context: &Context) -> Result<CollectionView, CliError> {
    let members = &args.members;
    let filter = members.filter.as_ref().map(|text| Filter::parse(text.as_bytes())).transpose()?;
    let lines = members.assets.as_ref().map(|file| read_list(file)).transpose()?;
    if let Some(server) = &context.server {
        return create_there(server, args, filter, lines).await;
    }
    let app = context.open()?;
    let members = match (filter, lines, members.from_run.clone().zip(args.state)) {
        (Some(filter), _, _) => Members::Dynamic(filter),
        (_, Some(lines), _) => Members::Static(app.store.read(move |read| Ok(listed(read, &lines))).await??),
        (_, _, Some((run, state))) => Members::Static(of_run(&app, run, state).await?),
        _ => return Err(CliError::usage("--filter, --assets or --from-run say what belongs to the collection")),
    };
    let id = CollectionId(app.ids.next_ulid());
    let new = NewCollection { id, name: Some(args.name), about: args.about, members, replace: args.replace };
    Ok(CollectionView::new(&define(&app.store, new).await?))
}

async fn create_there(
    server: &Server,
    args: CreateArgs,
    filter: Option<Filter>,
    lines: Option<String>,
) -> Result<CollectionView, CliError> {
    let mut wanted = json!({ "name": args.name, "about": args.about, "replace": args.replace });
    if let Some(filter) = filter {
        wanted["filter"] = filter.text().into();
    } else if let Some(lines) = lines {
        wanted["assets"] = listed_there(server, &lines).await?.into();
    } else {
        wanted["run"] = args.members.from_run.into();
        wanted["state"] = args.state.map(UnitState::as_str).into();
    }
    Ok(server.post("/v1/collections", &wanted).await?)
}

/// The assets that lines name; a server is asked about those that are not named in full.
async fn listed_there(server: &Server, lines: &str) -> Result<Vec<String>, CliError> {
    let mut assets = Vec::new();
    for (index, line) in lines.lines().enumerate() {
        let text = line.trim();
        if text.is_empty() {
            continue;
        }
        if text.parse::<AssetId>().is_ok() {
            assets.push(text.to_owned());
            continue;
        }
        let found: Result<AssetView, Trouble> = server.get(&format!("/v1/assets/{}", part(text)), &[]).await;
        let found = found.map_err(|trouble| {
            let CliError { exit, message, reason } = trouble.into();
            CliError { exit, message: format!("line {} of the list: {message}", index + 1), reason }
        });
        assets.push(found?.asset_id.to_string());
    }
    Ok(assets)
}

fn read_list(file: &str) -> Result<String, CliError> {
    let wrong = |reason: String| CliError::usage(format!("the list {file} cannot be read: {reason}"));
    let source: Box<dyn std::io::Read> = match file {
        "-" => Box::new(std::io::stdin().lock()),
        path => Box::new(std::fs::File::open(path).map_err(|error| wrong(error.to_string()))?),
    };
    let mut text = String::new();
    source.take(LIST_BYTES_MAX + 1).read_to_string(&mut text).map_err(|error| wrong(error.to_string()))?;
    if text.len() as u64 > LIST_BYTES_MAX {
        return Err(wrong(format!("it has more than {LIST_BYTES_MAX} bytes")));
    }
    Ok(text)
}

/// The assets that lines name; empty lines name none.
fn listed(read: &Read<'_>, lines: &str) -> Result<Vec<AssetId>, CliError> {
    let mut assets = Vec::new();
    for (index, line) in lines.lines().enumerate() {
        let text = line.trim();
        if text.is_empty() {
            continue;
        }
        // Whole ids are looked up together later.
        let asset = match text.parse::<AssetId>() {
            Ok(asset) => asset,
            Err(_) => find_asset(read, text).map(|asset| AssetId(asset.sha256)).map_err(|error| match error {
                LookupError::Store(error) => CliError::from(error),
                other => CliError::usage(format!("line {} of the list: {other}", index + 1)),
            })?,
        };
        assets.push(asset);
    }
    Ok(assets)
}

async fn of_run(app: &App, run: String, state: UnitState) -> Result<Vec<AssetId>, CliError> {
    let found = app
        .store
        .read(move |read| {
            let run = match find_run(read, &run) {
                Ok(run) => run,
                Err(error) => return Ok::<_, StoreError>(Err(error)),
            };
            Ok(Ok(sql::of_units(read, run.first_unit, run.first_unit + run.members * run.steps, state.code())?))
        })
        .await??;
    Ok(found.into_iter().map(AssetId).collect())
}

fn print(collection: &CollectionView, word: &str, context: &Context) -> Result<Exit, CliError> {
    if context.out.json {
        context.out.document(collection)?;
        return Ok(Exit::Ok);
    }
    let space = if word.is_empty() { "" } else { " " };
    context.out.line(&format!("{word}{space}{}", row(collection).join("  ").trim_end()))?;
    Ok(Exit::Ok)
}

fn name_of(collection: &CollectionView) -> String {
    collection.name.clone().unwrap_or_else(|| collection.collection.to_string())
}

fn row(collection: &CollectionView) -> Vec<String> {
    let what = match (&collection.filter, collection.members) {
        (Some(filter), _) => filter.replace(char::is_control, " "),
        (None, Some(members)) => format!("{} assets", number(members)),
        (None, None) => String::new(),
    };
    vec![name_of(collection), collection.kind.to_string(), what, collection.about.clone()]
}
