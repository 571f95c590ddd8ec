//! The routes of the archive room.

mod artifacts;
mod assets;
mod collections;
mod exports;
mod jobs;
mod ledger;
mod live;
mod originals;
mod pipelines;
mod runs;
mod sources;
mod timeline;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use exhibit_engine::disk::DiskRules;
use exhibit_engine::registry::ExtractorSet;
use exhibit_engine::runner::Runner;
use exhibit_engine::{Engine, RunError};
use exhibit_http::{ApiError, Jobs, Route};
use exhibit_model::time::IdSource;
use exhibit_store::ledger::checkpoint::{CheckpointError, CheckpointKey};
use exhibit_store::{Read, Store, StoreError};

use crate::catalog::LookupError;
use crate::library::{Library, LibraryError};

use self::exports::Exports;
use self::live::Live;
use self::sources::Scans;

/// What the routes need beside the store.
pub struct ApiOptions {
    /// Where everything is.
    pub store: Store,
    /// Works off the runs that are started here.
    pub runner: Runner,
    /// The extractors that pipelines can name.
    pub extractors: ExtractorSet,
    /// Digests of the versions of plug-ins that are kept and not used, by plug-in.
    pub older_plugins: BTreeMap<String, Vec<String>>,
    /// Folders of our own that must not lie in a source, nor the other way round.
    pub own_folders: Vec<PathBuf>,
    /// Folders below which a source may be added over HTTP.
    pub sources_allowed: Vec<PathBuf>,
    /// How long the results of a sandbox run stay, in microseconds.
    pub sandbox_us: i64,
    /// Crashes after which a unit is given up.
    pub attempts_max: i64,
    /// Threads of a scan.
    pub scan_threads: usize,
    /// Where ids come from.
    pub ids: Arc<dyn IdSource>,
    /// How long a blob that nothing names any more stays, in microseconds.
    pub grace_us: i64,
    /// Where exports wait for whoever fetches them.
    pub work_folder: PathBuf,
    /// How much room has to stay.
    pub disk: DiskRules,
    /// The key that signs checkpoints; made when it is first wanted.
    pub key: Arc<dyn Fn() -> Result<CheckpointKey, CheckpointError> + Send + Sync>,
    /// The version of the program.
    pub version: &'static str,
}

/// What every handler has.
#[derive(Clone)]
pub struct Api(Arc<Inner>);

struct Inner {
    options: ApiOptions,
    library: Library,
    scans: Scans,
    jobs: Jobs,
    exports: Exports,
    live: Live,
}

impl Api {
    /// Starts what tells of changes. Needs a tokio runtime.
    pub fn new(options: ApiOptions) -> Self {
        let scans = Scans::default();
        let jobs = Jobs::new(Arc::clone(options.store.clock()), Arc::clone(&options.ids));
        let live = Live::start(options.store.clone(), scans.clone(), jobs.clone());
        let library = Library::new(options.store.clone());
        Self(Arc::new(Inner { options, library, scans, jobs, exports: Exports::default(), live }))
    }

    /// Asks every job to stop, and removes exports that were not fetched: the server ends.
    pub fn stop(&self) {
        self.0.jobs.stop();
        self.0.exports.clear();
    }

    fn jobs(&self) -> &Jobs {
        &self.0.jobs
    }

    fn options(&self) -> &ApiOptions {
        &self.0.options
    }

    fn store(&self) -> &Store {
        &self.0.options.store
    }

    fn engine(&self) -> &Engine {
        self.0.options.runner.engine()
    }

    /// Asks the database; an error of the question is an answer.
    async fn read<T, E>(&self, ask: impl FnOnce(&Read<'_>) -> Result<T, E> + Send + 'static) -> Result<T, ApiError>
    where
        T: Send + 'static,
        E: Into<ApiError> + Send + 'static,
    {
        self.store().read(move |read| Ok::<_, StoreError>(ask(read))).await?.map_err(Into::into)
    }
}

/// Every route of the room.
pub fn routes(api: &Api) -> Vec<Route> {
    let mut routes = Vec::new();
    routes.extend(sources::routes(api));
    routes.extend(assets::routes(api));
    routes.extend(timeline::routes(api));
    routes.extend(collections::routes(api));
    routes.extend(pipelines::routes(api));
    routes.extend(runs::routes(api));
    routes.extend(artifacts::routes(api));
    routes.extend(jobs::routes(api));
    routes.extend(exports::routes(api));
    routes.extend(ledger::routes(api));
    routes.extend(live::routes(api));
    routes
}

impl From<LookupError> for ApiError {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::Unknown { what, text, hint } => {
                Self::not_found("not-found", format!("there is no {what} `{text}`")).hint(hint)
            }
            LookupError::Ambiguous { .. } => Self::not_found("ambiguous", error.to_string()),
            LookupError::Store(error) => error.into(),
        }
    }
}

impl From<LibraryError> for ApiError {
    fn from(error: LibraryError) -> Self {
        match error {
            LibraryError::Filter(error) => error.into(),
            LibraryError::Store(error) => error.into(),
        }
    }
}

fn run_error(error: RunError) -> ApiError {
    match error {
        RunError::Store(error) => error.into(),
        RunError::Gate(error) => error.into(),
        RunError::NotPossible(reason) => ApiError::conflict("not-possible", reason),
        RunError::Owned { run } => {
            ApiError::conflict("not-possible", format!("run {run} is being worked on by another process"))
        }
        RunError::Process(_) | RunError::Internal(_) | RunError::System { .. } => ApiError::internal(error),
    }
}
