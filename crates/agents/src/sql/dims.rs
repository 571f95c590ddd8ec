//! Names of agents, models, providers, categories and feeds, each kept once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use exhibit_store::{Read, Sql, StoreError, Tx, Value};

use super::table::{Table, Type};

/// What a name is the name of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DimKind {
    /// An agent.
    Agent,
    /// A model.
    Model,
    /// Who serves a model.
    Provider,
    /// A sort of task.
    Category,
    /// Where documents come from.
    Feed,
}

impl DimKind {
    /// All of them.
    pub const EVERY: [Self; 5] = [Self::Agent, Self::Model, Self::Provider, Self::Category, Self::Feed];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Model => "model",
            Self::Provider => "provider",
            Self::Category => "category",
            Self::Feed => "feed",
        }
    }
}

/// Key of the category of sessions that tell none.
pub const UNCATEGORIZED: i64 = 1;

/// Its name, which is left out wherever a session is shown.
pub const UNCATEGORIZED_NAME: &str = "uncategorized";

/// Names that are wanted, or found with their keys.
pub type Names = BTreeSet<(DimKind, String)>;

/// Names with their keys.
#[derive(Debug, Default)]
pub struct Dims(BTreeMap<(DimKind, String), i64>);

impl Dims {
    /// The key of a name.
    ///
    /// # Errors
    /// When it was not asked for before, which is a mistake of ours.
    pub fn key(&self, kind: DimKind, name: &str) -> Result<i64, StoreError> {
        let found = self.0.get(&(kind, name.to_owned())).copied();
        found.ok_or_else(|| StoreError::Unexpected(format!("the {} `{name}` has no key", kind.as_str())))
    }

    /// Keys with their names.
    pub fn names(&self) -> impl Iterator<Item = (i64, &str)> {
        self.0.iter().map(|((_, name), key)| (*key, name.as_str()))
    }
}

const DIMS: Table = Table {
    name: "agent_dims",
    columns: &[("dim_key", Type::Int), ("kind", Type::Text), ("value", Type::Text)],
    key: &["dim_key"],
};

static INSERT: LazyLock<Sql> = LazyLock::new(|| DIMS.insert("agents_dims_insert"));

// Uses the unique index of (kind, value).
const FIND: Sql = Sql::pair(
    "agents_dims_find",
    "select dim_key from agent_dims where kind = $1 and value = $2",
    "select dim_key from agent_dims where kind = $1 and value = $2",
);
const FIND_MANY: Sql = Sql::pair(
    "agents_dims_find_many",
    "select kind, value, dim_key from agent_dims where kind in ('agent', 'model', 'provider', 'category', 'feed') \
     and value in (select value from json_each($1))",
    "select kind, value, dim_key from agent_dims where kind in ('agent', 'model', 'provider', 'category', 'feed') \
     and value = any($1::text[])",
);
const NAMES: Sql = Sql::pair(
    "agents_dims_names",
    "select dim_key, value from agent_dims where dim_key in (select value from json_each($1))",
    "select dim_key, value from agent_dims where dim_key = any($1::bigint[])",
);
const NEXT: Sql = Sql::same("agents_dims_next", "select coalesce(max(dim_key), 0) + 1 from agent_dims");

/// The key of one name, when it is known.
///
/// # Errors
/// When the database cannot be read.
pub fn find(read: &Read<'_>, kind: DimKind, name: &str) -> Result<Option<i64>, StoreError> {
    Ok(read.one::<(i64,)>(&FIND, &[kind.as_str().into(), name.into()])?.map(|row| row.0))
}

/// The names of keys.
///
/// # Errors
/// When the database cannot be read.
pub fn names(read: &Read<'_>, keys: &BTreeSet<i64>) -> Result<BTreeMap<i64, String>, StoreError> {
    if keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    let keys = Value::List(keys.iter().map(|key| Value::Int(*key)).collect());
    Ok(read.all::<(i64, String)>(&NAMES, &[keys])?.into_iter().collect())
}

/// The keys of those of these names that have one.
///
/// # Errors
/// When the database cannot be read.
pub fn known(read: &Read<'_>, names: &Names) -> Result<Dims, StoreError> {
    if names.is_empty() {
        return Ok(Dims::default());
    }
    let texts: BTreeSet<&str> = names.iter().map(|(_, name)| name.as_str()).collect();
    let texts = Value::List(texts.into_iter().map(Value::from).collect());
    let mut dims = Dims::default();
    for (kind, value, key) in read.all::<(String, String, i64)>(&FIND_MANY, &[texts])? {
        let Some(kind) = DimKind::EVERY.into_iter().find(|known| known.as_str() == kind) else { continue };
        let name = (kind, value);
        if names.contains(&name) {
            dims.0.insert(name, key);
        }
    }
    Ok(dims)
}

/// The keys of all these names; those that are new get one.
///
/// # Errors
/// When the database cannot be read or written.
pub fn intern(tx: &mut Tx<'_>, names: &Names) -> Result<Dims, StoreError> {
    let mut dims = known(tx, names)?;
    let missing: Vec<&(DimKind, String)> = names.iter().filter(|name| !dims.0.contains_key(*name)).collect();
    if !missing.is_empty() {
        let first = tx.one::<(i64,)>(&NEXT, &[])?.map_or(1, |row| row.0);
        let keyed: Vec<(i64, &(DimKind, String))> = (first..).zip(missing).collect();
        let rows: Vec<Vec<Value>> = keyed
            .iter()
            .map(|(key, (kind, name))| exhibit_store::values![*key, kind.as_str(), name.as_str()])
            .collect();
        tx.execute_many(&INSERT, &rows)?;
        dims.0.extend(keyed.into_iter().map(|(key, name)| (name.clone(), key)));
    }
    Ok(dims)
}
