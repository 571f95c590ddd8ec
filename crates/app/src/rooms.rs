//! What the server runs beside answering: the routes of the rooms, the runs that were handed to it, and what has had its time.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use exhibit_agents::collect::discover::Folders;
use exhibit_agents::http as agents;
use exhibit_agents::http::imports::Folders as ImportFolders;
use exhibit_agents::import::{V3_FILE, at_start};
use exhibit_agents::retention::{self as agents_retention, Rules};
use exhibit_agents::service::{Watch, prepare};
use exhibit_archive::http::{Api, ApiOptions, routes};
use exhibit_engine::runner::Runner;
use exhibit_http::Route;
use exhibit_server::{Counters, Reason};
use exhibit_store::progress::Steps;
use exhibit_store::projection::catch_up;
use exhibit_store::retention;
use exhibit_store::{GateError, Store};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::commands::ledger::checkpoint_key;
use crate::config;
use crate::controls;
use crate::error::CliError;
use crate::home::{App, EngineWishes};
use crate::plugins;

/// How often what has had its time is let go.
const CLEAN_EVERY: Duration = Duration::from_secs(60 * 60);

/// Hours between two looks for sessions and sums that are too old: their age is counted in days.
const RETENTION_EVERY: u32 = 24;

/// The rooms of a server.
pub struct Rooms {
    /// What they offer, in the order of the docs.
    pub routes: Vec<Route>,
    /// What they count.
    pub counters: Vec<Counters>,
    api: Api,
    watch: Watch,
    stop: Arc<AtomicBool>,
    stopped: Arc<Notify>,
    tasks: Vec<JoinHandle<()>>,
}

impl Rooms {
    /// Makes the routes, and begins to work off the runs that were handed to this server before.
    pub async fn open(app: &Arc<App>) -> Result<Self, CliError> {
        // A rebuild that was interrupted is finished before anything is answered.
        catch_up(&app.store, &mut |_, _| {}).await?;
        prepare(&app.store).await?;
        if app.config.agents.import.at_start {
            take_over(app).await.map_err(|error| error.because(Reason::ImportFailed))?;
        }
        let extractors = plugins::usable_extractors(app).await?;
        let engine = app.confined_engine(extractors.clone(), EngineWishes::default())?;
        let runner = Runner::new(engine);
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        let api = Api::new(ApiOptions {
            store: app.store.clone(),
            runner: runner.clone(),
            extractors,
            older_plugins: plugins::older_versions(&app.home)?,
            own_folders: app.own_folders(),
            sources_allowed: app.config.server.sources_allowed.clone(),
            sandbox_us: app.config.engine.sandbox_us(),
            attempts_max: app.config.engine.attempts_max,
            scan_threads: cores,
            ids: Arc::clone(&app.ids),
            grace_us: app.config.blobs.grace_us(),
            work_folder: app.home.join("work"),
            disk: app.disk_rules()?,
            key: Arc::new({
                let path = app.key_path();
                move || checkpoint_key(&path)
            }),
            version: env!("CARGO_PKG_VERSION"),
        });
        let (stop, stopped) = (Arc::new(AtomicBool::new(false)), Arc::new(Notify::new()));
        let work = tokio::spawn({
            let stop = Arc::clone(&stop);
            async move { runner.work_until(stop).await }
        });
        let (store, grace_us) = (app.store.clone(), app.config.blobs.grace_us());
        let rules = app.config.agents.retention;
        let clean = tokio::spawn(clean_every_hour(store, grace_us, rules, Arc::clone(&stopped)));
        let collect = &app.config.agents.collect;
        let folders = if collect.files { config::agent_folders()? } else { Folders::default() };
        let watch = Watch::start(&app.store, folders, Duration::from_secs(u64::from(collect.every_s)))?;
        let agents = agents::Api::new(agents::ApiOptions {
            commits: watch.commits(),
            evaluator: watch.evaluator(),
            ids: Arc::clone(&app.ids),
            store: app.store.clone(),
            allow_bare: app.config.agents.contract.allow_bare,
            controls: controls::open(app).await?,
            import: ImportFolders { allowed: app.config.agents.import.folder.clone(), data: app.home.clone() },
        });
        let mut routes = routes(&api);
        routes.extend(agents::routes(&agents));
        let rejections = agents.rejections();
        let counters: Vec<Counters> = vec![Arc::new(move || rejections.text())];
        Ok(Self { routes, counters, api, watch, stop, stopped, tasks: vec![work, clean] })
    }

    /// Waits until the work stands still; what is not done waits in the database for the next start.
    pub async fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.api.stop();
        self.stopped.notify_one();
        self.watch.stop().await;
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task of the server did not end in order");
            }
        }
    }
}

/// Takes the file of V3 over, where V3 kept it: in the folder that it was started in, else in the home. One that is not there any more was
/// taken over before, or never was.
async fn take_over(app: &App) -> Result<(), CliError> {
    let places = [Path::new("."), &app.home].map(|folder| std::path::absolute(folder.join(V3_FILE)));
    let places: Vec<PathBuf> = places.into_iter().collect::<Result<_, _>>()?;
    let Some(path) = places.into_iter().find(|path| path.exists()) else { return Ok(()) };
    if let Some(imported) = at_start(&app.store, path, &app.home).await? {
        let report = imported.report;
        let (id, written, errors) = (report.report_id, report.written, report.errors);
        if report.parity_ok == Some(true) && errors == 0 {
            tracing::info!(import.report = id, written, "the file of V3 was taken over");
        } else {
            tracing::warn!(
                import.report = id,
                written,
                errors,
                "the file of V3 was taken over in part; its report says why"
            );
        }
    }
    Ok(())
}

async fn clean_every_hour(store: Store, grace_us: i64, rules: Rules, stopped: Arc<Notify>) {
    for hour in 0_u32.. {
        if hour % RETENTION_EVERY == 0 && !rules.keep_everything() {
            // What is under way when the server ends is written whole; the rest goes on the next time.
            tokio::select! {
                () = let_old_sessions_go(&store, rules) => {}
                () = stopped.notified() => return,
            }
        }
        match clean(&store, grace_us).await {
            Ok((0, 0)) => {}
            Ok((results, blobs)) => tracing::info!(results, blobs, "what had its time went"),
            Err(error) => tracing::warn!(%error, "what had its time could not go"),
        }
        // The time runs out every hour; only the end of the server comes before.
        if tokio::time::timeout(CLEAN_EVERY, stopped.notified()).await.is_ok() {
            return;
        }
    }
}

/// Lets go what the rules of the agents room do not keep any more.
async fn let_old_sessions_go(store: &Store, rules: Rules) {
    match agents_retention::run(store, rules, &mut |_| {}).await {
        Ok(gone) if gone.sessions + gone.hours + gone.days > 0 => {
            let agents_retention::Report { sessions, calls, records, hours, days, .. } = gone;
            tracing::info!(sessions, calls, records, hours, days, "sessions and sums had their time and went");
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "sessions that had their time could not go"),
    }
}

/// Lets the results of expired sandbox runs go, and blobs that nothing names. Returns how many of both.
async fn clean(store: &Store, grace_us: i64) -> Result<(u64, u64), GateError> {
    let plan = retention::plan(store, None, grace_us).await?;
    let cleaned = retention::clean(store, plan, grace_us, &Steps::default()).await?;
    Ok((cleaned.erased, cleaned.blobs.blobs))
}
