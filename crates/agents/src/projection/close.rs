//! Sessions that fell silent are closed where they stand.

use exhibit_model::time::Timestamp;
use exhibit_store::{StoreError, Tx};

use super::{Told, Work};
use crate::admission::next_revision;
use crate::aggregates::Contributions;
use crate::collect::close::Close;
use crate::provenance::{RuntimeFacts, Source, session_runtime};
use crate::sql::aggregates;
use crate::sql::dims::Dims;

/// Applies closes, each with the time when it was recorded.
///
/// # Errors
/// When the database cannot be read or written.
pub fn close(tx: &mut Tx<'_>, closes: &[(Close, Timestamp)]) -> Result<(), StoreError> {
    let Some((_, last)) = closes.last() else { return Ok(()) };
    let ids: Vec<&str> = closes.iter().map(|(close, _)| close.session_id.as_str()).collect();
    let mut work = Work::load(tx, &ids, &[], Dims::default())?;
    let mut moved = Contributions::default();
    work.contribute(&mut moved, -1);
    for (close, at) in closes {
        work.close(close, *at);
    }
    work.settle_usage(*last)?;
    work.contribute(&mut moved, 1);
    work.write(tx)?;
    aggregates::apply(tx, &moved.without_zeros(), last.0)
}

impl Work {
    fn close(&mut self, close: &Close, at: Timestamp) {
        let Some(row) = self.sessions.get_mut(&close.session_id) else { return };
        let Some(usage) = self.usages.get(&row.standing.session_key) else { return };
        if !close.holds(&row.standing) {
            return;
        }
        let runtime = session_runtime(&RuntimeFacts {
            terminal: true,
            started_at: row.started_at,
            // A feed that says how long it ran knows better than silence does.
            runtime_ms: (usage.runtime.source == Source::ProviderReported).then_some(row.runtime_ms),
            ended_at: None,
            terminal_at: None,
            inferred_end: Some(row.last_activity_at),
        });
        // The fingerprint of the live document stays: nobody has told an end yet, so whoever does contradicts nobody.
        row.standing.revision = next_revision(Some(&row.standing), None);
        row.standing.state = close.state;
        (row.ended_at, row.end_inferred, row.runtime_ms) = (runtime.end, runtime.end_inferred, runtime.ms);
        row.ingested_at = at;
        let told = Told { sent: usage.sent, billed: usage.billed, runtime: runtime.provenance, priced_as: None };
        self.told.insert(row.standing.session_key, told);
    }
}
