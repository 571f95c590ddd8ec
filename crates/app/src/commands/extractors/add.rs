//! `exhibit extractors add`.

use std::path::PathBuf;

use clap::Args;
use exhibit_engine::plugin::PluginFolder;
use exhibit_model::ids::ulid_to_text;
use serde_json::json;

use crate::cli::Context;
use crate::error::{CliError, Exit};
use crate::plugins;
use crate::trial::{Samples, try_plugin};

/// Add a plug-in.
#[derive(Args)]
pub struct AddArgs {
    /// The folder with `plugin.toml`
    folder: PathBuf,
    /// Try it although the kernel cannot confine it; it could then change or send anything
    #[arg(long)]
    allow_unconfined: bool,
}

pub async fn add(args: AddArgs, context: &Context) -> Result<Exit, CliError> {
    let plugin = PluginFolder::read(&args.folder)?;
    let name = plugin.manifest.name.clone();
    plugins::refuse_built_in_name(&plugin)?;
    let app = context.open()?;
    plugins::check_kinds(&app, &plugin)?;
    // Before anything of it runs.
    for line in plugins::what_it_may_do(&plugin) {
        eprintln!("{line}");
    }
    let report = try_plugin(&app.home, &plugin, Samples::Tiny, args.allow_unconfined).await?;
    if let Some(check) = report.checks.iter().find(|check| !check.ok) {
        let folder = args.folder.display();
        return Err(CliError::failed(format!(
            "{name} was not added: {}: {}; `exhibit extractors check {folder}` tells more",
            check.name, check.says
        )));
    }
    plugins::own_kinds(&app.store, &name, &plugin.kinds).await?;
    let home = plugins::plugin_home(&app.home);
    let token = ulid_to_text(app.ids.next_ulid());
    home.install(&plugin, &token)?;
    home.begin_using(&plugin, &token)?;
    if context.out.json {
        let digest = plugin.digest.to_hex();
        context.out.document(&json!({ "name": name, "version": plugin.version(), "digest": digest }))?;
    } else {
        context.out.line(&format!("added {name} version {}, {}", plugin.manifest.version, plugin.digest.to_hex()))?;
    }
    context.out.note(&format!("next: a pipeline with a step whose extractor is {name}; `exhibit run FILE.toml`"));
    Ok(Exit::Ok)
}
