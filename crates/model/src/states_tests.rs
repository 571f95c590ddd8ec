//! The transition tables: codes and words are unique, and random histories never leave the table.

use proptest::prelude::*;

use super::{RunState, UnitState};

#[test]
fn codes_and_words_read_back() {
    for state in RunState::EVERY {
        assert_eq!(RunState::from_code(state.code()), Some(*state));
        assert_eq!(state.as_str().parse::<RunState>(), Ok(*state));
    }
    for state in UnitState::EVERY {
        assert_eq!(UnitState::from_code(state.code()), Some(*state));
        assert_eq!(state.as_str().parse::<UnitState>(), Ok(*state));
    }
    assert_eq!(UnitState::from_code(99), None);
}

#[test]
fn a_result_is_never_taken_back() {
    for ended in [UnitState::Done, UnitState::DoneEmpty, UnitState::Reused, UnitState::Skipped] {
        for next in UnitState::EVERY {
            assert!(!ended.may_become(*next), "{ended} became {next}");
        }
    }
    assert!(!RunState::Completed.may_become(RunState::Queued));
}

proptest! {
    /// From any state that is not final, a legal history leads back to an end: nothing gets stuck.
    #[test]
    fn random_histories_end(choices in prop::collection::vec(0_usize..9, 1..200)) {
        let (mut unit, mut run) = (UnitState::Pending, RunState::Queued);
        for choice in choices {
            let units: Vec<_> = UnitState::EVERY.iter().copied().filter(|next| unit.may_become(*next)).collect();
            if !units.is_empty() {
                unit = units[choice % units.len()];
            }
            let runs: Vec<_> = RunState::EVERY.iter().copied().filter(|next| run.may_become(*next)).collect();
            if !runs.is_empty() {
                run = runs[choice % runs.len()];
            }
        }
        prop_assert!(unit.is_ended() || unit.may_become(UnitState::Leased) || unit.may_become(UnitState::Done));
        prop_assert!(run.is_ended() || [RunState::Cancelled, RunState::Completed].iter().any(|end| run.may_become(*end)) || run == RunState::Queued);
        // A unit is worked on only under a lease.
        for state in UnitState::EVERY {
            prop_assert!(!state.may_become(UnitState::Done) || *state == UnitState::Leased);
        }
    }
}
