//! How it starts, and how it says that it cannot: alive, not ready, with the reason, and nothing changed.

use std::time::Instant;

use super::{Served, token};
use crate::world::{Backend, PATIENCE, World};

/// Waits until `/readyz` says something else than that it has just begun; the body.
#[track_caller]
fn reason(served: &Served) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = served.ask("GET", "/readyz", &[], "");
        let text = answer.text();
        if text != r#"{"status":"not_ready","reason":"starting"}"# {
            return text;
        }
        assert!(Instant::now() < deadline, "it neither opens nor says why not");
        std::thread::yield_now();
    }
}

/// AG-02: the same reason and the same bytes at each start; alive, and everything else is told in its own words.
#[track_caller]
fn is_kept_from_opening(world: &World, word: &str) {
    for _ in 0..2 {
        let served = Served::early(world);
        assert_eq!(reason(&served), format!(r#"{{"status":"not_ready","reason":"{word}"}}"#));
        let health = served.ask("GET", "/healthz", &[], "");
        assert_eq!((health.status, health.text().as_str()), (200, r#"{"status":"ok"}"#));
        let ledger = served.ask("GET", "/api/v3/ledger", &[], "");
        assert_eq!((ledger.status, ledger.text().as_str()), (503, r#"{"error":"Service is not ready"}"#));
        assert_eq!(ledger.header("retry-after"), Some("1"));
        let ingest = served.ask("POST", "/api/v3/ingest/session", &[], "{}");
        let body = r#"{"error":{"code":"NOT_READY","message":"NOT READY","details":[]}}"#;
        assert_eq!((ingest.status, ingest.text().as_str()), (503, body));
        assert_eq!(served.ask("GET", "/v1/assets", &[], "").code(), "not-ready");
    }
}

#[test]
fn ag_02_a_path_that_cannot_be_is_told_and_not_made() {
    let mut world = World::new(Backend::Sqlite);
    let missing = world.path().join("missing");
    world.set("HELICARRIER_DB_PATH", missing.join("sessions.sqlite").to_str().expect("text"));
    is_kept_from_opening(&world, "db_path_invalid");
    assert!(!missing.exists(), "nothing is created");
    world.set("HELICARRIER_DB_PATH", world.path().to_owned().to_str().expect("text"));
    is_kept_from_opening(&world, "db_path_invalid");
}

#[test]
fn ag_02_flags_are_read_alone_and_in_conflict() {
    let mut world = World::new(Backend::Sqlite);
    let own = world.path().join("own.sqlite");
    world.set("HELICARRIER_DB_PATH", own.to_str().expect("text"));
    world.ok(&["agents", "sessions", "list"]);
    assert!(own.exists(), "the flag alone names the file");
    world.set("EXHIBIT_STORE__SQLITE__PATH", own.to_str().expect("text"));
    world.ok(&["agents", "sessions", "list"]);
    world.set("EXHIBIT_STORE__SQLITE__PATH", world.path().join("other.sqlite").to_str().expect("text"));
    is_kept_from_opening(&world, "config_conflict");
    let told = world.exhibit(&["agents", "sessions", "list"]);
    let message = "exhibit: the environment variable HELICARRIER_DB_PATH and `store.sqlite.path` say different things; leave one of them out\n";
    assert_eq!((told.code, told.stderr.as_str()), (2, message));
    let mut world = World::new(Backend::Sqlite);
    world.set("HELICARRIER_ENABLE_SQLITE", "true");
    world.ok(&["agents", "sessions", "list"]);
    world.set("HELICARRIER_ENABLE_SQLITE", "false");
    is_kept_from_opening(&world, "no_store");
    world.set("HELICARRIER_ENABLE_SQLITE", "yes");
    is_kept_from_opening(&world, "config_invalid");
    let mut world = World::new(Backend::Sqlite);
    world.set("HELICARRIER_ENABLE_JSON_IMPORT", "yes");
    is_kept_from_opening(&world, "config_invalid");
    world.set("HELICARRIER_ENABLE_JSON_IMPORT", "true");
    world.ok(&["agents", "sessions", "list"]);
    world.set("EXHIBIT_AGENTS__IMPORT__AT_START", "true");
    world.ok(&["agents", "sessions", "list"]);
    world.set("EXHIBIT_AGENTS__IMPORT__AT_START", "false");
    is_kept_from_opening(&world, "config_conflict");
}

/// AG-17: documents without an envelope are taken in when that was asked for, and only then.
#[test]
fn ag_17_bare_documents_need_the_flag() {
    let mut world = World::new(Backend::Sqlite);
    let token = token(&world, "read,ingest");
    let bare = serde_json::json!({"session": {
        "sessionId": "s", "agentId": "a", "modelId": "m", "state": "done", "startedAt": "2026-01-02T03:04:05Z", "old": 1}});
    let ask = |world: &World| Served::new(world).post("/api/v3/ingest/session", &token, &bare);
    assert_eq!(ask(&world).status, 400);
    world.set("HELICARRIER_CONTRACT_STRICT", "no");
    assert_eq!(ask(&world).status, 400, "only the one word opens it");
    world.set("HELICARRIER_CONTRACT_STRICT", "false");
    assert_eq!(ask(&world).status, 200);
    world.set("EXHIBIT_AGENTS__CONTRACT__ALLOW_BARE", "false");
    is_kept_from_opening(&world, "config_conflict");
}

#[test]
fn ag_02_a_configuration_that_cannot_be_is_told() {
    let mut world = World::new(Backend::Sqlite);
    world.set("EXHIBIT_ENGINE__WORKERS", "many");
    is_kept_from_opening(&world, "config_invalid");
}

#[test]
fn ag_04_a_database_of_another_program_is_left_alone() {
    let mut world = World::new(Backend::Sqlite);
    let foreign = world.path().join("v41.sqlite");
    let make = std::process::Command::new("sqlite3")
        .arg(&foreign)
        .arg("create table session_ledger (session_id text primary key, state text); insert into session_ledger values ('s', 'success');")
        .status();
    assert!(make.expect("sqlite3").success());
    let before = std::fs::read(&foreign).expect("a file");
    world.set("HELICARRIER_DB_PATH", foreign.to_str().expect("text"));
    is_kept_from_opening(&world, "db_foreign");
    assert_eq!(std::fs::read(&foreign).expect("a file"), before, "not a byte of it changed");
}

/// AG-05: a migration that fails, one that was edited, and a database of a newer version: told apart, rolled back, the process stays, the rows
/// can be read, and the version that fits goes on with them. What was to be migrated was copied before.
#[test]
fn ag_05_what_cannot_be_migrated_is_told_and_left_as_it_was() {
    let world = World::new(Backend::Sqlite);
    let token = token(&world, "read,ingest");
    let said = serde_json::json!({"envelope_version": "v1", "payload": {"session": {
        "sessionId": "kept", "agentId": "a", "modelId": "m", "state": "done", "startedAt": "2026-01-02T03:04:05Z"}}});
    assert_eq!(Served::new(&world).post("/api/v3/ingest/session", &token, &said).status, 200);
    let database = world.home().join("store.sqlite");
    let sqlite = |text: &str| -> String {
        let done = std::process::Command::new("sqlite3").args(["-batch", "-bail"]).arg(&database).arg(text).output();
        let done = done.expect("sqlite3");
        assert!(done.status.success(), "{text}: {done:?}");
        String::from_utf8(done.stdout).expect("text")
    };
    let history = "select room, version, name, hex(checksum), applied_at from schema_migrations order by room, version";
    let (applied, row) = (
        sqlite(history),
        "room = 'agents' and version = (select max(version) from schema_migrations where room = 'agents')",
    );
    sqlite("create table kept as select * from schema_migrations");
    for (tampered, word) in [
        (
            "insert into schema_migrations select room, version + 1, 'later', checksum, applied_at from schema_migrations where ",
            "db_newer",
        ),
        ("update schema_migrations set checksum = zeroblob(32) where ", "checksum_mismatch"),
        // Applied, and forgotten: its tables are there, so that it fails.
        ("delete from schema_migrations where ", "migration_failed"),
    ] {
        sqlite(&format!("{tampered}{row}"));
        let before = sqlite(history);
        is_kept_from_opening(&world, word);
        assert_eq!(sqlite(history), before, "{word}: rolled back");
        assert_eq!(sqlite("select session_id from session_ledger"), "kept\n");
        sqlite("delete from schema_migrations; insert into schema_migrations select * from kept");
        assert_eq!(sqlite(history), applied);
    }
    let copies = std::fs::read_dir(world.home()).expect("a folder").filter_map(Result::ok);
    let copies = copies.filter(|file| file.file_name().to_string_lossy().starts_with("store.sqlite.pre-agents-"));
    assert_eq!(copies.count(), 1, "of the one that was tried, and of nothing that was refused");
    sqlite("drop table kept");
    let served = Served::new(&world);
    assert_eq!(served.get("/api/v3/ledger/kept", &token).json()["ledger"]["status"], "success");
}
