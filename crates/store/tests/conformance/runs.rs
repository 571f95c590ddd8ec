//! Runs: what is frozen, the states, and who owns a run.

use exhibit_model::ids::{CollectionId, RunId};
use exhibit_model::states::{RunState, Wish};
use exhibit_store::sql::assets::{PathState, paths_of, set_path_states};
use exhibit_store::sql::runs::{self, Run};
use exhibit_store::sql::units;
use exhibit_store::{Backend, StoreError};

use crate::world::{NOW, World, block_on, new_run};

both!(
    a_run_freezes_its_members,
    units_of_runs_never_share_a_key,
    every_step_between_states,
    runs_are_listed_and_found,
    a_plan_does_not_depend_on_its_pieces,
    a_plan_goes_on_from_what_is_planned,
    a_run_has_one_owner,
    an_owner_is_replaced_when_it_is_gone,
);

fn a_run_freezes_its_members(backend: Backend) {
    let world = World::new(backend);
    let archive = world.archive(4);
    let gone = world.read({
        let asset = archive[1].1;
        move |read| Ok(paths_of(read, asset)?[0].key)
    });
    world.write(move |tx| set_path_states(tx, &[gone], PathState::Missing, NOW));
    let run = world.new_run(2);
    assert_eq!((run.members, run.members_planned, run.steps, run.state), (3, 0, 2, RunState::Queued));
    // What comes and goes later does not change the run.
    world.archive(2);
    world.write(move |tx| set_path_states(tx, &[gone], PathState::Present, NOW));
    let planned = world.planned_run_of(&run);
    assert_eq!((planned.members, planned.members_planned), (3, 3));
    let assets: Vec<i64> = {
        let run = planned.clone();
        world.read(move |read| {
            let units = units::in_state(read, &run, exhibit_model::states::UnitState::Pending, 0, 99)?;
            Ok(units.iter().map(|unit| unit.asset).collect())
        })
    };
    assert_eq!(
        assets,
        [0, 2, 3].map(|index| archive[index].1).into_iter().flat_map(|asset| [asset, asset]).collect::<Vec<_>>()
    );
    let empty = World::new(backend).planned_run(3);
    assert_eq!((empty.members, empty.members_planned), (0, 0));
}

fn units_of_runs_never_share_a_key(backend: Backend) {
    let world = World::new(backend);
    world.archive(3);
    // Three runs are made before any of them is planned, and one of them never is.
    let (first, second, third) = (world.new_run(2), world.new_run(1), world.new_run(4));
    let end = |run: &Run| run.first_unit + run.members * run.steps;
    assert_eq!((first.first_unit, second.first_unit, third.first_unit), (1, end(&first), end(&second)));
    world.planned_run_of(&third);
    world.planned_run_of(&first);
    assert_eq!(world.planned_run(1).first_unit, end(&third));
}

fn every_step_between_states(backend: Backend) {
    let world = World::new(backend);
    world.archive(1);
    let run = world.new_run(1).key;
    let step = |from: RunState, to: RunState| {
        block_on(world.store.write(move |tx| runs::set_state(tx, run, from, to, Some("why"), NOW + 7)))
    };
    for from in RunState::EVERY {
        for to in RunState::EVERY {
            world.raw().run(&format!("update runs set state = {} where run = {run}", from.code()));
            match step(*from, *to) {
                Ok(moved) => {
                    assert!(moved && from.may_become(*to), "{from} -> {to}");
                    let now = world.run(run);
                    assert_eq!((now.state, now.reason.as_deref()), (*to, Some("why")));
                    assert_eq!(now.ended_us, to.is_ended().then_some(NOW + 7));
                }
                Err(StoreError::Refused(message)) => {
                    assert!(!from.may_become(*to));
                    assert_eq!(message, format!("a run that is {from} cannot become {to}"));
                    assert_eq!(world.run(run).state, *from);
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
    world.raw().run(&format!("update runs set state = 4, started_us = null where run = {run}"));
    assert!(!step(RunState::Queued, RunState::Running).expect("legal"), "it is not queued any more");
    assert_eq!(world.run(run).state, RunState::Completed);
    // The first start counts.
    world.raw().run(&format!("update runs set state = 0, started_us = 5 where run = {run}"));
    assert!(step(RunState::Queued, RunState::Running).expect("legal"));
    assert_eq!(world.run(run).started_us, Some(5));
    world.write(move |tx| runs::set_wish(tx, run, Wish::Pause));
    assert_eq!(world.run(run).wish, Wish::Pause);
    world.write(move |tx| runs::set_wish(tx, run, Wish::GoOn));
    assert_eq!(world.run(run).wish, Wish::GoOn);
}

fn runs_are_listed_and_found(backend: Backend) {
    let world = World::new(backend);
    let ids = [RunId(5 << 100), RunId((5 << 100) + 1), RunId(u128::MAX)];
    let keys = ids.map(|id| world.run_over(new_run(id, 1)).key);
    for (id, key) in ids.into_iter().zip(keys) {
        let run = world.read(move |read| Ok(runs::by_id(read, id)?.expect("a run")));
        assert_eq!((run.key, run.id, run.collection), (key, id, CollectionId::ALL));
        assert_eq!(
            (run.pipeline.as_str(), run.definition.as_slice(), run.attempts_max, run.recompute),
            ("test", b"{}".as_slice(), 3, false)
        );
    }
    assert!(world.read(|read| runs::by_id(read, RunId(1))).is_none());
    let found = |low: u128, high: u128| -> Vec<RunId> {
        world.read(move |read| runs::between(read, RunId(low), RunId(high))).iter().map(|run| run.id).collect()
    };
    assert_eq!(found(0, u128::MAX), ids[..2]);
    assert_eq!(found(u128::MAX, u128::MAX), [ids[2]]);
    let newest = |before, limit| -> Vec<i64> {
        world.read(move |read| runs::newest(read, before, limit)).iter().map(|run| run.key).collect()
    };
    assert_eq!(newest(i64::MAX, 2), [keys[2], keys[1]]);
    assert_eq!(newest(keys[1], 9), [keys[0]]);
    let kinds = std::sync::Arc::clone(world.store.kinds());
    let again = block_on(world.store.write(move |tx| runs::create(tx, &kinds, &new_run(ids[0], 1))));
    assert!(again.is_err(), "an id is used once");
}

fn a_plan_does_not_depend_on_its_pieces(backend: Backend) {
    let world = World::new(backend);
    world.archive(7);
    // The third step has no work with anything.
    let takes = |step: u32, _: i64, media_type: &str| step != 2 && media_type == "image/jpeg";
    let plans: Vec<_> = [1, 2, 3, 7, 100]
        .map(|piece| {
            let run = world.new_run(3);
            let mut planned = 0;
            while planned < run.members {
                let stale = world.run(run.key);
                planned = world.write(move |tx| units::plan(tx, &stale, piece, &takes));
            }
            let (run, key) = (world.run(run.key), run.key);
            let coverage = world.read(move |read| runs::coverage(read, key));
            let units =
                world.read(move |read| units::in_state(read, &run, exhibit_model::states::UnitState::Pending, 0, 99));
            let units: Vec<_> = units.iter().map(|unit| (unit.ordinal, unit.step, unit.asset)).collect();
            (units, coverage)
        })
        .into();
    assert_eq!(plans[0].0.len(), 14);
    assert_eq!(plans[0].0[..4], [(0, 0, 1), (1, 1, 1), (3, 0, 2), (4, 1, 2)]);
    assert!(plans.iter().all(|plan| *plan == plans[0]), "{plans:?}");
}

/// Two hosts may plan by turns, each with the run as it read it before.
fn a_plan_goes_on_from_what_is_planned(backend: Backend) {
    let world = World::new(backend);
    world.archive(6);
    let stale = world.new_run(1);
    for expected in [2, 4, 6, 6, 6] {
        let run = stale.clone();
        assert_eq!(world.write(move |tx| units::plan(tx, &run, 2, &|_, _, _| true)), expected);
    }
    let run = world.run(stale.key);
    assert_eq!(run.members_planned, 6);
    assert_eq!(world.read(move |read| units::count(read, &run)), [(0, 0, 6)]);
}

fn take(world: &World, run: &Run, owner: u128, dead: bool, lease_ms: i64) -> Result<Option<u128>, i64> {
    let run = run.clone();
    world.write(move |tx| runs::take_ownership(tx, &run, owner, "home", dead, lease_ms))
}

fn a_run_has_one_owner(backend: Backend) {
    let world = World::new(backend);
    let free = world.new_run(1);
    assert_eq!(take(&world, &free, 1, false, 60_000), Ok(None));
    // Who read the run while it was free does not get it any more.
    let left = take(&world, &free, 2, false, 60_000).expect_err("it is taken");
    assert!((1..=60_000).contains(&left), "{left}");
    assert_eq!(take(&world, &free, 1, false, 60_000), Ok(Some(1)), "the owner may take it again");
    let run = world.run(free.key);
    assert_eq!((run.owner, run.owner_home.as_deref()), (Some(1), Some("home")));
    let key = run.key;
    assert!(world.write(move |tx| runs::renew_ownership(tx, key, 1, 90_000)));
    assert!(world.run(key).owner_until_ms > run.owner_until_ms);
    assert!(!world.write(move |tx| runs::renew_ownership(tx, key, 2, 90_000)));
    world.write(move |tx| runs::release_ownership(tx, key, 2));
    assert_eq!(world.run(key).owner, Some(1), "only the owner gives it back");
    world.write(move |tx| runs::release_ownership(tx, key, 1));
    assert_eq!(world.run(key).owner, None);
    assert!(!world.write(move |tx| runs::renew_ownership(tx, key, 1, 90_000)));
    // Whatever was known when it was read: nobody holds it now.
    assert_eq!(take(&world, &run, 3, false, 60_000), Ok(None));
}

fn an_owner_is_replaced_when_it_is_gone(backend: Backend) {
    let world = World::new(backend);
    let run = world.new_run(1);
    take(&world, &run, 1, false, 60_000).expect("free");
    take(&world, &run, 2, true, 60_000).expect_err("whoever was known to be dead, it is not this owner");
    assert_eq!(take(&world, &world.run(run.key), 2, true, 0), Ok(Some(1)), "it is known to be dead");
    assert_eq!(take(&world, &run, 3, false, -5), Ok(Some(2)), "its lease ran out");
    assert_eq!(take(&world, &run, 4, false, 60_000), Ok(Some(3)));
    // After a start of the machine, or on another server, no old lease counts.
    world.raw().run("update runs set owner_clock = 'another boot'");
    assert_eq!(take(&world, &run, 5, false, 60_000), Ok(Some(4)));
    let absent = Run { key: 99, ..run };
    let error = block_on(world.store.write(move |tx| runs::take_ownership(tx, &absent, 1, "home", false, 1)));
    assert!(matches!(error, Err(StoreError::Refused(_))), "{error:?}");
}
