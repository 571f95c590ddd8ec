//! Rules R1 to R8: what becomes of a document, seen through the answers and the rows.

use exhibit_agents::contract::{BODY_BYTES_MAX, Options, decode};
use exhibit_agents::ingest::ingest;
use exhibit_agents::record::API_FEED;
use exhibit_agents::sql::{events, sessions};
use exhibit_agents::state::SessionState;
use exhibit_store::Backend;
use exhibit_store::projection::rebuild;
use exhibit_store::sql::ledger::count_records;
use serde_json::json;

use crate::world::{World, block_on, keyed, session, with, with_events};

both!(
    ag_18_a_replay_writes_nothing_also_after_a_restart,
    ag_19_divergent_keys_are_refused_and_kept_as_evidence,
    ag_20_a_late_running_document_does_not_reopen_a_session,
    an_explicit_key_corrects_an_ended_session,
    a_lower_revision_of_the_sender_is_stale,
    an_event_is_immutable_within_its_session,
    many_at_once_about_one_session_are_all_counted,
    a_rebuild_comes_to_the_same_rows,
    documents_of_the_allowed_depth_are_taken_in_and_kept_as_evidence,
    a_document_that_grows_in_canonical_form_is_taken_in,
    all_events_that_conflict_are_told,
);

fn row(world: &World, id: &'static str) -> sessions::SessionRow {
    world.read(move |read| Ok(sessions::rows(read, &[id])?.remove(id))).expect("a session")
}

fn events_of(world: &World, id: &'static str) -> Vec<events::EventRow> {
    let key = row(world, id).standing.session_key;
    world.read(move |read| events::of_session(read, key, (i64::MIN, ""), 100))
}

fn said(text: &str) -> serde_json::Value {
    json!([{"eventId": "e1", "eventType": "message", "eventTs": "2026-01-02T03:04:06Z", "payload": {"text": text}}])
}

fn ag_18_a_replay_writes_nothing_also_after_a_restart(backend: Backend) {
    let mut world = World::new(backend);
    let envelope = with_events(keyed(session("s", "completed"), "once"), said("hello"));
    let first = world.takes(&envelope);
    assert_eq!((first.revision, first.idempotent_replay, first.stale), (1, false, false));
    let before = (row(&world, "s"), events_of(&world, "s"), world.read(count_records));
    assert_eq!(before.1.len(), 1);
    for _ in 0..2 {
        world.clock.advance_micros(60_000_000);
        let replay = world.takes(&envelope);
        assert!(replay.idempotent_replay && replay.revision == 1 && replay.fingerprint == first.fingerprint);
        let after = (row(&world, "s"), events_of(&world, "s"), world.read(count_records));
        assert_eq!(after, before, "no row, time or event changes");
        world.store = world.open_again();
    }
    // Another way to write the same document is the same document.
    let other = json!({
        "envelope_version": "v3", "idempotency_key": "once",
        "payload": {"events": envelope["payload"]["events"], "session": with(session("s", "DONE"), "startedAt", "2026-01-02T04:04:05+01:00")["payload"]["session"]},
    });
    assert!(world.takes(&other).idempotent_replay);
}

fn ag_19_divergent_keys_are_refused_and_kept_as_evidence(backend: Backend) {
    let world = World::new(backend);
    let body = json!({"error": {"code": "IDEMPOTENCY_CONFLICT", "message": "IDEMPOTENCY CONFLICT",
        "details": [{"field": "idempotency_key", "message": "conflicting payload for idempotency key"}]}});
    world.takes(&keyed(session("s", "running"), "k"));
    world.takes(&session("t", "completed"));
    let (s, t) = (row(&world, "s"), row(&world, "t"));
    for divergent in [
        keyed(session("s", "failed"), "k"),
        keyed(session("another", "running"), "k"),
        session("t", "failed"),
        with(session("t", "completed"), "title", "other words"),
    ] {
        let before = world.read(count_records);
        for _ in 0..2 {
            assert_eq!(world.refuses(&divergent), (409, body.clone()), "{divergent}");
        }
        assert_eq!(world.read(count_records), before + 1, "the evidence is kept, once");
    }
    assert_eq!((row(&world, "s"), row(&world, "t")), (s, t), "what stands is untouched");
    let found = world.read(|read| Ok(sessions::standing(read, &["another"])?.len()));
    assert_eq!(found, 0);
}

fn ag_20_a_late_running_document_does_not_reopen_a_session(backend: Backend) {
    let world = World::new(backend);
    assert_eq!(world.takes(&session("s", "running")).revision, 1);
    assert_eq!(world.takes(&session("s", "completed")).revision, 2);
    let ended = row(&world, "s");
    let late = with(session("s", "running"), "title", "late");
    let answer = world.takes(&late);
    assert!(answer.stale && !answer.idempotent_replay && answer.revision == 2, "{answer:?}");
    assert_eq!(row(&world, "s"), ended);
    let again = world.takes(&late);
    assert!(again.stale && again.idempotent_replay && again.revision == 2, "{again:?}");
}

fn an_explicit_key_corrects_an_ended_session(backend: Backend) {
    let world = World::new(backend);
    world.takes(&session("s", "failed"));
    let answer = world.takes(&keyed(session("s", "success"), "correction"));
    assert_eq!((answer.revision, answer.stale), (2, false));
    assert_eq!(row(&world, "s").standing.state, SessionState::Success);
}

fn a_lower_revision_of_the_sender_is_stale(backend: Backend) {
    let world = World::new(backend);
    let counted = |revision: i64, title: &str| {
        let mut envelope = with(with(session("s", "running"), "revision", revision), "title", title);
        envelope["envelope_version"] = "v3".into();
        envelope
    };
    assert_eq!(world.takes(&counted(5, "five")).revision, 5);
    assert!(world.takes(&counted(4, "four")).stale);
    let after = world.takes(&counted(6, "six"));
    assert_eq!((after.revision, after.stale), (6, false));
    assert_eq!(row(&world, "s").task_title.as_deref(), Some("six"));
}

fn an_event_is_immutable_within_its_session(backend: Backend) {
    let world = World::new(backend);
    world.takes(&with_events(session("s", "running"), said("hello")));
    let mut events = said("changed");
    let first = json!({"eventId": "e0", "eventType": "message", "eventTs": "2026-01-02T03:04:05Z", "payload": {}});
    events.as_array_mut().expect("a list").insert(0, first);
    let (status, body) = world.refuses(&with_events(session("s", "completed"), events));
    assert_eq!(status, 409);
    assert_eq!(
        body["error"]["details"],
        json!([{"field": "events[1].eventId", "message": "conflicting content for event id"}])
    );
    assert_eq!(row(&world, "s").standing.state, SessionState::Running);
    assert_eq!(events_of(&world, "s").len(), 1, "nothing of a refused document is kept as said");
    // In another session the same id is another event.
    world.takes(&with_events(session("t", "running"), said("changed")));
}

fn many_at_once_about_one_session_are_all_counted(backend: Backend) {
    let world = World::new(backend);
    let envelopes: Vec<_> =
        (0..64).map(|turn| with(session("s", "running"), "title", format!("turn {turn}"))).collect();
    let answers = block_on(futures_util::future::join_all(envelopes.iter().map(|envelope| world.take(envelope))));
    let mut revisions: Vec<i64> = answers.into_iter().map(|answer| answer.expect("taken in").revision).collect();
    revisions.sort_unstable();
    assert_eq!(revisions, (1..=64).collect::<Vec<i64>>(), "each saw the one before it");
    assert_eq!(row(&world, "s").standing.revision, 64);
}

fn a_rebuild_comes_to_the_same_rows(backend: Backend) {
    let world = World::new(backend);
    world.takes(&with_events(session("s", "running"), said("hello")));
    world.takes(&with(session("s", "running"), "title", "more"));
    world.clock.advance_micros(1_000_000);
    world.takes(&session("t", "completed"));
    world.takes(&with(session("s", "completed"), "endedAt", "2026-01-02T03:14:05Z"));
    world.takes(&session("s", "running"));
    let dump = |world: &World| (row(world, "s"), events_of(world, "s"), row(world, "t"));
    let before = dump(&world);
    assert_eq!((before.0.standing.revision, before.0.runtime_ms), (3, 600_000));
    block_on(rebuild(&world.store, &mut |_, _| {})).expect("a rebuild");
    assert_eq!(dump(&world), before);
}

/// AG-19: bodies of 64 levels, with and without an envelope; the evidence of a divergent one lies deeper still.
fn documents_of_the_allowed_depth_are_taken_in_and_kept_as_evidence(backend: Backend) {
    let world = World::new(backend);
    // Metadata lies below root and session, and below the payload of an envelope.
    let metadata = |levels: usize| (1..levels).fold(json!({"x": 1}), |inner, _| json!({ "x": inner }));
    let bare = |id: &str| json!({"session": with(session(id, "done"), "metadata", metadata(62))["payload"]["session"]});
    world.takes(&bare("bare"));
    let enveloped =
        |title: &str| with(with(keyed(session("s", "done"), "k"), "metadata", metadata(61)), "title", title);
    world.takes(&enveloped("one"));
    let mut deepest = bare("bare");
    deepest["session"]["title"] = "two".into();
    for divergent in [enveloped("two"), deepest] {
        let before = world.read(count_records);
        assert_eq!(world.refuses(&divergent).0, 409);
        assert_eq!(world.read(count_records), before + 1, "the evidence is kept");
    }
    let rows = (row(&world, "s"), row(&world, "bare"));
    block_on(rebuild(&world.store, &mut |_, _| {})).expect("a rebuild");
    assert_eq!((row(&world, "s"), row(&world, "bare")), rows);
    let mut too_deep = bare("deeper");
    too_deep["session"]["metadata"] = metadata(63);
    assert_eq!(world.refuses(&too_deep).0, 400);
}

/// A body within the limit is taken in, also when numbers that are written out make its record longer than any body may be.
fn a_document_that_grows_in_canonical_form_is_taken_in(backend: Backend) {
    let world = World::new(backend);
    let numbers = vec!["9e15"; 600_000].join(",");
    let text = format!(
        r#"{{"envelope_version":"v1","payload":{{"session":{{"sessionId":"s","agentId":"a","modelId":"m","state":"done",
        "startedAt":"2026-01-02T03:04:05Z","metadata":{{"n":[{numbers}]}}}}}}}}"#
    );
    let document = decode(text.as_bytes(), Options::default()).expect("a document");
    assert!(text.len() < BODY_BYTES_MAX && document.canonical.len() > BODY_BYTES_MAX);
    assert_eq!(block_on(ingest(&world.store, &document, API_FEED)).expect("taken in").revision, 1);
    assert!(block_on(ingest(&world.store, &document, API_FEED)).expect("known").idempotent_replay);
}

/// Each event that conflicts is told, by its place in what was sent.
fn all_events_that_conflict_are_told(backend: Backend) {
    let world = World::new(backend);
    let event = |id: &str, text: &str| json!({"eventId": id, "eventType": "message", "eventTs": "2026-01-02T03:04:06Z", "payload": {"text": text}});
    world
        .takes(&with_events(session("s", "running"), json!([event("a", "one"), event("b", "one"), event("c", "one")])));
    let other = json!([event("a", "two"), event("x", "two"), event("c", "two")]);
    let (status, body) = world.refuses(&with_events(session("s", "running"), other));
    let message = "conflicting content for event id";
    assert_eq!(status, 409);
    assert_eq!(
        body["error"]["details"],
        json!([{"field": "events[0].eventId", "message": message}, {"field": "events[2].eventId", "message": message}])
    );
}
