//! A source with originals, a store that nobody may read, neighbours to attack, and the way to run something confined among them.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use exhibit_engine::confine::Confinement;
use exhibit_engine::extractor::Limits;
use exhibit_engine::redteam::ground::run_to_end;
use exhibit_engine::redteam::{EXTRACTOR, Ground, RawPath, Targets, Terms, inside as attack};
use exhibit_engine::supervisor::{ChildContext, Ended, SourceRoot, SupervisedProcess, SupervisorSpec, spawn};

use crate::work;

pub const LIMITS: Limits =
    Limits { unit_cpu_s: 20, unit_wall_s: 60, file_bytes_max: 8 << 20, address_space_bytes: 4 << 30 };

pub struct World {
    pub folder: tempfile::TempDir,
    pub ground: Ground,
    /// As those of the ground, with a sound of one second as the original.
    pub targets: Targets,
}

impl World {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ground = Ground::make(folder.path(), &exe(), Terms::NATIVE, &[]).unwrap();
        let sound = ground.targets().decoys.join("sound.wav");
        std::fs::write(&sound, wav_of_silence()).unwrap();
        std::fs::create_dir(ground.folder().join("work")).unwrap();
        let targets = Targets { original: RawPath(sound), ..ground.targets().clone() };
        Self { folder, ground, targets }
    }

    pub fn scratch(&self) -> PathBuf {
        self.ground.folder().join("work")
    }

    pub fn spec(&self, name: &str) -> SupervisorSpec {
        SupervisorSpec {
            extractor: name.to_owned(),
            sources: vec![SourceRoot::new("src_1", &self.targets.decoys)],
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
        let ran = run_to_end(self.start(spec), Duration::from_secs(LIMITS.unit_wall_s)).unwrap();
        Finished { ended: ran.ended.unwrap(), output: ran.output, log: ran.log }
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
        look(&self.targets.decoys, true)
    }
}

#[derive(Debug)]
pub struct Finished {
    pub ended: Ended,
    pub output: String,
    pub log: String,
}

/// All that is known of a tree, with or without the times of status change, which nobody can put back.
pub fn look(root: &Path, status_changes: bool) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    look_at(root, status_changes, &mut found);
    found
}

fn look_at(path: &Path, status_changes: bool, found: &mut BTreeMap<PathBuf, String>) {
    let stat = path.symlink_metadata().unwrap();
    let mut text = format!(
        "mode {:o} owner {}:{} links {} size {} inode {} modified {}.{}",
        stat.mode(),
        stat.uid(),
        stat.gid(),
        stat.nlink(),
        stat.size(),
        stat.ino(),
        stat.mtime(),
        stat.mtime_nsec(),
    );
    if status_changes {
        text.push_str(&format!(" changed {}.{}", stat.ctime(), stat.ctime_nsec()));
    }
    if stat.is_file() {
        let mut names = [0; 1024];
        let length = rustix::fs::listxattr(path, &mut names[..]).unwrap();
        text.push_str(&format!(" attributes {:?} content {:?}", &names[..length], std::fs::read(path).unwrap()));
    }
    found.insert(path.to_owned(), text);
    if stat.is_dir() {
        for entry in path.read_dir().unwrap() {
            look_at(&entry.unwrap().path(), status_changes, found);
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

/// What runs confined: the red team's attacker, or a piece of work by name, which says what happened in one line.
pub fn inside(name: &str, context: &ChildContext) -> i32 {
    if name == EXTRACTOR {
        return attack(context);
    }
    let mut line = String::new();
    BufReader::new(std::io::stdin()).read_line(&mut line).unwrap();
    let targets: Targets = serde_json::from_str(&line).unwrap();
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
