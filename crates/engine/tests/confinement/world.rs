//! A source with originals, a store that nobody may read, neighbours to attack, and the way to run something confined among them.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use exhibit_engine::confine::Confinement;
use exhibit_engine::extractor::Limits;
use exhibit_engine::supervisor::{ChildContext, Ended, SourceRoot, SupervisedProcess, SupervisorSpec, spawn};
use serde::{Deserialize, Serialize};

use crate::{attacks, work};

pub const BYSTANDER_ARGUMENT: &str = "__bystander";

pub const LIMITS: Limits =
    Limits { unit_cpu_s: 20, unit_wall_s: 60, file_bytes_max: 8 << 20, address_space_bytes: 4 << 30 };

/// What the confined process is told to go for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Targets {
    /// A sound of one second, with an attribute `user.kept`.
    pub original: PathBuf,
    /// The root, as the host names it.
    pub source: PathBuf,
    /// A folder in the source that is empty.
    pub empty_folder: PathBuf,
    /// A file of the host.
    pub secret: PathBuf,
    pub host: i32,
    /// Another process of the same user.
    pub bystander: i32,
    pub tcp_port: u16,
    pub socket: PathBuf,
    pub abstract_socket: String,
}

pub struct World {
    pub folder: tempfile::TempDir,
    pub targets: Targets,
    bystander: Child,
    _listeners: (TcpListener, UnixListener, UnixListener),
}

impl World {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Without symbolic links, as in `/tmp` on some systems.
        let root = folder.path().canonicalize().unwrap();
        for name in ["source/empty", "scratch", "store"] {
            std::fs::create_dir_all(root.join(name)).unwrap();
        }
        let original = root.join("source/sound.wav");
        std::fs::write(&original, wav_of_silence()).unwrap();
        std::fs::set_permissions(&original, PermissionsExt::from_mode(0o644)).unwrap();
        rustix::fs::setxattr(&original, "user.kept", b"yes", rustix::fs::XattrFlags::empty()).unwrap();
        std::fs::write(root.join("store/secret"), "of the host").unwrap();
        let name = format!("exhibit-test-{}", root.file_name().unwrap().to_string_lossy());
        let listeners = (
            TcpListener::bind("127.0.0.1:0").unwrap(),
            UnixListener::bind(root.join("store/socket")).unwrap(),
            UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap(),
        );
        let bystander = Command::new(exe()).arg(BYSTANDER_ARGUMENT).stdin(Stdio::piped()).spawn().unwrap();
        let targets = Targets {
            original,
            source: root.join("source"),
            empty_folder: root.join("source/empty"),
            secret: root.join("store/secret"),
            host: i32::try_from(std::process::id()).unwrap(),
            bystander: i32::try_from(bystander.id()).unwrap(),
            tcp_port: listeners.0.local_addr().unwrap().port(),
            socket: root.join("store/socket"),
            abstract_socket: name,
        };
        Self { folder, targets, bystander, _listeners: listeners }
    }

    pub fn scratch(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join("scratch")
    }

    pub fn spec(&self, name: &str) -> SupervisorSpec {
        SupervisorSpec {
            extractor: name.to_owned(),
            sources: vec![SourceRoot::new("src_1", &self.targets.source)],
            scratch: self.scratch().to_str().unwrap().to_owned(),
            readable: Vec::new(),
            program: None,
            limits: LIMITS,
            memory_bytes_max: None,
            landlock_abi_max: None,
            confinement: Confinement::Full,
        }
    }

    /// Runs to the end and returns how it ended, stdout and stderr.
    pub fn run(&self, spec: &SupervisorSpec) -> Finished {
        let mut process = self.start(spec);
        let (mut output, mut log) = (String::new(), String::new());
        process.stdin.take();
        process.stdout.take().unwrap().read_to_string(&mut output).unwrap();
        process.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        Finished { ended: process.wait().unwrap(), output, log }
    }

    /// Starts and hands over the targets.
    pub fn start(&self, spec: &SupervisorSpec) -> SupervisedProcess {
        let mut process = spawn(&exe(), spec).unwrap();
        let mut line = serde_json::to_vec(&self.targets).unwrap();
        line.push(b'\n');
        // It may have ended already, when it could not be confined.
        process.stdin.as_mut().unwrap().write_all(&line).ok();
        process
    }

    /// Everything about the source that an attack could change; the time of status change gives away the rest.
    pub fn originals(&self) -> BTreeMap<PathBuf, String> {
        let mut found = BTreeMap::new();
        look(&self.targets.source, &mut found);
        found
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.bystander.kill().unwrap();
        self.bystander.wait().unwrap();
    }
}

#[derive(Debug)]
pub struct Finished {
    pub ended: Ended,
    pub output: String,
    pub log: String,
}

fn look(path: &Path, found: &mut BTreeMap<PathBuf, String>) {
    let stat = path.symlink_metadata().unwrap();
    let mut text = format!(
        "mode {:o} owner {}:{} links {} size {} inode {} modified {}.{} changed {}.{}",
        stat.mode(),
        stat.uid(),
        stat.gid(),
        stat.nlink(),
        stat.size(),
        stat.ino(),
        stat.mtime(),
        stat.mtime_nsec(),
        stat.ctime(),
        stat.ctime_nsec()
    );
    if stat.is_file() {
        text.push_str(&format!(" content {:?}", std::fs::read(path).unwrap()));
    }
    found.insert(path.to_owned(), text);
    if stat.is_dir() {
        for entry in path.read_dir().unwrap() {
            look(&entry.unwrap().path(), found);
        }
    }
}

/// One second of silence, mono, 8 kHz, 16 bit.
fn wav_of_silence() -> Vec<u8> {
    const RATE: u32 = 8000;
    let mut wav = Vec::from(*b"RIFF");
    wav.extend((36 + 2 * RATE).to_le_bytes());
    wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wav.extend(RATE.to_le_bytes());
    wav.extend((2 * RATE).to_le_bytes());
    wav.extend(b"\x02\0\x10\0data");
    wav.extend((2 * RATE).to_le_bytes());
    wav.resize(44 + 2 * RATE as usize, 0);
    wav
}

pub fn exe() -> PathBuf {
    std::env::current_exe().unwrap()
}

/// Waits to be attacked, or for its end of stdin.
pub fn be_a_bystander() -> ExitCode {
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    ExitCode::SUCCESS
}

/// What runs confined: an attack or a piece of work, by name. Says what happened in one line.
pub fn inside(name: &str, context: &ChildContext) -> i32 {
    let mut line = String::new();
    BufReader::new(std::io::stdin()).read_line(&mut line).unwrap();
    let targets: Targets = serde_json::from_str(&line).unwrap();
    if let Some(attack) = attacks::ATTACKS.iter().find(|attack| attack.name == name) {
        match (attack.run)(&targets, context) {
            Ok(()) => println!("succeeded"),
            Err(error) => println!("{}", error.raw_os_error().map_or(error.to_string(), |errno| errno.to_string())),
        }
        return 0;
    }
    let work =
        work::WORK.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("nothing is called {name}"));
    match work.1(&targets, context) {
        Ok(text) => {
            println!("{text}");
            0
        }
        Err(error) => {
            eprintln!("{error}");
            1
        }
    }
}
