//! Appending artifacts through the gate, against a raw loop of prepared statements into the same tables.

use std::sync::Arc;
use std::time::{Duration, Instant};

use exhibit_model::digest::Digest;
use exhibit_model::ids::{AssetId, RunId, UnitId};
use exhibit_model::lineage::{Lineage, LineageParts, ModelProfile};
use exhibit_model::time::{FixedClock, Timestamp};
use exhibit_store::{Append, Draft, Location, Made, Store, StoreOptions, Synchronous};
use exhibit_testkit::postgres::TestPostgres;
use serde_json::json;

use crate::measure::median_by;
use crate::report::{Line, Ratio};
use crate::scale::Scale;

/// Records of one batch, and records of one unit.
pub const BATCH: i64 = 1_000;
const PER_UNIT: i64 = 10;

/// Batches of one repetition: enough for a second of work.
const BATCHES: i64 = 40;

/// Repetitions, ours and the raw loop in turn.
const ROUNDS: usize = 3;

fn drafts(batch: i64) -> Result<Vec<Draft>, String> {
    let mut drafts = Vec::new();
    for unit in 0..BATCH / PER_UNIT {
        let key = batch * (BATCH / PER_UNIT) + unit + 1;
        let asset = Digest::of(&key.to_be_bytes());
        let lineage = Lineage::new(LineageParts {
            producer: "noop".to_owned(),
            producer_version: "1".to_owned(),
            model_profile: ModelProfile::Balanced,
            config_hash: Digest::of(b"config"),
            input_hash: asset,
            inputs: vec![asset],
        })
        .map_err(|findings| findings.to_string())?;
        let unit_id = UnitId { run: RunId(7), ordinal: u32::try_from(key).map_err(|error| error.to_string())? };
        let made = Arc::new(Made::new(key, unit_id, &lineage));
        for ordinal in 0..PER_UNIT {
            drafts.push(Draft {
                kind: "noop.echo".to_owned(),
                schema_version: 1,
                asset: Some((AssetId(asset), key)),
                span_ms: None,
                payload: json!({ "size_bytes": key * 10 + ordinal, "media_type": "image/jpeg" }),
                blob: None,
                made: Some((Arc::clone(&made), u32::try_from(ordinal).unwrap_or(0))),
                record_id: None,
                content_hash: None,
            });
        }
    }
    Ok(drafts)
}

fn all_drafts(batches: i64) -> Result<Vec<Vec<Draft>>, String> {
    (0..batches).map(drafts).collect()
}

/// A store with the kinds of the program.
pub fn open(location: Location, blobs: &std::path::Path) -> Result<Store, String> {
    static ROOM: std::sync::OnceLock<exhibit_archive::ArchiveRoom> = std::sync::OnceLock::new();
    let room = ROOM.get_or_init(|| exhibit_archive::ArchiveRoom { kinds: exhibit_extractors::kind_files() });
    Store::open(StoreOptions {
        location,
        blobs: blobs.to_owned(),
        rooms: vec![room],
        clock: Arc::new(FixedClock::new(Timestamp(1))),
        process: 1,
        readers: 1,
    })
    .map_err(|error| error.to_string())
}

/// Requests under way at a time: while one is written, the next is checked, as hosts and servers do.
const PRODUCERS: usize = 2;

/// Appends batches that are ready: validate, canonicalise, hash on the threads of the producers; append, ledger, projections on the writer's.
pub fn through_the_gate(
    runtime: &tokio::runtime::Runtime,
    store: &Store,
    batches: Vec<Vec<Draft>>,
) -> Result<Duration, String> {
    let mut shares: Vec<Vec<Vec<Draft>>> = (0..PRODUCERS).map(|_| Vec::new()).collect();
    for (number, batch) in batches.into_iter().enumerate() {
        shares[number % PRODUCERS].push(batch);
    }
    let begun = Instant::now();
    let producers: Vec<_> = shares.into_iter().map(|share| runtime.spawn(produce(store.clone(), share))).collect();
    for producer in producers {
        runtime.block_on(producer).map_err(|error| error.to_string())??;
    }
    Ok(begun.elapsed())
}

async fn produce(store: Store, share: Vec<Vec<Draft>>) -> Result<(), String> {
    let gate = store.gate();
    for batch in share {
        let candidates: Result<Vec<_>, _> = batch.into_iter().map(|draft| gate.check(draft)).collect();
        let append = Append {
            candidates: candidates.map_err(|findings| findings.to_string())?,
            effect: None,
            ..Append::default()
        };
        store.append(append).await.map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// The values that the raw loop writes, ready made.
struct RawRow {
    seq: i64,
    unit: i64,
    ordinal: i64,
    commitment: Vec<u8>,
    body: Vec<u8>,
    size: i64,
}

fn raw_rows(batch: i64) -> Vec<RawRow> {
    let row = |index: i64| {
        let seq = batch * BATCH + index + 1;
        let unit = (seq - 1) / PER_UNIT + 1;
        let size = unit * 10 + (seq - 1) % PER_UNIT;
        let body = format!("{{\"media_type\":\"image/jpeg\",\"size_bytes\":{size}}}").into_bytes();
        RawRow { seq, unit, ordinal: (seq - 1) % PER_UNIT, commitment: Digest::of(&body).0.to_vec(), body, size }
    };
    (0..BATCH).map(row).collect()
}

const RAW_RECORD: &str = "insert into records (seq, kind, admission, unit, ordinal, asset, span_start_ms, span_end_ms, blob, record_id, \
     commitment, leaf, body) values ($1, 1, 0, $2, $3, $2, null, null, null, null, $4, $4, $5)";
const RAW_LINEAGE: &str = "insert into lineages (unit, lineage_hash, body) values ($1, $2, $3)";
const RAW_PROJECTION: &str = "insert into proj_noop__echo_v1 (seq, asset, span_start_ms, span_end_ms, size_bytes, media_type) \
     values ($1, $2, null, null, $3, 'image/jpeg')";

fn raw_sqlite(path: &std::path::Path, synchronous: &str, batches: i64) -> Result<Duration, String> {
    let text = |error: rusqlite::Error| error.to_string();
    let connection = rusqlite::Connection::open(path).map_err(text)?;
    connection
        .execute_batch(&format!(
            "pragma synchronous = {synchronous}; pragma cache_size = -32768; pragma wal_autocheckpoint = 16000"
        ))
        .map_err(text)?;
    let batches: Vec<Vec<RawRow>> = (0..batches).map(raw_rows).collect();
    let lineage = vec![b'x'; 420];
    let numbered = |sql: &str| sql.replace('$', "?");
    let mut record = connection.prepare(&numbered(RAW_RECORD)).map_err(text)?;
    let mut made = connection.prepare(&numbered(RAW_LINEAGE)).map_err(text)?;
    let mut projection = connection.prepare(&numbered(RAW_PROJECTION)).map_err(text)?;
    let begun = Instant::now();
    for batch in &batches {
        connection.execute_batch("begin immediate").map_err(text)?;
        for row in batch {
            if row.ordinal == 0 {
                made.execute(rusqlite::params![row.unit, row.commitment, lineage]).map_err(text)?;
            }
            record
                .execute(rusqlite::params![row.seq, row.unit, row.ordinal, row.commitment, row.body])
                .map_err(text)?;
            projection.execute(rusqlite::params![row.seq, row.unit, row.size]).map_err(text)?;
        }
        connection.execute_batch("commit").map_err(text)?;
    }
    Ok(begun.elapsed())
}

fn raw_postgres(address: &str, batches: i64) -> Result<Duration, String> {
    let text = |error: postgres::Error| error.to_string();
    let mut client = postgres::Client::connect(address, postgres::NoTls).map_err(text)?;
    let batches: Vec<Vec<RawRow>> = (0..batches).map(raw_rows).collect();
    let lineage = vec![b'x'; 420];
    let record = client.prepare(RAW_RECORD).map_err(text)?;
    let made = client.prepare(RAW_LINEAGE).map_err(text)?;
    let projection = client.prepare(RAW_PROJECTION).map_err(text)?;
    let begun = Instant::now();
    for batch in &batches {
        let mut transaction = client.transaction().map_err(text)?;
        for row in batch {
            if row.ordinal == 0 {
                transaction.execute(&made, &[&row.unit, &row.commitment, &lineage]).map_err(text)?;
            }
            transaction
                .execute(&record, &[&row.seq, &row.unit, &row.ordinal, &row.commitment, &row.body])
                .map_err(text)?;
            transaction.execute(&projection, &[&row.seq, &row.unit, &row.size]).map_err(text)?;
        }
        transaction.commit().map_err(text)?;
    }
    Ok(begun.elapsed())
}

fn rows_per_second(time: Duration, batches: i64) -> f64 {
    (BATCH * batches) as f64 / time.as_secs_f64()
}

fn compare(
    name: &str,
    batches: i64,
    mut ours: impl FnMut() -> Result<Duration, String>,
    mut raw: impl FnMut() -> Result<Duration, String>,
) -> Result<Line, String> {
    let mut pairs = Vec::new();
    for _ in 0..ROUNDS {
        pairs.push((rows_per_second(ours()?, batches), rows_per_second(raw()?, batches)));
    }
    let (own, peer) = median_by(&pairs, |(own, peer)| own / peer).ok_or("no rounds")?;
    Ok(Line {
        work: format!("append, {name}"),
        ours: format!("{own:.0} rows/s"),
        peer: format!("{peer:.0} rows/s by a raw prepared loop"),
        ratio: Ratio::at_least(own / peer, 0.5),
    })
}

/// Threads for the producers.
pub fn runtime() -> Result<tokio::runtime::Runtime, String> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().map_err(|error| error.to_string())
}

/// All three: SQLite in both synchronous modes, and PostgreSQL.
pub fn measure(scale: Scale) -> Result<Vec<Line>, String> {
    let runtime = runtime()?;
    let mut lines = Vec::new();
    let batches = scale.of(BATCHES, 2);
    for (mode, name) in [(Synchronous::Full, "full"), (Synchronous::Normal, "normal")] {
        let fresh = || -> Result<(tempfile::TempDir, Store), String> {
            let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
            let location = Location::Sqlite { path: folder.path().join("store.sqlite"), synchronous: mode };
            let store = open(location, &folder.path().join("blobs"))?;
            Ok((folder, store))
        };
        lines.push(compare(
            &format!("SQLite, synchronous {name}"),
            batches,
            || {
                let (_folder, store) = fresh()?;
                through_the_gate(&runtime, &store, all_drafts(batches)?)
            },
            || {
                let (folder, store) = fresh()?;
                drop(store);
                raw_sqlite(&folder.path().join("store.sqlite"), name, batches)
            },
        )?);
    }
    let server = TestPostgres::shared();
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    lines.push(compare(
        "PostgreSQL",
        batches,
        || {
            let store = open(Location::Postgres { address: server.database() }, folder.path())?;
            through_the_gate(&runtime, &store, all_drafts(batches)?)
        },
        || {
            let address = server.database();
            drop(open(Location::Postgres { address: address.clone() }, folder.path())?);
            raw_postgres(&address, batches)
        },
    )?);
    Ok(lines)
}
