//! Who may: login links, sessions, tokens, guesses, and the audit of what was done.

use serde_json::json;

use super::client::{Answer, ask};
use super::{Served, token};
use crate::world::{Backend, World, items, text};

both_backends! {
    a_login_link_opens_one_session,
    a_session_goes_with_its_token,
    tokens_are_made_listed_and_revoked_by_the_program_alone,
    guesses_are_slowed_down_and_nobody_else_is,
    the_audit_names_every_change_and_login,
}

const JSON: (&str, &str) = ("content-type", "application/json");

fn path_of(link: &str) -> String {
    let at = link.find("/login").expect("a login link");
    link[at..].to_owned()
}

#[track_caller]
fn me(served: &Served, cookie: &str) -> Answer {
    served.ask("GET", "/v1/me", &[("cookie", cookie)], "")
}

fn a_login_link_opens_one_session(backend: Backend) {
    let world = World::new(backend);
    let served = Served::new(&world);
    let link = path_of(served.link.as_ref().expect("the first start prints a link"));
    let answer = served.ask("GET", &link, &[], "");
    assert_eq!((answer.status, answer.header("location")), (303, Some("/")), "{answer:?}");
    let set = answer.header("set-cookie").expect("a cookie").to_owned();
    assert!(set.ends_with("; HttpOnly; SameSite=Strict; Path=/; Max-Age=2592000"), "{set}");
    let cookie = answer.cookie();
    let found = me(&served, &cookie).json();
    assert_eq!(found["name"], "login link");
    assert_eq!(found["scopes"], json!(["read", "control", "admin"]));
    assert!(found["expires"].is_string(), "{found}");
    // It is used up; somebody who is in already is not bothered.
    assert_eq!(served.ask("GET", &link, &[], "").code(), "login-invalid");
    let page = served.ask("GET", &link, &[("accept", "text/html")], "");
    assert_eq!((page.status, page.header("content-type")), (401, Some("text/html; charset=utf-8")));
    assert!(page.text().contains("exhibit login"));
    assert_eq!(served.ask("GET", &link, &[("cookie", &cookie)], "").status, 303);
    // A new one from the command line, for the server that runs.
    let again = path_of(world.ok(&["login"]).trim());
    let other = served.ask("GET", &again, &[], "").cookie();
    assert_eq!(me(&served, &other).status, 200);
    // Of several at once one gets in.
    let raced = path_of(world.ok(&["login"]).trim());
    let host = served.host.clone();
    let racer = |_| {
        let (host, raced) = (host.clone(), raced.clone());
        std::thread::spawn(move || ask(&host, "GET", &raced, &[], b"").status)
    };
    let racers: Vec<_> = (0..6).map(racer).collect();
    let mut statuses: Vec<u16> = racers.into_iter().map(|racer| racer.join().expect("an answer")).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 401, 401, 401, 401, 401]);
    // Out again.
    assert_eq!(served.ask("DELETE", "/v1/session", &[("cookie", &cookie)], "").status, 204);
    assert_eq!(me(&served, &cookie).code(), "login-missing");
    assert_eq!(me(&served, &other).status, 200, "the other session goes on");
    assert_eq!(served.ask("GET", "/login", &[], "").code(), "query-invalid");
    assert!(!world.log().contains(&link[link.len() - 20..]), "no secret in the log");
}

fn a_session_goes_with_its_token(backend: Backend) {
    let world = World::new(backend);
    let made = world.json(&["tokens", "create", "a page", "--scopes", "read", "--days", "1"]);
    let (id, secret) = (text(&made["id"]), text(&made["token"]));
    let served = Served::new(&world);
    let cookie = served.session(&secret);
    let found = me(&served, &cookie).json();
    assert_eq!((&found["name"], &found["scopes"]), (&json!("a page"), &json!(["read"])));
    assert_eq!(found["expires"], made["expires"], "a session never outlives its token");
    // A session is for a browser, a token for a program; neither works in the place of the other.
    let session = cookie.strip_prefix("exhibit=").expect("our cookie").to_owned();
    assert_eq!(served.get("/v1/me", &session).code(), "login-invalid");
    assert_eq!(me(&served, &format!("exhibit={secret}")).code(), "login-missing");
    let bearer = format!("Bearer {secret}");
    let closed = served.ask("DELETE", "/v1/session", &[("authorization", &bearer)], "");
    assert_eq!((closed.status, closed.code().as_str()), (409, "not-possible"));
    world.ok(&["tokens", "revoke", &id]);
    assert_eq!(me(&served, &cookie).status, 401);
    assert_eq!(served.get("/v1/me", &secret).status, 401);
    // A proxy may have a login of its own.
    let made = text(&world.json(&["tokens", "create", "a page"])["token"]);
    let cookie = served.session(&made);
    let lines = [("cookie", cookie.as_str()), ("authorization", "Basic dXNlcjpzZWNyZXQ=")];
    assert_eq!(served.ask("GET", "/v1/me", &lines, "").status, 200);
    for (body, status, code) in [
        ("{}", 400, "body-invalid"),
        ("{\"token\":\"x\"}", 401, "login-invalid"),
        ("{\"token\":\"x\",\"more\":1}", 400, "body-invalid"),
        (&format!("{{\"token\":\"{}\"}}", "x".repeat(5_000)), 413, "body-too-large"),
    ] {
        let answer = served.ask("POST", "/v1/session", &[JSON], body);
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{answer:?}");
    }
    assert_eq!(served.ask("POST", "/v1/session", &[], "token=x").code(), "not-json");
}

/// The token with another last letter, whatever the right one is.
fn wrong(token: &str) -> String {
    let (rest, last) = token.split_at(token.len() - 1);
    format!("{rest}{}", if last == "a" { "b" } else { "a" })
}

fn tokens_are_made_listed_and_revoked_by_the_program_alone(backend: Backend) {
    let world = World::new(backend);
    let made = world.json(&["tokens", "create", "backup job", "--scopes", "read,control"]);
    let secret = text(&made["token"]);
    let listed = items(world.json(&["tokens"]));
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0]["state"], &listed[0]["last_used"]), (&json!("lives"), &json!(null)));
    let said = world.ok(&["tokens", "list"]);
    let hidden = secret.rsplit('_').next().expect("a secret");
    assert!(said.contains(&text(&made["id"])) && !said.contains(hidden), "{said}");
    if backend == Backend::Sqlite {
        for name in ["store.sqlite", "store.sqlite-wal"] {
            let bytes = std::fs::read(world.home().join(name)).unwrap_or_default();
            let found = bytes.windows(hidden.len()).any(|window| window == hidden.as_bytes());
            assert!(!found, "the secret stands in {name}");
        }
    }
    let served = Served::new(&world);
    assert_eq!(served.get("/v1/status", &secret).status, 200);
    assert_eq!(served.get("/v1/status", &secret.to_uppercase()).code(), "login-invalid");
    assert_eq!(served.get("/v1/status", &wrong(&secret)).code(), "login-invalid");
    world.ok(&["tokens", "revoke", &text(&made["id"])]);
    assert_eq!(served.get("/v1/status", &secret).code(), "login-invalid");
    assert_eq!(items(world.json(&["tokens"]))[0]["state"], "revoked");
    let unknown = world.exhibit(&["tokens", "revoke", "nobody"]);
    let message = "exhibit: no living token has the id `nobody`; `exhibit tokens list` shows them\n";
    assert_eq!((unknown.code, unknown.stderr.as_str()), (2, message));
    let wrong = world.exhibit(&["tokens", "create", "x", "--scopes", "read,root"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("`root` is no scope"), "{wrong:?}");
    for name in ["", "  ", "a\nb"] {
        assert_eq!(world.exhibit(&["tokens", "create", name]).code, 2, "{name:?}");
    }
}

fn guesses_are_slowed_down_and_nobody_else_is(backend: Backend) {
    let world = World::new(backend);
    let good = token(&world, "read");
    let served = Served::new(&world);
    let cookie = served.session(&good);
    let wrong = wrong(&good);
    let answers: Vec<u16> = (0..12).map(|_| served.get("/v1/me", &wrong).status).collect();
    assert_eq!(answers[..10], [401; 10]);
    assert_eq!(answers[10..], [429; 2]);
    // No more attempts from here, not even good ones; who is in stays in.
    let body = json!({ "token": good }).to_string();
    assert_eq!(served.ask("POST", "/v1/session", &[JSON], &body).code(), "too-many-failures");
    let told = served.ask("GET", "/login?code=x", &[], "");
    assert_eq!((told.status, told.header("retry-after")), (429, Some("60")), "as long as the sentence says");
    assert_eq!(served.get("/v1/me", &good).status, 200);
    assert_eq!(me(&served, &cookie).status, 200);
    assert!(served.get("/metrics", &good).text().contains("\nexhibit_logins_failed_total 10\n"));
}

fn the_audit_names_every_change_and_login(backend: Backend) {
    let world = World::new(backend);
    let good = token(&world, "read");
    let served = Served::new(&world);
    let cookie = served.session(&good);
    let id = items(world.json(&["tokens"]))[1]["id"].clone();
    served.get("/v1/status", &good);
    let answer = served.ask("DELETE", "/v1/session", &[("cookie", &cookie)], "");
    served.ask("POST", "/v1/session", &[JSON], "{\"token\":\"x\"}");
    let entries = items(world.json(&["audit"]));
    let seen: Vec<_> = entries.iter().map(|entry| (&entry["method"], &entry["path"], &entry["status"])).collect();
    let path = json!("/v1/session");
    let (post, delete) = (json!("POST"), json!("DELETE"));
    let expected = [(&post, &path, &json!(401)), (&delete, &path, &json!(204)), (&post, &path, &json!(200))];
    assert_eq!(seen, expected, "newest first, and looking is no change");
    assert_eq!(entries[1]["request"].as_str(), answer.header("x-request-id"));
    assert!(entries[1]["token"].is_string() && id.is_string());
    assert_eq!(world.ok(&["audit", "--limit", "1"]).lines().count(), 1);
}
