//! Statements on the migration history.

use exhibit_model::digest::Digest;

use crate::error::StoreError;
use crate::params;
use crate::room::Migration;
use crate::session::{Read, Tx};
use crate::value::Sql;

const HISTORY: Sql =
    Sql::same("migration_history", "select version, checksum from schema_migrations where room = $1 order by version");
const ROOMS: Sql =
    Sql::same("migration_rooms", "select room, min(version) from schema_migrations group by room order by room");
const RECORD: Sql = Sql::same(
    "migration_record",
    "insert into schema_migrations (room, version, name, checksum, applied_at) values ($1, $2, $3, $4, $5)",
);

pub(crate) fn create_history(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let bytes = match tx.backend() {
        crate::Backend::Sqlite => "blob",
        crate::Backend::Postgres => "bytea",
    };
    tx.script(&format!(
        "create table if not exists schema_migrations (room text not null, version bigint not null, name text not null, \
         checksum {bytes} not null, applied_at bigint not null, primary key (room, version))"
    ))
}

pub(crate) fn history(read: &Read<'_>, room: &str) -> Result<Vec<(i64, Digest)>, StoreError> {
    read.all(&HISTORY, params![room])
}

/// Every room with a history, and its first migration.
pub(crate) fn rooms(read: &Read<'_>) -> Result<Vec<(String, i64)>, StoreError> {
    read.all(&ROOMS, &[])
}

pub(crate) fn record(
    tx: &mut Tx<'_>,
    room: &str,
    migration: &Migration,
    checksum: Digest,
    now_us: i64,
) -> Result<(), StoreError> {
    tx.execute(&RECORD, params![room, migration.version, migration.name, checksum, now_us]).map(|_| ())
}

const OTHER_TABLES: Sql = Sql::pair(
    "foreign_tables",
    "select 0",
    "select count(*) from information_schema.tables where table_schema = current_schema() \
     and not exists (select 1 from information_schema.columns where table_schema = current_schema() \
     and table_name = 'schema_migrations' and column_name = 'room')",
);

/// Refuses a PostgreSQL schema that holds tables but not our history; other programs have a table `schema_migrations` too. (A SQLite file is marked by its application id.)
pub(crate) fn refuse_foreign(read: &Read<'_>, name: &str) -> Result<(), StoreError> {
    match read.one::<(i64,)>(&OTHER_TABLES, &[])? {
        Some((count,)) if count > 0 => Err(StoreError::Foreign { name: name.to_owned() }),
        _ => Ok(()),
    }
}
