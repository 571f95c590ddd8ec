//! What stands of a session after one more document: a pure function, so that a rebuild comes to the same.

use std::sync::Arc;

use exhibit_model::time::Timestamp;
use exhibit_store::{Seq, StoreError};

use crate::admission::next_revision;
use crate::collect::gather::UNKNOWN_MODEL;
use crate::contract::{Call, Event, Session};
use crate::provenance::{Provenance, RuntimeFacts, session_runtime};
use crate::record::{Handed, Recorded};
use crate::sql::dims::{DimKind, Dims, Names, UNCATEGORIZED};
use crate::sql::events::json_text;
use crate::sql::sessions::{SessionRow, Standing};

/// A document with its place in the ledger.
#[derive(Debug)]
pub struct Placed {
    /// The document, and what was read of it beside the writer.
    pub handed: Arc<Handed>,
    /// Its place.
    pub seq: Seq,
    /// When it was recorded.
    pub at: Timestamp,
}

impl Placed {
    /// The session that it is about.
    pub fn session_id(&self) -> &str {
        &self.handed.recorded.said.session.session_id
    }

    /// Names that have to have keys before it is folded.
    pub fn names(&self, names: &mut Names) {
        let Recorded { said, feed, .. } = &self.handed.recorded;
        let session = &said.session;
        let mut add = |kind: DimKind, name: &str| {
            names.insert((kind, name.to_owned()));
        };
        add(DimKind::Agent, &session.agent_id);
        add(DimKind::Model, &session.model_id);
        add(DimKind::Feed, feed);
        for provider in session.provider.iter().chain(said.calls.iter().filter_map(|call| call.provider.as_ref())) {
            add(DimKind::Provider, provider);
        }
        for model in said.calls.iter().filter_map(|call| call.model_id.as_ref()) {
            add(DimKind::Model, model);
        }
        if let Some(category) = &session.task_category {
            add(DimKind::Category, category);
        }
    }

    /// What admission would have to know of the session after this document.
    pub fn standing(&self, before: Option<&Standing>, new_key: i64) -> Standing {
        let Recorded { said, sent_revision, .. } = &self.handed.recorded;
        let state = said.session.state;
        let (live_fp, terminal_fp) = if state.is_terminal() {
            (None, Some(self.handed.fingerprint))
        } else {
            (Some(self.handed.fingerprint), None)
        };
        Standing {
            session_id: said.session.session_id.clone(),
            session_key: before.map_or(new_key, |before| before.session_key),
            state,
            revision: next_revision(before, *sent_revision),
            sent_revision: (*sent_revision).max(before.and_then(|before| before.sent_revision)),
            live_fp,
            terminal_fp,
            ledger_seq: self.seq,
        }
    }

    /// The row of the session after this document, and where its runtime comes from. What a client sends is all there is; what a collector tells is added to what stood.
    ///
    /// # Errors
    /// When a name has no key or the metadata no canonical form, both mistakes of ours.
    pub fn row(
        &self,
        before: Option<&SessionRow>,
        new_key: i64,
        dims: &Dims,
    ) -> Result<(SessionRow, Provenance), StoreError> {
        let Recorded { said, feed, .. } = &self.handed.recorded;
        let session = &said.session;
        let provider = session.provider.as_deref().map(|provider| dims.key(DimKind::Provider, provider)).transpose()?;
        let category = session.task_category.as_deref().map(|category| dims.key(DimKind::Category, category));
        let newest = newest(session, &said.events, &said.calls);
        let mut row = SessionRow {
            standing: self.standing(before.map(|row| &row.standing), new_key),
            run_id: session.run_id.clone(),
            agent_key: dims.key(DimKind::Agent, &session.agent_id)?,
            agent_label: session.agent_label.clone(),
            model_key: dims.key(DimKind::Model, &session.model_id)?,
            provider_key: provider,
            task_title: session.title.clone(),
            task_text: session.task.clone(),
            task_category_key: category.transpose()?.unwrap_or(UNCATEGORIZED),
            started_at: session.started_at,
            ended_at: None,
            end_inferred: false,
            last_activity_at: before.map_or(newest, |before| newest.max(before.last_activity_at)),
            runtime_ms: 0,
            artifact_count: session.artifact_count.unwrap_or(0),
            error_code: session.error_code.clone(),
            error_message: session.error_message.clone(),
            source_version: session.source_version.clone(),
            metadata: session.metadata.as_ref().map(json_text).transpose()?,
            feed_key: dims.key(DimKind::Feed, feed)?,
            ingested_at: self.at,
        };
        if let Some(before) = before
            && self.handed.recorded.is_collected()
        {
            keep(&mut row, before, session);
        }
        let runtime = session_runtime(&RuntimeFacts {
            terminal: session.state.is_terminal(),
            started_at: row.started_at,
            runtime_ms: session.runtime_ms,
            ended_at: session.ended_at,
            terminal_at: session.terminal_at,
            inferred_end: None,
        });
        (row.ended_at, row.end_inferred, row.runtime_ms) = (runtime.end, runtime.end_inferred, runtime.ms);
        if let Some(stated) = &self.handed.recorded.stated {
            // What an older file says is kept as it says it.
            (row.ended_at, row.end_inferred, row.runtime_ms) = (session.ended_at, false, stated.runtime_ms);
            return Ok((row, stated.runtime));
        }
        Ok((row, runtime.provenance))
    }
}

/// A collector reads a piece at a time, and several tell of one session: what this piece does not tell stays as it was, the session began
/// when the first piece did, its title is the first, and an unknown model replaces none.
fn keep(row: &mut SessionRow, before: &SessionRow, session: &Session) {
    row.started_at = row.started_at.min(before.started_at);
    row.artifact_count = session.artifact_count.unwrap_or(before.artifact_count);
    row.provider_key = row.provider_key.or(before.provider_key);
    if session.model_id == UNKNOWN_MODEL {
        row.model_key = before.model_key;
    }
    if before.task_title.is_some() {
        row.task_title.clone_from(&before.task_title);
    }
    if session.task_category.is_none() {
        row.task_category_key = before.task_category_key;
    }
    for (new, old) in [
        (&mut row.run_id, &before.run_id),
        (&mut row.task_text, &before.task_text),
        (&mut row.source_version, &before.source_version),
        (&mut row.metadata, &before.metadata),
    ] {
        if new.is_none() {
            new.clone_from(old);
        }
    }
}

/// The newest moment that a document speaks of.
fn newest(session: &Session, events: &[Event], calls: &[Call]) -> Timestamp {
    let of_calls = calls.iter().map(|call| {
        let micros = call.duration_ms.unwrap_or(0).saturating_mul(1_000);
        Timestamp(call.started_at.0.saturating_add(micros))
    });
    [Some(session.started_at), session.ended_at, session.terminal_at]
        .into_iter()
        .flatten()
        .chain(events.iter().map(|event| event.event_ts))
        .chain(of_calls)
        .max()
        .unwrap_or(session.started_at)
}
