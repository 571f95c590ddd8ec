//! A home, an archive and the program, in the product's words. Nothing of it outlives the test.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use exhibit_testkit::postgres::TestPostgres;
use serde_json::Value;

/// How long anything may take before a test gives up. Far above what it takes, because other tests run beside it.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Which database a world keeps its records in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// A file in the home.
    Sqlite,
    /// A database of its own on the server that this test process started.
    Postgres,
}

/// A home and an archive in a temporary folder.
pub struct World {
    folder: tempfile::TempDir,
    variables: BTreeMap<String, String>,
}

/// How a command ended and what it said.
#[derive(Debug)]
pub struct Output {
    /// Exit code; 128 + the signal when it was killed.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl World {
    /// An empty home on a database of its own.
    pub fn new(backend: Backend) -> Self {
        let folder = tempfile::Builder::new().prefix("exhibit-acceptance-").tempdir().expect("a temporary folder");
        let mut world = Self { folder, variables: BTreeMap::new() };
        if backend == Backend::Postgres {
            world.set("EXHIBIT_STORE__POSTGRES__URL", &TestPostgres::shared().database());
        }
        world
    }

    /// Sets an environment variable for every command that is started from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    /// The folder that holds everything of this world; for files of the test itself.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The home; made by the first command.
    pub fn home(&self) -> PathBuf {
        self.path().join("home")
    }

    /// The folder that holds the originals.
    pub fn archive(&self) -> PathBuf {
        self.path().join("archive")
    }

    // Commands ---------------------------------------------------------------------------------------------------------

    /// The program with these arguments, the home and nothing else in its environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_exhibit"));
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C.UTF-8");
        command.env("HOME", self.path()).env("EXHIBIT_HOME", self.home()).envs(&self.variables);
        command.args(arguments).current_dir(self.path()).stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn exhibit(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output().expect("the program starts");
        Output::new(output)
    }

    /// Runs a command that must end with 0, and returns its standard output.
    #[track_caller]
    pub fn ok(&self, arguments: &[&str]) -> String {
        let output = self.exhibit(arguments);
        assert_eq!(output.code, 0, "exhibit {arguments:?}: {output:#?}");
        output.stdout
    }

    /// Runs a command with `--json` that must end with 0 or 3, and returns the document.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.exhibit(&[arguments, &["--json"]].concat());
        assert!(matches!(output.code, 0 | 3), "exhibit {arguments:?}: {output:#?}");
        output.json()
    }

    /// Starts a command in a process group of its own and returns while it runs.
    pub fn start(&self, arguments: &[&str]) -> Running {
        let mut command = self.command(arguments);
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped());
        let log = self.path().join(format!("stderr-{}", arguments.first().unwrap_or(&"none")));
        command.stderr(std::fs::File::create(&log).expect("a file for standard error"));
        let mut child = command.spawn().expect("the program starts");
        let stdout = child.stdout.take().map(BufReader::new);
        Running { child, stdout, log }
    }

    // The archive ------------------------------------------------------------------------------------------------------

    /// Makes `count` small distinct files of two media types in four folders, and scans them.
    pub fn archive_of_small_files(&self, count: usize) -> PathBuf {
        self.write_small_files(count);
        self.scan();
        self.archive()
    }

    /// Makes `count` small distinct files of two media types in four folders.
    pub fn write_small_files(&self, count: usize) {
        for index in 0..count {
            let folder = self.archive().join(format!("folder {}", index % 4));
            std::fs::create_dir_all(&folder).expect("a folder");
            let (name, bytes) = match index % 2 {
                0 => (format!("{index}.txt"), format!("note number {index}\n").into_bytes()),
                // The signature of a PNG is enough for the type; `noop` never decodes.
                _ => (format!("{index}.png"), [b"\x89PNG\r\n\x1a\n".as_slice(), &index.to_le_bytes()].concat()),
            };
            std::fs::write(folder.join(name), bytes).expect("a file");
        }
    }

    /// Copies the sample archive of that size to the archive, and scans it.
    pub fn sample(&self, photos: u32, videos: u32) -> PathBuf {
        let made = made_sample(photos, videos);
        let copied = Command::new("cp").arg("-a").args([&made, &self.archive()]).status().expect("cp starts");
        assert!(copied.success(), "the sample cannot be copied");
        self.scan();
        self.archive()
    }

    /// Scans the archive.
    #[track_caller]
    pub fn scan(&self) -> Value {
        self.json(&["scan", &self.archive().display().to_string()])
    }

    // Runs -------------------------------------------------------------------------------------------------------------

    /// Where a run stands; `latest` is a name, too. `None` while there is no such run.
    pub fn try_run_status(&self, run: &str) -> Option<RunStatus> {
        let output = self.exhibit(&["run", "show", run, "--json"]);
        (output.code == 0).then(|| RunStatus::new(&output.json()))
    }

    /// Where a run stands. The counts of its states always add up to what is planned; every look checks that.
    #[track_caller]
    pub fn run_status(&self, run: &str) -> RunStatus {
        let status = RunStatus::new(&self.json(&["run", "show", run]));
        status.check();
        status
    }

    /// Looks at a run again and again until `wanted` holds. Each look is a process of its own, so this never spins hot.
    #[track_caller]
    pub fn wait_for_run(&self, run: &str, what: &str, wanted: impl Fn(&RunStatus) -> bool) -> RunStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let status = self.try_run_status(run);
            if let Some(status) = status.as_ref().filter(|status| wanted(status)) {
                status.check();
                return status.clone();
            }
            assert!(Instant::now() < deadline, "run {run} is not {what} in time: {status:?}");
        }
    }

    /// Units of a run in one state, as `run show --units` prints them.
    pub fn units(&self, run: &str, state: &str) -> Vec<Value> {
        items(self.json(&["run", "show", run, "--units", state, "--limit", "100000"]))
    }

    /// The attempts of every unit of a run, by unit.
    pub fn attempts(&self, run: &str) -> BTreeMap<String, i64> {
        let units = STATES.iter().flat_map(|state| self.units(run, state));
        let attempts = |unit: &Value| unit["attempts"].as_i64().expect("attempts");
        units.map(|unit| (text(&unit["unit"]), attempts(&unit))).collect()
    }

    /// All artifacts of a run.
    pub fn artifacts(&self, run: &str) -> Vec<Value> {
        items(self.json(&["run", "show", run, "--artifacts", "any", "--limit", "100000"]))
    }

    /// The number of every asset that `noop.fail_every` and the others divide: the last 60 bits of its SHA-256.
    pub fn asset_numbers(&self) -> Vec<u64> {
        let assets = items(self.json(&["ls", "--limit", "100000"]));
        let number = |asset: &Value| {
            u64::from_str_radix(&text(&asset["asset_id"])["ast_".len() + 49..], 16).expect("hexadecimal")
        };
        assets.iter().map(number).collect()
    }

    /// `verify` finds nothing.
    #[track_caller]
    pub fn verify_clean(&self) {
        let output = self.exhibit(&["verify", "--json"]);
        assert_eq!(output.code, 0, "verify: {output:#?}");
    }

    /// The log of the home.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.home().join("logs/exhibit.log")).expect("a log")
    }

    /// Everything that is left in scratch.
    pub fn scratch(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.home().join("work/scratch"));
        entries.into_iter().flatten().map(|entry| entry.expect("an entry").path()).collect()
    }
}

/// The sample archive of that size, made by `exhibit sample` once for all tests: drawing takes longer than testing. It lies in the build
/// folder, because nothing runs after the last test that could remove it; the next test process does.
fn made_sample(photos: u32, videos: u32) -> PathBuf {
    static MADE: Mutex<BTreeMap<(u32, u32), PathBuf>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().expect("no test died while it drew");
    if made.is_empty() {
        remove_samples_of_dead_processes();
    }
    let folder = made.entry((photos, videos)).or_insert_with(|| {
        let own = Path::new(SAMPLES).join(std::process::id().to_string());
        let sample = own.join(format!("{photos}-{videos}"));
        let (photos, videos) = (photos.to_string(), videos.to_string());
        let arguments =
            ["sample", &sample.display().to_string(), "--photos", &photos, "--videos", &videos, "--seed", "7"];
        World::new(Backend::Sqlite).ok(&arguments);
        sample
    });
    folder.clone()
}

/// Where samples lie, in a folder for each process.
const SAMPLES: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/samples");

fn remove_samples_of_dead_processes() {
    for entry in std::fs::read_dir(SAMPLES).into_iter().flatten().filter_map(Result::ok) {
        let lives = Path::new("/proc").join(entry.file_name()).exists();
        if !lives {
            // Another test process may be faster.
            std::fs::remove_dir_all(entry.path()).ok();
        }
    }
}

/// Every state of a unit.
pub const STATES: [&str; 9] =
    ["pending", "leased", "done", "done-empty", "reused", "failed", "blocked", "skipped", "cancelled"];

/// A JSON text as text.
#[track_caller]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// The items of a list.
#[track_caller]
pub fn items(mut document: Value) -> Vec<Value> {
    let Value::Array(items) = document["items"].take() else { panic!("{document} has no items") };
    items
}

impl Output {
    /// Of a command that was run in another way.
    pub fn new(output: std::process::Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the program prints UTF-8");
        Self { code: exit_code(output.status), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Standard output as one JSON document.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("no JSON document: {error}: {self:#?}"))
    }
}

fn exit_code(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

/// Where a run stands, as `run show --json` says it.
#[derive(Debug, Clone)]
pub struct RunStatus {
    /// Its id.
    pub run: String,
    /// Its state.
    pub state: String,
    /// Frozen members.
    pub members: i64,
    /// Members whose units are planned.
    pub members_planned: i64,
    /// Units in all.
    pub scope: i64,
    /// Units by state, those with none left out.
    pub units: BTreeMap<String, i64>,
    /// The whole document.
    pub document: Value,
}

impl RunStatus {
    /// Reads the document.
    #[track_caller]
    pub fn new(document: &Value) -> Self {
        let number = |name: &str| document[name].as_i64().unwrap_or_else(|| panic!("{name} in {document}"));
        let units = document["units"].as_object().expect("units");
        let units = units.iter().map(|(state, count)| (state.clone(), count.as_i64().expect("a count")));
        Self {
            run: text(&document["run"]),
            state: text(&document["state"]),
            members: number("members"),
            members_planned: number("members_planned"),
            scope: number("scope"),
            units: units.filter(|(_, count)| *count != 0).collect(),
            document: document.clone(),
        }
    }

    /// Units in a state.
    pub fn count(&self, state: &str) -> i64 {
        self.units.get(state).copied().unwrap_or(0)
    }

    /// Units that ended well or badly.
    pub fn ended(&self) -> i64 {
        self.scope - self.count("pending") - self.count("leased")
    }

    /// No count is below zero and they add up.
    #[track_caller]
    pub fn check(&self) {
        assert!(self.units.values().all(|count| *count > 0), "{self:?}");
        assert_eq!(self.units.values().sum::<i64>(), self.scope, "{self:?}");
    }
}

/// A command that runs. It is killed with its process group when it is dropped.
pub struct Running {
    child: Child,
    stdout: Option<BufReader<ChildStdout>>,
    log: PathBuf,
}

impl Running {
    /// The id of its process.
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a pid")
    }

    /// `kill -9`, and waits until it is gone. What it started is not waited for.
    pub fn kill(mut self) {
        self.child.kill().expect("kill -9");
        self.child.wait().expect("it is gone");
    }

    /// Sends a signal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).expect("the process is there");
    }

    /// True when it ended already.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a status").is_some()
    }

    /// Waits for its end, but not longer than that. True when it ended.
    pub fn ends_within(&self, time: Duration) -> bool {
        let pid = rustix::process::Pid::from_child(&self.child);
        let process =
            rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).expect("not waited for yet");
        let limit = rustix::event::Timespec::try_from(time).expect("a short time");
        let mut polled = [rustix::event::PollFd::new(&process, rustix::event::PollFlags::IN)];
        rustix::event::poll(&mut polled, Some(&limit)).expect("poll") == 1
    }

    /// The next line of its standard output.
    pub fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let count = self.stdout.as_mut()?.read_line(&mut line).expect("UTF-8");
        (count > 0).then_some(line)
    }

    /// Waits until it ends by itself.
    pub fn wait(mut self) -> Output {
        let mut stdout = String::new();
        while let Some(line) = self.line() {
            stdout.push_str(&line);
        }
        let code = exit_code(self.child.wait().expect("a status"));
        Output { code, stdout, stderr: std::fs::read_to_string(&self.log).expect("standard error") }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // Stopped processes die of it, too. What it started hangs on its lifeline.
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}
