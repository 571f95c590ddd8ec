//! Migrations: numbered, forward only, per room; all pending ones applied and recorded in one transaction under a lock.

pub(crate) mod keep;

use exhibit_model::digest::Digest;

use crate::error::StoreError;
use crate::room::{Migration, Room};
use crate::session::{Backend, Tx};
use crate::sql::migrations as sql;

/// The migrations that every room stands on.
pub const SPINE_MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "spine",
        sqlite: include_str!("migrations/sqlite/0001_spine.sql"),
        postgres: include_str!("migrations/postgres/0001_spine.sql"),
    },
    Migration {
        version: 2,
        name: "policy",
        sqlite: include_str!("migrations/sqlite/0002_policy.sql"),
        postgres: include_str!("migrations/postgres/0002_policy.sql"),
    },
    Migration {
        version: 3,
        name: "collections",
        sqlite: include_str!("migrations/sqlite/0003_collections.sql"),
        postgres: include_str!("migrations/postgres/0003_collections.sql"),
    },
    Migration {
        version: 4,
        name: "access",
        sqlite: include_str!("migrations/sqlite/0004_access.sql"),
        postgres: include_str!("migrations/postgres/0004_access.sql"),
    },
    Migration {
        version: 5,
        name: "served_runs",
        sqlite: include_str!("migrations/sqlite/0005_served_runs.sql"),
        postgres: include_str!("migrations/postgres/0005_served_runs.sql"),
    },
    Migration {
        version: 6,
        name: "projected",
        sqlite: include_str!("migrations/sqlite/0006_projected.sql"),
        postgres: include_str!("migrations/postgres/0006_projected.sql"),
    },
];

/// The name under which the spine's own migrations are recorded.
pub(crate) const SPINE_NAME: &str = "spine";

/// One migration and whether it is applied.
#[derive(Debug, Clone, serde::Serialize)]
pub struct MigrationStatus {
    /// The room.
    pub room: String,
    /// The number.
    pub version: i64,
    /// The name.
    pub name: String,
    /// False while it is pending.
    pub applied: bool,
}

/// What is to be done to a database.
pub(crate) struct Plan<'a> {
    /// Each room with the migrations that are pending, the spine first.
    pending: Vec<(&'a str, &'static [Migration])>,
    /// Whether no migration was ever applied.
    is_new: bool,
}

impl Plan<'_> {
    /// The first migration that is to be applied to a database that holds something: its room and its number.
    pub(crate) fn first_change(&self) -> Option<(&str, i64)> {
        let first = self.pending.iter().find_map(|(room, pending)| Some((*room, pending.first()?.version)));
        first.filter(|_| !self.is_new)
    }
}

/// Compares the history of a database with the migrations of this binary.
///
/// # Errors
/// When they contradict each other, or the database cannot be read.
pub(crate) fn plan<'a>(tx: &mut Tx<'_>, name: &str, rooms: &[&'a dyn Room]) -> Result<Plan<'a>, StoreError> {
    sql::create_history(tx)?;
    let histories = histories(rooms);
    let known = sql::rooms(tx)?;
    let is_new = known.is_empty();
    for (room, version) in known {
        if !histories.iter().any(|(known, _)| *known == room) {
            return Err(StoreError::FromTheFuture { name: name.to_owned(), room, version });
        }
    }
    let mut pending = Vec::with_capacity(histories.len());
    for (room, migrations) in histories {
        if (1..).zip(migrations).any(|(number, migration)| migration.version != number) {
            let message = format!("the migrations of room {room} are not numbered 1, 2, 3, … without a gap");
            return Err(StoreError::Refused(message));
        }
        let recorded = sql::history(tx, room)?;
        check_history(name, room, migrations, &recorded)?;
        pending.push((room, &migrations[recorded.len()..]));
    }
    Ok(Plan { pending, is_new })
}

/// Applies what is pending.
///
/// # Errors
/// When a statement fails; the caller rolls everything back.
pub(crate) fn migrate(tx: &mut Tx<'_>, plan: &Plan<'_>, now_us: i64) -> Result<(), StoreError> {
    for (room, pending) in &plan.pending {
        for migration in *pending {
            let text = match tx.backend() {
                Backend::Sqlite => migration.sqlite,
                Backend::Postgres => migration.postgres,
            };
            tx.script(text)?;
            sql::record(tx, room, migration, checksum(migration), now_us)?;
        }
    }
    Ok(())
}

/// Each room's name and migrations, the spine first.
fn histories<'a>(rooms: &[&'a dyn Room]) -> Vec<(&'a str, &'static [Migration])> {
    let mut histories: Vec<(&str, &'static [Migration])> = vec![(SPINE_NAME, SPINE_MIGRATIONS)];
    histories.extend(rooms.iter().map(|room| (room.name(), room.migrations())));
    histories
}

/// Refuses a changed checksum, a gap, and a history that goes beyond what this binary knows.
fn check_history(
    name: &str,
    room: &str,
    migrations: &[Migration],
    recorded: &[(i64, Digest)],
) -> Result<(), StoreError> {
    for (index, (version, digest)) in recorded.iter().enumerate() {
        let Some(known) = migrations.get(index) else {
            return Err(StoreError::FromTheFuture { name: name.to_owned(), room: room.to_owned(), version: *version });
        };
        if known.version != *version || checksum(known) != *digest {
            return Err(StoreError::MigrationChanged {
                name: name.to_owned(),
                room: room.to_owned(),
                version: *version,
            });
        }
    }
    Ok(())
}

/// Covers both texts, so that the histories of the two backends can be compared.
fn checksum(migration: &Migration) -> Digest {
    Digest::of_parts(&[
        migration.name.as_bytes(),
        b"\0",
        migration.sqlite.as_bytes(),
        b"\0",
        migration.postgres.as_bytes(),
    ])
}

/// What is applied and what is pending.
pub(crate) fn status(read: &crate::session::Read<'_>, rooms: &[&dyn Room]) -> Result<Vec<MigrationStatus>, StoreError> {
    let mut list = Vec::new();
    for (room, migrations) in histories(rooms) {
        let recorded = sql::history(read, room)?;
        for (index, migration) in migrations.iter().enumerate() {
            list.push(MigrationStatus {
                room: room.to_owned(),
                version: migration.version,
                name: migration.name.to_owned(),
                applied: index < recorded.len(),
            });
        }
    }
    Ok(list)
}
