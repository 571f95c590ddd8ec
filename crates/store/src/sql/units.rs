//! Units and their leases: planning, leasing with generations, ending, giving back. Coverage changes with every statement here, so
//! the counts of a run always add up to its scope.

use std::collections::BTreeMap;

use exhibit_model::digest::Digest;
use exhibit_model::states::UnitState;

use crate::error::StoreError;
use crate::session::{Read, Tx};
use crate::sql::runs::Run;
use crate::value::{FromRow, Row, Sql, Value};
use crate::{params, values};

/// One piece of the work of a run.
#[derive(Debug, Clone)]
pub struct Unit {
    /// Key in the database: the first unit of the run + the ordinal.
    pub key: i64,
    /// Its ordinal in the run.
    pub ordinal: u32,
    /// Index of its step.
    pub step: u32,
    /// Key of the asset.
    pub asset: i64,
    /// Where it stands.
    pub state: UnitState,
    /// Raised by each lease; who holds an older one cannot commit.
    pub generation: i64,
    /// How often its work ended or crashed.
    pub attempts: i64,
    /// How often it crashed since it was last queued by a person.
    pub crashes: i64,
    /// Whether a failure may go away by itself.
    pub retryable: bool,
    /// Artifacts that it made.
    pub artifacts: i64,
    /// Why it failed, was skipped or blocked.
    pub reason: Option<String>,
    /// The same for people.
    pub detail: Option<String>,
    /// The unit that did the work, when it was reused.
    pub reused_unit: Option<i64>,
    /// Times in microseconds UTC.
    pub started_us: Option<i64>,
    /// End of the last attempt.
    pub ended_us: Option<i64>,
    /// How it was made, JSON: worker, input check, tool versions, build.
    pub made: Option<String>,
}

impl FromRow for Unit {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let state: i64 = row.get(4)?;
        Ok(Self {
            key: row.get(0)?,
            ordinal: row.get(1)?,
            step: row.get(2)?,
            asset: row.get(3)?,
            state: UnitState::from_code(state).ok_or_else(|| StoreError::Unexpected(format!("unit state {state}")))?,
            generation: row.get(5)?,
            attempts: row.get(6)?,
            crashes: row.get(7)?,
            retryable: row.get(8)?,
            artifacts: row.get(9)?,
            reason: row.get(10)?,
            detail: row.get(11)?,
            reused_unit: row.get(12)?,
            started_us: row.get(13)?,
            ended_us: row.get(14)?,
            made: row.get(15)?,
        })
    }
}

const COLUMNS: &str = "select unit, ordinal, step, asset, state, generation, attempts, crashes, retryable, artifacts, reason, detail, \
     reused_unit, started_us, ended_us, made from units";

fn select(name: &'static str, rest: &str) -> Sql {
    let text = format!("{COLUMNS} {rest}");
    Sql { name, sqlite: text.clone().into(), postgres: text.into() }
}

// Planning ---------------------------------------------------------------------------------------------------------

const MEMBERS: Sql = Sql::same(
    "unit_members",
    "select run_members.ordinal, run_members.asset, assets.media_type from run_members join assets on assets.asset = run_members.asset \
     where run_members.run = $1 and run_members.ordinal >= $2 order by run_members.ordinal limit $3",
);
const PLAN: Sql = Sql::pair(
    "unit_plan",
    "insert into units (unit, run, ordinal, step, asset, state, generation, attempts, crashes, retryable, artifacts) \
     values ($1, $2, $3, $4, $5, 0, 0, 0, 0, 0, 0)",
    "insert into units (unit, run, ordinal, step, asset, state, generation, attempts, crashes, retryable, artifacts) \
     select *, 0, 0, 0, 0, 0, 0 from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])",
);
const PLANNED_NOW: Sql = Sql::same("run_planned_now", "select members_planned from runs where run = $1");
const PLANNED: Sql = Sql::same("run_planned", "update runs set members_planned = $2 where run = $1");

/// Plans the units of the next `count` members. `takes(step, member, media type)` says whether a step has work with such a member. The
/// ordinal of a unit is `member x steps + step`, so a plan never depends on how it was cut into pieces; it goes on from what is planned
/// now, whatever `run` says. Returns how many members are planned then.
///
/// # Errors
/// When the database cannot be written.
pub fn plan(tx: &mut Tx<'_>, run: &Run, count: i64, takes: &dyn Fn(u32, i64, &str) -> bool) -> Result<i64, StoreError> {
    let before = tx.one::<(i64,)>(&PLANNED_NOW, params![run.key])?.map_or(0, |row| row.0);
    let members: Vec<(i64, i64, String)> = tx.all(&MEMBERS, params![run.key, before, count])?;
    let mut rows = Vec::new();
    let mut delta = Coverage::new(run.key);
    for (member, asset, media_type) in &members {
        for step in 0..u32::try_from(run.steps).unwrap_or(0) {
            if takes(step, *member, media_type) {
                let ordinal = member * run.steps + i64::from(step);
                rows.push(values![run.first_unit + ordinal, run.key, ordinal, step, *asset]);
                delta.add(step, UnitState::Pending, 1);
            }
        }
    }
    tx.execute_many(&PLAN, &rows)?;
    delta.write(tx)?;
    let planned = before + i64::try_from(members.len()).unwrap_or(0);
    tx.execute(&PLANNED, params![run.key, planned])?;
    Ok(planned)
}

// Coverage ---------------------------------------------------------------------------------------------------------

const COVER: Sql = Sql::same(
    "coverage_add",
    "insert into coverage (run, step, state, count) values ($1, $2, $3, $4) \
     on conflict (run, step, state) do update set count = coverage.count + excluded.count",
);

struct Coverage {
    run: i64,
    delta: BTreeMap<(u32, i64), i64>,
}

impl Coverage {
    fn new(run: i64) -> Self {
        Self { run, delta: BTreeMap::new() }
    }

    fn add(&mut self, step: u32, state: UnitState, count: i64) {
        *self.delta.entry((step, state.code())).or_default() += count;
    }

    fn moved(&mut self, step: u32, from: UnitState, to: UnitState, count: i64) {
        self.add(step, from, -count);
        self.add(step, to, count);
    }

    fn write(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        for ((step, state), count) in self.delta.iter().filter(|(_, count)| **count != 0) {
            tx.execute(&COVER, params![self.run, *step, *state, *count])?;
        }
        Ok(())
    }
}

// Leases -----------------------------------------------------------------------------------------------------------

/// A unit that this host may work on until the lease runs out.
#[derive(Debug, Clone)]
pub struct Leased {
    /// Key of the unit.
    pub key: i64,
    /// Its ordinal in the run.
    pub ordinal: u32,
    /// Index of its step.
    pub step: u32,
    /// Key of the asset.
    pub asset: i64,
    /// The generation that a commit must name.
    pub generation: i64,
    /// Crashes so far.
    pub crashes: i64,
}

// Uses the index units_pending.
const LEASE: Sql = Sql::same(
    "unit_lease",
    "update units set state = 1, generation = generation + 1, lease_owner = $3, lease_clock = $4, lease_until_ms = $5, started_us = $6 \
     where unit in (select unit from units where run = $1 and step = $2 and state = 0 order by unit limit $7) \
     returning unit, ordinal, step, asset, generation, crashes",
);
const READY: Sql = Sql::same(
    "unit_ready",
    "select step, count from coverage where run = $1 and state = 0 and count > 0 order by step",
);

/// How many units wait, by step.
///
/// # Errors
/// When the database cannot be read.
pub fn ready(read: &Read<'_>, run: i64) -> Result<Vec<(u32, i64)>, StoreError> {
    read.all(&READY, params![run])
}

/// Leases the next units of a step to `owner`, at most `limit`, in order.
///
/// # Errors
/// When the database cannot be written.
pub fn lease(
    tx: &mut Tx<'_>,
    run: i64,
    step: u32,
    owner: u128,
    limit: i64,
    lease_ms: i64,
    now_us: i64,
) -> Result<Vec<Leased>, StoreError> {
    let time = tx.lease_clock()?;
    let mut leased: Vec<Leased> = Vec::new();
    let until_ms = time.now_ms + lease_ms;
    tx.each(&LEASE, params![run, step, owner, time.clock.as_str(), until_ms, now_us, limit], &mut |row| {
        leased.push(Leased {
            key: row.get(0)?,
            ordinal: row.get(1)?,
            step: row.get(2)?,
            asset: row.get(3)?,
            generation: row.get(4)?,
            crashes: row.get(5)?,
        });
        Ok(())
    })?;
    leased.sort_by_key(|unit| unit.key);
    let mut delta = Coverage::new(run);
    delta.moved(step, UnitState::Pending, UnitState::Leased, i64::try_from(leased.len()).unwrap_or(0));
    delta.write(tx)?;
    Ok(leased)
}

// Uses the index units_leased.
const RENEW: Sql = Sql::same(
    "unit_renew",
    "update units set lease_clock = $3, lease_until_ms = $4 where run = $1 and state = 1 and lease_owner = $2",
);

/// Renews every lease of `owner` in a run.
///
/// # Errors
/// When the database cannot be written.
pub fn renew(tx: &mut Tx<'_>, run: i64, owner: u128, lease_ms: i64) -> Result<u64, StoreError> {
    let time = tx.lease_clock()?;
    tx.execute(&RENEW, params![run, owner, time.clock.as_str(), time.now_ms + lease_ms])
}

// Both use the index units_leased.
const REQUEUE_EXPIRED: Sql = Sql::same(
    "unit_requeue_expired",
    "update units set state = 0, lease_owner = null, lease_clock = null, lease_until_ms = null \
     where run = $1 and state = 1 and (lease_clock <> $2 or lease_until_ms <= $3) returning step",
);
const REQUEUE_OWNER: Sql = Sql::same(
    "unit_requeue_owner",
    "update units set state = 0, lease_owner = null, lease_clock = null, lease_until_ms = null \
     where run = $1 and state = 1 and lease_owner = $2 returning step",
);

/// Gives units whose lease ran out back to everyone. No attempt is charged.
///
/// # Errors
/// When the database cannot be written.
pub fn requeue_expired(tx: &mut Tx<'_>, run: i64) -> Result<u64, StoreError> {
    let time = tx.lease_clock()?;
    let steps = tx.all::<(u32,)>(&REQUEUE_EXPIRED, params![run, time.clock.as_str(), time.now_ms])?;
    moved_each(tx, run, &steps, UnitState::Leased, UnitState::Pending)
}

/// Gives the units of a host that is known to be dead, or that stops, back to everyone. No attempt is charged.
///
/// # Errors
/// When the database cannot be written.
pub fn requeue_owner(tx: &mut Tx<'_>, run: i64, owner: u128) -> Result<u64, StoreError> {
    let steps = tx.all::<(u32,)>(&REQUEUE_OWNER, params![run, owner])?;
    moved_each(tx, run, &steps, UnitState::Leased, UnitState::Pending)
}

fn moved_each(tx: &mut Tx<'_>, run: i64, steps: &[(u32,)], from: UnitState, to: UnitState) -> Result<u64, StoreError> {
    let mut delta = Coverage::new(run);
    for (step,) in steps {
        delta.moved(*step, from, to, 1);
    }
    delta.write(tx)?;
    Ok(steps.len() as u64)
}

// Ending -----------------------------------------------------------------------------------------------------------

/// What became of a leased unit.
#[derive(Debug, Clone)]
pub struct Ending {
    /// Key of the unit.
    pub key: i64,
    /// Index of its step.
    pub step: u32,
    /// The generation of the lease under which it was done.
    pub generation: i64,
    /// Where it stands now; `Pending` gives it back.
    pub state: UnitState,
    /// Attempts to charge: 1 when the work ended or crashed, 0 when it was given back.
    pub attempts: i64,
    /// Crashes since it was last queued by a person.
    pub crashes: i64,
    /// Whether a failure may go away by itself.
    pub retryable: bool,
    /// Artifacts that it made.
    pub artifacts: i64,
    /// Why it failed, was skipped or blocked.
    pub reason: Option<String>,
    /// The same for people.
    pub detail: Option<String>,
    /// What the work depends on; `None` for work that must not be reused.
    pub work_key: Option<Digest>,
    /// The unit that did the work, when it was reused.
    pub reused_unit: Option<i64>,
    /// Now, microseconds UTC.
    pub ended_us: i64,
    /// How it was made, JSON.
    pub made: Option<String>,
}

const END: Sql = Sql::pair(
    "unit_end",
    "update units set state = $3, attempts = attempts + $4, crashes = $5, retryable = $6, artifacts = $7, reason = $8, detail = $9, \
     work_key = $10, reused_unit = $11, ended_us = $12, made = $13, lease_owner = null, lease_clock = null, lease_until_ms = null \
     where unit = $1 and generation = $2 and state = 1 returning step, state",
    "update units set state = given.state, attempts = units.attempts + given.attempts, crashes = given.crashes, \
     retryable = given.retryable, artifacts = given.artifacts, reason = given.reason, detail = given.detail, \
     work_key = given.work_key, reused_unit = given.reused_unit, ended_us = given.ended_us, made = given.made, \
     lease_owner = null, lease_clock = null, lease_until_ms = null \
     from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[], \
     $9::text[], $10::bytea[], $11::bigint[], $12::bigint[], $13::text[]) as given (unit, generation, state, attempts, crashes, \
     retryable, artifacts, reason, detail, work_key, reused_unit, ended_us, made) \
     where units.unit = given.unit and units.generation = given.generation and units.state = 1 returning units.step, units.state",
);

/// Ends leased units of a run. Returns how many still held their lease: only those are changed, and only those change the coverage. The
/// caller refuses the whole group when that is fewer than it asked for, and tries them one by one.
///
/// # Errors
/// When a state is no end of a lease, or the database cannot be written.
pub fn end(tx: &mut Tx<'_>, run: i64, endings: &[Ending]) -> Result<u64, StoreError> {
    if let Some(ending) = endings.iter().find(|ending| !UnitState::Leased.may_become(ending.state)) {
        return Err(StoreError::Refused(format!("a unit that is leased cannot become {}", ending.state)));
    }
    let rows: Vec<Vec<Value>> = endings
        .iter()
        .map(|ending| {
            values![
                ending.key,
                ending.generation,
                ending.state.code(),
                ending.attempts,
                ending.crashes,
                ending.retryable,
                ending.artifacts,
                ending.reason.as_deref(),
                ending.detail.as_deref(),
                ending.work_key,
                ending.reused_unit,
                ending.ended_us,
                ending.made.as_deref(),
            ]
        })
        .collect();
    let ended = tx.returning_many::<(u32, i64)>(&END, &rows)?;
    let mut delta = Coverage::new(run);
    for (step, state) in &ended {
        let state =
            UnitState::from_code(*state).ok_or_else(|| StoreError::Unexpected(format!("unit state {state}")))?;
        delta.moved(*step, UnitState::Leased, state, 1);
    }
    delta.write(tx)?;
    Ok(ended.len() as u64)
}

const CANCEL_PENDING: Sql = Sql::same(
    "unit_cancel_pending",
    "update units set state = 8, ended_us = $2 where run = $1 and state = 0 returning step",
);
// The units of a run lie together, so they are found by their keys.
const REVIVE: Sql = Sql::same(
    "unit_revive",
    "update units set state = 0, crashes = 0, reason = null, detail = null \
     where unit >= (select first_unit from runs where run = $1) \
     and unit < (select first_unit + members * steps from runs where run = $1) and run = $1 and state = $2 returning step",
);

/// Cancels every unit that waits.
///
/// # Errors
/// When the database cannot be written.
pub fn cancel_pending(tx: &mut Tx<'_>, run: i64, now_us: i64) -> Result<u64, StoreError> {
    let steps = tx.all::<(u32,)>(&CANCEL_PENDING, params![run, now_us])?;
    moved_each(tx, run, &steps, UnitState::Pending, UnitState::Cancelled)
}

/// Queues units of one ended state again: cancelled ones at a resume, failed ones at a retry.
///
/// # Errors
/// When the step is not legal, or the database cannot be written.
pub fn revive(tx: &mut Tx<'_>, run: i64, from: UnitState) -> Result<u64, StoreError> {
    check_revival(from)?;
    let steps = tx.all::<(u32,)>(&REVIVE, params![run, from.code()])?;
    moved_each(tx, run, &steps, from, UnitState::Pending)
}

const BLOCK_PENDING: Sql = Sql::same(
    "unit_block_pending",
    "update units set state = 6, reason = $2, detail = $3, ended_us = $4 where run = $1 and state = 0 returning step",
);
const UNBLOCK: Sql = Sql::same(
    "unit_unblock",
    "update units set state = 0, reason = null, detail = null \
     where unit >= (select first_unit from runs where run = $1) \
     and unit < (select first_unit + members * steps from runs where run = $1) and run = $1 and state = 6 and reason = $2 returning step",
);

/// Blocks every unit that waits. Returns how many.
///
/// # Errors
/// When the database cannot be written.
pub fn block_pending(tx: &mut Tx<'_>, run: i64, reason: &str, detail: &str, now_us: i64) -> Result<u64, StoreError> {
    let steps = tx.all::<(u32,)>(&BLOCK_PENDING, params![run, reason, detail, now_us])?;
    moved_each(tx, run, &steps, UnitState::Pending, UnitState::Blocked)
}

/// Queues the units again that are blocked for that reason. Returns how many.
///
/// # Errors
/// When the database cannot be written.
pub fn unblock(tx: &mut Tx<'_>, run: i64, reason: &str) -> Result<u64, StoreError> {
    let steps = tx.all::<(u32,)>(&UNBLOCK, params![run, reason])?;
    moved_each(tx, run, &steps, UnitState::Blocked, UnitState::Pending)
}

const REVIVE_ONE: Sql = Sql::same(
    "unit_revive_one",
    "update units set state = 0, crashes = 0, reason = null, detail = null where run = $1 and unit = $2 and state = $3 returning step",
);

/// Queues one unit again, when it is in the state `from`. Returns 1 or 0.
///
/// # Errors
/// When the step is not legal, or the database cannot be written.
pub fn revive_one(tx: &mut Tx<'_>, run: i64, unit: i64, from: UnitState) -> Result<u64, StoreError> {
    check_revival(from)?;
    let steps = tx.all::<(u32,)>(&REVIVE_ONE, params![run, unit, from.code()])?;
    moved_each(tx, run, &steps, from, UnitState::Pending)
}

const REVIVE_SOME: Sql = Sql::same(
    "unit_revive_some",
    "update units set state = 0, crashes = 0, reason = null, detail = null \
     where unit >= (select first_unit from runs where run = $1) \
     and unit < (select first_unit + members * steps from runs where run = $1) and run = $1 and state = $2 \
     and (cast($3 as bigint) is null or step = $3) and (cast($4 as text) is null or reason = $4) returning step",
);

/// Queues the units again that are as wanted. Returns how many.
///
/// # Errors
/// When the step is not legal, or the database cannot be written.
pub fn revive_some(tx: &mut Tx<'_>, run: i64, wanted: &Wanted) -> Result<u64, StoreError> {
    check_revival(wanted.state)?;
    let asked = params![run, wanted.state.code(), wanted.step, wanted.reason.clone()];
    let steps = tx.all::<(u32,)>(&REVIVE_SOME, asked)?;
    moved_each(tx, run, &steps, wanted.state, UnitState::Pending)
}

/// A lease goes back by its end or when it ran out, never because someone wants the work done again.
fn check_revival(from: UnitState) -> Result<(), StoreError> {
    if from.is_ended() && from.may_become(UnitState::Pending) {
        return Ok(());
    }
    Err(StoreError::Refused(format!("a unit that is {from} cannot be queued again")))
}

// Queries ----------------------------------------------------------------------------------------------------------

/// The unit with that key.
///
/// # Errors
/// When the database cannot be read.
pub fn by_key(read: &Read<'_>, key: i64) -> Result<Option<Unit>, StoreError> {
    read.one(&select("unit_by_key", "where unit = $1"), params![key])
}

/// Units of a run in one state, in order, after the unit with key `after`.
///
/// # Errors
/// When the database cannot be read.
pub fn in_state(read: &Read<'_>, run: &Run, state: UnitState, after: i64, limit: i64) -> Result<Vec<Unit>, StoreError> {
    let end = run.first_unit + run.members * run.steps;
    let rest = "where unit >= $1 and unit < $2 and unit > $3 and state = $4 order by unit limit $5";
    read.all(&select("unit_in_state", rest), params![run.first_unit, end, after, state.code(), limit])
}

/// All units about an asset, in every run. Uses the index units_asset.
///
/// # Errors
/// When the database cannot be read.
pub fn of_asset(read: &Read<'_>, asset: i64, limit: i64) -> Result<Vec<Unit>, StoreError> {
    read.all(&select("unit_of_asset", "where asset = $1 order by unit limit $2"), params![asset, limit])
}

/// Which units of a run are listed.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Their state.
    pub state: UnitState,
    /// The index of their step.
    pub step: Option<i64>,
    /// Why they failed, are blocked or were skipped.
    pub reason: Option<String>,
}

/// Units of a run, in order, after the one with the key `after`.
///
/// # Errors
/// When the database cannot be read.
pub fn listed(read: &Read<'_>, run: &Run, wanted: &Wanted, after: i64, limit: i64) -> Result<Vec<Unit>, StoreError> {
    let mut rest = "where unit >= $1 and unit < $2 and unit > $3 and state = $4".to_owned();
    let mut params = values![run.first_unit, run.units_end(), after, wanted.state.code(), limit];
    if let Some(step) = wanted.step {
        params.push(step.into());
        rest.push_str(&format!(" and step = ${}", params.len()));
    }
    if let Some(reason) = &wanted.reason {
        params.push(reason.as_str().into());
        rest.push_str(&format!(" and reason = ${}", params.len()));
    }
    rest.push_str(" order by unit limit $5");
    // A statement is known by its name.
    let name = match (wanted.step, &wanted.reason) {
        (None, None) => "unit_listed",
        (Some(_), None) => "unit_listed_of_step",
        (None, Some(_)) => "unit_listed_with_reason",
        (Some(_), Some(_)) => "unit_listed_of_step_with_reason",
    };
    read.all(&select(name, &rest), &params)
}

const MAKERS: Sql = Sql::same(
    "unit_makers",
    "select asset, coalesce(reused_unit, unit) from units where unit >= $1 and unit < $2 and state in (2, 4) order by unit",
);

/// Units with results, from the key `first` to before `end`: the asset, and the unit that made the results.
///
/// # Errors
/// When the database cannot be read.
pub fn makers(read: &Read<'_>, first: i64, end: i64) -> Result<Vec<(i64, i64)>, StoreError> {
    read.all(&MAKERS, params![first, end])
}

const COUNT: Sql = Sql::same(
    "unit_count",
    "select step, state, count(*) from units where unit >= $1 and unit < $2 group by step, state order by step, state",
);

/// Counts the units of a run one by one; what the coverage must be equal to.
///
/// # Errors
/// When the database cannot be read.
pub fn count(read: &Read<'_>, run: &Run) -> Result<Vec<(u32, i64, i64)>, StoreError> {
    read.all(&COUNT, params![run.first_unit, run.first_unit + run.members * run.steps])
}

const REASONS: Sql = Sql::same(
    "unit_reasons",
    "select step, state, coalesce(reason, ''), count(*), min(unit) from units where unit >= $1 and unit < $2 and state in (5, 6, 7) \
     group by step, state, reason order by step, state, count(*) desc, coalesce(reason, '')",
);

/// One reason why units of a run failed, are blocked or were skipped.
#[derive(Debug, Clone)]
pub struct ReasonCount {
    /// Index of the step.
    pub step: u32,
    /// Failed, blocked or skipped.
    pub state: UnitState,
    /// The word.
    pub reason: String,
    /// How many.
    pub count: i64,
    /// Key of the first of them.
    pub example: i64,
}

/// Failures, blocks and skips by reason.
///
/// # Errors
/// When the database cannot be read.
pub fn reasons(read: &Read<'_>, run: &Run) -> Result<Vec<ReasonCount>, StoreError> {
    let rows: Vec<(u32, i64, String, i64, i64)> =
        read.all(&REASONS, params![run.first_unit, run.first_unit + run.members * run.steps])?;
    rows.into_iter()
        .map(|(step, state, reason, count, example)| {
            let state =
                UnitState::from_code(state).ok_or_else(|| StoreError::Unexpected(format!("unit state {state}")))?;
            Ok(ReasonCount { step, state, reason, count, example })
        })
        .collect()
}

// Uses the index units_work.
const FIND_WORK: Sql = Sql::pair(
    "unit_find_work",
    "select work_key, min(unit) from units join runs on runs.run = units.run where work_key in (select unhex(value) from json_each($1)) \
     and units.state in (2, 3) and runs.shown = 1 group by work_key",
    "select work_key, min(unit) from units join runs on runs.run = units.run where work_key = any($1::bytea[]) and work_key is not null \
     and units.state in (2, 3) and runs.shown = 1 group by work_key",
);

/// Units that did the same work before, by work key. What stands in a sandbox is never leant on: it may go.
///
/// # Errors
/// When the database cannot be read.
pub fn find_work(read: &Read<'_>, keys: &[Digest]) -> Result<BTreeMap<Digest, i64>, StoreError> {
    let list = Value::List(keys.iter().map(|key| Value::from(*key)).collect());
    Ok(read.all::<(Digest, i64)>(&FIND_WORK, &[list])?.into_iter().collect())
}
