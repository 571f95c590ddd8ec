//! `exhibit show`.

use clap::Args;
use exhibit_archive::catalog::{AssetView, show_asset};

use crate::cli::Context;
use crate::error::{CliError, Exit};
use crate::output::{bytes, table};
use crate::remote::part;

/// Show one asset.
#[derive(Args)]
pub struct ShowArgs {
    /// The asset: its id, or any unambiguous prefix of it
    asset: String,
    /// Also what sandbox runs found that nobody promoted
    #[arg(long)]
    sandbox: bool,
}

pub async fn show(args: ShowArgs, context: &Context) -> Result<Exit, CliError> {
    let view: AssetView = match &context.server {
        Some(server) => {
            let sandboxes = if args.sandbox { "true" } else { "false" };
            server.get(&format!("/v1/assets/{}", part(&args.asset)), &[("sandboxes", sandboxes)]).await?
        }
        None => {
            let app = context.open()?;
            let kinds = std::sync::Arc::clone(app.store.kinds());
            app.store.read(move |read| Ok(show_asset(read, &kinds, &args.asset, args.sandbox))).await??
        }
    };
    if context.out.json {
        context.out.document(&view)?;
        return Ok(Exit::Ok);
    }
    print(&view, context)?;
    Ok(Exit::Ok)
}

/// Characters of a payload that one line shows.
const PAYLOAD_CHARS: usize = 120;

fn print(view: &AssetView, context: &Context) -> Result<(), CliError> {
    let out = context.out;
    out.line(&format!("{}", view.asset_id))?;
    out.line(&format!("{}, {}, first seen {}", view.media_type, bytes(view.size_bytes), view.first_seen))?;
    out.line("paths")?;
    let paths = view.paths.iter().map(|path| {
        vec![
            format!("  {}", path.state),
            path.source.clone(),
            path.path.clone(),
            format!("last seen {}", path.last_seen),
        ]
    });
    for line in table(&paths.collect::<Vec<_>>()) {
        out.line(&line)?;
    }
    print_companions(view, context)?;
    out.line(if view.facts.is_empty() { "facts: none yet" } else { "facts" })?;
    let facts = view.facts.iter().map(|fact| {
        let payload = fact.payload.to_string();
        let short: String = payload.chars().take(PAYLOAD_CHARS).collect();
        let more = if payload.chars().count() > PAYLOAD_CHARS { "…" } else { "" };
        vec![
            format!("  {}", fact.artifact_id),
            format!("{} v{}", fact.kind, fact.schema_version),
            format!("{short}{more}"),
        ]
    });
    for line in table(&facts.collect::<Vec<_>>()) {
        out.line(&line)?;
    }
    out.line(if view.units.is_empty() { "units: none yet" } else { "units" })?;
    let units = view.units.iter().map(|unit| {
        let reason = unit.reason.clone().unwrap_or_default();
        vec![
            format!("  {}.{}", unit.run, unit.unit),
            unit.pipeline.clone(),
            if unit.counts { String::new() } else { "sandbox".to_owned() },
            unit.state.to_string(),
            reason,
            unit.detail.clone().unwrap_or_default(),
        ]
    });
    for line in table(&units.collect::<Vec<_>>()) {
        out.line(&line)?;
    }
    Ok(())
}

fn print_companions(view: &AssetView, context: &Context) -> Result<(), CliError> {
    let out = context.out;
    if !view.companions.is_empty() {
        out.line("companions")?;
    }
    let companions = view.companions.iter().map(|companion| {
        let (relation, role) = (companion.relation.as_str(), companion.role.as_ref());
        vec![
            if role == relation { format!("  {relation}") } else { format!("  {relation} ({role})") },
            format!("{}: {}", companion.confidence.as_str(), companion.rule.as_str()),
            companion.source.clone(),
            companion.path.clone(),
            companion.asset_id.to_string(),
        ]
    });
    for line in table(&companions.collect::<Vec<_>>()) {
        out.line(&line)?;
    }
    for warning in &view.companion_warnings {
        out.line(&format!("  undecided: {warning}"))?;
    }
    Ok(())
}
