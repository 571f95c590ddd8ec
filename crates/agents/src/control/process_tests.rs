//! Own children, started and ended for real.

use std::path::Path;

use exhibit_model::time::{CountingIds, FixedClock};
use serde_json::json;

use super::*;
use crate::control::actions::Actions;
use crate::control::audit::Caller;
use crate::control::testing::{MemoryAudit, QuickPace};
use crate::control::words::Word;

/// Long enough for any machine; nothing waits for it unless it is broken.
fn soon() -> Deadline {
    Deadline::within(Duration::from_secs(30))
}

fn agent(id: &str, argv: &[&str]) -> OwnAgent {
    OwnAgent { agent_id: AgentId::parse(id).unwrap(), argv: ArgvTemplate::parse(argv).unwrap() }
}

fn processes_with(agents: Vec<OwnAgent>, patience: Duration) -> Processes {
    Processes::start(ProcessSettings {
        agents,
        env: vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())],
        patience,
        settle: Duration::ZERO,
        guard: None,
        clock: Arc::new(FixedClock::new(Timestamp(1_800_000_000_000_000))),
        ids: Arc::new(CountingIds::new(7)),
    })
    .unwrap()
}

fn processes(agents: Vec<OwnAgent>) -> Processes {
    processes_with(agents, PATIENCE)
}

fn order(agent: &str, prompt: &str) -> SpawnOrder {
    SpawnOrder {
        agent_id: AgentId::parse(agent).unwrap(),
        prompt: prompt.to_owned(),
        model: None,
        idempotency_key: "aud_1".to_owned(),
    }
}

fn spawn(processes: &Processes, agent: &str, prompt: &str) -> SessionRow {
    let session = processes.spawn(&order(agent, prompt), soon()).unwrap().session_id.unwrap();
    processes.describe(&session, soon()).unwrap().unwrap()
}

fn until_written(path: &Path) -> String {
    loop {
        match std::fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
            _ => std::thread::yield_now(),
        }
    }
}

/// Gone, or only its name is left until somebody reaps it.
fn is_gone(pid: &str) -> bool {
    match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat.rsplit(')').next().unwrap().trim_start().starts_with('Z'),
        Err(_) => true,
    }
}

#[test]
fn a_child_ends_with_what_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let script = format!("sleep 1000 & echo $! > {}; wait", file.display());
    let processes = processes(vec![agent("a", &["/bin/sh", "-c", &script])]);
    let row = spawn(&processes, "a", "p");
    assert_eq!((row.state_word(), row.agent_id.as_deref()), ("running", Some("a")));
    let grandchild = until_written(&file);
    assert_eq!(processes.kill(&row, soon()).unwrap(), "ended by TERM");
    let row = processes.describe(&SessionId::parse(&row.session_id).unwrap(), soon()).unwrap().unwrap();
    assert_eq!((row.state_word(), row.has_active_run), ("killed", Some(false)));
    while !is_gone(&grandchild) {
        std::thread::yield_now();
    }
    assert_eq!(processes.kill(&row, soon()).unwrap(), "ended by itself");
    let logs: Vec<_> = processes.logs(soon()).into_iter().map(|line| line.msg).collect();
    assert!(logs.len() == 2 && logs[0].contains("started as process") && logs[1].contains("ended"), "{logs:?}");
}

#[test]
fn a_child_that_ignores_term_is_killed_when_patience_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ready");
    let script = format!("trap '' TERM; echo ready > {}; while :; do sleep 1000; done", file.display());
    let processes = processes_with(vec![agent("a", &["/bin/sh", "-c", &script])], Duration::from_millis(50));
    let row = spawn(&processes, "a", "p");
    until_written(&file);
    assert_eq!(processes.kill(&row, soon()).unwrap(), "ended by KILL");
}

#[test]
fn a_guarded_child_is_controlled_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ready");
    let script = format!("trap 'exit 0' TERM; echo ready > {}; while :; do sleep 0.01; done", file.display());
    let mut processes = processes(vec![agent("a", &["/bin/sh", "-c", &script])]);
    processes.settings.guard = Some(crate::control::guard::guard_of_tests());
    let row = spawn(&processes, "a", "p");
    until_written(&file);
    assert_eq!(processes.kill(&row, soon()).unwrap(), "ended by TERM");
    let session = SessionId::parse(&row.session_id).unwrap();
    let state = processes.describe(&session, soon()).unwrap().unwrap().state_word();
    assert_eq!(state, "killed", "also when it ended with 0");
}

/// AG-35: a program that cannot be run, or that ends at once, was never seen to begin.
#[test]
fn ag_35_a_program_that_does_not_run_is_not_confirmed() {
    let agents = vec![agent("gone", &["/nowhere/at/all"]), agent("false", &["/bin/false"])];
    let mut processes = processes(agents);
    processes.settings.guard = Some(crate::control::guard::guard_of_tests());
    processes.settings.settle = Duration::from_secs(30);
    let controller = Arc::new(processes);
    let audit = Arc::new(MemoryAudit::default());
    let actions = Actions::new(controller.clone(), audit, Arc::new(QuickPace::new()), Vec::new());
    let caller = Caller::new("cli", "local", None);
    let gone = actions.spawn(&caller, br#"{"agentId":"gone","prompt":"p"}"#);
    assert_eq!((gone.status, &gone.body["outcome"]), (500, &json!("refused")), "{gone:?}");
    assert!(gone.body["error"].as_str().unwrap().contains("/nowhere/at/all: No such file"), "{gone:?}");
    assert!(controller.sessions(soon()).unwrap().is_empty(), "nothing that could be shown as running");
    let ended = actions.spawn(&caller, br#"{"agentId":"false","prompt":"p"}"#);
    assert_eq!((ended.status, &ended.body["finalState"]), (500, &json!("failed")), "{ended:?}");
}

#[test]
fn a_session_ended_when_its_program_did_and_not_when_somebody_looked() {
    let clock = Arc::new(FixedClock::new(Timestamp(1_800_000_000_000_000)));
    let mut processes = processes(vec![agent("a", &["/bin/true"])]);
    processes.journal = Arc::new(Journal { clock: clock.clone(), lines: Mutex::default() });
    let session = processes.spawn(&order("a", "p"), soon()).unwrap().session_id.unwrap();
    // The log is read without looking at any child.
    while processes.logs(soon()).len() < 2 {
        std::thread::yield_now();
    }
    clock.advance_micros(3_600_000_000);
    let row = processes.describe(&session, soon()).unwrap().unwrap();
    assert_eq!((row.state_word(), row.last_activity_at), ("success", Some(Timestamp(1_800_000_000_000_000))));
}

#[test]
fn how_a_child_ended_is_its_state() {
    let processes =
        processes(vec![agent("good", &["/bin/sh", "-c", "exit 0"]), agent("bad", &["/bin/sh", "-c", "exit 3"])]);
    for (agent, state) in [("good", "success"), ("bad", "failed")] {
        let row = spawn(&processes, agent, "p");
        let child = processes.find(&row.session_id).unwrap();
        assert!(processes.await_end(&child, soon()).unwrap());
        assert_eq!(processes.sessions(soon()).unwrap()[0].state_word(), state, "newest first");
    }
}

/// AG-37: prompts reach a program as one argument, or not at all.
#[test]
fn ag_37_a_prompt_is_one_argument_and_no_option() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("prompt");
    let script = format!("printf '%s|%s|%s\\n' \"$#\" \"$1\" \"${{SECRET:-none}}\" > {}", file.display());
    let processes = processes(vec![agent("a", &["/bin/sh", "-c", &script, "sh", "{prompt}"])]);
    spawn(&processes, "a", "x'; touch /tmp/forged; '$(id)");
    assert_eq!(until_written(&file), "1|x'; touch /tmp/forged; '$(id)|none");
    let refused = processes.spawn(&order("a", "-x"), soon());
    assert_eq!(refused, Err(ControlError::refused("prompt begins with a dash")));
    assert_eq!(processes.spawn(&order("b", "p"), soon()), Err(ControlError::refused("no such agent")));
}

#[test]
fn a_program_that_is_not_there_is_a_refusal() {
    let processes = processes(vec![agent("a", &["/nowhere/at/all"])]);
    assert!(matches!(processes.spawn(&order("a", "p"), soon()), Err(ControlError::Refused { .. })));
    assert!(processes.sessions(soon()).unwrap().is_empty());
}

#[test]
fn no_child_outlives_its_controller_or_the_thread_that_started_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let script = format!("echo $$ > {}; exec sleep 1000", file.display());
    let processes = processes(vec![agent("a", &["/bin/sh", "-c", &script])]);
    spawn(&processes, "a", "p");
    let pid = until_written(&file);
    drop(processes);
    assert!(is_gone(&pid));

    // As when the program is killed: nobody is left to send a signal, so the kernel does.
    let launcher = Launcher::start().unwrap();
    let argv = ["/bin/sleep", "1000"].map(str::to_owned).to_vec();
    let mut group = launcher.launch(Launch { argv, env: Vec::new(), is_read: false, guard: None }).unwrap();
    drop(launcher);
    assert!(wait_end(&group.end_handle().unwrap(), soon()).unwrap());
    assert_eq!(group.poll().unwrap(), Some(ChildEnd::Signal(9)));
}

#[test]
fn only_so_many_run_at_a_time() {
    let processes = processes(vec![agent("a", &["/bin/sleep", "1000"])]);
    for _ in 0..RUNNING_MAX {
        processes.spawn(&order("a", "p"), soon()).unwrap();
    }
    let refused = processes.spawn(&order("a", "p"), soon());
    assert_eq!(refused, Err(ControlError::refused("too many sessions are running")));
}

/// AG-35: the whole way on own children: what is confirmed was reaped.
#[test]
fn ag_35_a_kill_of_an_own_child_is_confirmed_by_its_end() {
    let controller = Arc::new(processes(vec![agent("a", &["/bin/sleep", "1000"])]));
    let audit = Arc::new(MemoryAudit::default());
    let actions = Actions::new(controller.clone(), audit.clone(), Arc::new(QuickPace::new()), vec!["p/m".to_owned()]);
    let caller = Caller::new("cli", "local", None);
    let spawned = actions.spawn(&caller, br#"{"agentId":"a","prompt":"p"}"#);
    assert_eq!((spawned.status, &spawned.body["finalState"]), (200, &json!("running")), "{spawned:?}");
    let body = json!({"sessionId": spawned.body["sessionId"]}).to_string();
    let killed = actions.kill(&caller, body.as_bytes());
    assert_eq!((killed.status, &killed.body["finalState"]), (200, &json!("killed")), "{killed:?}");
    let again = actions.kill(&caller, body.as_bytes());
    assert_eq!((again.status, &again.body["outcome"]), (200, &json!("already_ended")));
    let model = json!({"provider": "p", "model": "m", "sessionId": spawned.body["sessionId"]}).to_string();
    assert_eq!(actions.model(&caller, model.as_bytes()).body["outcome"], "unsupported");
    assert_eq!(audit.lines.lock().unwrap().len(), 4);
    assert!(Word::parse(spawned.body["sessionId"].as_str().unwrap()).is_ok());
}
