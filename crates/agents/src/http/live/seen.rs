//! What is seen of the room while somebody listens: what was recorded since, and how everything stands that is no record.
//!
//! Both are read from the database, so what other processes do is seen as well. What was recorded is told by its place in the ledger. Of all
//! else the newest are looked at, and whoever was told of a look is told next what differs.

use std::collections::{BTreeMap, BTreeSet};

use exhibit_model::envelope::LeafAdmission;
use exhibit_model::time::Timestamp;
use exhibit_store::kinds::Kinds;
use exhibit_store::sql::{ledger, records};
use exhibit_store::{Read, Seq, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::alerts::repository;
use crate::collect::close::{CLOSE, Close};
use crate::http::views::iso;
use crate::record::{PRICES, RECOMPUTE, SESSION};
use crate::sql::{control_audit, offsets, sessions};

/// Records that are looked through at once; whoever missed more loads everything anew, which is less work by then.
pub const MISSED_MAX: i64 = 10_000;

/// The newest transitions, deliveries and orders that are looked at: a page shows fewer, and four looks a second stay cheap.
pub const NEWEST: usize = 200;

/// Sessions that are asked for at once: an answer is compared with all that were asked for, so time goes with the square of it.
const SESSIONS_AT_ONCE: usize = 256;

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum About {
    /// A session has another revision, or ended in silence.
    Session,
    /// A list of prices came, or costs are reckoned anew.
    Price,
    /// Something happened to an alert.
    Alert,
    /// A notice is to be sent, was tried, or is settled.
    Delivery,
    /// A collector read something.
    Collector,
    /// An order was given, or is over.
    Control,
}

impl About {
    /// Those that are seen as they stand, and not by their place in the ledger.
    pub const STANDING: [Self; 4] = [Self::Alert, Self::Delivery, Self::Collector, Self::Control];

    /// The name of the event.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Price => "price",
            Self::Alert => "alert",
            Self::Delivery => "delivery",
            Self::Collector => "collector",
            Self::Control => "control",
        }
    }
}

/// Something that was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// Its place; of several records about one session that of the last.
    pub seq: Seq,
    /// What it is about.
    pub about: About,
    /// A small JSON document.
    pub data: String,
}

/// How something stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stands {
    /// When it became so.
    pub at: Timestamp,
    /// A small JSON document.
    pub data: String,
}

/// What is seen at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// `news` holds all from this place on.
    pub first_seq: Seq,
    /// The place of the next record.
    pub next_seq: Seq,
    /// When somebody looked.
    pub at: Timestamp,
    /// What was recorded, by place.
    pub news: Vec<News>,
    /// How everything else stands.
    pub stands: BTreeMap<(About, String), Stands>,
}

/// Looks at what was recorded from a place on and how everything else stands. Without a place, and where more than [`MISSED_MAX`] records lie
/// behind it, it begins where the ledger ends.
///
/// # Errors
/// When the database cannot be read.
pub fn look(read: &Read<'_>, kinds: &Kinds, from: Option<Seq>, now: Timestamp) -> Result<Seen, StoreError> {
    let next_seq = ledger::state(read)?.next_seq;
    let first_seq = from.filter(|from| (0..=MISSED_MAX).contains(&(next_seq - from))).unwrap_or(next_seq);
    let news = recorded(read, kinds, first_seq, next_seq)?;
    Ok(Seen { first_seq, next_seq, at: now, news, stands: standing(read, now)? })
}

/// What was recorded between two places, the second one not included.
///
/// # Errors
/// When the database cannot be read.
pub fn recorded(read: &Read<'_>, kinds: &Kinds, first: Seq, end: Seq) -> Result<Vec<News>, StoreError> {
    if first >= end {
        return Ok(Vec::new());
    }
    let mut news = Vec::new();
    let mut told: BTreeMap<String, Seq> = BTreeMap::new();
    records::each_from(read, first, end - first, &mut |record| {
        let is_new = LeafAdmission::from_code(record.admission) == Some(LeafAdmission::New);
        let (Some(kind), Some(body), true) = (kinds.by_key(record.kind), &record.body, is_new) else { return Ok(()) };
        match kind.name() {
            SESSION => drop(told.insert(session_of(body)?, record.seq)),
            CLOSE => drop(told.insert(Close::read(body)?.session_id, record.seq)),
            PRICES | RECOMPUTE => news.push(News { seq: record.seq, about: About::Price, data: price_of(body)? }),
            _ => {}
        }
        Ok(())
    })?;
    let ids: Vec<&str> = told.keys().map(String::as_str).collect();
    for some in ids.chunks(SESSIONS_AT_ONCE) {
        for (id, session) in sessions::standing(read, some)? {
            let (status, revision) = (session.state.as_str(), session.revision);
            let data = json!({"sessionId": id, "status": status, "revision": revision}).to_string();
            news.extend(told.get(&id).map(|seq| News { seq: *seq, about: About::Session, data }));
        }
    }
    news.sort_by_key(|news| news.seq);
    Ok(news)
}

fn damaged(error: &serde_json::Error) -> StoreError {
    StoreError::Unexpected(format!("a record cannot be read: {error}"))
}

/// The session that a recorded document is about. All else in it is passed over.
fn session_of(body: &[u8]) -> Result<String, StoreError> {
    #[derive(Deserialize)]
    struct Form {
        document: Document,
    }
    #[derive(Deserialize)]
    struct Document {
        session: Session,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Session {
        session_id: String,
    }
    let form: Form = serde_json::from_slice(body).map_err(|error| damaged(&error))?;
    Ok(form.document.session.session_id)
}

/// The name of the list that came, or that costs are reckoned anew under.
fn price_of(body: &[u8]) -> Result<String, StoreError> {
    #[derive(Deserialize)]
    struct Form {
        pricing_version: String,
        recompute_id: Option<String>,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Told {
        pricing_version: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        recompute_id: Option<String>,
    }
    let Form { pricing_version, recompute_id } = serde_json::from_slice(body).map_err(|error| damaged(&error))?;
    serde_json::to_string(&Told { pricing_version, recompute_id }).map_err(|error| damaged(&error))
}

/// How everything stands that is no record.
fn standing(read: &Read<'_>, now: Timestamp) -> Result<BTreeMap<(About, String), Stands>, StoreError> {
    let mut found = BTreeMap::new();
    for happened in repository::transitions(read, None, None, NEWEST)?.rows {
        let (rule, scope, transition) = (happened.rule_id.as_str(), &happened.scope_key, &happened.transition);
        let (episode, ordinal) = (transition.episode, transition.ordinal);
        let data = json!({
            "ruleId": rule, "scopeKey": scope, "kind": transition.kind.as_str(), "episode": episode,
            "previousStatus": transition.from.status.as_str(), "status": transition.to.status.as_str(),
            "lifecycle": transition.to.lifecycle.as_str(), "at": iso(transition.at),
        });
        let key = format!("{rule} {scope} {episode} {ordinal}");
        found.insert((About::Alert, key), Stands { at: transition.at, data: data.to_string() });
    }
    for delivery in repository::deliveries(read, None, None, NEWEST)?.rows {
        let id = delivery.delivery_id.as_str();
        let data = json!({
            "deliveryId": id, "ruleId": delivery.rule_id.as_str(), "channelId": delivery.channel_id,
            "state": delivery.state.as_str(), "attempts": delivery.attempts,
        });
        // When one that waits was last tried is not kept.
        let at = delivery.settled_at.unwrap_or(now);
        found.insert((About::Delivery, id.to_owned()), Stands { at, data: data.to_string() });
    }
    for row in offsets::collectors(read)? {
        let data = json!({
            "collector": row.collector, "records": row.records, "badRecords": row.bad_records,
            "documents": row.documents, "refused": row.refused, "readAt": iso(row.read_at),
        });
        found.insert((About::Collector, row.collector), Stands { at: row.read_at, data: data.to_string() });
    }
    for order in control_audit::page(read, None, i64::try_from(NEWEST).unwrap_or(i64::MAX))? {
        let data = json!({
            "auditId": order.audit_id, "action": order.action, "target": order.target, "dryRun": order.dry_run,
            "outcome": order.outcome,
        });
        let at = order.ended_at.unwrap_or(now);
        found.insert((About::Control, order.audit_id), Stands { at, data: data.to_string() });
    }
    Ok(found)
}

/// What differs between two looks.
#[derive(Debug, PartialEq, Eq)]
pub struct Differs<'a> {
    /// What stands otherwise than before, the oldest first.
    pub told: Vec<(About, &'a Stands)>,
    /// Whether more may have happened than is looked at.
    pub is_lost: bool,
}

impl Seen {
    /// What stands otherwise than it did for somebody who was told of `before`.
    pub fn differs<'a>(&'a self, before: &Self) -> Differs<'a> {
        let mut told: Vec<(About, &Stands)> = self
            .stands
            .iter()
            .filter(|(key, now)| before.stands.get(key).is_none_or(|then| then.data != now.data))
            .map(|((about, _), now)| (*about, now))
            .collect();
        told.sort_by_key(|(about, now)| (now.at, *about));
        let known: BTreeSet<About> =
            self.stands.keys().filter(|key| before.stands.contains_key(key)).map(|(about, _)| *about).collect();
        let count = |about: About| self.stands.keys().filter(|(of, _)| *of == about).count();
        let is_lost = About::STANDING.iter().any(|about| count(*about) >= NEWEST && !known.contains(about));
        Differs { told, is_lost }
    }

    /// The look of somebody who was last told at `at`: what changed shortly before or since is not known to them. It may be told twice.
    pub fn as_known_at(mut self, at: Timestamp) -> Self {
        self.stands.retain(|_, stands| stands.at < at);
        Self { at, ..self }
    }
}
