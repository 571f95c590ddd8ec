//! The audit of orders: an intent and an outcome of each, written once and never changed.

use exhibit_model::time::Timestamp;
use exhibit_store::{FromRow, Read, Row, Sql, StoreError, Tx, params};

use crate::control::audit::{AuditId, Intent, Verdict};

/// An order, with what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Its id.
    pub audit_id: String,
    /// When it was given.
    pub at: Timestamp,
    /// Who gave it, by authentication.
    pub actor: String,
    /// From where.
    pub remote_addr: String,
    /// For whom, as the request claimed.
    pub forwarded_for: Option<String>,
    /// `kill`, `spawn` or `model`.
    pub action: String,
    /// On what.
    pub target: String,
    /// Through which controller.
    pub controller: String,
    /// Whether it was only tried on paper.
    pub dry_run: bool,
    /// When it was over; without it nobody knows what became of it.
    pub ended_at: Option<Timestamp>,
    /// What became of it.
    pub outcome: Option<String>,
    /// What was read back last.
    pub final_state: Option<String>,
    /// Why.
    pub detail: Option<String>,
}

impl FromRow for AuditRow {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            audit_id: row.get(0)?,
            at: Timestamp(row.get(1)?),
            actor: row.get(2)?,
            remote_addr: row.get(3)?,
            forwarded_for: row.get(4)?,
            action: row.get(5)?,
            target: row.get(6)?,
            controller: row.get(7)?,
            dry_run: row.get(8)?,
            ended_at: row.get::<Option<i64>>(9)?.map(Timestamp),
            outcome: row.get(10)?,
            final_state: row.get(11)?,
            detail: row.get(12)?,
        })
    }
}

const INTENT: Sql = Sql::same(
    "agents_control_audit_intent",
    "insert into control_audit (audit_id, phase, at, actor, remote_addr, forwarded_for, action, target, controller, dry_run) \
     values ($1, 'intent', $2, $3, $4, $5, $6, $7, $8, $9)",
);

// Index: the primary key (audit_id, phase). What the intent says of the order is repeated, so that each row reads alone.
const OUTCOME: Sql = Sql::same(
    "agents_control_audit_outcome",
    "insert into control_audit (audit_id, phase, at, actor, remote_addr, forwarded_for, action, target, controller, dry_run, \
     outcome, final_state, detail) \
     select audit_id, 'outcome', $2, actor, remote_addr, forwarded_for, action, target, controller, dry_run, $3, $4, $5 \
     from control_audit where audit_id = $1 and phase = 'intent'",
);

// Index: the primary key (audit_id, phase), backwards; and once more for the outcome of each.
const PAGE: Sql = Sql::same(
    "agents_control_audit_page",
    "select i.audit_id, i.at, i.actor, i.remote_addr, i.forwarded_for, i.action, i.target, i.controller, i.dry_run, \
     o.at, o.outcome, o.final_state, o.detail \
     from control_audit as i left join control_audit as o on o.audit_id = i.audit_id and o.phase = 'outcome' \
     where i.phase = 'intent' and i.audit_id < $1 order by i.audit_id desc limit $2",
);

// Index: control_audit_model, backwards.
const DEFAULT_MODEL: Sql = Sql::same(
    "agents_control_audit_default_model",
    "select final_state from control_audit where action = 'model' and outcome = 'confirmed' and target like 'default model=%' \
     order by audit_id desc limit 1",
);

/// Greater than every id, as none holds a tilde.
const BEYOND: &str = "~";

/// Notes an order before it is carried out.
///
/// # Errors
/// When the database cannot be written.
pub fn insert_intent(tx: &mut Tx<'_>, id: &AuditId, intent: &Intent) -> Result<(), StoreError> {
    let row = params![
        id.0.as_str(),
        intent.at.0,
        intent.actor.as_str(),
        intent.remote_addr.as_str(),
        intent.forwarded_for.as_deref(),
        intent.action.as_str(),
        intent.target.as_str(),
        intent.controller,
        intent.dry_run,
    ];
    tx.execute(&INTENT, row)?;
    Ok(())
}

/// Notes what became of an order.
///
/// # Errors
/// When the database cannot be written, holds no such intent, or holds its outcome already.
pub fn insert_outcome(tx: &mut Tx<'_>, id: &AuditId, verdict: &Verdict) -> Result<(), StoreError> {
    let row = params![
        id.0.as_str(),
        verdict.at.0,
        verdict.outcome.as_str(),
        verdict.final_state.as_deref(),
        verdict.detail.as_deref(),
    ];
    match tx.execute(&OUTCOME, row)? {
        1 => Ok(()),
        _ => Err(StoreError::Unexpected(format!("the audit holds no intent {}", id.0))),
    }
}

/// Orders with a smaller id than `before`, newest first.
///
/// # Errors
/// When the database cannot be read.
pub fn page(read: &Read<'_>, before: Option<&str>, limit: i64) -> Result<Vec<AuditRow>, StoreError> {
    read.all(&PAGE, params![before.unwrap_or(BEYOND), limit])
}

/// The model for later sessions that was confirmed last, as `provider/model`.
///
/// # Errors
/// When the database cannot be read.
pub fn default_model(read: &Read<'_>) -> Result<Option<String>, StoreError> {
    Ok(read.one::<(Option<String>,)>(&DEFAULT_MODEL, &[])?.and_then(|(model,)| model))
}
