//! `exhibit ledger`.

use std::path::Path;

use clap::{Args, Subcommand};
use exhibit_archive::ledger::{CheckpointView, KEY_NAME, checkpoint as sign_checkpoint};
use exhibit_store::ledger::checkpoint::{CheckpointError, CheckpointKey};
use serde_json::json;

use crate::cli::Context;
use crate::clock::random_bytes;
use crate::error::{CliError, Exit};

/// The ledger.
#[derive(Args)]
pub struct LedgerArgs {
    #[command(subcommand)]
    command: LedgerCommand,
}

#[derive(Subcommand)]
enum LedgerCommand {
    /// Print a signed checkpoint: a C2SP signed note of how long the ledger is and its root
    Checkpoint,
    /// Print the public key of the checkpoints
    Key,
}

pub async fn ledger(args: LedgerArgs, context: &Context) -> Result<Exit, CliError> {
    match args.command {
        LedgerCommand::Key => {
            let text = match &context.server {
                Some(server) => server.get::<CheckpointView>("/v1/ledger", &[]).await?.key,
                None => checkpoint_key(&context.open()?.key_path())?.verifier().to_string(),
            };
            if context.out.json {
                context.out.document(&json!({ "key": text }))?;
            } else {
                context.out.line(&text)?;
            }
        }
        LedgerCommand::Checkpoint => checkpoint(context).await?,
    }
    Ok(Exit::Ok)
}

/// The key of the home that signs checkpoints; made when it is first wanted.
pub fn checkpoint_key(path: &Path) -> Result<CheckpointKey, CheckpointError> {
    CheckpointKey::load_or_make(path, KEY_NAME, random_bytes::<32>)
}

async fn checkpoint(context: &Context) -> Result<(), CliError> {
    let made = match &context.server {
        Some(server) => server.get("/v1/ledger", &[]).await?,
        None => {
            let app = context.open()?;
            sign_checkpoint(&app.store, &checkpoint_key(&app.key_path())?).await?
        }
    };
    if context.out.json {
        context.out.document(&made)?;
    } else {
        context.out.verbatim(made.note.trim_end_matches('\n'))?;
        context.out.note(&format!("check it later: exhibit verify --checkpoint FILE --key '{}'", made.key));
    }
    Ok(())
}
