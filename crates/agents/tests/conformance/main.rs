//! The conformance suite of the agents room: what both databases must do, stamped out for SQLite and for PostgreSQL.

#![expect(clippy::expect_used, reason = "a test says with it what it takes for granted")]

use exhibit_testkit::{receiver, traffic, truth};

#[macro_use]
mod macros {
    /// Stamps out tests for both backends: `both!(a, b)` makes `sqlite::a`, `postgres::a`, …, which call `a(backend)`.
    macro_rules! both {
        ($($name:ident),* $(,)?) => {
            mod sqlite {
                $(#[test] fn $name() { super::$name(exhibit_store::Backend::Sqlite) })*
            }
            mod postgres {
                $(#[test] fn $name() { super::$name(exhibit_store::Backend::Postgres) })*
            }
        };
    }
}

mod world;

mod aggregates;
mod alerts_world;
mod export;
mod migrations;
mod plans;
mod price_lists;
mod pricing;
mod reads;
mod recompute;
mod retention;

mod alerts;
mod alerts_asked;
mod alerts_deliver;
mod alerts_evaluate;
mod alerts_life;
mod alerts_measure;
mod auditor;
mod collect;
mod control;
mod import;
mod import_v41;
mod joined;
mod live;
mod rules;
