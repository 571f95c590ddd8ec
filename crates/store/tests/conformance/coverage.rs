//! Whatever happens to the units of a run, in whatever order: their states add up to its scope (AR-22, drill D in the small).

use exhibit_model::states::UnitState;
use exhibit_store::Backend;
use exhibit_store::sql::units::{self, Leased};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::units::coverage;
use crate::world::{NOW, World, ending};

both!(states_always_add_up);

/// Assets of a run; it has three steps.
const MEMBERS: usize = 8;
const STEPS: i64 = 3;

/// One thing that happens to a run.
#[derive(Debug, Clone)]
enum Happening {
    Plan {
        pieces: i64,
    },
    Lease {
        step: u32,
        owner: u128,
        limit: i64,
        runs_out: bool,
    },
    /// Ends some of all leases that were ever handed out, so most of them are stale after a while.
    End {
        from: usize,
        count: usize,
        state: UnitState,
    },
    Renew {
        owner: u128,
    },
    RequeueExpired,
    RequeueOwner {
        owner: u128,
    },
    Cancel,
    Revive {
        state: UnitState,
    },
    ReviveOne {
        unit: i64,
        state: UnitState,
    },
}

fn happening() -> impl Strategy<Value = Happening> {
    let state = || prop::sample::select(UnitState::EVERY);
    let ended = || prop::sample::select(&[UnitState::Failed, UnitState::Blocked, UnitState::Cancelled][..]);
    let end = prop::sample::select(
        &[
            UnitState::Done,
            UnitState::DoneEmpty,
            UnitState::Reused,
            UnitState::Failed,
            UnitState::Blocked,
            UnitState::Skipped,
            UnitState::Cancelled,
            UnitState::Pending,
        ][..],
    );
    let owner = || 1..4_u128;
    prop_oneof![
        2 => (1..5_i64).prop_map(|pieces| Happening::Plan { pieces }),
        6 => (0..4_u32, owner(), 1..7_i64, any::<bool>())
            .prop_map(|(step, owner, limit, runs_out)| Happening::Lease { step, owner, limit, runs_out }),
        6 => (0..64_usize, 1..6_usize, end).prop_map(|(from, count, state)| Happening::End { from, count, state }),
        1 => owner().prop_map(|owner| Happening::Renew { owner }),
        2 => Just(Happening::RequeueExpired),
        1 => owner().prop_map(|owner| Happening::RequeueOwner { owner }),
        1 => Just(Happening::Cancel),
        2 => ended().prop_map(|state| Happening::Revive { state }),
        1 => (0..24_i64, state()).prop_map(|(unit, state)| Happening::ReviveOne { unit, state }),
    ]
}

fn states_always_add_up(backend: Backend) {
    let world = World::new(backend);
    world.archive(MEMBERS);
    let cases = if backend == Backend::Sqlite { 48 } else { 12 };
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    // Always the same histories: a failure is found again by running the test again.
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let histories = prop::collection::vec(happening(), 1..40);
    runner
        .run(&histories, |history| {
            play(&world, &history);
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
}

fn play(world: &World, history: &[Happening]) {
    let run = world.new_run(STEPS);
    let (key, first_unit) = (run.key, run.first_unit);
    let mut planned = 0;
    let mut handed_out: Vec<Leased> = Vec::new();
    for happening in history.iter().cloned() {
        match happening {
            Happening::Plan { pieces } => {
                let stale = run.clone();
                planned = world.write(move |tx| units::plan(tx, &stale, pieces, &|_, _, _| true));
            }
            Happening::Lease { step, owner, limit, runs_out } => {
                let lease_ms = if runs_out { -1 } else { 3_600_000 };
                handed_out.extend(world.write(move |tx| units::lease(tx, key, step, owner, limit, lease_ms, NOW)));
            }
            Happening::End { from, count, state } => {
                let length = handed_out.len();
                let ended: Vec<_> = handed_out
                    .iter()
                    .cycle()
                    .skip(from % length.max(1))
                    .take(count.min(length))
                    .map(|unit| ending(unit, state))
                    .collect();
                world.write(move |tx| units::end(tx, key, &ended));
            }
            Happening::Renew { owner } => {
                world.write(move |tx| units::renew(tx, key, owner, 3_600_000));
            }
            Happening::RequeueExpired => {
                world.write(move |tx| units::requeue_expired(tx, key));
            }
            Happening::RequeueOwner { owner } => {
                world.write(move |tx| units::requeue_owner(tx, key, owner));
            }
            Happening::Cancel => {
                world.write(move |tx| units::cancel_pending(tx, key, NOW));
            }
            Happening::Revive { state } => {
                world.write(move |tx| units::revive(tx, key, state));
            }
            Happening::ReviveOne { unit, state } => {
                // Most of these are refused, and change nothing then.
                let work = world.store.write(move |tx| units::revive_one(tx, key, first_unit + unit, state));
                crate::world::block_on(work).ok();
            }
        }
        let covered: i64 = coverage(world, &run).iter().map(|row| row.2).sum();
        assert_eq!(covered, planned * STEPS, "after {happening:?}");
    }
}
