//! What the program promises, checked from outside: each test starts the real binary on a home and an archive of its own.
#![expect(clippy::expect_used, reason = "a test says with it what it takes for granted")]

/// Stamps tests for both databases: `sqlite::name` and `postgres::name` call `name(Backend)` of this module.
macro_rules! both_backends {
    ($($(#[$note:meta])* $name:ident),* $(,)?) => {
        mod sqlite {
            $(#[test] $(#[$note])* fn $name() { super::$name($crate::world::Backend::Sqlite) })*
        }
        mod postgres {
            $(#[test] $(#[$note])* fn $name() { super::$name($crate::world::Backend::Postgres) })*
        }
    };
}

mod chance;
mod mounts;
mod processes;
mod world;

mod backups;
mod catalog;
mod collections;
mod companions;
mod compare;
mod contracts;
mod drills;
mod duplicates;
mod errors;
mod exports;
mod memory;
mod metadata;
mod pictures;
mod plugins;
mod policy;
mod proof;
mod rails;
mod redteam;
mod replay;
mod runbooks;
mod runs;
mod server;
mod unconfined;
