//! What is to be exported, in words and as keys.

use std::sync::Arc;

use exhibit_model::ids::CollectionId;
use exhibit_store::collections::{CollectionError, find};
use exhibit_store::filter::{BindError, Filter, bind, bind_collection};
use exhibit_store::{Store, StoreError};

use crate::catalog::{LookupError, find_asset};

/// Which assets.
#[derive(Debug, Clone)]
pub enum Selection {
    /// The members of a collection, by name or id.
    Collection(String),
    /// What fulfils a filter now.
    Filter(Filter),
    /// These: ids, or any unambiguous prefixes of them.
    Assets(Vec<String>),
}

/// Why there is no such selection.
#[derive(Debug, thiserror::Error)]
pub enum SelectError {
    /// An asset is unknown.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The collection is unknown.
    #[error(transparent)]
    Collection(#[from] CollectionError),
    /// The filter names something that is not there.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The store could not do its work.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Keys of the assets, and what was asked for in words.
///
/// # Errors
/// When something that is named is not there, or the database cannot be read.
pub async fn select(store: &Store, wanted: Selection) -> Result<(Vec<i64>, String), SelectError> {
    let kinds = Arc::clone(store.kinds());
    let found = store.read(move |read| {
        let keys = || match &wanted {
            Selection::Collection(name) => {
                let id = find(read, name)?.map_or(CollectionId::ALL, |found| found.id);
                Ok((bind_collection(read, &kinds, id)?.every(read)?, format!("collection {name}")))
            }
            Selection::Filter(filter) => {
                Ok((bind(read, &kinds, filter)?.every(read)?, format!("filter {}", filter.text())))
            }
            Selection::Assets(assets) => {
                let keys = assets.iter().map(|text| find_asset(read, text).map(|asset| asset.key));
                Ok((keys.collect::<Result<Vec<i64>, _>>()?, format!("assets {}", assets.join(" "))))
            }
        };
        Ok(keys())
    });
    found.await?
}
