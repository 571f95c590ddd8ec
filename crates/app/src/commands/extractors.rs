//! `exhibit extractors` and the commands below it.

mod add;
mod check;
mod list;
mod remove;

use clap::{Args, Subcommand};

use crate::cli::Context;
use crate::error::{CliError, Exit};

/// List the extractors, or add plug-ins.
#[derive(Args)]
pub struct ExtractorsArgs {
    #[command(subcommand)]
    command: Option<ExtractorsCommand>,
}

#[derive(Subcommand)]
enum ExtractorsCommand {
    /// List the extractors; what happens without a command, too
    List,
    /// Copy a plug-in into the home, once it was shown and answered
    Add(add::AddArgs),
    /// Try a plug-in on samples of all kinds and say what it does wrong; nothing is added
    Check(check::CheckArgs),
    /// Remove a plug-in with all its versions; what it found stays
    Remove(remove::RemoveArgs),
}

impl ExtractorsArgs {
    /// Whether more is wanted than a list.
    pub fn changes(&self) -> bool {
        !matches!(self.command, None | Some(ExtractorsCommand::List))
    }
}

pub async fn extractors(args: ExtractorsArgs, context: &Context) -> Result<Exit, CliError> {
    match args.command {
        None | Some(ExtractorsCommand::List) => list::list(context).await,
        Some(ExtractorsCommand::Add(args)) => add::add(args, context).await,
        Some(ExtractorsCommand::Check(args)) => check::check(args, context).await,
        Some(ExtractorsCommand::Remove(args)) => remove::remove(args, context),
    }
}
