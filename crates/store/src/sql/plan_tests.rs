//! Every statement of the spine is run once and then explained: none may walk a table that grows with the archive.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, PoisonError};

use exhibit_model::digest::Digest;
use exhibit_model::ids::{CollectionId, RunId, SourceId, UnitId};
use exhibit_model::lineage::{Lineage, LineageParts, ModelProfile};
use exhibit_model::source::SourceClass;
use exhibit_model::states::{RunState, UnitState};
use exhibit_model::time::{FixedClock, Timestamp};
use exhibit_testkit::postgres::TestPostgres;
use serde_json::json;

use super::assets::{self, FileStat, PathOutcome, PathState, ScannedFile};
use super::benchmarks;
use super::runs::{self, NewRun};
use super::units::{self, Ending};
use super::{audit, collections, inputs, ledger, records, retention, sources, space, summary, tokens};
use crate::collections::{Members, NewCollection, define, withdraw};
use crate::filter::bind_collection;
use crate::ledger::{checkpoint, proof, verify};
use crate::session::HEARD;
use crate::{
    Append, Backend, Draft, Location, Made, Sql, Store, StoreError, StoreOptions, Synchronous, Tx, projection,
};

const KIND: &str = r#"{
  "kind": "plan.fact", "version": 1, "title": "A fact", "subject": "artifact", "retention": "kept", "blob": "optional", "span": "none",
  "schema": {"type": "object"}, "projection": {"columns": []}
}"#;
const NOTE: &str = r#"{
  "kind": "plan.note", "version": 1, "title": "A note", "subject": "record", "retention": "kept", "blob": "none", "span": "none",
  "schema": {"type": "object"}, "projection": {"columns": []}
}"#;

/// Statements that read all of a table on purpose, and why that is right.
const WALKS: &[(&str, &str)] = &[
    ("source_all", "a list of few: one for each folder that a person added"),
    ("kind_all", "a list of few, read when the store is opened"),
    ("migration_history", "a list of few"),
    ("migration_rooms", "a list of few"),
    ("foreign_tables", "the catalog of the database"),
    ("run_freeze_all", "the collection `all` is all assets"),
    ("run_next", "one row for each run ever made"),
    ("run_open", "an index that holds no run that is over"),
    ("run_served", "an index that holds no run that is over"),
    ("run_shown_definitions", "one row for each run ever made"),
    ("collection_empty", "a rebuild"),
    ("collection_empty_members", "a rebuild"),
    ("count_proj_collection_v1", "the check of everything"),
    ("count_proj_collection__members_v1", "the check of everything"),
    ("batch_each", "the check of everything"),
    ("node_each", "the check of everything"),
    ("blob_each", "the check of everything"),
    ("record_count", "the check of everything"),
    ("space_blobs", "asked every few seconds by a host, and only when there is a quota"),
    ("space_database", "a number that the database keeps"),
    ("benchmark_newest_of_all", "from the end, as many as it is asked for"),
    ("record_bodies_of_kind", "the check of everything"),
    ("retention_due", "one row for each run ever made"),
    ("summary_runs_open", "one row for each run ever made"),
    ("token_all", "a list of few: those that a person made, and sessions that ended less than a month ago"),
    ("run_shown_sandboxes", "one row for each run ever made"),
];

/// Counting a projection is part of the check of everything, too.
const WALKERS: &str = "count_proj_";

pub(super) fn open(location: Location, folder: &Path) -> Store {
    let options = StoreOptions {
        location,
        blobs: folder.join("blobs"),
        rooms: Vec::new(),
        clock: Arc::new(FixedClock::new(Timestamp(0))),
        process: 1,
        readers: 1,
    };
    Store::open(options).expect("a new store")
}

/// Runs everything that the repositories can do, once.
async fn use_everything(store: &Store) {
    store.add_kind(KIND.into()).await.expect("a kind");
    store.add_kind(NOTE.into()).await.expect("a kind");
    let (asset, run) = store.write(catalog).await.expect("a catalog");
    store.write(move |tx| work(tx, run)).await.expect("work");
    append(store, asset, run).await;
    collect(store, asset).await;
    store.migrations().await.expect("readable");
    store.write(move |tx| let_go(tx, run)).await.expect("what may go");
    store.write(access).await.expect("access");
    let kinds_here = Arc::clone(store.kinds());
    store
        .read(move |read| {
            summary::summary(read)?;
            summary::answers(read)?;
            tokens::all(read)?;
            tokens::by_id(read, "a")?;
            audit::newest(read, i64::MAX, 9)?;
            sources::all(read)?;
            sources::by_root(read, b"/r")?;
            let sha256 = assets::by_key(read, asset)?.expect("an asset").sha256;
            assets::by_sha256(read, sha256)?;
            assets::between(read, sha256, sha256)?;
            assets::paths_of(read, asset)?;
            assets::present_paths(read, &[asset])?;
            assets::each_open_path(read, 1, &mut |_, _| Ok(()))?;
            assets::known_paths(read, 1)?;
            assets::outcomes(read, 1, b"", 9)?;
            let run = runs::by_key(read, run)?.expect("a run");
            runs::by_id(read, run.id)?;
            runs::between(read, run.id, run.id)?;
            runs::newest(read, 9, 9)?;
            runs::served(read, 9)?;
            runs::open(read, 9)?;
            let wanted = units::Wanted { state: UnitState::Failed, step: Some(0), reason: Some("crashed".to_owned()) };
            units::listed(read, &run, &wanted, 0, 9)?;
            records::of_run(read, &run, &[1], 9, 9)?;
            runs::coverage(read, run.key)?;
            units::ready(read, run.key)?;
            units::by_key(read, run.first_unit)?;
            units::in_state(read, &run, UnitState::Done, 0, 9)?;
            units::of_asset(read, asset, 9)?;
            units::count(read, &run)?;
            units::makers(read, 0, 9)?;
            inputs::members(read, run.key, 0, 9)?;
            inputs::facts(read, run.key, &[asset], &[1])?;
            units::reasons(read, &run)?;
            benchmarks::hosts(read, run.key)?;
            benchmarks::each_timing(read, &run, &mut |_| Ok(()))?;
            benchmarks::blob_bytes(read, &run)?;
            benchmarks::newest(read, &run)?;
            benchmarks::newest_of_all(read, 9)?;
            space::blob_bytes(read)?;
            space::database_bytes(read)?;
            space::member_types(read, run.key)?;
            units::find_work(read, &[Digest::of(b"w")])?;
            records::at(read, 1)?;
            projection::about_asset(read, &kinds_here.every(), asset, 9)?;
            records::of_unit(read, run.first_unit, 0)?;
            records::of_units(read, &[run.first_unit])?;
            records::each_blob(read, &mut |_, _, _| Ok(()))?;
            proof::prove(read, 1)?.expect("a proof");
            ledger::batch_of(read, 2)?;
            let older = checkpoint::current(read, "x").expect("a checkpoint");
            checkpoint::extends(read, &older).expect("it is the same");
            Ok(())
        })
        .await
        .expect("readable");
    let kinds = Arc::clone(store.kinds());
    store.read(move |read| verify::verify_ledger(read, &kinds, &mut |_, _| Ok(()))).await.expect("readable");
    projection::rebuild(store, &mut |_, _| {}).await.expect("a rebuild");
    projection::verify(store).await.expect("readable");
}

fn catalog(tx: &mut Tx<'_>) -> Result<(i64, i64), StoreError> {
    let source = sources::insert(tx, SourceId(1), "s", SourceClass::Sacred, b"/r", 0)?;
    sources::set_scanned(tx, source, 1)?;
    sources::set_online(tx, source, true)?;
    sources::set_root(tx, source, b"/r")?;
    let file = |name: &str| ScannedFile {
        path: name.as_bytes().to_vec(),
        stat: FileStat { size_bytes: 1, mtime_ns: 0, device: 0, inode: 0 },
        sha256: Digest::of(name.as_bytes()),
        media_type: "image/png",
    };
    assets::record_files(tx, source, &[file("a"), file("b")], 0)?;
    let changed = ScannedFile { sha256: Digest::of(b"other bytes"), ..file("b") };
    assets::record_files(tx, source, &[changed], 0)?;
    assets::set_path_states(tx, &[1], PathState::Present, 1)?;
    let outcome = PathOutcome { path: b"c".to_vec(), code: "fifo".to_owned(), detail: String::new() };
    assets::record_outcomes(tx, source, &[outcome], 0)?;
    assets::clear_outcomes(tx, source, 0)?;
    let asset = assets::by_sha256(tx, Digest::of(b"a"))?.expect("an asset").key;
    let run = runs::create(tx, &crate::kinds::Kinds::default(), &new_run())?;
    benchmarks::set_hosts(tx, run, "[]")?;
    Ok((asset, run))
}

fn access(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let token = tokens::StoredToken {
        id: "a".to_owned(),
        purpose: tokens::Purpose::Login,
        parent: None,
        name: "n".to_owned(),
        secret: Digest::of(b"s"),
        scopes: "read".to_owned(),
        created_us: 0,
        expires_us: Some(9),
        revoked_us: None,
        used_us: None,
    };
    tokens::insert(tx, &token)?;
    tokens::redeem(tx, "a", 1)?;
    tokens::set_used(tx, "a", 1)?;
    tokens::revoke(tx, "a", 1)?;
    let text = String::new;
    let intent =
        audit::Intent { at_us: 0, token: text(), method: text(), route: text(), path: text(), request: text() };
    audit::begin(tx, &intent, 1)?;
    let entry = audit::begin(tx, &intent, 1)?;
    audit::end(tx, entry, 200)
}

fn new_run() -> NewRun {
    NewRun {
        id: RunId(1),
        pipeline: "p".to_owned(),
        pipeline_version: "1".to_owned(),
        definition: b"{}".to_vec(),
        policy: "production".to_owned(),
        expires_us: None,
        collection: CollectionId::ALL,
        attempts_max: 3,
        recompute: false,
        steps: 1,
        now_us: 0,
    }
}

fn work(tx: &mut Tx<'_>, key: i64) -> Result<(), StoreError> {
    let run = runs::by_key(tx, key)?.expect("a run");
    units::plan(tx, &run, 9, &|_, _, _| true)?;
    assert!(runs::take_ownership(tx, &run, 1, "home", false, 1)?.is_ok());
    runs::renew_ownership(tx, key, 1, 1)?;
    runs::release_ownership(tx, key, 1)?;
    runs::set_state(tx, key, RunState::Queued, RunState::Running, None, 0)?;
    runs::set_wish(tx, key, exhibit_model::states::Wish::GoOn)?;
    let leased = units::lease(tx, key, 0, 1, 2, 1_000, 0)?.remove(0);
    units::renew(tx, key, 1, 1_000)?;
    let ending = Ending {
        key: leased.key,
        step: 0,
        generation: leased.generation,
        state: UnitState::Failed,
        attempts: 1,
        crashes: 0,
        retryable: false,
        artifacts: 0,
        reason: None,
        detail: None,
        work_key: Some(Digest::of(b"w")),
        reused_unit: None,
        ended_us: 0,
        made: None,
    };
    units::end(tx, key, &[ending])?;
    units::requeue_expired(tx, key)?;
    units::requeue_owner(tx, key, 1)?;
    units::cancel_pending(tx, key, 0)?;
    units::revive(tx, key, UnitState::Cancelled)?;
    units::block_pending(tx, key, "disk", "", 0)?;
    units::unblock(tx, key, "disk")?;
    units::revive_one(tx, key, leased.key, UnitState::Failed)?;
    let wanted = units::Wanted { state: UnitState::Failed, step: Some(0), reason: Some("r".to_owned()) };
    units::revive_some(tx, key, &wanted)?;
    Ok(())
}

async fn append(store: &Store, asset: i64, run: i64) {
    let (asset, unit, unit_id) = store
        .read(move |read| {
            let id = exhibit_model::ids::AssetId(assets::by_key(read, asset)?.expect("an asset").sha256);
            let run = runs::by_key(read, run)?.expect("a run");
            Ok(((id, asset), run.first_unit, UnitId { run: run.id, ordinal: 0 }))
        })
        .await
        .expect("readable");
    let parts = LineageParts {
        producer: "p".to_owned(),
        producer_version: "1".to_owned(),
        model_profile: ModelProfile::Fast,
        config_hash: Digest([1; 32]),
        input_hash: Digest([2; 32]),
        inputs: Vec::new(),
    };
    let made = Arc::new(Made::new(unit, unit_id, &Lineage::new(parts).expect("a lineage")));
    let staged = store.blobs().stage(&mut b"x".as_slice(), 9).expect("room").expect("small");
    let blob = crate::StoredBlob { sha256: staged.sha256, bytes: 1, media_type: "a/b".to_owned() };
    store.blobs().publish(vec![staged]).expect("room");
    let fact = Draft {
        kind: "plan.fact".to_owned(),
        schema_version: 1,
        asset: Some(asset),
        span_ms: None,
        payload: json!({}),
        blob: Some(blob),
        made: Some((made, 0)),
        record_id: None,
        content_hash: None,
    };
    let note = Draft {
        kind: "plan.note".to_owned(),
        asset: None,
        blob: None,
        made: None,
        record_id: Some("n".to_owned()),
        payload: json!({}),
        schema_version: 1,
        span_ms: None,
        content_hash: None,
    };
    for draft in [fact, note] {
        let candidates = vec![store.gate().check(draft).expect("a good draft")];
        store.append(Append { candidates, effect: None, ..Append::default() }).await.expect("a record");
    }
}

fn let_go(tx: &mut Tx<'_>, key: i64) -> Result<(), StoreError> {
    let run = runs::by_key(tx, key)?.expect("a run");
    retention::due(tx, 0, 9)?;
    retention::promote(tx, key)?;
    retention::shown_sandboxes(tx)?;
    retention::erasable(tx, &run, 0, 9)?;
    retention::count(tx, &run)?;
    retention::begin(tx, key, 0)?;
    retention::erase(tx, &run, 3, 4)?;
    retention::end(tx, key)?;
    retention::condemn(tx, &[1], 0)?;
    retention::condemned(tx, 0)?;
    retention::pardon(tx)?;
    retention::doom(tx, &[1], 0, 0)?;
    retention::collected(tx, &[1])?;
    retention::is_gone(tx, Digest::of(b"x"))?;
    Ok(())
}

async fn collect(store: &Store, asset: i64) {
    let sha256 =
        store.read(move |read| Ok(assets::by_key(read, asset)?.expect("an asset").sha256)).await.expect("readable");
    let dynamic = Members::Dynamic("a path:b in:all failed:p or failed:noop".parse().expect("a filter"));
    assert!(define(store, collection(1, dynamic)).await.is_err(), "there is no such step");
    let listed = Members::Static(vec![exhibit_model::ids::AssetId(sha256)]);
    let made = define(store, collection(1, listed)).await.expect("a collection");
    let dynamic = Members::Dynamic("in:c1 a sample 3".parse().expect("a filter"));
    let (id, definition) = (define(store, collection(2, dynamic)).await.expect("a collection").id, made.definition);
    let kinds = Arc::clone(store.kinds());
    let look = move |read: &crate::Read<'_>| {
        collections::members(read, definition, 0, 9)?;
        collections::of_units(read, 1, 2, 0)?;
        collections::names(read, 9)?;
        bind_collection(read, &kinds, id).expect("a good filter").every(read)
    };
    store.read(look).await.expect("readable");
    let kinds = Arc::clone(store.kinds());
    let new = move |tx: &mut Tx<'_>| runs::create(tx, &kinds, &NewRun { id: RunId(2), collection: id, ..new_run() });
    store.write(new).await.expect("a run");
    withdraw(store, "c1").await.expect("it was there");
}

fn collection(number: u128, members: Members) -> NewCollection {
    let name = Some(format!("c{number}"));
    NewCollection { id: CollectionId(number), name, about: String::new(), members, replace: false }
}

/// The plan of each statement that was run on this database.
fn plans(store: &Store, runtime: &tokio::runtime::Runtime) -> BTreeMap<&'static str, String> {
    let backend = runtime.block_on(store.read(|read| Ok(read.backend()))).expect("readable");
    let statements = HEARD.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut plans = BTreeMap::new();
    for (_, sql, params) in statements.into_iter().filter(|heard| heard.0 == backend) {
        let first = sql.sqlite.split(' ').next().unwrap_or_default();
        if !["select", "insert", "update", "delete"].contains(&first) {
            continue;
        }
        let name = sql.name;
        let plan = runtime.block_on(store.read(move |read| {
            // With this, PostgreSQL walks a table only where no index can serve, however small the table is.
            if backend == Backend::Postgres {
                read.each(&Sql::same("plan_setting", "set local enable_seqscan = off"), &[], &mut |_| Ok(()))?;
            }
            read.explain(&sql, &params)
        }));
        plans.insert(name, plan.unwrap_or_else(|error| panic!("{name}: {error}")));
    }
    plans
}

#[test]
fn no_statement_walks_a_table_that_grows() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("exhibit.db");
    let file = open(Location::Sqlite { path, synchronous: Synchronous::Normal }, folder.path());
    let server = open(Location::Postgres { address: TestPostgres::shared().database() }, folder.path());
    for store in [&file, &server] {
        runtime.block_on(use_everything(store));
    }
    let indexes = [
        ("unit_lease", "units_pending"),
        ("unit_renew", "units_leased"),
        ("unit_requeue_expired", "units_leased"),
        ("unit_requeue_owner", "units_leased"),
        ("unit_cancel_pending", "units_pending"),
        ("unit_block_pending", "units_pending"),
        ("unit_find_work", "units_work"),
        ("unit_of_asset", "units_asset"),
        ("record_of_unit", "records_unit"),
        ("records_of_units", "records_unit"),
        ("record_by_id", "records_record_id"),
        ("paths_present", "paths_asset"),
        ("paths_of_asset", "paths_asset"),
        ("path_open", "paths_open"),
        ("path_close", "paths_open"),
        ("asset_by_sha", "assets"),
        ("retention_erasable", "records_unit"),
        ("input_facts", "units_asset"),
        ("retention_condemn", "records_blob"),
        ("blob_condemned", "blobs_condemned"),
        ("blob_pardon", "blobs_condemned"),
        ("token_by_id", "tokens"),
        ("token_forget", "tokens_passing"),
        ("token_revoke_sessions", "tokens_parent"),
        ("audit_newest", "audit"),
    ];
    for (store, walk) in [(&file, "SCAN "), (&server, "Seq Scan on ")] {
        let plans = plans(store, &runtime);
        assert!(plans.len() > 75, "only {} statements were heard", plans.len());
        for (name, plan) in &plans {
            let tables = walked(plan, walk);
            let allowed = name.starts_with(WALKERS) || WALKS.iter().any(|(walker, _)| walker == name);
            assert!(tables.is_empty() || allowed, "`{name}` walks {tables:?}:\n{plan}");
        }
        for (name, index) in indexes {
            assert!(plans[name].contains(index), "`{name}` does not use {index}:\n{}", plans[name]);
        }
    }
}

/// The tables that a plan reads from one end to the other.
pub(super) fn walked<'a>(plan: &'a str, walk: &str) -> Vec<&'a str> {
    let walked = plan
        .lines()
        .filter_map(|line| line.split_once(walk))
        .map(|(_, what)| what.split(' ').next().unwrap_or_default());
    // What comes from a list of values is no table.
    walked.filter(|what| !["json_each", "CONSTANT", "given", "new"].contains(what)).collect()
}
