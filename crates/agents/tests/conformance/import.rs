//! Files of V3 taken over: once, with their sums, and never changed.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use exhibit_agents::alerts::repository as alerts;
use exhibit_agents::import::drift::{State, drift};
use exhibit_agents::import::report::{Outcome, ReportRow};
use exhibit_agents::import::{ImportError, Imported, Kind, Request, V3_FILE, at_start, import};
use exhibit_agents::prices::Cost;
use exhibit_agents::record::{IMPORT_FEED, IMPORTED};
use exhibit_agents::sql::{imports, sessions};
use exhibit_model::time::Timestamp;
use exhibit_store::projection::rebuild;
use exhibit_store::sql::ledger::count_records;
use exhibit_store::{Backend, Sql};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::aggregates::{holds, kept, rows};
use crate::pricing::usage_of;
use crate::world::{World, block_on, keyed, session, with, with_events};

both!(
    ag_09_the_second_import_writes_nothing,
    ag_10_an_import_comes_to_the_sums_of_its_file,
    ag_10_every_refused_row_is_explained,
    ag_10_the_report_and_all_rows_survive_a_restart_without_the_file,
    ag_11_a_corrupt_file_is_refused_whole,
    ag_11_the_file_is_never_written,
    a_dry_run_writes_nothing,
    what_stands_is_left_or_replaced,
    a_client_goes_on_with_an_imported_session,
    a_changed_file_is_told,
);

const WHOLE: &str = include_str!("../../testdata/import/v3.json");
const REFUSED: &str = include_str!("../../testdata/import/rows_refused.json");

/// A folder of data with the file of V3 in it.
struct Legacy {
    folder: TempDir,
}

impl Legacy {
    fn of(text: &str) -> Self {
        let legacy = Self { folder: tempfile::tempdir().expect("a folder") };
        std::fs::create_dir(legacy.data().join("data")).expect("a folder");
        legacy.says(text);
        legacy
    }

    fn data(&self) -> &Path {
        self.folder.path()
    }

    fn path(&self) -> PathBuf {
        self.data().join(V3_FILE)
    }

    fn says(&self, text: &str) {
        std::fs::write(self.path(), text).expect("a file");
    }

    fn request(&self) -> Request {
        Request { kind: Kind::V3Json, path: self.path(), data: self.data().to_owned(), dry_run: false, replace: false }
    }
}

pub fn imports(world: &World, request: Request) -> Imported {
    block_on(import(&world.store, request)).expect("an import")
}

pub fn whole() -> Value {
    serde_json::from_str(WHOLE).expect("JSON")
}

/// Read, written, skipped, errors.
pub fn numbers(imported: &Imported) -> [u64; 4] {
    let report = &imported.report;
    assert_eq!(report.read, report.written + report.skipped + report.errors);
    [report.read, report.written, report.skipped, report.errors]
}

pub fn told(rows: &[ReportRow]) -> Vec<String> {
    rows.iter().map(|row| format!("{} {} {}", row.reference, row.outcome.as_str(), row.reason)).collect()
}

fn records(world: &World) -> u64 {
    world.read(count_records).try_into().expect("a count")
}

fn found(world: &World, word: &'static str) -> usize {
    let text = match world.read(|read| Ok(read.backend())) {
        Backend::Sqlite => "select rowid from session_fts where session_fts match $1",
        Backend::Postgres => "select session_key from session_words where words @@ plainto_tsquery('simple', $1)",
    };
    world.read(move |read| Ok(read.all::<(i64,)>(&Sql::same("test_import_fts", text), &[word.into()])?.len()))
}

fn ag_09_the_second_import_writes_nothing(backend: Backend) {
    let (world, legacy) = (World::new(backend), Legacy::of(WHOLE));
    let first = imports(&world, legacy.request());
    assert_eq!(numbers(&first), [18, 18, 0, 0], "{:?}", told(&first.rows));
    let (before, figures, count) = (rows(&world), kept(&world), records(&world));
    world.clock.advance_micros(1_000_000);
    let second = imports(&world, legacy.request());
    assert_eq!(numbers(&second), [18, 0, 18, 0]);
    assert!(second.rows.iter().all(|row| row.outcome == Outcome::Skipped && row.reason == "identical"));
    assert_eq!(rows(&world), before, "skipped rows are as they were");
    assert_eq!((kept(&world), records(&world)), (figures, count));
    assert_eq!(second.report.parity_ok, Some(true));
    assert_eq!(found(&world, "wheel"), 1, "one entry of a session in the full text");
    assert_ne!(first.report.report_id, second.report.report_id);
}

pub fn words_of(cost: &Cost) -> String {
    let version = cost.pricing_version().map_or("-", |version| version.as_str());
    let amount = cost.amount().map_or(-1, |amount| amount.0);
    format!("{amount} {version} {} {} {}", cost.source().as_str(), cost.level().as_str(), cost.confidence().as_str())
}

fn ag_10_an_import_comes_to_the_sums_of_its_file(backend: Backend) {
    let (world, legacy) = (World::new(backend), Legacy::of(WHOLE));
    let imported = imports(&world, legacy.request());
    let totals = imported.report.totals;
    assert_eq!((imported.report.parity_ok, totals.file), (Some(true), totals.stored));
    assert_eq!((totals.file.runs, totals.file.total_tokens), (6, 12_904));
    assert_eq!((totals.file.runtime_ms, totals.file.cost_nano), (71_500, 533_300_000));
    for (id, cost, tokens) in [
        ("v3-exact", "12300000 provider_native provider_reported high exact", "provider_reported high"),
        ("v3-flat", "21000000 v3-flat-2usd-per-mtok derived low estimated", "provider_reported high"),
        ("v3-unversioned", "500000000 legacy_unversioned derived low estimated", "provider_reported medium"),
        ("v3-v41", "0 provider_native provider_reported high exact", "provider_reported low"),
        ("v3-live", "-1 - missing unknown unknown", "missing unknown"),
        ("v3-silent", "-1 - missing unknown unknown", "missing unknown"),
    ] {
        let (usage, _) = usage_of(&world, id);
        assert_eq!(words_of(&usage.cost), cost, "{id}");
        let provenance = usage.tokens.provenance;
        assert_eq!(format!("{} {}", provenance.source.as_str(), provenance.level.as_str()), tokens, "{id}");
    }
    let (usage, _) = usage_of(&world, "v3-exact");
    assert_eq!((usage.runtime.source.as_str(), usage.runtime.level.as_str()), ("derived", "medium"), "as stored");
    let rules = world.read(alerts::rules);
    assert_eq!(rules.len(), 2);
    let told: Vec<String> = rules
        .iter()
        .flat_map(|rule| {
            let id = rule.rule_id.clone();
            world.read(move |read| alerts::states(read, &id))
        })
        .map(|state| format!("{} {} {}", state.scope_key(), state.standing.status, state.standing.lifecycle))
        .collect();
    assert_eq!(told, ["global warning active", "agent=builder ok resolved"]);
    holds(&world);
    // A rebuild comes to the same: what the file stated is in the ledger.
    let before = (rows(&world), kept(&world));
    block_on(rebuild(&world.store, &mut |_, _| {})).expect("a rebuild");
    assert_eq!((rows(&world), kept(&world)), before);
}

fn ag_10_every_refused_row_is_explained(backend: Backend) {
    let (world, legacy) = (World::new(backend), Legacy::of(REFUSED));
    let imported = imports(&world, legacy.request());
    assert_eq!(numbers(&imported), [23, 10, 2, 11], "{:#?}", told(&imported.rows));
    assert_eq!(
        told(&imported.rows),
        [
            "ledger[1] error status unsupported value",
            "ledger[6] skipped identical",
            "ledger[7] error ledger[2] says something else of its session",
            "events[1] error eventType unsupported value",
            "events[2] error its session was not taken",
            "events[3] skipped identical",
            "events[4] error events[0] says something else under its id",
            "usage[1] error its session was not taken",
            "usage[3] error costSource unsupported value",
            "usage[5] error its session was not taken",
            "alertRules[1] error metric is not supported",
            "alertStates[0] error status is not supported",
            "alertStates[1] error there is no such rule",
        ]
    );
    assert_eq!(imported.report.parity_ok, Some(false), "a refused session is no parity");
    holds(&world);
}

fn ag_10_the_report_and_all_rows_survive_a_restart_without_the_file(backend: Backend) {
    let (mut world, legacy) = (World::new(backend), Legacy::of(WHOLE));
    let imported = block_on(at_start(&world.store, legacy.path(), legacy.data())).expect("an import").expect("a file");
    let (id, before) = (imported.report.report_id.clone(), rows(&world));
    assert_eq!(
        block_on(at_start(&world.store, legacy.path(), legacy.data())).expect("a start"),
        None,
        "it was taken over"
    );
    std::fs::remove_file(legacy.path()).expect("a file");
    world.store = world.open_again();
    assert_eq!(block_on(at_start(&world.store, legacy.path(), legacy.data())).expect("a start"), None, "it is gone");
    assert_eq!(rows(&world), before);
    let asked = id.clone();
    let (report, kept) =
        world.read(move |read| Ok((imports::by_id(read, &asked)?, imports::rows(read, &asked, -1, 100)?)));
    assert_eq!((report.as_ref(), kept), (Some(&imported.report), imported.rows.clone()));
    let listed = world.read(|read| imports::page(read, (Timestamp(i64::MAX), ""), 10));
    assert_eq!(listed, std::slice::from_ref(&imported.report));
    let path = legacy.data().join("import-reports").join(format!("{id}.json"));
    let file: Value = serde_json::from_slice(&std::fs::read(path).expect("a report")).expect("JSON");
    assert_eq!(file, imported.report.value(&imported.rows));
}

fn ag_11_a_corrupt_file_is_refused_whole(backend: Backend) {
    let world = World::new(backend);
    let mut unknown = whole();
    unknown["more"] = json!([]);
    let mut nested = whole();
    nested["events"][0] = json!(["no", "object"]);
    for (text, reason) in [
        (WHOLE[..WHOLE.len() - 9].to_owned(), "EOF"),
        (WHOLE.replace("\"ledger\"", "\"other\""), "no array `ledger`"),
        (WHOLE.replacen("\"sessionId\"", "\"agentId\"", 1), "agentId"),
        ("[]".to_owned(), "no object"),
        (unknown.to_string(), "`more`"),
        (nested.to_string(), "`events[0]`"),
        (json!({"ledger": {}}).to_string(), "`ledger` is no array"),
    ] {
        let legacy = Legacy::of(&text);
        let error = block_on(import(&world.store, legacy.request())).expect_err("a refusal");
        assert!(matches!(&error, ImportError::Malformed { .. }) && error.to_string().contains(reason), "{error}");
        assert_eq!(std::fs::read_to_string(legacy.path()).expect("a file"), text);
        assert!(
            block_on(at_start(&world.store, legacy.path(), legacy.data())).is_err(),
            "a server does not become ready"
        );
    }
    assert_eq!((rows(&world).len(), records(&world)), (0, 0));
    assert!(world.read(|read| imports::page(read, (Timestamp(i64::MAX), ""), 10)).is_empty());
}

fn ag_11_the_file_is_never_written(backend: Backend) {
    let (world, legacy) = (World::new(backend), Legacy::of(WHOLE));
    let modified = || -> SystemTime { std::fs::metadata(legacy.path()).expect("a file").modified().expect("a time") };
    let before = modified();
    imports(&world, legacy.request());
    for number in 0..100 {
        world.takes(&session(&format!("new-{number}"), "success"));
    }
    assert_eq!((modified(), std::fs::read_to_string(legacy.path()).expect("a file").as_str()), (before, WHOLE));
}

fn a_dry_run_writes_nothing(backend: Backend) {
    let (world, legacy) = (World::new(backend), Legacy::of(WHOLE));
    let dry = Request { dry_run: true, ..legacy.request() };
    let planned = imports(&world, dry.clone());
    assert_eq!((numbers(&planned), planned.report.parity_ok), ([18, 18, 0, 0], None));
    assert_eq!((rows(&world).len(), records(&world), world.read(alerts::rules).len()), (0, 0, 0));
    assert!(world.read(|read| imports::page(read, (Timestamp(i64::MAX), ""), 10)).is_empty());
    assert!(!legacy.data().join("import-reports").exists());
    let done = imports(&world, legacy.request());
    assert_eq!(numbers(&done), numbers(&planned));
    assert_eq!(numbers(&imports(&world, dry)), [18, 0, 18, 0]);
}

fn what_stands_is_left_or_replaced(backend: Backend) {
    let (world, legacy) = (World::new(backend), Legacy::of(WHOLE));
    // A client of this installation told of one of the sessions, and of one of its events otherwise.
    let event = json!([{"eventId": "e-1", "eventType": "error", "eventTs": "2026-01-02T03:00:01Z", "payload": {}}]);
    world.takes(&keyed(with_events(with(session("v3-flat", "failed"), "title", "mine"), event), "k"));
    let first = imports(&world, legacy.request());
    let flat = ["ledger[1] skipped newer_present", "events[2] error conflict", "usage[1] skipped newer_present"];
    assert_eq!(told(&first.rows), flat);
    let mut other = whole();
    other["ledger"][0]["taskTitle"] = "Build the cart".into();
    other["usage"][0]["costUsd"] = 0.5.into();
    other["alertRules"][0]["warnThreshold"] = 6.into();
    legacy.says(&other.to_string());
    let conflicts: Vec<String> =
        told(&imports(&world, legacy.request()).rows).into_iter().filter(|row| !row.contains("identical")).collect();
    let exact = ["ledger[0] error conflict", "ledger[1] skipped newer_present", "events[2] error conflict"];
    let rest = ["usage[0] error conflict", "usage[1] skipped newer_present", "alertRules[0] error conflict"];
    assert_eq!(conflicts, [exact, rest].concat());
    let replace = Request { replace: true, ..legacy.request() };
    let replaced = imports(&world, replace.clone());
    let errors: Vec<String> = told(&replaced.rows).into_iter().filter(|row| !row.contains("identical")).collect();
    assert_eq!(errors, ["events[2] error conflict"], "events never change");
    assert_eq!(replaced.report.parity_ok, Some(true));
    let (usage, _) = usage_of(&world, "v3-exact");
    assert_eq!(words_of(&usage.cost), "500000000 provider_native provider_reported high exact");
    let revision = |id: &'static str| world.read(move |read| Ok(sessions::standing(read, &[id])?[id].revision));
    assert_eq!((revision("v3-exact"), revision("v3-flat"), revision("v3-live")), (2, 2, 1));
    // Back to the first file: the same record as at first, and still a further revision.
    legacy.says(WHOLE);
    imports(&world, replace);
    assert_eq!(revision("v3-exact"), 3);
    holds(&world);
    let before = (rows(&world), kept(&world));
    block_on(rebuild(&world.store, &mut |_, _| {})).expect("a rebuild");
    assert_eq!((rows(&world), kept(&world)), before);
}

fn a_client_goes_on_with_an_imported_session(backend: Backend) {
    let (world, legacy) = (World::new(backend), Legacy::of(WHOLE));
    imports(&world, legacy.request());
    assert_eq!(world.takes(&session("v3-live", "success")).revision, 2);
    let (row, usage, _) = rows(&world).into_iter().find(|row| row.0.standing.session_id == "v3-live").expect("a row");
    assert_eq!((row.standing.revision, usage.tokens.provenance.source.as_str()), (2, "missing"));
    // What is estimated may be said anew under a key; the words of the file are then not kept.
    let again = with(with(session("v3-unversioned", "killed"), "totalTokens", 901), "billedCostUsd", 0.75);
    world.takes(&keyed(again, "mine"));
    assert_eq!(
        words_of(&usage_of(&world, "v3-unversioned").0.cost),
        "750000000 provider_native provider_reported high exact"
    );
    holds(&world);
    let before = (rows(&world), kept(&world));
    block_on(rebuild(&world.store, &mut |_, _| {})).expect("a rebuild");
    assert_eq!((rows(&world), kept(&world)), before);
    assert_eq!((IMPORTED, IMPORT_FEED), ("agents.imported", "import"));
}

fn a_changed_file_is_told(backend: Backend) {
    let (world, legacy) = (World::new(backend), Legacy::of(WHOLE));
    imports(&world, legacy.request());
    let state = || block_on(drift(&world.store)).expect("drift").into_iter().map(|it| it.state).collect::<Vec<_>>();
    assert_eq!(state(), [State::Same]);
    legacy.says(REFUSED);
    assert!(matches!(state()[..], [State::Changed { .. }]));
    std::fs::remove_file(legacy.path()).expect("a file");
    assert_eq!(state(), [State::Gone]);
}
