//! The surface as a whole: the document that is committed, and a table over every route in it.

use std::path::PathBuf;

use serde_json::Value;

use super::{Served, token};
use crate::world::{Backend, World, text};

both_backends! {
    every_route_asks_for_its_scope,
    the_numbers_are_told,
}

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../schemas/openapi.json")
}

/// Sorted and indented, so that a change reads well.
fn document() -> String {
    let world = World::new(Backend::Sqlite);
    let answer = Served::new(&world).ask("GET", "/openapi.json", &[], "");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    serde_json::to_string_pretty(&answer.json()).expect("JSON") + "\n"
}

/// The surface changes only on purpose.
#[test]
fn the_document_is_what_was_committed() {
    let now = document();
    let committed = std::fs::read_to_string(file()).unwrap_or_default();
    let difference = now.lines().zip(committed.lines()).find(|(now, committed)| now != committed);
    assert!(
        now == committed,
        "the API differs from {}, first here: {difference:#?}; when that is meant: \
         cargo test -p exhibit-app --test acceptance -- --ignored the_document_is_committed_anew",
        file().display()
    );
}

/// Not a test: writes the file anew.
#[test]
#[ignore = "writes the committed document anew"]
fn the_document_is_committed_anew() {
    std::fs::write(file(), document()).expect("the file");
}

/// What a route needs, as the document says it.
enum Needs {
    Nothing,
    Login,
    Scope(String),
}

/// Each route as method, path and need.
fn routes(document: &Value) -> Vec<(String, String, Needs)> {
    let mut routes = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let needs = match operation["security"].get(0) {
                None => Needs::Nothing,
                Some(way) => match way["token"].get(0) {
                    None => Needs::Login,
                    Some(scope) => Needs::Scope(text(scope)),
                },
            };
            routes.push((method.to_ascii_uppercase(), path.clone(), needs));
        }
    }
    routes
}

/// Any value for what varies: who may is decided before what there is.
fn filled(path: &str) -> String {
    let part = |part: &str| if part.starts_with('{') { "x".to_owned() } else { part.to_owned() };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// Whether problems there are told in the words of the older contract.
fn is_legacy(path: &str) -> bool {
    path.starts_with("/api/")
}

fn every_route_asks_for_its_scope(backend: Backend) {
    let world = World::new(backend);
    let scopes = ["read", "ingest", "control", "admin"];
    let with = |wanted: &str| token(&world, wanted);
    let only = scopes.map(|scope| (scope, with(scope)));
    let all_but = scopes.map(|scope| {
        let others: Vec<&str> = scopes.iter().filter(|other| **other != scope).copied().collect();
        (scope, with(&others.join(",")))
    });
    let served = Served::new(&world);
    let document = served.ask("GET", "/openapi.json", &[], "").json();
    let all = routes(&document);
    assert!(all.len() >= 11, "only {} routes", all.len());
    let open = all
        .iter()
        .filter(|(_, _, needs)| matches!(needs, Needs::Nothing))
        .map(|(method, path, _)| format!("{method} {path}"));
    let open: Vec<String> = open.collect();
    assert_eq!(open, ["GET /healthz", "GET /login", "GET /openapi.json", "GET /readyz", "POST /v1/session"]);
    for (method, path, needs) in &all {
        let path = filled(path);
        let ask = |token: Option<&str>| {
            let bearer = format!("Bearer {}", token.unwrap_or_default());
            let mut lines = vec![("content-type", "application/json")];
            lines.extend(token.map(|_| ("authorization", bearer.as_str())));
            served.ask(method, &path, &lines, if method == "GET" { "" } else { "{}" })
        };
        let allowed = match needs {
            Needs::Nothing => continue,
            Needs::Login => &only[0].1,
            Needs::Scope(scope) => {
                let wrong = &all_but.iter().find(|(without, _)| without == scope).expect("a scope").1;
                let refused = ask(Some(wrong));
                if is_legacy(&path) {
                    let told = format!(r#"{{"error":"Forbidden","requiredScope":"{scope}"}}"#);
                    assert_eq!((refused.status, refused.text()), (403, told), "{method} {path}");
                } else {
                    assert_eq!((refused.status, refused.code().as_str()), (403, "scope-missing"), "{method} {path}");
                    assert!(refused.text().contains(&format!("`{scope}`")), "{method} {path}: {}", refused.text());
                }
                &only.iter().find(|(has, _)| has == scope).expect("a scope").1
            }
        };
        let nobody = ask(None);
        if is_legacy(&path) {
            assert_eq!(
                (nobody.status, nobody.text().as_str()),
                (401, r#"{"error":"Unauthorized"}"#),
                "{method} {path}"
            );
        } else {
            assert_eq!((nobody.status, nobody.code().as_str()), (401, "login-missing"), "{method} {path}");
        }
        assert_eq!(nobody.header("www-authenticate"), Some("Bearer realm=\"exhibit\""));
        assert_eq!(ask(None).body, nobody.body, "the same bytes each time");
        let let_in = ask(Some(allowed));
        assert!(![401, 403, 500].contains(&let_in.status), "{method} {path}: {let_in:?}");
    }
    // Those that were refused reached nothing.
    assert_eq!(served.ask("GET", "/readyz", &[], "").status, 200);
}

fn the_numbers_are_told(backend: Backend) {
    let world = World::new(backend);
    world.archive_of_small_files(6);
    let good = token(&world, "read");
    let served = Served::new(&world);
    let status = served.get("/v1/status", &good).json();
    let name = if backend == Backend::Sqlite { "sqlite" } else { "postgres" };
    assert_eq!(text(&status["backend"]), name);
    assert_eq!((&status["assets"], &status["sources"], &status["runs_open"]), (&6.into(), &1.into(), &0.into()));
    // The list of prices that comes with the program is evidence, too.
    assert_eq!((&status["records"], text(&status["ledger_root"]).len()), (&1.into(), 64));
    world.ok(&["run", "noop"]);
    let status = served.get("/v1/status", &good).json();
    assert!(status["records"].as_i64() > Some(6), "{status}");
    assert_eq!(text(&status["ledger_root"]).len(), 64);
    let settings = served.get("/v1/settings", &good);
    assert_eq!(settings.json()["home"], world.home().display().to_string());
    assert_eq!(settings.json()["config"]["server"]["listen"], "127.0.0.1:8765");
    assert!(!settings.text().contains("host="), "no secret: {}", settings.text());
    let doctor = served.get("/v1/doctor", &good).json();
    assert_eq!(doctor["checks"].as_array().map(Vec::is_empty), Some(false), "{doctor}");
    let metrics = served.get("/metrics", &good);
    assert_eq!(metrics.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    for line in
        ["exhibit_assets 6", "exhibit_http_requests_total{method=\"GET\",route=\"/v1/status\",status=\"200\"} 2"]
    {
        assert!(metrics.text().lines().any(|found| found == line), "{line}: {}", metrics.text());
    }
    let log = world.log();
    let line = log.lines().find(|line| line.contains("route=\"/v1/status\"")).expect("a line for each request");
    for word in ["method=\"GET\"", "status=200", "ms=", "request.id=\"", "token.id=\""] {
        assert!(line.contains(word), "{word}: {line}");
    }
}
