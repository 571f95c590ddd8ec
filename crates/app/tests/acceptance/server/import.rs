//! Files of V3 and V4.1 on a real server: taken over before it is ready or when they are named, told in reports, and not needed afterwards.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::{Value, json};

use super::client::Answer;
use super::remote::Far;
use super::{Served, token};
use crate::world::{Backend, PATIENCE, World};

both_backends! {
    ag_10_a_server_takes_the_file_of_v3_over_and_does_not_need_it_again,
    ag_11_a_corrupt_file_keeps_a_server_from_opening_and_is_not_changed,
    ag_09_ag_11_a_file_is_named_over_http_once_and_again,
    ag_09_the_program_takes_files_over_as_a_server_does,
    imports_are_ordered_and_told_on_a_server_as_on_the_home,
}

const V3: &str = include_str!("../../../../agents/testdata/import/v3.json");
const V41: &str = include_str!("../../../../agents/testdata/import/v41.sql");
const IMPORT: &str = "/v1/agents/import";
const EVERYTHING: &str = "read,ingest,control,admin";

/// The file of V3, where V3 kept it; without data, its rules change nothing by themselves.
fn keep_v3(world: &World) -> (PathBuf, Value) {
    let mut document: Value = serde_json::from_str(V3).expect("JSON");
    for rule in document["alertRules"].as_array_mut().expect("rules") {
        rule["noData"] = json!("keep");
    }
    let path = world.path().join("data/v3-intelligence.json");
    std::fs::create_dir_all(world.path().join("data")).expect("a folder");
    std::fs::write(&path, document.to_string()).expect("a file");
    (path, document)
}

/// The database of V4.1.
pub(super) fn make_v41(path: &Path) {
    let made = Command::new("sqlite3").arg("-bail").arg(path).arg(V41).output().expect("sqlite3");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// Bytes and the time of the last change.
fn state(path: &Path) -> (Vec<u8>, std::time::SystemTime) {
    let modified = std::fs::metadata(path).and_then(|found| found.modified());
    (std::fs::read(path).expect("a file"), modified.expect("a time"))
}

#[track_caller]
fn given(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// Everything that the routes of the room say.
fn said(served: &Served, token: &str) -> Vec<String> {
    let ids = ["v3-exact", "v3-flat", "v3-unversioned", "v3-v41", "v3-live", "v3-silent"];
    let of_sessions = ids.map(|id| format!("/api/v3/ledger/{id}?include=calls"));
    let reports = given(&served.get("/v1/agents/import/reports", token));
    let report = reports["items"][0]["reportId"].as_str().expect("an id").to_owned();
    let others = [
        "/api/v3/ledger?include=usage".to_owned(),
        "/api/v3/ledger?sort=cost".to_owned(),
        "/api/v3/ledger?q=wheel".to_owned(),
        "/api/v3/analytics/usage?groupBy=agent".to_owned(),
        "/api/v3/analytics/usage?basis=spend&groupBy=model".to_owned(),
        "/api/v3/analytics/performance?minSample=1".to_owned(),
        "/api/v3/alerts/rules".to_owned(),
        "/api/v3/alerts/active".to_owned(),
        "/v1/agents/alerts/transitions".to_owned(),
        "/v1/agents/calls".to_owned(),
        "/v1/agents/ingest/conflicts".to_owned(),
        "/v1/agents/analytics/parity".to_owned(),
        "/v1/agents/import/reports".to_owned(),
        format!("/v1/agents/import/reports/{report}"),
    ];
    let ask = |path: &String| format!("{path} {}", given(&served.get(path, token)));
    of_sessions.iter().chain(&others).map(ask).collect()
}

/// AG-10: parity, costs without a version, rules and states, the report; and all of it after a restart without the file.
fn ag_10_a_server_takes_the_file_of_v3_over_and_does_not_need_it_again(backend: Backend) {
    let mut world = World::new(backend);
    let (file, _) = keep_v3(&world);
    world.set("HELICARRIER_ENABLE_JSON_IMPORT", "true");
    let token = token(&world, EVERYTHING);
    let served = Served::new(&world);
    let reports = given(&served.get("/v1/agents/import/reports", &token));
    let report = &reports["items"][0];
    assert_eq!((reports["items"].as_array().map(Vec::len), &report["parityOk"]), (Some(1), &json!(true)), "{reports}");
    assert_eq!([&report["read"], &report["written"], &report["errors"]], [18, 18, 0], "{report}");
    assert_eq!((&report["kind"], &report["totals"]["stored"]), (&json!("v3_json"), &report["totals"]["file"]));
    assert_eq!(report["totals"]["file"]["costNano"], 533_300_000);
    let usage = |id: &str| given(&served.get(&format!("/api/v3/ledger/{id}"), &token))["usage"].clone();
    for (id, cost, version, confidence) in [
        ("v3-exact", 0.0123, "provider_native", "exact"),
        ("v3-flat", 0.021, "v3-flat-2usd-per-mtok", "estimated"),
        ("v3-unversioned", 0.5, "legacy_unversioned", "estimated"),
    ] {
        let usage = usage(id);
        let told = (&usage["costUsd"], &usage["pricingVersion"], &usage["costConfidence"]);
        assert_eq!(told, (&json!(cost), &json!(version), &json!(confidence)), "{id}");
    }
    let totals = given(&served.get("/api/v3/analytics/usage", &token))["totals"].clone();
    assert_eq!(totals, json!({"runs": 6, "tokens": 12_904, "runtimeMs": 71_500, "costUsd": 0.5333}));
    let rules = given(&served.get("/api/v3/alerts/rules", &token));
    assert_eq!(rules["rows"].as_array().map(Vec::len), Some(2));
    let active = given(&served.get("/api/v3/alerts/active", &token));
    assert_eq!(
        (&active["rows"][0]["status"], &active["rows"][0]["value"]),
        (&json!("warning"), &json!(7.5)),
        "{active}"
    );
    let before = said(&served, &token);
    let id = report["reportId"].as_str().expect("an id");
    let of_file = world.home().join("import-reports").join(format!("{id}.json"));
    let told: Value = serde_json::from_slice(&std::fs::read(&of_file).expect("a report")).expect("JSON");
    assert_eq!((&told["reportId"], &told["parityOk"]), (&json!(id), &json!(true)));
    drop(served);
    // The same file is not read anew at the next start, and none is needed for the one after it.
    let served = Served::new(&world);
    assert_eq!(said(&served, &token), before);
    drop(served);
    std::fs::remove_file(file).expect("a file");
    let served = Served::new(&world);
    assert_eq!(said(&served, &token), before);
    assert_eq!(given(&served.get("/v1/agents/import/drift", &token))["items"][0]["state"], "gone");
}

fn ag_11_a_corrupt_file_keeps_a_server_from_opening_and_is_not_changed(backend: Backend) {
    let mut world = World::new(backend);
    let (file, document) = keep_v3(&world);
    let token = token(&world, EVERYTHING);
    world.set("HELICARRIER_ENABLE_JSON_IMPORT", "true");
    let whole = document.to_string();
    std::fs::write(&file, &whole[..whole.len() - 7]).expect("a file");
    let before = state(&file);
    let served = Served::early(&world);
    let deadline = Instant::now() + PATIENCE;
    let reason = loop {
        let text = served.ask("GET", "/readyz", &[], "").text();
        if !text.contains("starting") {
            break text;
        }
        assert!(Instant::now() < deadline, "it neither opens nor says why not");
        std::thread::yield_now();
    };
    assert_eq!(reason, r#"{"status":"not_ready","reason":"import_failed"}"#);
    assert_eq!(served.ask("GET", "/healthz", &[], "").status, 200);
    drop(served);
    assert_eq!(state(&file), before);
    // Mended, it is taken over; and 100 documents later it is as it was.
    std::fs::write(&file, &whole).expect("a file");
    let before = state(&file);
    let served = Served::new(&world);
    for number in 0..100 {
        let session = json!({"sessionId": format!("new-{number}"), "agentId": "a", "modelId": "m", "state": "success",
            "startedAt": "2026-01-02T03:04:05Z"});
        let envelope = json!({"envelope_version": "v1", "payload": {"session": session}});
        given(&served.post("/api/v3/ingest/session", &token, &envelope));
    }
    assert_eq!(given(&served.get("/api/v3/ledger", &token))["total"], 106);
    assert_eq!(given(&served.get("/v1/agents/import/drift", &token))["items"][0]["state"], "same");
    assert_eq!(state(&file), before);
}

fn ag_09_ag_11_a_file_is_named_over_http_once_and_again(backend: Backend) {
    let mut world = World::new(backend);
    let everything = token(&world, EVERYTHING);
    let folder = world.path().join("older");
    std::fs::create_dir(&folder).expect("a folder");
    let file = folder.join("v41.sqlite");
    make_v41(&file);
    std::fs::write(folder.join("broken.sqlite"), "SQLite format 3\0 and then nothing").expect("a file");
    std::fs::write(world.path().join("outside.json"), V3).expect("a file");
    let before = state(&file);
    let ask = json!({"kind": "v41_sqlite", "path": "v41.sqlite"});
    let served = Served::new(&world);
    let refused = served.post(IMPORT, &everything, &ask);
    assert_eq!((refused.status, refused.code().as_str()), (409, "import-refused"), "no folder is allowed: {refused:?}");
    drop(served);
    world.set("EXHIBIT_AGENTS__IMPORT__FOLDER", folder.to_str().expect("text"));
    let some = token(&world, "read,ingest,control");
    let served = Served::new(&world);
    assert_eq!(served.post(IMPORT, &some, &ask).status, 403, "only who administers may");
    for path in ["/v1/agents/import/reports", "/v1/agents/import/reports/x", "/v1/agents/import/drift"] {
        assert_eq!(served.get(path, &some).status, 403, "{path}");
    }
    for (kind, path) in [
        ("v3_json", "../outside.json"),
        ("v3_json", "v41.sqlite"),
        ("v41_sqlite", "nothing.sqlite"),
        ("v41_sqlite", "broken.sqlite"),
        ("v41_sqlite", "."),
    ] {
        let refused = served.post(IMPORT, &everything, &json!({"kind": kind, "path": path}));
        assert_eq!((refused.status, refused.code().as_str()), (409, "import-refused"), "{path}: {refused:?}");
    }
    assert_eq!(served.post(IMPORT, &everything, &json!({"kind": "v5", "path": "v41.sqlite"})).status, 400);
    let mut dry = ask.clone();
    dry["dryRun"] = json!(true);
    let planned = given(&served.post(IMPORT, &everything, &dry));
    let numbers = |report: &Value| ["read", "written", "skipped", "errors"].map(|name| report[name].as_u64());
    assert_eq!(numbers(&planned), [14, 14, 0, 0].map(Some), "{planned}");
    assert!(planned["reportId"].is_null() && planned["parityOk"].is_null(), "{planned}");
    assert_eq!(given(&served.get("/api/v3/ledger", &everything))["total"], 0, "a dry run writes nothing");
    let first = given(&served.post(IMPORT, &everything, &ask));
    assert_eq!((numbers(&first), &first["parityOk"]), ([14, 14, 0, 0].map(Some), &json!(true)), "{first}");
    let again = given(&served.post(IMPORT, &everything, &ask));
    assert_eq!((numbers(&again), &again["rows"][0]["reason"]), ([14, 0, 14, 0].map(Some), &json!("identical")));
    // A page of the rows, and the rest of them.
    let id = again["reportId"].as_str().expect("an id");
    let page = given(&served.get(&format!("/v1/agents/import/reports/{id}?limit=10"), &everything));
    let next = page["next"].as_str().expect("a cursor");
    let rest = given(&served.get(&format!("/v1/agents/import/reports/{id}?limit=10&cursor={next}"), &everything));
    let rows = |detail: &Value| detail["rows"].as_array().expect("rows").clone();
    assert_eq!([rows(&page), rows(&rest)].concat(), rows(&again));
    assert!(rest["next"].is_null(), "{rest}");
    let listed = given(&served.get("/v1/agents/import/reports?limit=1", &everything));
    let next = listed["next"].as_str().expect("a cursor");
    let second = given(&served.get(&format!("/v1/agents/import/reports?limit=1&cursor={next}"), &everything));
    assert_eq!([&listed, &second].map(|page| &page["items"][0]["reportId"]), [&again["reportId"], &first["reportId"]]);
    assert_eq!(state(&file), before);
    assert_eq!(std::fs::read_dir(&folder).expect("a folder").count(), 2, "nothing lies beside it");
}

fn ag_09_the_program_takes_files_over_as_a_server_does(backend: Backend) {
    let world = World::new(backend);
    let (file, document) = keep_v3(&world);
    let path = file.to_str().expect("text");
    let dry = world.json(&["agents", "import", "json", path, "--dry-run"]);
    assert_eq!((&dry["written"], &dry["dryRun"]), (&json!(18), &json!(true)));
    let told = world.ok(&["agents", "import", "json", path]);
    assert!(
        told.starts_with("18 rows read: 18 written, 0 skipped, 0 refused\nthe sums are those of the file\n"),
        "{told}"
    );
    let again = world.json(&["agents", "import", "json", path]);
    assert_eq!((&again["written"], &again["skipped"]), (&json!(0), &json!(18)));
    let listed = world.json(&["agents", "import", "report"]);
    assert_eq!(
        (listed["items"].as_array().map(Vec::len), &listed["items"][0]["reportId"]),
        (Some(2), &again["reportId"])
    );
    let id = again["reportId"].as_str().expect("an id");
    assert_eq!(world.json(&["agents", "import", "report", id]), again);
    assert_eq!(world.exhibit(&["agents", "import", "report", "imp_nothing"]).code, 2);
    world.ok(&["agents", "import", "drift"]);
    let mut other = document;
    other["ledger"][0]["status"] = json!("banana");
    std::fs::write(&file, other.to_string()).expect("a file");
    let drifted = world.exhibit(&["agents", "import", "drift"]);
    assert_eq!((drifted.code, drifted.stdout.contains("changed")), (1, true), "{drifted:?}");
    let partial = world.exhibit(&["agents", "import", "json", path]);
    assert_eq!((partial.code, partial.stdout.contains("status unsupported value")), (3, true), "{partial:?}");
    let older = world.path().join("v41.sqlite");
    make_v41(&older);
    let older = older.to_str().expect("text");
    assert_eq!(world.exhibit(&["agents", "import", "json", older]).code, 2, "it is no JSON");
    assert_eq!(world.exhibit(&["agents", "import", "sqlite", path]).code, 2, "it is no database");
    let taken = world.json(&["agents", "import", "sqlite", older, "--replace"]);
    // Its rules stand since the other file and say something else there: they are replaced, too.
    assert_eq!((&taken["errors"], &taken["parityOk"]), (&json!(0), &json!(true)), "{taken}");
}

fn imports_are_ordered_and_told_on_a_server_as_on_the_home(backend: Backend) {
    let mut world = World::new(backend);
    let folder = world.path().join("older");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::write(folder.join("v3.json"), V3).expect("a file");
    make_v41(&folder.join("v41.sqlite"));
    world.set("EXHIBIT_AGENTS__IMPORT__FOLDER", folder.to_str().expect("text"));
    let far = Far::new(world);
    // A server looks below its own folder, whatever lies where the program is asked.
    let dry = far.json(&["agents", "import", "sqlite", "v41.sqlite", "--dry-run"]);
    assert_eq!((&dry["written"], &dry["dryRun"]), (&json!(14), &json!(true)));
    assert_eq!(far.json(&["agents", "import", "json", "v3.json"])["written"], 18);
    let again = far.json(&["agents", "import", "json", "v3.json"]);
    assert_eq!((&again["written"], &again["skipped"]), (&json!(0), &json!(18)));
    let id = again["reportId"].as_str().expect("an id");
    far.says_the_same(&["agents", "import", "report"]);
    far.says_the_same(&["agents", "import", "report", id]);
    far.says_the_same(&["agents", "import", "drift"]);
    std::fs::write(folder.join("v3.json"), "{}").expect("a file");
    far.says_the_same(&["agents", "import", "drift"]);
    let refused = far.exhibit(&["agents", "import", "json", "v3.json"]);
    assert!(refused.code != 0 && refused.stderr.contains("no array `ledger`"), "{refused:?}");
}
