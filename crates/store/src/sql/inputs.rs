//! Statements on what a step over a collection reads: the members of a run and their newest facts of some kinds.

use exhibit_model::digest::Digest;

use crate::error::StoreError;
use crate::params;
use crate::session::Read;
use crate::value::{Sql, Value};

const MEMBERS: Sql = Sql::same(
    "input_members",
    "select run_members.asset, assets.sha256, \
     (select count(*) from paths where paths.asset = assets.asset and paths.state = 0) \
     from run_members join assets on assets.asset = run_members.asset \
     where run_members.run = $1 and run_members.ordinal >= $2 order by run_members.ordinal limit $3",
);

/// Members of a run from an ordinal on: key and SHA-256 of the asset, present paths.
///
/// # Errors
/// When the database cannot be read.
pub fn members(read: &Read<'_>, run: i64, from: i64, limit: i64) -> Result<Vec<(i64, Digest, u64)>, StoreError> {
    read.all(&MEMBERS, params![run, from, limit])
}

/// One fact about a member.
#[derive(Debug, Clone)]
pub struct InputFact {
    /// Key of the asset.
    pub asset: i64,
    /// Key of the kind.
    pub kind: i64,
    /// The unit that made it.
    pub unit: i64,
    /// Its content hash.
    pub content_hash: Digest,
    /// The canonical payload.
    pub body: Vec<u8>,
}

// Uses the indexes units_asset and records_unit.
const FACTS_SQLITE: &str = "select units.asset, records.kind, records.unit, records.commitment, records.body from units \
     join runs on runs.run = units.run join records on records.unit = coalesce(units.reused_unit, units.unit) \
     where units.asset in (select value from json_each($2)) and units.state in (2, 4) and (runs.shown = 1 or units.run = $1) \
     and records.kind in (select value from json_each($3)) and records.asset = units.asset and records.admission = 0 \
     and records.body is not null \
     order by units.asset, records.kind, case when units.run = $1 then 0 else 1 end, records.unit desc, records.ordinal";
const FACTS_POSTGRES: &str = "select units.asset, records.kind, records.unit, records.commitment, records.body from units \
     join runs on runs.run = units.run join records on records.unit = coalesce(units.reused_unit, units.unit) \
     where units.asset = any($2::bigint[]) and units.state in (2, 4) and (runs.shown = 1 or units.run = $1) \
     and records.kind = any($3::bigint[]) and records.asset = units.asset and records.admission = 0 \
     and records.body is not null \
     order by units.asset, records.kind, case when units.run = $1 then 0 else 1 end, records.unit desc, records.ordinal";
const FACTS: Sql = Sql::pair("input_facts", FACTS_SQLITE, FACTS_POSTGRES);

/// The facts of some kinds about some assets that count for a run, sorted by asset and kind: of each asset and kind those of one unit, that of
/// the run itself if it has one, else the newest that counts.
///
/// # Errors
/// When the database cannot be read.
pub fn facts(read: &Read<'_>, run: i64, assets: &[i64], kinds: &[i64]) -> Result<Vec<InputFact>, StoreError> {
    let list = |keys: &[i64]| Value::List(keys.iter().map(|key| Value::Int(*key)).collect());
    let mut found: Vec<InputFact> = Vec::new();
    let mut chosen: Option<(i64, i64, i64)> = None;
    read.each(&FACTS, &[Value::Int(run), list(assets), list(kinds)], &mut |row| {
        let (asset, kind, unit): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        match chosen {
            Some((of_asset, of_kind, by)) if (of_asset, of_kind) == (asset, kind) && by != unit => return Ok(()),
            _ => chosen = Some((asset, kind, unit)),
        }
        let (content_hash, body) = (row.get(3)?, row.get(4)?);
        // The same unit can be reached twice: as itself, and through a unit that reused it.
        let again = found.iter().rev().take_while(|fact| (fact.asset, fact.kind) == (asset, kind));
        if again.clone().all(|fact| fact.content_hash != content_hash) {
            found.push(InputFact { asset, kind, unit, content_hash, body });
        }
        Ok(())
    })?;
    Ok(found)
}
