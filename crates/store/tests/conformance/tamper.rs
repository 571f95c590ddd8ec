//! One cell of the evidence is changed behind the back of the store: the check names it (AR-20, I3, I12).

use std::sync::Arc;
use std::sync::mpsc::channel;

use exhibit_model::digest::Digest;
use exhibit_store::ledger::verify::{Problem, printed_id, verify_ledger};
use exhibit_store::sql::records::{self, each_blob};
use exhibit_store::{Backend, Draft, Sql, StoreError, Tx};
use serde_json::json;

use crate::raw::{Cell, Raw};
use crate::world::{World, block_on, empty_draft, made};

both!(every_changed_cell_is_named, rows_that_come_and_go_are_named, a_changed_blob_has_another_hash);

/// Two batches: an artifact with span and blob, a plain artifact, an event; then one more event. Seq 1 to 4.
fn evidence(backend: Backend) -> World {
    let world = World::new(backend);
    let asset = world.archive(2)[0];
    let run = world.planned_run(1);
    let draft = Draft {
        asset: Some(asset),
        span_ms: Some((10, 20)),
        payload: json!({"label": "a", "count": 3}),
        blob: Some(world.blob(b"the bytes of a blob")),
        made: Some((made(&run, 0, "0"), 0)),
        ..empty_draft("test.observation")
    };
    let rich = world.store.gate().check(draft).expect("a good artifact");
    let plain = world.observation(&run, 0, 2, asset, json!({"label": "b"}));
    world.append(vec![rich, plain, world.plain_event("three")]).expect("three records");
    world.append_events(&["four".to_owned()]);
    assert_eq!(world.verify().problems, []);
    world
}

/// The cell with its first, its middle or its last byte changed by one bit.
fn flipped(cell: &Cell, byte: usize) -> Cell {
    match cell {
        Cell::Bytes(bytes) => {
            let mut bytes = bytes.clone();
            let place = [0, bytes.len() / 2, bytes.len() - 1][byte];
            bytes[place] ^= 1;
            Cell::Bytes(bytes)
        }
        Cell::Text(text) => {
            let mut bytes = text.clone().into_bytes();
            let place = [0, bytes.len() / 2, bytes.len() - 1][byte];
            bytes[place] ^= 1;
            Cell::Text(String::from_utf8(bytes).expect("ASCII stays ASCII"))
        }
        Cell::Int(number) => Cell::Int([number ^ 1, number ^ (1 << 20), number ^ (1 << 62)][byte]),
        Cell::Null => panic!("there is no byte in a null"),
    }
}

/// Changes a cell, checks, puts the old value back, and returns the problems.
fn problems_with(world: &World, raw: &mut Raw, at: (&str, &str, &str), cell: &Cell) -> Vec<Problem> {
    let (table, column, place) = at;
    let good = raw.cell(table, column, place);
    raw.set(table, column, place, cell);
    let problems = world.verify().problems;
    raw.set(table, column, place, &good);
    problems
}

fn every_changed_cell_is_named(backend: Backend) {
    let world = evidence(backend);
    let mut raw = world.raw();
    let artifact = world.read(|read| Ok(records::at(read, 1)?.expect("a record")));
    let first = format!("record 1 ({})", printed_id(&artifact));
    let blob_key = raw.number("select blob from records where seq = 1");
    let run_key = format!("run = {}", raw.number("select max(run) from runs"));
    let unit = format!("unit = {}", raw.number("select unit from lineages"));
    let first = first.as_str();
    let blob = format!("blob = {blob_key}");
    let event_kind = format!("kind = {}", raw.number("select kind from records where seq = 3"));
    // Table, column, row; who must be named for it, and with which words (any of them).
    let table: &[(&str, &str, &str, &str, &[&str])] = &[
        ("records", "body", "seq = 1", first, &["content_mismatch"]),
        ("records", "body", "seq = 4", "record 4 (four)", &["content_mismatch"]),
        ("records", "commitment", "seq = 1", first, &["content_mismatch", "leaf_mismatch"]),
        ("records", "leaf", "seq = 1", first, &["leaf_mismatch"]),
        ("records", "kind", "seq = 4", "record 4 (four)", &["content_mismatch", "unknown_kind"]),
        ("records", "admission", "seq = 4", "record 4 (four)", &["leaf_mismatch"]),
        ("records", "ordinal", "seq = 2", "record 2", &["leaf_mismatch", "unreadable"]),
        ("records", "unit", "seq = 2", "record 2 (", &["lineage_missing", "leaf_mismatch"]),
        ("records", "asset", "seq = 1", first, &["content_mismatch"]),
        ("records", "span_start_ms", "seq = 1", first, &["content_mismatch"]),
        ("records", "span_end_ms", "seq = 1", first, &["content_mismatch"]),
        ("records", "blob", "seq = 1", first, &["content_mismatch"]),
        ("records", "record_id", "seq = 4", "record 4 (", &["leaf_mismatch"]),
        ("lineages", "body", &unit, &format!("lineage of {first}"), &["lineage_mismatch"]),
        ("lineages", "lineage_hash", &unit, &format!("lineage of {first}"), &["lineage_mismatch"]),
        ("blobs", "sha256", &blob, first, &["content_mismatch"]),
        ("batches", "first_seq", "batch = 2", "batch 2", &["gap", "head_mismatch"]),
        ("batches", "count", "batch = 2", "batch 2", &["record_missing", "head_mismatch"]),
        ("batches", "at_us", "batch = 1", "batch 1", &["head_mismatch"]),
        ("batches", "leaves_root", "batch = 1", "batch 1", &["leaves_root_mismatch"]),
        ("batches", "head", "batch = 1", "batch 1", &["head_mismatch"]),
        ("tree_nodes", "hash", "level = 0 and position = 1", "tree node 0/1", &["node_mismatch"]),
        ("tree_nodes", "hash", "level = 1 and position = 0", "tree node 1/0", &["node_mismatch"]),
        ("ledger_state", "frontier", "one = 1", "ledger state", &["state_mismatch"]),
        ("ledger_state", "next_seq", "one = 1", "ledger state", &["state_mismatch"]),
        ("kinds", "declaration", &event_kind, "kind test.event v1", &["kind_mismatch"]),
        ("kinds", "digest", &event_kind, "kind test.event v1", &["kind_mismatch"]),
        ("kinds", "name", &event_kind, "kind ", &["kind_mismatch"]),
        ("kinds", "version", &event_kind, "kind", &["kind_mismatch", "unreadable"]),
        ("runs", "run_id", &run_key, "record 1 (", &["leaf_mismatch"]),
        ("assets", "sha256", "asset = 1", first, &["content_mismatch"]),
    ];
    for (name, column, place, subject, codes) in table {
        let good = raw.cell(name, column, place);
        for byte in 0..3 {
            let problems = problems_with(&world, &mut raw, (name, column, place), &flipped(&good, byte));
            let named =
                |problem: &Problem| problem.subject.starts_with(subject) && codes.contains(&problem.code.as_ref());
            assert!(problems.iter().any(named), "{name}.{column} where {place}, byte {byte}: {problems:?}");
        }
    }
    // What was null gets a value, what had one becomes null: no column of a record is without meaning.
    let nulls: &[(&str, &str, Cell)] = &[
        ("ordinal", "seq = 4", Cell::Int(0)),
        ("unit", "seq = 4", Cell::Int(1)),
        ("unit", "seq = 4", Cell::Int(999)),
        ("asset", "seq = 4", Cell::Int(1)),
        ("asset", "seq = 4", Cell::Int(999)),
        ("span_start_ms", "seq = 4", Cell::Int(5)),
        ("span_end_ms", "seq = 4", Cell::Int(5)),
        ("blob", "seq = 4", Cell::Int(blob_key)),
        ("blob", "seq = 4", Cell::Int(999)),
        ("record_id", "seq = 1", Cell::Text("mine".to_owned())),
        ("span_start_ms", "seq = 1", Cell::Null),
        ("span_end_ms", "seq = 1", Cell::Null),
        ("blob", "seq = 1", Cell::Null),
        ("asset", "seq = 1", Cell::Null),
        ("ordinal", "seq = 1", Cell::Null),
        ("unit", "seq = 1", Cell::Null),
        ("body", "seq = 1", Cell::Null),
        ("record_id", "seq = 4", Cell::Null),
        ("leaf", "seq = 4", Cell::Bytes(vec![7])),
        ("commitment", "seq = 4", Cell::Bytes(Vec::new())),
    ];
    for (column, place, cell) in nulls {
        let problems = problems_with(&world, &mut raw, ("records", column, place), cell);
        let subject = format!("record {}", &place[6..]);
        let named = problems.iter().any(|problem| problem.subject.starts_with(&subject));
        assert!(named, "{column} where {place} becomes {cell:?}: {problems:?}");
    }
    assert_eq!(world.verify().problems, [], "everything was put back");
}

/// What one writer does to all rows is taken back with its transaction, after it looked.
fn problems_after(world: &World, tampering: &str) -> Vec<Problem> {
    let text = tampering.to_owned();
    let kinds = Arc::clone(world.store.kinds());
    let (send, problems) = channel();
    let work = move |tx: &mut Tx<'_>| {
        for statement in text.split("; ") {
            let name: &'static str = format!("tamper_{}", Digest::of(statement.as_bytes())).leak();
            tx.execute(&Sql::same(name, statement.to_owned().leak()), &[])?;
        }
        send.send(verify_ledger(tx, &kinds, &mut |_, _| Ok(()))?.problems).expect("the test listens");
        Err::<(), _>(StoreError::Refused("only looking".to_owned()))
    };
    let error = block_on(world.store.write(work)).expect_err("only looking");
    assert_eq!(error.to_string(), "only looking", "{tampering}");
    problems.recv().expect("a report")
}

fn rows_that_come_and_go_are_named(backend: Backend) {
    let cases: &[(&str, &str, &str)] = &[
        ("delete from records where seq = 2", "batch 1", "record_missing"),
        ("delete from records where seq = 4", "batch 2", "record_missing"),
        ("delete from records", "batch 1", "record_missing"),
        ("delete from batches where batch = 1", "batch 2", "gap"),
        ("delete from batches where batch = 2", "ledger", "record_outside"),
        ("delete from batches", "ledger", "record_outside"),
        ("delete from tree_nodes where level = 0 and position = 0", "ledger tree", "node_missing"),
        ("insert into tree_nodes select 9, 9, hash from tree_nodes where level = 1", "tree node 9/9", "node_mismatch"),
        (
            "delete from tree_nodes where level = 1; insert into tree_nodes select 9, 9, hash from tree_nodes where position = 1",
            "ledger tree",
            "node_missing",
        ),
        ("delete from ledger_state", "ledger state", "state_mismatch"),
        ("update ledger_state set batches = -1", "ledger state", "state_mismatch"),
        ("update ledger_state set batches = 3", "ledger state", "state_mismatch"),
        ("delete from lineages", "record 1 (", "lineage_missing"),
        ("delete from kinds where name = 'test.event'", "kind test.event v1", "kind_mismatch"),
        ("delete from units", "record 1 (", "leaf_mismatch"),
        ("update batches set count = -1 where batch = 2", "batch 2", "leaves_root_mismatch"),
        ("update batches set count = 9223372036854775807 where batch = 2", "batch 2", "record_missing"),
        ("update batches set first_seq = 9223372036854775807 where batch = 2", "batch 2", "gap"),
        (
            "insert into records select 9, kind, admission, unit, ordinal, asset, span_start_ms, span_end_ms, blob, 'nine', commitment, \
          leaf, body from records where seq = 4",
            "ledger",
            "record_outside",
        ),
        (
            "insert into records select 0, kind, admission, unit, ordinal, asset, span_start_ms, span_end_ms, blob, 'zero', commitment, \
          leaf, body from records where seq = 4",
            "ledger",
            "record_outside",
        ),
    ];
    let world = evidence(backend);
    for (tampering, subject, code) in cases {
        let problems = problems_after(&world, tampering);
        let named = problems.iter().any(|problem| problem.subject.starts_with(subject) && problem.code == *code);
        assert!(named, "{tampering}: {problems:?}");
    }
    assert_eq!(world.verify().problems, []);
}

fn a_changed_blob_has_another_hash(backend: Backend) {
    let world = evidence(backend);
    let mut named = Vec::new();
    let listed = world.read(|read| {
        let mut listed = Vec::new();
        each_blob(read, &mut |_, sha256, bytes| {
            listed.push((sha256, bytes));
            Ok(())
        })?;
        Ok(listed)
    });
    for (sha256, bytes) in listed {
        let blobs = world.store.blobs();
        assert_eq!(blobs.rehash(sha256).expect("readable"), Some((sha256, bytes)));
        let path = blobs.path_of(sha256);
        let good = std::fs::read(&path).expect("the blob");
        for place in 0..good.len() {
            let mut bad = good.clone();
            bad[place] ^= 1;
            std::fs::write(&path, bad).expect("our file");
            let (found, size) = blobs.rehash(sha256).expect("readable").expect("there");
            assert_ne!(found, sha256);
            assert_eq!(size, bytes);
        }
        std::fs::remove_file(&path).expect("our file");
        assert_eq!(blobs.rehash(sha256).expect("readable"), None);
        named.push(sha256);
    }
    assert_eq!(named.len(), 1);
}
