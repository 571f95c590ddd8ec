//! The collector of blobs: what nothing living names is condemned, and removed when the grace is over.

use exhibit_model::digest::Digest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::sql::retention as sql;
use crate::store::Store;

/// How long a condemned blob stays, in microseconds: an hour, far longer than any append takes from its file to its commit.
pub const GRACE_US: i64 = 60 * 60 * 1_000_000;

/// Blobs that one transaction marks as gone.
const STEP_BLOBS: usize = 1_000;

/// What the collector did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Collected {
    /// Blobs removed.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Condemned blobs that something named again.
    pub revived: u64,
    /// True when nothing was looked at, because a backup is being made or another collector is at work.
    pub paused: bool,
}

/// Condemned blobs: how many wait for the end of their grace, how many can go now, and the bytes of the latter.
///
/// # Errors
/// When the database cannot be read.
pub async fn waiting(store: &Store, grace_us: i64) -> Result<(u64, u64, u64), StoreError> {
    let until_us = store.clock().now().0.saturating_sub(grace_us);
    let condemned = store.read(move |read| sql::condemned(read, until_us)).await?;
    let ready = condemned.iter().filter(|(_, _, ready)| *ready);
    let (count, bytes) = ready.fold((0, 0), |(count, bytes), (_, size, _)| (count + 1, bytes + size));
    Ok((condemned.len() as u64 - count, count, bytes))
}

/// Removes blobs that were condemned `grace_us` ago or earlier. An interrupted collection is finished by the next one.
///
/// # Errors
/// When the database or the blob store cannot be written.
pub async fn collect(
    store: &Store,
    grace_us: i64,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<Collected, StoreError> {
    let Some(_right) = store.blobs().begin_collecting()? else {
        return Ok(Collected { paused: true, ..Collected::default() });
    };
    settle_leaving(store).await?;
    let now_us = store.clock().now().0;
    let until_us = now_us.saturating_sub(grace_us);
    let revived = store.write(sql::pardon).await?;
    let mut done = Collected { revived, ..Collected::default() };
    let ready = store.read(move |read| sql::condemned(read, until_us)).await?;
    let ready: Vec<(i64, u64)> =
        ready.into_iter().filter(|(_, _, ready)| *ready).map(|(blob, size, _)| (blob, size)).collect();
    for some in ready.chunks(STEP_BLOBS) {
        let keys: Vec<i64> = some.iter().map(|(blob, _)| *blob).collect();
        let doomed = store.write(move |tx| sql::doom(tx, &keys, until_us, now_us)).await?;
        let removed = remove(store, doomed, grace_us).await?;
        done.blobs += removed.len() as u64;
        done.bytes += some.iter().filter(|(blob, _)| removed.contains(blob)).map(|(_, size)| size).sum::<u64>();
        store.write(move |tx| sql::collected(tx, &removed)).await?;
        progress(done.blobs);
    }
    Ok(done)
}

/// Finishes what an interrupted collection had put aside.
async fn settle_leaving(store: &Store) -> Result<(), StoreError> {
    let blobs = store.blobs().clone();
    let leaving = blobs.leaving()?;
    if leaving.is_empty() {
        return Ok(());
    }
    let asked = leaving.clone();
    let gone = store
        .read(move |read| asked.iter().map(|sha256| sql::is_gone(read, *sha256)).collect::<Result<Vec<bool>, _>>())
        .await?;
    leaving
        .into_iter()
        .zip(gone)
        .try_for_each(|(sha256, gone)| if gone { blobs.drop_leaving(sha256) } else { blobs.put_back(sha256) })
}

/// Removes the files of blobs, but not one that was put there again within the grace. Returns the keys of those that are gone.
async fn remove(store: &Store, doomed: Vec<(i64, Digest)>, grace_us: i64) -> Result<Vec<i64>, StoreError> {
    let blobs = store.blobs().clone();
    let grace = std::time::Duration::from_micros(u64::try_from(grace_us).unwrap_or(0));
    let work = move || {
        let mut removed = Vec::new();
        for (key, sha256) in doomed {
            if blobs.remove_older_than(sha256, grace)? {
                removed.push(key);
            }
        }
        Ok(removed)
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(StoreError::Panicked(error.to_string())))
}
