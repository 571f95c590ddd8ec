//! `exhibit ledger`.

use std::path::Path;

use clap::{Args, Subcommand};
use exhibit_archive::ledger::{KEY_NAME, checkpoint as sign_checkpoint};
use exhibit_store::ledger::checkpoint::{CheckpointError, CheckpointKey};
use serde_json::json;

use crate::cli::Context;
use crate::clock::random_bytes;
use crate::error::{CliError, Exit};
use crate::home::App;

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
    let app = context.open()?;
    let key = checkpoint_key(&app.key_path())?;
    match args.command {
        LedgerCommand::Key => {
            let text = key.verifier().to_string();
            if context.out.json {
                context.out.document(&json!({ "key": text }))?;
            } else {
                context.out.line(&text)?;
            }
        }
        LedgerCommand::Checkpoint => checkpoint(&app, &key, context).await?,
    }
    Ok(Exit::Ok)
}

/// The key of the home that signs checkpoints; made when it is first wanted.
pub fn checkpoint_key(path: &Path) -> Result<CheckpointKey, CheckpointError> {
    CheckpointKey::load_or_make(path, KEY_NAME, random_bytes::<32>)
}

async fn checkpoint(app: &App, key: &CheckpointKey, context: &Context) -> Result<(), CliError> {
    let made = sign_checkpoint(&app.store, key).await?;
    if context.out.json {
        context.out.document(&made)?;
    } else {
        context.out.line(made.note.trim_end_matches('\n'))?;
        context.out.note(&format!("check it later: exhibit verify --checkpoint FILE --key '{}'", made.key));
    }
    Ok(())
}
