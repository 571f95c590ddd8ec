//! Orders are confirmed by what is read back alone, and every one of them leaves two lines in the audit.

use std::sync::Barrier;
use std::sync::atomic::Ordering;

use exhibit_model::time::Clock;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::control::controller::Spawned;
use crate::control::testing::{HandPace, MemoryAudit, ScriptedController};

fn caller() -> Caller {
    Caller::new("token:ops", "127.0.0.1:5", None)
}

struct Bench {
    actions: Actions,
    controller: Arc<ScriptedController>,
    audit: Arc<MemoryAudit>,
    pace: Arc<HandPace>,
}

fn bench(controller: ScriptedController) -> Bench {
    let (controller, audit, pace) = (Arc::new(controller), Arc::new(MemoryAudit::default()), Arc::new(HandPace::new()));
    let actions = Actions::new(controller.clone(), audit.clone(), pace.clone(), vec!["anthropic/claude".to_owned()]);
    Bench { actions, controller, audit, pace }
}

fn kill(bench: &Bench, body: Value) -> (u16, Value) {
    let answer = bench.actions.kill(&caller(), body.to_string().as_bytes());
    (answer.status, answer.body)
}

/// AG-35: every way a kill can end, with its exact body; AG-37: each has an intent and one outcome.
#[test]
fn ag_35_a_kill_is_confirmed_only_by_what_is_read_back() {
    let confirmed = |state: &str| json!({"ok": true, "output": "aborted", "outcome": "confirmed", "finalState": state});
    let unconfirmed = |why: &str, state: Value| json!({"error": format!("kill not confirmed: {why}"), "outcome": "unconfirmed", "finalState": state});
    for (states, status, body) in [
        (vec!["running", "killed"], 200, confirmed("killed")),
        (vec!["running", "running", "running", "success"], 200, confirmed("success")),
        (vec!["queued", "absent"], 200, confirmed("absent")),
        (vec!["running", "lost", "lost", "aborted"], 200, confirmed("killed")),
        (vec!["banana", "idle"], 200, confirmed("idle")),
        (vec!["running"], 500, unconfirmed("session still running", json!("running"))),
        (vec!["banana"], 500, unconfirmed("session state is unknown", json!("idle"))),
        (vec!["running", "lost"], 500, unconfirmed("gateway unavailable", Value::Null)),
        (
            vec!["done"],
            200,
            json!({"ok": true, "output": "session already success", "outcome": "already_ended", "finalState": "success"}),
        ),
        (vec!["absent"], 404, json!({"error": "Session not found", "outcome": "failed", "finalState": "absent"})),
        (vec!["lost"], 500, json!({"error": "kill failed: gateway unavailable", "outcome": "failed"})),
    ] {
        let bench = bench(ScriptedController::describing(&states));
        let mut expected = body;
        expected["sessionId"] = json!("s1");
        expected["auditId"] = json!("aud_1");
        // What was not read back is left out.
        expected.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        assert_eq!(kill(&bench, json!({"sessionId": " s1 "})), (status, expected.clone()), "{states:?}");
        let (intent, verdict) = bench.audit.only();
        let verdict = verdict.unwrap();
        assert_eq!(
            (intent.action, intent.target.as_str(), intent.controller),
            (Action::Kill, "session=s1", "scripted")
        );
        assert_eq!(verdict.outcome.as_str(), expected["outcome"], "{states:?}");
        assert_eq!(json!(verdict.final_state), expected["finalState"], "{states:?}");
        assert!(verdict.at >= intent.at);
        let orders = bench.controller.orders.lock().unwrap();
        let is_ordered = !matches!(states[0], "done" | "absent" | "lost");
        assert_eq!(orders.len(), usize::from(is_ordered), "{states:?}");
    }
}

#[test]
fn reading_back_takes_ten_seconds_at_most() {
    let bench = bench(ScriptedController::describing(&["running"]));
    let before = bench.pace.now();
    kill(&bench, json!({"sessionId": "s1"}));
    assert_eq!(bench.pace.now().0 - before.0, READ_BACK_MICROS);
    assert!(bench.pace.waits.load(Ordering::SeqCst) < LOOKS_MAX);
}

#[test]
fn what_the_controller_answers_decides_unless_it_is_open() {
    let not_done = |outcome: &str, error: &str| (500, outcome.to_owned(), error.to_owned());
    for (error, states, expected) in [
        (ControlError::refused("not now"), vec!["running"], not_done("refused", "kill refused: not now")),
        (
            ControlError::Unsupported,
            vec!["running"],
            not_done("unsupported", "kill not done: not supported by this controller"),
        ),
        (
            ControlError::Unavailable { reason: "x".to_owned() },
            vec!["running"],
            not_done("failed", "kill failed: gateway unavailable"),
        ),
        (
            ControlError::NoAnswer { reason: "reset".to_owned() },
            vec!["running"],
            not_done("unconfirmed", "kill not confirmed: session still running"),
        ),
    ] {
        let bench = bench(ScriptedController::describing(&states));
        *bench.controller.kill_answer.lock().unwrap() = Some(Err(error.clone()));
        let (status, body) = kill(&bench, json!({"sessionId": "s1"}));
        let text = |field: &str| body[field].as_str().unwrap().to_owned();
        assert_eq!((status, text("outcome"), text("error")), expected, "{error:?}");
    }
    // The answer was lost, and the session ended all the same.
    let bench = bench(ScriptedController::describing(&["running", "killed"]));
    *bench.controller.kill_answer.lock().unwrap() = Some(Err(ControlError::NoAnswer { reason: "reset".to_owned() }));
    assert_eq!(kill(&bench, json!({"sessionId": "s1"})).0, 200);
}

#[test]
fn a_dry_run_gives_no_order() {
    let bench = bench(ScriptedController::describing(&["running"]));
    let (status, body) = kill(&bench, json!({"sessionId": "s1", "dryRun": true}));
    assert_eq!(
        (status, body["outcome"].as_str(), body["finalState"].as_str()),
        (200, Some("dry_run"), Some("running"))
    );
    bench.controller.set_agents(json!(["main"]));
    for (agent, status) in [("main", 200), ("other", 500)] {
        let body = json!({"agentId": agent, "prompt": "p", "dryRun": true}).to_string();
        let answer = bench.actions.spawn(&caller(), body.as_bytes());
        assert_eq!((answer.status, &answer.body["sessionId"]), (status, &Value::Null));
    }
    let body = json!({"provider": "anthropic", "model": "claude", "dryRun": true}).to_string();
    let answer = bench.actions.model(&caller(), body.as_bytes());
    assert_eq!((answer.status, answer.body["outcome"].as_str()), (200, Some("dry_run")));
    for (target, outcome) in [
        (json!({"sessionId": "s1"}), "dry_run"),
        (json!({"agentId": "main"}), "dry_run"),
        (json!({"agentId": "nobody"}), "failed"),
    ] {
        let mut body = json!({"provider": "anthropic", "model": "claude", "dryRun": true});
        body.as_object_mut().unwrap().extend(target.as_object().unwrap().clone());
        let answer = bench.actions.model(&caller(), body.to_string().as_bytes());
        assert_eq!(answer.body["outcome"].as_str(), Some(outcome), "{target}");
    }
    assert_eq!(bench.actions.default_model(), None);
    assert!(bench.controller.orders.lock().unwrap().is_empty());
    assert!(bench.audit.lines.lock().unwrap().iter().all(|(intent, verdict)| intent.dry_run && verdict.is_some()));
}

/// AG-37: ids that could be options or lines are refused, and the attempt is kept in one line.
#[test]
fn ag_37_forged_ids_are_refused_and_audited_on_one_line() {
    let caller = Caller::new("ops\nroot", "127.0.0.1:5", Some("10.0.0.1\r\n2026 kill session=x confirmed"));
    for (id, fault) in [
        ("-x", "begins with a dash"),
        ("a\nb", "holds a control character"),
        ("a\u{1b}[1m", "holds a control character"),
    ] {
        let bench = bench(ScriptedController::describing(&["running"]));
        let answer = bench.actions.kill(&caller, json!({"sessionId": id}).to_string().as_bytes());
        assert_eq!((answer.status, &answer.body["error"]), (500, &json!(format!("kill refused: sessionId {fault}"))));
        assert_eq!(answer.body["outcome"], "refused");
        let (intent, verdict) = bench.audit.only();
        let shown =
            format!("{}|{}|{}|{}", intent.actor, intent.remote_addr, intent.forwarded_for.unwrap(), intent.target);
        assert!(!shown.chars().any(char::is_control), "{shown:?}");
        assert_eq!(verdict.unwrap().outcome, Outcome::Refused);
        assert!(bench.controller.orders.lock().unwrap().is_empty());
    }
    let bench = bench(ScriptedController::describing(&["running"]));
    for body in [json!({"agentId": "-a", "prompt": "p"}), json!({"agentId": "a", "prompt": "p\u{1b}]0;x"})] {
        assert_eq!(bench.actions.spawn(&caller, body.to_string().as_bytes()).body["outcome"], "refused");
    }
    for body in [
        json!({"provider": "-p", "model": "m"}),
        json!({"provider": "anthropic", "model": "claude", "sessionId": "-s"}),
        json!({"provider": "anthropic", "model": "claude", "agentId": "a\nb"}),
        json!({"provider": "anthropic", "model": "dear"}),
    ] {
        assert_eq!(bench.actions.model(&caller, body.to_string().as_bytes()).body["outcome"], "refused", "{body}");
    }
    assert!(bench.controller.orders.lock().unwrap().is_empty());
}

/// AG-37: without an intent in the audit nothing is done.
#[test]
fn ag_37_without_an_audit_nothing_is_done() {
    let bench = bench(ScriptedController::describing(&["running", "killed"]));
    bench.audit.broken_intent.store(true, Ordering::SeqCst);
    let answer = bench.actions.kill(&caller(), br#"{"sessionId":"s1"}"#);
    assert_eq!((answer.status, answer.body), (500, json!({"error": "Internal error"})));
    assert!(answer.audit_fault.is_some() && bench.controller.orders.lock().unwrap().is_empty());

    bench.audit.broken_intent.store(false, Ordering::SeqCst);
    bench.audit.broken_outcome.store(true, Ordering::SeqCst);
    let answer = bench.actions.kill(&caller(), br#"{"sessionId":"s1"}"#);
    assert_eq!(
        (answer.status, &answer.body["error"], &answer.body["outcome"]),
        (500, &json!("Internal error"), &json!("confirmed"))
    );
    assert!(answer.audit_fault.is_some());
}

#[test]
fn a_second_kill_in_flight_joins_the_first() {
    let mut controller = ScriptedController::describing(&["running", "killed"]);
    controller.gate = Some(Barrier::new(2));
    let bench = bench(controller);
    let body = br#"{"sessionId":"s1"}"#;
    std::thread::scope(|scope| {
        let first = scope.spawn(|| bench.actions.kill(&caller(), body));
        bench.controller.gate.as_ref().unwrap().wait();
        let second = scope.spawn(|| bench.actions.kill(&caller(), br#"{"sessionId":" s1 "}"#));
        while bench.actions.kills.joined("s1") == 0 {
            std::thread::yield_now();
        }
        bench.controller.gate.as_ref().unwrap().wait();
        let (first, second) = (first.join().unwrap(), second.join().unwrap());
        assert_eq!((first.status, &first), (200, &second));
    });
    assert_eq!(bench.controller.orders.lock().unwrap().len(), 1);
    let lines = bench.audit.lines.lock().unwrap();
    let verdicts: Vec<&Verdict> = lines.iter().map(|(_, verdict)| verdict.as_ref().unwrap()).collect();
    assert_eq!(verdicts.len(), 2, "who gave it second is noted, too");
    assert!(verdicts.iter().all(|verdict| verdict.outcome == Outcome::Confirmed), "{verdicts:?}");
    assert_eq!(verdicts[1].detail.as_deref(), Some("joined the kill under way, aud_1"));
}

#[test]
fn a_spawn_is_confirmed_when_its_session_has_begun() {
    for (states, status, outcome, state) in [
        (vec!["absent", "idle", "running"], 200, "confirmed", json!("running")),
        (vec!["done"], 200, "confirmed", json!("success")),
        (vec!["failed"], 500, "failed", json!("failed")),
        (vec!["idle"], 500, "unconfirmed", json!("idle")),
        (vec!["absent"], 500, "unconfirmed", json!("absent")),
        (vec!["lost"], 500, "unconfirmed", Value::Null),
    ] {
        let bench = bench(ScriptedController::describing(&states));
        let answer = bench.actions.spawn(&caller(), br#"{"agentId":"main","prompt":"p"}"#);
        assert_eq!(
            (answer.status, &answer.body["outcome"], &answer.body["finalState"]),
            (status, &json!(outcome), &state),
            "{states:?}"
        );
        assert_eq!(answer.body["sessionId"], "s1");
        assert_eq!(answer.body["ok"].as_bool(), (status == 200).then_some(true));
        // The id of the audit makes a repetition of the order harmless.
        assert_eq!(*bench.controller.orders.lock().unwrap(), ["spawn main own aud_1"]);
    }
}

#[test]
fn an_order_whose_answer_was_lost_is_not_said_to_have_failed() {
    let bench = bench(ScriptedController::describing(&["running"]));
    let lost = ControlError::NoAnswer { reason: "reset".to_owned() };
    *bench.controller.spawn_answer.lock().unwrap() = Some(Err(lost.clone()));
    *bench.controller.model_answer.lock().unwrap() = Some(Err(lost));
    let spawned = bench.actions.spawn(&caller(), br#"{"agentId":"main","prompt":"p"}"#);
    assert_eq!(
        (spawned.status, &spawned.body["error"], &spawned.body["outcome"]),
        (500, &json!("spawn not confirmed: no answer from the gateway"), &json!("unconfirmed"))
    );
    let body = br#"{"provider":"anthropic","model":"claude","agentId":"a"}"#;
    assert_eq!(bench.actions.model(&caller(), body).body["outcome"], "unconfirmed");
    *bench.controller.spawn_answer.lock().unwrap() = Some(Ok(Spawned { session_id: None, output: "ok".to_owned() }));
    let spawned = bench.actions.spawn(&caller(), br#"{"agentId":"main","prompt":"p"}"#);
    assert_eq!((spawned.status, &spawned.body["sessionId"]), (500, &Value::Null));
    assert_eq!(spawned.body["error"], "spawn not confirmed: the controller named no session");
}

/// AG-35: setting a model alters state: of a session, or of what is spawned later.
#[test]
fn ag_35_a_model_is_read_back_or_kept_for_later_spawns() {
    let bench = bench(ScriptedController::describing(&["other/x", "anthropic/claude"]));
    let set = |body: Value| bench.actions.model(&caller(), body.to_string().as_bytes());
    let answer = set(json!({"provider": "anthropic", "model": "claude", "sessionId": "s1"}));
    assert_eq!(
        (answer.status, answer.body),
        (
            200,
            json!({
                "ok": true, "provider": "anthropic", "model": "claude", "outcome": "confirmed",
                "finalState": "anthropic/claude", "auditId": "aud_1",
            })
        )
    );
    assert_eq!(bench.actions.default_model(), None);
    let answer = set(json!({"provider": "anthropic", "model": "claude"}));
    assert_eq!((answer.status, &answer.body["finalState"]), (200, &json!("anthropic/claude")));
    bench.actions.spawn(&caller(), br#"{"agentId":"main","prompt":"p"}"#);
    let orders = bench.controller.orders.lock().unwrap().clone();
    assert_eq!(orders.last().unwrap(), "spawn main anthropic/claude aud_3");

    let model =
        |name: &str| ModelRef { provider: Word::parse("anthropic").unwrap(), model: Word::parse(name).unwrap() };
    let again = self::bench(ScriptedController::default()).actions.with_default_model(model("claude"));
    assert_eq!(again.default_model(), Some(model("claude")));
    assert_eq!(again.with_default_model(model("gone")).default_model(), None);

    let stubborn = self::bench(ScriptedController::describing(&["other/x"]));
    let answer = stubborn.actions.model(&caller(), br#"{"provider":"anthropic","model":"claude","agentId":"a"}"#);
    assert_eq!((answer.status, &answer.body["error"]), (500, &json!("model not confirmed: session still has other/x")));
}

fn any_states() -> impl Strategy<Value = Vec<&'static str>> {
    let state =
        prop::sample::select(vec!["running", "queued", "done", "failed", "killed", "idle", "banana", "absent", "lost"]);
    prop::collection::vec(state, 1..6)
}

fn any_answer() -> impl Strategy<Value = Option<Result<String, ControlError>>> {
    prop::sample::select(vec![
        None,
        Some(Err(ControlError::Unsupported)),
        Some(Err(ControlError::NotFound)),
        Some(Err(ControlError::refused("no"))),
        Some(Err(ControlError::NoAnswer { reason: "x".to_owned() })),
        Some(Err(ControlError::Unavailable { reason: "x".to_owned() })),
        Some(Err(ControlError::Protocol { reason: "x".to_owned() })),
    ])
}

proptest! {
    /// AG-35, AG-37: whatever a controller says, 200 means that the last look saw an end, it took ten seconds at most, and the audit has
    /// an intent with one outcome.
    #[test]
    fn ag_35_whatever_happens_200_means_that_an_end_was_seen(states in any_states(), answer in any_answer()) {
        let bench = bench(ScriptedController::describing(&states));
        *bench.controller.kill_answer.lock().unwrap() = answer;
        let before = bench.pace.now();
        let (status, body) = kill(&bench, json!({"sessionId": "s1"}));
        prop_assert!(bench.pace.now().0 - before.0 <= READ_BACK_MICROS);
        let (_, verdict) = bench.audit.only();
        prop_assert_eq!(body["outcome"].as_str(), verdict.map(|verdict| verdict.outcome.as_str()));
        prop_assert!([200, 404, 500].contains(&status));
        if status == 200 {
            let seen = body["finalState"].as_str().unwrap();
            prop_assert!(["success", "failed", "killed", "idle", "absent"].contains(&seen), "{}", body);
        }
        if status == 404 {
            prop_assert_eq!(&body["error"], "Session not found");
        }
    }

    /// AG-37: no text of anybody puts a control character into the audit.
    #[test]
    fn ag_37_no_text_breaks_a_line_of_the_audit(actor in "\\PC{0,8}\\s?.{0,8}", forwarded in "(.|\\s){0,20}", id in "(.|\\s){1,20}") {
        let bench = bench(ScriptedController::describing(&["running", "killed"]));
        let caller = Caller::new(&actor, "127.0.0.1:5", Some(&forwarded));
        let answer = bench.actions.kill(&caller, json!({"sessionId": id}).to_string().as_bytes());
        for (intent, verdict) in bench.audit.lines.lock().unwrap().iter() {
            let verdict = verdict.as_ref().unwrap();
            let texts = [&intent.actor, &intent.target].into_iter().chain(&intent.forwarded_for).chain(&verdict.detail);
            for text in texts.chain(&verdict.final_state) {
                prop_assert!(!text.chars().any(breaks_lines), "{:?}", text);
            }
        }
        prop_assert!([200, 400, 500].contains(&answer.status));
    }
}
