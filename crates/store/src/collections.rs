//! Collections as evidence: a definition is a record, a new one supersedes, nothing is edited. The tables for lookup are computed here.

use std::sync::Arc;

use exhibit_model::digest::{Digest, DigestHasher};
use exhibit_model::findings::Findings;
use exhibit_model::ids::{AssetId, CollectionId};
use serde_json::{Value as Json, json};

use crate::append::{Accepted, Append, Candidate, Guard};
use crate::error::{GateError, StoreError};
use crate::filter::{self, BindError, Filter, FilterError};
use crate::gate::{Draft, Gate};
use crate::session::{Read, Tx};
use crate::sql::collections::{self as sql, ALL_NAME, Collection};
use crate::store::Store;

const DEFINITION: &str = "collection";
const PART: &str = "collection.members";

/// Assets of a static collection. Their ids are 71 MB then; a larger set is a filter.
pub const ASSETS_MAX: usize = 1_000_000;

/// Assets of one `collection.members` record: 3.6 MB of ids, below the largest body that the gate takes.
const PART_ASSETS: usize = 50_000;

/// Letters of a name.
pub const NAME_LETTERS_MAX: usize = 64;

/// Names that an error lists.
const NAMES_MAX: i64 = 100;

/// What belongs to a collection.
#[derive(Debug, Clone)]
pub enum Members {
    /// Whatever fulfils a filter when it is asked and has a present path.
    Dynamic(Filter),
    /// These assets.
    Static(Vec<AssetId>),
}

/// A collection to be.
#[derive(Debug, Clone)]
pub struct NewCollection {
    /// Its id, when there is none with its name yet.
    pub id: CollectionId,
    /// Its name; none when it is made for one run.
    pub name: Option<String>,
    /// What it is for.
    pub about: String,
    /// What belongs to it.
    pub members: Members,
    /// Supersede the collection with that name, should there be one.
    pub replace: bool,
}

/// A collection could not be made, found or deleted.
#[derive(Debug, thiserror::Error)]
pub enum CollectionError {
    /// The text is no name.
    #[error(
        "`{0}` is no name of a collection: letters, digits, `_`, `-` and `.`, at most 64, the first a letter, a digit or `_`; `all` and \
         what begins with `col_` are taken"
    )]
    Name(String),
    /// Another collection has the name.
    #[error("there is a collection `{0}` already; --replace puts another definition in its place")]
    Taken(String),
    /// Nothing has the name.
    #[error("there is no collection `{name}`; there are {known}")]
    Unknown {
        /// What was given.
        name: String,
        /// What there is.
        known: String,
    },
    /// `all` is no record.
    #[error("the collection `all` always exists and cannot be changed")]
    All,
    /// The filter is wrong.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// A filter without any condition.
    #[error("the filter is empty; `in:all` is fulfilled by everything that is present")]
    EmptyFilter,
    /// The list is too long.
    #[error("a list has at most {ASSETS_MAX} assets, this one has {0}; a filter names any number")]
    TooMany(usize),
    /// The list names what was never scanned.
    #[error("{count} assets of the list are not in the catalog, the first is {first}; `exhibit ls` lists what is")]
    UnknownAssets {
        /// How many.
        count: usize,
        /// The smallest.
        first: AssetId,
    },
    /// The gate refused.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// The store could not do its work.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<BindError> for CollectionError {
    fn from(error: BindError) -> Self {
        match error {
            BindError::Filter(error) => Self::Filter(error),
            BindError::Store(error) => Self::Store(error),
        }
    }
}

impl From<Findings> for CollectionError {
    fn from(findings: Findings) -> Self {
        Self::Gate(GateError::Invalid(findings))
    }
}

/// Records a collection.
///
/// # Errors
/// When the name is taken or no name, when filter or list name what is not there, or when the database cannot be written.
pub async fn define(store: &Store, new: NewCollection) -> Result<Collection, CollectionError> {
    if let Some(name) = &new.name {
        check_name(name)?;
    }
    let kinds = Arc::clone(store.kinds());
    let (new, before) = store.read(move |read| Ok(prepare(read, &kinds, new))).await??;
    let (id, revision) = before.as_ref().map_or((new.id, 1), |before| (before.id, before.revision + 1));
    let mut payload = json!({"collection": id, "revision": revision, "state": "living", "about": new.about});
    if let Some(name) = &new.name {
        payload["name"] = name.as_str().into();
    }
    let gate = store.gate();
    let mut parts = Vec::new();
    match &new.members {
        Members::Dynamic(filter) => payload["filter"] = filter.text().into(),
        Members::Static(assets) => {
            parts = members_drafts(id, revision, assets);
            payload["members"] = json!({"count": assets.len(), "parts": parts.len(), "digest": digest_of(assets)});
        }
    }
    let mut candidates = vec![check(&gate, DEFINITION, format!("{id}.{revision}"), payload)?];
    for (number, part) in parts.into_iter().enumerate() {
        candidates.push(check(&gate, PART, format!("{id}.{revision}.{number}"), part)?);
    }
    record(store, candidates, new.name, before).await?;
    defined(store, id).await
}

/// Records that a collection is deleted. Runs keep the members that they froze.
///
/// # Errors
/// When there is no such collection, or the database cannot be written.
pub async fn withdraw(store: &Store, name: &str) -> Result<Collection, CollectionError> {
    if name == ALL_NAME {
        return Err(CollectionError::All);
    }
    let wanted = name.to_owned();
    let found = store.read(move |read| Ok(find(read, &wanted))).await??;
    let Some(found) = found else { return Err(CollectionError::All) };
    let revision = found.revision + 1;
    let mut payload = json!({"collection": found.id, "revision": revision, "state": "withdrawn", "about": found.about});
    if let Some(name) = &found.name {
        payload["name"] = name.as_str().into();
    }
    let candidate = check(&store.gate(), DEFINITION, format!("{}.{revision}", found.id), payload)?;
    let (id, name) = (found.id, found.name.clone());
    record(store, vec![candidate], name, Some(found)).await?;
    defined(store, id).await
}

/// The living collection with that name or id; `None` stands for `all`.
///
/// # Errors
/// When there is no such collection; the error names what there is.
pub fn find(read: &Read<'_>, name: &str) -> Result<Option<Collection>, CollectionError> {
    if name == ALL_NAME || name == CollectionId::ALL.to_string() {
        return Ok(None);
    }
    let found = match name.parse::<CollectionId>() {
        Ok(id) => sql::by_id(read, id)?.filter(|found| found.is_living),
        Err(_) => sql::by_name(read, name)?,
    };
    if found.is_some() {
        return Ok(found);
    }
    let mut known = vec![ALL_NAME.to_owned()];
    known.extend(sql::names(read, NAMES_MAX)?);
    let meant = filter::nearest(name, &known).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
    Err(CollectionError::Unknown { name: name.to_owned(), known: format!("{}{meant}", known.join(", ")) })
}

fn check_name(name: &str) -> Result<(), CollectionError> {
    let wrong = || Err(CollectionError::Name(name.chars().take(NAME_LETTERS_MAX + 1).collect()));
    let begins = name.starts_with(|first: char| first.is_alphanumeric() || first == '_');
    let fits = name.chars().all(|letter| letter.is_alphanumeric() || "_-.".contains(letter));
    let taken = name == ALL_NAME || name.starts_with(CollectionId::PREFIX);
    if begins && fits && !taken && name.chars().count() <= NAME_LETTERS_MAX { Ok(()) } else { wrong() }
}

/// Looks at everything that the definition names. Returns it with its list in order, and what it supersedes.
fn prepare(
    read: &Read<'_>,
    kinds: &crate::kinds::Kinds,
    mut new: NewCollection,
) -> Result<(NewCollection, Option<Collection>), CollectionError> {
    let before = new.name.as_ref().map(|name| sql::by_name(read, name)).transpose()?.flatten();
    if let (Some(before), false) = (&before, new.replace) {
        return Err(CollectionError::Taken(before.name.clone().unwrap_or_default()));
    }
    match &mut new.members {
        Members::Dynamic(filter) if filter.is_everything() => return Err(CollectionError::EmptyFilter),
        Members::Dynamic(filter) => {
            filter::bind_within(read, kinds, filter, before.as_ref().map_or(new.id, |before| before.id))?;
        }
        Members::Static(assets) => {
            assets.sort_unstable();
            assets.dedup();
            if assets.len() > ASSETS_MAX {
                return Err(CollectionError::TooMany(assets.len()));
            }
            check_known(read, assets)?;
        }
    }
    Ok((new, before))
}

fn check_known(read: &Read<'_>, assets: &[AssetId]) -> Result<(), CollectionError> {
    let mut unknown = Vec::new();
    for part in assets.chunks(PART_ASSETS) {
        let digests: Vec<Digest> = part.iter().map(|asset| asset.0).collect();
        let mut known = sql::known(read, &digests)?;
        known.sort_unstable();
        unknown.extend(part.iter().filter(|asset| known.binary_search(&asset.0).is_err()));
    }
    match unknown.first() {
        None => Ok(()),
        Some(first) => Err(CollectionError::UnknownAssets { count: unknown.len(), first: *first }),
    }
}

fn members_drafts(id: CollectionId, revision: i64, assets: &[AssetId]) -> Vec<Json> {
    let parts = assets.chunks(PART_ASSETS).enumerate();
    parts
        .map(|(number, part)| json!({"collection": id, "revision": revision, "part": number, "assets": part}))
        .collect()
}

/// What a list amounts to, whatever its parts.
fn digest_of(assets: &[AssetId]) -> Digest {
    let mut hasher = DigestHasher::new();
    assets.iter().for_each(|asset| hasher.update(&asset.0.0));
    hasher.finish()
}

fn check(gate: &Gate, kind: &str, record_id: String, payload: Json) -> Result<Candidate, Findings> {
    gate.check(Draft::record(kind, record_id, payload))
}

/// Appends a definition, when what has its name is still what it supersedes.
async fn record(
    store: &Store,
    candidates: Vec<Candidate>,
    name: Option<String>,
    before: Option<Collection>,
) -> Result<(), CollectionError> {
    let effect = move |tx: &mut Tx<'_>| {
        let now = match (&name, &before) {
            (Some(name), _) => sql::by_name(tx, name)?,
            (None, Some(before)) => sql::by_id(tx, before.id)?,
            (None, None) => None,
        };
        Ok(if now == before {
            Guard::Proceed
        } else {
            let name = name.as_deref().unwrap_or("without a name");
            Guard::Refuse(format!("the collection {name} was changed by someone else at the same time; look again"))
        })
    };
    store.append(Append { candidates, effect: Some(Box::new(effect)), ..Append::default() }).await?;
    Ok(())
}

async fn defined(store: &Store, id: CollectionId) -> Result<Collection, CollectionError> {
    let found = store.read(move |read| sql::by_id(read, id)).await?;
    Ok(found
        .ok_or_else(|| StoreError::Unexpected(format!("the collection {id} is not there after it was recorded")))?)
}

// The projection ---------------------------------------------------------------------------------------------------

/// Brings the tables for lookup up to date with new records.
pub(crate) fn project(tx: &mut Tx<'_>, accepted: &[Accepted<'_>]) -> Result<(), StoreError> {
    for Accepted { seq, candidate } in accepted {
        match candidate.kind().name() {
            DEFINITION => {
                if let Some(collection) = read_definition(*seq, &body(candidate)?) {
                    sql::put(tx, &collection)?;
                }
            }
            PART => project_part(tx, &body(candidate)?)?,
            _ => {}
        }
    }
    Ok(())
}

/// Empties the tables for lookup, before a rebuild.
pub(crate) fn reset(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    sql::empty(tx)
}

fn body(candidate: &Candidate) -> Result<Json, StoreError> {
    serde_json::from_slice(candidate.body()).map_err(|error| StoreError::Unexpected(format!("a body: {error}")))
}

/// The schema of the kind holds; `None` only for an id that its pattern lets through and no ULID can be.
fn read_definition(seq: i64, body: &Json) -> Option<Collection> {
    let text = |field: &str| body[field].as_str().map(str::to_owned);
    Some(Collection {
        id: text("collection")?.parse().ok()?,
        definition: seq,
        revision: body["revision"].as_i64()?,
        name: text("name"),
        about: text("about").unwrap_or_default(),
        filter: text("filter"),
        members: body["members"]["count"].as_i64(),
        is_living: body["state"] == "living",
    })
}

fn project_part(tx: &mut Tx<'_>, body: &Json) -> Result<(), StoreError> {
    let Some(id) = body["collection"].as_str().and_then(|id| id.parse::<CollectionId>().ok()) else { return Ok(()) };
    let Some(collection) = sql::by_id(tx, id)? else { return Ok(()) };
    // The parts of a definition that was superseded since are only in the ledger.
    if Some(collection.revision) != body["revision"].as_i64() || collection.members.is_none() {
        return Ok(());
    }
    let ids = body["assets"].as_array().into_iter().flatten().filter_map(Json::as_str);
    let assets: Vec<Digest> = ids.filter_map(|id| id.parse::<AssetId>().ok()).map(|asset| asset.0).collect();
    sql::add_members(tx, collection.definition, &assets)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// docs/reference/formats.md shows the same one.
    #[test]
    fn the_digest_of_a_list_never_changes() {
        let mut list = [AssetId(Digest::of(b"abc")), AssetId(Digest::of(b""))];
        list.sort_unstable();
        let expected = "6f1290896ee81a0349174d19f4473d267a10289c40480861d5c42affffbd79f9";
        assert_eq!(digest_of(&list).to_hex(), expected);
    }
}
