//! Several processes on one database, and processes that are killed: one ledger, no gap, no fork, nothing acknowledged lost or doubled
//! (I6, drills A and B of the archive for the store alone).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use exhibit_model::digest::Digest;
use exhibit_store::sql::{ledger, records};
use exhibit_store::{Append, Backend, Store, Synchronous};
use serde_json::json;
use tokio::task::JoinSet;

use crate::child::{TestChild, parameters, tell};
use crate::world::{World, block_on, check_event, options_from_json};

both!(two_processes_write_one_ledger, killed_writers_lose_nothing_acknowledged, a_lost_connection_is_replaced);

/// Producers of one writing process.
const PRODUCERS: usize = 6;

fn start_writer(world: &World, prefix: &str, records: usize) -> TestChild {
    let given = json!({"store": world.to_json(), "prefix": prefix, "records": records});
    TestChild::start("processes::writes_events", &given)
}

/// A process that appends events of one to three records, and says what was acknowledged: id, place and content hash.
#[test]
fn writes_events() {
    let Some(parameters) = parameters() else { return };
    let store =
        Store::open(options_from_json(&parameters["store"], Synchronous::Full)).expect("the store of the parent");
    let prefix = parameters["prefix"].as_str().expect("a text").to_owned();
    let records = parameters["records"].as_u64().expect("a number") as usize;
    let next = Arc::new(AtomicUsize::new(0));
    block_on(async {
        let mut producers = JoinSet::new();
        for _ in 0..PRODUCERS {
            let (store, prefix, next) = (store.clone(), prefix.clone(), Arc::clone(&next));
            producers.spawn(async move {
                loop {
                    let first = next.fetch_add(3, Ordering::Relaxed);
                    if first >= records {
                        return;
                    }
                    let ids: Vec<String> =
                        (first..first + 1 + first / 3 % 3).map(|index| format!("{prefix}-{index}")).collect();
                    let event = |id: &String| check_event(&store, id, json!({"level": "info", "text": id}));
                    let candidates = ids.iter().map(|id| event(id).expect("a good event")).collect();
                    let receipts =
                        store.append(Append { candidates, effect: None, ..Append::default() }).await.expect("receipts");
                    for (id, receipt) in ids.iter().zip(receipts) {
                        tell("ACK", json!([id, receipt.seq, receipt.content_hash]));
                    }
                }
            });
        }
        producers.join_all().await;
    });
}

/// What a child said was acknowledged, by id. Nothing may be acknowledged twice.
fn acknowledged(lines: &[String], into: &mut BTreeMap<String, (i64, Digest)>) {
    for line in lines {
        let (id, seq, hash): (String, i64, Digest) = serde_json::from_str(line).expect("what the child says");
        assert_eq!(into.insert(id, (seq, hash)), None, "acknowledged twice");
    }
}

/// Every acknowledged record is there once, at its place; the ledger has neither gap nor fork.
fn check(world: &World, acknowledged: &BTreeMap<String, (i64, Digest)>) {
    let report = world.verify();
    assert_eq!(report.problems, []);
    let mut stored = BTreeMap::new();
    let mut expected = 1;
    let found = world.read(|read| {
        let mut found = Vec::new();
        records::each_from(read, 1, i64::MAX - 1, &mut |record| {
            found.push((record.seq, record.record_id, record.commitment));
            Ok(())
        })?;
        Ok(found)
    });
    for (seq, id, commitment) in found {
        assert_eq!(seq, expected, "a gap");
        expected += 1;
        assert_eq!(stored.insert(id.expect("an id"), (seq, commitment)), None, "a record is there twice");
    }
    for (id, place) in acknowledged {
        assert_eq!(stored.get(id), Some(place), "{id} was acknowledged");
    }
    let state = world.read(ledger::state);
    assert_eq!((state.batches as u64, state.next_seq), (report.batches, expected));
}

fn two_processes_write_one_ledger(backend: Backend) {
    let world = World::new(backend);
    if backend == Backend::Postgres {
        // Whatever a server is configured to, the store asks for what it needs.
        let mut raw = world.raw();
        for setting in [
            "default_transaction_isolation = 'serializable'",
            "synchronous_commit = off",
            "default_transaction_read_only = on",
        ] {
            raw.run(&format!(
                "do $$ begin execute 'alter database ' || current_database() || ' set {}'; end $$",
                setting.replace('\'', "''")
            ));
        }
    }
    let mut children = [start_writer(&world, "left", 300), start_writer(&world, "right", 300)];
    // The parent writes as a third.
    for index in 0..20 {
        world.append_events(&[format!("middle-{index}")]);
    }
    let first: Vec<String> = children.iter_mut().map(|child| child.hear("ACK").expect("a receipt")).collect();
    let mut all = BTreeMap::new();
    acknowledged(&first, &mut all);
    for child in children {
        let (lines, well) = child.hear_all("ACK");
        assert!(well);
        acknowledged(&lines, &mut all);
    }
    // A hundred requests of one, two, three, one, … records each.
    assert_eq!(all.len(), 2 * 199);
    check(&world, &all);
    assert_eq!(world.records(), 2 * 199 + 20);
}

/// Twenty writers, each killed with signal 9 after a number of acknowledged records that a seed gives.
fn killed_writers_lose_nothing_acknowledged(backend: Backend) {
    let world = World::new(backend);
    let mut all = BTreeMap::new();
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    for round in 0..20 {
        // xorshift64: the same kill points every time, as far as the machine lets them.
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let mut child = start_writer(&world, &format!("round-{round}"), 1_000_000);
        let mut heard: Vec<String> = (0..seed % 40).map(|_| child.hear("ACK").expect("a receipt")).collect();
        heard.extend(child.kill("ACK"));
        acknowledged(&heard, &mut all);
        // Whoever comes next writes on.
        world.append_events(&[format!("after-{round}")]);
        if round % 5 == 4 {
            check(&world, &all);
        }
    }
    assert!(all.len() >= 200, "only {} records were acknowledged", all.len());
}

/// A server that ends a connection costs the request in flight at most, never the store.
fn a_lost_connection_is_replaced(backend: Backend) {
    let world = World::new(backend);
    world.append_events(&["a".to_owned()]);
    if backend == Backend::Postgres {
        let killed = "select count(pg_terminate_backend(pid)) from pg_stat_activity \
                      where datname = current_database() and pid <> pg_backend_pid()";
        assert_eq!(world.raw().number(killed), 3, "one writer and two readers");
        let gone =
            "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
        let mut raw = world.raw();
        while raw.number(gone) > 0 {
            std::thread::yield_now();
        }
    }
    world.append_events(&["b".to_owned()]);
    for _ in 0..4 {
        assert_eq!(world.records(), 2);
    }
    world.write(|_| Ok(()));
    assert_eq!(world.verify().problems, []);
}
