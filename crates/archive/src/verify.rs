//! The check of everything, or of some artifacts: records, lineage, the ledger and the bytes of blobs.

use std::sync::Arc;

use exhibit_model::digest::Digest;
use exhibit_store::ledger::proof::prove;
use exhibit_store::ledger::verify::{Report, check_record, printed_id, verify_ledger};
use exhibit_store::progress::Steps;
use exhibit_store::retention::Tombstones;
use exhibit_store::sql::records;
use exhibit_store::{Blobs, Store, StoreError};

use crate::catalog::{LookupError, find_artifact};

/// Checks every record, lineage and batch, and unless it is not wanted every blob. Steps are records, then blobs.
///
/// # Errors
/// When the database or the blob store cannot be read, or someone asks to stop. What is wrong with the evidence is in the report.
pub async fn verify_all(store: &Store, blobs: bool, steps: &Arc<Steps>) -> Result<Report, StoreError> {
    let (kinds, watched) = (Arc::clone(store.kinds()), Arc::clone(steps));
    let report = store.read(move |read| {
        verify_ledger(read, &kinds, &mut |done, total| {
            watched.set_total(total);
            watched.set_done(done);
            watched.check()
        })
    });
    let report = report.await?;
    if !blobs {
        return Ok(report);
    }
    let named = store.read(records::named_blobs).await?;
    steps.set_total(report.records + named.len() as u64);
    check_blobs(store.blobs(), named, report, Arc::clone(steps)).await
}

/// Checks some artifacts, with the proof that they are in the ledger, and unless it is not wanted their blobs. Steps are artifacts.
///
/// # Errors
/// When one of them is unknown, the database or the blob store cannot be read, or someone asks to stop.
pub async fn verify_some(
    store: &Store,
    artifacts: Vec<String>,
    blobs: bool,
    steps: &Arc<Steps>,
) -> Result<Report, LookupError> {
    let kinds = Arc::clone(store.kinds());
    let checked = store.read(move |read| {
        let mut report = Report::default();
        let mut named = Vec::new();
        for text in &artifacts {
            let (_, _, record) = match find_artifact(read, text) {
                Ok(found) => found,
                Err(error) => return Ok(Err(error)),
            };
            let stones = Tombstones::for_record(read, &kinds, &record)?;
            let leaf = check_record((&kinds, &stones), &record, &mut report);
            report.records += 1;
            let holds = prove(read, record.seq)?.is_some_and(|proof| proof.leaf == leaf && proof.holds());
            if !holds {
                let subject = format!("record {} ({})", record.seq, printed_id(&record));
                report.add(subject, "not_in_ledger", "its inclusion proof does not hold");
            }
            named.extend(record.blob.filter(|_| record.body.is_some()).map(|blob| (blob.sha256, blob.bytes)));
        }
        Ok(Ok((report, named)))
    });
    let (report, named) = checked.await??;
    steps.set_total(report.records + named.len() as u64);
    let named = if blobs { named } else { Vec::new() };
    Ok(check_blobs(store.blobs(), named, report, Arc::clone(steps)).await?)
}

async fn check_blobs(
    files: &Blobs,
    named: Vec<(Digest, u64)>,
    mut report: Report,
    steps: Arc<Steps>,
) -> Result<Report, StoreError> {
    let files = files.clone();
    let work = move || {
        for (sha256, size) in named {
            steps.check()?;
            check_blob(&files, sha256, size, &mut report)?;
            steps.set_done(report.records + report.blobs);
        }
        Ok(report)
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(StoreError::Unexpected(format!("the check of blobs ended early: {error}"))))
}

fn check_blob(files: &Blobs, sha256: Digest, size: u64, report: &mut Report) -> Result<(), StoreError> {
    report.blobs += 1;
    match files.rehash(sha256)? {
        None => report.add(format!("blob {sha256}"), "blob_missing", "the file is not in the blob store"),
        Some((found, bytes)) => {
            report.blob_bytes += bytes;
            if found != sha256 || bytes != size {
                report.add(format!("blob {sha256}"), "blob_mismatch", format!("its bytes hash to {found}"));
            }
        }
    }
    Ok(())
}
