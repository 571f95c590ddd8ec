//! `exhibit doctor`.

mod kernel;

use std::path::Path;

use clap::Args;
use exhibit_engine::confine::{Capability, Verdict, probe};
use exhibit_engine::disk::Room;
use exhibit_engine::extractor::Tool;
use exhibit_engine::process::StartError;
use exhibit_engine::registry::ExtractorSet;
use exhibit_engine::trial::{Trial, start_each};
use serde::{Deserialize, Serialize};

use crate::cli::Context;
use crate::error::{CliError, Exit};
use crate::home::{App, EngineWishes, memory_max, memory_plan};
use crate::output::{bytes, number, table};

/// What this machine offers and what is missing.
#[derive(Args)]
pub struct DoctorArgs {}

/// One thing that was looked at.
#[derive(Serialize, Deserialize)]
pub struct Check {
    name: String,
    ok: bool,
    says: String,
}

impl Check {
    fn new(name: &str, ok: bool, says: impl Into<String>) -> Self {
        Self { name: name.to_owned(), ok, says: says.into() }
    }
}

/// Free entries that should stay in the file system of the home: blobs are files.
const RESERVE_INODES: u64 = 10_000;

/// Everything that was looked at.
#[derive(Serialize, Deserialize)]
pub struct Diagnosis {
    ok: bool,
    checks: Vec<Check>,
    kernel: Capability,
}

/// Looks at everything. `app` is why the home cannot be opened, or the home.
pub async fn examine(home: &Path, app: Result<&App, &CliError>) -> Result<Diagnosis, CliError> {
    let kernel = probe();
    let mut checks = kernel::checks(&kernel);
    let known = crate::plugins::extractors(home)?;
    checks.extend(tools(&known));
    checks.extend(known.broken().iter().map(|broken| Check::new(&broken.name, false, broken.reason.clone())));
    match app {
        Err(error) => checks.push(Check::new("store", false, error.message.clone())),
        Ok(app) => {
            checks.push(memory(app));
            checks.extend(extractors(app, known, &kernel.verdict).await);
            checks.extend(store(app).await);
            checks.extend(space(app));
        }
    }
    Ok(Diagnosis { ok: checks.iter().all(|check| check.ok), checks, kernel })
}

pub async fn doctor(_args: DoctorArgs, context: &Context) -> Result<Exit, CliError> {
    let diagnosis = match &context.server {
        Some(server) => server.get("/v1/doctor", &[]).await?,
        None => examine(&context.home, context.open().as_ref()).await?,
    };
    let Diagnosis { ok, checks, .. } = &diagnosis;
    if context.out.json {
        context.out.document(&diagnosis)?;
    } else {
        let rows = checks.iter().map(|check| {
            vec![if check.ok { "ok" } else { "PROBLEM" }.to_owned(), check.name.clone(), check.says.clone()]
        });
        for line in table(&rows.collect::<Vec<_>>()) {
            context.out.line(&line)?;
        }
    }
    Ok(if *ok { Exit::Ok } else { Exit::Partial })
}

/// What a tool is needed for, in words.
fn originals(tool: &Tool) -> String {
    match tool.media_types {
        [] => "everything".to_owned(),
        types => types.join(", "),
    }
}

/// Programs that extractors start.
fn tools(known: &ExtractorSet) -> Vec<Check> {
    let mut checks = Vec::new();
    for extractor in known.iter() {
        for tool in extractor.descriptor.tools {
            let found = ["/usr/bin", "/usr/local/bin"]
                .iter()
                .map(|folder| std::path::Path::new(folder).join(tool.name))
                .find(|path| path.is_file());
            let says = match &found {
                Some(path) => format!("{} (for {})", path.display(), extractor.descriptor.name),
                None => {
                    let needed = extractor.descriptor.name;
                    format!("missing; {needed} needs it for {}: apt-get install {}", originals(tool), tool.install)
                }
            };
            checks.push(Check::new(tool.name, found.is_some(), says));
        }
    }
    checks
}

/// What extractor processes may use, and whether it can be watched.
fn memory(app: &App) -> Check {
    let plan = memory_plan(&app.config.engine, None);
    let says = format!(
        "{} extractor processes with {} each, {} together",
        plan.workers,
        shown(plan.process_bytes_max),
        shown(memory_max(&app.config.engine))
    );
    if kernel::lists_children() {
        return Check::new("memory", true, says);
    }
    let says = format!("{says}; not watched, as this kernel lists no children (CONFIG_PROC_CHILDREN)");
    Check::new("memory", false, says)
}

/// Starts each extractor as a run would.
async fn extractors(app: &App, known: ExtractorSet, verdict: &Verdict) -> Vec<Check> {
    if let Verdict::Unconfined { .. } = verdict {
        return vec![Check::new("extractors", false, "not started, as they cannot be confined")];
    }
    let trials = match app.engine_options(known, EngineWishes::default()) {
        Ok(options) => tokio::task::spawn_blocking(move || start_each(&options)).await,
        Err(error) => return vec![Check::new("extractors", false, error.message)],
    };
    match trials {
        Ok(Ok(trials)) => trials.iter().map(trial).collect(),
        Ok(Err(error)) => vec![Check::new("extractors", false, error.to_string())],
        Err(error) => vec![Check::new("extractors", false, error.to_string())],
    }
}

fn trial(trial: &Trial) -> Check {
    let name = trial.descriptor.name;
    match &trial.started {
        Ok(ready) => {
            let tools = ready.tools.iter().map(|(tool, version)| format!(", {tool} {version}"));
            Check::new(name, true, format!("starts confined: version {}{}", ready.version, tools.collect::<String>()))
        }
        Err(StartError::Unable { detail, .. }) => Check::new(name, false, format!("cannot work: {detail}")),
        Err(error) => Check::new(name, false, error.to_string()),
    }
}

async fn store(app: &App) -> Vec<Check> {
    let database = match app.store.migrations().await {
        Ok(list) => {
            let waiting = list.iter().filter(|migration| !migration.applied).count();
            let says = format!("{}, {} of {} migrations", app.store.name(), list.len() - waiting, list.len());
            Check::new("database", waiting == 0, says)
        }
        Err(error) => Check::new("database", false, error.to_string()),
    };
    let sources = super::run::check_sources(app).await;
    let says = sources
        .as_ref()
        .err()
        .map_or_else(|| "no source and home lie in each other".to_owned(), |error| error.message.clone());
    vec![database, Check::new("sources", sources.is_ok(), says)]
}

/// Room on each file system that runs write to.
fn space(app: &App) -> Vec<Check> {
    let rooms = match app.disk_rules() {
        Ok(rules) => rules.rooms(),
        Err(error) => return vec![Check::new("space", false, error.message)],
    };
    let check = |room: &Room| {
        let few_inodes = room.free_files.is_some_and(|free| free < RESERVE_INODES);
        let (free, reserve) = (shown(room.free_bytes), shown(room.reserve_bytes));
        let mut says = format!("{free} free at {}, reserve {reserve}", room.folder.display());
        if few_inodes {
            says.push_str(&format!("; only {} more files fit", number(room.free_files.unwrap_or(0).cast_signed())));
        }
        Check::new("space", room.free_bytes >= room.reserve_bytes && !few_inodes, says)
    };
    rooms.iter().map(check).collect()
}

fn shown(count: u64) -> String {
    bytes(i64::try_from(count).unwrap_or(i64::MAX))
}
