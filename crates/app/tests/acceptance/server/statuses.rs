//! Every status that a route says it can give, given by the real server.

mod agents;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::Write as _;
use std::time::Instant;

use serde_json::{Value, json};

use super::client::{Answer, connect, read};
use super::control::gateway;
use super::{Served, token};
use crate::world::{Backend, PATIENCE, World, items, text};

both_backends! {
    every_status_of_the_document_is_given,
}

/// What any route can answer before it is asked, or when something else fails: shown once each in `access`, `origin`, `hostile` and `life`.
const ANYWHERE: [u16; 5] = [403, 421, 429, 500, 503];

/// A route and a status.
type Given = (String, u16);

/// Asks, and notes what was answered.
struct Client<'a> {
    served: &'a Served,
    token: String,
    seen: &'a RefCell<BTreeSet<Given>>,
}

impl Client<'_> {
    /// `route` is as in the document, `path` what is asked for.
    #[track_caller]
    fn ask(&self, route: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let mut lines = vec![("content-type", "application/json"), ("authorization", bearer.as_str())];
        lines.retain(|(name, _)| !headers.iter().any(|(other, _)| other == name));
        lines.extend(headers.iter().filter(|(_, value)| !value.is_empty()).copied());
        let method = route.split(' ').next().expect("a method");
        let answer = self.served.ask(method, path, &lines, body);
        self.seen.borrow_mut().insert((route.to_owned(), answer.status));
        answer
    }

    #[track_caller]
    fn get(&self, route: &str, path: &str, wanted: u16) -> Answer {
        let answer = self.ask(&format!("GET {route}"), path, &[], "");
        assert_eq!(answer.status, wanted, "{path}: {answer:?}");
        answer
    }

    #[track_caller]
    fn post(&self, route: &str, path: &str, body: &Value, wanted: u16) -> Answer {
        let answer = self.ask(&format!("POST {route}"), path, &[], &body.to_string());
        assert_eq!(answer.status, wanted, "{path} {body}: {answer:?}");
        answer
    }

    /// What takes long enough to be met: the second of two that are begun is refused.
    #[track_caller]
    fn twice(&self, route: &str, path: &str, body: &Value) {
        let mut met = false;
        for _ in 0..200 {
            let answers = [(); 2].map(|()| self.ask(&format!("POST {route}"), path, &[], &body.to_string()).status);
            assert!(answers.iter().all(|status| [202, 409].contains(status)), "{path}: {answers:?}");
            met = answers == [202, 409];
            if met {
                break;
            }
        }
        assert!(met, "{path} never met itself");
    }

    /// Begins what can only be done alone, once what goes on is over; the answer.
    #[track_caller]
    fn until_begun(&self, path: &str, body: &Value) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.ask(&format!("POST {path}"), path, &[], &body.to_string());
            if answer.status != 409 {
                assert_eq!(answer.status, 202, "{path}: {answer:?}");
                return answer.json();
            }
            assert!(Instant::now() < deadline, "{path} is never over");
        }
    }
}

/// What the document promises, but for what can happen anywhere.
fn promised(document: &Value) -> BTreeSet<Given> {
    let mut promised = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            // What is asked for can only be wrong where something is asked for.
            let asks = !operation["requestBody"].is_null()
                || operation["parameters"].as_array().is_some_and(|list| list.iter().any(|one| one["in"] == "query"));
            for status in operation["responses"].as_object().expect("responses").keys() {
                let status: u16 = status.parse().expect("a status");
                if !ANYWHERE.contains(&status) && (status != 400 || asks) {
                    promised.insert((format!("{} {path}", method.to_ascii_uppercase()), status));
                }
            }
        }
    }
    promised
}

/// Nothing is there under such names.
fn with_unknown_names(path: &str) -> String {
    let part = |part: &str| if part.starts_with('{') { "nothing" } else { part }.to_owned();
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

fn every_status_of_the_document_is_given(backend: Backend) {
    let mut world = World::new(backend);
    world.sample(4, 1);
    let run = text(&world.json(&["run", "basics"])["run"]);
    let failing = text(&world.json(&["run", "noop", "--set", "noop.fail_every=2"])["run"]);
    let sandbox = text(&world.json(&["run", "noop", "--policy", "sandbox"])["run"]);
    let allowed = world.path().join("allowed");
    std::fs::create_dir_all(allowed.join("more")).expect("a folder");
    std::fs::write(allowed.join("more/a.txt"), "a").expect("a file");
    world.set("EXHIBIT_SERVER__SOURCES_ALLOWED", &json!([allowed]).to_string());
    std::fs::write(allowed.join("v3.json"), json!({"ledger": []}).to_string()).expect("a file");
    world.set("EXHIBIT_AGENTS__IMPORT__FOLDER", allowed.to_str().expect("text"));
    let all = token(&world, "read,ingest,control,admin");
    let _gateway = gateway(&mut world, &[]);
    let served = Served::new(&world);
    let seen = RefCell::new(BTreeSet::new());
    let client = Client { served: &served, token: all.clone(), seen: &seen };
    let document = client.get("/openapi.json", "/openapi.json", 200).json();
    let promised = promised(&document);
    assert!(promised.len() > 200, "only {}", promised.len());
    wrong_requests(&client, &promised);
    what_is_there(&client, &world, &run);
    what_changes(&client, &world, (&run, &failing, &sandbox), &allowed);
    agents::answer(&client);
    logins(&client, &all);
    drop(served);
    world.set("EXHIBIT_ENGINE__DISK_RESERVE", "99%");
    let full = Served::new(&world);
    Client { served: &full, token: all, seen: &seen }.post("/v1/exports", "/v1/exports", &json!({}), 507);
    let missing: Vec<&Given> = promised.iter().filter(|given| !seen.borrow().contains(*given)).collect();
    assert!(missing.is_empty(), "promised and never given: {missing:#?}");
}

/// What is wrong in the same way everywhere: nobody, rubbish, too much, too slow, another type, another name.
fn wrong_requests(client: &Client<'_>, promised: &BTreeSet<Given>) {
    let host = &client.served.host;
    let mut slow = Vec::new();
    for (route, status) in promised {
        let (method, path) = route.split_once(' ').expect("a method and a path");
        let path = with_unknown_names(path);
        let ask = |headers: &[(&str, &str)], body: &str| client.ask(route, &path, headers, body).status;
        let given = match (status, method) {
            (401, _) if path != "/login" && !(method == "POST" && path == "/v1/session") => {
                ask(&[("authorization", "")], if method == "GET" { "" } else { "{}" })
            }
            // Older clients may send parameters that nobody knows; a wrong zone is wrong for them, too.
            (400, "GET") if path.starts_with("/api/") => {
                client.ask(route, &format!("{path}?tz=Nowhere&include=nothing"), &[], "").status
            }
            (400, "GET") => client.ask(route, &format!("{path}?nonsense=1"), &[], "").status,
            // In a batch each document is refused by itself, so only a body that cannot be read is refused as a whole.
            (400, _) if path.ends_with("/ingest/batch") => ask(&[("content-encoding", "gzip")], "{}"),
            // Telemetry may hold what we do not know; and what is changed has to be there before its fields are looked at.
            (400, _) if agents::takes_in(&path) || method == "PATCH" => ask(&[], "{"),
            (400, _) => ask(&[], r#"{"nonsense":1}"#),
            // What is taken in may be packed in one way only.
            (415, _) if agents::takes_in(&path) => ask(&[("content-encoding", "br")], "{}"),
            (413, _) => ask(&[], &agents::too_large(&path)),
            (415, _) => ask(&[("content-type", "text/plain")], "{}"),
            (408, _) => {
                let mut connection = connect(host);
                let head =
                    format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {}\r\n", client.token);
                let rest = "content-type: application/json\r\ncontent-length: 20\r\n\r\n{";
                connection.write_all(format!("{head}{rest}").as_bytes()).expect("a beginning");
                slow.push((route, connection));
                continue;
            }
            _ => continue,
        };
        assert_eq!(given, *status, "{route}");
    }
    for (route, mut connection) in slow {
        let answer = read(&mut connection).expect("an answer");
        assert_eq!(answer.status, 408, "{route}: {answer:?}");
        client.seen.borrow_mut().insert((route.clone(), 408));
    }
    let run = "run_00000000000000000000000000";
    for (route, body) in [
        ("/v1/clean", json!({ "run": run })),
        ("/v1/collections", json!({ "name": "x", "run": run, "state": "failed" })),
        ("/v1/exports", json!({ "collection": "nothing" })),
        ("/v1/runs", json!({ "pipeline": "nothing" })),
        ("/v1/verify", json!({ "artifacts": ["nothing"] })),
        ("/v1/agents/alerts/rules/{rule_id}/ack", json!({})),
        ("/v1/agents/alerts/rules/{rule_id}/silence", json!({ "seconds": 1 })),
        ("/v1/artifacts/{id}/replay", json!({})),
        ("/v1/jobs/{id}/cancel", json!({})),
        ("/v1/runs/{id}/cancel", json!({})),
        ("/v1/runs/{id}/pause", json!({})),
        ("/v1/runs/{id}/promote", json!({})),
        ("/v1/runs/{id}/resume", json!({})),
        ("/v1/runs/{id}/retry", json!({})),
        ("/v1/sources/{name}/scan", json!({})),
        ("/v1/sources/{name}/move", json!({ "root": "/" })),
    ] {
        client.post(route, &with_unknown_names(route), &body, 404);
    }
    for (route, query) in [
        ("/v1/assets", "?after=nothing".to_owned()),
        ("/v1/clean", format!("?run={run}")),
        ("/v1/events", format!("?run={run}")),
        ("/v1/timeline/neighbours", "?asset=nothing".to_owned()),
        ("/v1/runs/{id}/units", "?state=failed".to_owned()),
    ] {
        client.get(route, &format!("{}{query}", with_unknown_names(route)), 404);
    }
    for (route, _) in promised.iter().filter(|(route, status)| *status == 404 && route.starts_with("GET ")) {
        let path = route.strip_prefix("GET ").expect("a path");
        if path.contains('{') && !path.ends_with("/units") {
            client.get(path, &with_unknown_names(path), 404);
        }
    }
    assert_eq!(client.ask("DELETE /v1/collections/{name}", "/v1/collections/nothing", &[], "").status, 404);
}

/// What can be looked at, and the bytes that are delivered whole, in part, or not again.
fn what_is_there(client: &Client<'_>, world: &World, run: &str) {
    let thumbnail = world.artifacts(run).into_iter().find(|artifact| artifact["kind"] == "image.thumbnail");
    let artifact = text(&thumbnail.as_ref().expect("a thumbnail")["artifact_id"]);
    let asset = text(&thumbnail.expect("a thumbnail")["asset_id"]);
    let source = text(&items(world.json(&["sources"]))[0]["name"]);
    let other = text(&items(world.json(&["runs"]))[1]["run"]);
    let timeline = client.get("/v1/timeline", "/v1/timeline", 200).json();
    let bucket = text(&timeline["buckets"][0]["bucket"]);
    let export = client.served.job("/v1/exports", &client.token, &json!({ "assets": [asset] }));
    let job = text(&export["job"]);
    for (route, path) in [
        ("/v1/artifacts/{id}", format!("/v1/artifacts/{artifact}")),
        ("/v1/assets/{id}", format!("/v1/assets/{asset}")),
        ("/v1/collections/{name}", "/v1/collections/all".to_owned()),
        ("/v1/filters", "/v1/filters?text=type:image".to_owned()),
        ("/v1/jobs/{id}", format!("/v1/jobs/{job}")),
        ("/v1/pipelines/{name}", "/v1/pipelines/basics".to_owned()),
        ("/v1/runs/{id}", format!("/v1/runs/{run}")),
        ("/v1/runs/{id}/artifacts", format!("/v1/runs/{run}/artifacts")),
        ("/v1/runs/{id}/compare/{other}", format!("/v1/runs/{run}/compare/{other}")),
        ("/v1/runs/{id}/units", format!("/v1/runs/{run}/units?state=done")),
        ("/v1/sources/{name}/outcomes", format!("/v1/sources/{source}/outcomes")),
        ("/v1/timeline/neighbours", format!("/v1/timeline/neighbours?asset={asset}")),
        ("/v1/timeline/{bucket}", format!("/v1/timeline/{bucket}")),
    ] {
        client.get(route, &path, 200);
    }
    let plain = ["healthz", "readyz", "metrics"].map(|name| format!("/{name}"));
    let lists = [
        "assets",
        "audit",
        "clean",
        "collections",
        "doctor",
        "events",
        "extractors",
        "jobs",
        "ledger",
        "me",
        "pipelines",
    ];
    let more = ["runs", "scans", "settings", "sources", "status"];
    for path in plain.into_iter().chain(lists.iter().chain(&more).map(|name| format!("/v1/{name}"))) {
        client.get(&path, &path, 200);
    }
    for (route, path, in_parts) in [
        ("/v1/artifacts/{id}/blob", format!("/v1/artifacts/{artifact}/blob"), true),
        ("/v1/artifacts/{id}/lineage", format!("/v1/artifacts/{artifact}/lineage"), false),
        ("/v1/assets/{id}/original", format!("/v1/assets/{asset}/original"), true),
        ("/v1/assets/{id}/thumbnail", format!("/v1/assets/{asset}/thumbnail"), true),
        ("/v1/exports/{job}/file", format!("/v1/exports/{job}/file"), true),
    ] {
        let whole = client.get(route, &path, 200);
        let etag = whole.header("etag").expect("a tag").to_owned();
        let with = |header: (&str, &str)| client.ask(&format!("GET {route}"), &path, &[header], "").status;
        assert_eq!(with(("if-none-match", &etag)), 304, "{path}");
        if in_parts {
            assert_eq!((with(("range", "bytes=0-3")), with(("range", "bytes=999999999-"))), (206, 416), "{path}");
        }
    }
}

/// What can be done, and what is not possible as things are.
fn what_changes(
    client: &Client<'_>,
    world: &World,
    (run, failing, sandbox): (&str, &str, &str),
    allowed: &std::path::Path,
) {
    let thumbnail = world.artifacts(run).into_iter().find(|artifact| artifact["kind"] == "image.thumbnail");
    let artifact = text(&thumbnail.expect("a thumbnail")["artifact_id"]);
    let source = text(&items(world.json(&["sources"]))[0]["name"]);
    let note = client.served.json("/v1/ledger", &client.token);
    let asked = json!({ "note": note["note"], "key": note["key"] });
    client.post("/v1/ledger/check", "/v1/ledger/check", &asked, 200);
    let stranger = World::new(Backend::Sqlite).json(&["ledger", "key"]);
    let asked = json!({ "note": note["note"], "key": stranger["key"] });
    client.post("/v1/ledger/check", "/v1/ledger/check", &asked, 409);

    let named = json!({ "name": "some", "filter": "type:image" });
    client.post("/v1/collections", "/v1/collections", &named, 201);
    client.post("/v1/collections", "/v1/collections", &json!({ "name": "some", "filter": "type:video" }), 409);
    let delete =
        |name: &str| client.ask("DELETE /v1/collections/{name}", &format!("/v1/collections/{name}"), &[], "").status;
    assert_eq!((delete("all"), delete("some")), (409, 200));

    let order = |verb: &str, run: &str, wanted: u16| {
        client.post(&format!("/v1/runs/{{id}}/{verb}"), &format!("/v1/runs/{run}/{verb}"), &json!({}), wanted)
    };
    for verb in ["cancel", "pause", "resume", "retry", "promote"] {
        let done = if verb == "retry" { sandbox } else { failing };
        order(verb, done, 409);
    }
    order("promote", sandbox, 200);
    order("retry", failing, 200);
    client.served.until(&client.token, failing, |status| status.state == "partial");
    let long = json!({ "pipeline": "noop", "set": ["noop.sleep_ms=200"], "recompute": true });
    let begun = text(&client.post("/v1/runs", "/v1/runs", &long, 201).json()["run"]);
    order("pause", &begun, 200);
    client.served.until(&client.token, &begun, |status| status.state == "paused");
    order("resume", &begun, 200);
    order("cancel", &begun, 200);
    client.post(
        "/v1/runs",
        "/v1/runs",
        &json!({ "pipeline": "noop", "collection": "all", "filter": "type:image" }),
        400,
    );

    client.twice("/v1/verify", "/v1/verify", &json!({}));
    client.twice("/v1/exports", "/v1/exports", &json!({}));
    client.twice("/v1/artifacts/{id}/replay", &format!("/v1/artifacts/{artifact}/replay"), &json!({}));
    client.get("/v1/clean", &format!("/v1/clean?run={run}"), 409);
    client.post("/v1/clean", "/v1/clean", &json!({ "run": run }), 409);
    client.post("/v1/clean", "/v1/clean", &json!({}), 202);
    let job = text(&items(client.served.json("/v1/jobs", &client.token))[0]["job"]);
    client.post("/v1/jobs/{id}/cancel", &format!("/v1/jobs/{job}/cancel"), &json!({}), 200);

    client.post("/v1/sources", "/v1/sources", &json!({ "root": "/" }), 409);
    client.post("/v1/sources", "/v1/sources", &json!({ "root": allowed.join("more") }), 202);
    client.twice("/v1/sources/{name}/scan", &format!("/v1/sources/{source}/scan"), &json!({}));
    let mover = |to: &std::path::Path, wanted: u16| {
        let path = format!("/v1/sources/{source}/move");
        client.post("/v1/sources/{name}/move", &path, &json!({ "root": to }), wanted)
    };
    mover(std::path::Path::new("/"), 409);
    std::fs::rename(world.archive(), allowed.join("moved")).expect("a moved folder");
    mover(&allowed.join("moved"), 200);
}

/// Sessions are opened by links and tokens, and ended by their cookie alone.
fn logins(client: &Client<'_>, token: &str) {
    let nobody = ("authorization", "");
    let link = client.served.link.as_deref().expect("a link");
    let at = link.find("/login").expect("a path");
    let first = client.ask("GET /login", &link[at..], &[nobody], "");
    assert_eq!(first.status, 303, "{first:?}");
    assert_eq!(client.ask("GET /login", &link[at..], &[nobody], "").status, 401, "a link is good once");
    let open = |token: &str| {
        let body = json!({ "token": token }).to_string();
        client.ask("POST /v1/session", "/v1/session", &[nobody], &body)
    };
    assert_eq!(open("nonsense").status, 401);
    let cookie = open(token).cookie();
    let end = |headers: &[(&str, &str)]| client.ask("DELETE /v1/session", "/v1/session", headers, "").status;
    assert_eq!(end(&[]), 409, "a token is no session");
    assert_eq!(end(&[nobody, ("cookie", &cookie)]), 204);
}
