//! The home: the folder with the database, blobs, scratch, locks, keys and the log; and what is opened in it.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use exhibit_archive::ArchiveRoom;
use exhibit_engine::confine::{Confinement, Verdict, probe};
use exhibit_engine::{Engine, EngineOptions};
use exhibit_model::time::IdSource;
use exhibit_store::{Location, READERS_DEFAULT, Store, StoreError, StoreOptions};

use crate::clock::{SystemClock, Ulids, random_bytes, random_u128};
use crate::config::{self, Config, Synchronous};
use crate::error::CliError;

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
        let config = config::load(home)?;
        make_folder(home)?;
        start_log(home).map_err(|error| {
            let home = home.display();
            CliError::failed(format!("the home {home} cannot be written: {error}; make it writable for this user, or choose another with --home"))
        })?;
        let ids: Arc<dyn IdSource> = Arc::new(Ulids::default());
        let store = open_store(store_options(home, location(home, &config)))?;
        Ok(Self { home: home.to_owned(), config, store, ids })
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
    pub fn engine(&self, workers: Option<usize>, allow_unconfined: bool) -> Result<Engine, CliError> {
        let confinement = confinement(allow_unconfined)?;
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        let configured = if self.config.engine.workers == 0 { cores } else { self.config.engine.workers };
        let exe = std::env::current_exe()?;
        let options = EngineOptions {
            extractors: exhibit_extractors::built_in(),
            build: build_id(&exe),
            exe,
            work_folder: self.home.join("work"),
            home_id: self.home_id()?,
            workers: workers.unwrap_or(configured).clamp(1, 256),
            lease_ms: self.config.engine.lease_ms,
            process_memory_max: self.config.engine.process_memory_mib * 1024 * 1024,
            confinement,
            ids: Arc::clone(&self.ids),
        };
        Ok(Engine::new(self.store.clone(), options))
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

/// The home, what is in it (which may be a link to elsewhere), and the database file: none may lie in a source, nor a source in it.
pub fn own_folders(home: &Path, config: &Config) -> Vec<PathBuf> {
    let mut folders = vec![home.to_owned()];
    folders.extend(["blobs", "work", "work/scratch", "keys", "logs", "logs/exhibit.log"].map(|name| home.join(name)));
    if let Location::Sqlite { path, .. } = location(home, config) {
        folders.push(path);
    }
    folders
}

/// How to open the store of a home.
pub fn store_options(home: &Path, location: Location) -> StoreOptions {
    StoreOptions {
        location,
        blobs: home.join("blobs"),
        rooms: vec![archive_room()],
        clock: Arc::new(SystemClock),
        process: random_u128(),
        readers: READERS_DEFAULT,
    }
}

/// Opens the store, and names the setting to look at when it cannot be reached.
fn open_store(options: StoreOptions) -> Result<Store, CliError> {
    let setting = match &options.location {
        Location::Postgres { .. } => "is the server running, and is `store.postgres.url` right?",
        Location::Sqlite { .. } => "is `store.sqlite.path` right, and does its folder exist?",
    };
    Store::open(options).map_err(|error| match error {
        StoreError::Unreachable { .. } => CliError::failed(format!("{error}; {setting}")),
        other => other.into(),
    })
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

fn archive_room() -> &'static ArchiveRoom {
    static ROOM: OnceLock<ArchiveRoom> = OnceLock::new();
    ROOM.get_or_init(|| ArchiveRoom { kinds: exhibit_extractors::kind_files() })
}

fn make_folder(home: &Path) -> Result<(), CliError> {
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

fn confinement(allow_unconfined: bool) -> Result<Confinement, CliError> {
    match probe().verdict {
        Verdict::Confined => Ok(Confinement::Full),
        Verdict::Unconfined { why } if allow_unconfined => {
            eprintln!(
                "WARNING: extractors run UNCONFINED: {why}. A broken or hostile file could change your originals."
            );
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
