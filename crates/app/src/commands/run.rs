//! `exhibit run PIPELINE` and `exhibit run show RUN`.

mod show;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{Args, Subcommand};
use exhibit_archive::collections::for_one_run;
use exhibit_archive::scan::check_root;
use exhibit_engine::disk::size;
use exhibit_engine::pipeline::Override;
use exhibit_engine::status::RunStatus;
use exhibit_engine::{Engine, RunError, RunRequest};
use exhibit_model::ids::{CollectionId, RunId};
use exhibit_model::states::{Policy, RunState};
use exhibit_store::GateError;
use exhibit_store::collections::find;
use exhibit_store::filter::Filter;
use exhibit_store::sql::{runs, sources};
use serde_json::{Value, json};

use crate::cli::Context;
use crate::commands::watch::{follow, print_status, status};
use crate::error::{CliError, Exit};
use crate::home::{App, EngineWishes, memory_max, memory_plan};
use crate::plugins;
use crate::remote::{Server, follow_as_owner};

/// Run a pipeline over a collection.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct RunArgs {
    #[command(subcommand)]
    show: Option<RunCommand>,
    /// A shipped pipeline (`exhibit pipelines` lists them) or a TOML file
    #[arg(required = true)]
    pipeline: Option<String>,
    /// The collection to run over (`exhibit collections` lists them); `all` holds every asset
    #[arg(long, default_value = "all")]
    collection: String,
    /// Run over what fulfils this filter now; recorded as a collection without a name
    #[arg(long, conflicts_with = "collection")]
    filter: Option<String>,
    /// `sandbox`: the results stand apart and go after a while, unless the run is promoted
    #[arg(long, default_value_t = Policy::Production)]
    policy: Policy,
    /// Set a parameter of a step
    #[arg(long = "set", value_name = "STEP.PARAM=VALUE")]
    overrides: Vec<String>,
    /// Do everything again, also what was done before
    #[arg(long)]
    recompute: bool,
    #[command(flatten)]
    host: HostArgs,
}

const MIB: u64 = 1024 * 1024;

/// How this process works on a run.
#[derive(Args)]
pub struct HostArgs {
    /// Extractor processes at a time, fewer where memory is short [default: one per core]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: Option<u16>,
    /// Run although the kernel cannot confine extractors; a broken or hostile file could then change your originals
    #[arg(long)]
    allow_unconfined: bool,
    /// Hash every original before it is used, beside comparing size and times with the catalog
    #[arg(long)]
    verify_inputs: bool,
}

impl HostArgs {
    /// A server works as its own configuration says.
    pub fn refuse(&self) -> Result<(), CliError> {
        if self.workers.is_none() && !self.allow_unconfined && !self.verify_inputs {
            return Ok(());
        }
        Err(CliError::usage(
            "--workers, --allow-unconfined and --verify-inputs say how this machine works; a server works as its own configuration says",
        ))
    }

    fn wishes(&self) -> EngineWishes {
        EngineWishes {
            workers: self.workers.map(usize::from),
            allow_unconfined: self.allow_unconfined,
            verify_inputs: self.verify_inputs,
        }
    }
}

#[derive(Subcommand)]
enum RunCommand {
    /// Show a run: states, reasons, units
    Show(show::RunShowArgs),
}

pub async fn run(args: RunArgs, context: &Context) -> Result<Exit, CliError> {
    if let Some(RunCommand::Show(show)) = args.show {
        return show::show(show, context).await;
    }
    let overrides: Result<Vec<Override>, String> = args.overrides.iter().map(|text| Override::parse(text)).collect();
    let overrides = overrides.map_err(CliError::usage)?;
    let filter = args.filter.map(|text| Filter::parse(text.as_bytes())).transpose()?;
    let pipeline_name = args.pipeline.unwrap_or_default();
    if let Some(server) = &context.server {
        args.host.refuse()?;
        let mut wanted = json!({
            "pipeline": pipeline_name, "policy": args.policy, "set": args.overrides, "recompute": args.recompute,
        });
        match filter {
            Some(filter) => wanted["filter"] = filter.text().into(),
            None => wanted["collection"] = args.collection.into(),
        }
        return start_there(server, &wanted, context).await;
    }
    // Before the home is made: what is misspelt makes nothing.
    crate::pipelines::load(&pipeline_name, &overrides, &plugins::extractors(&context.home)?)?;
    let app = context.open()?;
    let name = args.collection;
    let named = app.store.read(move |read| Ok(find(read, &name))).await??;
    check_sources(&app).await?;
    let extractors = plugins::usable_extractors(&app).await?;
    let pipeline = crate::pipelines::load(&pipeline_name, &overrides, &extractors)?;
    note_memory(&app, &args.host, context);
    let engine = app.engine(extractors, args.host.wishes())?;
    let collection = match filter {
        Some(filter) => for_one_run(&app.store, app.ids.as_ref(), filter).await?,
        None => named.map_or(CollectionId::ALL, |found| found.id),
    };
    let request = RunRequest {
        pipeline,
        collection,
        policy: args.policy,
        sandbox_us: app.config.engine.sandbox_us(),
        attempts_max: app.config.engine.attempts_max,
        recompute: args.recompute,
    };
    let run = engine.create_run(request).await?;
    if run.members == 0 {
        context.out.note("the collection is empty; `exhibit scan FOLDER` adds a folder");
    }
    warn_of_room(&engine, &run, context).await?;
    work(&app, &engine, run.id, context).await
}

/// Has a server make a run, and follows it.
async fn start_there(server: &Server, wanted: &Value, context: &Context) -> Result<Exit, CliError> {
    let pipeline = wanted["pipeline"].as_str().unwrap_or_default();
    if crate::pipelines::is_file(pipeline) {
        return Err(CliError::usage(format!(
            "{pipeline} is a file of this machine, and a server runs the pipelines that it has; `exhibit pipelines` lists them"
        )));
    }
    let run: RunStatus = server.post("/v1/runs", wanted).await?;
    if run.members == 0 {
        context.out.note("the collection is empty; `exhibit scan FOLDER` adds a folder");
    }
    work_there(server, run, context).await
}

/// Shows how a server works a run off, and prints how it ended.
pub async fn work_there(server: &Server, run: RunStatus, context: &Context) -> Result<Exit, CliError> {
    let now = follow_as_owner(server, run, context).await?;
    if context.out.json {
        context.out.document(&now)?;
    } else {
        print_status(&now, context)?;
    }
    Ok(exit_of(&now))
}

/// Says before the first unit that the results may not fit.
async fn warn_of_room(engine: &Engine, run: &runs::Run, context: &Context) -> Result<(), CliError> {
    if let Some(projection) = engine.project(run).await?
        && projection.needed_bytes > projection.available_bytes
    {
        context.out.warn(&format!(
            "the results may need about {}, and {} are free above the reserve (engine.disk_reserve); the run waits when they are used up",
            size(projection.needed_bytes),
            size(projection.available_bytes)
        ));
    }
    Ok(())
}

/// A home inside a source, or a source inside a home, is refused before any extractor starts.
pub async fn check_sources(app: &App) -> Result<(), CliError> {
    for source in app.store.read(sources::all).await? {
        let root =
            std::path::PathBuf::from(<std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(source.root));
        // A source that cannot be reached blocks its units; only the overlap is an error here.
        if let Err(error @ exhibit_archive::scan::ScanError::Overlap { .. }) = check_root(&root, &app.own_folders()) {
            return Err(error.into());
        }
    }
    Ok(())
}

/// Makes an engine as `run` does, for the commands that go on with a run.
pub async fn engine(app: &App, host: &HostArgs, context: &Context) -> Result<Engine, CliError> {
    note_memory(app, host, context);
    app.engine(plugins::usable_extractors(app).await?, host.wishes())
}

/// Says when there is no memory for as many workers as somebody wants.
fn note_memory(app: &App, host: &HostArgs, context: &Context) {
    let wanted = host.workers.map(usize::from);
    let plan = memory_plan(&app.config.engine, wanted);
    if wanted.is_some_and(|wanted| plan.workers < wanted) && !context.out.quiet {
        let (max, share) = (memory_max(&app.config.engine) / MIB, plan.process_bytes_max / MIB);
        eprintln!(
            "note: {} workers with {share} MiB each; engine.memory_max_mib = {max} has no room for more",
            plan.workers
        );
    }
}

/// Works a run off while its progress is shown, and prints how it ended. Ctrl-C stops this host; the run can be resumed.
pub async fn work(app: &App, engine: &Engine, id: RunId, context: &Context) -> Result<Exit, CliError> {
    context.out.note(&format!("run {id}"));
    let stop = Arc::new(AtomicBool::new(false));
    let wish = Arc::clone(&stop);
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            wish.store(true, Ordering::Relaxed);
        }
    });
    let worked = {
        let mut work = std::pin::pin!(engine.work(id, stop));
        follow(&app.store, id, context, &mut work).await?
    };
    let end = worked.map_err(|error| match error {
        RunError::Store(_) | RunError::Gate(GateError::Store(_)) => {
            CliError::failed(format!("{error}; then `exhibit resume {id}` goes on with the run"))
        }
        other => other.into(),
    })?;
    let now = status(&app.store, id).await?;
    if context.out.json {
        context.out.document(&now)?;
    } else {
        print_status(&now, context)?;
        if end.refused > 0 {
            context.out.line(&format!("{} commits were refused because their lease was lost", end.refused))?;
        }
    }
    Ok(exit_of(&now))
}

/// 0 when every unit ended well, 3 when something is left or failed.
pub fn exit_of(status: &RunStatus) -> Exit {
    match status.state {
        RunState::Completed => Exit::Ok,
        RunState::Failed => Exit::Failed,
        _ => Exit::Partial,
    }
}
