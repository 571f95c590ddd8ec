//! What is known of one instance of a rule, and what happened to it.

use exhibit_model::digest::Digest;
use exhibit_model::time::Timestamp;

use super::ids::RuleId;
use super::measure::Measure;
use super::scope::Instance;
use super::words::{Cause, Level, Lifecycle, TransitionKind};

/// How bad it is, and whether it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// How bad it is.
    pub status: Level,
    /// Whether it speaks.
    pub lifecycle: Lifecycle,
}

/// One instance of a rule: a row of `alert_state`.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// The rule.
    pub rule_id: RuleId,
    /// Of whom; its key is the second half of the primary key.
    pub instance: Instance,
    /// How bad it is, and whether it speaks.
    pub standing: Standing,
    /// Until when no repetition is told: the last notice plus the cooldown.
    pub suppressed_until: Option<Timestamp>,
    /// Until when nothing is told but the end.
    pub silenced_until: Option<Timestamp>,
    /// When somebody acknowledged the alert that stands, or stood last.
    pub acked_at: Option<Timestamp>,
    /// Who did.
    pub acked_by: Option<String>,
    /// The value that was decided by last; `None` when there was nothing to measure.
    pub last_value: Option<Measure>,
    /// What that value was counted from.
    pub last_sample: i64,
    /// When it was looked at last, whether or not anything could be decided.
    pub last_evaluated_at: Timestamp,
    /// When something happened to it last; the moment of its making before that.
    pub last_transition_at: Timestamp,
    /// When the episode that stands, or stood last, was told last; `None` when it never was.
    pub last_notified_at: Option<Timestamp>,
    /// When the episode that stands, or stood last, began.
    pub opened_at: Option<Timestamp>,
    /// When the last episode ended by itself; `None` while one stands and after a close.
    pub resolved_at: Option<Timestamp>,
    /// How many episodes there were, the one that stands included.
    pub episode: i64,
    /// How many transitions the episode has.
    pub ordinal: i64,
    /// Which alert stands: SHA-256 over rule, scope, episode and level; `None` when none does.
    pub active_fp: Option<Digest>,
    /// Whether a repetition was left out since the last notice.
    pub deduped: bool,
}

/// Something that happened to a state: a row of `alert_transitions`.
#[derive(Debug, Clone, PartialEq)]
pub struct Transition {
    /// The episode it belongs to, from 1.
    pub episode: i64,
    /// Its place in the episode, from 1.
    pub ordinal: i64,
    /// What happened.
    pub kind: TransitionKind,
    /// How it stood.
    pub from: Standing,
    /// How it stands.
    pub to: Standing,
    /// The value it was decided by; for what people do, the last one.
    pub value: Option<Measure>,
    /// What that value was counted from.
    pub sample: i64,
    /// The threshold of the level that stands or, at the end, of the level that was left.
    pub threshold: Option<f64>,
    /// When.
    pub at: Timestamp,
    /// Whether it is told.
    pub notified: bool,
    /// What made the state be looked at.
    pub cause: Cause,
    /// Who, when it was a person.
    pub actor: Option<String>,
}

impl State {
    /// An instance that nobody has looked at: nothing is wrong.
    pub fn new(rule_id: RuleId, instance: Instance, now: Timestamp) -> Self {
        Self {
            rule_id,
            instance,
            standing: Standing { status: Level::Ok, lifecycle: Lifecycle::Resolved },
            suppressed_until: None,
            silenced_until: None,
            acked_at: None,
            acked_by: None,
            last_value: None,
            last_sample: 0,
            last_evaluated_at: now,
            last_transition_at: now,
            last_notified_at: None,
            opened_at: None,
            resolved_at: None,
            episode: 0,
            ordinal: 0,
            active_fp: None,
            deduped: false,
        }
    }

    /// The key of the instance.
    pub fn scope_key(&self) -> String {
        self.instance.key()
    }

    /// Whether somebody wants to hear nothing at this moment.
    pub fn is_silenced(&self, now: Timestamp) -> bool {
        self.silenced_until.is_some_and(|until| now < until)
    }

    /// Whether a repetition would not be told at this moment because the last notice is too fresh.
    pub fn is_cooling(&self, now: Timestamp) -> bool {
        self.suppressed_until.is_some_and(|until| now < until)
    }

    /// What [`State::active_fp`] has to be as it stands.
    pub(super) fn fingerprint(&self) -> Option<Digest> {
        if !self.standing.status.is_firing() {
            return None;
        }
        // Neither an id of a rule nor a key of a scope that was escaped holds a line break of its own: ids of rules are printable, and the
        // key is last.
        let (level, episode) = (self.standing.status.as_str(), self.episode);
        Some(Digest::of(format!("{}\n{level}\n{episode}\n{}", self.rule_id, self.scope_key()).as_bytes()))
    }
}
