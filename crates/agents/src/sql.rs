//! The statements of the room, one file per subject. Nothing else in this crate writes SQL.

pub mod aggregates;
pub mod alerts_measures;
pub mod alerts_outbox;
pub mod alerts_rules;
pub mod alerts_states;
pub mod alerts_transitions;
pub mod analytics;
pub mod asides;
pub mod calls;
pub mod conflicts;
pub mod control_audit;
pub mod cost_rows;
pub mod dims;
pub mod events;
pub mod idle;
pub mod imports;
pub mod keys;
pub mod ledger;
pub mod offsets;
pub mod prices;
pub mod recompute;
pub mod seals;
pub mod sessions;
pub mod usage;
pub mod words;

mod cost;
mod table;

#[cfg(test)]
mod alerts_plan_tests;
