//! `exhibit extractors remove`.

use clap::Args;
use exhibit_model::ids::ulid_to_text;
use serde_json::json;

use crate::cli::Context;
use crate::clock::random_u128;
use crate::error::{CliError, Exit};
use crate::plugins;

/// Remove a plug-in.
#[derive(Args)]
pub struct RemoveArgs {
    /// Its name
    name: String,
}

pub fn remove(args: RemoveArgs, context: &Context) -> Result<Exit, CliError> {
    plugins::plugin_home(&context.home).remove(&args.name, &ulid_to_text(random_u128()))?;
    if context.out.json {
        context.out.document(&json!({ "name": args.name, "removed": true }))?;
    } else {
        context.out.line(&format!("removed {}; what it found stays", args.name))?;
    }
    Ok(Exit::Ok)
}
