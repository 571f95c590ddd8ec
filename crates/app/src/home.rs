//! The home: the folder with the database, blobs, scratch, locks, keys and the log; and what is opened in it.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use exhibit_agents::room::AgentsRoom;
use exhibit_archive::ArchiveRoom;
use exhibit_engine::confine::{Confinement, Verdict, probe};
use exhibit_engine::disk::DiskRules;
use exhibit_engine::memory::MemoryPlan;
use exhibit_engine::registry::ExtractorSet;
use exhibit_engine::{Engine, EngineOptions};
use exhibit_model::time::IdSource;
use exhibit_server::Reason;
use exhibit_store::{Location, READERS_DEFAULT, Store, StoreError, StoreOptions};

use crate::clock::{SystemClock, Ulids, random_bytes, random_u128};
use crate::config::{self, Config, EngineConfig, Synchronous};
use crate::error::CliError;
use crate::machine;

/// How a command wants its engine.
#[derive(Debug, Clone, Copy, Default)]
pub struct EngineWishes {
    /// Workers; as configured when absent.
    pub workers: Option<usize>,
    /// Run although the kernel cannot confine extractors.
    pub allow_unconfined: bool,
    /// Hash every original before it is used.
    pub verify_inputs: bool,
}

/// What is open while a command runs.
pub struct App {
    /// The folder.
    pub home: PathBuf,
    /// What `exhibit.toml` and the environment say.
    pub config: Config,
    /// The store.
    pub store: Store,
    /// Where ids come from.
    pub ids: Arc<dyn IdSource>,
}

impl App {
    /// Opens the home, making it when it does not exist.
    pub fn open(home: &Path) -> Result<Self, CliError> {
        Self::open_if_reachable(home)?.map_err(CliError::failed)
    }

    /// Opens the home. The inner error says that nobody answers where the database is: a server waits until that is over.
    pub fn open_if_reachable(home: &Path) -> Result<Result<Self, String>, CliError> {
        let config = config::load(home)?;
        make_folder(home)?;
        start_log(home).map_err(|error| {
            let home = home.display();
            CliError::failed(format!("the home {home} cannot be written: {error}; make it writable for this user, or choose another with --home"))
        })?;
        let ids: Arc<dyn IdSource> = Arc::new(Ulids::default());
        let store = open_store(store_options(home, location(home, &config)))?;
        Ok(store.map(|store| Self { home: home.to_owned(), config, store, ids }))
    }

    /// What must never lie in a source, nor a source in it.
    pub fn own_folders(&self) -> Vec<PathBuf> {
        own_folders(&self.home, &self.config)
    }

    /// The file of the key that signs checkpoints.
    pub fn key_path(&self) -> PathBuf {
        self.home.join("keys").join("ledger.key")
    }

    /// The engine. Refuses where the kernel cannot confine, unless that was allowed.
    pub fn engine(&self, extractors: ExtractorSet, wanted: EngineWishes) -> Result<Engine, CliError> {
        make_engine(&self.store, self.settings(extractors, wanted)?)
    }

    /// What an engine is made with. Refuses as [`Self::engine`] does.
    pub fn engine_options(&self, extractors: ExtractorSet, wanted: EngineWishes) -> Result<EngineOptions, CliError> {
        engine_options(self.settings(extractors, wanted)?, confinement(wanted.allow_unconfined)?)
    }

    /// The engine of a server: extractors run confined or not at all, and a run says so when the kernel cannot confine them.
    pub fn confined_engine(&self, extractors: ExtractorSet, wanted: EngineWishes) -> Result<Engine, CliError> {
        let settings = self.settings(extractors, wanted)?;
        Ok(Engine::new(self.store.clone(), engine_options(settings, Confinement::Full)?))
    }

    /// An engine that starts no extractor, so that it does not matter which there are and what the kernel enforces.
    pub fn engine_without_extractors(&self) -> Result<Engine, CliError> {
        self.confined_engine(ExtractorSet::default(), EngineWishes::default())
    }

    fn settings(&self, extractors: ExtractorSet, wanted: EngineWishes) -> Result<EngineSettings, CliError> {
        Ok(EngineSettings {
            extractors,
            work_folder: self.home.join("work"),
            home_id: self.home_id()?,
            wanted,
            config: self.config.engine.clone(),
            disk: self.disk_rules()?,
        })
    }

    /// What runs may write, and how much room has to stay.
    pub fn disk_rules(&self) -> Result<DiskRules, CliError> {
        let mut folders = vec![self.home.join("blobs"), self.home.join("work")];
        if let Location::Sqlite { path, .. } = location(&self.home, &self.config) {
            folders.push(path.parent().unwrap_or(&self.home).to_owned());
        }
        let quota = |mib: u64| (mib > 0).then(|| mib.saturating_mul(1 << 20));
        Ok(DiskRules {
            folders,
            reserve: self.config.engine.disk_reserve.parse().map_err(CliError::usage)?,
            blobs_max: quota(self.config.blobs.quota_mib),
            database_max: quota(self.config.store.quota_mib),
            wait_s: self.config.engine.disk_wait_s,
        })
    }

    /// A random number that names this home, made once.
    fn home_id(&self) -> Result<String, CliError> {
        let path = self.home.join("id");
        let fresh: String = random_bytes::<16>().iter().map(|byte| format!("{byte:02x}")).collect();
        let temporary = self.home.join(format!("id.{fresh}"));
        if !path.exists() {
            std::fs::write(&temporary, &fresh)?;
            // A link never replaces: the first of several processes wins, and all read the same.
            std::fs::hard_link(&temporary, &path).ok();
            std::fs::remove_file(&temporary)?;
        }
        Ok(std::fs::read_to_string(&path)?.trim().to_owned())
    }
}

/// What differs between the engine of a home and that of a trial.
#[derive(Default)]
pub struct EngineSettings {
    /// The extractors that can be used.
    pub extractors: ExtractorSet,
    /// Folder for scratch and locks.
    pub work_folder: PathBuf,
    /// Names the home.
    pub home_id: String,
    /// How the command wants it.
    pub wanted: EngineWishes,
    /// Leases and memory.
    pub config: EngineConfig,
    /// What may be written, and how much room has to stay.
    pub disk: DiskRules,
}

/// An engine of this binary on a store. Refuses where the kernel cannot confine, unless that was allowed.
pub fn make_engine(store: &Store, settings: EngineSettings) -> Result<Engine, CliError> {
    let confinement = confinement(settings.wanted.allow_unconfined)?;
    Ok(Engine::new(store.clone(), engine_options(settings, confinement)?))
}

fn engine_options(settings: EngineSettings, confinement: Confinement) -> Result<EngineOptions, CliError> {
    let plan = memory_plan(&settings.config, settings.wanted.workers);
    let exe = std::env::current_exe()?;
    Ok(EngineOptions {
        extractors: settings.extractors,
        build: build_id(&exe),
        exe,
        work_folder: settings.work_folder,
        home_id: settings.home_id,
        workers: plan.workers,
        lease_ms: settings.config.lease_ms,
        process_memory_max: plan.process_bytes_max,
        disk: settings.disk,
        verify_inputs: settings.wanted.verify_inputs,
        confinement,
        ids: Arc::new(Ulids::default()),
    })
}

/// The home, what is in it (which may be a link to elsewhere), and the database file: none may lie in a source, nor a source in it.
pub fn own_folders(home: &Path, config: &Config) -> Vec<PathBuf> {
    let mut folders = vec![home.to_owned()];
    folders.extend(
        ["blobs", "work", "work/scratch", "keys", "plugins", "logs", "logs/exhibit.log"].map(|name| home.join(name)),
    );
    if let Location::Sqlite { path, .. } = location(home, config) {
        folders.push(path);
    }
    folders
}

/// What an extractor must not open: the database file, blobs, keys and the log, those that are there.
pub fn private_paths(home: &Path, config: &Config) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = ["blobs", "keys", "logs"].map(|name| home.join(name)).to_vec();
    if let Location::Sqlite { path, .. } = location(home, config) {
        paths.push(path);
    }
    paths.retain(|path| path.exists());
    paths
}

/// Workers at most, whatever is asked for.
const WORKERS_MAX: usize = 256;

/// How many extractor processes there are, and what each may use.
pub fn memory_plan(engine: &EngineConfig, workers: Option<usize>) -> MemoryPlan {
    const MIB: u64 = 1024 * 1024;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let configured = if engine.workers == 0 { cores } else { engine.workers };
    let wanted = workers.unwrap_or(configured).clamp(1, WORKERS_MAX);
    MemoryPlan::new(wanted, engine.process_memory_mib * MIB, memory_max(engine))
}

/// Bytes that all extractor processes of a host may use together.
pub fn memory_max(engine: &EngineConfig) -> u64 {
    match engine.memory_max_mib {
        0 => machine::memory_bytes() / 2,
        mib => mib * 1024 * 1024,
    }
}

/// Whether there is a store to ask: a database file, or a server that is configured.
pub fn has_store(home: &Path, config: &Config) -> bool {
    match location(home, config) {
        Location::Sqlite { path, .. } => path.exists(),
        Location::Postgres { .. } => true,
    }
}

/// How to open the store of a home.
pub fn store_options(home: &Path, location: Location) -> StoreOptions {
    StoreOptions {
        location,
        blobs: home.join("blobs"),
        rooms: vec![archive_room(), &AgentsRoom],
        clock: Arc::new(SystemClock),
        process: random_u128(),
        readers: READERS_DEFAULT,
    }
}

/// Opens the store, and names the setting to look at when it cannot be reached.
fn open_store(options: StoreOptions) -> Result<Result<Store, String>, CliError> {
    let may_pass = matches!(options.location, Location::Postgres { .. });
    let setting = match &options.location {
        Location::Postgres { .. } => "is the server running, and is `store.postgres.url` right?",
        Location::Sqlite { .. } => "is `store.sqlite.path` right, and does its folder exist?",
    };
    match Store::open(options) {
        Ok(store) => Ok(Ok(store)),
        Err(error @ StoreError::Unreachable { .. }) if may_pass => Ok(Err(format!("{error}; {setting}"))),
        Err(error @ StoreError::Unreachable { .. }) => {
            Err(CliError::failed(format!("{error}; {setting}")).because(Reason::DbPathInvalid))
        }
        Err(other) => Err(other.into()),
    }
}

pub fn location(home: &Path, config: &Config) -> Location {
    match &config.store.postgres.url {
        Some(address) => Location::Postgres { address: address.clone() },
        None => Location::Sqlite {
            path: config.store.sqlite.path.clone().unwrap_or_else(|| home.join("store.sqlite")),
            synchronous: match config.store.synchronous {
                Synchronous::Full => exhibit_store::Synchronous::Full,
                Synchronous::Normal => exhibit_store::Synchronous::Normal,
            },
        },
    }
}

/// The room of photos and videos.
pub fn archive_room() -> &'static ArchiveRoom {
    static ROOM: OnceLock<ArchiveRoom> = OnceLock::new();
    ROOM.get_or_init(|| ArchiveRoom { kinds: exhibit_extractors::kind_files() })
}

pub fn make_folder(home: &Path) -> Result<(), CliError> {
    let wrong = |error: std::io::Error| {
        CliError::failed(format!("the home {} cannot be made: {error}; choose another with --home", home.display()))
    };
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(home).map_err(wrong)?;
    if !home.is_dir() {
        return Err(CliError::usage(format!("the home {} is not a folder", home.display())));
    }
    Ok(())
}

/// Largest log file in bytes; then it becomes `exhibit.log.1` and a new one begins.
const LOG_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The log: one line per event, with ids as fields.
fn start_log(home: &Path) -> std::io::Result<()> {
    let folder = home.join("logs");
    std::fs::create_dir_all(&folder)?;
    let path = folder.join("exhibit.log");
    if std::fs::metadata(&path).is_ok_and(|found| found.len() > LOG_BYTES_MAX) {
        std::fs::rename(&path, folder.join("exhibit.log.1"))?;
    }
    let file = std::fs::File::options().create(true).append(true).open(&path)?;
    let log = tracing_subscriber::fmt().with_ansi(false).with_target(false).with_max_level(tracing::Level::INFO);
    // A second command in one process (tests) keeps the first log.
    log.with_writer(Arc::new(file)).try_init().ok();
    Ok(())
}

/// What extractors are confined by. Refuses where the kernel cannot confine, unless that was allowed; then it says so, whatever `--quiet`.
pub fn confinement(allow_unconfined: bool) -> Result<Confinement, CliError> {
    match probe().verdict {
        Verdict::Confined => Ok(Confinement::Full),
        Verdict::Unconfined { why } if allow_unconfined => {
            eprintln!("WARNING: extractors run UNCONFINED: {why}.");
            eprintln!(
                "WARNING: a broken or hostile file could change your originals, read your files and use the network."
            );
            eprintln!("WARNING: every result of this run is marked; `exhibit explain` shows it.");
            tracing::warn!(why, "extractors run unconfined");
            Ok(Confinement::None)
        }
        Verdict::Unconfined { why } => Err(CliError::failed(format!(
            "extractors cannot be confined here: {why}; `exhibit doctor` tells more, --allow-unconfined runs them all the same"
        ))),
    }
}

/// Version and first digits of the SHA-256 of the binary. Read in pieces: with its symbols the binary is larger than all else in memory.
fn build_id(exe: &Path) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let digest = || -> std::io::Result<exhibit_model::digest::Digest> {
        let mut file = std::fs::File::open(exe)?;
        let mut hasher = exhibit_model::digest::DigestHasher::new();
        let mut piece = vec![0; 256 * 1024];
        loop {
            match std::io::Read::read(&mut file, &mut piece)? {
                0 => return Ok(hasher.finish()),
                count => hasher.update(&piece[..count]),
            }
        }
    };
    match digest() {
        Ok(digest) => format!("exhibit {version} ({})", &digest.to_hex()[..16]),
        Err(_) => format!("exhibit {version}"),
    }
}
