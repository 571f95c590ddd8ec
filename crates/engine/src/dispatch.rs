//! `next_units`: the one place where work is handed out, and where a message bus will go. The database is the truth.

use exhibit_model::ids::AssetId;
use exhibit_model::states::UnitState;
use exhibit_store::sql::assets::{self, FileStat};
use exhibit_store::sql::runs;
use exhibit_store::sql::units::{self, Leased};
use exhibit_store::{Read, Store, StoreError};

/// Units of one lease. More would make a host that dies hold up more work; fewer would cost a transaction for fewer units.
pub const CHUNK_MAX: i64 = 64;

/// A leased unit with everything that is needed to do it.
#[derive(Debug, Clone)]
pub struct Work {
    /// The lease.
    pub unit: Leased,
    /// The asset.
    pub asset: AssetId,
    /// Found from its first bytes.
    pub media_type: String,
    /// Where it is; `None` when no path of it is present any more.
    pub place: Option<Place>,
}

/// Where an original is, and what the catalog says about it.
#[derive(Debug, Clone)]
pub struct Place {
    /// Key of the source.
    pub source: i64,
    /// Raw bytes below the root.
    pub path: Vec<u8>,
    /// What the file system said when its bytes were hashed.
    pub stat: FileStat,
}

/// What a host asks for.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Key of the run.
    pub run: i64,
    /// The step it has a process for.
    pub step: Option<u32>,
    /// Steps over the whole collection, which wait for all others.
    pub aggregates: Vec<u32>,
    /// Whether every unit is planned.
    pub planned: bool,
    /// Who asks.
    pub owner: u128,
    /// How many units it wants for a step.
    pub limit: i64,
    /// Hosts and workers that share what is left, so that the last units are spread.
    pub sharers: i64,
    /// How long the lease lasts.
    pub lease_ms: i64,
    /// Now, microseconds UTC.
    pub now_us: i64,
}

/// Leases the next units of one step: of the step that the host has a process for while there are any, else of the step with most.
/// An empty answer means that nothing waits now; units that others hold may come back.
///
/// # Errors
/// When the database cannot be written.
pub async fn next_units(store: &Store, ask: Ask) -> Result<Vec<Work>, StoreError> {
    let run = ask.run;
    let (mut ready, coverage) =
        store.read(move |read| Ok((units::ready(read, run)?, runs::coverage(read, run)?))).await?;
    ready.retain(|(step, _)| !ask.aggregates.contains(step) || is_due(&ask, &coverage, *step));
    let same = ready.iter().find(|(step, _)| Some(*step) == ask.step);
    let Some((step, count)) = same.or_else(|| ready.iter().max_by_key(|(_, count)| *count)).copied() else {
        return Ok(Vec::new());
    };
    let fair = (count + ask.sharers - 1) / ask.sharers.max(1);
    let limit = ask.limit.min(fair).clamp(1, CHUNK_MAX);
    store
        .write(move |tx| {
            let leased = units::lease(tx, ask.run, step, ask.owner, limit, ask.lease_ms, ask.now_us)?;
            work_of(tx, leased)
        })
        .await
}

/// A step over the collection is due when every unit of the steps that it may read from has ended: of those over assets, and of those
/// over the collection before it.
fn is_due(ask: &Ask, coverage: &[(u32, UnitState, i64)], step: u32) -> bool {
    let reads_from = |other: u32| other < step || !ask.aggregates.contains(&other);
    let open = |(other, state, count): &(u32, UnitState, i64)| {
        *other != step && reads_from(*other) && !state.is_ended() && *count > 0
    };
    ask.planned && !coverage.iter().any(open)
}

/// What is needed to do some units.
///
/// # Errors
/// When the database cannot be read.
pub(crate) fn work_of(read: &Read<'_>, leased: Vec<Leased>) -> Result<Vec<Work>, StoreError> {
    let keys: Vec<i64> = leased.iter().map(|unit| unit.asset).collect();
    let paths = assets::present_paths(read, &keys)?;
    let known = assets::by_keys(read, &keys)?;
    let mut work = Vec::with_capacity(leased.len());
    for unit in leased {
        let asset = known.binary_search_by_key(&unit.asset, |asset| asset.key);
        let asset = asset.map_err(|_| StoreError::Unexpected(format!("unit {} has no asset", unit.key)))?;
        let asset = &known[asset];
        let place = paths.binary_search_by_key(&unit.asset, |path| path.asset).ok().map(|index| Place {
            source: paths[index].source,
            path: paths[index].path.clone(),
            stat: paths[index].stat,
        });
        work.push(Work { unit, asset: AssetId(asset.sha256), media_type: asset.media_type.clone(), place });
    }
    Ok(work)
}
