//! `exhibit ls`.

use clap::{Args, ValueEnum};
use exhibit_archive::catalog::{AssetLine, find_asset, find_source, source_names};
use exhibit_archive::sql::listing::list;
use exhibit_model::ids::AssetId;
use exhibit_store::Read;
use exhibit_store::filter::{Availability, Filter, Test, TypeTest, bind};
use exhibit_store::kinds::Kinds;
use serde_json::json;

use crate::cli::Context;
use crate::error::{CliError, Exit};
use crate::output::{bytes, table};
use crate::remote::Server;

/// List assets in the order in which they were first seen.
#[derive(Args)]
pub struct LsArgs {
    /// Only what fulfils this filter, such as 'type:image taken:2019 not has:image.thumbnail'; docs/reference/filters.md describes it
    #[arg(value_name = "FILTER")]
    filter: Vec<String>,
    /// Only this class
    #[arg(long = "type", value_name = "TYPE")]
    class: Option<Class>,
    /// Only assets that have a path in this source
    #[arg(long)]
    source: Option<String>,
    /// Only assets without a present path
    #[arg(long, conflicts_with = "duplicates")]
    missing: bool,
    /// Only assets with more than one present path
    #[arg(long)]
    duplicates: bool,
    /// Start after this asset
    #[arg(long, value_name = "ASSET")]
    after: Option<String>,
    /// At most this many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=100_000))]
    limit: i64,
}

#[derive(Clone, Copy, ValueEnum)]
enum Class {
    Image,
    Video,
    Audio,
    Other,
}

pub async fn ls(args: LsArgs, context: &Context) -> Result<Exit, CliError> {
    // Words of a filter need no quotation marks of the shell as long as they hold no space.
    let filter = Filter::parse(args.filter.join(" ").as_bytes())?;
    let (lines, next) = match &context.server {
        Some(server) => ask(server, &args, filter).await?,
        None => {
            let app = context.open()?;
            let kinds = std::sync::Arc::clone(app.store.kinds());
            app.store.read(move |read| Ok(look(read, &kinds, &args, filter))).await??
        }
    };
    if context.out.json {
        context.out.document(&json!({ "items": lines, "next": next }))?;
        return Ok(Exit::Ok);
    }
    let rows: Vec<Vec<String>> = lines.iter().map(row).collect();
    for line in table(&rows) {
        context.out.line(&line)?;
    }
    if let Some(next) = next {
        context.out.note(&format!("more: the same with --after {}", &next.to_string()[..20]));
    } else if lines.is_empty() {
        context.out.note("nothing matches; `exhibit scan FOLDER` adds a folder");
    }
    Ok(Exit::Ok)
}

/// The same of a server.
async fn ask(server: &Server, args: &LsArgs, filter: Filter) -> Result<(Vec<AssetLine>, Option<AssetId>), CliError> {
    let source = match &args.source {
        Some(name) => Some(super::sources::of_server(server, name).await?.name),
        None => None,
    };
    let filter = with_flags(args, source, filter).to_string();
    let mut query = vec![("filter", filter.as_str())];
    query.extend(args.after.as_deref().map(|after| ("after", after)));
    let limit = usize::try_from(args.limit).unwrap_or(0);
    let (lines, more) = server.list::<AssetLine>("/v1/assets", &query, limit).await?;
    let next = lines.last().filter(|_| more).map(|line| line.asset_id);
    Ok((lines, next))
}

/// One page, and the asset to go on after.
fn look(
    read: &Read<'_>,
    kinds: &Kinds,
    args: &LsArgs,
    filter: Filter,
) -> Result<(Vec<AssetLine>, Option<AssetId>), CliError> {
    let source = args.source.as_ref().map(|name| find_source(read, name)).transpose()?.map(|source| source.name);
    let bound = bind(read, kinds, &with_flags(args, source, filter))?;
    let after = args.after.as_deref().map(|text| find_asset(read, text)).transpose()?;
    let limit = usize::try_from(args.limit).unwrap_or(0);
    // One more than asked for tells whether there is a next page.
    let mut keys = bound.page(read, after.map_or(0, |asset| asset.key), limit + 1)?;
    let more = keys.len() > limit;
    keys.truncate(limit);
    let names = source_names(read)?;
    let lines: Vec<AssetLine> = list(read, &keys)?.into_iter().map(|row| AssetLine::new(row, &names)).collect();
    let next = lines.last().filter(|_| more).map(|line| line.asset_id);
    Ok((lines, next))
}

/// The flags are conditions like others.
fn with_flags(args: &LsArgs, source: Option<String>, mut filter: Filter) -> Filter {
    if let Some(class) = args.class {
        filter = filter.and(Test::Type(match class {
            Class::Image => TypeTest::Class("image"),
            Class::Video => TypeTest::Class("video"),
            Class::Audio => TypeTest::Class("audio"),
            Class::Other => TypeTest::Other,
        }));
    }
    if let Some(name) = source {
        filter = filter.and(Test::Source(name));
    }
    if args.missing {
        filter = filter.and(Test::Is(Availability::Missing));
    }
    if args.duplicates {
        filter = filter.and(Test::Is(Availability::Duplicate));
    }
    filter
}

fn row(line: &AssetLine) -> Vec<String> {
    let size = match (line.width.zip(line.height), line.duration_ms) {
        (Some((width, height)), Some(ms)) => format!("{width}x{height} {:.1} s", ms as f64 / 1000.0),
        (Some((width, height)), None) => format!("{width}x{height}"),
        (None, Some(ms)) => format!("{:.1} s", ms as f64 / 1000.0),
        (None, None) => String::new(),
    };
    let captured = line.captured_at.map(|at| at.to_string().chars().take(19).collect()).unwrap_or_default();
    let place = match (&line.path, line.present) {
        (Some(path), true) => path.clone(),
        (Some(path), false) => format!("{path} (missing)"),
        (None, _) => "(no path)".to_owned(),
    };
    vec![
        line.asset_id.to_string()[..16].to_owned(),
        line.media_type.clone(),
        bytes(line.size_bytes),
        size,
        captured,
        line.source.clone().unwrap_or_default(),
        place,
    ]
}
