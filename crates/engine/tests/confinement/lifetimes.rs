//! Nothing outlives the host, the supervisor, or the handle of the process.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use exhibit_engine::confine::Confinement;
use exhibit_engine::supervisor::{Ended, SourceRoot, SupervisedProcess, SupervisorSpec, spawn};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal, test_kill_process};

use crate::runner::Case;
use crate::world::{LIMITS, World, exe};

pub const HOST_ARGUMENT: &str = "__host";

/// How long anything may live on.
const GONE_WITHIN: Duration = Duration::from_secs(2);

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("kill -9 of the host ends everything", host_killed),
        Case::new("kill -9 of the supervisor ends extractor and tool, and the host ends the rest", supervisor_killed),
        Case::new("kill_group ends everything", || {
            let (world, mut process, family) = held();
            process.kill_group().unwrap();
            family.expect_gone(&["supervisor", "extractor", "tool", "plain"]);
            assert_eq!(process.wait().unwrap(), Ended::Signal(libc::SIGKILL));
            process.kill_group().unwrap();
            drop(world);
        }),
        Case::new("dropping the handle ends everything", || {
            let (world, process, family) = held();
            drop(process);
            family.expect_gone(&["supervisor", "extractor", "tool", "plain"]);
            drop(world);
        }),
        Case::new("a process that runs is not waited for", || {
            let (world, mut process, _) = held();
            assert_eq!(process.try_wait().unwrap(), None);
            drop(world);
        }),
        Case::new("only the extractor holds the pipe to the host", || {
            let (world, mut process, family) = held();
            let mut output = process.stdout.take().unwrap();
            pidfd_send_signal(&family.0[1].1, Signal::KILL).unwrap();
            // Would not end while the supervisor, or anything of it, held the other end.
            output.read_to_end(&mut Vec::new()).unwrap();
            assert_eq!(process.wait().unwrap(), Ended::Signal(libc::SIGKILL));
            family.expect_gone(&["supervisor", "extractor", "tool", "plain"]);
            drop(world);
        }),
    ]
}

/// Descriptors of the four processes, taken while they lived, so that no number can be mistaken for another process's.
struct Family(Vec<(&'static str, OwnedFd)>);

impl Family {
    fn of(line: &str) -> Self {
        let numbers = line.split_whitespace().map(|number| Pid::from_raw(number.parse().unwrap()).unwrap());
        let names = ["supervisor", "extractor", "tool", "plain"];
        Self(
            names
                .into_iter()
                .zip(numbers)
                .map(|(name, pid)| (name, pidfd_open(pid, PidfdFlags::empty()).unwrap()))
                .collect(),
        )
    }

    fn expect_gone(&self, names: &[&str]) {
        let until = Instant::now() + GONE_WITHIN;
        for (name, pidfd) in self.0.iter().filter(|(name, _)| names.contains(name)) {
            let left = until.saturating_duration_since(Instant::now());
            let left = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) };
            let ended = poll(&mut [PollFd::new(pidfd, PollFlags::IN)], Some(&left)).unwrap();
            assert_eq!(ended, 1, "{name} still lives after {GONE_WITHIN:?}");
        }
    }
}

/// Whether a process that was awaited does not exist any more.
pub fn is_gone(number: i32) -> bool {
    test_kill_process(Pid::from_raw(number).unwrap()).is_err()
}

fn held() -> (World, SupervisedProcess, Family) {
    let world = World::new();
    let mut process = world.start(&world.spec("hold"));
    let family = Family::of(&first_line(process.stdout.as_mut().unwrap()));
    (world, process, family)
}

/// Byte by byte, so that nothing of what follows is lost in a buffer.
fn first_line(from: &mut impl Read) -> String {
    let mut line = String::new();
    BufReader::with_capacity(1, from).read_line(&mut line).unwrap();
    line
}

fn host_killed() {
    let world = World::new();
    let mut host = Command::new(exe())
        .args([HOST_ARGUMENT, world.targets.decoys.to_str().unwrap(), world.scratch().to_str().unwrap()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    host.stdin
        .take()
        .unwrap()
        .write_all(format!("{}\n", serde_json::to_string(&world.targets).unwrap()).as_bytes())
        .unwrap();
    let family = Family::of(&first_line(host.stdout.as_mut().unwrap()));
    host.kill().unwrap();
    host.wait().unwrap();
    family.expect_gone(&["supervisor", "extractor", "tool", "plain"]);
}

/// A host with several threads that starts one extractor, says who its processes are, and stays.
pub fn be_a_host(arguments: &[String]) -> ExitCode {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    let spec = SupervisorSpec {
        extractor: "hold".to_owned(),
        sources: vec![SourceRoot::new("src_1", &PathBuf::from(&arguments[0]))],
        scratch: arguments[1].clone(),
        readable: Vec::new(),
        program: None,
        limits: LIMITS,
        memory_bytes_max: None,
        landlock_abi_max: None,
        confinement: Confinement::Full,
    };
    // The thread that starts it ends: the processes must not follow the thread.
    let mut process = std::thread::spawn(move || spawn(&exe(), &spec).unwrap()).join().unwrap();
    process.stdin.as_mut().unwrap().write_all(line.as_bytes()).unwrap();
    print!("{}", first_line(process.stdout.as_mut().unwrap()));
    std::io::stdout().flush().unwrap();
    loop {
        std::thread::park();
    }
}

fn supervisor_killed() {
    let (world, mut process, family) = held();
    let supervisor = Pid::from_raw(i32::try_from(process.pid()).unwrap()).unwrap();
    kill_process(supervisor, Signal::KILL).unwrap();
    family.expect_gone(&["supervisor", "extractor", "tool"]);
    assert_eq!(process.wait().unwrap(), Ended::Signal(libc::SIGKILL));
    family.expect_gone(&["plain"]);
    drop(world);
}
