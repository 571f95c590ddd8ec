//! The cases: every attack at each ABI with its control, then what must work, then how processes end.

use std::os::fd::AsRawFd;
use std::process::{Command, Stdio};

use exhibit_engine::confine::landlock::usable_abi;
use exhibit_engine::confine::{Confinement, Verdict, probe};
use exhibit_engine::redteam::{Attack, By, Outcome, attacks};
use exhibit_engine::supervisor::{ARGUMENT, EXIT_NOT_CONFINED, Ended, SourceRoot, SupervisorSpec};

use crate::runner::Case;
use crate::world::{World, exe};
use crate::{lifetimes, whole};

/// All of them, in the order in which they run.
pub fn all() -> Vec<Case> {
    let mut cases = vec![Case::new("this kernel can confine", || assert_eq!(probe().verdict, Verdict::Confined))];
    for (name, abi) in [("native", None), ("ABI 2", Some(2))] {
        for attack in attacks::all() {
            cases.push(Case::new(format!("refused at {name}: {}", attack.name), move || refused(attack, abi)));
        }
        for (work, expected) in [
            ("read the source", "src_1: 5 names, 16044 bytes; 8 random"),
            ("work in scratch", "second"),
            ("start threads", "6"),
            ("run ffmpeg on a descriptor", "fLaC"),
            ("open without changing the access time", "opened"),
        ] {
            cases.push(Case::new(format!("works at {name}: {work}"), move || assert_eq!(output(work, abi), expected)));
        }
    }
    for attack in attacks::all().filter(|attack| attack.by != By::Kernel) {
        cases.push(Case::new(format!("control, unconfined: {}", attack.name), move || {
            succeeds(attack, Confinement::None);
        }));
    }
    #[cfg(feature = "confinement-switches")]
    cases.extend(one_mechanism_alone());
    cases.extend(surroundings());
    cases.extend(ways_to_end());
    cases.extend(not_started());
    cases.extend(lifetimes::cases());
    cases.extend(whole::cases());
    cases
}

/// Each mechanism alone lets through what only the other refuses.
#[cfg(feature = "confinement-switches")]
fn one_mechanism_alone() -> Vec<Case> {
    let mut cases = Vec::new();
    for attack in attacks::all() {
        let (name, confinement) = match attack.by {
            By::Landlock => ("seccomp", Confinement::SeccompOnly),
            By::Seccomp => ("Landlock", Confinement::LandlockOnly),
            By::Either | By::Kernel => continue,
        };
        cases.push(Case::new(format!("control, {name} alone: {}", attack.name), move || succeeds(attack, confinement)));
    }
    cases
}

fn refused(attack: &Attack, abi: Option<u32>) {
    let world = World::new();
    let before = world.originals();
    let spec = SupervisorSpec { landlock_abi_max: abi, ..world.ground.spec(&[]) };
    let outcome = world.ground.attempt(attack, world.ground.targets(), &spec).unwrap();
    match outcome {
        Outcome::Succeeded => assert!(usable_abi(abi).unwrap() < attack.abi_min, "it succeeded"),
        Outcome::Refused { errno } => {
            assert!(attack.errors.contains(&errno), "refused with errno {errno}, not one of {:?}", attack.errors);
        }
        Outcome::Ended { signal } => {
            assert_eq!((attack.name, signal), ("call as another architecture", libc::SIGSYS));
        }
        other => panic!("not refused: {other:?}"),
    }
    assert_eq!(world.originals(), before);
}

fn succeeds(attack: &Attack, confinement: Confinement) {
    let world = World::new();
    let spec = SupervisorSpec { confinement, ..world.ground.spec(&[]) };
    let outcome = world.ground.attempt(attack, world.ground.targets(), &spec).unwrap();
    // Calls that this kernel does not have cannot show anything.
    let newer_kernel = ["setxattrat", "removexattrat", "fchmodat2", "set file flags by file_setattr"];
    if (outcome == Outcome::Refused { errno: libc::ENOSYS }) && newer_kernel.contains(&attack.name) {
        return;
    }
    assert_eq!(outcome, Outcome::Succeeded, "the attack shows nothing");
}

/// Does a piece of work that must succeed and returns what it said.
fn output(work: &str, abi: Option<u32>) -> String {
    let world = World::new();
    let before = world.originals();
    let finished = world.run(&SupervisorSpec { landlock_abi_max: abi, ..world.spec(work) });
    assert_eq!(finished.ended, Ended::Code(0), "{finished:?}");
    assert_eq!(world.originals(), before);
    finished.output.trim_end().to_owned()
}

fn surroundings() -> Vec<Case> {
    vec![
        Case::new("an inherited descriptor is closed", || {
            let world = World::new();
            let secret = std::fs::File::open(&world.targets.secret).unwrap();
            // SAFETY: makes a copy that does not close on exec; closed below.
            let leaked = unsafe { libc::dup(secret.as_raw_fd()) };
            let finished = world.run(&world.spec("list descriptors"));
            // SAFETY: made above.
            unsafe { libc::close(leaked) };
            // 3 is the listing itself.
            assert_eq!(finished.output, "0 1 2 3\n", "{finished:?}");
        }),
        Case::new("the environment holds nothing of the host's", || {
            let world = World::new();
            let finished = world.run(&world.spec("list the environment"));
            let scratch = world.scratch();
            let expected = format!(
                "HOME={0}\nLANG=C.UTF-8\nOMP_THREAD_LIMIT=1\nPATH=/usr/local/bin:/usr/bin:/bin\nPYTHONDONTWRITEBYTECODE=1\nTMPDIR={0}\n",
                scratch.display()
            );
            assert_eq!(finished.output, expected);
        }),
        Case::new("no privilege is left, nor comes back in a tool", || {
            for work in ["show privileges", "show privileges of a tool"] {
                let status = output(work, None);
                let value = |key: &str| {
                    let line = status.lines().find(|line| line.starts_with(key));
                    line.and_then(|line| line.split_whitespace().nth(1)).unwrap_or("?").to_owned()
                };
                let privileged = rustix::process::geteuid().is_root();
                for key in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
                    if privileged || key != "CapBnd:" {
                        assert_eq!(value(key), "0000000000000000", "{work}: {key}");
                    }
                }
                assert_eq!(value("NoNewPrivs:"), "1", "{work}");
                assert_eq!(value("Seccomp:"), "2", "{work}");
                assert_eq!(value("Seccomp_filters:"), "2", "{work}");
            }
        }),
        Case::new("limits hold", || {
            let expected = "core 0 files 512 file bytes 8388608 address space 4294967296 cpu before None";
            assert_eq!(output("show limits", None), expected);
        }),
        Case::new("an original of another user opens at the second try", || {
            let world = World::new();
            if !rustix::process::geteuid().is_root() {
                assert_eq!(world.run(&world.spec("open without changing the access time")).output, "opened\n");
                return;
            }
            std::os::unix::fs::chown(&world.targets.original, Some(1000), Some(1000)).unwrap();
            let finished = world.run(&world.spec("open without changing the access time"));
            assert_eq!(finished.output, "opened at the second try\n", "{finished:?}");
        }),
        Case::new("a source given by a symbolic link is the folder it names", || {
            let world = World::new();
            let link = world.folder.path().join("link");
            std::os::unix::fs::symlink(&world.targets.decoys, &link).unwrap();
            let sources = vec![SourceRoot::new("src_1", &link)];
            let finished = world.run(&SupervisorSpec { sources, ..world.spec("read the source") });
            assert_eq!(finished.ended, Ended::Code(0), "{finished:?}");
        }),
        Case::new("what is named readable can be read, and not written", || {
            let world = World::new();
            let readable = vec![world.targets.secret.to_str().unwrap().to_owned()];
            let finished = world.run(&SupervisorSpec { readable, ..world.spec("read the secret") });
            assert_eq!(finished.output, "of the host\n", "{finished:?}");
        }),
    ]
}

fn ways_to_end() -> Vec<Case> {
    let ends = |name: &'static str, work: &'static str, expected: Ended| {
        Case::new(name, move || {
            let world = World::new();
            let mut spec = world.spec(work);
            spec.limits.unit_cpu_s = 1;
            let finished = world.run(&spec);
            assert_eq!(finished.ended, expected, "{finished:?}");
        })
    };
    vec![
        ends("too much CPU time ends the extractor", "burn CPU time", Ended::Signal(libc::SIGXCPU)),
        ends("a file past its limit ends the extractor", "write a long file", Ended::Signal(libc::SIGXFSZ)),
        ends("a crash is told as its signal", "abort", Ended::Signal(libc::SIGABRT)),
        ends("a panic is told as a failure", "panic", Ended::Code(101)),
        ends("the code for not confined cannot be faked", "fail with the code for not confined", Ended::Code(101)),
        Case::new("too much CPU time ends a tool alone", || {
            let world = World::new();
            let mut spec = world.spec("run a tool that burns CPU time");
            spec.limits.unit_cpu_s = 1;
            let finished = world.run(&spec);
            assert!(finished.output.contains("SIGXCPU"), "{finished:?}");
            assert_eq!(finished.ended, Ended::Code(0));
        }),
        Case::new("too much memory ends the tree", || {
            let world = World::new();
            let finished =
                world.run(&SupervisorSpec { memory_bytes_max: Some(64 << 20), ..world.spec("use much memory") });
            assert_eq!(finished.ended, Ended::OverMemory, "{finished:?}");
        }),
        ends("too many files in scratch end the tree", "make many files", Ended::OverFiles),
        ends("files that nobody can list end the tree", "hide files in scratch", Ended::OverFiles),
        ends("folders too deep to be removed end the tree", "make deep folders", Ended::OverFiles),
        Case::new("a process that is left behind ends with the extractor", || {
            let world = World::new();
            let finished = world.run(&world.spec("end with code 5 and leave a process"));
            assert_eq!(finished.ended, Ended::Code(5), "{finished:?}");
            assert!(lifetimes::is_gone(finished.output.trim().parse().unwrap()));
        }),
    ]
}

fn not_started() -> Vec<Case> {
    let refuses = |name: &'static str, change: fn(&World, &mut SupervisorSpec), reason: &'static str| {
        Case::new(name, move || {
            let world = World::new();
            let mut spec = world.spec("read the source");
            change(&world, &mut spec);
            let finished = world.run(&spec);
            assert_eq!(finished.ended, Ended::NotConfined, "{finished:?}");
            assert_eq!(finished.output, "");
            assert_eq!(finished.log.lines().count(), 1, "{finished:?}");
            assert!(finished.log.contains(reason), "{finished:?}");
        })
    };
    vec![
        refuses(
            "ABI 1 does not count as confined",
            |_, spec| spec.landlock_abi_max = Some(1),
            "Landlock ABI 1 is below 2",
        ),
        refuses(
            "scratch inside a source is refused",
            |world, spec| spec.scratch = world.targets.decoys.join("empty").to_str().unwrap().to_owned(),
            "lie inside each other",
        ),
        refuses(
            "a source inside scratch is refused",
            |world, spec| {
                let inner = world.scratch().join("inner");
                std::fs::create_dir(&inner).unwrap();
                spec.sources.push(SourceRoot::new("src_2", &inner));
            },
            "lie inside each other",
        ),
        refuses(
            "a root that is no folder is refused",
            |world, spec| {
                spec.sources = vec![SourceRoot::new("src_1", &world.targets.original)];
            },
            "is not a folder that can be used as a source",
        ),
        refuses(
            "a missing path is refused",
            |_, spec| spec.readable.push("/no/such/model".to_owned()),
            "/no/such/model",
        ),
        refuses("a relative path is refused", |_, spec| spec.readable.push("model".to_owned()), "it is not absolute"),
        Case::new("typed by hand it says that it needs a host", || {
            let ran = Command::new(exe()).arg(ARGUMENT).stdin(Stdio::null()).output().unwrap();
            assert_eq!(ran.status.code(), Some(EXIT_NOT_CONFINED));
            assert!(String::from_utf8_lossy(&ran.stderr).contains("is no lifeline"));
        }),
    ]
}
