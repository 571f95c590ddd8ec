//! Configuration: one struct, one TOML file, one environment prefix. The only place that reads the environment.

mod control;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use exhibit_agents::collect::discover::Folders;
use exhibit_agents::retention::Rules;
use exhibit_engine::disk::Reserve;
use exhibit_http::{Scope, Scopes};
use serde::{Deserialize, Serialize, Serializer};

pub use self::control::{ControlConfig, ControllerKind};
use exhibit_server::Reason;

use crate::error::CliError;

/// Everything that `exhibit.toml` may say. Unknown keys are errors.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How requests are answered.
    pub server: ServerConfig,
    /// Where things are kept.
    pub store: StoreConfig,
    /// Where blobs are kept.
    pub blobs: BlobsConfig,
    /// How runs are worked off.
    pub engine: EngineConfig,
    /// The ledger of AI agents.
    pub agents: AgentsConfig,
}

/// `[agents]`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct AgentsConfig {
    /// What the shared secret of older clients opens: some of read, ingest and control.
    pub secret_scopes: Vec<String>,
    /// What is taken in.
    pub contract: ContractConfig,
    /// Who runs agents, and what may be ordered of them.
    pub control: ControlConfig,
    /// What is read where it lies.
    pub collect: CollectConfig,
    /// Files of older versions.
    pub import: ImportConfig,
    /// How long what is kept.
    pub retention: Rules,
}

impl Default for AgentsConfig {
    fn default() -> Self {
        let scopes = ["read", "ingest", "control"];
        Self {
            secret_scopes: scopes.map(str::to_owned).to_vec(),
            contract: ContractConfig::default(),
            control: ControlConfig::default(),
            collect: CollectConfig::default(),
            import: ImportConfig::default(),
            retention: Rules::default(),
        }
    }
}

impl AgentsConfig {
    /// What the shared secret opens.
    pub fn scopes(&self) -> Result<Scopes, CliError> {
        let words = self.secret_scopes.iter().map(|word| word.parse::<Scope>());
        let scopes: Scopes =
            words.collect::<Result<_, _>>().map_err(|told| invalid(format!("agents.secret_scopes: {told}")))?;
        if scopes.has(Scope::Admin) {
            let told = "agents.secret_scopes: the shared secret opens the routes of older clients, none of which needs `admin`";
            return Err(invalid(format!("{told}; `exhibit tokens create` makes a token for the others")));
        }
        Ok(scopes)
    }
}

/// `[agents.collect]`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct CollectConfig {
    /// Whether a server reads the session files of Claude Code, Codex and OpenClaw of its user.
    pub files: bool,
    /// How often it looks for news in them, in seconds.
    pub every_s: u32,
}

impl Default for CollectConfig {
    fn default() -> Self {
        Self { files: false, every_s: 5 }
    }
}

/// `[agents.import]`
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ImportConfig {
    /// The folder below which files may be named over HTTP; without it none may.
    pub folder: Option<PathBuf>,
    /// Whether a server takes `data/v3-intelligence.json` over before it is ready.
    pub at_start: bool,
}

/// The folders in which agents of this user keep their sessions.
pub fn agent_folders() -> Result<Folders, CliError> {
    let Some(home) = user_home() else { return Ok(Folders::default()) };
    let claude = outside("CLAUDE_CONFIG_DIR")?;
    let codex = variable("CODEX_HOME").map(PathBuf::from);
    Ok(Folders::usual(&home, claude.as_deref(), codex.as_deref()))
}

/// `[agents.contract]`
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ContractConfig {
    /// Whether documents without an envelope are taken in, as the first version of the contract had them.
    pub allow_bare: bool,
}

/// The file of the database, as the older contract names it.
const DB_PATH: &str = "HELICARRIER_DB_PATH";

/// Whether SQLite is used; without it there has to be a PostgreSQL server.
const ENABLE_SQLITE: &str = "HELICARRIER_ENABLE_SQLITE";

/// Whether the file of V3 is taken over at the start.
const ENABLE_JSON_IMPORT: &str = "HELICARRIER_ENABLE_JSON_IMPORT";

/// `false` takes documents without an envelope in.
const CONTRACT_STRICT: &str = "HELICARRIER_CONTRACT_STRICT";

/// The variables that hold the secret of older clients; the first that is set counts, also when it is empty.
const SECRET_VARIABLES: [&str; 2] = ["HELICARRIER_SECRET", "OPENCLAW_AUTH_TOKEN"];

/// The secret that older clients share.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
pub fn shared_secret() -> Result<Option<String>, CliError> {
    for name in SECRET_VARIABLES {
        if let Some(value) = std::env::var_os(name) {
            let text = value.into_string();
            return text
                .map(Some)
                .map_err(|_| CliError::usage(format!("the environment variable {name}: it is not text")));
        }
    }
    Ok(None)
}

/// `[server]`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// The address of `exhibit serve`.
    pub listen: SocketAddr,
    /// Whether a proxy with TLS stands before it, so that it may listen elsewhere than on the loopback interface.
    pub behind_proxy: bool,
    /// Names under which it answers, besides localhost.
    pub hosts: Vec<String>,
    /// Folders under which sources may be added over HTTP.
    pub sources_allowed: Vec<PathBuf>,
}

impl Default for ServerConfig {
    fn default() -> Self {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 8765));
        Self { listen, behind_proxy: false, hosts: Vec::new(), sources_allowed: Vec::new() }
    }
}

/// `[blobs]`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct BlobsConfig {
    /// How long a blob that nothing names any more stays, in seconds.
    pub grace_s: u32,
    /// Most MiB that all blobs together may have; 0 = no quota.
    pub quota_mib: u64,
}

impl BlobsConfig {
    /// How long a blob that nothing names any more stays, in microseconds.
    pub fn grace_us(&self) -> i64 {
        i64::from(self.grace_s) * 1_000_000
    }
}

impl Default for BlobsConfig {
    fn default() -> Self {
        Self { grace_s: 3_600, quota_mib: 0 }
    }
}

/// `[store]`
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    /// `[store.sqlite]`: the embedded default.
    pub sqlite: SqliteConfig,
    /// `[store.postgres]`: used when it has a `url`.
    pub postgres: PostgresConfig,
    /// `full` (each acknowledged commit is on the disk) or `normal` (a power cut may lose the last ones).
    pub synchronous: Synchronous,
    /// Most MiB that the database may have; 0 = no quota.
    pub quota_mib: u64,
}

/// `[store.sqlite]`
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct SqliteConfig {
    /// The file; `store.sqlite` in the home when it is not given.
    pub path: Option<PathBuf>,
}

/// `[store.postgres]`
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct PostgresConfig {
    /// URL or keywords. Holds a password, perhaps: never printed.
    #[serde(serialize_with = "whether_set")]
    pub url: Option<String>,
}

/// Of a secret only whether there is one.
fn whether_set<S: Serializer>(secret: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(|_| "set").serialize(serializer)
}

impl std::fmt::Debug for PostgresConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PostgresConfig {{ url: {} }}", if self.url.is_some() { "set" } else { "not set" })
    }
}

/// `store.synchronous`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Synchronous {
    /// Safe against a power cut.
    #[default]
    Full,
    /// Faster.
    Normal,
}

/// `[engine]`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct EngineConfig {
    /// Extractor processes at a time; 0 = one per core.
    pub workers: usize,
    /// How long leases last, in milliseconds.
    pub lease_ms: i64,
    /// Crashes after which a unit is given up.
    pub attempts_max: i64,
    /// Memory of one extractor process with its tools, in MiB.
    pub process_memory_mib: u64,
    /// How long the results of a sandbox run stay, in days.
    pub sandbox_days: u16,
    /// Room that stays free where the home lies: `2%`, `500MiB`, `10GiB`. Below it a run waits.
    #[serde(deserialize_with = "text_or_number")]
    pub disk_reserve: String,
    /// How long a run waits for room before it ends with what is blocked, in seconds.
    pub disk_wait_s: u32,
    /// Memory of all extractor processes of a host together, in MiB; 0 = half of what the machine has.
    pub memory_max_mib: u64,
}

impl EngineConfig {
    /// How long the results of a sandbox run stay, in microseconds.
    pub fn sandbox_us(&self) -> i64 {
        i64::from(self.sandbox_days) * 24 * 60 * 60 * 1_000_000
    }
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            workers: 0,
            lease_ms: 15_000,
            attempts_max: 3,
            process_memory_mib: 4_096,
            sandbox_days: 7,
            disk_reserve: "2%".to_owned(),
            disk_wait_s: 600,
            memory_max_mib: 0,
        }
    }
}

/// `0` may be written without quotation marks.
fn text_or_number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a text like 2%, 500MiB or 10GiB")]
    enum Given {
        Text(String),
        Number(u64),
    }
    Ok(match Given::deserialize(deserializer)? {
        Given::Text(text) => text,
        Given::Number(number) => number.to_string(),
    })
}

/// The prefix of all our environment variables.
const PREFIX: &str = "EXHIBIT_";

/// The variable that names the home.
const HOME_VARIABLE: &str = "EXHIBIT_HOME";

/// The variable that names a server to ask in place of the home.
pub const SERVER_VARIABLE: &str = "EXHIBIT_SERVER";

/// The variable that holds the token for it.
pub const TOKEN_VARIABLE: &str = "EXHIBIT_TOKEN";

/// The variable that says how many seconds an answer of it may take.
pub const TIMEOUT_VARIABLE: &str = "EXHIBIT_SERVER_TIMEOUT_S";

/// Those without a section: they say where to look, not how what is found there is set up.
const OUTSIDE: [&str; 4] = [HOME_VARIABLE, SERVER_VARIABLE, TOKEN_VARIABLE, TIMEOUT_VARIABLE];

/// Largest `exhibit.toml` in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The home: `--home`, `EXHIBIT_HOME`, else the data folder of the user.
pub fn home_folder(given: Option<PathBuf>) -> Result<PathBuf, CliError> {
    if let Some(home) = given.or_else(|| variable(HOME_VARIABLE).map(PathBuf::from)) {
        return std::path::absolute(&home)
            .map_err(|error| CliError::usage(format!("the home {} cannot be used: {error}", home.display())));
    }
    let data = variable("XDG_DATA_HOME").map(PathBuf::from);
    let data = data.or_else(|| user_home().map(|home| home.join(".local/share")));
    data.map(|data| data.join("exhibit"))
        .ok_or_else(|| CliError::usage("neither --home, EXHIBIT_HOME nor HOME is set; give --home DIR"))
}

/// The home folder of the user, where other programs keep their logs.
pub fn user_home() -> Option<PathBuf> {
    variable("HOME").map(PathBuf::from)
}

/// What the environment says of a server, as text.
pub fn outside(name: &str) -> Result<Option<String>, CliError> {
    let text = variable(name).map(std::ffi::OsString::into_string).transpose();
    text.map_err(|_| CliError::usage(format!("the environment variable {name}: it is not text")))
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
fn variable(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Reads `exhibit.toml` in the home, then the environment over it.
pub fn load(home: &Path) -> Result<Config, CliError> {
    let path = home.join("exhibit.toml");
    let wrong = |reason: String| invalid(format!("{}: {reason}", path.display()));
    let text = match std::fs::metadata(&path) {
        Ok(found) if found.len() > FILE_BYTES_MAX => return Err(wrong("it is larger than 1 MiB".to_owned())),
        Ok(_) => std::fs::read_to_string(&path).map_err(|error| wrong(error.to_string()))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
            return Err(CliError::usage(format!(
                "the home {} is not a folder; choose another with --home",
                home.display()
            )));
        }
        Err(error) => return Err(wrong(error.to_string())),
    };
    // Once alone, so that a mistake in the file is told with its line.
    toml::from_str::<Config>(&text).map_err(|error| wrong(error.to_string().trim_end().to_owned()))?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| wrong(error.to_string()))?;
    let (mut config, table) = overlay_environment(table)?;
    older_variables(&mut config, &table)?;
    check(&config)?;
    Ok(config)
}

/// What is wrong with the configuration, for `/readyz` too.
fn invalid(message: impl Into<String>) -> CliError {
    CliError::usage(message).because(Reason::ConfigInvalid)
}

/// The variables of the older contract, each of which has a key of our own; where both are given they have to agree.
fn older_variables(config: &mut Config, table: &toml::Table) -> Result<(), CliError> {
    let key = |path: &[&str]| {
        let (last, sections) = path.split_last()?;
        let section = sections.iter().try_fold(table, |table, name| table.get(*name)?.as_table())?;
        section.get(*last)
    };
    let conflict = |name: &str, own: &str| {
        CliError::usage(format!(
            "the environment variable {name} and `{own}` say different things; leave one of them out"
        ))
        .because(Reason::ConfigConflict)
    };
    if let Some(path) = outside(DB_PATH)?.map(PathBuf::from) {
        if key(&["store", "sqlite", "path"]).is_some() && config.store.sqlite.path.as_ref() != Some(&path) {
            return Err(conflict(DB_PATH, "store.sqlite.path"));
        }
        config.store.sqlite.path = Some(path);
    }
    let has_postgres = config.store.postgres.url.is_some();
    match outside(ENABLE_SQLITE)?.as_deref() {
        None => {}
        Some("true") if has_postgres => return Err(conflict(ENABLE_SQLITE, "store.postgres.url")),
        Some("true") => {}
        Some("false") if has_postgres => {}
        Some("false") => {
            let told =
                format!("{ENABLE_SQLITE} is false and `store.postgres.url` is not set: there is no database to use");
            return Err(CliError::usage(told).because(Reason::NoStore));
        }
        Some(_) => return Err(invalid(format!("the environment variable {ENABLE_SQLITE} is true or false"))),
    }
    if let Some(strict) = outside(CONTRACT_STRICT)? {
        // Anything but this one word is strict, so that a slip of the pen opens nothing.
        let allow_bare = strict == "false";
        if key(&["agents", "contract", "allow_bare"]).is_some() && config.agents.contract.allow_bare != allow_bare {
            return Err(conflict(CONTRACT_STRICT, "agents.contract.allow_bare"));
        }
        config.agents.contract.allow_bare = allow_bare;
    }
    if let Some(word) = outside(ENABLE_JSON_IMPORT)? {
        let at_start = word
            .parse::<bool>()
            .map_err(|_| invalid(format!("the environment variable {ENABLE_JSON_IMPORT} is true or false")))?;
        if key(&["agents", "import", "at_start"]).is_some() && config.agents.import.at_start != at_start {
            return Err(conflict(ENABLE_JSON_IMPORT, "agents.import.at_start"));
        }
        config.agents.import.at_start = at_start;
    }
    Ok(())
}

/// Lays the environment over what the file says, in the order of the names, so that the first mistake is always the same.
fn overlay_environment(mut table: toml::Table) -> Result<(Config, toml::Table), CliError> {
    let ours = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
    let mut ours: Vec<_> =
        ours.filter(|(name, _)| name.starts_with(PREFIX) && !OUTSIDE.contains(&name.as_str())).collect();
    ours.sort();
    let mut config: Config = read_table(&table)?;
    for (name, value) in ours {
        let wrong = |reason: &str| invalid(format!("the environment variable {name}: {reason}"));
        let value = value.to_str().ok_or_else(|| wrong("it is not text"))?;
        overlay(&mut table, &name, value)?;
        // After each one, so that a mistake is told with the name of the variable.
        config = read_table(&table).map_err(|error| wrong(&error.message))?;
    }
    Ok((config, table))
}

fn read_table(table: &toml::Table) -> Result<Config, CliError> {
    table.clone().try_into().map_err(|error: toml::de::Error| invalid(error.message()))
}

/// `EXHIBIT_STORE__POSTGRES__URL=x` is `store.postgres.url = "x"`.
fn overlay(table: &mut toml::Table, name: &str, value: &str) -> Result<(), CliError> {
    let wrong = || invalid(format!("the environment variable {name} is not of the form {PREFIX}<SECTION>__<KEY>"));
    let lower = name[PREFIX.len()..].to_ascii_lowercase();
    let mut parts: Vec<&str> = lower.split("__").collect();
    let key = parts.pop().filter(|_| !parts.is_empty()).ok_or_else(wrong)?;
    let mut place = table;
    for part in parts {
        let next = place.entry(part).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        place = next.as_table_mut().ok_or_else(wrong)?;
    }
    let parsed = format!("v = {value}").parse::<toml::Table>().ok().and_then(|mut parsed| parsed.remove("v"));
    let plain = parsed.filter(|value| value.is_integer() || value.is_bool() || value.is_array());
    place.insert(key.to_owned(), plain.unwrap_or_else(|| toml::Value::String(value.to_owned())));
    Ok(())
}

fn check(config: &Config) -> Result<(), CliError> {
    let engine = &config.engine;
    let is_name = |host: &String| !host.is_empty() && !host.contains(|c: char| "/@ *".contains(c) || c.is_control());
    let rules = [
        (config.server.hosts.iter().all(is_name), "server.hosts are names such as photos.example.org, without http://"),
        (
            config.server.sources_allowed.iter().all(|folder| folder.is_absolute()),
            "server.sources_allowed are folders from the root on",
        ),
        (engine.workers <= 256, "engine.workers is at most 256"),
        ((50..=3_600_000).contains(&engine.lease_ms), "engine.lease_ms is 50 to 3,600,000"),
        ((1..=1_000_000).contains(&engine.attempts_max), "engine.attempts_max is 1 to 1,000,000"),
        ((64..=1_048_576).contains(&engine.process_memory_mib), "engine.process_memory_mib is 64 to 1,048,576"),
        (
            engine.memory_max_mib == 0 || (256..=16_777_216).contains(&engine.memory_max_mib),
            "engine.memory_max_mib is 256 to 16,777,216, or 0 for half of the machine's memory",
        ),
    ];
    if let Err(told) = engine.disk_reserve.parse::<Reserve>() {
        return Err(invalid(format!("engine.disk_reserve: {told}")));
    }
    config.agents.scopes()?;
    if !(1..=3_600).contains(&config.agents.collect.every_s) {
        return Err(invalid("agents.collect.every_s is 1 to 3,600"));
    }
    config.agents.control.check()?;
    if config.agents.import.folder.as_ref().is_some_and(|folder| !folder.is_absolute()) {
        return Err(invalid("agents.import.folder is a folder from the root on"));
    }
    config.agents.retention.check().map_err(|told| invalid(format!("agents.retention.{told}")))?;
    match rules.iter().find(|(holds, _)| !holds) {
        Some((_, rule)) => Err(invalid(*rule)),
        None => Ok(()),
    }
}
