//! A ledger of a million records, for `make soak`: whether appending slows down as it grows, and whether all of it verifies.

use std::sync::Arc;
use std::time::Duration;

use exhibit_model::ids::RunId;
use exhibit_store::ledger::verify::verify_ledger;
use exhibit_store::{Draft, Location, Store, Synchronous};
use exhibit_testkit::postgres::TestPostgres;
use serde_json::json;

use crate::append::{BATCH, open, runtime, through_the_gate};
use crate::report::{Line, Ratio};
use crate::scale::Scale;

/// Batches of one part, which are made before its time runs.
const BATCHES: i64 = 50;

/// Parts, of which some at the beginning are held against as many at the end.
const PARTS: i64 = 20;
const COMPARED: usize = 3;

/// What is left of the speed when the ledger is full.
const KEPT_MIN: f64 = 0.5;

/// Both databases.
pub fn measure(scale: Scale) -> Result<Vec<Line>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let path = folder.path().join("store.sqlite");
    let sqlite = Location::Sqlite { path, synchronous: Synchronous::Full };
    let postgres = Location::Postgres { address: TestPostgres::shared().database() };
    let mut lines = Vec::new();
    for (name, location) in [("SQLite", sqlite), ("PostgreSQL", postgres)] {
        lines.push(fill(name, &open(location, &folder.path().join(name))?, scale)?);
    }
    Ok(lines)
}

/// Records that stand alone: an artifact would need its asset, its run and its unit to verify.
fn drafts(batch: i64) -> Vec<Draft> {
    let draft = |number: i64| Draft {
        kind: "run.promotion".to_owned(),
        schema_version: 1,
        asset: None,
        span_ms: None,
        payload: json!({ "run_id": RunId(number.unsigned_abs().into()), "pipeline": "soak", "pipeline_version": "1" }),
        blob: None,
        made: None,
        record_id: Some(format!("soak.{number}")),
        content_hash: None,
    };
    (batch * BATCH..(batch + 1) * BATCH).map(draft).collect()
}

fn fill(name: &str, store: &Store, scale: Scale) -> Result<Line, String> {
    let runtime = runtime()?;
    let batches = scale.of(BATCHES, 1);
    let mut times = Vec::new();
    for part in 0..PARTS {
        let batches = (part * batches..(part + 1) * batches).map(drafts).collect();
        times.push(through_the_gate(&runtime, store, batches)?);
    }
    let records = BATCH * batches * PARTS;
    let kinds = Arc::clone(store.kinds());
    let begun = std::time::Instant::now();
    let verify = store.read(move |read| verify_ledger(read, &kinds, &mut |_, _| Ok(())));
    let report = runtime.block_on(verify).map_err(|error| error.to_string())?;
    if report.problem_count > 0 || report.records != records.unsigned_abs() {
        let first = report.problems.first().map_or("nothing", |problem| problem.message.as_str());
        return Err(format!("{name}: {} of {records} records verify; {first}", report.records));
    }
    let rate = |times: &[Duration]| {
        (BATCH * batches) as f64 * times.len() as f64 / times.iter().map(Duration::as_secs_f64).sum::<f64>()
    };
    let (first, last) = (rate(&times[..COMPARED]), rate(&times[times.len() - COMPARED..]));
    Ok(Line {
        work: format!("{records} records, {name}: appending at the end"),
        ours: format!("{last:.0} rows/s; all verified in {:.0} s", begun.elapsed().as_secs_f64()),
        peer: format!("{first:.0} rows/s at the beginning"),
        ratio: Ratio::at_least(last / first, KEPT_MIN),
    })
}
