//! Collections as their records say now: lookup by name and id, members of static ones.

use exhibit_model::digest::Digest;
use exhibit_model::ids::CollectionId;

use crate::error::StoreError;
use crate::params;
use crate::session::{Read, Tx};
use crate::value::{FromRow, Row, Sql, Value};

/// The name of the collection that holds every asset with a present path; it always exists.
pub const ALL_NAME: &str = "all";

/// One collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    /// Its id.
    pub id: CollectionId,
    /// Place in the ledger of the record that defines it now.
    pub definition: i64,
    /// How often it was defined.
    pub revision: i64,
    /// Its name, unique among living ones; none when it was made for one run.
    pub name: Option<String>,
    /// What it is for.
    pub about: String,
    /// The filter of a dynamic one.
    pub filter: Option<String>,
    /// How many assets a static one lists.
    pub members: Option<i64>,
    /// False once it was deleted.
    pub is_living: bool,
}

impl FromRow for Collection {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: CollectionId(row.get(0)?),
            definition: row.get(1)?,
            revision: row.get(2)?,
            name: row.get(3)?,
            about: row.get(4)?,
            filter: row.get(5)?,
            members: row.get(6)?,
            is_living: row.get(7)?,
        })
    }
}

const COLUMNS: &str = "select collection, definition, revision, name, about, filter, members, living from collections";

fn select(name: &'static str, rest: &str) -> Sql {
    let text = format!("{COLUMNS} {rest}");
    Sql { name, sqlite: text.clone().into(), postgres: text.into() }
}

/// The collection with that id, living or not.
///
/// # Errors
/// When the database cannot be read.
pub fn by_id(read: &Read<'_>, id: CollectionId) -> Result<Option<Collection>, StoreError> {
    read.one(&select("collection_by_id", "where collection = $1"), params![id.0])
}

/// The living collection with that name. Uses the index collections_name.
///
/// # Errors
/// When the database cannot be read.
pub fn by_name(read: &Read<'_>, name: &str) -> Result<Option<Collection>, StoreError> {
    read.one(&select("collection_by_name", "where name = $1 and living = 1 and name is not null"), params![name])
}

/// Living collections with a name, by name, after the name `after`. Uses the index collections_name.
///
/// # Errors
/// When the database cannot be read.
pub fn living(read: &Read<'_>, after: &str, limit: i64) -> Result<Vec<Collection>, StoreError> {
    let rest = "where name > $1 and living = 1 and name is not null order by name limit $2";
    read.all(&select("collection_living", rest), params![after, limit])
}

/// Names of living collections, in order.
///
/// # Errors
/// When the database cannot be read.
pub fn names(read: &Read<'_>, limit: i64) -> Result<Vec<String>, StoreError> {
    Ok(living(read, "", limit)?.into_iter().filter_map(|collection| collection.name).collect())
}

const MEMBERS: Sql = Sql::same(
    "collection_members",
    "select assets.sha256 from collection_members join assets on assets.asset = collection_members.asset \
     where definition = $1 and collection_members.asset > $2 order by collection_members.asset limit $3",
);

/// SHA-256 of the assets that a static collection lists, in the order in which they were first seen.
///
/// # Errors
/// When the database cannot be read.
pub fn members(read: &Read<'_>, definition: i64, after: i64, limit: i64) -> Result<Vec<Digest>, StoreError> {
    Ok(read.all::<(Digest,)>(&MEMBERS, params![definition, after, limit])?.into_iter().map(|row| row.0).collect())
}

const OF_UNITS: Sql = Sql::same(
    "collection_of_units",
    "select distinct assets.sha256 from units join assets on assets.asset = units.asset \
     where units.unit >= $1 and units.unit < $2 and units.state = $3",
);

/// SHA-256 of the assets whose units in this range are in this state.
///
/// # Errors
/// When the database cannot be read.
pub fn of_units(read: &Read<'_>, first: i64, end: i64, state: i64) -> Result<Vec<Digest>, StoreError> {
    Ok(read.all::<(Digest,)>(&OF_UNITS, params![first, end, state])?.into_iter().map(|row| row.0).collect())
}

const KNOWN: Sql = Sql::pair(
    "collection_known_assets",
    "select sha256 from assets where sha256 in (select unhex(value) from json_each($1))",
    "select sha256 from assets where sha256 = any($1::bytea[])",
);

/// Which of these assets are in the catalog.
///
/// # Errors
/// When the database cannot be read.
pub fn known(read: &Read<'_>, assets: &[Digest]) -> Result<Vec<Digest>, StoreError> {
    Ok(read.all::<(Digest,)>(&KNOWN, &[list(assets)])?.into_iter().map(|row| row.0).collect())
}

fn list(assets: &[Digest]) -> Value {
    Value::List(assets.iter().map(|digest| Value::from(*digest)).collect())
}

// The projection ---------------------------------------------------------------------------------------------------

const FORGET_MEMBERS: Sql =
    Sql::same("collection_forget_members", "delete from collection_members where definition = $1");
const FORGET: Sql = Sql::same("collection_forget", "delete from collections where collection = $1");
const INSERT: Sql = Sql::same(
    "collection_insert",
    "insert into collections (collection, definition, revision, name, about, filter, members, living) \
     values ($1, $2, $3, $4, $5, $6, $7, $8)",
);
const ADD_MEMBERS: Sql = Sql::pair(
    "collection_add_members",
    "insert into collection_members (definition, asset) select $1, asset from assets \
     where sha256 in (select unhex(value) from json_each($2)) on conflict do nothing",
    "insert into collection_members (definition, asset) select $1, asset from assets where sha256 = any($2::bytea[]) \
     on conflict do nothing",
);
const EMPTY_MEMBERS: Sql = Sql::same("collection_empty_members", "delete from collection_members");
const EMPTY: Sql = Sql::same("collection_empty", "delete from collections");

/// Puts a definition in the place of an older one; a newer one stays.
pub(crate) fn put(tx: &mut Tx<'_>, new: &Collection) -> Result<(), StoreError> {
    if let Some(old) = by_id(tx, new.id)? {
        if old.revision >= new.revision {
            return Ok(());
        }
        tx.execute(&FORGET_MEMBERS, params![old.definition])?;
        tx.execute(&FORGET, params![new.id.0])?;
    }
    let (name, filter) = (new.name.as_deref(), new.filter.as_deref());
    tx.execute(
        &INSERT,
        params![new.id.0, new.definition, new.revision, name, new.about.as_str(), filter, new.members, new.is_living],
    )?;
    Ok(())
}

/// Adds members to a static collection.
pub(crate) fn add_members(tx: &mut Tx<'_>, definition: i64, assets: &[Digest]) -> Result<(), StoreError> {
    tx.execute(&ADD_MEMBERS, &[definition.into(), list(assets)]).map(|_| ())
}

/// Empties both tables.
pub(crate) fn empty(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    tx.execute(&EMPTY_MEMBERS, &[])?;
    tx.execute(&EMPTY, &[]).map(|_| ())
}
