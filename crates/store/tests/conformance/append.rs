//! The second half of the gate: idempotency, append and project in one transaction, for single requests and for groups.

use std::sync::PoisonError;
use std::sync::mpsc::channel;

use exhibit_model::states::UnitState;
use exhibit_store::ledger::proof::prove;
use exhibit_store::sql::{ledger, records, units};
use exhibit_store::{Append, Backend, Effect, GateError, Guard, Receipt, Sql, StoreError};
use serde_json::json;
use tokio::task::JoinSet;

use crate::room::EVIDENCE;
use crate::world::{NOW, World, block_on, ending, made};

both!(
    receipts_count_without_a_gap,
    an_append_is_all_or_nothing,
    an_effect_decides,
    an_effect_that_refuses_leaves_nothing,
    an_artifact_lands_with_its_unit,
    a_unit_has_one_lineage,
    one_bad_member_does_not_harm_its_group,
    a_refusal_between_others_concerns_itself,
    what_was_read_ahead_goes_with_the_record,
    a_replay_writes_nothing,
    a_conflict_leaves_its_evidence_once,
    a_stale_record_is_kept_but_not_projected,
    a_room_hears_of_everything_that_is_taken_in,
    requests_with_one_key_are_decided_one_after_the_other,
    a_panic_is_rolled_back,
    sixty_four_producers_make_one_ledger,
);

fn seqs(receipts: &[Receipt]) -> Vec<i64> {
    receipts.iter().map(|receipt| receipt.seq).collect()
}

fn ids(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|index| format!("{prefix}-{index}")).collect()
}

static COUNT_SEEN: Sql = Sql::same("test_count_seen", "select count(*) from test_seen");
const NOTE: Sql = Sql::same("test_note", "insert into store_meta (name, value) values ($1, 'x')");
static COUNT_NOTES: Sql = Sql::same("test_count_notes", "select count(*) from store_meta");

fn count(world: &World, sql: &'static Sql) -> i64 {
    world.read(|read| Ok(read.one::<(i64,)>(sql, &[])?.expect("a count").0))
}

fn note(name: &'static str) -> Effect {
    Box::new(move |tx| tx.execute(&NOTE, &[name.into()]).map(|_| Guard::Proceed))
}

fn receipts_count_without_a_gap(backend: Backend) {
    let world = World::new(backend);
    assert_eq!(seqs(&world.append_events(&ids("a", 3))), [1, 2, 3]);
    world.clock.advance_micros(7);
    assert_eq!(seqs(&world.append_events(&ids("b", 1))), [4]);
    let times = world.read(ledger::batches).iter().map(|batch| batch.at_us).collect::<Vec<_>>();
    assert_eq!(times, [NOW, NOW + 7]);
    assert_eq!(world.append(Vec::new()).expect("nothing"), []);
    let five = world.append_events(&ids("c", 1)).remove(0);
    assert_eq!((five.seq, five.replay), (5, false));
    assert_eq!(five.content_hash, world.plain_event("c-0").content_hash());
    let state = world.read(ledger::state);
    assert_eq!((state.batches, state.next_seq), (3, 6));
    let stored = world.read(|read| Ok(records::at(read, 4)?.expect("a record")));
    assert_eq!(stored.record_id.as_deref(), Some("b-0"));
    assert_eq!(stored.body.as_deref(), Some(br#"{"level":"info","text":"b-0"}"#.as_slice()));
    assert_eq!(world.verify().problems, []);
}

fn an_append_is_all_or_nothing(backend: Backend) {
    let world = World::new(backend);
    world.append_events(&ids("a", 1));
    let before = world.raw().dump();
    let twice = vec![world.plain_event("b"), world.plain_event("c"), world.plain_event("b")];
    let error = world.append(twice).expect_err("an id that is claimed twice in one request");
    assert!(matches!(error, GateError::Conflict { ref record_id } if record_id == "b"), "{error}");
    let other = vec![world.plain_event("d"), world.event("a-0", json!({"level": "error", "text": "other"}))];
    world.append(other).expect_err("a conflict");
    assert_eq!(world.raw().dump(), before);
    assert_eq!(seqs(&world.append_events(&ids("e", 1))), [2]);
}

fn an_effect_decides(backend: Backend) {
    let world = World::new(backend);
    world.append_with(vec![world.plain_event("a")], note("a")).expect("go on");
    world.append_with(Vec::new(), note("b")).expect("an effect alone");
    assert_eq!((world.records(), count(&world, &COUNT_NOTES)), (1, 2));
    let refuse: Effect = Box::new(|_| Ok(Guard::Refuse("the lease was lost".to_owned())));
    let error = world.append_with(vec![world.plain_event("b")], refuse).expect_err("refused");
    assert_eq!(error.to_string(), "refused: the lease was lost");
    // An effect whose own statement fails takes the whole append with it.
    world.append_with(vec![world.plain_event("b")], note("a")).expect_err("a name that is taken");
    // A conflict takes back what the effect wrote.
    let conflict = world.event("a", json!({"level": "info", "text": "other"}));
    world.append_with(vec![conflict], note("c")).expect_err("a conflict");
    assert_eq!((world.records(), count(&world, &COUNT_NOTES)), (1, 2));
}

/// Whatever it did before it refused, and by whatever kind of statement.
fn an_effect_that_refuses_leaves_nothing(backend: Backend) {
    const RETURNING: Sql =
        Sql::same("test_note_returning", "insert into store_meta (name, value) values ('r', 'x') returning name");
    let world = World::new(backend);
    let before = world.raw().dump();
    let executes: Effect = Box::new(|tx| {
        tx.execute(&NOTE, &["n".into()])?;
        Ok(Guard::Refuse("no".to_owned()))
    });
    let returns: Effect = Box::new(|tx| {
        let names: Vec<(String,)> = tx.all(&RETURNING, &[])?;
        assert_eq!(names, [("r".to_owned(),)]);
        Ok(Guard::Refuse("no".to_owned()))
    });
    for effect in [executes, returns] {
        let error = world.append_with(vec![world.plain_event("a")], effect).expect_err("refused");
        assert!(matches!(error, GateError::Refused(_)), "{error}");
        assert_eq!(world.raw().dump(), before);
    }
}

/// AR-22 in the small: a commit names unit, generation and state; whoever lost the lease writes nothing.
fn an_artifact_lands_with_its_unit(backend: Backend) {
    let world = World::new(backend);
    let assets = world.archive(2);
    let run = world.planned_run(1);
    let leased = {
        let key = run.key;
        world.write(move |tx| units::lease(tx, key, 0, 5, 2, 60_000, 0))
    };
    let commit = |unit: usize, generation: i64| {
        let mut done = ending(&leased[unit], UnitState::Done);
        (done.generation, done.artifacts) = (generation, 2);
        let run_key = run.key;
        let effect: Effect = Box::new(move |tx| match units::end(tx, run_key, std::slice::from_ref(&done))? {
            1 => Ok(Guard::Proceed),
            _ => Ok(Guard::Refuse("the lease was lost".to_owned())),
        });
        let unit = unit as u32;
        let facts = (0..2).map(|ordinal| {
            let payload = json!({"label": format!("{unit}.{ordinal}")});
            world.observation(&run, unit, ordinal, assets[unit as usize], payload)
        });
        world.append_with(facts.collect(), effect)
    };
    assert_eq!(seqs(&commit(0, 1).expect("the lease holds")), [1, 2]);
    let before = world.raw().dump();
    for (unit, generation) in [(0, 1), (1, 0), (1, 2)] {
        let error = commit(unit, generation).expect_err("no lease");
        assert!(matches!(error, GateError::Refused(_)), "{error}");
    }
    assert_eq!(world.raw().dump(), before);
    assert_eq!(seqs(&commit(1, 1).expect("the lease holds")), [3, 4]);
    let first = run.first_unit;
    let stored = world.read(move |read| Ok(records::of_unit(read, first + 1, 1)?.expect("an artifact")));
    assert_eq!((stored.seq, stored.unit_ordinal, stored.run), (4, Some(1), Some(run.id.0)));
    assert_eq!(stored.lineage_hash, Some(made(&run, 1, "0").lineage_hash));
    assert_eq!(world.verify().problems, []);
}

fn a_unit_has_one_lineage(backend: Backend) {
    let world = World::new(backend);
    let assets = world.archive(2);
    let run = world.planned_run(1);
    let fact =
        |unit: u32, ordinal| world.observation(&run, unit, ordinal, assets[unit as usize], json!({"label": "x"}));
    // The artifacts of units may come in any order.
    assert_eq!(
        seqs(&world.append(vec![fact(0, 0), fact(1, 0), fact(0, 1), fact(1, 1)]).expect("four facts")),
        [1, 2, 3, 4]
    );
    let before = world.raw().dump();
    // A second commit for a unit is a mistake of the host; no record may stand under a lineage that is not its own.
    world.append(vec![fact(0, 2)]).expect_err("the unit has its lineage");
    world.append(vec![fact(0, 0)]).expect_err("the ordinal is taken");
    assert_eq!(world.raw().dump(), before);
    assert_eq!(world.verify().problems, []);
}

/// Requests that arrive while the writer is held up become one group.
fn one_bad_member_does_not_harm_its_group(backend: Backend) {
    let world = World::new(backend);
    let assets = world.archive(1);
    let run = world.planned_run(1);
    world.append(vec![world.observation(&run, 0, 0, assets[0], json!({"label": "first"}))]).expect("a fact");
    let again = world.observation(&run, 0, 0, assets[0], json!({"label": "again"}));
    let requests: Vec<_> = (0..9)
        .map(|index| match index {
            4 => vec![again.clone()],
            7 => vec![world.plain_event("7"), world.event("twice", json!({"level": "info", "text": "other"}))],
            _ => vec![world.plain_event(&index.to_string())],
        })
        .collect();
    world.append(vec![world.plain_event("twice")]).expect("an event");
    let batches = world.read(ledger::state).batches;
    let answers = in_one_group(&world, requests);
    for (index, answer) in answers.iter().enumerate() {
        match (index, answer) {
            (4, Err(GateError::Store(StoreError::Statement { statement, .. }))) => {
                assert_eq!(*statement, "lineage_insert")
            }
            (7, Err(GateError::Conflict { record_id })) => assert_eq!(record_id, "twice"),
            (_, Ok(receipts)) => assert_eq!(receipts.len(), 1),
            (_, Err(error)) => panic!("request {index}: {error}"),
        }
    }
    assert_eq!(world.records(), 2 + 7);
    // The bad one broke the group up: each good one has a batch of its own.
    assert_eq!(world.read(ledger::state).batches, batches + 7);
    assert_eq!(world.verify().problems, []);
}

/// Those without an effect are decided together; the one between them is not.
fn a_refusal_between_others_concerns_itself(backend: Backend) {
    let world = World::new(backend);
    let plain = |id: &str| Append { candidates: vec![world.plain_event(id)], ..Append::default() };
    let refuse = || -> Effect { Box::new(|_| Ok(Guard::Refuse("not now".to_owned()))) };
    let refused = Append { effect: Some(refuse()), ..plain("c") };
    let answers = all_at_once(&world, vec![plain("a"), plain("b"), refused, plain("d"), plain("e")]);
    let places: Vec<Option<i64>> =
        answers.iter().map(|answer| answer.as_ref().ok().map(|receipts| receipts[0].seq)).collect();
    assert_eq!(places, [Some(1), Some(2), None, Some(3), Some(4)]);
    assert!(matches!(&answers[2], Err(GateError::Refused(reason)) if reason == "not now"));
    assert_eq!(world.read(ledger::state).batches, 1);
    assert_eq!(world.verify().problems, []);
}

fn what_was_read_ahead_goes_with_the_record(backend: Backend) {
    let world = World::new(backend);
    let candidate = world.plain_event("a");
    assert_eq!(candidate.reading::<usize>(), None);
    let (candidate, read) = candidate.read_ahead(|body| Ok::<_, StoreError>(body.len())).expect("a length");
    assert_eq!((candidate.reading::<usize>(), candidate.reading::<String>()), (Some(read), None));
    assert_eq!(candidate.reading::<usize>().as_deref(), Some(&candidate.body().len()));
    let failed = candidate.read_ahead(|_| Err::<usize, _>(StoreError::Closed));
    assert!(matches!(failed, Err(StoreError::Closed)));
}

/// Holds the writer up until all requests wait, then lets go.
fn in_one_group(world: &World, requests: Vec<Vec<exhibit_store::Candidate>>) -> Vec<Result<Vec<Receipt>, GateError>> {
    all_at_once(world, requests.into_iter().map(|candidates| Append { candidates, ..Append::default() }).collect())
}

fn all_at_once(world: &World, requests: Vec<Append>) -> Vec<Result<Vec<Receipt>, GateError>> {
    let (go, held) = channel::<()>();
    let (entered, inside) = channel::<()>();
    let store = world.store.clone();
    block_on(async {
        let blocker = tokio::spawn(async move {
            let work = move |_: &mut exhibit_store::Tx<'_>| {
                entered.send(()).expect("the test waits");
                held.recv().expect("the test lets go");
                Ok(())
            };
            store.write(work).await
        });
        tokio::task::spawn_blocking(move || inside.recv().expect("the writer is held")).await.expect("a thread");
        let mut waiting = Vec::new();
        for append in requests {
            let store = world.store.clone();
            let mut request = Box::pin(async move { store.append(append).await });
            // The first poll puts the request into the queue.
            let early = std::future::poll_fn(|context| std::task::Poll::Ready(request.as_mut().poll(context))).await;
            assert!(early.is_pending(), "the writer is held");
            waiting.push(request);
        }
        go.send(()).expect("the writer waits");
        blocker.await.expect("a task").expect("a write");
        let mut answers = Vec::new();
        for request in waiting {
            answers.push(request.await);
        }
        answers
    })
}

fn a_replay_writes_nothing(backend: Backend) {
    let world = World::new(backend);
    world.append_events(&ids("a", 2));
    let before = world.raw().dump();
    let replay = world.append_events(&ids("a", 2));
    assert_eq!(seqs(&replay), [1, 2]);
    assert!(replay.iter().all(|receipt| receipt.replay));
    assert_eq!(world.raw().dump(), before);
    // Old and new ones in one request.
    let mixed = world.append_events(&[ids("b", 1), ids("a", 1), ids("c", 1)].concat());
    assert_eq!(
        mixed.iter().map(|receipt| (receipt.seq, receipt.replay)).collect::<Vec<_>>(),
        [(3, false), (1, true), (4, false)]
    );
    // The same request many times at once: two with the same key never share a group.
    let same = (0..5).map(|_| vec![world.plain_event("same")]).collect();
    let answers: Vec<Receipt> =
        in_one_group(&world, same).into_iter().map(|answer| answer.expect("a receipt").remove(0)).collect();
    assert_eq!(answers.iter().map(|receipt| receipt.replay).collect::<Vec<_>>(), [false, true, true, true, true]);
    assert!(answers.iter().all(|receipt| receipt.seq == 5));
    // And after the process came back.
    let reopened = world.open_again().expect("the same database");
    let candidates = vec![world.plain_event("a-1")];
    let receipts =
        block_on(reopened.append(Append { candidates, effect: None, ..Append::default() })).expect("a replay");
    assert_eq!((receipts[0].seq, receipts[0].replay), (2, true));
    assert_eq!(world.verify().problems, []);
}

/// Alone and in a group: the evidence is appended once, everything else of the request is not.
fn a_conflict_leaves_its_evidence_once(backend: Backend) {
    let world = World::new(backend);
    let name = |index: usize| format!("claimed-{backend:?}-{index}");
    for index in 0..2 {
        world.append(vec![world.plain_event(&name(index))]).expect("the first claim");
        let draft = exhibit_store::Draft {
            payload: json!({"claimed": "something else"}),
            record_id: Some(format!("conflict-about-{}", name(index))),
            ..crate::world::empty_draft("test.conflict")
        };
        let evidence = world.store.gate().check(draft).expect("good evidence");
        EVIDENCE.lock().unwrap_or_else(PoisonError::into_inner).insert(name(index), evidence);
    }
    let other = |index: usize| world.event(&name(index), json!({"level": "info", "text": "something else"}));
    let error = world.append(vec![world.plain_event("lost"), other(0)]).expect_err("a conflict");
    assert_eq!(error.to_string(), format!("conflict: {} is already recorded with other content", name(0)));
    let stored = world.read(|read| Ok(records::at(read, 3)?.expect("the evidence")));
    assert_eq!(stored.record_id, Some(format!("conflict-about-{}", name(0))));
    assert_eq!(world.records(), 3);
    let before = world.read(ledger::state).batches;
    let answers =
        in_one_group(&world, vec![vec![world.plain_event("x")], vec![other(1)], vec![world.plain_event("y")]]);
    assert!(matches!(answers[1], Err(GateError::Conflict { .. })));
    assert_eq!((answers[0].is_ok(), answers[2].is_ok()), (true, true));
    assert_eq!((world.records(), world.read(ledger::state).batches), (6, before + 3));
    // Claimed once more, the evidence is there already.
    world.append(vec![other(1)]).expect_err("a conflict");
    assert_eq!(world.records(), 6);
    assert_eq!(world.verify().problems, []);
}

fn a_stale_record_is_kept_but_not_projected(backend: Backend) {
    let world = World::new(backend);
    let late = world.event("late", json!({"level": "info", "text": "x", "late": true}));
    let receipts =
        world.append(vec![world.plain_event("a"), late.clone(), world.plain_event("b")]).expect("three records");
    assert_eq!(seqs(&receipts), [1, 2, 3]);
    assert_eq!(count(&world, &COUNT_SEEN), 2);
    assert_eq!(world.raw().number("select count(*) from proj_test__event_v1"), 2);
    assert_eq!(world.read(|read| Ok(records::at(read, 2)?.expect("a record").admission)), 1);
    assert!(world.append(vec![late]).expect("a replay")[0].replay);
    assert!(world.read(|read| Ok(prove(read, 2)?.expect("a proof").holds())));
    assert_eq!(world.verify().problems, []);
}

/// New or late, and in which place; a replay is nothing new, and what is not kept was never said.
fn a_room_hears_of_everything_that_is_taken_in(backend: Backend) {
    static TAKEN: Sql = Sql::same("test_taken", "select seq, stale from test_taken order by seq");
    let world = World::new(backend);
    let late = world.event("late", json!({"level": "info", "text": "x", "late": true}));
    world.append(vec![world.plain_event("a"), late, world.plain_event("b")]).expect("receipts");
    world.append(vec![world.plain_event("a")]).expect("a replay");
    let refuse: Effect = Box::new(|_| Ok(Guard::Refuse("no".to_owned())));
    world.append_with(vec![world.plain_event("c")], refuse).expect_err("refused");
    let taken = world.read(|read| read.all::<(i64, i64)>(&TAKEN, &[]));
    assert_eq!(taken, [(1, 0), (2, 1), (3, 0)]);
}

/// Whoever decides by a key sees what the request before it wrote: they never share a transaction, and so no batch of the ledger.
fn requests_with_one_key_are_decided_one_after_the_other(backend: Backend) {
    let world = World::new(backend);
    let request = |id: &str, key: String| Append {
        candidates: vec![world.plain_event(id)],
        keys: vec![key, format!("other/{id}")],
        ..Append::default()
    };
    let apart = ["a", "b", "c", "d"].map(|id| request(id, format!("session/{id}")));
    assert!(all_at_once(&world, apart.into()).iter().all(Result::is_ok));
    assert_eq!(world.read(ledger::state).batches, 1, "other keys share a transaction");
    let same = ["e", "f", "g", "h"].map(|id| request(id, "session/1".to_owned()));
    assert!(all_at_once(&world, same.into()).iter().all(Result::is_ok));
    assert_eq!(world.read(ledger::state).batches, 1 + 4);
}

fn a_panic_is_rolled_back(backend: Backend) {
    let world = World::new(backend);
    let before = world.raw().dump();
    let panics: Effect = Box::new(|tx| {
        tx.execute(&NOTE, &["a".into()])?;
        panic!("the effect fell over")
    });
    let error = world.append_with(vec![world.plain_event("a")], panics).expect_err("a panic");
    assert!(error.to_string().contains("panicked and was rolled back: the effect fell over"), "{error}");
    let falls = world.event("a", json!({"level": "info", "text": "fall over"}));
    let error = world.append(vec![falls]).expect_err("a panic in the room");
    assert!(error.to_string().contains("the projection fell over"), "{error}");
    let error = block_on(world.store.write(|tx| {
        tx.execute(&NOTE, &["b".into()])?;
        if tx.backend() == Backend::Sqlite || tx.backend() == Backend::Postgres {
            panic!("the write fell over");
        }
        Ok(())
    }));
    assert!(matches!(error, Err(StoreError::Panicked(ref words)) if words == "the write fell over"), "{error:?}");
    for _ in 0..4 {
        let error = block_on(world.store.read::<()>(|_| panic!("the query fell over")));
        assert!(matches!(error, Err(StoreError::Panicked(_))), "{error:?}");
        let visit =
            |read: &exhibit_store::Read<'_>| read.each(&COUNT_NOTES, &[], &mut |_| panic!("the visitor fell over"));
        let error = block_on(world.store.read(visit));
        assert!(matches!(error, Err(StoreError::Panicked(_))), "{error:?}");
    }
    assert_eq!(world.raw().dump(), before);
    assert_eq!(seqs(&world.append_events(&ids("a", 2))), [1, 2]);
    assert_eq!(count(&world, &COUNT_NOTES), 0);
}

fn sixty_four_producers_make_one_ledger(backend: Backend) {
    const EACH: usize = 12;
    let world = World::new(backend);
    let mut all: Vec<(i64, String)> = block_on(async {
        let mut producers = JoinSet::new();
        for producer in 0..64 {
            let work: Vec<_> =
                (0..EACH).map(|index| format!("{producer}-{index}")).map(|id| (world.plain_event(&id), id)).collect();
            let store = world.store.clone();
            producers.spawn(async move {
                let mut acknowledged = Vec::new();
                for (candidate, id) in work {
                    let append = Append { candidates: vec![candidate], effect: None, ..Append::default() };
                    acknowledged.push((store.append(append).await.expect("a receipt")[0].seq, id));
                }
                assert!(acknowledged.is_sorted(), "what one producer sends stays in order");
                acknowledged
            });
        }
        producers.join_all().await.concat()
    });
    all.sort();
    assert_eq!(all.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), (1..=64 * EACH as i64).collect::<Vec<_>>());
    for (seq, id) in [&all[0], &all[100], &all[64 * EACH - 1]] {
        let seq = *seq;
        let stored = world.read(move |read| Ok(records::at(read, seq)?.expect("a record")));
        assert_eq!(stored.record_id.as_ref(), Some(id));
    }
    let state = world.read(ledger::state);
    assert!(state.batches < 64 * EACH as i64 / 4, "{} batches: requests do not share transactions", state.batches);
    assert_eq!(world.verify().problems, []);
}
