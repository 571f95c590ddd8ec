//! What is said about a collection.

use std::borrow::Cow;

use exhibit_model::ids::CollectionId;
use exhibit_model::time::IdSource;
use exhibit_store::collections::{CollectionError, Members, NewCollection, define, find};
use exhibit_store::filter::{Filter, Test, bind, bind_collection};
use exhibit_store::kinds::Kinds;
use exhibit_store::sql::collections::{ALL_NAME, Collection};
use exhibit_store::{Read, Store};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the collection `all` is.
pub const ABOUT_ALL: &str = "every asset with a present path";

/// A collection in a list.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct CollectionView {
    /// Its id.
    pub collection: CollectionId,
    /// Its name; none when it was made for one run.
    pub name: Option<String>,
    /// `all`, `static`, `dynamic` or `withdrawn`.
    pub kind: Cow<'static, str>,
    /// What a dynamic one asks.
    pub filter: Option<String>,
    /// How many a static one lists.
    pub members: Option<i64>,
    /// What it is for.
    pub about: String,
    /// How often it was defined.
    pub revision: Option<i64>,
}

/// A collection and what belongs to it now.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct CollectionDetail {
    /// What is said in lists.
    #[serde(flatten)]
    pub view: CollectionView,
    /// Assets that belong to it now.
    pub members_now: u64,
    /// How many of them are present: what a run would freeze.
    pub present_now: u64,
    /// The record that defines it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// Its place in the ledger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<i64>,
}

impl CollectionView {
    /// A collection that somebody made.
    pub fn new(collection: &Collection) -> Self {
        Self {
            collection: collection.id,
            name: collection.name.clone(),
            kind: match (collection.is_living, &collection.filter) {
                (false, _) => "withdrawn",
                (true, Some(_)) => "dynamic",
                (true, None) => "static",
            }
            .into(),
            filter: collection.filter.clone(),
            members: collection.members,
            about: collection.about.clone(),
            revision: Some(collection.revision),
        }
    }

    /// The collection that always exists.
    pub fn of_all() -> Self {
        Self {
            collection: CollectionId::ALL,
            name: Some(ALL_NAME.to_owned()),
            kind: "all".into(),
            filter: None,
            members: None,
            about: ABOUT_ALL.to_owned(),
            revision: None,
        }
    }
}

/// Records what a run is about to freeze, so that the run names it: a collection without a name.
///
/// # Errors
/// When the filter names something that is not there, or the database cannot be written.
pub async fn for_one_run(store: &Store, ids: &dyn IdSource, filter: Filter) -> Result<CollectionId, CollectionError> {
    let id = CollectionId(ids.next_ulid());
    let (about, members) = ("made for one run".to_owned(), Members::Dynamic(filter));
    Ok(define(store, NewCollection { id, name: None, about, members, replace: false }).await?.id)
}

/// Looks a collection up (none is `all`) and counts what belongs to it.
///
/// # Errors
/// When there is no such collection, or the database cannot be read.
pub fn detail(
    read: &Read<'_>,
    kinds: &Kinds,
    name: &str,
) -> Result<(Option<Collection>, CollectionDetail), CollectionError> {
    let found = find(read, name)?;
    let id = found.as_ref().map_or(CollectionId::ALL, |found| found.id);
    let filter = Filter::everything().and(Test::In(id.to_string()));
    let detail = CollectionDetail {
        view: found.as_ref().map_or_else(CollectionView::of_all, CollectionView::new),
        members_now: bind(read, kinds, &filter)?.every(read)?.len() as u64,
        present_now: bind_collection(read, kinds, id)?.every(read)?.len() as u64,
        record: found.as_ref().map(|found| format!("{}.{}", found.id, found.revision)),
        seq: found.as_ref().map(|found| found.definition),
    };
    Ok((found, detail))
}
