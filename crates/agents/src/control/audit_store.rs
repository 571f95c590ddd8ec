//! The audit of orders in the store: each line is committed before its call returns.

use std::sync::Arc;

use exhibit_model::ids::{ulid_from_text, ulid_to_text};
use exhibit_model::time::IdSource;
use exhibit_store::{Store, StoreError};
use tokio::runtime::Handle;

use super::audit::{Audit, AuditError, AuditId, Intent, Verdict};
use super::words::printable;
use crate::sql::control_audit;

/// What ids begin with.
const PREFIX: &str = "aud_";

impl AuditId {
    /// Reads an id as this audit gives them; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let number = ulid_from_text(text.strip_prefix(PREFIX)?)?;
        let id = Self::of(number);
        // Small letters are read, too, but would not sort among the others.
        (id.0 == text).then_some(id)
    }

    fn of(number: u128) -> Self {
        Self(format!("{PREFIX}{}", ulid_to_text(number)))
    }
}

/// An audit in the store. Its calls block, so they belong on a thread where that is allowed, never on one of the runtime's own.
pub struct StoreAudit {
    store: Store,
    ids: Arc<dyn IdSource>,
    runtime: Handle,
}

impl StoreAudit {
    /// Keeps lines in `store` under ids of `ids`, which grow with time; `runtime` waits for the commits.
    pub fn new(store: Store, ids: Arc<dyn IdSource>, runtime: Handle) -> Self {
        Self { store, ids, runtime }
    }
}

impl Audit for StoreAudit {
    fn intent(&self, intent: &Intent) -> Result<AuditId, AuditError> {
        let id = AuditId::of(self.ids.next_ulid());
        let (line, intent) = (id.clone(), intent.clone());
        let written = self.store.write(move |tx| control_audit::insert_intent(tx, &line, &intent));
        self.runtime.block_on(written).map_err(|error| fault(&error))?;
        Ok(id)
    }

    fn outcome(&self, id: &AuditId, verdict: &Verdict) -> Result<(), AuditError> {
        // A gateway names models; whatever it calls them, they are one line here, and text that a database takes.
        let final_state = verdict.final_state.as_deref().map(printable);
        let (id, verdict) = (id.clone(), Verdict { final_state, ..verdict.clone() });
        let written = self.store.write(move |tx| control_audit::insert_outcome(tx, &id, &verdict));
        self.runtime.block_on(written).map_err(|error| fault(&error))
    }
}

fn fault(error: &StoreError) -> AuditError {
    AuditError { reason: error.to_string() }
}
