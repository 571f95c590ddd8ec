//! `exhibit replay`.

use clap::Args;
use exhibit_archive::replay::{ReplayView, replay as replay_artifact};
use serde_json::json;

use super::run::{HostArgs, check_sources, engine};
use crate::cli::Context;
use crate::error::{CliError, Exit};
use crate::remote::{Order, part, work};

/// Make an artifact again and say whether it is the same; nothing is kept.
#[derive(Args)]
pub struct ReplayArgs {
    /// The artifact: its id, with any unambiguous prefix of the run
    artifact: String,
    #[command(flatten)]
    host: HostArgs,
}

pub async fn replay(args: ReplayArgs, context: &Context) -> Result<Exit, CliError> {
    if let Some(server) = &context.server {
        args.host.refuse()?;
        let path = format!("/v1/artifacts/{}/replay", part(&args.artifact));
        let order = Order { path: &path, body: &json!({}), title: "replay", bytes: false };
        return print(&work(server, order, context).await?.1, context);
    }
    let app = context.open()?;
    check_sources(&app).await?;
    let engine = engine(&app, &args.host, context).await?;
    print(&replay_artifact(&app.store, &engine, args.artifact).await?, context)
}

fn print(view: &ReplayView, context: &Context) -> Result<Exit, CliError> {
    if context.out.json {
        context.out.document(view)?;
    } else if view.identical {
        context.out.line(&format!("identical: content hash {}", view.content_hash))?;
    } else {
        context.out.line("NOT identical")?;
        for difference in &view.differences {
            context.out.line(&format!("  {difference}"))?;
        }
    }
    Ok(if view.identical { Exit::Ok } else { Exit::Failed })
}
