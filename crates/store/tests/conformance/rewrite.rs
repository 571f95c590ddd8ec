//! A ledger that was rewritten from beginning to end is right in itself; only a checkpoint from before tells (AR-20, I12).

use exhibit_model::digest::Digest;
use exhibit_model::envelope::{LeafAdmission, content_hash_of_canonical, head_leaf, leaf_bytes};
use exhibit_model::merkle::{Frontier, leaf_hash, root_of};
use exhibit_store::Backend;
use exhibit_store::ledger::checkpoint::{self, CheckpointError};
use exhibit_store::ledger::proof::prove;
use exhibit_store::sql::ledger::batches;
use exhibit_store::sql::records;

use crate::ledger::append_batches;
use crate::raw::{Cell, Raw};
use crate::world::World;

both!(a_rewritten_ledger_is_told_by_its_checkpoint);

fn bytes(digest: Digest) -> Cell {
    Cell::Bytes(digest.0.to_vec())
}

/// Gives the record at `seq` another body, and makes everything that hangs on it right again.
fn rewrite(world: &World, raw: &mut Raw, seq: i64) {
    let record = world.read(move |read| Ok(records::at(read, seq)?.expect("a record")));
    let body = br#"{"level":"info","text":"nothing happened"}"#;
    let commitment = content_hash_of_canonical("test.event", 1, None, None, body, None);
    let id = record.record_id.expect("an event");
    let leaf = leaf_hash(&leaf_bytes(&id, "test.event", 1, LeafAdmission::New, commitment, None, None));
    let place = format!("seq = {seq}");
    raw.set("records", "body", &place, &Cell::Bytes(body.to_vec()));
    raw.set("records", "commitment", &place, &bytes(commitment));
    raw.set("records", "leaf", &place, &bytes(leaf));
    let mut frontier = Frontier::new();
    raw.run("delete from tree_nodes");
    for batch in world.read(batches) {
        let leaves: Vec<Digest> = world.read({
            let batch = batch.clone();
            move |read| exhibit_store::sql::ledger::leaves(read, &batch)
        });
        let root = root_of(&leaves);
        for node in frontier.push(head_leaf(batch.batch, batch.first_seq, batch.count, batch.at_us, root)) {
            let (level, index) = (node.level, node.index);
            let nothing = if matches!(raw, Raw::Sqlite(_)) { "x''" } else { "''::bytea" };
            raw.run(&format!("insert into tree_nodes (level, position, hash) values ({level}, {index}, {nothing})"));
            raw.set("tree_nodes", "hash", &format!("level = {level} and position = {index}"), &bytes(node.hash));
        }
        let place = format!("batch = {}", batch.batch);
        raw.set("batches", "leaves_root", &place, &bytes(root));
        raw.set("batches", "head", &place, &bytes(frontier.root()));
    }
    raw.set("ledger_state", "frontier", "one = 1", &Cell::Bytes(frontier.to_bytes()));
    raw.run("delete from proj_test__event_v1");
}

fn a_rewritten_ledger_is_told_by_its_checkpoint(backend: Backend) {
    let world = World::new(backend);
    append_batches(&world, &[2, 3, 1]);
    let before = world.read(|read| Ok(checkpoint::current(read, "x"))).expect("a checkpoint");
    append_batches(&world, &[1, 2]);
    let after = world.read(|read| Ok(checkpoint::current(read, "x"))).expect("a checkpoint");
    rewrite(&world, &mut world.raw(), 4);
    assert_eq!(world.verify().problems, [], "the forgery is right in itself");
    assert!(world.read(|read| Ok(prove(read, 4)?.expect("a proof").holds())));
    for checkpoint in [before, after] {
        let error = world.read(move |read| Ok(checkpoint::extends(read, &checkpoint))).expect_err("rewritten");
        assert!(matches!(error, CheckpointError::Rewritten(_)), "{error}");
    }
    // The projections still say what the records said, so a forger has to think of them too.
    assert_eq!(world.records(), 9);
}
