//! Statements on kinds and their projection tables.

use exhibit_model::digest::Digest;
use exhibit_model::kind::{ColumnType, KindDeclaration};

use crate::error::StoreError;
use crate::kinds::postgres_type;
use crate::params;
use crate::session::{Backend, Read, Tx};
use crate::value::Sql;

const FIND: Sql = Sql::same("kind_find", "select kind, digest from kinds where name = $1 and version = $2");
const OWNER: Sql = Sql::same("kind_owner", "select room from kinds where name = $1 order by version limit 1");
const NEXT: Sql = Sql::same("kind_next", "select coalesce(max(kind), 0) + 1 from kinds");
const INSERT: Sql = Sql::same(
    "kind_insert",
    "insert into kinds (kind, name, version, digest, room, declaration) values ($1, $2, $3, $4, $5, $6)",
);
const ALL: Sql =
    Sql::same("kind_all", "select kind, name, version, digest, room, declaration from kinds order by kind");

/// A kind as it is stored: key, name, version, digest, room, file.
pub(crate) type KindRow = (i64, String, u32, Digest, String, Vec<u8>);

pub(crate) fn find(read: &Read<'_>, name: &str, version: u32) -> Result<Option<(i64, Digest)>, StoreError> {
    read.one(&FIND, params![name, version])
}

/// Whom the kind of that name belongs to.
pub(crate) fn owner(read: &Read<'_>, name: &str) -> Result<Option<String>, StoreError> {
    Ok(read.one::<(String,)>(&OWNER, params![name])?.map(|(owner,)| owner))
}

pub(crate) fn all(read: &Read<'_>) -> Result<Vec<KindRow>, StoreError> {
    read.all(&ALL, &[])
}

pub(crate) fn insert(
    tx: &mut Tx<'_>,
    room: &str,
    declaration: &KindDeclaration,
    file: &[u8],
) -> Result<i64, StoreError> {
    let (key,): (i64,) = tx.one(&NEXT, &[])?.unwrap_or((1,));
    tx.execute(&INSERT, params![key, declaration.kind.as_str(), declaration.version, declaration.digest, room, file])?;
    Ok(key)
}

/// Makes the projection table of a kind. Names come from a closed grammar, so they can stand in the text.
pub(crate) fn create_projection(tx: &mut Tx<'_>, declaration: &KindDeclaration) -> Result<(), StoreError> {
    let table = declaration.table_name();
    let backend = tx.backend();
    let mut text = match backend {
        Backend::Sqlite => format!(
            "create table \"{table}\" (seq integer primary key, asset integer, span_start_ms integer, span_end_ms integer"
        ),
        Backend::Postgres => {
            format!(
                "create table \"{table}\" (seq bigint primary key, asset bigint, span_start_ms bigint, span_end_ms bigint"
            )
        }
    };
    for column in &declaration.columns {
        let column_type = match (backend, column.column_type) {
            (Backend::Sqlite, ColumnType::Text) => "text",
            (Backend::Sqlite, ColumnType::Real) => "real",
            (Backend::Sqlite, _) => "integer",
            (Backend::Postgres, ColumnType::Text) => "text collate \"C\"",
            (Backend::Postgres, other) => postgres_type(other),
        };
        text.push_str(&format!(", \"{}\" {column_type}", column.name));
    }
    text.push_str(if backend == Backend::Sqlite { ") strict;" } else { ");" });
    // Facts of an asset, newest last: what lists and filters ask for.
    text.push_str(&format!(" create index \"{table}_asset\" on \"{table}\" (asset, seq);"));
    for (index, columns) in declaration.indexes.iter().enumerate() {
        let list = columns.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        text.push_str(&format!(" create index \"{table}_{index}\" on \"{table}\" ({list});"));
    }
    tx.script(&text)
}
