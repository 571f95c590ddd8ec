//! What an auditor is told of a session: checked here with code of its own (RFC 9162), from the formats as they are documented.

use std::sync::Arc;

use exhibit_agents::http::ledger::{Detail, Include, detail};
use exhibit_agents::http::proof::SessionProof;
use exhibit_agents::room::AgentsRoom;
use exhibit_agents::sql::cost_rows::Subject;
use exhibit_model::digest::Digest;
use exhibit_store::projection::rebuild;
use exhibit_store::sql::ledger;
use exhibit_store::{Backend, Room as _, Sql};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::recompute::{ask, call, lists};
use crate::world::{World, block_on, keyed, session, with, with_calls};

both!(
    a_stranger_checks_a_session_against_the_root_of_a_checkpoint,
    what_was_changed_does_not_hold,
    ag_19_ag_20_what_was_refused_and_what_came_too_late_is_told,
    ag_04_what_came_too_late_before_is_told_after_an_upgrade,
    ag_24_the_history_of_costs_is_told,
);

type Hash = [u8; 32];

fn sha256(parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

/// The root that a path leads to (RFC 9162, section 2.1.3.2).
fn root_of(leaf: Hash, index: i64, size: i64, path: &[Digest]) -> Hash {
    let (mut place, mut last, mut root) = (index, size - 1, leaf);
    for other in path {
        assert_ne!(last, 0, "the path is too long");
        if place % 2 == 1 || place == last {
            root = sha256(&[&[1], &other.0, &root]);
            while place % 2 == 0 && place != 0 {
                (place, last) = (place / 2, last / 2);
            }
        } else {
            root = sha256(&[&[1], &root, &other.0]);
        }
        (place, last) = (place / 2, last / 2);
    }
    assert_eq!(last, 0, "the path is too short");
    root
}

fn hex(hash: Hash) -> String {
    Digest(hash).to_hex()
}

/// The root of the ledger, from the body of a record and the paths alone.
fn root_from(proof: &SessionProof) -> Hash {
    let body = proof.body.as_ref().expect("a body").get();
    assert_eq!(proof.body_hash.map(|hash| hash.0), Some(sha256(&[body.as_bytes()])));
    let kind = format!("{{\"kind\":\"{}\",\"payload\":", proof.kind);
    let content = sha256(&[kind.as_bytes(), body.as_bytes(), b",\"schema_version\":1}"]);
    assert_eq!(proof.content_hash.0, content);
    let leaf = format!(
        "{{\"admission\":\"{}\",\"commitment\":\"{}\",\"kind\":\"{}\",\"record_id\":\"{}\",\"schema_version\":1}}",
        proof.admission,
        hex(content),
        proof.kind,
        proof.record_id
    );
    let leaf = sha256(&[&[0], leaf.as_bytes()]);
    let path = &proof.inclusion;
    assert_eq!(path.leaf.0, leaf);
    let leaves_root = root_of(leaf, proof.ledger_seq - path.first_seq, path.count, &path.path_in_batch);
    let head = format!(
        "{{\"at_us\":{},\"batch\":{},\"count\":{},\"first_seq\":{},\"leaves_root\":\"{}\"}}",
        path.at_us,
        path.batch,
        path.count,
        path.first_seq,
        hex(leaves_root)
    );
    root_of(sha256(&[&[0], head.as_bytes()]), path.batch - 1, path.batches, &path.path_in_ledger)
}

fn told(world: &World, id: &'static str, include: Include) -> Detail {
    let kinds = Arc::clone(world.store.kinds());
    world.read(move |read| detail(read, &kinds, id, (i64::MIN, ""), include)).expect("a session")
}

fn proof(world: &World, id: &'static str) -> SessionProof {
    told(world, id, Include { proof: true, ..Include::default() }).proof.expect("a proof")
}

fn a_stranger_checks_a_session_against_the_root_of_a_checkpoint(backend: Backend) {
    let world = World::new(backend);
    for number in 0..5 {
        world.takes(&session(&format!("before {number}"), "running"));
    }
    let envelopes: Vec<Value> = (0..7).map(|number| session(&format!("beside {number}"), "failed")).collect();
    let taken = futures_util::future::join_all(envelopes.iter().map(|envelope| world.take(envelope)));
    block_on(taken).into_iter().for_each(|answer| drop(answer.expect("taken in")));
    world.takes(&session("s", "running"));
    let receipt = world.takes(&with(session("s", "completed"), "title", "the \"last\" word\u{2028}é"));
    world.takes(&session("after", "running"));
    for id in ["s", "beside 3", "before 0", "after"] {
        let proof = proof(&world, id);
        let (root, batches) = world.read(|read| {
            let state = ledger::state(read)?;
            Ok((state.frontier.root(), state.batches))
        });
        assert_eq!((root_from(&proof), proof.inclusion.batches), (root.0, batches), "{id}: what a checkpoint signs");
        assert!(proof.holds && proof.fits() && proof.problems.is_empty(), "{id}");
    }
    // What was acknowledged is what was recorded: the fingerprint is the hash of the document within the body.
    let proof = proof(&world, "s");
    let body = proof.body.as_ref().expect("a body").get();
    let document = body.strip_prefix("{\"document\":").and_then(|rest| rest.rsplit_once(",\"envelope\":"));
    assert_eq!(hex(sha256(&[document.expect("a document").0.as_bytes()])), receipt.fingerprint);
    // Through JSON it is the same.
    let again: SessionProof =
        serde_json::from_str(&serde_json::to_string(&proof).expect("JSON")).expect("the same shape");
    assert_eq!((root_from(&again), again.fits()), (root_from(&proof), true));
    assert_eq!(told(&world, "s", Include::default()).proof.map(|proof| proof.holds), None, "only who asks is told");
}

/// Changes a proof, with what another one has.
type Change = fn(&mut SessionProof, &SessionProof);

fn what_was_changed_does_not_hold(backend: Backend) {
    let world = World::new(backend);
    world.takes(&session("s", "completed"));
    world.takes(&session("t", "completed"));
    let other = proof(&world, "t");
    let cases: [(&str, Change); 7] = [
        ("another body", |proof, other| proof.body = other.body.clone()),
        ("another body and its hash", |proof, other| {
            (proof.body, proof.body_hash) = (other.body.clone(), other.body_hash);
        }),
        ("another content", |proof, other| proof.content_hash = other.content_hash),
        ("another id", |proof, _| proof.record_id.push('x')),
        ("another admission", |proof, _| proof.admission = "stale".to_owned()),
        ("another place", |proof, _| proof.ledger_seq += 1),
        ("another root", |proof, _| proof.inclusion.root = Digest([7; 32])),
    ];
    for (what, change) in cases {
        let mut changed = proof(&world, "s");
        assert!(changed.fits());
        change(&mut changed, &other);
        assert!(!changed.fits(), "{what}");
    }
    let seq = proof(&world, "s").ledger_seq;
    let text = match backend {
        Backend::Sqlite => {
            "update records set body = cast(replace(cast(body as text), 'builder', 'tamperd') as blob) where seq = $1"
        }
        Backend::Postgres => {
            "update records set body = convert_to(replace(convert_from(body, 'UTF8'), 'builder', 'tamperd'), 'UTF8') where seq = $1"
        }
    };
    let change = move |tx: &mut exhibit_store::Tx<'_>| tx.execute(&Sql::same(text, text), &[seq.into()]);
    assert_eq!(block_on(world.store.write(change)).expect("a change"), 1);
    let found = proof(&world, "s");
    let codes: Vec<&str> = found.problems.iter().map(|problem| problem.code.as_ref()).collect();
    assert_eq!((found.holds, codes), (false, vec!["content_mismatch"]));
}

/// Places, keys and reasons of what is recorded about a session and not shown.
fn asides(world: &World, id: &'static str) -> Value {
    let proof = proof(world, id);
    let refused: Vec<Value> = proof.conflicts.iter().map(|it| json!([it.key, it.reason, it.standing])).collect();
    let stale: Vec<Value> = proof.stale.iter().map(|it| json!([it.key, it.revision])).collect();
    json!({"refused": refused, "stale": stale})
}

/// A session with what was refused and what came too late, under keys of both sorts.
fn with_asides(world: &World) {
    world.takes(&keyed(session("s", "running"), "k"));
    world.takes(&session("s", "completed"));
    world.refuses(&session("s", "failed"));
    for _ in 0..2 {
        world.refuses(&keyed(session("s", "failed"), "k"));
    }
    world.takes(&with(session("s", "running"), "title", "late"));
    world.takes(&keyed(with(session("s", "running"), "title", "later"), "own"));
    world.takes(&session("other", "completed"));
    world.refuses(&session("other", "failed"));
}

fn ag_19_ag_20_what_was_refused_and_what_came_too_late_is_told(backend: Backend) {
    let mut world = World::new(backend);
    with_asides(&world);
    let seq = proof(&world, "s").ledger_seq;
    let expected = json!({
        "refused": [["terminal:s", "terminal", seq], ["key:k", "key", seq - 1]],
        "stale": [["live:s", 2], ["key:own", 2]],
    });
    assert_eq!(asides(&world, "s"), expected);
    assert_eq!(asides(&world, "other")["stale"], json!([]));
    assert_eq!(asides(&world, "other")["refused"].as_array().map(Vec::len), Some(1));
    block_on(rebuild(&world.store, &mut |_, _| {})).expect("a rebuild");
    assert_eq!(asides(&world, "s"), expected, "a rebuild forgets nothing");
    world.store = world.open_again();
    assert_eq!(asides(&world, "s"), expected);
}

fn ag_04_what_came_too_late_before_is_told_after_an_upgrade(backend: Backend) {
    let world = World::new(backend);
    with_asides(&world);
    let before = (asides(&world, "s"), asides(&world, "other"));
    assert_eq!(before.0["stale"].as_array().map(Vec::len), Some(2));
    // As the version before left the records, to which the migration then comes.
    world.tampers("delete from session_asides").expect("an empty table");
    assert_eq!(asides(&world, "s"), json!({"refused": [], "stale": []}));
    let migration = AgentsRoom.migrations().iter().find(|migration| migration.name == "agents_asides");
    let text =
        migration.map(|it| if backend == Backend::Sqlite { it.sqlite } else { it.postgres }).expect("it is there");
    let statements = text.split(';').filter_map(|statement| statement.find("insert into").map(|at| &statement[at..]));
    let added: Vec<u64> = statements.map(|statement| world.tampers(statement).expect("rows")).collect();
    assert_eq!(added, [2, 3]);
    assert_eq!((asides(&world, "s"), asides(&world, "other")), before);
}

fn ag_24_the_history_of_costs_is_told(backend: Backend) {
    let world = World::new(backend);
    let version = lists(&world);
    let mut billed = call("billed", "alpha", "2026-01-02T03:04:06Z");
    billed["billedCostUsd"] = json!(0.5);
    let priced = call("priced", "alpha", "2026-01-02T03:04:05Z");
    let unknown = call("unknown", "nobody's", "2026-01-02T03:04:07Z");
    world.takes(&with_calls("s", &json!({}), &json!([priced, billed, unknown])));
    world.takes(&with(session("whole", "completed"), "billedCostUsd", 0.25));
    let history = |id: &'static str| {
        let costs = told(&world, id, Include { costs: true, ..Include::default() }).costs.expect("costs");
        let rows = costs.into_iter().map(|cost| {
            let (version, usd) = (cost.pricing_version, cost.cost_usd);
            (cost.subject, cost.call_id, cost.revision, cost.reason, version, usd, cost.confidence)
        });
        rows.collect::<Vec<_>>()
    };
    let before = history("s");
    let words: Vec<(Option<&str>, i64, &str)> =
        before.iter().map(|row| (row.1.as_deref(), row.2, row.3.as_str())).collect();
    assert_eq!(words, [(Some("priced"), 1, "ingest"), (Some("billed"), 1, "ingest"), (Some("unknown"), 1, "ingest")]);
    assert_eq!((before[1].4.as_deref(), before[1].5), (Some("provider_native"), Some(0.5)));
    assert_eq!((before[2].4.clone(), before[2].5, before[2].6.as_str()), (None, None, "unknown"));
    assert_eq!(history("whole").len(), 1);
    assert_eq!(history("whole")[0].0, Subject::Session.as_str());
    world.clock.advance_micros(5_000_000);
    assert_eq!(ask(&world, "r", &version, Default::default()).changed, 1);
    let after = history("s");
    assert_eq!(after.len(), 4);
    assert_eq!(after[0], before[0], "what stood stays");
    assert_eq!((after[1].2, after[1].3.as_str(), after[1].4.as_deref()), (2, "recompute", Some(version.as_str())));
    assert_ne!(after[1].5, before[0].5);
    assert_eq!(after[2..], before[1..], "billed and unknown costs have no other");
}
