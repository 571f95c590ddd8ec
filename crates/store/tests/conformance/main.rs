//! The conformance suite of the store: what both databases must do, stamped out for SQLite and for PostgreSQL.
//!
//! `world` and `room` are the harness, in the words of the product; `raw` is a second connection past the store, for looking and for
//! tampering; `child` runs a test of this binary in a process of its own. All other modules are suites.

#![expect(clippy::expect_used, reason = "a test says with it what it takes for granted")]

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

mod child;
mod raw;
mod room;
mod world;

mod access;
mod append;
mod blobs;
mod catalog;
mod collections;
mod coverage;
mod disk;
mod filters;
mod gate;
mod gate_table;
mod ledger;
mod migrations;
mod openings;
mod processes;
mod projections;
mod retention;
mod rewrite;
mod runs;
mod sessions;
mod tamper;
mod units;
mod upgrades;
