//! Sessions that fell silent are closed where they stand.

use std::collections::BTreeSet;

use exhibit_model::time::Timestamp;
use exhibit_store::{StoreError, Tx};

use crate::admission::next_revision;
use crate::aggregates::Contributions;
use crate::collect::close::Close;
use crate::provenance::{RuntimeFacts, session_runtime};
use crate::rows::Rows;
use crate::sql::aggregates;
use crate::sql::dims::Dims;
use crate::sql::sessions::{self, SessionRow};

/// Applies closes, each with the time when it was recorded.
///
/// # Errors
/// When the database cannot be read or written.
pub fn close(tx: &mut Tx<'_>, closes: &[(Close, Timestamp)]) -> Result<(), StoreError> {
    let Some((_, last)) = closes.last() else { return Ok(()) };
    let ids: Vec<&str> = closes.iter().map(|(close, _)| close.session_id.as_str()).collect();
    let standing: Vec<SessionRow> = sessions::rows(tx, &ids)?.into_values().collect();
    let mut rows = Rows::load(tx, standing, &Dims::default())?;
    let mut moved = Contributions::default();
    rows.contribute(&mut moved, -1);
    for (close, at) in closes {
        close_one(&mut rows, close, *at);
    }
    rows.settle()?;
    rows.contribute(&mut moved, 1);
    // Each once, however often it was found silent.
    let ids: BTreeSet<&str> = ids.into_iter().collect();
    let closed: Vec<&SessionRow> = ids.into_iter().filter_map(|id| rows.session(id)).collect();
    sessions::put(tx, &closed)?;
    rows.write(tx)?;
    aggregates::apply(tx, &moved.without_zeros(), last.0)
}

fn close_one(rows: &mut Rows, close: &Close, at: Timestamp) {
    let Some(mut row) = rows.session(&close.session_id).cloned() else { return };
    let Some(usage) = rows.usage(row.standing.session_key) else { return };
    if !close.holds(&row.standing) {
        return;
    }
    let (sent, billed) = (usage.sent, usage.billed);
    let runtime = session_runtime(&RuntimeFacts {
        terminal: true,
        started_at: row.started_at,
        runtime_ms: None,
        ended_at: None,
        terminal_at: None,
        inferred_end: Some(row.last_activity_at),
    });
    // The fingerprint of the live document stays: nobody has told an end yet, so whoever does contradicts nobody.
    row.standing.revision = next_revision(Some(&row.standing), None);
    row.standing.state = close.state;
    (row.ended_at, row.end_inferred, row.runtime_ms) = (runtime.end, runtime.end_inferred, runtime.ms);
    row.ingested_at = at;
    rows.tell(row, sent, billed, runtime.provenance, at);
}
