//! What is to be told to channels, and what became of it.

use std::sync::LazyLock;

use exhibit_model::time::Timestamp;
use exhibit_store::{FromRow, Read, Row, Sql, StoreError, Tx, Value, params};

use super::alerts_rules::{count, known};
use super::table::{Table, Type};
use crate::alerts::{DeliveryId, RuleId, TransitionId};

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeliveryState {
    /// It is to be sent, perhaps again.
    Pending,
    /// The channel took it.
    Delivered,
    /// Nobody tries any more.
    Dead,
}

impl DeliveryState {
    /// All of them.
    pub const EVERY: [Self; 3] = [Self::Pending, Self::Delivered, Self::Dead];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }

    /// What a word means; exactly that word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::EVERY.into_iter().find(|known| known.as_str() == word)
    }
}

/// A row of `alert_deliveries`.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// Its id, the same over all attempts.
    pub delivery_id: DeliveryId,
    /// What happened.
    pub transition_id: TransitionId,
    /// The rule.
    pub rule_id: RuleId,
    /// The channel.
    pub channel_id: String,
    /// The bytes that are sent.
    pub payload: Vec<u8>,
    /// Where it stands.
    pub state: DeliveryState,
    /// How often it was sent, or was about to be.
    pub attempts: u32,
    /// When it is sent next; of one that is pending.
    pub next_at: Option<Timestamp>,
    /// When it was put into the outbox.
    pub created_at: Timestamp,
    /// When it was delivered, or given up.
    pub settled_at: Option<Timestamp>,
    /// What went wrong last.
    pub last_error: Option<String>,
}

const DELIVERIES: Table = Table {
    name: "alert_deliveries",
    columns: &[
        ("delivery_id", Type::Text),
        ("transition", Type::Text),
        ("rule_id", Type::Text),
        ("channel_id", Type::Text),
        ("payload", Type::Bytes),
        ("state", Type::Text),
        ("attempts", Type::Int),
        ("next_at", Type::Int),
        ("created_at", Type::Int),
        ("settled_at", Type::Int),
        ("last_error", Type::Text),
    ],
    key: &["delivery_id"],
};

static INSERT: LazyLock<Sql> = LazyLock::new(|| DELIVERIES.insert("agents_alert_delivery_insert"));

// Uses the index alert_delivery_due; only what is pending has a next time.
static DUE: LazyLock<Sql> = LazyLock::new(|| {
    DELIVERIES.select(
        "agents_alert_deliveries_due",
        "channel_id = $1 and next_at <= $2 order by next_at, delivery_id limit $3",
    )
});

// Uses the index alert_delivery_next.
const NEXT: Sql = Sql::same(
    "agents_alert_delivery_next",
    "select next_at from alert_deliveries where next_at is not null order by next_at limit 1",
);

// Uses the primary key.
const MOVE: Sql = Sql::pair(
    "agents_alert_delivery_move",
    "update alert_deliveries set state = $3, attempts = $4, next_at = $5, settled_at = $6, last_error = $7 \
     where delivery_id = $1 and state = 'pending' and attempts = $2",
    "update alert_deliveries set state = new.state, attempts = new.attempts, next_at = new.next_at, \
     settled_at = new.settled_at, last_error = new.last_error \
     from unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[]) \
     as new (delivery_id, seen, state, attempts, next_at, settled_at, last_error) \
     where alert_deliveries.delivery_id = new.delivery_id and alert_deliveries.state = 'pending' \
     and alert_deliveries.attempts = new.seen",
);

// Uses the index alert_delivery_due.
const GIVE_UP: Sql = Sql::same(
    "agents_alert_deliveries_give_up",
    "update alert_deliveries set state = 'dead', next_at = null, settled_at = $2, last_error = $3 \
     where channel_id = $1 and next_at is not null",
);

// Uses the index alert_delivery_made.
static PAGE: LazyLock<Sql> = LazyLock::new(|| {
    DELIVERIES.select(
        "agents_alert_deliveries",
        "(created_at, delivery_id) < ($1, $2) order by created_at desc, delivery_id desc limit $3",
    )
});

// Uses the index alert_delivery_state.
static PAGE_IN_STATE: LazyLock<Sql> = LazyLock::new(|| {
    DELIVERIES.select(
        "agents_alert_deliveries_in_state",
        "state = $4 and (created_at, delivery_id) < ($1, $2) order by created_at desc, delivery_id desc limit $3",
    )
});

// Uses the primary key.
static BY_ID: LazyLock<Sql> = LazyLock::new(|| DELIVERIES.select("agents_alert_delivery", "delivery_id = $1"));

/// Puts deliveries into the outbox.
///
/// # Errors
/// When the database cannot be written, or when one of them is there already.
pub fn insert(tx: &mut Tx<'_>, rows: &[Delivery]) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> = rows.iter().map(values_of).collect();
    tx.execute_many(&INSERT, &rows)?;
    Ok(())
}

/// What is due to a channel, the longest first; `limit` at most.
///
/// # Errors
/// When the database cannot be read.
pub fn due(read: &Read<'_>, channel_id: &str, now: Timestamp, limit: usize) -> Result<Vec<Delivery>, StoreError> {
    read.all(&DUE, &[channel_id.into(), now.0.into(), count(limit)])
}

/// When something is due next; perhaps in the past.
///
/// # Errors
/// When the database cannot be read.
pub fn next_due(read: &Read<'_>) -> Result<Option<Timestamp>, StoreError> {
    Ok(read.one::<(i64,)>(&NEXT, &[])?.map(|row| Timestamp(row.0)))
}

/// Writes how pending deliveries stand now; each comes with the attempts that it was seen with. One that somebody else has claimed since,
/// or that is settled, stays as it is. Says how many were written.
///
/// # Errors
/// When the database cannot be written.
pub fn move_on(tx: &mut Tx<'_>, rows: &[(u32, &Delivery)]) -> Result<u64, StoreError> {
    let row = |(seen, delivery): &(u32, &Delivery)| {
        exhibit_store::values![
            delivery.delivery_id.as_str(),
            *seen,
            delivery.state.as_str(),
            delivery.attempts,
            delivery.next_at.map(|at| at.0),
            delivery.settled_at.map(|at| at.0),
            delivery.last_error.clone(),
        ]
    };
    tx.execute_many(&MOVE, &rows.iter().map(row).collect::<Vec<_>>())
}

/// Gives up whatever is pending for a channel, and says how much that was.
///
/// # Errors
/// When the database cannot be written.
pub fn give_up(tx: &mut Tx<'_>, channel_id: &str, now: Timestamp, why: &str) -> Result<u64, StoreError> {
    tx.execute(&GIVE_UP, params![channel_id, now.0, why])
}

/// Deliveries before a place, the newest first; `limit` at most. The place is the moment and the id of a delivery.
///
/// # Errors
/// When the database cannot be read.
pub fn page(
    read: &Read<'_>,
    state: Option<DeliveryState>,
    before: (Timestamp, &str),
    limit: usize,
) -> Result<Vec<Delivery>, StoreError> {
    let mut values = vec![before.0.0.into(), before.1.into(), count(limit)];
    let Some(state) = state else { return read.all(&PAGE, &values) };
    values.push(state.as_str().into());
    read.all(&PAGE_IN_STATE, &values)
}

/// A delivery.
///
/// # Errors
/// When the database cannot be read.
pub fn by_id(read: &Read<'_>, delivery_id: &DeliveryId) -> Result<Option<Delivery>, StoreError> {
    read.one(&BY_ID, params![delivery_id.as_str()])
}

/// The statements of this file, with values that they may be asked with and the index that each needs; `None` where it reads a list of few.
#[cfg(test)]
pub(super) fn statements() -> Vec<(Sql, Vec<Value>, Option<&'static str>)> {
    vec![
        (DUE.clone(), exhibit_store::values!["c", 0_i64, 9_i64], Some("alert_delivery_due")),
        (NEXT.clone(), exhibit_store::values![], Some("alert_delivery_next")),
        (GIVE_UP.clone(), exhibit_store::values!["c", 0_i64, "why"], Some("alert_delivery_")),
        (PAGE.clone(), exhibit_store::values![0_i64, "d", 9_i64], Some("alert_delivery_made")),
        (PAGE_IN_STATE.clone(), exhibit_store::values![0_i64, "d", 9_i64, "dead"], Some("alert_delivery_state")),
        (BY_ID.clone(), exhibit_store::values!["d"], Some("alert_deliveries")),
    ]
}

fn values_of(delivery: &Delivery) -> Vec<Value> {
    exhibit_store::values![
        delivery.delivery_id.as_str(),
        delivery.transition_id.as_str(),
        delivery.rule_id.as_str(),
        delivery.channel_id.as_str(),
        delivery.payload.as_slice(),
        delivery.state.as_str(),
        delivery.attempts,
        delivery.next_at.map(|at| at.0),
        delivery.created_at.0,
        delivery.settled_at.map(|at| at.0),
        delivery.last_error.clone(),
    ]
}

impl FromRow for Delivery {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            delivery_id: DeliveryId::kept(row.get(0)?),
            transition_id: TransitionId::kept(row.get(1)?),
            rule_id: RuleId::kept(row.get(2)?),
            channel_id: row.get(3)?,
            payload: row.get(4)?,
            state: known(DeliveryState::of_word(&row.get::<String>(5)?), "the state of a delivery")?,
            attempts: row.get(6)?,
            next_at: row.get::<Option<i64>>(7)?.map(Timestamp),
            created_at: Timestamp(row.get(8)?),
            settled_at: row.get::<Option<i64>>(9)?.map(Timestamp),
            last_error: row.get(10)?,
        })
    }
}
