//! The guard as a real process: this test binary under another argument.

use std::path::Path;

use super::*;
use crate::control::child::{ChildEnd, ChildGroup, Launch, Launcher, wait_end};

/// Arguments with which this binary runs one of its tests; what follows them is for that test.
fn argv_of(test: &str) -> Vec<String> {
    let exe = std::env::current_exe().unwrap().to_str().unwrap().to_owned();
    vec![exe, "--exact".to_owned(), "--".to_owned(), format!("control::guard::tests::{test}")]
}

/// Arguments with which this binary becomes a guard; what follows them is the command.
pub fn guard_argv() -> Vec<String> {
    argv_of("acts_as_guard")
}

/// What followed the arguments of `test`, in a process that was started with them.
fn arguments_after(test: &str) -> Option<Vec<String>> {
    let arguments: Vec<String> = std::env::args().collect();
    let (head, tail) = arguments.split_at_checked(4)?;
    (head == argv_of(test) && !tail.is_empty()).then(|| tail.to_vec())
}

/// No test in the usual run; a guard in the processes that the tests below start.
#[test]
#[expect(clippy::disallowed_methods, reason = "as a guard, this process ends with the code of its child")]
fn acts_as_guard() {
    if let Some(command) = arguments_after("acts_as_guard") {
        std::process::exit(i32::from(run(&command)));
    }
}

/// No test in the usual run; a host with a guarded child, which waits to be killed.
#[test]
fn acts_as_host() {
    if let Some(script) = arguments_after("acts_as_host") {
        let launcher = Launcher::start().unwrap();
        let group = launch(&launcher, &script[0]);
        wait_end(&group.end_handle().unwrap(), Deadline::within(Duration::from_secs(600))).unwrap();
    }
}

fn soon() -> Deadline {
    Deadline::within(Duration::from_secs(30))
}

fn launch(launcher: &Launcher, script: &str) -> ChildGroup {
    let argv = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
    let env = vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())];
    launcher.launch(Launch { argv, env, is_read: false, guard: Some(guard_argv()) }).unwrap()
}

fn until_written(path: &Path) -> String {
    loop {
        match std::fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
            _ => std::thread::yield_now(),
        }
    }
}

fn exists(pid: &str) -> bool {
    Path::new("/proc").join(pid).exists()
}

#[test]
fn the_code_of_the_child_is_that_of_the_guard() {
    let launcher = Launcher::start().unwrap();
    for (script, code) in [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137)] {
        let mut group = launch(&launcher, script);
        assert!(wait_end(&group.end_handle().unwrap(), soon()).unwrap());
        assert_eq!(group.poll().unwrap(), Some(ChildEnd::Code(code)), "{script}");
    }
}

#[test]
fn what_is_below_ends_with_the_lifeline_even_in_a_session_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let script =
        format!("setsid sh -c 'echo $$ > {}; exec sleep 1000' & trap '' TERM; wait; sleep 1000", file.display());
    let launcher = Launcher::start().unwrap();
    let mut group = launch(&launcher, &script);
    let escaped = until_written(&file);
    assert!(exists(&escaped));
    // Nobody sends a signal: the end of the lifeline is enough.
    group.kill().unwrap();
    assert!(wait_end(&group.end_handle().unwrap(), soon()).unwrap());
    assert_eq!(group.poll().unwrap(), Some(ChildEnd::Code(137)));
    assert!(!exists(&escaped), "ended and reaped before the guard ends");
}

#[test]
fn what_is_below_ends_when_the_host_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let script = format!("setsid sh -c 'echo $$ > {}; exec sleep 1000' & wait", file.display());
    let launcher = Launcher::start().unwrap();
    let mut argv = argv_of("acts_as_host");
    argv.push(script);
    let env = vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())];
    let mut host = launcher.launch(Launch { argv, env, is_read: false, guard: None }).unwrap();
    let escaped = until_written(&file);
    host.kill().unwrap();
    assert!(wait_end(&host.end_handle().unwrap(), soon()).unwrap());
    while exists(&escaped) {
        std::thread::yield_now();
    }
}

#[test]
fn a_child_that_ends_by_term_ends_its_guard() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ready");
    let launcher = Launcher::start().unwrap();
    let mut group = launch(
        &launcher,
        &format!("trap 'exit 5' TERM; echo ready > {}; while :; do sleep 0.01; done", file.display()),
    );
    until_written(&file);
    group.terminate().unwrap();
    assert!(wait_end(&group.end_handle().unwrap(), soon()).unwrap());
    assert_eq!(group.poll().unwrap(), Some(ChildEnd::Code(5)));
}

#[test]
fn a_program_that_is_not_there_is_told_by_the_code() {
    assert_eq!(run(&[]), NOT_STARTED);
}
