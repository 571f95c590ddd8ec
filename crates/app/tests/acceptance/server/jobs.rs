//! Long work of the server that is no run: verify, replay, export, clean up; and what the ledger and the audit say.

use std::time::Instant;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::work::Events;
use super::{Served, token};
use crate::exports::tool;
use crate::world::{Backend, PATIENCE, World, items, text};

both_backends! {
    everything_is_verified_and_what_is_damaged_is_named,
    ar_10_an_artifact_is_made_again_over_http,
    ar_19_an_export_is_made_and_fetched_in_pieces,
    exports_that_cannot_be_made_say_why,
    a_job_is_followed_by_events_and_stopped_without_a_trace,
    what_had_its_time_goes_after_a_plan,
    the_ledger_extends_its_checkpoint_over_http,
    ar_21_a_source_that_moved_keeps_its_catalog_over_http,
    the_audit_is_for_administrators,
}

impl Served {
    /// Begins a job and waits for its end.
    #[track_caller]
    pub fn job(&self, path: &str, token: &str, body: &Value) -> Value {
        let begun = self.post(path, token, body);
        assert_eq!(begun.status, 202, "{path}: {}", begun.text());
        let begun = begun.json();
        assert_eq!((&begun["state"], &begun["result"]), (&json!("running"), &Value::Null), "{begun}");
        self.job_ends(&text(&begun["job"]), token)
    }

    #[track_caller]
    fn job_ends(&self, id: &str, token: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let job = self.json(&format!("/v1/jobs/{id}"), token);
            if job["state"] != "running" {
                return job;
            }
            assert!(Instant::now() < deadline, "the job does not end: {job}");
        }
    }
}

fn with_a_run(backend: Backend) -> (World, Served, String, String) {
    let world = World::new(backend);
    world.sample(4, 1);
    let run = text(&world.json(&["run", "basics"])["run"]);
    let token = token(&world, "read,control,admin");
    let served = Served::new(&world);
    (world, served, token, run)
}

fn artifact_with_a_blob(world: &World, run: &str) -> (String, String) {
    let thumbnail = world.artifacts(run).into_iter().find(|artifact| artifact["kind"] == "image.thumbnail");
    let id = text(&thumbnail.expect("a thumbnail")["artifact_id"]);
    let blob = text(&world.json(&["explain", &id])["artifact"]["blob"]["sha256"]);
    (id, blob)
}

/// The report of the command line, with progress; a blob that is gone is found by the next check.
fn everything_is_verified_and_what_is_damaged_is_named(backend: Backend) {
    let (world, served, token, run) = with_a_run(backend);
    let job = served.job("/v1/verify", &token, &json!({}));
    assert_eq!((&job["what"], &job["state"], &job["unit"]), (&json!("verify"), &json!("done"), &json!("records")));
    assert_eq!(job["result"], world.json(&["verify"]), "{job}");
    assert_eq!(job["done"], job["total"]);
    assert!(job["total"].as_u64() > job["result"]["records"].as_u64(), "blobs count, too: {job}");
    let (id, blob) = artifact_with_a_blob(&world, &run);
    let one = served.job("/v1/verify", &token, &json!({ "artifacts": [id] }));
    assert_eq!(
        (&one["subject"], &one["result"]["records"], &one["result"]["blobs"]),
        (&json!(id), &json!(1), &json!(1))
    );
    let hex = blob.strip_prefix("sha256:").unwrap_or(&blob).to_owned();
    let found = tool(&world.home(), "find", &["blobs", "-name", &format!("*{}*", &hex[8..])]);
    std::fs::remove_file(world.home().join(found.trim())).expect("a blob less");
    let damaged = served.job("/v1/verify", &token, &json!({}));
    assert_eq!(damaged["state"], "done", "damage is a finding, not a failure of the check");
    assert_eq!(
        (&damaged["result"]["problem_count"], &damaged["result"]["problems"][0]["code"]),
        (&json!(1), &json!("blob_missing"))
    );
    let without = served.job("/v1/verify", &token, &json!({ "blobs": false }));
    assert_eq!(without["result"]["problem_count"], 0);
    for (body, status, code) in [
        (json!({ "artifacts": ["art_00000000000000000000000000.0.0"] }), 404, "not-found"),
        (json!({ "artifacts": ["rubbish"] }), 404, "not-found"),
        (json!({ "artifacts": vec![id; 1_001] }), 400, "body-invalid"),
        (json!({ "everything": true }), 400, "body-invalid"),
    ] {
        let refused = served.post("/v1/verify", &token, &body);
        assert_eq!((refused.status, refused.code().as_str()), (status, code), "{}", refused.text());
    }
    let listed = items(served.json("/v1/jobs", &token));
    let subjects: Vec<&Value> = listed.iter().map(|job| &job["subject"]).collect();
    assert_eq!(
        subjects,
        [&json!("everything but the bytes of blobs"), &json!("everything"), &one["subject"], &json!("everything")]
    );
    assert!(listed.iter().all(|job| job["result"].is_null()), "lists say only where a job stands");
    let ended = served.post(&format!("/v1/jobs/{}/cancel", text(&one["job"])), &token, &json!({}));
    assert_eq!((ended.status, ended.json()), (200, one), "one that has ended stays as it is");
    assert_eq!(served.get("/v1/jobs/nothing", &token).status, 404);
    assert_eq!(served.post("/v1/jobs/nothing/cancel", &token, &json!({})).status, 404);
}

/// AR-10: the same bytes, and nothing is written.
fn ar_10_an_artifact_is_made_again_over_http(backend: Backend) {
    let (world, served, token, run) = with_a_run(backend);
    let (id, _) = artifact_with_a_blob(&world, &run);
    let before = world.json(&["verify"]);
    let job = served.job(&format!("/v1/artifacts/{id}/replay"), &token, &json!({}));
    assert_eq!((&job["state"], &job["result"]["identical"]), (&json!("done"), &json!(true)), "{job}");
    assert_eq!(job["result"], world.json(&["replay", &id]));
    assert_eq!(world.json(&["verify"]), before);
    let path = text(&world.json(&["explain", &id])["original"]["paths"][0]["path"]);
    std::fs::write(world.archive().join(path), "another picture").expect("a changed original");
    let failed = served.job(&format!("/v1/artifacts/{id}/replay"), &token, &json!({}));
    assert_eq!((&failed["state"], &failed["problem"]["status"]), (&json!("failed"), &json!(409)), "{failed}");
    assert_eq!(served.post("/v1/artifacts/art_1.1.1/replay", &token, &json!({})).status, 404);
}

/// AR-19: what is fetched over HTTP is what `exhibit export` makes, and anyone can check it. It goes with the server.
fn ar_19_an_export_is_made_and_fetched_in_pieces(backend: Backend) {
    let (world, served, token, _) = with_a_run(backend);
    let job = served.job("/v1/exports", &token, &json!({ "collection": "all" }));
    assert_eq!((&job["state"], &job["result"]["target"]), (&json!("done"), &json!("exhibit-all.zip")), "{job}");
    let local = world.json(&["export", "--to", "local.zip"]);
    for field in ["assets", "originals", "facts", "blobs", "files", "failed", "root"] {
        assert_eq!(job["result"][field], local[field], "{field}");
    }
    let path = format!("/v1/exports/{}/file", text(&job["job"]));
    let whole = served.get(&path, &token);
    assert_eq!((whole.status, whole.header("content-type")), (200, Some("application/zip")));
    assert_eq!(whole.header("content-disposition"), Some("attachment; filename*=UTF-8''exhibit-all.zip"), "{whole:?}");
    let bearer = format!("Bearer {token}");
    let range = served.ask("GET", &path, &[("authorization", &bearer), ("range", "bytes=100-299")], "");
    assert_eq!((range.status, range.body.as_slice()), (206, &whole.body[100..300]));
    std::fs::write(world.path().join("fetched.zip"), &whole.body).expect("a file");
    tool(world.path(), "unzip", &["-q", "fetched.zip", "-d", "fetched"]);
    tool(&world.path().join("fetched"), "sha256sum", &["--quiet", "-c", "manifest-sha256.txt"]);
    let facts = |zip: &str| tool(world.path(), "unzip", &["-p", zip, "facts.jsonl"]);
    assert_eq!(facts("fetched.zip"), facts("local.zip"));

    let one = text(&items(world.json(&["ls", "type:image/jpeg", "--limit", "1"]))[0]["asset_id"]);
    let some = served.job("/v1/exports", &token, &json!({ "assets": [one], "what": ["originals"] }));
    let counts = ["originals", "facts", "blobs"].map(|part| some["result"][part].as_u64());
    assert_eq!(
        (counts, &some["result"]["target"]),
        ([Some(1), Some(0), Some(0)], &json!("exhibit-selection.zip")),
        "{some}"
    );
    let filtered = served.job("/v1/exports", &token, &json!({ "filter": "type:video", "what": ["originals"] }));
    assert_eq!(filtered["result"]["assets"], items(world.json(&["ls", "type:video"])).len());
    assert_ne!(world.scratch(), Vec::<std::path::PathBuf>::new(), "they wait");
    served.running.signal(Signal::TERM);
    assert_eq!(served.running.wait().code, 0);
    assert_eq!(world.scratch(), Vec::<std::path::PathBuf>::new(), "they went with the server");
    let served = Served::new(&world);
    let gone = served.get(&path, &token);
    assert_eq!((gone.status, gone.code().as_str()), (404, "no-export"));
    // What a server that was killed leaves behind goes with the next work.
    served.job("/v1/exports", &token, &json!({ "assets": [one] }));
    served.running.kill();
    assert_ne!(world.scratch(), Vec::<std::path::PathBuf>::new());
    world.ok(&["run", "noop"]);
    assert_eq!(world.scratch(), Vec::<std::path::PathBuf>::new());
}

/// An export of a file that takes a while: it is stopped midway, everybody who listens hears of it, and nothing of it is left.
fn a_job_is_followed_by_events_and_stopped_without_a_trace(backend: Backend) {
    let world = World::new(backend);
    std::fs::create_dir_all(world.archive()).expect("a folder");
    // A hole on the disk of the archive; only the copy would take its room.
    let large = std::fs::File::create(world.archive().join("large.bin")).expect("a file");
    large.set_len(1 << 30).expect("a hole");
    world.scan();
    let token = token(&world, "read,control");
    let served = Served::new(&world);
    let mut events = Events::open(&served, &token, None);
    let begun = served.post("/v1/exports", &token, &json!({})).json();
    let id = text(&begun["job"]);
    let cancelled = served.post(&format!("/v1/jobs/{id}/cancel"), &token, &json!({}));
    assert_eq!(cancelled.status, 200, "{}", cancelled.text());
    let end = served.job_ends(&id, &token);
    assert_eq!((&end["state"], &end["result"], &end["problem"]), (&json!("cancelled"), &Value::Null, &Value::Null));
    assert!(end["done"].as_u64() < Some(1 << 30), "it was stopped midway: {end}");
    assert_eq!(served.get(&format!("/v1/exports/{id}/file"), &token).code(), "no-export");
    assert_eq!(world.scratch(), Vec::<std::path::PathBuf>::new());
    loop {
        let (name, _, data) = events.next();
        if name == "job" && data["state"] == "cancelled" {
            assert_eq!(data["job"], id);
            break;
        }
    }
}

fn exports_that_cannot_be_made_say_why(backend: Backend) {
    let mut world = World::new(backend);
    world.archive_of_small_files(3);
    let token = token(&world, "read,control");
    let served = Served::new(&world);
    for (body, status, code, pointer) in [
        (json!({ "collection": "nothing" }), 404, "not-found", None),
        (json!({ "assets": ["ast_nothing"] }), 404, "not-found", None),
        (json!({ "assets": [] }), 400, "body-invalid", Some("/assets")),
        (json!({ "collection": "all", "filter": "type:video" }), 400, "body-invalid", Some("")),
        (json!({ "filter": "typ:video" }), 400, "filter-invalid", Some("/filter")),
        (json!({ "what": [] }), 400, "body-invalid", Some("/what")),
        (json!({ "what": ["secrets"] }), 400, "body-invalid", None),
        (json!({ "to": "/tmp/elsewhere" }), 400, "body-invalid", None),
    ] {
        let answers = [(); 2].map(|()| served.post("/v1/exports", &token, &body));
        let [first, second] = &answers;
        assert_eq!((first.status, first.code().as_str()), (status, code), "{body}: {}", first.text());
        assert_eq!(first.body, second.body, "the same bytes each time");
        if let Some(pointer) = pointer {
            assert_eq!(first.json()["errors"][0]["pointer"], pointer, "{}", first.text());
        }
    }
    assert_eq!(items(served.json("/v1/jobs", &token)), Vec::<Value>::new());
    assert_eq!(served.get("/v1/exports/nothing/file", &token).status, 404);
    drop(served);
    world.set("EXHIBIT_ENGINE__DISK_RESERVE", "99%");
    let served = Served::new(&world);
    let full = served.post("/v1/exports", &token, &json!({}));
    assert_eq!((full.status, full.code().as_str()), (507, "no-space"), "{}", full.text());
}

/// First what would go, with counts; then it goes, and its tombstones verify.
fn what_had_its_time_goes_after_a_plan(backend: Backend) {
    let (world, served, token, counting) = with_a_run(backend);
    let run = text(&world.json(&["run", "noop", "--policy", "sandbox"])["run"]);
    let facts = world.artifacts(&run).len();
    assert!(facts > 0);
    let plan = served.json(&format!("/v1/clean?run={run}"), &token);
    assert_eq!((&plan["applied"], &plan["runs"][0]["records"]), (&json!(false), &json!(facts)), "{plan}");
    assert_eq!(plan, world.json(&["clean", "--run", &run]));
    assert_eq!(served.json("/v1/clean", &token)["runs"], json!([]), "its time has not come");
    assert_eq!(world.artifacts(&run).len(), facts, "a plan changes nothing");
    let job = served.job("/v1/clean", &token, &json!({ "run": run }));
    assert_eq!((&job["state"], &job["result"]["erased"]), (&json!("done"), &json!(facts)), "{job}");
    assert!(world.ok(&["run", "show", &run]).contains("sandbox: its results went"));
    for (method, path) in [("GET", format!("/v1/clean?run={counting}")), ("POST", "/v1/clean".to_owned())] {
        let refused = match method {
            "GET" => served.get(&path, &token),
            _ => served.post(&path, &token, &json!({ "run": counting })),
        };
        assert_eq!((refused.status, refused.code().as_str()), (409, "refused"), "{}", refused.text());
    }
    assert_eq!(served.get("/v1/clean?run=run_00000000000000000000000000", &token).status, 404);
    world.verify_clean();
}

fn the_ledger_extends_its_checkpoint_over_http(backend: Backend) {
    let (world, served, token, _) = with_a_run(backend);
    let checkpoint = served.json("/v1/ledger", &token);
    assert_eq!(checkpoint, world.json(&["ledger", "checkpoint"]));
    world.ok(&["run", "noop"]);
    let asked = json!({ "note": checkpoint["note"], "key": checkpoint["key"] });
    let extends = served.post("/v1/ledger/check", &token, &asked);
    assert_eq!((extends.status, &extends.json()["extends"]), (200, &json!(true)), "{}", extends.text());
    assert_eq!(extends.json()["checkpoint_root"], checkpoint["root"]);
    assert_ne!(extends.json()["root"], checkpoint["root"]);
    let other = World::new(backend);
    let stranger = other.json(&["ledger", "checkpoint"]);
    let note =
        |note: &Value, key: &Value| served.post("/v1/ledger/check", &token, &json!({ "note": note, "key": key }));
    for (answer, status, code) in [
        (note(&checkpoint["note"], &stranger["key"]), 409, "checkpoint-mismatch"),
        (note(&json!("rubbish"), &checkpoint["key"]), 400, "checkpoint-invalid"),
        (note(&checkpoint["note"], &json!("rubbish")), 400, "checkpoint-invalid"),
        (note(&json!("x".repeat(200_000)), &checkpoint["key"]), 413, "body-too-large"),
    ] {
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{}", answer.text());
    }
}

/// AR-21: a renamed mount, said over HTTP; never to a folder that the configuration does not allow, nor to one that looks otherwise.
fn ar_21_a_source_that_moved_keeps_its_catalog_over_http(backend: Backend) {
    let mut world = World::new(backend);
    world.archive_of_small_files(5);
    let allowed = world.path().join("allowed");
    std::fs::create_dir_all(allowed.join("another")).expect("a folder");
    world.set("EXHIBIT_SERVER__SOURCES_ALLOWED", &json!([allowed]).to_string());
    let (admin, control) = (token(&world, "read,control,admin"), token(&world, "read,control"));
    let served = Served::new(&world);
    let source = items(served.json("/v1/sources", &admin)).remove(0);
    let path = format!("/v1/sources/{}/move", text(&source["name"]));
    let to = |folder: &str| json!({ "root": allowed.join(folder) });
    std::fs::rename(world.archive(), allowed.join("moved")).expect("a moved folder");
    assert_eq!(served.post(&path, &control, &to("moved")).status, 403);
    for root in [json!({ "root": world.path() }), to("another"), to("nothing"), json!({ "root": world.home() })] {
        let refused = served.post(&path, &admin, &root);
        assert_eq!((refused.status, refused.code().as_str()), (409, "source-refused"), "{}", refused.text());
    }
    let moved = served.post(&path, &admin, &to("moved"));
    assert_eq!((moved.status, &moved.json()["found"]), (200, &json!(5)), "{}", moved.text());
    assert_eq!(
        text(&served.json("/v1/sources", &admin)["items"][0]["root"]),
        allowed.join("moved").display().to_string()
    );
    assert_eq!(served.post("/v1/sources/nothing/move", &admin, &to("moved")).status, 404);
}

fn the_audit_is_for_administrators(backend: Backend) {
    let (world, served, admin, run) = with_a_run(backend);
    assert_eq!(served.post(&format!("/v1/runs/{run}/promote"), &admin, &json!({})).status, 409);
    served.job("/v1/verify", &admin, &json!({}));
    let reader = token(&world, "read,control");
    assert_eq!(served.get("/v1/audit", &reader).status, 403);
    let whole = served.json("/v1/audit", &admin);
    assert_eq!(whole["items"], world.json(&["audit"])["items"]);
    let told: Vec<(&Value, &Value)> =
        whole["items"].as_array().expect("a list").iter().map(|line| (&line["route"], &line["status"])).collect();
    assert_eq!(told, [(&json!("/v1/verify"), &json!(202)), (&json!("/v1/runs/{id}/promote"), &json!(409))]);
    let first = served.json("/v1/audit?limit=1", &admin);
    let second = served.json(&format!("/v1/audit?limit=1&cursor={}", text(&first["next"])), &admin);
    assert_eq!((&first["items"][0], &second["items"][0]), (&whole["items"][0], &whole["items"][1]));
    assert_eq!(second["next"], Value::Null);
}
