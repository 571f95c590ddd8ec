//! The record that a session ended in silence: what it says, when it still holds, and how it is read back.

use exhibit_model::digest::Digest;
use exhibit_model::time::Timestamp;
use exhibit_store::{Draft, StoreError};
use serde::Deserialize;
use serde_json::json;

use crate::sql::sessions::Standing;
use crate::state::SessionState;

/// Kind of the record.
pub const CLOSE: &str = "agents.close";

/// The end of a session that its feed did not tell: it was heard of no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// The session.
    pub session_id: String,
    /// The revision that had fallen silent.
    pub revision: i64,
    /// The newest moment that anything said of it; it is taken to have ended then.
    pub last_activity_at: Timestamp,
    /// How it ended: [`SessionState::Failed`] when the last that was heard of it is an error, else [`SessionState::Success`].
    pub state: SessionState,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CloseForm {
    session_id: String,
    revision: i64,
    last_activity_at: i64,
    state: String,
}

impl Close {
    /// The record. One revision of a session is closed once, so session and revision are its id.
    pub fn draft(&self) -> Draft {
        let session = Digest::of(self.session_id.as_bytes()).to_hex();
        let body = json!({
            "session_id": self.session_id,
            "revision": self.revision,
            "last_activity_at": self.last_activity_at.0,
            "state": self.state.as_str(),
        });
        Draft::record(CLOSE, format!("agents/close/{}/{}", &session[..32], self.revision), body)
    }

    /// What admission decides by: no document about the session is decided in the same group.
    pub fn admission_key(&self) -> String {
        format!("agents/session/{}", self.session_id)
    }

    /// Reads the body of a record of kind [`CLOSE`].
    ///
    /// # Errors
    /// When it is not what the gate writes: the database was changed by others.
    pub fn read(body: &[u8]) -> Result<Self, StoreError> {
        let damaged = |reason: String| StoreError::Unexpected(format!("a recorded close cannot be read: {reason}"));
        let form: CloseForm = serde_json::from_slice(body).map_err(|error| damaged(error.to_string()))?;
        let state = SessionState::of_word(&form.state).filter(|state| state.is_terminal());
        let state = state.ok_or_else(|| damaged(format!("`{}` is no end", form.state)))?;
        let CloseForm { session_id, revision, last_activity_at, .. } = form;
        Ok(Self { session_id, revision, last_activity_at: Timestamp(last_activity_at), state })
    }

    /// Whether it still holds: the session goes on, and nothing was said of it since.
    pub fn holds(&self, standing: &Standing) -> bool {
        !standing.state.is_terminal() && standing.revision == self.revision
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_holds_for_one_revision_of_a_live_session() {
        let close = Close {
            session_id: "s".to_owned(),
            revision: 3,
            last_activity_at: Timestamp(9),
            state: SessionState::Success,
        };
        let standing = |state, revision| Standing {
            session_id: "s".to_owned(),
            session_key: 1,
            state,
            revision,
            sent_revision: None,
            live_fp: None,
            terminal_fp: None,
            ledger_seq: 1,
        };
        assert!(close.holds(&standing(SessionState::Running, 3)));
        assert!(!close.holds(&standing(SessionState::Running, 4)), "something was said since");
        assert!(!close.holds(&standing(SessionState::Failed, 3)), "it has ended");
    }

    #[test]
    fn damaged_records_are_refused() {
        let body = br#"{"last_activity_at":9,"revision":3,"session_id":"s","state":"failed"}"#;
        assert_eq!(Close::read(body).map(|close| close.state).ok(), Some(SessionState::Failed));
        for body in [
            &b""[..],
            b"{}",
            br#"{"last_activity_at":9,"revision":3,"session_id":"s","state":"running"}"#,
            br#"{"last_activity_at":9,"revision":3,"session_id":"s","state":"failed","more":1}"#,
        ] {
            assert!(Close::read(body).is_err(), "{}", String::from_utf8_lossy(body));
        }
    }
}
