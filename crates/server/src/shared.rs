//! What the parts of the server share: options, limits, readiness, what was opened.

use std::future::Future;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use exhibit_http::{ApiError, Dialect, Route, Scope, Scopes};
use exhibit_model::time::IdSource;
use exhibit_store::Store;
use tokio::sync::{Semaphore, watch};

use crate::metrics::Metrics;
use crate::origin::Names;
use crate::throttle::Throttle;
use crate::token::CHANCE_BYTES;

/// How much the server takes on, and for how long.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at a time; more wait to be accepted.
    pub connections: usize,
    /// Requests that are worked on at a time; more wait, and are turned away when their time is over.
    pub requests: usize,
    /// Event streams at a time.
    pub streams: usize,
    /// How long the headers of a request may take, and how long a connection may be idle.
    pub headers: Duration,
    /// How long a body may take.
    pub body: Duration,
    /// How long a request may be worked on, until its answer begins.
    pub request: Duration,
    /// How long the other side may take nothing of an answer.
    pub stalled: Duration,
    /// How long requests may go on when the server ends.
    pub stopping: Duration,
}

impl Default for Limits {
    /// A person with a few tabs, programs and a scraper stay far below; whoever opens as many connections as possible meets them.
    fn default() -> Self {
        Self {
            connections: 512,
            requests: 64,
            streams: 64,
            headers: Duration::from_secs(10),
            body: Duration::from_secs(20),
            request: Duration::from_secs(60),
            stalled: Duration::from_secs(60),
            stopping: Duration::from_secs(10),
        }
    }
}

/// How to listen.
pub struct Options {
    /// The address; port 0 takes any.
    pub listen: SocketAddr,
    /// Whether a proxy stands before it.
    pub behind_proxy: bool,
    /// Names under which it answers, besides those of the loopback interface.
    pub hosts: Vec<String>,
    /// Its bounds.
    pub limits: Limits,
    /// The version of the program.
    pub version: &'static str,
    /// Where ids of requests come from.
    pub ids: Arc<dyn IdSource>,
    /// Where secrets come from.
    pub chance: fn() -> [u8; CHANCE_BYTES],
    /// How problems are told below some prefixes.
    pub dialects: Vec<Dialect>,
    /// The secret that older clients share.
    pub secret: SharedSecret,
}

/// The secret that older clients send in the header `x-secret-key`, and what it opens.
#[derive(Clone, Default)]
pub struct SharedSecret {
    /// The secret; `Some` of an empty text is a mistake that every request is told of.
    pub value: Option<String>,
    /// What it may do.
    pub scopes: Scopes,
}

/// What `exhibit doctor` says, asked anew.
pub type Doctor =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<serde_json::Value, ApiError>> + Send>> + Send + Sync>;

/// What the program opened.
pub struct Opened {
    /// The store.
    pub store: Store,
    /// The routes of the rooms.
    pub routes: Vec<Route>,
    /// The configuration, without secrets.
    pub settings: serde_json::Value,
    /// What this machine offers and what is missing.
    pub doctor: Doctor,
    /// What the rooms count.
    pub counters: Vec<Counters>,
}

/// Numbers of a room for Prometheus, in its text format.
pub type Counters = Arc<dyn Fn() -> String + Send + Sync>;

/// Why the server is not ready: a closed list, which `/readyz` tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It has just begun, or brings the database up to date.
    Starting,
    /// The configuration cannot be read, or says what cannot be.
    ConfigInvalid,
    /// Two settings say different things about one matter.
    ConfigConflict,
    /// No database is configured.
    NoStore,
    /// The file of the database cannot be used.
    DbPathInvalid,
    /// The database server does not answer.
    DbUnreachable,
    /// The database was written by a newer version.
    DbNewer,
    /// The database is that of another program.
    DbForeign,
    /// A migration that was applied has another text now.
    ChecksumMismatch,
    /// Another process holds the database.
    MigrationLocked,
    /// The database could not be brought up to date.
    MigrationFailed,
    /// An older file could not be taken in.
    ImportFailed,
    /// There was no room left while the database was brought up to date.
    DiskFull,
    /// It is about to end.
    Stopping,
}

impl Reason {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::ConfigInvalid => "config_invalid",
            Self::ConfigConflict => "config_conflict",
            Self::NoStore => "no_store",
            Self::DbPathInvalid => "db_path_invalid",
            Self::DbUnreachable => "db_unreachable",
            Self::DbNewer => "db_newer",
            Self::DbForeign => "db_foreign",
            Self::ChecksumMismatch => "checksum_mismatch",
            Self::MigrationLocked => "migration_locked",
            Self::MigrationFailed => "migration_failed",
            Self::ImportFailed => "import_failed",
            Self::DiskFull => "disk_full",
            Self::Stopping => "stopping",
        }
    }
}

/// Where a request comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub Option<IpAddr>);

/// The id of a request.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub String);

/// What the log and the metrics say about an answer.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub route: &'static str,
    pub token: Option<String>,
    pub scope: Option<Scope>,
}

pub(crate) struct Shared {
    pub limits: Limits,
    pub names: Names,
    pub version: &'static str,
    pub ids: Arc<dyn IdSource>,
    pub chance: fn() -> [u8; CHANCE_BYTES],
    /// `None` is ready.
    pub readiness: watch::Sender<Option<Reason>>,
    pub store: OnceLock<Store>,
    pub router: OnceLock<Router>,
    pub metrics: Metrics,
    pub requests: Arc<Semaphore>,
    pub streams: Arc<Semaphore>,
    pub throttle: Throttle,
    pub dialects: Vec<Dialect>,
    pub secret: SharedSecret,
    pub counters: OnceLock<Vec<Counters>>,
}

impl Shared {
    pub fn new(options: &Options, port: u16) -> Self {
        let Options { behind_proxy, hosts, limits, version, ids, chance, dialects, secret, .. } = options;
        Self {
            names: Names { port, hosts: hosts.clone(), behind_proxy: *behind_proxy },
            version,
            ids: Arc::clone(ids),
            chance: *chance,
            readiness: watch::Sender::new(Some(Reason::Starting)),
            store: OnceLock::new(),
            router: OnceLock::new(),
            metrics: Metrics::default(),
            requests: Arc::new(Semaphore::new(limits.requests)),
            streams: Arc::new(Semaphore::new(limits.streams)),
            throttle: Throttle::default(),
            dialects: dialects.clone(),
            secret: secret.clone(),
            counters: OnceLock::new(),
            limits: limits.clone(),
        }
    }

    /// The store; handlers run only once it is there.
    pub fn store(&self) -> Result<&Store, ApiError> {
        self.store.get().ok_or_else(|| not_ready(Reason::Starting))
    }

    /// Microseconds since 1970.
    pub fn now_us(&self) -> Result<i64, ApiError> {
        Ok(self.store()?.clock().now().0)
    }

    /// Whom a failed login is counted for.
    pub fn place(&self, peer: Option<&Peer>) -> Option<IpAddr> {
        if self.names.behind_proxy { None } else { peer.and_then(|peer| peer.0) }
    }
}

/// 503 with the reason.
pub(crate) fn not_ready(reason: Reason) -> ApiError {
    let detail = format!("the server is not ready: {}", reason.as_str());
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", detail).hint("ask again in a moment")
}
