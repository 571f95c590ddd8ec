//! Proofs, checkpoints and keys (I12, AR-20): they hold for what is there, and for nothing else.

use std::os::unix::fs::PermissionsExt as _;

use exhibit_model::digest::Digest;
use exhibit_store::Backend;
use exhibit_store::ledger::checkpoint::{self, CheckpointError, CheckpointKey};
use exhibit_store::ledger::proof::{InclusionProof, prove};
use exhibit_store::sql::ledger as sql;

use crate::world::World;

both!(
    every_record_of_every_shape_is_proved,
    a_proof_of_something_else_does_not_hold,
    every_checkpoint_is_extended,
    a_shorter_or_other_ledger_is_told,
    a_missing_node_is_named,
);

/// Appends batches of these sizes, one after the other.
pub fn append_batches(world: &World, sizes: &[usize]) {
    for size in sizes {
        let next = world.records() + 1;
        let ids: Vec<String> = (next..next + *size as i64).map(|seq| format!("event-{seq}")).collect();
        world.append_events(&ids);
    }
}

fn proof(world: &World, seq: i64) -> InclusionProof {
    world.read(move |read| prove(read, seq)).expect("a proof")
}

fn every_record_of_every_shape_is_proved(backend: Backend) {
    let world = World::new(backend);
    assert!(world.read(|read| prove(read, 1)).is_none());
    // Batches of 1 to 9 records, so that the trees in the batches take many shapes; after each the tree above has another one.
    for (index, size) in [1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 1, 16, 17, 1, 2, 31, 1].into_iter().enumerate() {
        append_batches(&world, &[size]);
        let proofs = world.read(|read| {
            let end = sql::state(read)?.next_seq;
            (1..end).map(|seq| Ok(prove(read, seq)?.expect("a proof"))).collect::<Result<Vec<_>, _>>()
        });
        let state = world.read(sql::state);
        assert_eq!(proofs.len() as i64, state.next_seq - 1);
        for (seq, proof) in (1..).zip(&proofs) {
            assert!(proof.holds(), "record {seq} of {} batches", index + 1);
            assert_eq!((proof.seq, proof.root, proof.batches), (seq, state.frontier.root(), index as i64 + 1));
        }
    }
    for absent in [0, -1, i64::MIN, world.records() + 1, i64::MAX] {
        assert!(world.read(move |read| prove(read, absent)).is_none(), "{absent}");
    }
    assert_eq!(world.verify().problems, []);
}

fn a_proof_of_something_else_does_not_hold(backend: Backend) {
    let world = World::new(backend);
    append_batches(&world, &[1, 5, 3, 1, 2]);
    for seq in 1..=world.records() {
        let good = proof(&world, seq);
        let spoiled = |change: &dyn Fn(&mut InclusionProof)| {
            let mut bad = good.clone();
            change(&mut bad);
            assert!(!bad.holds(), "{bad:?}");
        };
        for byte in 0..32 {
            let flip = move |digest: &mut Digest| digest.0[byte] ^= 1;
            spoiled(&|bad| flip(&mut bad.leaf));
            spoiled(&|bad| flip(&mut bad.leaves_root));
            spoiled(&|bad| flip(&mut bad.root));
            for index in 0..good.path_in_batch.len() {
                spoiled(&|bad| flip(&mut bad.path_in_batch[index]));
            }
            for index in 0..good.path_in_ledger.len() {
                spoiled(&|bad| flip(&mut bad.path_in_ledger[index]));
            }
        }
        for step in [1, -1, i64::MAX / 2, i64::MIN] {
            spoiled(&|bad| bad.batch = bad.batch.wrapping_add(step));
            spoiled(&|bad| bad.first_seq = bad.first_seq.wrapping_add(step));
            spoiled(&|bad| bad.at_us = bad.at_us.wrapping_add(step));
            spoiled(&|bad| bad.count = bad.count.wrapping_add(step));
        }
        for step in [i64::MAX / 2, i64::MIN] {
            spoiled(&|bad| bad.seq = bad.seq.wrapping_add(step));
            spoiled(&|bad| bad.batches = bad.batches.wrapping_add(step));
        }
        spoiled(&|bad| bad.path_in_ledger.push(good.root));
        spoiled(&|bad| bad.path_in_batch.push(good.root));
        spoiled(&|bad| bad.path_in_ledger.truncate(good.path_in_ledger.len() - 1));
    }
}

fn key(world: &World, name: &str) -> CheckpointKey {
    let path = world.folder.path().join("keys").join(name);
    CheckpointKey::load_or_make(&path, name, || [name.len() as u8; 32]).expect("a key")
}

fn every_checkpoint_is_extended(backend: Backend) {
    let world = World::new(backend);
    let (ours, other) = (key(&world, "ours"), key(&world, "another"));
    let mut notes = Vec::new();
    for size in [0, 1, 3, 2, 1, 1, 5, 1, 4, 1, 1, 1] {
        append_batches(&world, if size == 0 { &[] } else { std::slice::from_ref(&size) });
        let now = world.read(|read| Ok(checkpoint::current(read, "example.org/ledger"))).expect("a checkpoint");
        notes.push(checkpoint::sign(&now, &ours).expect("a note").to_string());
        for (batches, note) in notes.iter().enumerate() {
            let older = checkpoint::open(note, &ours.verifier().to_string()).expect("our signature");
            assert_eq!((older.size(), older.origin()), (batches as u64, "example.org/ledger"));
            let extended = world.read(move |read| Ok(checkpoint::extends(read, &older)));
            assert_eq!(extended.expect("it only grew"), now);
        }
    }
    let note = notes.last().expect("a note");
    let wrong = checkpoint::open(note, &other.verifier().to_string()).expect_err("another key");
    assert!(matches!(wrong, CheckpointError::BadSignature), "{wrong}");
    // Another size under the same signature.
    let changed = checkpoint::open(&note.replacen("\n11\n", "\n12\n", 1), &ours.verifier().to_string());
    assert!(matches!(changed, Err(CheckpointError::BadSignature)), "{changed:?}");
    for place in 0..note.len() {
        let mut bytes = note.clone().into_bytes();
        bytes[place] ^= 1;
        let Ok(text) = String::from_utf8(bytes) else { continue };
        checkpoint::open(&text, &ours.verifier().to_string()).expect_err("one byte is another");
    }
    checkpoint::open("", &ours.verifier().to_string()).expect_err("no note");
    checkpoint::open(note, "no key").expect_err("no key");
}

fn a_shorter_or_other_ledger_is_told(backend: Backend) {
    let (world, twin) = (World::new(backend), World::new(backend));
    append_batches(&world, &[1, 1, 1]);
    append_batches(&twin, &[1, 2, 1, 1]);
    let current = |world: &World| world.read(|read| Ok(checkpoint::current(read, "x"))).expect("a checkpoint");
    let extends = |world: &World, older| world.read(move |read| Ok(checkpoint::extends(read, &older)));
    let longer = extends(&world, current(&twin)).expect_err("shorter");
    assert_eq!(longer.to_string(), "the ledger is shorter than the checkpoint: 3 batches instead of at least 4");
    let other = extends(&twin, current(&world)).expect_err("another ledger");
    assert_eq!(other.to_string(), "the ledger was rewritten: its first 3 batches are not those of the checkpoint");
}

fn a_missing_node_is_named(backend: Backend) {
    let world = World::new(backend);
    append_batches(&world, &[1, 1, 1, 1, 1]);
    world.raw().run("delete from tree_nodes where level = 2 and position = 0");
    let error = crate::world::block_on(world.store.read(|read| prove(read, 5))).expect_err("no path");
    assert!(error.to_string().contains("tree node 2/0 is missing"), "{error}");
    let problems = world.verify().problems;
    assert_eq!(problems.iter().map(|problem| problem.code.as_ref()).collect::<Vec<_>>(), ["node_missing"]);
}

#[test]
fn a_key_is_for_its_owner_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("home/key");
    let make = |seed: u8| CheckpointKey::load_or_make(&path, "name", || [seed; 32]);
    let first = make(1).expect("a new key").verifier().to_string();
    let mode = |path: &std::path::Path| std::fs::metadata(path).expect("a file").permissions().mode() & 0o7777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(make(2).expect("the same key").verifier().to_string(), first);
    assert_eq!(
        std::fs::read_dir(path.parent().expect("a folder")).expect("readable").count(),
        1,
        "nothing else is left there"
    );
    for open in [0o640, 0o604, 0o660, 0o601] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(open)).expect("our file");
        let error = make(2).map(|_| ()).expect_err("others can use it");
        assert!(error.to_string().ends_with("cannot be used: others may read it; run chmod 600 on it"), "{error}");
    }
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("our file");
    for bytes in [0, 31, 33] {
        std::fs::write(&path, vec![1; bytes]).expect("our file");
        let error = make(2).map(|_| ()).expect_err("no key");
        assert!(error.to_string().ends_with(&format!("it has {bytes} bytes instead of 32")), "{error}");
    }
    let bad_name = CheckpointKey::load_or_make(&folder.path().join("other"), "two words", || [3; 32]);
    assert!(matches!(bad_name.map(|_| ()), Err(CheckpointError::Unreadable(_))));
}

/// Whoever makes the key first, all processes sign with the same.
#[test]
fn a_key_is_made_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("key");
    let start = std::sync::Barrier::new(8);
    let keys: Vec<String> = std::thread::scope(|scope| {
        let make = |seed: u8| {
            start.wait();
            CheckpointKey::load_or_make(&path, "name", || [seed; 32]).expect("a key").verifier().to_string()
        };
        let threads: Vec<_> = (0..8).map(|seed| scope.spawn(move || make(seed))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
}
