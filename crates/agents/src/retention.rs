//! What goes when its time is over, and what stays of it.
//!
//! A session goes as a whole: the bodies of its documents, its row, events, calls and costs. What it adds to the sums by hour and day is written
//! down first, in a [`seal::Seal`], which is a record as any other; the sums themselves are not touched. A rebuild begins with the seals and then
//! reads the bodies that are left, so it comes to the same sums. What is said later of a session or a call that went is kept as evidence and
//! counts for nothing, because it was counted.
//!
//! Sums by hour, and those by day, go below a floor that only rises; nothing is counted below it again.

pub mod seal;

mod going;

use std::collections::BTreeSet;

use exhibit_store::retention::{Going, let_go};
use exhibit_store::{Append, Draft, GateError, Read, Seq, Store, StoreError, Tx};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::aggregates::{DAY, HOUR};
use crate::record::{CONFLICT, SESSION};
use crate::sql::{aggregates, dims, seals, sessions};

use going::{Part, complete_index, next_part};
pub use seal::{SEAL, Seal, Seals};

/// Kind of the record that sums below a moment are not kept any more.
pub const FLOOR: &str = "agents.floor";

/// Days that bodies and calls are kept at least.
pub const BODIES_DAYS_MIN: u32 = 90;

/// Days that sums by hour are kept at least.
pub const HOURS_DAYS_MIN: u32 = 90;

/// Days that sums by day are kept at least.
pub const DAYS_DAYS_MIN: u32 = 365;

/// Most days of a rule: more than anything here is old.
const DAYS_MAX: u32 = 36_500;

/// Microseconds of a day of UTC.
const DAY_US: i64 = DAY * 1_000_000;

/// How long what is kept. `None` keeps it for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// Days that the records of a session are kept after it ended, with everything that is made of them: its row, events and calls. At least 90.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bodies_days: Option<u32>,
    /// Days that sums by hour are kept. At least 90. Days before that are those of UTC, whatever zone is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours_days: Option<u32>,
    /// Days that sums by day are kept. At least 365.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days_days: Option<u32>,
}

impl Rules {
    /// Whether nothing ever goes.
    pub fn keep_everything(&self) -> bool {
        *self == Self::default()
    }

    /// Looks for a time that is too short or cannot be meant.
    ///
    /// # Errors
    /// With the name of the rule and what is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        for (name, days, min) in [
            ("bodies_days", self.bodies_days, BODIES_DAYS_MIN),
            ("hours_days", self.hours_days, HOURS_DAYS_MIN),
            ("days_days", self.days_days, DAYS_DAYS_MIN),
        ] {
            if let Some(days) = days.filter(|days| !(min..=DAYS_MAX).contains(days)) {
                return Err(format!("{name}: {days} days is not between {min} and {DAYS_MAX}"));
            }
        }
        if let (Some(hours), Some(days)) = (self.hours_days, self.days_days)
            && hours > days
        {
            return Err(format!(
                "hours_days: sums by hour cannot be kept longer ({hours} days) than those by day ({days})"
            ));
        }
        Ok(())
    }
}

/// What goes, or went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Report {
    /// Sessions.
    pub sessions: u64,
    /// Their calls.
    pub calls: u64,
    /// Records whose bodies go.
    pub records: u64,
    /// Bytes of these bodies.
    pub bytes: u64,
    /// Rows of sums by hour.
    pub hours: u64,
    /// Rows of sums by day.
    pub days: u64,
    /// Sessions that are old enough and stay, because their records are the ones that count for calls of sessions that stay.
    pub shared: u64,
    /// Sessions that are old enough and stay, because they are too large to go at once.
    pub large: u64,
}

/// What would go now. Of what is kept, nothing is written.
///
/// # Errors
/// When a rule is too short, or the database cannot be read.
pub async fn plan(store: &Store, rules: Rules) -> Result<Report, StoreError> {
    walk(store, rules, None).await
}

/// Lets go what the rules do not keep any more, a part at a time; `progress` hears of each. What is broken off goes on the next time.
///
/// # Errors
/// When a rule is too short, or the database cannot be read or written.
pub async fn run(
    store: &Store,
    rules: Rules,
    progress: &mut (dyn FnMut(&Report) + Send),
) -> Result<Report, StoreError> {
    walk(store, rules, Some(progress)).await
}

/// Times the same part is looked at again because its sessions changed meanwhile: they are months old, so once is rare.
const TRIES_MAX: usize = 16;

async fn walk(
    store: &Store,
    rules: Rules,
    mut progress: Option<&mut (dyn FnMut(&Report) + Send)>,
) -> Result<Report, StoreError> {
    rules.check().map_err(StoreError::Refused)?;
    let now = store.clock().now().0;
    let before = move |days: u32| now.saturating_sub(i64::from(days) * DAY_US);
    let mut report = Report::default();
    if let Some(days) = rules.bodies_days {
        complete_index(store).await?;
        let limit = store.read(move |read| going::Limit::of(read, before(days))).await?;
        let mut after = going::FIRST;
        let mut tries = 0;
        while let Some(part) = next_part(store, &limit, after).await? {
            let done = match progress.as_mut().filter(|_| !part.sessions.is_empty()) {
                Some(_) => erase(store, &part).await?,
                None => true,
            };
            if !done && tries < TRIES_MAX {
                tries += 1;
                continue;
            }
            if done {
                part.count(&mut report);
            }
            (after, tries) = (part.next, 0);
            if let Some(progress) = progress.as_mut() {
                progress(&report);
            }
        }
    }
    for (grain, days) in [(HOUR, rules.hours_days), (DAY, rules.days_days)] {
        let Some(days) = days else { continue };
        // At a midnight of UTC, so that no day is cut.
        let floor = before(days).div_euclid(DAY_US) * DAY_US;
        let rows = store.read(move |read| seals::below(read, grain, floor)).await?;
        if rows > 0 && progress.is_some() {
            raise(store, grain, floor).await?;
        }
        if grain == HOUR { report.hours = rows } else { report.days = rows }
    }
    Ok(report)
}

/// Lets the sessions of a part go. False when one of them changed meanwhile; then nothing went.
async fn erase(store: &Store, part: &Part) -> Result<bool, StoreError> {
    let gate = store.gate();
    let seal = gate.check(part.seal.draft()?).map_err(|findings| StoreError::Refused(findings.to_string()))?;
    // Nothing is decided about these sessions in the same group.
    let keys = part.sessions.iter().map(|id| format!("agents/session/{id}")).collect();
    let kinds = vec![SESSION, CONFLICT];
    let going = Going { room: "agents", kinds, places: part.places.clone(), instead: vec![seal], keys };
    match let_go(store, going).await {
        Ok(_) => Ok(true),
        Err(GateError::Refused(_) | GateError::Conflict { .. } | GateError::Store(StoreError::Refused(_))) => Ok(false),
        Err(GateError::Store(error)) => Err(error),
        Err(other) => Err(StoreError::Unexpected(other.to_string())),
    }
}

/// Records that sums below a moment are not kept any more, and takes them out.
async fn raise(store: &Store, grain: i64, before: i64) -> Result<(), StoreError> {
    let draft =
        Draft::record(FLOOR, format!("agents/floor/{grain}/{before}"), json!({"grain": grain, "before": before}));
    let candidate = store.gate().check(draft).map_err(|findings| StoreError::Unexpected(findings.to_string()))?;
    match store.append(Append { candidates: vec![candidate], ..Append::default() }).await {
        Ok(_) => Ok(()),
        Err(GateError::Store(error)) => Err(error),
        Err(other) => Err(StoreError::Unexpected(other.to_string())),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FloorForm {
    grain: i64,
    before: i64,
}

/// Notes a floor when it is recorded, and takes out what lies below.
pub(crate) fn note_floor(tx: &mut Tx<'_>, body: &[u8]) -> Result<(), StoreError> {
    let form: FloorForm = serde_json::from_slice(body)
        .map_err(|error| StoreError::Unexpected(format!("a floor cannot be read: {error}")))?;
    seals::raise(tx, form.grain, form.before)?;
    seals::remove_below(tx, form.grain, form.before)
}

/// Notes a seal when it is recorded.
pub(crate) fn note(tx: &mut Tx<'_>, seq: Seq, body: &[u8]) -> Result<(), StoreError> {
    let seal = Seal::read(body)?;
    seals::note(tx, seq, &seal.sessions, &seal.calls)
}

/// Takes the rows of sealed sessions out, when they stand exactly as they were sealed. In a rebuild they do not stand any more.
///
/// # Errors
/// When they stand otherwise; then nothing of the seal may be written.
pub(crate) fn apply(tx: &mut Tx<'_>, body: &[u8]) -> Result<(), StoreError> {
    let seal = Seal::read(body)?;
    let rows = sessions::by_hashes(tx, &seal.sessions)?;
    if rows.is_empty() {
        return Ok(());
    }
    if Seal::of(tx, &rows)? != seal {
        return Err(StoreError::Refused("sessions changed while they were sealed; nothing went".to_owned()));
    }
    let keys: Vec<i64> = rows.iter().map(|row| row.standing.session_key).collect();
    seals::remove_sessions(tx, &keys)?;
    let sealed = seal.contributions(tx)?;
    aggregates::seal(tx, &sealed)
}

/// Adds to emptied sums what the seals hold, before a rebuild reads its first record.
pub(crate) fn restore(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let mut every = Seals::default();
    while let Some(seal) = every.next(tx)? {
        dims::intern(tx, &seal.names())?;
        let sealed = seal.contributions(tx)?;
        aggregates::apply(tx, &sealed, 0)?;
        aggregates::seal(tx, &sealed)?;
    }
    Ok(())
}

/// Which of these sessions went.
///
/// # Errors
/// When the database cannot be read.
pub fn gone<'a>(read: &Read<'_>, session_ids: &[&'a str]) -> Result<BTreeSet<&'a str>, StoreError> {
    let hashes: Vec<i64> = session_ids.iter().map(|id| sessions::id_hash(id)).collect();
    let found = seals::among(read, seals::Sealed::Session, &hashes)?;
    Ok(session_ids.iter().zip(hashes).filter(|(_, hash)| found.contains(hash)).map(|(id, _)| *id).collect())
}

/// Which of these calls went, by their hashes.
///
/// # Errors
/// When the database cannot be read.
pub(crate) fn gone_calls(read: &Read<'_>, dedupe_keys: &[&str]) -> Result<BTreeSet<i64>, StoreError> {
    let hashes: Vec<i64> = dedupe_keys.iter().map(|key| seal::call_hash(key)).collect();
    seals::among(read, seals::Sealed::Call, &hashes)
}
