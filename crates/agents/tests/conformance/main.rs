//! The conformance suite of the agents room: what both databases must do, stamped out for SQLite and for PostgreSQL.

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

mod world;

mod collect;
mod rules;
