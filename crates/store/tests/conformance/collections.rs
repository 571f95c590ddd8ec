//! Collections: definitions that supersede, names, long lists, and what a run freezes.

use exhibit_model::digest::Digest;
use exhibit_model::ids::{AssetId, CollectionId, RunId};
use exhibit_model::states::UnitState;
use exhibit_store::collections::{CollectionError, Members, NewCollection, define, find, withdraw};
use exhibit_store::filter::Filter;
use exhibit_store::projection::rebuild;
use exhibit_store::sql::assets::{PathState, paths_of, record_files, set_path_states};
use exhibit_store::sql::collections::{self as sql, Collection};
use exhibit_store::sql::runs::{NewRun, Run};
use exhibit_store::sql::{sources, units};
use exhibit_store::{Backend, StoreError};

use crate::world::{NOW, World, block_on, file, new_run};

both!(
    ar_06_a_run_freezes_static_and_dynamic_members,
    a_definition_supersedes_and_nothing_is_edited,
    names_are_unique_among_the_living,
    two_at_once_cannot_have_one_name,
    what_is_not_there_is_told,
    a_collection_never_lies_within_itself,
    a_long_list_is_kept_in_parts,
    a_rebuild_gives_the_same_collections,
);

fn dynamic(filter: &str) -> Members {
    Members::Dynamic(filter.parse().expect("a filter"))
}

fn listed(assets: &[(AssetId, i64)]) -> Members {
    Members::Static(assets.iter().map(|asset| asset.0).collect())
}

fn new(world: &World, name: &str, members: Members) -> NewCollection {
    let id = CollectionId(world.ulid());
    NewCollection { id, name: Some(name.to_owned()), about: String::new(), members, replace: false }
}

fn make(world: &World, name: &str, members: Members) -> Result<Collection, CollectionError> {
    block_on(define(&world.store, new(world, name, members)))
}

fn replace(world: &World, name: &str, members: Members) -> Result<Collection, CollectionError> {
    block_on(define(&world.store, NewCollection { replace: true, ..new(world, name, members) }))
}

fn run_over(world: &World, collection: CollectionId) -> Run {
    world.run_over(NewRun { collection, ..new_run(RunId(world.ulid()), 1) })
}

/// The frozen members, in order.
fn frozen(world: &World, run: &Run) -> Vec<i64> {
    let run = world.planned_run_of(run);
    let found = world.read(move |read| units::in_state(read, &run, UnitState::Pending, 0, 1_000_000));
    found.iter().map(|unit| unit.asset).collect()
}

fn set_state(world: &World, asset: i64, state: PathState) {
    let path = world.read(move |read| Ok(paths_of(read, asset)?[0].key));
    world.write(move |tx| set_path_states(tx, &[path], state, NOW));
}

/// AR-06: whatever becomes of the collection and the catalog, a run keeps what it froze; the next run freezes what there is then.
fn ar_06_a_run_freezes_static_and_dynamic_members(backend: Backend) {
    let world = World::new(backend);
    let archive = world.archive(6);
    let keys: Vec<i64> = archive.iter().map(|asset| asset.1).collect();
    set_state(&world, keys[1], PathState::Missing);
    let chosen = make(&world, "chosen", listed(&[archive[4], archive[1], archive[0]])).expect("new");
    let all = make(&world, "jpegs", dynamic("type:image/jpeg not in:chosen")).expect("new");
    let few = make(&world, "few", dynamic("type:image sample 2 seed 1")).expect("new");
    let runs = [chosen.id, all.id, few.id].map(|id| run_over(&world, id));
    assert_eq!(runs.each_ref().map(|run| run.members), [2, 3, 2]);
    // The catalog grows and loses, one collection changes, one goes.
    world.archive(3);
    set_state(&world, keys[1], PathState::Present);
    set_state(&world, keys[5], PathState::Missing);
    replace(&world, "chosen", listed(&[archive[3]])).expect("superseded");
    block_on(withdraw(&world.store, "few")).expect("it was there");
    let members = runs.each_ref().map(|run| frozen(&world, run));
    assert_eq!(members[..2], [vec![keys[0], keys[4]], vec![keys[2], keys[3], keys[5]]]);
    let lot = |asset: &&(AssetId, i64)| Digest::of(&[1_u64.to_be_bytes().as_slice(), &asset.0.0.0].concat());
    let mut drawn: Vec<&(AssetId, i64)> = archive.iter().filter(|asset| asset.1 != keys[1]).collect();
    drawn.sort_by_key(lot);
    let mut drawn: Vec<i64> = drawn[..2].iter().map(|asset| asset.1).collect();
    drawn.sort_unstable();
    assert_eq!(members[2], drawn, "the same sample on every database");
    // What is asked now is answered for now.
    assert_eq!(frozen(&world, &run_over(&world, chosen.id)), [keys[3]]);
    // Nine assets now, without the one that is chosen and the one that is missing.
    assert_eq!(run_over(&world, all.id).members, 7);
    let kinds = world.store.kinds().clone();
    let gone = NewRun { collection: few.id, ..new_run(RunId(world.ulid()), 1) };
    let error = block_on(world.store.write(move |tx| exhibit_store::sql::runs::create(tx, &kinds, &gone)));
    assert!(matches!(error, Err(StoreError::Refused(_))), "a withdrawn collection has no members: {error:?}");
}

fn a_definition_supersedes_and_nothing_is_edited(backend: Backend) {
    let world = World::new(backend);
    let archive = world.archive(2);
    let first = make(&world, "trip", dynamic("beach")).expect("new");
    let second = replace(&world, "trip", listed(&archive)).expect("superseded");
    assert_eq!((first.id, first.revision, second.id, second.revision), (second.id, 1, first.id, 2));
    assert_eq!((second.filter, second.members), (None, Some(2)));
    let third = block_on(withdraw(&world.store, &first.id.to_string())).expect("it was there");
    assert_eq!((third.revision, third.is_living, third.name.as_deref()), (3, false, Some("trip")));
    // Three definitions and one part of a list, all in the ledger.
    assert_eq!(world.records(), 4);
    assert_eq!(world.verify().problem_count, 0);
    let again = make(&world, "trip", dynamic("mountain")).expect("the name is free");
    assert_ne!(again.id, first.id);
}

fn names_are_unique_among_the_living(backend: Backend) {
    let world = World::new(backend);
    make(&world, "trip", dynamic("beach")).expect("new");
    let error = make(&world, "trip", dynamic("mountain")).expect_err("taken");
    assert!(error.to_string().contains("--replace"), "{error}");
    let long = "x".repeat(65);
    for name in ["", "all", "two words", "-x", ".x", "a/b", "col_x", &long, "a\n"] {
        let error = make(&world, name, dynamic("beach")).expect_err(name);
        assert!(matches!(error, CollectionError::Name(_)), "{name}: {error}");
    }
    for name in ["Übersicht_2019-06.b", "_", "2019", &long[1..]] {
        make(&world, name, dynamic("beach")).expect(name);
    }
    let error = make(&world, "none", Members::Dynamic(Filter::everything())).expect_err("it says nothing");
    assert!(matches!(error, CollectionError::EmptyFilter), "{error}");
    let names = world.read(|read| sql::names(read, 9));
    assert_eq!(names.len(), 5);
    assert!(names.is_sorted(), "{names:?}");
}

fn two_at_once_cannot_have_one_name(backend: Backend) {
    let world = World::new(backend);
    for round in 0..5 {
        let name = format!("trip{round}");
        let made = std::thread::scope(|scope| {
            let threads = [1, 2, 3].map(|_| scope.spawn(|| make(&world, &name, dynamic("beach")).is_ok()));
            threads.map(|thread| usize::from(thread.join().expect("no panic")))
        });
        assert_eq!(made.iter().sum::<usize>(), 1, "{made:?}");
    }
    assert_eq!(world.verify().problem_count, 0);
}

fn what_is_not_there_is_told(backend: Backend) {
    let world = World::new(backend);
    make(&world, "holidays", dynamic("beach")).expect("new");
    let looked = |name: &str| {
        let name = name.to_owned();
        world.read(move |read| Ok(find(read, &name).map_err(|error| error.to_string())))
    };
    assert_eq!(looked("all"), Ok(None));
    let told = "there is no collection `holliday`; there are all, holidays; did you mean `holidays`?";
    assert_eq!(looked("holliday").expect_err("absent"), told);
    let error = block_on(withdraw(&world.store, "all")).expect_err("it always exists");
    assert!(matches!(error, CollectionError::All), "{error}");
    let unknown = AssetId(Digest([7; 32]));
    let error = make(&world, "list", Members::Static(vec![unknown, unknown])).expect_err("never scanned");
    assert!(matches!(error, CollectionError::UnknownAssets { count: 1, first } if first == unknown), "{error}");
    let error = make(&world, "dynamic", dynamic("a in:holliday")).expect_err("absent");
    assert!(matches!(&error, CollectionError::Filter(error) if error.code == "unknown_collection"), "{error}");
    assert_eq!(world.records(), 1);
}

fn a_collection_never_lies_within_itself(backend: Backend) {
    let world = World::new(backend);
    world.archive(1);
    make(&world, "c0", dynamic("type:image")).expect("new");
    for depth in 1..=8 {
        let made = make(&world, &format!("c{depth}"), dynamic(&format!("in:c{}", depth - 1)));
        match made {
            Ok(_) => assert!(depth < 8, "too deep"),
            Err(error) => {
                assert!(
                    depth >= 8 && matches!(&error, CollectionError::Filter(error) if error.code == "too_deep"),
                    "{error}"
                );
            }
        }
    }
    let error = replace(&world, "c0", dynamic("in:c2")).expect_err("a circle");
    assert!(matches!(&error, CollectionError::Filter(error) if error.code == "cycle"), "{error}");
    let error = replace(&world, "c0", dynamic("not in:c0")).expect_err("a small circle");
    assert!(matches!(&error, CollectionError::Filter(error) if error.code == "cycle"), "{error}");
}

/// More assets than one record of the list holds.
fn a_long_list_is_kept_in_parts(backend: Backend) {
    const ASSETS: usize = 50_003;
    let world = World::new(backend);
    world.archive(2);
    let files: Vec<_> = (0..ASSETS).map(|index| file(&format!("long/{index}"))).collect();
    let assets: Vec<AssetId> = files.iter().map(|file| AssetId(file.sha256)).collect();
    let source = world.read(|read| Ok(sources::all(read)?[0].key));
    world.write(move |tx| record_files(tx, source, &files, NOW));
    let backwards = assets.iter().rev().copied().collect();
    let made = make(&world, "long", Members::Static(backwards)).expect("new");
    assert_eq!((made.members, world.records()), (Some(ASSETS as i64), 3));
    let run = run_over(&world, made.id);
    assert_eq!(run.members, ASSETS as i64);
    assert_eq!(frozen(&world, &run), (3..ASSETS as i64 + 3).collect::<Vec<_>>(), "in the order of the catalog");
}

fn a_rebuild_gives_the_same_collections(backend: Backend) {
    let world = World::new(backend);
    let archive = world.archive(5);
    make(&world, "a", listed(&archive[..3])).expect("new");
    make(&world, "b", dynamic("in:a sample 2")).expect("new");
    replace(&world, "a", listed(&archive[1..])).expect("superseded");
    make(&world, "c", listed(&archive)).expect("new");
    block_on(withdraw(&world.store, "c")).expect("it was there");
    let rows = |world: &World| {
        let kept = world.read(|read| {
            let all = sql::living(read, "", 99)?;
            let members = all.iter().map(|found| sql::members(read, found.definition, 0, 99));
            Ok((members.collect::<Result<Vec<_>, _>>()?, all))
        });
        (
            kept,
            world.raw().number("select count(*) from collection_members"),
            world.raw().number("select count(*) from collections"),
        )
    };
    let before = rows(&world);
    assert_eq!((before.1, before.2), (4, 3));
    block_on(rebuild(&world.store, &mut |_, _| {})).expect("a rebuild");
    assert_eq!(rows(&world), before);
}
