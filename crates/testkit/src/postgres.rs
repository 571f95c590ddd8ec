//! A real PostgreSQL server for tests: started in a temporary folder, reached through a socket there, gone with the test process.
//!
//! There is no port, so nothing can collide. The server hangs on a lifeline: a shell that reads from a pipe whose other end only the test
//! process holds. However that process ends, even by `kill -9`, the kernel closes the pipe, and the shell stops the server and removes the
//! folder.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tempfile::TempDir;

/// How long the server may take to accept connections. It takes a second; a loaded machine may take much longer.
const START_MAX: Duration = Duration::from_secs(120);

/// Lines of the server's log that are kept to explain a failure.
const LOG_LINES_MAX: usize = 200;

/// Bytes of one line of the log; a longer one counts as several.
const LOG_LINE_BYTES_MAX: u64 = 16 * 1024;

/// The database role that owns everything.
const ROLE: &str = "exhibit";

/// Where Debian and its relatives install the server, one folder for each version.
const INSTALLED: &str = "/usr/lib/postgresql";

/// The folder for temporary clusters. Not the configured one: it may not be open to the user that a root process drops to, and the path
/// of a socket has at most 107 bytes.
const FOLDER: &str = "/tmp";

/// Runs the server until the pipe on standard input closes. `$1` is the folder of the programs, `$2` the temporary folder; the rest are
/// arguments of the server. The shell gives up the log once the server has it, so the end of the log is the end of the server.
const LIFELINE: &str = r#"
programs=$1 folder=$2
shift 2
exec 3<&0
"$programs/postgres" -D "$folder/data" "$@" </dev/null 3<&- &
server=$!
exec 2>/dev/null
cat <&3 >/dev/null
kill -QUIT "$server"
wait "$server"
cd / && rm -rf "$folder"
"#;

/// How the server is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PostgresOptions {
    /// Whether commits wait for the disk. On, as in production, unless a test of many commits says otherwise.
    pub fsync: bool,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self { fsync: true }
    }
}

/// A running server.
#[derive(Debug)]
pub struct TestPostgres {
    programs: PathBuf,
    folder: PathBuf,
    user: Option<User>,
    lifeline: Mutex<Option<(Child, ChildStdin)>>,
    log: Log,
    databases: AtomicU32,
}

/// The last lines of the server's log.
type Log = Arc<Mutex<VecDeque<String>>>;

/// An unprivileged user, to be taken on by a root process: the server refuses to run as root.
#[derive(Debug, Clone, Copy)]
struct User {
    uid: u32,
    gid: u32,
}

impl TestPostgres {
    /// The one server of this test process, started at the first call.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<TestPostgres> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(PostgresOptions::default()))
    }

    /// A server of one's own. It is stopped and its folder removed when the value is dropped.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start.
    pub fn start(options: PostgresOptions) -> Self {
        let programs = installed_programs(Path::new(INSTALLED)).unwrap_or_else(|| {
            panic!("no PostgreSQL server under {INSTALLED}; install it with: apt-get install postgresql")
        });
        let user = rustix::process::geteuid().is_root().then(unprivileged_user);
        let folder = tempfile::Builder::new().prefix("exhibit-pg-").tempdir_in(FOLDER);
        let folder = folder.unwrap_or_else(|error| panic!("no temporary folder in {FOLDER}: {error}"));
        if let Some(user) = user {
            std::os::unix::fs::chown(folder.path(), Some(user.uid), Some(user.gid)).unwrap_or_else(|error| {
                panic!("{} cannot be given to uid {}: {error}", folder.path().display(), user.uid)
            });
        }
        init_cluster(&programs, folder.path(), user);
        Self::launch(programs, folder, user, options)
    }

    /// Makes an empty database and returns how to connect to it, as `host=.. user=.. dbname=..`.
    ///
    /// # Panics
    /// When the server refuses.
    pub fn database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut command = program(&self.programs.join("createdb"), &self.folder, self.user);
        command.arg("--host").arg(&self.folder).args(["--port=5432", "--no-password", "--username", ROLE, &name]);
        finish(command, &|| self.log_tail());
        format!("host={} user={ROLE} dbname={name}", self.folder.display())
    }

    /// The folder that holds the socket and the cluster.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The process that keeps the server on the lifeline, for tests about death.
    pub fn keeper_pid(&self) -> Option<u32> {
        self.lifeline.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|(keeper, _)| keeper.id())
    }

    /// The last lines of the server's log.
    pub fn log_tail(&self) -> String {
        let lines = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(String::as_str).collect()
    }

    fn launch(programs: PathBuf, folder: TempDir, user: Option<User>, options: PostgresOptions) -> Self {
        let mut command = program(Path::new("/bin/sh"), folder.path(), user);
        command.args(["-c", LIFELINE, "lifeline"]).arg(&programs).arg(folder.path());
        let sockets = format!("unix_socket_directories={}", folder.path().display());
        let fsync = if options.fsync { "fsync=on" } else { "fsync=off" };
        let settings = [
            "port=5432",
            "listen_addresses=",
            &sockets,
            "max_connections=200",
            "shared_buffers=64MB",
            "logging_collector=off",
            fsync,
        ];
        for setting in settings {
            command.args(["-c", setting]);
        }
        // A process group of its own: Ctrl-C must reach the tests, and the lifeline must outlive them to clean up.
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
        let mut keeper = command
            .spawn()
            .unwrap_or_else(|error| panic!("the shell that keeps PostgreSQL cannot be started: {error}"));
        let (Some(lifeline), Some(log)) = (keeper.stdin.take(), keeper.stderr.take()) else {
            unreachable!("both pipes were asked for above");
        };
        let (log, ready) = follow_log(log);
        let server = Self {
            programs,
            // From here on the lifeline removes the folder.
            folder: folder.keep(),
            user,
            lifeline: Mutex::new(Some((keeper, lifeline))),
            log,
            databases: AtomicU32::new(0),
        };
        match ready.recv_timeout(START_MAX) {
            Ok(()) => server,
            Err(RecvTimeoutError::Timeout) => {
                panic!("PostgreSQL did not accept connections within {} s:\n{}", START_MAX.as_secs(), server.log_tail())
            }
            Err(RecvTimeoutError::Disconnected) => panic!("PostgreSQL ended at once:\n{}", server.log_tail()),
        }
    }
}

impl Drop for TestPostgres {
    fn drop(&mut self) {
        let lifeline = self.lifeline.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((mut keeper, pipe)) = lifeline {
            drop(pipe);
            // The keeper ends after the server and the folder are gone. Its exit code says nothing, and nobody is left to be told.
            keeper.wait().ok();
        }
    }
}

/// The programs of the newest version installed under `folder`.
fn installed_programs(folder: &Path) -> Option<PathBuf> {
    let versions = std::fs::read_dir(folder).ok()?.filter_map(Result::ok);
    let usable = versions.filter_map(|entry| {
        let version: u32 = entry.file_name().to_str()?.parse().ok()?;
        let programs = entry.path().join("bin");
        let complete = ["initdb", "postgres", "createdb"].iter().all(|name| programs.join(name).is_file());
        complete.then_some((version, programs))
    });
    usable.max().map(|(_, programs)| programs)
}

/// The user `postgres`, which comes with the server, or else `nobody`.
fn unprivileged_user() -> User {
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    ["postgres", "nobody"].iter().find_map(|name| user_named(&accounts, name)).unwrap_or_else(|| {
        panic!("PostgreSQL does not run as root, and neither `postgres` nor `nobody` is in /etc/passwd")
    })
}

/// Finds a user in the text of passwd(5): `name:password:uid:gid:...`
fn user_named(accounts: &str, name: &str) -> Option<User> {
    let line = accounts.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    let user = User { uid: fields.next()?.parse().ok()?, gid: fields.next()?.parse().ok()? };
    (user.uid != 0).then_some(user)
}

/// A program of the server, free of the environment of the tests (`PGPORT`, locale, ...).
fn program(path: &Path, folder: &Path, user: Option<User>) -> Command {
    let mut command = Command::new(path);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").env("HOME", folder).current_dir(folder);
    if let Some(user) = user {
        command.uid(user.uid).gid(user.gid);
    }
    command
}

fn init_cluster(programs: &Path, folder: &Path, user: Option<User>) {
    let mut command = program(&programs.join("initdb"), folder, user);
    // The cluster need not survive a power cut before it is used, so it is not synced to disk.
    command.arg("--pgdata").arg(folder.join("data"));
    command.args([
        "--no-sync",
        "--no-instructions",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C",
        "--username",
        ROLE,
    ]);
    finish(command, &String::new);
}

/// Runs a program to its end and panics with its words when it fails.
fn finish(mut command: Command, log_tail: &dyn Fn() -> String) {
    let name = command.get_program().display().to_string();
    let output =
        command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{name} cannot be started: {error}"));
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        panic!("{name} failed with {}: {words}{}", output.status, log_tail());
    }
}

/// Reads the log for as long as the server writes it: a full pipe would stop the server. The channel hears when the server is ready, and
/// closes with the log.
fn follow_log(pipe: ChildStderr) -> (Log, Receiver<()>) {
    let log = Log::default();
    let (tell, ready) = sync_channel(1);
    let lines = Arc::clone(&log);
    std::thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while matches!(pipe.by_ref().take(LOG_LINE_BYTES_MAX).read_until(b'\n', &mut line), Ok(count) if count > 0) {
            let text = String::from_utf8_lossy(&line).into_owned();
            let is_ready = text.contains("ready to accept connections");
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            if lines.len() == LOG_LINES_MAX {
                lines.pop_front();
            }
            lines.push_back(text);
            drop(lines);
            line.clear();
            if is_ready {
                // It is ready again after recovery from a crash; then nobody listens any more.
                tell.try_send(()).ok();
            }
        }
    });
    (log, ready)
}

#[cfg(test)]
#[path = "postgres_tests.rs"]
mod tests;
