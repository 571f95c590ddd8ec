//! `exhibit ls`.

use clap::{Args, ValueEnum};
use exhibit_archive::catalog::{AssetLine, find_asset, find_source, source_names};
use exhibit_archive::sql::listing::{ListFilter, list};
use serde_json::json;

use crate::cli::Context;
use crate::error::{CliError, Exit};
use crate::output::{bytes, table};

/// List assets in the order in which they were first seen.
#[derive(Args)]
pub struct LsArgs {
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
    let app = context.open()?;
    let found = app
        .store
        .read(move |read| {
            let filter = match filter(read, &args) {
                Ok(filter) => filter,
                Err(error) => return Ok(Err(error)),
            };
            let names = source_names(read)?;
            // One more than asked for tells whether there is a next page.
            let rows = list(read, &ListFilter { limit: filter.limit + 1, ..filter.clone() })?;
            let more = rows.len() as i64 > filter.limit;
            let lines = rows.into_iter().take(filter.limit as usize).map(|row| AssetLine::new(row, &names));
            Ok(Ok((lines.collect::<Vec<_>>(), more)))
        })
        .await?;
    let (lines, more) = found?;
    let next = lines.last().filter(|_| more).map(|line| line.asset_id);
    if context.out.json {
        context.out.document(&json!({ "items": lines, "next": next }))?;
        return Ok(Exit::Ok);
    }
    let rows: Vec<Vec<String>> = lines.iter().map(row).collect();
    for line in table(&rows) {
        context.out.line(&line)?;
    }
    if let Some(next) = next {
        context.out.note(&format!("more: exhibit ls --after {}", &next.to_string()[..20]));
    } else if lines.is_empty() {
        context.out.note("nothing matches; `exhibit scan FOLDER` adds a folder");
    }
    Ok(Exit::Ok)
}

fn filter(read: &exhibit_store::Read<'_>, args: &LsArgs) -> Result<ListFilter, exhibit_archive::catalog::LookupError> {
    let class = args.class.map(|class| match class {
        Class::Image => "image",
        Class::Video => "video",
        Class::Audio => "audio",
        Class::Other => "other",
    });
    let source = args.source.as_deref().map(|name| find_source(read, name)).transpose()?;
    let after = args.after.as_deref().map(|text| find_asset(read, text)).transpose()?;
    Ok(ListFilter {
        class: class.map(str::to_owned),
        source: source.map(|source| source.key),
        missing: args.missing.then_some(true),
        duplicates: args.duplicates,
        after: after.map_or(0, |asset| asset.key),
        limit: args.limit,
    })
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
