//! What a caller of an action is answered: an HTTP status, a JSON body, and what went wrong with the audit.

use serde_json::{Map, Value, json};

use super::audit::{Action, AuditError, AuditId, Outcome};
use super::controller::ControlError;
use super::words::WordFault;

/// An answer of `/api/control/*`.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Value,
    /// Set when the audit could not be written; the caller logs it once.
    pub audit_fault: Option<AuditError>,
}

impl Answer {
    /// `{"error": text}`.
    pub fn error(status: u16, text: &str) -> Self {
        Self { status, body: json!({"error": text}), audit_fault: None }
    }
}

/// What an action came to, before it is written to the audit and answered.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Done {
    /// What became of the order.
    pub(super) outcome: Outcome,
    /// What was read back last.
    pub(super) final_state: Option<String>,
    /// Fields of the body that belong to the action.
    pub(super) fields: Map<String, Value>,
    /// The error that the caller reads; unused when all is well.
    pub(super) error: String,
    /// Why, for the audit; the error when there is none of its own.
    pub(super) detail: Option<String>,
    /// There is no such session: 404.
    pub(super) is_missing: bool,
}

impl Done {
    /// It came to this; all else is empty.
    pub(super) fn new(outcome: Outcome) -> Self {
        let (final_state, detail, error) = (None, None, String::new());
        Self { outcome, final_state, fields: Map::new(), error, detail, is_missing: false }
    }

    /// It went wrong, in words for the caller.
    pub(super) fn wrong(outcome: Outcome, error: String) -> Self {
        Self { error, ..Self::new(outcome) }
    }

    /// With a field in the body.
    pub(super) fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(field.to_owned(), value.into());
        self
    }

    /// With the state that was read back.
    pub(super) fn in_state(mut self, state: impl Into<Option<String>>) -> Self {
        self.final_state = state.into();
        self
    }

    /// With a reason for the audit.
    pub(super) fn because(mut self, detail: impl Into<Option<String>>) -> Self {
        self.detail = detail.into();
        self
    }

    /// The answer: the fields of the older contract, then `outcome`, `finalState` and `auditId`.
    pub(super) fn into_answer(self, id: &AuditId, audit_fault: Option<AuditError>) -> Answer {
        let mut body = self.fields;
        let status = if self.outcome.is_ok() && audit_fault.is_none() {
            body.insert("ok".to_owned(), json!(true));
            200
        } else {
            let text = if audit_fault.is_some() { "Internal error" } else { self.error.as_str() };
            body.insert("error".to_owned(), json!(text));
            if self.is_missing && audit_fault.is_none() { 404 } else { 500 }
        };
        body.insert("outcome".to_owned(), json!(self.outcome.as_str()));
        // What was not read back is absent, like every field without a value.
        body.extend(self.final_state.map(|state| ("finalState".to_owned(), json!(state))));
        body.insert("auditId".to_owned(), json!(id.0));
        Answer { status, body: Value::Object(body), audit_fault }
    }
}

/// An order that came to nothing, or to something that cannot be read back, as nobody said on which session.
pub(super) fn not_seen(action: Action, error: &ControlError) -> Done {
    if error.is_open() {
        let text = format!("{} not confirmed: {error}", action.as_str());
        return Done::wrong(Outcome::Unconfirmed, text).because(error.detail());
    }
    not_given(action, error)
}

/// An order that was not carried out, for a reason that is known.
pub(super) fn not_given(action: Action, error: &ControlError) -> Done {
    let (outcome, how) = match error {
        ControlError::Refused { .. } => (Outcome::Refused, "refused"),
        ControlError::Unsupported => (Outcome::Unsupported, "not done"),
        _ => (Outcome::Failed, "failed"),
    };
    let done = Done::wrong(outcome, format!("{} {how}: {error}", action.as_str())).because(error.detail());
    match error {
        ControlError::NotFound if action == Action::Kill => {
            Done { is_missing: true, error: "Session not found".to_owned(), ..done.in_state("absent".to_owned()) }
        }
        _ => done,
    }
}

/// An order with a name in it that is not passed on.
pub(super) fn refused_word(action: Action, field: &str, fault: WordFault) -> Done {
    Done::wrong(Outcome::Refused, format!("{} refused: {field} {fault}", action.as_str()))
}
