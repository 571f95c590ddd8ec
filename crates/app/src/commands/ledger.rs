//! `exhibit ledger`.

use clap::{Args, Subcommand};
use exhibit_store::ledger::checkpoint::{CheckpointKey, current, sign};
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

/// The name under which checkpoints are signed, before the id of the home.
pub const KEY_NAME: &str = "exhibit";

pub async fn ledger(args: LedgerArgs, context: &Context) -> Result<Exit, CliError> {
    let app = context.open()?;
    let key = checkpoint_key(&app)?;
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
pub fn checkpoint_key(app: &App) -> Result<CheckpointKey, CliError> {
    Ok(CheckpointKey::load_or_make(&app.key_path(), KEY_NAME, random_bytes::<32>)?)
}

async fn checkpoint(app: &App, key: &CheckpointKey, context: &Context) -> Result<(), CliError> {
    let now = app.store.read(|read| Ok(current(read, KEY_NAME))).await??;
    let note = sign(&now, key)?.to_string();
    if context.out.json {
        let verifier = key.verifier().to_string();
        context.out.document(&json!({ "note": note, "key": verifier, "batches": now.size(), "root": now.root() }))?;
    } else {
        context.out.line(note.trim_end_matches('\n'))?;
        context.out.note(&format!("check it later: exhibit verify --checkpoint FILE --key '{}'", key.verifier()));
    }
    Ok(())
}
