//! Runs: what was asked for, the frozen members, who owns the run, and coverage.

use exhibit_model::ids::{CollectionId, RunId};
use exhibit_model::states::{RunState, UnitState, Wish};

use crate::error::StoreError;
use crate::filter;
use crate::kinds::Kinds;
use crate::session::{Read, Tx};
use crate::value::{FromRow, Row, Sql, Value};
use crate::{params, values};

/// One execution of a pipeline.
#[derive(Debug, Clone)]
pub struct Run {
    /// Key in the database.
    pub key: i64,
    /// Its id.
    pub id: RunId,
    /// Name of the pipeline.
    pub pipeline: String,
    /// Version of the pipeline.
    pub pipeline_version: String,
    /// The frozen definition: RFC 8785 JSON of the steps with all their parameters.
    pub definition: Vec<u8>,
    /// `sandbox` or `production`.
    pub policy: String,
    /// The collection whose members were frozen.
    pub collection: CollectionId,
    /// Where it stands.
    pub state: RunState,
    /// What a person wants of it.
    pub wish: Wish,
    /// Crashes after which a unit is given up.
    pub attempts_max: i64,
    /// Never reuse earlier work.
    pub recompute: bool,
    /// Why it failed, when it did.
    pub reason: Option<String>,
    /// Times in microseconds UTC.
    pub created_us: i64,
    /// First start.
    pub started_us: Option<i64>,
    /// Last end.
    pub ended_us: Option<i64>,
    /// Frozen members.
    pub members: i64,
    /// Members whose units exist.
    pub members_planned: i64,
    /// Steps of the pipeline.
    pub steps: i64,
    /// Key of the unit with ordinal 0.
    pub first_unit: i64,
    /// Who may plan, re-queue and finish it.
    pub owner: Option<u128>,
    /// The home from which the owner works.
    pub owner_home: Option<String>,
    /// Name of the clock of the owner's lease.
    pub owner_clock: Option<String>,
    /// When the owner's lease runs out, on that clock.
    pub owner_until_ms: Option<i64>,
    /// Whether it answers production questions: a production run, or a sandbox run that was promoted.
    pub shown: bool,
    /// When a sandbox run that nobody promotes may go.
    pub expires_us: Option<i64>,
    /// When its payloads went.
    pub expired_us: Option<i64>,
    /// Whether it was handed to the server, which works it off.
    pub served: bool,
}

impl Run {
    /// One past the key of its last unit.
    pub fn units_end(&self) -> i64 {
        self.first_unit + self.members * self.steps
    }
}

impl FromRow for Run {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let (state, wish): (i64, i64) = (row.get(7)?, row.get(8)?);
        Ok(Self {
            key: row.get(0)?,
            id: RunId(row.get(1)?),
            pipeline: row.get(2)?,
            pipeline_version: row.get(3)?,
            definition: row.get(4)?,
            policy: row.get(5)?,
            collection: CollectionId(row.get(6)?),
            state: RunState::from_code(state).ok_or_else(|| StoreError::Unexpected(format!("run state {state}")))?,
            wish: Wish::from_code(wish).ok_or_else(|| StoreError::Unexpected(format!("wish {wish}")))?,
            attempts_max: row.get(9)?,
            recompute: row.get(10)?,
            reason: row.get(11)?,
            created_us: row.get(12)?,
            started_us: row.get(13)?,
            ended_us: row.get(14)?,
            members: row.get(15)?,
            members_planned: row.get(16)?,
            steps: row.get(17)?,
            first_unit: row.get(18)?,
            owner: row.get(19)?,
            owner_home: row.get(20)?,
            owner_clock: row.get(21)?,
            owner_until_ms: row.get(22)?,
            shown: row.get(23)?,
            expires_us: row.get(24)?,
            expired_us: row.get(25)?,
            served: row.get(26)?,
        })
    }
}

const COLUMNS: &str = "select run, run_id, pipeline, pipeline_version, definition, policy, collection, state, wish, \
     attempts_max, recompute, reason, created_us, started_us, ended_us, members, members_planned, steps, first_unit, owner, \
     owner_home, owner_clock, owner_until_ms, shown, expires_us, expired_us, served from runs";

fn select(name: &'static str, rest: &str) -> Sql {
    let text = format!("{COLUMNS} {rest}");
    Sql { name, sqlite: text.clone().into(), postgres: text.into() }
}

/// What a new run is made of.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// Its id.
    pub id: RunId,
    /// Name of the pipeline.
    pub pipeline: String,
    /// Version of the pipeline.
    pub pipeline_version: String,
    /// The frozen definition.
    pub definition: Vec<u8>,
    /// `sandbox` or `production`.
    pub policy: String,
    /// When it may go, microseconds UTC, for a sandbox run.
    pub expires_us: Option<i64>,
    /// The collection to freeze.
    pub collection: CollectionId,
    /// Crashes after which a unit is given up.
    pub attempts_max: i64,
    /// Never reuse earlier work.
    pub recompute: bool,
    /// Steps of the pipeline.
    pub steps: i64,
    /// Now, microseconds UTC.
    pub now_us: i64,
}

const NEXT: Sql =
    Sql::same("run_next", "select coalesce(max(run), 0) + 1, coalesce(max(first_unit + members * steps), 1) from runs");
const INSERT: Sql = Sql::same(
    "run_insert",
    "insert into runs (run, run_id, pipeline, pipeline_version, definition, policy, collection, state, wish, \
     attempts_max, recompute, created_us, members, members_planned, steps, first_unit, shown, expires_us) \
     values ($1, $2, $3, $4, $5, $6, $7, 0, 0, $8, $9, $10, 0, 0, $11, $12, $13, $14)",
);
const ADD_MEMBERS: Sql = Sql::pair(
    "run_add_members",
    "insert into run_members (run, ordinal, asset) values ($1, $2, $3)",
    "insert into run_members (run, ordinal, asset) select * from unnest($1::bigint[], $2::bigint[], $3::bigint[])",
);
// The collection `all`: every asset with a present path, in the order in which the assets were first seen.
const FREEZE_ALL: Sql = Sql::same(
    "run_freeze_all",
    "insert into run_members (run, ordinal, asset) \
     select $1, row_number() over (order by asset) - 1, asset from assets \
     where exists (select 1 from paths where paths.asset = assets.asset and paths.state = 0)",
);
const SET_MEMBERS: Sql = Sql::same("run_set_members", "update runs set members = $2 where run = $1");

/// Rows of one statement that freezes members.
const FREEZE_ROWS: usize = 10_000;

/// Makes a run and freezes the members of its collection that have a present path, in the order in which the assets were first seen.
/// Whatever becomes of the collection or the catalog later, the run keeps them. Returns its key.
///
/// # Errors
/// When there is no such collection, its filter names what is not there, or the database cannot be written.
pub fn create(tx: &mut Tx<'_>, kinds: &Kinds, new: &NewRun) -> Result<i64, StoreError> {
    let (key, first_unit): (i64, i64) = tx.one(&NEXT, &[])?.unwrap_or((1, 1));
    tx.execute(
        &INSERT,
        params![
            key,
            new.id.0,
            new.pipeline.as_str(),
            new.pipeline_version.as_str(),
            new.definition.as_slice(),
            new.policy.as_str(),
            new.collection.0,
            new.attempts_max,
            new.recompute,
            new.now_us,
            new.steps,
            first_unit,
            new.expires_us.is_none(),
            new.expires_us
        ],
    )?;
    let members = freeze(tx, kinds, key, new.collection)?;
    tx.execute(&SET_MEMBERS, params![key, members])?;
    Ok(key)
}

/// Writes the members of a run. Returns how many there are.
fn freeze(tx: &mut Tx<'_>, kinds: &Kinds, run: i64, collection: CollectionId) -> Result<i64, StoreError> {
    if collection == CollectionId::ALL {
        return Ok(i64::try_from(tx.execute(&FREEZE_ALL, params![run])?).unwrap_or(i64::MAX));
    }
    let bound = filter::bind_collection(tx, kinds, collection).map_err(filter::BindError::refused)?;
    let members = bound.every(tx)?;
    let mut ordinal = 0_i64;
    for part in members.chunks(FREEZE_ROWS) {
        let rows: Vec<Vec<Value>> =
            (ordinal..).zip(part).map(|(ordinal, asset)| values![run, ordinal, *asset]).collect();
        tx.execute_many(&ADD_MEMBERS, &rows)?;
        ordinal += i64::try_from(part.len()).unwrap_or(0);
    }
    Ok(ordinal)
}

const SHOWN_DEFINITIONS: Sql =
    Sql::same("run_shown_definitions", "select run, definition from runs where shown = 1 order by run");

/// Key and frozen pipeline of each run that answers production questions.
///
/// # Errors
/// When the database cannot be read.
pub(crate) fn shown_definitions(read: &Read<'_>) -> Result<Vec<(i64, Vec<u8>)>, StoreError> {
    read.all(&SHOWN_DEFINITIONS, &[])
}

/// The run with that key.
///
/// # Errors
/// When the database cannot be read.
pub fn by_key(read: &Read<'_>, key: i64) -> Result<Option<Run>, StoreError> {
    read.one(&select("run_by_key", "where run = $1"), params![key])
}

/// The run with that id.
///
/// # Errors
/// When the database cannot be read.
pub fn by_id(read: &Read<'_>, id: RunId) -> Result<Option<Run>, StoreError> {
    read.one(&select("run_by_id", "where run_id = $1"), params![id.0])
}

/// Runs whose id lies between two, at most two of them: enough to tell a prefix that is not unique.
///
/// # Errors
/// When the database cannot be read.
pub fn between(read: &Read<'_>, low: RunId, high: RunId) -> Result<Vec<Run>, StoreError> {
    let rest = "where run_id >= $1 and run_id <= $2 order by run_id limit 2";
    read.all(&select("run_between", rest), params![low.0, high.0])
}

/// The newest runs, newest first, older than the run with key `before`.
///
/// # Errors
/// When the database cannot be read.
pub fn newest(read: &Read<'_>, before: i64, limit: i64) -> Result<Vec<Run>, StoreError> {
    read.all(&select("run_newest", "where run < $1 order by run desc limit $2"), params![before, limit])
}

const SET_STATE: Sql = Sql::same(
    "run_set_state",
    "update runs set state = $3, reason = $4, started_us = coalesce(started_us, $5), ended_us = $6 where run = $1 and state = $2",
);

/// Moves a run from one state to another. Returns false when it is not in `from` any more.
///
/// # Errors
/// When the step is not legal, or the database cannot be written.
pub fn set_state(
    tx: &mut Tx<'_>,
    run: i64,
    from: RunState,
    to: RunState,
    reason: Option<&str>,
    now_us: i64,
) -> Result<bool, StoreError> {
    if !from.may_become(to) {
        return Err(StoreError::Refused(format!("a run that is {from} cannot become {to}")));
    }
    let started_us = (to == RunState::Running).then_some(now_us);
    let ended_us = to.is_ended().then_some(now_us);
    Ok(tx.execute(&SET_STATE, params![run, from.code(), to.code(), reason, started_us, ended_us])? == 1)
}

const SET_SERVED: Sql = Sql::same("run_set_served", "update runs set served = $2, reason = $3 where run = $1");

/// Hands a run to the server, or takes it back with the reason why the server cannot work on it.
///
/// # Errors
/// When the database cannot be written.
pub fn set_served(tx: &mut Tx<'_>, run: i64, served: bool, reason: Option<&str>) -> Result<(), StoreError> {
    tx.execute(&SET_SERVED, params![run, served, reason]).map(|_| ())
}

/// Runs of the server that are not over and not paused: sandbox runs first, then in the order in which they were made.
///
/// # Errors
/// When the database cannot be read.
pub fn served(read: &Read<'_>, limit: i64) -> Result<Vec<Run>, StoreError> {
    // Uses the index runs_served.
    let rest = "where served = 1 and state in (0, 1, 2, 7) order by policy desc, run limit $1";
    read.all(&select("run_served", rest), params![limit])
}

/// Runs that are not over, newest first.
///
/// # Errors
/// When the database cannot be read.
pub fn open(read: &Read<'_>, limit: i64) -> Result<Vec<Run>, StoreError> {
    let rest = "where state in (0, 1, 2, 7, 8) order by run desc limit $1";
    read.all(&select("run_open", rest), params![limit])
}

const SET_WISH: Sql = Sql::same("run_set_wish", "update runs set wish = $2 where run = $1");

/// Notes what a person wants of a run.
///
/// # Errors
/// When the database cannot be written.
pub fn set_wish(tx: &mut Tx<'_>, run: i64, wish: Wish) -> Result<(), StoreError> {
    tx.execute(&SET_WISH, params![run, wish.code()]).map(|_| ())
}

const TAKE: Sql = Sql::same(
    "run_take",
    "update runs set owner = $2, owner_home = $3, owner_clock = $4, owner_until_ms = $5 where run = $1",
);
const RENEW: Sql =
    Sql::same("run_renew", "update runs set owner_clock = $3, owner_until_ms = $4 where run = $1 and owner = $2");
const RELEASE: Sql = Sql::same(
    "run_release",
    "update runs set owner = null, owner_home = null, owner_clock = null, owner_until_ms = null where run = $1 and owner = $2",
);

/// Takes the right to plan, re-queue and finish a run, when nobody holds it, the lease of its owner has run out, or the owner that `run`
/// names is dead (`owner_is_dead`). Who holds it is read again in this transaction. Returns the owner before, if there was one;
/// `Err(left_ms)` says for how long the present owner's lease still holds.
///
/// # Errors
/// When there is no such run, or the database cannot be written.
pub fn take_ownership(
    tx: &mut Tx<'_>,
    run: &Run,
    owner: u128,
    home: &str,
    owner_is_dead: bool,
    lease_ms: i64,
) -> Result<Result<Option<u128>, i64>, StoreError> {
    let time = tx.lease_clock()?;
    let now = by_key(tx, run.key)?.ok_or_else(|| StoreError::Refused(format!("there is no run {}", run.id)))?;
    if let (Some(holder), Some(clock), Some(until_ms)) = (now.owner, &now.owner_clock, now.owner_until_ms) {
        let expired = *clock != time.clock || until_ms <= time.now_ms;
        // Another owner may have taken the place of the dead one since the caller looked.
        let is_dead = owner_is_dead && run.owner == Some(holder);
        if holder != owner && !expired && !is_dead {
            return Ok(Err(until_ms - time.now_ms));
        }
    }
    tx.execute(&TAKE, params![run.key, owner, home, time.clock.as_str(), time.now_ms + lease_ms])?;
    Ok(Ok(now.owner))
}

/// Renews the right; false when someone else has taken it.
///
/// # Errors
/// When the database cannot be written.
pub fn renew_ownership(tx: &mut Tx<'_>, run: i64, owner: u128, lease_ms: i64) -> Result<bool, StoreError> {
    let time = tx.lease_clock()?;
    Ok(tx.execute(&RENEW, params![run, owner, time.clock.as_str(), time.now_ms + lease_ms])? == 1)
}

/// Gives the right back.
///
/// # Errors
/// When the database cannot be written.
pub fn release_ownership(tx: &mut Tx<'_>, run: i64, owner: u128) -> Result<(), StoreError> {
    tx.execute(&RELEASE, params![run, owner]).map(|_| ())
}

const COVERAGE: Sql = Sql::same(
    "run_coverage",
    "select step, state, count from coverage where run = $1 and count <> 0 order by step, state",
);

/// Units of a run by step and state.
///
/// # Errors
/// When the database cannot be read.
pub fn coverage(read: &Read<'_>, run: i64) -> Result<Vec<(u32, UnitState, i64)>, StoreError> {
    let rows: Vec<(u32, i64, i64)> = read.all(&COVERAGE, params![run])?;
    rows.into_iter()
        .map(|(step, state, count)| {
            let state =
                UnitState::from_code(state).ok_or_else(|| StoreError::Unexpected(format!("unit state {state}")))?;
            Ok((step, state, count))
        })
        .collect()
}
