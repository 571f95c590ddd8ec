//! Sources: places originals come from.

use exhibit_model::ids::SourceId;
use exhibit_model::source::SourceClass;

use crate::error::StoreError;
use crate::params;
use crate::session::{Read, Tx};
use crate::value::{FromRow, Row, Sql};

const COLUMNS: &str = "select source, source_id, name, class, root, online, added_us, scanned_us from sources";
const NEXT: Sql = Sql::same("source_next", "select coalesce(max(source), 0) + 1 from sources");
const INSERT: Sql = Sql::same(
    "source_insert",
    "insert into sources (source, source_id, name, class, root, online, added_us) values ($1, $2, $3, $4, $5, 1, $6)",
);
const SCANNED: Sql = Sql::same("source_scanned", "update sources set scanned_us = $2, online = 1 where source = $1");
const ONLINE: Sql = Sql::same("source_online", "update sources set online = $2 where source = $1");

/// A place originals come from.
#[derive(Debug, Clone)]
pub struct Source {
    /// Key in the database.
    pub key: i64,
    /// Its id.
    pub id: SourceId,
    /// Its name, unique.
    pub name: String,
    /// Whether its bytes may ever go.
    pub class: SourceClass,
    /// The folder, raw bytes of the absolute path with links resolved.
    pub root: Vec<u8>,
    /// False while it cannot be reached.
    pub online: bool,
    /// When it was added, microseconds UTC.
    pub added_us: i64,
    /// When its last scan ended, microseconds UTC.
    pub scanned_us: Option<i64>,
}

impl FromRow for Source {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let class: i64 = row.get(3)?;
        Ok(Self {
            key: row.get(0)?,
            id: SourceId(row.get(1)?),
            name: row.get(2)?,
            class: SourceClass::from_code(class)
                .ok_or_else(|| StoreError::Unexpected(format!("source class {class}")))?,
            root: row.get(4)?,
            online: row.get(5)?,
            added_us: row.get(6)?,
            scanned_us: row.get(7)?,
        })
    }
}

fn select(name: &'static str, rest: &str) -> Sql {
    let text = format!("{COLUMNS} {rest}");
    Sql { name, sqlite: text.clone().into(), postgres: text.into() }
}

/// Every source, in the order in which they were added. There are few: one per folder that a person added.
///
/// # Errors
/// When the database cannot be read.
pub fn all(read: &Read<'_>) -> Result<Vec<Source>, StoreError> {
    read.all(&select("source_all", "order by source"), &[])
}

/// The source with that root.
///
/// # Errors
/// When the database cannot be read.
pub fn by_root(read: &Read<'_>, root: &[u8]) -> Result<Option<Source>, StoreError> {
    read.one(&select("source_by_root", "where root = $1"), params![root])
}

/// Adds a source and returns its key.
///
/// # Errors
/// When name or root are taken, or the database cannot be written.
pub fn insert(
    tx: &mut Tx<'_>,
    id: SourceId,
    name: &str,
    class: SourceClass,
    root: &[u8],
    now_us: i64,
) -> Result<i64, StoreError> {
    let (key,): (i64,) = tx.one(&NEXT, &[])?.unwrap_or((1,));
    tx.execute(&INSERT, params![key, id.0, name, class.code(), root, now_us])?;
    Ok(key)
}

/// Notes the end of a scan.
///
/// # Errors
/// When the database cannot be written.
pub fn set_scanned(tx: &mut Tx<'_>, source: i64, now_us: i64) -> Result<(), StoreError> {
    tx.execute(&SCANNED, params![source, now_us]).map(|_| ())
}

const SET_ROOT: Sql = Sql::same("source_set_root", "update sources set root = $2, online = 1 where source = $1");

/// Notes that a source lies elsewhere.
///
/// # Errors
/// When another source lies there, or the database cannot be written.
pub fn set_root(tx: &mut Tx<'_>, source: i64, root: &[u8]) -> Result<(), StoreError> {
    tx.execute(&SET_ROOT, params![source, root]).map(|_| ())
}

/// Notes that a source can or cannot be reached.
///
/// # Errors
/// When the database cannot be written.
pub fn set_online(tx: &mut Tx<'_>, source: i64, online: bool) -> Result<(), StoreError> {
    tx.execute(&ONLINE, params![source, online]).map(|_| ())
}
