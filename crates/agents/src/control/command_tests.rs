//! Commands of a shell, run for real: what they print, how they fail, and their limits.

use std::time::Duration;

use super::*;
use crate::control::words::{AgentId, Word};

fn soon() -> Deadline {
    Deadline::within(Duration::from_secs(30))
}

fn shell(script: &str, placeholders: &[&str]) -> Option<ArgvTemplate> {
    let mut argv = vec!["/bin/sh", "-c", script, "sh"];
    argv.extend(placeholders);
    Some(ArgvTemplate::parse(&argv).unwrap())
}

fn commands(settings: CommandSettings) -> Commands {
    let env = vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())];
    Commands::start(CommandSettings { env, ..settings }).unwrap()
}

fn id(text: &str) -> SessionId {
    SessionId::parse(text).unwrap()
}

fn row(id: &str) -> SessionRow {
    SessionRow::of_value(&serde_json::json!({"id": id})).unwrap()
}

#[test]
fn commands_print_what_gateways_say() {
    let commands = commands(CommandSettings {
        agents: shell(r#"echo '[{"id":"a"}]'"#, &[]),
        sessions: shell(r#"echo '{"sessions":[{"id":"s1","status":"running"},{"id":"s2"}]}'"#, &[]),
        kill: shell(r#"printf 'ended %s\n' "$1""#, &["{sessionId}"]),
        spawn: shell(r#"printf '{"sessionId":"%s-1","status":"running"}' "$1""#, &["{agentId}", "{prompt}"]),
        model: shell(r#"printf '{"id":"%s"}' "$1""#, &["{agentId}", "{provider}", "{model}"]),
        ..CommandSettings::default()
    });
    assert_eq!(commands.agents(soon()).unwrap()[0].id, "a");
    assert_eq!(commands.describe(&id("s1"), soon()).unwrap().unwrap().state_word(), "running");
    assert_eq!(commands.describe(&id("s3"), soon()), Ok(None));
    assert_eq!(commands.kill(&row("s 1"), soon()).unwrap(), "ended s 1");
    let order = SpawnOrder {
        agent_id: AgentId::parse("a").unwrap(),
        prompt: "p".to_owned(),
        model: None,
        idempotency_key: "k".to_owned(),
    };
    assert_eq!(commands.spawn(&order, soon()).unwrap().session_id, Some(id("a-1")));
    let model = ModelRef { provider: Word::parse("p").unwrap(), model: Word::parse("m").unwrap() };
    let target = ModelTarget::Agent(AgentId::parse("main").unwrap());
    assert_eq!(commands.set_model(&target, &model, soon()), Ok(id("main")));
    assert_eq!(commands.health(soon()), Ok(Health { connected: true, healthy: true }));
}

#[test]
fn what_has_no_command_is_unsupported() {
    let commands = commands(CommandSettings::default());
    assert_eq!(commands.agents(soon()), Err(ControlError::Unsupported));
    assert_eq!(commands.describe(&id("s"), soon()), Err(ControlError::Unsupported));
    assert_eq!(commands.kill(&row("s"), soon()), Err(ControlError::Unsupported));
}

/// AG-37: `-x` and line breaks never reach a command.
#[test]
fn ag_37_ids_and_prompts_that_could_be_options_are_refused() {
    let commands = commands(CommandSettings {
        kill: shell("echo reached", &["{sessionId}"]),
        spawn: shell("echo reached", &["{prompt}"]),
        ..CommandSettings::default()
    });
    assert_eq!(commands.kill(&row("-x"), soon()), Err(ControlError::refused("sessionId begins with a dash")));
    for (prompt, reason) in [("--help", "prompt begins with a dash"), ("a\nb", "prompt holds a control character")] {
        let order = SpawnOrder {
            agent_id: AgentId::parse("a").unwrap(),
            prompt: prompt.to_owned(),
            model: None,
            idempotency_key: "k".to_owned(),
        };
        assert_eq!(commands.spawn(&order, soon()), Err(ControlError::refused(reason)));
    }
}

#[test]
fn a_command_that_fails_says_why_in_its_last_line() {
    let commands = commands(CommandSettings {
        kill: shell("echo first >&2; printf 'no \\033[1msuch\\n' >&2; exit 4", &["{sessionId}"]),
        health: shell("exit 1", &[]),
        sessions: shell("echo rubbish", &[]),
        agents: shell("kill -9 $$", &[]),
        spawn: shell("exit 3", &[]),
        ..CommandSettings::default()
    });
    assert_eq!(commands.kill(&row("s"), soon()), Err(ControlError::Refused { reason: "no \\u{1b}[1msuch".to_owned() }));
    assert_eq!(commands.health(soon()), Ok(Health { connected: true, healthy: false }));
    assert!(matches!(commands.sessions(soon()), Err(ControlError::Protocol { .. })));
    assert!(matches!(commands.agents(soon()), Err(ControlError::NoAnswer { .. })));
}

#[test]
fn a_command_has_limits_of_time_and_output() {
    let commands = commands(CommandSettings {
        kill: shell("sleep 1000", &[]),
        sessions: shell("exec yes", &[]),
        agents: shell("yes | head -c 300000 >&2; echo '[\"a\"]'", &[]),
        ..CommandSettings::default()
    });
    let late = commands.kill(&row("s"), Deadline::within(Duration::from_millis(50))).unwrap_err();
    assert!(late.detail().contains("took too long"), "{late:?}");
    let much = commands.sessions(soon()).unwrap_err();
    assert!(much.detail().contains("printed too much"), "{much:?}");
    assert_eq!(commands.agents(soon()).unwrap().len(), 1, "errors fill no pipe");
}

#[test]
fn a_process_that_left_the_group_does_not_hold_the_answer_up() {
    let commands =
        commands(CommandSettings { kill: shell("setsid sleep 1000 & echo $!", &[]), ..CommandSettings::default() });
    let output = commands.kill(&row("s"), soon()).unwrap();
    // It may have been ended with the group before it could leave.
    let left = rustix::process::Pid::from_raw(output.parse().unwrap()).unwrap();
    rustix::process::kill_process(left, rustix::process::Signal::KILL).ok();
}
