//! From where: a page of another origin, or a name that somebody bent, reads nothing and changes nothing.

use super::{Served, token};
use crate::world::{Backend, World, items};

#[test]
fn a_page_of_another_origin_reads_and_changes_nothing() {
    let world = World::new(Backend::Sqlite);
    let good = token(&world, "read,ingest,control,admin");
    let served = Served::new(&world);
    let cookie = served.session(&good);
    let changes = items(world.json(&["audit"])).len();
    let own = format!("http://{}", served.host);
    let json = ("content-type", "application/json");
    for (method, path) in [
        ("GET", "/v1/me"),
        ("GET", "/"),
        ("DELETE", "/v1/session"),
        ("POST", "/v1/session"),
        ("OPTIONS", "/v1/session"),
    ] {
        // Another port of this machine is the same site, so that its pages send the cookie along.
        for origin in ["http://localhost:3000", "https://evil.example", "null"] {
            let lines = [("cookie", cookie.as_str()), ("origin", origin), json];
            let answer = served.ask(method, path, &lines, "{}");
            assert_eq!((answer.status, answer.code().as_str()), (403, "cross-origin"), "{method} {path} {origin}");
            assert!(answer.headers.iter().all(|(name, _)| !name.starts_with("access-control-")), "{answer:?}");
        }
        for site in ["cross-site", "same-site"] {
            let lines = [("cookie", cookie.as_str()), ("sec-fetch-site", site), ("sec-fetch-mode", "no-cors"), json];
            assert_eq!(served.ask(method, path, &lines, "{}").code(), "cross-origin", "{method} {path} {site}");
        }
    }
    // A form can be sent without asking; it is no JSON.
    let form = [("cookie", cookie.as_str()), ("content-type", "text/plain")];
    assert_eq!(served.ask("POST", "/v1/session", &form, "{}").code(), "not-json");
    assert_eq!(items(world.json(&["audit"])).len(), changes + 1, "only the form came as far as the handler");
    // The page itself may do everything.
    let lines = [("cookie", cookie.as_str()), ("origin", &own), ("sec-fetch-site", "same-origin")];
    assert_eq!(served.ask("GET", "/v1/me", &lines, "").status, 200);
    assert_eq!(served.ask("DELETE", "/v1/session", &lines, "").status, 204);
}

#[test]
fn a_link_from_elsewhere_leads_to_a_page_and_to_nothing_else() {
    let world = World::new(Backend::Sqlite);
    let served = Served::new(&world);
    let link = [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
        ("accept", "text/html"),
    ];
    for page in ["/", "/runs", "/assets"] {
        let answer = served.ask("GET", page, &link, "");
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/html; charset=utf-8")), "{page}");
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; ") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert!(policy.contains("frame-ancestors 'none'"));
    }
    for path in ["/v1/me", "/v1/none", "/openapi.json", "/metrics"] {
        assert_eq!(served.ask("GET", path, &link, "").code(), "cross-origin", "{path}");
    }
}

#[test]
fn a_name_that_is_not_ours_is_not_answered() {
    let world = World::new(Backend::Sqlite);
    std::fs::create_dir_all(world.home()).expect("a home");
    std::fs::write(world.home().join("exhibit.toml"), "[server]\nhosts = [\"photos.example.org\"]\n").expect("a file");
    let served = Served::new(&world);
    let port = served.host.rsplit(':').next().expect("a port").to_owned();
    for ours in [format!("localhost:{port}"), format!("[::1]:{port}"), "photos.example.org".to_owned()] {
        assert_eq!(served.ask("GET", "/healthz", &[("host", &ours)], "").status, 200, "{ours}");
    }
    for bent in ["evil.example", &format!("evil.example:{port}"), "localhost", "127.0.0.1:1", "169.254.169.254"] {
        for path in ["/healthz", "/v1/me", "/", "/login?code=x"] {
            let answer = served.ask("GET", path, &[("host", bent)], "");
            assert_eq!((answer.status, answer.code().as_str()), (421, "host-refused"), "{bent} {path}");
        }
    }
}
