//! The command line: what can be asked, and how it is answered.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::commands as run;
use crate::error::{CliError, Exit};
use crate::output::{Output, one_line};
use crate::remote::{Server, Wanted};
use crate::{config, home};

/// An evidence engine: keeps originals untouched, derives facts from them, and shows for every fact what made it.
#[derive(Parser)]
#[command(name = "exhibit", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 done, 1 failed, 2 asked in a wrong way, 3 done in part.")]
pub struct Cli {
    /// The folder with the database, blobs and keys [default: EXHIBIT_HOME, else the data folder of the user]
    #[arg(long, global = true, value_name = "DIR")]
    home: Option<PathBuf>,
    /// Ask this server in place of the home, such as http://127.0.0.1:8765 [default: EXHIBIT_SERVER]
    #[arg(long, global = true, value_name = "URL")]
    server: Option<String>,
    /// A file that holds the token for the server [default: what EXHIBIT_TOKEN holds]
    #[arg(long, global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Print one JSON document instead of text
    #[arg(long, global = true)]
    json: bool,
    /// No progress and no notes
    #[arg(long, short, global = true)]
    quiet: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Catalog a folder; reads only what is new or changed, writes nothing there
    Scan(run::scan::ScanArgs),
    /// List the folders that were scanned
    Sources(run::sources::SourcesArgs),
    /// List assets
    Ls(run::ls::LsArgs),
    /// Show one asset: paths, facts, what was tried
    Show(run::show::ShowArgs),
    /// Digest of a folder: names, sizes, times, modes, attributes, content
    Fingerprint(run::fingerprint::FingerprintArgs),
    /// Sets of assets: list, show, make, delete
    Collections(run::collections::CollectionsArgs),
    /// Run a pipeline, or show a run
    Run(run::run::RunArgs),
    /// List runs, newest first
    Runs(run::runs::RunsArgs),
    /// Follow a run until it ends
    Watch(run::watch::WatchArgs),
    /// Stop a run; what was written stays
    Cancel(run::control::CancelArgs),
    /// Let a run wait; `resume` goes on with it
    Pause(run::control::PauseArgs),
    /// Go on with a run that was cancelled, paused or left behind
    Resume(run::control::ResumeArgs),
    /// Do the failed units of a run again, and nothing else
    Retry(run::control::RetryArgs),
    /// Two runs side by side: which was faster, which was more reliable, which facts differ
    Compare(run::compare::CompareArgs),
    /// Let the results of a sandbox run count
    Promote(run::clean::PromoteArgs),
    /// Show what has had its time (expired sandbox results, blobs that nothing names), or let it go
    Clean(run::clean::CleanArgs),
    /// From a fact down to the bytes, the tool, the version, the parameters and the ledger
    Explain(run::explain::ExplainArgs),
    /// Make an artifact again and say whether it is the same
    Replay(run::replay::ReplayArgs),
    /// Check records, blobs and the ledger, or that the ledger extends a checkpoint
    Verify(run::verify::VerifyArgs),
    /// The ledger of everything that was accepted
    Ledger(run::ledger::LedgerArgs),
    /// Copy originals, facts and blobs to a folder or zip that anyone can check
    Export(run::export::ExportArgs),
    /// Copy database, blobs, keys and configuration, also while runs write
    Backup(run::backup::BackupArgs),
    /// Make a new home from a backup, after checking all of it
    Restore(run::restore::RestoreArgs),
    /// Tables computed from the records
    Projections(run::projections::ProjectionsArgs),
    /// What AI agents did and what it cost: take in, list, show, stop
    Agents(run::agents::AgentsArgs),
    /// Serve the web UI and the API on this machine
    Serve(run::serve::ServeArgs),
    /// Print a new login link for the server that runs
    Login(run::login::LoginArgs),
    /// Tokens for programs that use the API: create, list, revoke
    Tokens(run::tokens::TokensArgs),
    /// List what was changed over HTTP, newest first
    Audit(run::audit::AuditArgs),
    /// Bring the database up to date and list its migrations
    Migrate(run::migrate::MigrateArgs),
    /// What this machine offers and what is missing
    Doctor(run::doctor::DoctorArgs),
    /// Attack a folder as a hostile extractor would; prove that it stays as it is
    Redteam(run::redteam::RedteamArgs),
    /// Make a sample archive to try on
    Sample(run::sample::SampleArgs),
    /// List the extractors, and add, check or remove plug-ins
    Extractors(run::extractors::ExtractorsArgs),
    /// List the pipelines, or show one
    Pipelines(run::pipelines::PipelinesArgs),
}

/// A run, named by its id, any unambiguous prefix of it, or `latest`.
#[derive(Args)]
pub struct RunName {
    /// The run: its id, any unambiguous prefix of it, or `latest`
    pub run: String,
}

/// What a command is given.
pub struct Context {
    /// The home folder, perhaps not there yet; empty when a server is asked.
    pub home: PathBuf,
    /// The server that is asked in its place.
    pub server: Option<Server>,
    /// How to talk.
    pub out: Output,
}

impl Context {
    /// Opens the home.
    pub fn open(&self) -> Result<home::App, CliError> {
        if let Some(server) = &self.server {
            let server = server.address();
            return Err(CliError::usage(format!("this works on a home, and {server} is asked; leave out --server")));
        }
        home::App::open(&self.home)
    }
}

/// Parses, runs, and turns the result into an exit code.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let out = Output { json: cli.json, quiet: cli.quiet };
    let result = context(&cli).and_then(|context| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let result = runtime.block_on(dispatch(cli.command, &context));
        // Reader and writer threads end with the process; nothing that was acknowledged waits for them.
        runtime.shutdown_background();
        result
    });
    match result {
        Ok(exit) => ExitCode::from(exit as u8),
        Err(error) => {
            if out.json {
                let document = serde_json::json!({ "error": { "exit": error.exit as u8, "message": error.message } });
                eprintln!("{document}");
            } else {
                let lines: Vec<String> = error.message.lines().map(one_line).collect();
                eprintln!("exhibit: {}", lines.join("\n"));
            }
            ExitCode::from(error.exit as u8)
        }
    }
}

/// Where the command works: on a server, when one is named, else on the home.
fn context(cli: &Cli) -> Result<Context, CliError> {
    let out = Output { json: cli.json, quiet: cli.quiet };
    let Cli { server, token_file, home, .. } = cli;
    let wanted = Wanted { url: server.clone(), token_file: token_file.clone(), home: home.clone() };
    let Some(url) = wanted.address()? else {
        return Ok(Context { home: config::home_folder(home.clone())?, server: None, out });
    };
    if let Some((verb, why)) = stays_here(&cli.command) {
        return Err(CliError::usage(format!(
            "`exhibit {verb}` asks no server: {why}; leave out --server and EXHIBIT_SERVER, or give --home DIR"
        )));
    }
    Ok(Context { home: PathBuf::new(), server: Some(wanted.server(&url)?), out })
}

/// Verbs that work on this machine alone, each with the reason.
fn stays_here(command: &Command) -> Option<(&'static str, &'static str)> {
    Some(match command {
        Command::Fingerprint(_) => ("fingerprint", "it reads a folder of this machine"),
        Command::Backup(_) => ("backup", "a backup is a folder on the machine of its home"),
        Command::Restore(_) => ("restore", "the new home is a folder of this machine"),
        Command::Projections(_) => ("projections", "tables are computed anew beside their database"),
        Command::Serve(_) => ("serve", "it is the server"),
        Command::Login(_) => ("login", "only the machine of a server makes login links"),
        Command::Tokens(_) => ("tokens", "only the machine of a server makes and revokes tokens"),
        Command::Migrate(_) => ("migrate", "a server brings its database up to date when it starts"),
        Command::Agents(args) => return args.stays_here(),
        Command::Redteam(_) => ("redteam", "it attacks a folder of this machine"),
        Command::Sample(_) => ("sample", "it makes a folder on this machine"),
        Command::Extractors(args) if args.changes() => (
            "extractors add, check and remove",
            "a plug-in is a program, and only the machine of a server takes one in",
        ),
        _ => return None,
    })
}

async fn dispatch(command: Command, context: &Context) -> Result<Exit, CliError> {
    match command {
        Command::Scan(args) => run::scan::scan(args, context).await,
        Command::Sources(args) => run::sources::sources(args, context).await,
        Command::Ls(args) => run::ls::ls(args, context).await,
        Command::Show(args) => run::show::show(args, context).await,
        Command::Fingerprint(args) => run::fingerprint::fingerprint(args, context).await,
        Command::Collections(args) => run::collections::collections(args, context).await,
        Command::Run(args) => run::run::run(args, context).await,
        Command::Runs(args) => run::runs::runs(args, context).await,
        Command::Watch(args) => run::watch::watch(args, context).await,
        Command::Cancel(args) => run::control::cancel(args, context).await,
        Command::Pause(args) => run::control::pause(args, context).await,
        Command::Resume(args) => run::control::resume(args, context).await,
        Command::Retry(args) => run::control::retry(args, context).await,
        Command::Compare(args) => run::compare::compare(args, context).await,
        Command::Promote(args) => run::clean::promote(args, context).await,
        Command::Clean(args) => run::clean::clean(args, context).await,
        Command::Explain(args) => run::explain::explain(args, context).await,
        Command::Replay(args) => run::replay::replay(args, context).await,
        Command::Verify(args) => run::verify::verify(args, context).await,
        Command::Ledger(args) => run::ledger::ledger(args, context).await,
        Command::Export(args) => run::export::export(args, context).await,
        Command::Backup(args) => run::backup::backup(args, context).await,
        Command::Restore(args) => run::restore::restore(args, context).await,
        Command::Projections(args) => run::projections::projections(args, context).await,
        Command::Agents(args) => run::agents::agents(args, context).await,
        Command::Serve(args) => run::serve::serve(args, context).await,
        Command::Login(args) => run::login::login(args, context).await,
        Command::Tokens(args) => run::tokens::tokens(args, context).await,
        Command::Audit(args) => run::audit::audit(args, context).await,
        Command::Migrate(args) => run::migrate::migrate(args, context).await,
        Command::Doctor(args) => run::doctor::doctor(args, context).await,
        Command::Redteam(args) => run::redteam::redteam(args, context).await,
        Command::Sample(args) => run::sample::sample(args, context).await,
        Command::Extractors(args) => run::extractors::extractors(args, context).await,
        Command::Pipelines(args) => run::pipelines::pipelines(args, context).await,
    }
}
