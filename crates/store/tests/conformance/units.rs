//! Units: leases with generations, ends, and giving back (I6, AR-12, AR-22, AR-24 for the store alone).

use exhibit_model::digest::Digest;
use exhibit_model::states::UnitState;
use exhibit_store::sql::runs::{self, Run};
use exhibit_store::sql::units::{self, Ending, Leased, Unit};
use exhibit_store::{Backend, StoreError};

use crate::world::{NOW, World, block_on, ending};

both!(
    leases_are_handed_out_in_order,
    a_zombie_ends_nothing,
    an_end_is_kept_as_it_was_said,
    only_legal_ends,
    leases_that_ran_out_come_back,
    leases_of_a_dead_host_come_back,
    a_lease_is_renewed_by_its_owner,
    cancel_and_resume,
    retry_touches_the_failed_alone,
    some_of_what_failed_is_queued_again,
    earlier_work_is_found,
    reasons_are_counted,
);

/// Far away from running out.
const LONG_MS: i64 = 3_600_000;

fn lease(world: &World, run: &Run, step: u32, owner: u128, limit: i64, lease_ms: i64) -> Vec<Leased> {
    let key = run.key;
    world.write(move |tx| units::lease(tx, key, step, owner, limit, lease_ms, NOW))
}

fn end(world: &World, run: &Run, endings: Vec<Ending>) -> u64 {
    let key = run.key;
    world.write(move |tx| units::end(tx, key, &endings))
}

fn unit(world: &World, key: i64) -> Unit {
    world.read(move |read| Ok(units::by_key(read, key)?.expect("a unit")))
}

/// The coverage of a run, which must be what counting its units gives.
pub fn coverage(world: &World, run: &Run) -> Vec<(u32, UnitState, i64)> {
    let run = run.clone();
    let (coverage, counted, ready) = world.read(move |read| {
        Ok((runs::coverage(read, run.key)?, units::count(read, &run)?, units::ready(read, run.key)?))
    });
    let counted: Vec<_> = counted
        .iter()
        .map(|(step, state, count)| (*step, UnitState::from_code(*state).expect("a state"), *count))
        .collect();
    assert_eq!(coverage, counted, "the coverage is not what the units say");
    let pending: Vec<_> = coverage.iter().filter(|row| row.1 == UnitState::Pending).map(|row| (row.0, row.2)).collect();
    assert_eq!(ready, pending);
    coverage
}

/// A planned run of one step over `count` assets.
fn run_of(world: &World, count: usize) -> Run {
    world.archive(count);
    world.planned_run(1)
}

fn leases_are_handed_out_in_order(backend: Backend) {
    let world = World::new(backend);
    world.archive(5);
    let (run, other) = (world.planned_run(2), world.planned_run(2));
    let first = lease(&world, &run, 1, 7, 3, LONG_MS);
    let places: Vec<_> = first
        .iter()
        .map(|unit| (unit.key - run.first_unit, unit.ordinal, unit.step, unit.generation, unit.crashes))
        .collect();
    assert_eq!(places, [(1, 1, 1, 1, 0), (3, 3, 1, 1, 0), (5, 5, 1, 1, 0)]);
    assert_eq!(lease(&world, &run, 1, 8, 99, LONG_MS).iter().map(|unit| unit.ordinal).collect::<Vec<_>>(), [7, 9]);
    assert!(lease(&world, &run, 1, 8, 99, LONG_MS).is_empty());
    assert!(lease(&world, &run, 2, 8, 99, LONG_MS).is_empty(), "there is no such step");
    assert_eq!(coverage(&world, &run), [(0, UnitState::Pending, 5), (1, UnitState::Leased, 5)]);
    assert_eq!(coverage(&world, &other), [(0, UnitState::Pending, 5), (1, UnitState::Pending, 5)]);
    let leased = unit(&world, first[0].key);
    assert_eq!(
        (leased.state, leased.generation, leased.attempts, leased.started_us),
        (UnitState::Leased, 1, 0, Some(NOW))
    );
}

/// AR-22: who lost a lease, to whomever and however late it wakes, changes nothing, not even the coverage.
fn a_zombie_ends_nothing(backend: Backend) {
    let world = World::new(backend);
    let run = run_of(&world, 4);
    let old = lease(&world, &run, 0, 1, 4, -1);
    let key = run.key;
    assert_eq!(world.write(move |tx| units::requeue_expired(tx, key)), 4);
    let new = lease(&world, &run, 0, 2, 2, LONG_MS);
    assert_eq!(new.iter().map(|unit| unit.generation).collect::<Vec<_>>(), [2, 2]);
    assert_eq!(end(&world, &run, vec![ending(&new[0], UnitState::Done)]), 1);
    let before = world.raw().dump();
    // Ended by another, leased by another, waiting, waiting; then a future that never was.
    let future = Leased { generation: 3, ..new[1].clone() };
    for zombie in old.iter().chain([&future]) {
        for state in [UnitState::Done, UnitState::Failed, UnitState::Pending, UnitState::DoneEmpty] {
            assert_eq!(end(&world, &run, vec![ending(zombie, state)]), 0);
        }
    }
    assert_eq!(end(&world, &run, old.iter().map(|unit| ending(unit, UnitState::Done)).collect()), 0);
    assert_eq!(world.raw().dump(), before);
    // One lease of two still holds: whoever keeps that has a coverage that fits.
    let mixed = vec![ending(&old[0], UnitState::Done), ending(&new[1], UnitState::Skipped)];
    assert_eq!(end(&world, &run, mixed), 1);
    let expected = [(0, UnitState::Pending, 2), (0, UnitState::Done, 1), (0, UnitState::Skipped, 1)];
    assert_eq!(coverage(&world, &run), expected);
    // Twice the same unit, and nothing at all.
    assert_eq!(end(&world, &run, Vec::new()), 0);
    let again = lease(&world, &run, 0, 3, 1, LONG_MS);
    assert_eq!(end(&world, &run, vec![ending(&again[0], UnitState::Done), ending(&again[0], UnitState::Done)]), 1);
    coverage(&world, &run);
}

fn an_end_is_kept_as_it_was_said(backend: Backend) {
    let world = World::new(backend);
    let run = run_of(&world, 2);
    let leased = lease(&world, &run, 0, 1, 2, LONG_MS);
    let said = Ending {
        attempts: 1,
        crashes: 2,
        retryable: true,
        artifacts: 3,
        reason: Some("extractor-crashed".to_owned()),
        detail: Some("signal 11".to_owned()),
        work_key: Some(Digest::of(b"work")),
        reused_unit: Some(5),
        ended_us: NOW + 9,
        made: Some("{}".to_owned()),
        ..ending(&leased[0], UnitState::Failed)
    };
    // The step that a host names is not what the coverage goes by.
    let wrong_step = Ending { step: 5, ..ending(&leased[1], UnitState::DoneEmpty) };
    assert_eq!(end(&world, &run, vec![said, wrong_step]), 2);
    let ended = unit(&world, leased[0].key);
    assert_eq!(
        (ended.state, ended.generation, ended.attempts, ended.crashes, ended.retryable),
        (UnitState::Failed, 1, 1, 2, true)
    );
    assert_eq!((ended.artifacts, ended.reused_unit, ended.ended_us), (3, Some(5), Some(NOW + 9)));
    assert_eq!(
        (ended.reason.as_deref(), ended.detail.as_deref(), ended.made.as_deref()),
        (Some("extractor-crashed"), Some("signal 11"), Some("{}"))
    );
    assert_eq!(coverage(&world, &run), [(0, UnitState::DoneEmpty, 1), (0, UnitState::Failed, 1)]);
    let mut raw = world.raw();
    assert_eq!(raw.number("select count(*) from units where lease_owner is not null or lease_clock is not null or lease_until_ms is not null"), 0);
}

fn only_legal_ends(backend: Backend) {
    let world = World::new(backend);
    let run = run_of(&world, 9);
    for state in UnitState::EVERY {
        let leased = lease(&world, &run, 0, 1, 1, LONG_MS).remove(0);
        let (key, said) = (run.key, ending(&leased, *state));
        let answer = block_on(world.store.write(move |tx| units::end(tx, key, &[said])));
        if *state == UnitState::Leased {
            let error = answer.expect_err("a lease is no end");
            assert!(
                matches!(error, StoreError::Refused(ref message) if message == "a unit that is leased cannot become leased"),
                "{error}"
            );
        } else {
            assert_eq!(answer.expect("legal"), 1);
            assert_eq!(unit(&world, leased.key).state, *state);
        }
        coverage(&world, &run);
    }
}

fn leases_that_ran_out_come_back(backend: Backend) {
    let world = World::new(backend);
    let run = run_of(&world, 6);
    let (key, out, held) = (run.key, lease(&world, &run, 0, 1, 2, 0), lease(&world, &run, 0, 2, 2, LONG_MS));
    let boot = lease(&world, &run, 0, 3, 1, LONG_MS).remove(0);
    world.raw().run(&format!("update units set lease_clock = 'another boot' where unit = {}", boot.key));
    assert_eq!(world.write(move |tx| units::requeue_expired(tx, key)), 3);
    assert_eq!(world.write(move |tx| units::requeue_expired(tx, key)), 0);
    for unit_key in [out[0].key, out[1].key, boot.key] {
        let back = unit(&world, unit_key);
        assert_eq!((back.state, back.attempts, back.generation), (UnitState::Pending, 0, 1), "no attempt is charged");
    }
    assert_eq!(coverage(&world, &run), [(0, UnitState::Pending, 4), (0, UnitState::Leased, 2)]);
    assert_eq!(end(&world, &run, held.iter().map(|unit| ending(unit, UnitState::Done)).collect()), 2);
}

fn leases_of_a_dead_host_come_back(backend: Backend) {
    let world = World::new(backend);
    world.archive(3);
    let (run, other) = (world.planned_run(2), world.planned_run(1));
    lease(&world, &run, 0, 1, 3, LONG_MS);
    lease(&world, &run, 1, 1, 1, LONG_MS);
    lease(&world, &run, 1, 2, 1, LONG_MS);
    lease(&world, &other, 0, 1, 1, LONG_MS);
    let key = run.key;
    assert_eq!(world.write(move |tx| units::requeue_owner(tx, key, 1)), 4);
    assert_eq!(world.write(move |tx| units::requeue_owner(tx, key, 9)), 0);
    assert_eq!(
        coverage(&world, &run),
        [(0, UnitState::Pending, 3), (1, UnitState::Pending, 2), (1, UnitState::Leased, 1)]
    );
    assert_eq!(
        coverage(&world, &other),
        [(0, UnitState::Pending, 2), (0, UnitState::Leased, 1)],
        "another run is another owner's matter"
    );
}

fn a_lease_is_renewed_by_its_owner(backend: Backend) {
    let world = World::new(backend);
    let run = run_of(&world, 3);
    let key = run.key;
    lease(&world, &run, 0, 1, 2, -1);
    lease(&world, &run, 0, 2, 1, -1);
    assert_eq!(world.write(move |tx| units::renew(tx, key, 1, LONG_MS)), 2);
    assert_eq!(world.write(move |tx| units::renew(tx, key, 3, LONG_MS)), 0);
    assert_eq!(world.write(move |tx| units::requeue_expired(tx, key)), 1);
    assert_eq!(coverage(&world, &run), [(0, UnitState::Pending, 1), (0, UnitState::Leased, 2)]);
}

fn cancel_and_resume(backend: Backend) {
    let world = World::new(backend);
    let run = run_of(&world, 5);
    let key = run.key;
    let leased = lease(&world, &run, 0, 1, 2, LONG_MS);
    end(&world, &run, vec![ending(&leased[0], UnitState::Done)]);
    assert_eq!(world.write(move |tx| units::cancel_pending(tx, key, NOW + 1)), 3);
    assert_eq!(
        coverage(&world, &run),
        [(0, UnitState::Leased, 1), (0, UnitState::Done, 1), (0, UnitState::Cancelled, 3)]
    );
    end(&world, &run, vec![ending(&leased[1], UnitState::Cancelled)]);
    assert_eq!(world.write(move |tx| units::revive(tx, key, UnitState::Cancelled)), 4);
    assert_eq!(coverage(&world, &run), [(0, UnitState::Pending, 4), (0, UnitState::Done, 1)]);
    assert_eq!(unit(&world, leased[0].key).attempts, 1);
}

/// AR-12 for the store: what did not fail is not touched; and nothing takes a lease from who holds it.
fn retry_touches_the_failed_alone(backend: Backend) {
    let world = World::new(backend);
    let (run, other) = (run_of(&world, 9), world.planned_run(1));
    let key = run.key;
    for state in UnitState::EVERY {
        let leased = lease(&world, &run, 0, 1, 1, LONG_MS).remove(0);
        if *state != UnitState::Leased {
            end(&world, &run, vec![Ending { crashes: 3, reason: Some("r".to_owned()), ..ending(&leased, *state) }]);
        }
    }
    let failed = lease(&world, &other, 0, 1, 1, LONG_MS);
    end(&world, &other, vec![ending(&failed[0], UnitState::Failed)]);
    for state in UnitState::EVERY {
        let before = world.raw().dump();
        let revived = block_on(world.store.write(move |tx| units::revive(tx, key, *state)));
        match state {
            UnitState::Failed | UnitState::Blocked | UnitState::Cancelled => {
                assert_eq!(revived.expect("legal"), 1, "{state}");
            }
            _ => {
                let error = revived.expect_err("not a state to come back from");
                assert_eq!(error.to_string(), format!("a unit that is {state} cannot be queued again"));
                assert_eq!(world.raw().dump(), before);
                let one = run.first_unit + state.code();
                block_on(world.store.write(move |tx| units::revive_one(tx, key, one, *state)))
                    .expect_err("neither alone");
            }
        }
        coverage(&world, &run);
    }
    assert_eq!(coverage(&world, &other), [(0, UnitState::Pending, 8), (0, UnitState::Failed, 1)]);
    let pending = {
        let run = run.clone();
        world.read(move |read| units::in_state(read, &run, UnitState::Pending, 0, 99))
    };
    let back: Vec<_> =
        pending.iter().filter(|unit| unit.attempts == 1).map(|unit| (unit.crashes, unit.reason.clone())).collect();
    assert_eq!(back, [(0, None), (0, None), (0, None)]);
    // One alone.
    let (other_key, one) = (other.key, failed[0].key);
    assert_eq!(world.write(move |tx| units::revive_one(tx, other_key, one, UnitState::Cancelled)), 0);
    assert_eq!(world.write(move |tx| units::revive_one(tx, other_key, one, UnitState::Failed)), 1);
    assert_eq!(world.write(move |tx| units::revive_one(tx, other_key, one, UnitState::Failed)), 0);
    assert_eq!(coverage(&world, &other), [(0, UnitState::Pending, 9)]);
}

/// AR-12: those of one step, or with one reason; what else failed stays as it is.
fn some_of_what_failed_is_queued_again(backend: Backend) {
    let world = World::new(backend);
    let (run, other) = (run_of(&world, 4), world.planned_run(1));
    for run in [&run, &other] {
        for (leased, reason) in lease(&world, run, 0, 1, 3, LONG_MS).iter().zip(["crashed", "too-large", "crashed"]) {
            end(&world, run, vec![Ending { reason: Some(reason.to_owned()), ..ending(leased, UnitState::Failed) }]);
        }
    }
    let (key, failed) = (run.key, UnitState::Failed);
    let revive = |step: Option<i64>, reason: Option<&str>| {
        let wanted = units::Wanted { state: failed, step, reason: reason.map(str::to_owned) };
        world.write(move |tx| units::revive_some(tx, key, &wanted))
    };
    assert_eq!(revive(Some(1), None), 0, "there is one step");
    assert_eq!(revive(Some(0), Some("disk")), 0);
    assert_eq!(revive(Some(0), Some("crashed")), 2);
    assert_eq!(coverage(&world, &run), [(0, UnitState::Pending, 3), (0, failed, 1)]);
    assert_eq!(revive(None, Some("too-large")), 1);
    assert_eq!(coverage(&world, &run), [(0, UnitState::Pending, 4)]);
    assert_eq!(coverage(&world, &other).last(), Some(&(0, failed, 3)), "another run is not touched");
    let wanted = units::Wanted { state: UnitState::Done, step: None, reason: None };
    block_on(world.store.write(move |tx| units::revive_some(tx, key, &wanted)))
        .expect_err("not a state to come back from");
}

/// AR-24: done and done-empty are found, nothing else; the oldest counts.
fn earlier_work_is_found(backend: Backend) {
    let world = World::new(backend);
    let run = run_of(&world, 9);
    let again = world.planned_run(1);
    let work = |state: UnitState| Digest::of(state.as_str().as_bytes());
    for run in [&run, &again] {
        for state in UnitState::EVERY {
            let leased = lease(&world, run, 0, 1, 1, LONG_MS).remove(0);
            if *state != UnitState::Leased {
                end(&world, run, vec![Ending { work_key: Some(work(*state)), ..ending(&leased, *state) }]);
            }
        }
    }
    let mut keys: Vec<Digest> = UnitState::EVERY.iter().map(|state| work(*state)).collect();
    keys.push(Digest::of(b"never done"));
    let found = world.read(move |read| units::find_work(read, &keys));
    let first = |state: UnitState| {
        let run = run.clone();
        world.read(move |read| units::in_state(read, &run, state, 0, 9))[0].key
    };
    let expected = [UnitState::Done, UnitState::DoneEmpty].map(|state| (work(state), first(state)));
    assert_eq!(found, expected.into());
    assert!(world.read(|read| units::find_work(read, &[])).is_empty());
    let asset = unit(&world, run.first_unit).asset;
    let of_asset = world.read(move |read| units::of_asset(read, asset, 9));
    assert_eq!(of_asset.iter().map(|unit| unit.key).collect::<Vec<_>>(), [run.first_unit, again.first_unit]);
}

fn reasons_are_counted(backend: Backend) {
    let world = World::new(backend);
    let run = run_of(&world, 7);
    let leased = lease(&world, &run, 0, 1, 7, LONG_MS);
    let because = |index: usize, state, reason: Option<&str>| Ending {
        reason: reason.map(str::to_owned),
        ..ending(&leased[index], state)
    };
    let endings = vec![
        because(0, UnitState::Failed, Some("b")),
        because(1, UnitState::Failed, Some("a")),
        because(2, UnitState::Failed, Some("a")),
        because(3, UnitState::Failed, None),
        because(4, UnitState::Skipped, Some("unsupported")),
        because(5, UnitState::Blocked, Some("disk")),
        because(6, UnitState::Done, Some("no reason to tell")),
    ];
    end(&world, &run, endings);
    let reasons = world.read(move |read| units::reasons(read, &run));
    let told: Vec<_> =
        reasons.iter().map(|row| (row.state, row.reason.as_str(), row.count, row.example - leased[0].key)).collect();
    let expected = [
        (UnitState::Failed, "a", 2, 1),
        (UnitState::Failed, "", 1, 3),
        (UnitState::Failed, "b", 1, 0),
        (UnitState::Blocked, "disk", 1, 5),
        (UnitState::Skipped, "unsupported", 1, 4),
    ];
    assert_eq!(told, expected);
}
