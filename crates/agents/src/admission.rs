//! What becomes of a document, by what stands already: the rules R1 to R8 of the contract.

use exhibit_model::digest::Digest;
use exhibit_store::Seq;

use crate::record::Key;
use crate::sql::sessions::Standing;
use crate::state::SessionState;

/// What admission looks at in a document that is not recorded yet under its key.
#[derive(Debug, Clone)]
pub struct Incoming<'a> {
    /// What it is decided by.
    pub key: &'a Key,
    /// The document.
    pub fingerprint: Digest,
    /// Where the session stands in its words.
    pub state: SessionState,
    /// The revision that the sender counted.
    pub sent_revision: Option<i64>,
    /// Whether a collector wrote it.
    pub collected: bool,
    /// The first document under the same key of the sender's own, which is another one.
    pub under_key: Option<Seq>,
}

/// What stands in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// Another document under the sender's own key (R3).
    Key,
    /// The end of the session, told differently (R6).
    Terminal,
    /// An event of the session with the same id, told differently.
    Event,
}

impl Obstacle {
    /// The word in the evidence.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Terminal => "terminal",
            Self::Event => "event",
        }
    }
}

/// What becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is the next revision (R1, R4, R7, R8).
    Next,
    /// It stands already, under a default key (R2).
    Replay(Seq),
    /// It came too late: into the ledger, but not into what is shown (R5).
    Stale,
    /// It is refused, and kept as evidence.
    Conflict(Obstacle, Seq),
}

/// Decides. That the same document is recorded under the same key (R2) is known by its record id and was asked before.
pub fn decide(standing: Option<&Standing>, incoming: &Incoming<'_>) -> Decision {
    if let Some(seq) = incoming.under_key {
        return Decision::Conflict(Obstacle::Key, seq);
    }
    let Some(standing) = standing else { return Decision::Next };
    if incoming.collected {
        return Decision::Next;
    }
    if incoming.sent_revision.zip(standing.sent_revision).is_some_and(|(sent, known)| sent < known) {
        return Decision::Stale;
    }
    // An end that was concluded from silence has no fingerprint: nobody told it, so whoever speaks now contradicts nobody.
    let (ends, has_ended) = (incoming.state.is_terminal(), standing.terminal_fp.is_some());
    let known = if ends { standing.terminal_fp } else { standing.live_fp };
    match (has_ended, ends, incoming.key) {
        (true, false, _) => Decision::Stale,
        // A new key of the sender's own is claimed by what comes under it, also by what stands already: else a second document under it,
        // which differs, would be taken for the first (R3).
        (_, _, Key::Live(_) | Key::Terminal(_)) if has_ended == ends && known == Some(incoming.fingerprint) => {
            Decision::Replay(standing.ledger_seq)
        }
        (true, true, Key::Own(_)) | (false, _, _) => Decision::Next,
        (true, true, Key::Live(_) | Key::Terminal(_)) => Decision::Conflict(Obstacle::Terminal, standing.ledger_seq),
    }
}

/// The revision that a session has after a document that is the next one: above what stands, and not below what the sender counted.
pub fn next_revision(standing: Option<&Standing>, sent: Option<i64>) -> i64 {
    standing.map_or(1, |standing| standing.revision.saturating_add(1)).max(sent.unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: Digest = Digest([1; 32]);
    const NEW: Digest = Digest([2; 32]);

    fn standing(state: SessionState, sent_revision: Option<i64>) -> Standing {
        let (live_fp, terminal_fp) = if state.is_terminal() { (None, Some(OLD)) } else { (Some(OLD), None) };
        let (session_id, session_key, revision, ledger_seq) = ("s".to_owned(), 1, 3, 40);
        Standing { session_id, session_key, state, revision, sent_revision, live_fp, terminal_fp, ledger_seq }
    }

    /// AG-19, AG-20: each rule once, by the sort of key, what stands, and what comes.
    #[test]
    fn every_rule() {
        use SessionState::{Running, Success};
        let (own, live, end) = (Key::Own("k".into()), Key::Live("s".into()), Key::Terminal("s".into()));
        let running = Some(standing(Running, None));
        let ended = Some(standing(Success, None));
        for (rule, standing, key, state, fingerprint, decision) in [
            ("R1", None, &live, Running, NEW, Decision::Next),
            ("R2", running.clone(), &live, Running, OLD, Decision::Replay(40)),
            ("R4", running.clone(), &own, Running, OLD, Decision::Next),
            ("R7", ended.clone(), &own, Success, OLD, Decision::Next),
            ("R2", ended.clone(), &end, Success, OLD, Decision::Replay(40)),
            ("R4", running.clone(), &live, Running, NEW, Decision::Next),
            ("R4", running.clone(), &own, Running, NEW, Decision::Next),
            ("R1", running.clone(), &end, Success, NEW, Decision::Next),
            ("R5", ended.clone(), &live, Running, NEW, Decision::Stale),
            ("R5", ended.clone(), &own, Running, NEW, Decision::Stale),
            ("R6", ended.clone(), &end, Success, NEW, Decision::Conflict(Obstacle::Terminal, 40)),
            ("R7", ended.clone(), &own, Success, NEW, Decision::Next),
        ] {
            let incoming = Incoming { key, fingerprint, state, sent_revision: None, collected: false, under_key: None };
            assert_eq!(decide(standing.as_ref(), &incoming), decision, "{rule} {key:?} {state}");
            let known = Incoming { under_key: Some(7), ..incoming.clone() };
            assert_eq!(decide(standing.as_ref(), &known), Decision::Conflict(Obstacle::Key, 7), "R3");
            let collected = Incoming { collected: true, ..incoming };
            assert_eq!(decide(standing.as_ref(), &collected), Decision::Next, "R8");
        }
    }

    /// A session that fell silent was closed, and its agent speaks after all.
    #[test]
    fn an_end_that_nobody_told_stands_in_nobodys_way() {
        use SessionState::{Running, Success};
        let closed = Standing { state: Success, live_fp: Some(OLD), terminal_fp: None, ..standing(Running, None) };
        let (live, end) = (Key::Live("s".into()), Key::Terminal("s".into()));
        for (key, state, fingerprint, decision) in [
            (&live, Running, NEW, Decision::Next),
            (&live, Running, OLD, Decision::Replay(40)),
            (&end, Success, NEW, Decision::Next),
        ] {
            let incoming = Incoming { key, fingerprint, state, sent_revision: None, collected: false, under_key: None };
            assert_eq!(decide(Some(&closed), &incoming), decision, "{key:?} {state}");
        }
    }

    #[test]
    fn a_lower_revision_comes_too_late() {
        let key = Key::Live("s".into());
        let standing = standing(SessionState::Running, Some(5));
        for (sent, decision) in [(Some(4), Decision::Stale), (Some(5), Decision::Next), (None, Decision::Next)] {
            let (fingerprint, state) = (NEW, SessionState::Running);
            let incoming =
                Incoming { key: &key, fingerprint, state, sent_revision: sent, collected: false, under_key: None };
            assert_eq!(decide(Some(&standing), &incoming), decision, "{sent:?}");
        }
        assert_eq!(next_revision(Some(&standing), Some(9)), 9);
        assert_eq!(next_revision(Some(&standing), Some(2)), 4);
        assert_eq!(next_revision(None, None), 1);
    }
}
