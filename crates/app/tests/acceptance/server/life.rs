//! How it lives: from the first moment to the last, and after a death.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use exhibit_testkit::postgres::{PostgresOptions, TestPostgres};
use rustix::process::Signal;

use super::client::{Answer, connect, read};
use super::{Served, token};
use crate::world::{Backend, PATIENCE, World, items};

both_backends! {
    kill_9_loses_no_acknowledged_write_and_it_is_soon_back,
    it_ends_in_order,
}

/// Promised: ready within two seconds. Asserted with five times as much, because other tests run beside it.
const READY_WITHIN: Duration = Duration::from_secs(10);

/// Collections are evidence: each is a record of the ledger.
fn kill_9_loses_no_acknowledged_write_and_it_is_soon_back(backend: Backend) {
    let world = World::new(backend);
    world.archive_of_small_files(4);
    let good = token(&world, "read,control");
    let cookie = Served::new(&world).session(&good);
    let mut acknowledged: Vec<String> = Vec::new();
    for round in 0..3 {
        let served = Served::new(&world);
        let host = served.host.clone();
        let (sender, heard) = mpsc::channel();
        let write = |writer: usize| {
            let (host, good, sender) = (host.clone(), good.clone(), sender.clone());
            std::thread::spawn(move || {
                for number in 0.. {
                    let name = format!("r{round}w{writer}n{number}");
                    let body = format!("{{\"name\":\"{name}\",\"filter\":\"type:image\"}}");
                    let Some(answer) = try_post(&host, "/v1/collections", &good, &body) else { return };
                    assert_eq!(answer.status, 201, "{answer:?}");
                    sender.send(name).expect("somebody listens");
                }
            })
        };
        let writers: Vec<_> = (0..3).map(write).collect();
        // In the middle of it: some are acknowledged, some are under way.
        acknowledged.extend(heard.iter().take(10 + round * 7));
        served.running.kill();
        for writer in writers {
            writer.join().expect("each answer was whole");
        }
        drop(sender);
        acknowledged.extend(heard.iter());
        let began = Instant::now();
        let served = Served::new(&world);
        assert!(began.elapsed() < READY_WITHIN, "ready after {:?}", began.elapsed());
        assert_eq!(served.link, None, "somebody is in already, and nobody looks at the terminal");
        for name in &acknowledged {
            assert_eq!(served.get(&format!("/v1/collections/{name}"), &good).status, 200, "{name} is lost");
        }
        assert_eq!(served.ask("GET", "/v1/me", &[("cookie", &cookie)], "").status, 200, "the session goes on");
        served.running.kill();
    }
    world.verify_clean();
    let open = items(world.json(&["audit", "--limit", "10000"])).into_iter().filter(|entry| entry["status"].is_null());
    assert!(open.count() <= 9, "only what was under way has no outcome");
}

/// A POST to a server that may die meanwhile.
fn try_post(host: &str, path: &str, token: &str, body: &str) -> Option<Answer> {
    let head =
        format!("POST {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n");
    let rest = format!("content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let mut stream = std::net::TcpStream::connect(host).ok()?;
    stream.write_all((head + &rest).as_bytes()).ok()?;
    read(&mut stream)
}

fn it_ends_in_order(backend: Backend) {
    let world = World::new(backend);
    let good = token(&world, "read");
    for signal in [Signal::TERM, Signal::INT] {
        let served = Served::new(&world);
        let place = std::fs::metadata(world.home().join("server.json")).expect("it says where it is");
        assert_eq!(place.permissions().mode() & 0o777, 0o600);
        let idle = connect(&served.host);
        let mut live = connect(&served.host);
        let head = format!("GET /v1/events HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {good}\r\n\r\n", served.host);
        live.write_all(head.as_bytes()).expect("the server reads");
        assert_eq!(read(&mut live).map(|answer| answer.status), Some(200));
        served.running.signal(signal);
        // Neither somebody who waits nor somebody who listens holds it up.
        assert!(served.running.ends_within(READY_WITHIN));
        let output = served.running.wait();
        assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{output:?}");
        assert!(!world.home().join("server.json").exists(), "nobody is sent to a server that ended");
        drop(idle);
    }
    let output = world.exhibit(&["login"]);
    let message =
        format!("exhibit: no server of the home {} runs; `exhibit serve` starts one\n", world.home().display());
    assert_eq!((output.code, output.stderr), (1, message));
}

#[test]
fn until_the_database_answers_it_says_so() {
    let mut world = World::new(Backend::Sqlite);
    world.set("EXHIBIT_STORE__POSTGRES__URL", "host=127.0.0.1 port=1 user=nobody dbname=none connect_timeout=1");
    let served = Served::early(&world);
    let deadline = Instant::now() + PATIENCE;
    let reason = loop {
        let answer = served.ask("GET", "/readyz", &[], "");
        assert_eq!((answer.status, &answer.json()["status"]), (503, &"not_ready".into()), "{answer:?}");
        let reason = answer.json()["reason"].clone();
        if reason == "db_unreachable" || Instant::now() > deadline {
            break reason;
        }
        assert!(reason == "starting", "{reason}");
    };
    assert_eq!(reason, "db_unreachable");
    assert_eq!(served.ask("GET", "/healthz", &[], "").json(), serde_json::json!({ "status": "ok" }));
    for path in ["/", "/v1/me", "/openapi.json", "/metrics", "/login?code=x", "/none"] {
        let answer = served.ask("GET", path, &[], "");
        assert_eq!((answer.status, answer.code().as_str()), (503, "not-ready"), "{path}");
    }
    served.running.signal(Signal::TERM);
    let output = served.running.wait();
    assert_eq!(output.code, 0, "{output:?}");
    assert_eq!(output.stderr.lines().count(), 1, "said once: {}", output.stderr);
}

/// The database goes, the server stays and says why it is not ready.
#[test]
fn a_database_that_goes_is_told() {
    let postgres = TestPostgres::start(PostgresOptions::default());
    let mut world = World::new(Backend::Sqlite);
    world.set("EXHIBIT_STORE__POSTGRES__URL", &postgres.database());
    let served = Served::new(&world);
    let ready = served.ask("GET", "/readyz", &[], "");
    assert_eq!((ready.status, ready.json()), (200, serde_json::json!({ "status": "ready" })));
    drop(postgres);
    let answer = served.ask("GET", "/readyz", &[], "");
    let expected = serde_json::json!({ "status": "not_ready", "reason": "db_unreachable" });
    assert_eq!((answer.status, answer.json()), (503, expected));
    assert_eq!(served.ask("GET", "/healthz", &[], "").status, 200);
    served.running.signal(Signal::TERM);
    assert!(served.running.ends_within(PATIENCE), "it ends in order all the same");
}

#[test]
fn what_it_cannot_listen_on_is_told() {
    let world = World::new(Backend::Sqlite);
    for exposed in ["0.0.0.0:0", "192.0.2.1:8765", "[::]:0"] {
        let output = world.exhibit(&["serve", "--listen", exposed]);
        assert_eq!(output.code, 2, "{output:?}");
        assert!(output.stderr.starts_with(&format!("exhibit: REFUSED to listen on {exposed}: ")), "{output:?}");
        assert!(output.stderr.contains("--behind-proxy") && !world.home().exists(), "{output:?}");
    }
    let served = Served::new(&world);
    let other = World::new(Backend::Sqlite);
    let taken = other.exhibit(&["serve", "--listen", &served.host]);
    let message = format!(
        "exhibit: {} is taken by another program; choose another address with --listen, such as --listen 127.0.0.1:0\n",
        served.host
    );
    assert_eq!((taken.code, taken.stderr), (1, message));
    let second = world.exhibit(&["serve", "--listen", "127.0.0.1:0"]);
    let home = world.home();
    let message = format!(
        "exhibit: another server of the home {} runs at http://{}; stop it first, or choose another home with --home\n",
        home.display(),
        served.host
    );
    assert_eq!((second.code, second.stderr), (1, message));
    assert_eq!(served.ask("GET", "/readyz", &[], "").status, 200, "the first one goes on");
}

/// `exhibit login` looks whether a server runs by trying a lock; a server that starts at that moment waits, and is not turned away.
#[test]
fn whoever_asks_for_a_server_does_not_keep_one_from_starting() {
    let world = World::new(Backend::Sqlite);
    let locks = world.home().join("work/locks");
    std::fs::create_dir_all(&locks).expect("a folder");
    let file =
        |name: &str| File::options().create(true).truncate(false).write(true).open(locks.join(name)).expect("a file");
    let asked = file("server-runs");
    asked.lock_shared().expect("a lock");
    let mut running = world.start(&["serve", "--json", "--no-login-link", "--listen", "127.0.0.1:0"]);
    // Tried here, the lock of servers would be what is in the way: the kernel tells who holds it.
    let ours = format!(":{} ", file("server").metadata().expect("a file").ino());
    let deadline = Instant::now() + PATIENCE;
    let is_held = |locks: &str| locks.lines().any(|line| line.contains(" WRITE ") && line.contains(&ours));
    while !is_held(&std::fs::read_to_string("/proc/locks").expect("locks")) {
        assert!(Instant::now() < deadline && !running.has_ended(), "no server comes");
        std::thread::yield_now();
    }
    drop(asked);
    assert!(running.line().is_some_and(|line| line.contains("address")), "it serves");
    running.kill();
}

#[test]
fn behind_a_proxy_cookies_need_tls() {
    let world = World::new(Backend::Sqlite);
    std::fs::create_dir_all(world.home()).expect("a home");
    let config = "[server]\nlisten = \"0.0.0.0:0\"\nbehind_proxy = true\nhosts = [\"photos.example.org\"]\n";
    std::fs::write(world.home().join("exhibit.toml"), config).expect("a file");
    let good = token(&world, "read");
    let mut running = world.start(&["serve", "--json", "--no-login-link"]);
    let said: serde_json::Value = serde_json::from_str(&running.line().expect("a line")).expect("JSON");
    assert_eq!((&said["address"], &said["login"]), (&"https://photos.example.org".into(), &serde_json::Value::Null));
    let listen = said["listen"].as_str().expect("an address").replace("0.0.0.0", "127.0.0.1");
    let served = Served { running, host: listen, link: None };
    let lines = [
        ("host", "photos.example.org"),
        ("origin", "https://photos.example.org"),
        ("content-type", "application/json"),
    ];
    let answer = served.ask("POST", "/v1/session", &lines, &serde_json::json!({ "token": good }).to_string());
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.header("set-cookie").is_some_and(|set| set.ends_with("; Secure")), "{answer:?}");
    let http = [("host", "photos.example.org"), ("origin", "http://evil.example")];
    assert_eq!(served.ask("GET", "/v1/me", &http, "").code(), "cross-origin");
}
