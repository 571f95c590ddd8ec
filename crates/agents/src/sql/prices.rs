//! Lists of prices, as they were loaded.

use std::sync::{Arc, Mutex, PoisonError};

use exhibit_model::digest::Digest;
use exhibit_model::time::Timestamp;
use exhibit_store::{FromRow, Read, Row, Sql, StoreError, Tx, params};

use crate::price_lists::Listed;
use crate::prices::{PriceBook, Snapshot, parse};

const INSERT: Sql = Sql::same(
    "agents_prices_insert",
    "insert into price_snapshots (pricing_version, content_hash, kind, origin, owner, effective_at, review_at, loaded_at, body) \
     values ($1, $2, 'table', $3, $4, $5, $6, $7, $8) on conflict do nothing",
);
const VERSIONS: Sql =
    Sql::same("agents_prices_versions", "select pricing_version from price_snapshots order by pricing_version");
const BODY: Sql = Sql::same("agents_prices_body", "select body from price_snapshots where pricing_version = $1");

// No index: an installation has a few lists, and each is a row without its models here.
const LIST: Sql = Sql::same(
    "agents_prices_list",
    "select pricing_version, origin, owner, effective_at, review_at, loaded_at from price_snapshots \
     where (effective_at, pricing_version) > ($1, $2) order by effective_at, pricing_version limit $3",
);
const CLEAR: Sql = Sql::same("agents_prices_clear", "delete from price_snapshots");

/// Books that are kept ready: one for each database of the process, and the one before it.
const BOOKS_MAX: usize = 8;

type Books = Vec<(Vec<String>, Arc<PriceBook>)>;

/// Books by the names of their lists. A name is made of the content, so a book never changes.
static BOOKS: Mutex<Books> = Mutex::new(Vec::new());

/// Writes a list.
///
/// # Errors
/// When the database cannot be written.
pub fn insert(tx: &mut Tx<'_>, snapshot: &Snapshot, loaded_at: Timestamp) -> Result<(), StoreError> {
    let head = snapshot.head();
    let body = String::from_utf8(snapshot.body().to_vec())
        .map_err(|error| StoreError::Unexpected(format!("a list of prices is no text: {error}")))?;
    let row = params![
        snapshot.pricing_version().as_str(),
        Digest::of(snapshot.body()),
        head.origin.as_str(),
        head.owner.as_str(),
        head.effective_from.0,
        head.review_at.map(|at| at.0),
        loaded_at.0,
        body,
    ];
    tx.execute(&INSERT, row)?;
    Ok(())
}

/// All lists, as a book.
///
/// # Errors
/// When the database cannot be read.
pub fn book(read: &Read<'_>) -> Result<Arc<PriceBook>, StoreError> {
    let versions: Vec<String> = read.all::<(String,)>(&VERSIONS, &[])?.into_iter().map(|row| row.0).collect();
    let known = |books: &Books| books.iter().find(|(names, _)| *names == versions).map(|(_, book)| Arc::clone(book));
    if let Some(book) = known(&BOOKS.lock().unwrap_or_else(PoisonError::into_inner)) {
        return Ok(book);
    }
    let mut snapshots = Vec::with_capacity(versions.len());
    for version in &versions {
        let Some((body,)) = read.one::<(String,)>(&BODY, params![version.as_str()])? else { continue };
        let snapshot = parse(body.as_bytes())
            .map_err(|findings| StoreError::Unexpected(format!("the prices {version} cannot be read: {findings}")))?;
        snapshots.push(snapshot);
    }
    let book = Arc::new(PriceBook::new(snapshots));
    let mut books = BOOKS.lock().unwrap_or_else(PoisonError::into_inner);
    if books.len() >= BOOKS_MAX {
        books.remove(0);
    }
    books.push((versions, Arc::clone(&book)));
    Ok(book)
}

/// Lists after a place, in the order in which they come into force; `limit` at most.
///
/// # Errors
/// When the database cannot be read.
pub fn list(read: &Read<'_>, after: Option<(Timestamp, &str)>, limit: i64) -> Result<Vec<Listed>, StoreError> {
    let (at, version) = after.map_or((i64::MIN, ""), |(at, version)| (at.0, version));
    read.all(&LIST, params![at, version, limit])
}

impl FromRow for Listed {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            version: row.get(0)?,
            origin: row.get(1)?,
            owner: row.get(2)?,
            effective_at: Timestamp(row.get(3)?),
            review_at: row.get::<Option<i64>>(4)?.map(Timestamp),
            loaded_at: Timestamp(row.get(5)?),
        })
    }
}

/// Takes all lists out.
///
/// # Errors
/// When the database cannot be written.
pub fn clear(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    tx.execute(&CLEAR, &[])?;
    Ok(())
}
