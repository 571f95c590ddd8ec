//! `exhibit collections`: list, show, create and delete.

use std::io::Read as _;
use std::sync::Arc;

use clap::{Args, Subcommand};
use exhibit_archive::catalog::{LookupError, find_asset, find_run};
use exhibit_archive::collections::{ABOUT_ALL, CollectionView, detail};
use exhibit_model::ids::{AssetId, CollectionId};
use exhibit_model::states::UnitState;
use exhibit_store::collections::{ASSETS_MAX, Members, NewCollection, define, withdraw};
use exhibit_store::filter::Filter;
use exhibit_store::sql::collections::{self as sql, ALL_NAME, Collection};
use exhibit_store::{Read, StoreError};
use serde_json::json;

use crate::cli::Context;
use crate::error::{CliError, Exit};
use crate::home::App;
use crate::output::{number, table};

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
        Some(CollectionsCommand::Create(args)) => create(args, context).await,
        Some(CollectionsCommand::Delete(args)) => {
            let app = context.open()?;
            let deleted = withdraw(&app.store, &args.name).await?;
            print(&deleted, "deleted", context)
        }
    }
}

async fn list(context: &Context) -> Result<Exit, CliError> {
    let app = context.open()?;
    let found = app.store.read(|read| sql::living(read, "", LISTED_MAX)).await?;
    if context.out.json {
        let items = std::iter::once(CollectionView::of_all()).chain(found.iter().map(CollectionView::new));
        context.out.document(&json!({ "items": items.collect::<Vec<_>>() }))?;
        return Ok(Exit::Ok);
    }
    let mut rows = vec![row_of_all()];
    rows.extend(found.iter().map(row));
    for line in table(&rows) {
        context.out.line(&line)?;
    }
    if found.is_empty() {
        context.out.note("`exhibit collections create tiny --filter 'sample 100'` makes another one");
    }
    Ok(Exit::Ok)
}

async fn show(name: String, context: &Context) -> Result<Exit, CliError> {
    let app = context.open()?;
    let kinds = Arc::clone(app.store.kinds());
    let (found, detail) = app.store.read(move |read| Ok(detail(read, &kinds, &name))).await??;
    if context.out.json {
        context.out.document(&detail)?;
        return Ok(Exit::Ok);
    }
    let shown = found.as_ref().map_or_else(row_of_all, row);
    context.out.line(&table(&[shown]).join("\n"))?;
    let (members, present) = (number(detail.members_now.cast_signed()), number(detail.present_now.cast_signed()));
    let count = format!("{members} assets belong to it now, {present} of them are present");
    context.out.line(&count)?;
    if let Some(found) = found {
        context.out.line(&format!("record {}.{} at {} of the ledger", found.id, found.revision, found.definition))?;
        context.out.note(&format!("next: exhibit ls in:{}", found.name.unwrap_or_else(|| found.id.to_string())));
    }
    Ok(Exit::Ok)
}

async fn create(args: CreateArgs, context: &Context) -> Result<Exit, CliError> {
    let members = &args.members;
    let filter = members.filter.as_ref().map(|text| Filter::parse(text.as_bytes())).transpose()?;
    let lines = members.assets.as_ref().map(|file| read_list(file)).transpose()?;
    let app = context.open()?;
    let members = match (filter, lines, members.from_run.clone().zip(args.state)) {
        (Some(filter), _, _) => Members::Dynamic(filter),
        (_, Some(lines), _) => Members::Static(app.store.read(move |read| Ok(listed(read, &lines))).await??),
        (_, _, Some((run, state))) => Members::Static(of_run(&app, run, state).await?),
        _ => return Err(CliError::usage("--filter, --assets or --from-run say what belongs to the collection")),
    };
    let id = CollectionId(app.ids.next_ulid());
    let new = NewCollection { id, name: Some(args.name), about: args.about, members, replace: args.replace };
    print(&define(&app.store, new).await?, "", context)
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

fn print(collection: &Collection, word: &str, context: &Context) -> Result<Exit, CliError> {
    if context.out.json {
        context.out.document(&CollectionView::new(collection))?;
        return Ok(Exit::Ok);
    }
    let space = if word.is_empty() { "" } else { " " };
    context.out.line(&format!("{word}{space}{}", row(collection).join("  ").trim_end()))?;
    Ok(Exit::Ok)
}

fn row(collection: &Collection) -> Vec<String> {
    let what = match (&collection.filter, collection.members) {
        (Some(filter), _) => filter.replace(char::is_control, " "),
        (None, Some(members)) => format!("{} assets", number(members)),
        (None, None) => String::new(),
    };
    let name = collection.name.clone().unwrap_or_else(|| collection.id.to_string());
    vec![name, CollectionView::new(collection).kind.to_owned(), what, collection.about.clone()]
}

fn row_of_all() -> Vec<String> {
    vec![ALL_NAME.to_owned(), "all".to_owned(), String::new(), ABOUT_ALL.to_owned()]
}
