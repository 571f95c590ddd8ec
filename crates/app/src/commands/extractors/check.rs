//! `exhibit extractors check`.

use std::path::PathBuf;

use clap::Args;
use exhibit_engine::plugin::PluginFolder;
use serde_json::json;

use crate::cli::Context;
use crate::error::{CliError, Exit};
use crate::output::table;
use crate::plugins;
use crate::trial::{Samples, try_plugin};

/// Try a plug-in.
#[derive(Args)]
pub struct CheckArgs {
    /// The folder with `plugin.toml`
    folder: PathBuf,
    /// Try it on a copy of this file, too
    #[arg(long, value_name = "FILE")]
    on: Option<PathBuf>,
    /// Try it although the kernel cannot confine it; it could then change or send anything
    #[arg(long)]
    allow_unconfined: bool,
}

pub async fn check(args: CheckArgs, context: &Context) -> Result<Exit, CliError> {
    let plugin = PluginFolder::read(&args.folder)?;
    plugins::refuse_built_in_name(&plugin)?;
    for line in plugins::what_it_may_do(&plugin) {
        eprintln!("{line}");
    }
    let report = try_plugin(&context.home, &plugin, Samples::Full(args.on), args.allow_unconfined).await?;
    let ok = report.checks.iter().all(|check| check.ok);
    if context.out.json {
        let (name, version) = (&plugin.manifest.name, plugin.version());
        context.out.document(&json!({ "ok": ok, "name": name, "version": version, "checks": report.checks }))?;
    } else {
        let rows = report.checks.iter().map(|check| {
            vec![if check.ok { "ok" } else { "failed" }.to_owned(), check.name.to_owned(), check.says.clone()]
        });
        for line in table(&rows.collect::<Vec<_>>()) {
            context.out.line(&line)?;
        }
    }
    if ok {
        context.out.note(&format!("next: exhibit extractors add {}", args.folder.display()));
    }
    Ok(if ok { Exit::Ok } else { Exit::Failed })
}
