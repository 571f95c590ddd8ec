//! Sandbox runs stand apart, count once they are promoted, and go when their time has come: payloads with a tombstone, blobs after a grace.

use exhibit_model::ids::{AssetId, RunId};
use exhibit_store::retention::{self, Reason};
use exhibit_store::sql::records;
use exhibit_store::sql::runs::{self, NewRun, Run};
use exhibit_store::{Backend, Candidate, Draft, GateError, StoredBlob, projection};
use serde_json::json;

use crate::world::{NOW, World, block_on, empty_draft, made, new_run};

both!(
    a_promoted_run_counts,
    an_expired_run_leaves_its_leaves,
    what_counts_never_goes,
    many_payloads_go_under_several_tombstones,
    a_blob_that_is_named_elsewhere_stays,
    an_append_revives_a_blob,
    a_blob_put_there_again_is_not_removed,
    an_interrupted_collection_is_finished,
    what_goes_without_a_tombstone_is_told,
);

/// When the sandbox runs of these tests expire.
const EXPIRES: i64 = NOW + 1_000_000;
const HOUR_US: i64 = retention::GRACE_US;

fn sandbox(world: &World, number: u128) -> Run {
    let new = NewRun { policy: "sandbox".to_owned(), expires_us: Some(EXPIRES), ..new_run(RunId(number), 1) };
    let kinds = std::sync::Arc::clone(world.store.kinds());
    let run = world.write(move |tx| {
        let key = runs::create(tx, &kinds, &new)?;
        Ok(runs::by_key(tx, key)?.expect("just made"))
    });
    let run = world.planned_run_of(&run);
    // No host works on it any more.
    let key = run.key;
    world.write(move |tx| {
        use exhibit_model::states::RunState::{Completed, Queued, Running};
        runs::set_state(tx, key, Queued, Running, None, NOW)?;
        runs::set_state(tx, key, Running, Completed, None, NOW)
    });
    world.run(key)
}

fn seen(world: &World, run: &Run, unit: u32, asset: (AssetId, i64), blob: Option<StoredBlob>) -> Candidate {
    let draft = Draft {
        payload: json!({"label": format!("{unit}")}),
        asset: Some(asset),
        blob,
        made: Some((made(run, unit, "0"), 0)),
        ..empty_draft("test.observation")
    };
    world.store.gate().check(draft).expect("a good observation")
}

fn erase(world: &World, run: &Run, reason: Reason) -> Result<u64, GateError> {
    block_on(retention::erase(&world.store, run, reason, &mut |_| {}))
}

fn collect(world: &World, grace_us: i64) -> retention::Collected {
    block_on(retention::collect(&world.store, grace_us, &mut |_| {})).expect("collected")
}

fn due(world: &World, now_us: i64) -> usize {
    block_on(retention::due(&world.store, now_us)).expect("readable").len()
}

fn a_promoted_run_counts(backend: Backend) {
    let world = World::new(backend);
    let asset = world.archive(1)[0];
    let run = sandbox(&world, 1);
    assert!(!run.shown);
    world.append(vec![seen(&world, &run, 0, asset, None)]).expect("new");
    let seq = block_on(retention::promote(&world.store, &run)).expect("promoted");
    assert_eq!(seq, 2);
    let now = world.run(run.key);
    assert!(now.shown);
    assert_eq!((now.expires_us, now.policy.as_str()), (None, "sandbox"));
    assert_eq!(due(&world, i64::MAX), 0);
    let again = block_on(retention::promote(&world.store, &run)).expect_err("once only");
    assert_eq!(again.to_string(), format!("refused: run {} was promoted before", run.id));
    let production = world.planned_run(1);
    let refused = block_on(retention::promote(&world.store, &production)).expect_err("it counts");
    assert!(refused.to_string().contains("is a production run"), "{refused}");
    assert_eq!(world.verify().problems, vec![]);
    assert_eq!(world.raw().number("select count(*) from proj_run__promotion_v1"), 1);
}

fn an_expired_run_leaves_its_leaves(backend: Backend) {
    let world = World::new(backend);
    let asset = world.archive(1)[0];
    let run = sandbox(&world, 1);
    let blob = world.blob(b"a picture");
    world.append(vec![seen(&world, &run, 0, asset, Some(blob.clone()))]).expect("new");
    let root = world.verify().root;
    assert_eq!((due(&world, EXPIRES - 1), due(&world, EXPIRES)), (0, 1));
    world.clock.advance_micros(EXPIRES - NOW);
    assert_eq!(erase(&world, &run, Reason::Expired).expect("erased"), 1);
    let record = world.read(|read| records::at(read, 1)).expect("the record stays");
    assert_eq!(record.body, None);
    assert!(record.lineage.is_some(), "lineage stays");
    assert_eq!(world.raw().number("select count(*) from proj_test__observation_v1"), 0);
    let report = world.verify();
    assert_eq!(report.problems, vec![]);
    assert_ne!(report.root, root, "the tombstone is a leaf");
    // Nothing can be added to it any more.
    let refused = block_on(retention::promote(&world.store, &run)).expect_err("gone");
    assert_eq!(refused.to_string(), format!("refused: run {} has expired: its results are gone", run.id));
    assert_eq!((due(&world, i64::MAX), erase(&world, &run, Reason::Expired).expect("nothing left")), (0, 0));
    // The blob stays for the grace and goes then.
    assert_eq!(collect(&world, HOUR_US).blobs, 0);
    assert_eq!(world.store.blobs().size_of(blob.sha256).expect("readable"), Some(9));
    let done = collect(&world, 0);
    assert_eq!((done.blobs, done.bytes), (1, 9));
    assert_eq!(world.store.blobs().size_of(blob.sha256).expect("readable"), None);
    assert_eq!(world.verify().problems, vec![]);
    let before = world.raw().dump();
    block_on(projection::rebuild(&world.store, &mut |_, _| {})).expect("rebuilt");
    assert!(world.raw().dump() == before, "a rebuild changes nothing");
}

fn what_counts_never_goes(backend: Backend) {
    let world = World::new(backend);
    let asset = world.archive(1)[0];
    let production = world.planned_run(1);
    let promoted = sandbox(&world, 1);
    world.append(vec![seen(&world, &production, 0, asset, None)]).expect("new");
    world.append(vec![seen(&world, &promoted, 0, asset, None)]).expect("new");
    block_on(retention::promote(&world.store, &promoted)).expect("promoted");
    let before = world.raw().dump();
    for run in [&production, &promoted] {
        let refused = erase(&world, run, Reason::Discarded).expect_err("it counts");
        assert!(refused.to_string().contains("cannot go"), "{refused}");
    }
    assert!(world.raw().dump() == before, "nothing was written");
    // Nor does what a host works on.
    let key = sandbox(&world, 2).key;
    world.raw().run(&format!("update runs set state = 1 where run = {key}"));
    assert_eq!(due(&world, i64::MAX), 0);
    erase(&world, &world.run(key), Reason::Discarded).expect_err("a host works on it");
}

fn many_payloads_go_under_several_tombstones(backend: Backend) {
    let world = World::new(backend);
    let assets = world.archive(5_002);
    let run = sandbox(&world, 1);
    for some in assets.chunks(1_000).zip(0_u32..) {
        let first = some.1 * 1_000;
        let candidates = some.0.iter().zip(first..).map(|(asset, unit)| seen(&world, &run, unit, *asset, None));
        world.append(candidates.collect()).expect("new");
        world.append_events(&[format!("between {first}")]);
    }
    let before = world.records();
    assert_eq!(erase(&world, &run, Reason::Discarded).expect("erased"), 5_002);
    assert_eq!(world.records(), before + 2);
    assert_eq!(world.raw().number("select cast(sum(count) as bigint) from proj_evidence__tombstone_v1"), 5_002);
    assert_eq!(world.raw().number("select count(*) from records where body is null"), 5_002);
    assert_eq!(world.verify().problems, vec![]);
}

fn a_blob_that_is_named_elsewhere_stays(backend: Backend) {
    let world = World::new(backend);
    let assets = world.archive(2);
    let (first, second) = (sandbox(&world, 1), sandbox(&world, 2));
    let blob = world.blob(b"shared");
    world.append(vec![seen(&world, &first, 0, assets[0], Some(blob.clone()))]).expect("new");
    world.append(vec![seen(&world, &second, 0, assets[1], Some(blob.clone()))]).expect("new");
    erase(&world, &first, Reason::Discarded).expect("erased");
    assert_eq!(collect(&world, 0).blobs, 0);
    erase(&world, &second, Reason::Discarded).expect("erased");
    assert_eq!(collect(&world, 0).blobs, 1);
    assert_eq!(world.verify().problems, vec![]);
}

fn an_append_revives_a_blob(backend: Backend) {
    let world = World::new(backend);
    let assets = world.archive(2);
    let (sandboxed, production) = (sandbox(&world, 1), world.planned_run(1));
    let blob = world.blob(b"again");
    world.append(vec![seen(&world, &sandboxed, 0, assets[0], Some(blob.clone()))]).expect("new");
    erase(&world, &sandboxed, Reason::Discarded).expect("erased");
    // Condemned, then named again.
    world.append(vec![seen(&world, &production, 0, assets[0], Some(blob.clone()))]).expect("new");
    assert_eq!(collect(&world, 0).blobs, 0);
    assert!(world.store.blobs().size_of(blob.sha256).expect("readable").is_some());
    // Gone, then put there and named again.
    let other = world.blob(b"once more");
    let third = sandbox(&world, 2);
    world.append(vec![seen(&world, &third, 0, assets[0], Some(other.clone()))]).expect("new");
    erase(&world, &third, Reason::Discarded).expect("erased");
    assert_eq!(collect(&world, 0).blobs, 1);
    let other = world.blob(b"once more");
    world.append(vec![seen(&world, &production, 1, assets[1], Some(other.clone()))]).expect("new");
    assert_eq!(collect(&world, 0).blobs, 0);
    assert_eq!(world.raw().number("select count(*) from blobs where gone_us is not null"), 0);
    assert_eq!(world.verify().problems, vec![]);
}

/// Someone has put the bytes there and not yet committed the record that names them, when the collector comes.
fn a_blob_put_there_again_is_not_removed(backend: Backend) {
    let world = World::new(backend);
    let asset = world.archive(1)[0];
    let run = sandbox(&world, 1);
    let blob = world.blob(b"fresh");
    world.append(vec![seen(&world, &run, 0, asset, Some(blob.clone()))]).expect("new");
    erase(&world, &run, Reason::Discarded).expect("erased");
    world.clock.advance_micros(2 * HOUR_US);
    world.blob(b"fresh");
    assert_eq!(collect(&world, HOUR_US).blobs, 0);
    assert!(world.store.blobs().size_of(blob.sha256).expect("readable").is_some());
}

fn an_interrupted_collection_is_finished(backend: Backend) {
    let world = World::new(backend);
    let assets = world.archive(2);
    let run = sandbox(&world, 1);
    let (gone, living) = (world.blob(b"gone"), world.blob(b"living"));
    world.append(vec![seen(&world, &run, 0, assets[0], Some(gone.clone()))]).expect("new");
    let production = world.planned_run(1);
    world.append(vec![seen(&world, &production, 0, assets[1], Some(living.clone()))]).expect("new");
    erase(&world, &run, Reason::Discarded).expect("erased");
    // A collector was killed after it had marked the one as gone and put both aside.
    world.raw().run("update blobs set gone_us = 1 where condemned_us is not null");
    let blobs = world.store.blobs();
    let leaving = world.folder.path().join("blobs/leaving");
    for blob in [&gone, &living] {
        std::fs::rename(blobs.path_of(blob.sha256), leaving.join(blob.sha256.to_hex())).expect("put aside");
    }
    collect(&world, 0);
    assert_eq!(blobs.size_of(gone.sha256).expect("readable"), None);
    assert_eq!(blobs.size_of(living.sha256).expect("readable"), Some(6));
    assert_eq!(std::fs::read_dir(leaving).expect("a folder").count(), 0);
    assert_eq!(world.verify().problems, vec![]);
}

fn what_goes_without_a_tombstone_is_told(backend: Backend) {
    let world = World::new(backend);
    let assets = world.archive(2);
    let (run, kept) = (sandbox(&world, 1), sandbox(&world, 2));
    world.append(vec![seen(&world, &run, 0, assets[0], None), seen(&world, &run, 1, assets[1], None)]).expect("new");
    world.append(vec![seen(&world, &kept, 0, assets[0], None)]).expect("new");
    erase(&world, &run, Reason::Expired).expect("erased");
    let body = |seq| format!("(select body from records where seq = {seq})");
    world.raw().run(&format!("update records set body = {} where seq = 1", body(3)));
    world.raw().run("update records set body = null where seq = 3");
    world.raw().run(&format!("update runs set shown = 1 where run = {}", kept.key));
    let problems = world.verify().problems;
    let found: Vec<(String, &str)> =
        problems.iter().map(|problem| (problem.subject.clone(), problem.code.as_ref())).collect();
    let subject = |run: &Run, seq, unit: u32| {
        format!("record {seq} (art_{}.{unit}.0)", run.id.to_string().trim_start_matches("run_"))
    };
    let expected = vec![
        (subject(&run, 1, 0), "body_present"),
        (subject(&kept, 3, 0), "body_missing"),
        (format!("run {}", kept.id), "unpromoted"),
    ];
    assert_eq!(found, expected);
}
