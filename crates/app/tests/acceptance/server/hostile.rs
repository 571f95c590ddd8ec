//! Requests that no honest program sends: each gets a clear answer, the same each time, and the server goes on.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use super::client::{Answer, connect, read, send};
use super::{Served, token};
use crate::world::{Backend, World};

/// Sends the bytes twice; the answers are the same, but for the time and the id of the request.
#[track_caller]
fn answer(served: &Served, bytes: &[u8]) -> Answer {
    let plain = |mut answer: Answer| {
        answer.headers.retain(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()));
        answer
    };
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
    let [one, other] =
        [(); 2].map(|()| plain(send(&served.host, bytes).unwrap_or_else(|| panic!("no answer to {text:?}"))));
    assert_eq!(one, other, "{text:?}");
    one
}

#[test]
fn what_is_no_request_is_refused() {
    let world = World::new(Backend::Sqlite);
    let served = Served::new(&world);
    let host = format!("host: {}\r\nconnection: close\r\n", served.host);
    let many: String = (0..100).map(|number| format!("x-{number}: y\r\n")).collect();
    let cases: Vec<(u16, String)> = vec![
        (400, "rubbish\r\n\r\n".to_owned()),
        (400, "GET / HTTP/9.9\r\n\r\n".to_owned()),
        (400, format!("GET /\0 HTTP/1.1\r\n{host}\r\n")),
        (400, format!("GET / HTTP/1.1\r\n{host}bad header\r\n\r\n")),
        (400, format!("POST /v1/session HTTP/1.1\r\n{host}content-length: -1\r\n\r\n")),
        (400, format!("POST /v1/session HTTP/1.1\r\n{host}content-length: 2\r\ncontent-length: 3\r\n\r\n{{}}")),
        (421, "GET /v1/me HTTP/1.1\r\nconnection: close\r\n\r\n".to_owned()),
        (421, format!("GET http://evil.example/v1/me HTTP/1.1\r\n{host}\r\n")),
        (431, format!("GET / HTTP/1.1\r\n{host}{many}\r\n")),
        (431, format!("GET / HTTP/1.1\r\n{host}x: {}\r\n\r\n", "y".repeat(20_000))),
        (431, format!("GET /{} HTTP/1.1\r\n{host}\r\n", "y".repeat(20_000))),
        (405, format!("TRACE /v1/me HTTP/1.1\r\n{host}\r\n")),
        (405, format!("FROB /v1/me HTTP/1.1\r\n{host}\r\n")),
        (405, format!("POST /v1/me HTTP/1.1\r\n{host}content-length: 0\r\n\r\n")),
        (404, format!("OPTIONS * HTTP/1.1\r\n{host}\r\n")),
    ];
    for (status, bytes) in cases {
        let found = answer(&served, bytes.as_bytes());
        // A line that is too long may be told as a long address or as long headers.
        let fits = found.status == status || (status == 431 && found.status == 414);
        assert!(fits, "{} for {:?}", found.status, &bytes[..bytes.len().min(80)]);
    }
    let wrong = answer(&served, format!("PUT /v1/session HTTP/1.1\r\n{host}\r\n").as_bytes());
    assert_eq!((wrong.code().as_str(), wrong.header("allow")), ("wrong-method", Some("DELETE, POST")));
    assert_eq!(served.ask("GET", "/readyz", &[], "").status, 200);
}

#[test]
fn one_connection_takes_many_requests() {
    let world = World::new(Backend::Sqlite);
    let served = Served::new(&world);
    let mut stream = connect(&served.host);
    let request = format!("GET /healthz HTTP/1.1\r\nhost: {}\r\n\r\n", served.host);
    for _ in 0..3 {
        stream.write_all(request.as_bytes()).expect("the server reads");
        assert_eq!(read(&mut stream).map(|answer| answer.status), Some(200));
    }
    // A refusal ends no connection, either.
    stream
        .write_all(format!("GET /v1/me HTTP/1.1\r\nhost: {}\r\n\r\n{request}", served.host).as_bytes())
        .expect("it reads");
    assert_eq!(read(&mut stream).map(|answer| answer.status), Some(401));
}

#[test]
fn tricks_in_paths_lead_nowhere() {
    let world = World::new(Backend::Sqlite);
    let good = token(&world, "read,ingest,control,admin");
    let served = Served::new(&world);
    let tricks = [
        "/v1/../../../etc/passwd",
        "/v1/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
        "//etc/passwd",
        "/v1//me",
        "/v1/me/",
        "/v1/me%00",
        "/v1/assets/..%2f..%2fstore.sqlite",
        "/v1/assets/%ff%fe",
        "/assets/../index.html",
        "/assets/%2e%2e/index.html",
        "/v1/runs/run_%2e%2e%2f",
        "/V1/ME",
        "/v1/me;x=y",
        "/%",
        "/v1/%zz",
        "/store.sqlite",
        "/server.json",
        "/keys/ledger.key",
    ];
    for trick in tricks {
        for headers in [vec![], vec![("authorization", format!("Bearer {good}"))]] {
            let lines: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let found = served.ask("GET", trick, &lines, "");
            assert!([400, 401, 404].contains(&found.status), "{trick}: {found:?}");
            assert_eq!(found.body, served.ask("GET", trick, &lines, "").body, "{trick}");
            assert!(!found.code().is_empty());
        }
    }
}

#[test]
fn bodies_that_are_wrong_or_too_large_are_refused() {
    let world = World::new(Backend::Sqlite);
    let served = Served::new(&world);
    let head = format!("POST /v1/session HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", served.host);
    let json = "content-type: application/json\r\n";
    let deep = format!("{{\"token\":{}1{}}}", "[".repeat(2_000), "]".repeat(2_000));
    for body in [
        "",
        "{",
        "[]",
        "null",
        "{\"token\":1}",
        "{\"token\":\"x\"} x",
        "{\"token\":\"x\",\"token\":\"y\"}",
        "\u{feff}{}",
        &deep,
    ] {
        let bytes = format!("{head}{json}content-length: {}\r\n\r\n{body}", body.len());
        let found = answer(&served, bytes.as_bytes());
        let known = ["body-invalid", "body-too-large"].contains(&found.code().as_str());
        assert!(known && [400, 413].contains(&found.status), "{body:.40}: {found:?}");
    }
    // Announced as huge, and huge without being announced.
    let announced = answer(&served, format!("{head}{json}content-length: 99999999999\r\n\r\n").as_bytes());
    assert_eq!((announced.status, announced.code().as_str()), (413, "body-too-large"));
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(4_096));
    let chunked = format!("{head}{json}transfer-encoding: chunked\r\n\r\n{}", chunk.repeat(8));
    assert_eq!(answer(&served, chunked.as_bytes()).code(), "body-too-large");
    let broken = format!("{head}{json}transfer-encoding: chunked\r\n\r\nzz\r\n");
    assert_eq!(answer(&served, broken.as_bytes()).status, 400);
}

#[test]
fn slow_clients_are_cut_off_and_keep_nobody_out() {
    let world = World::new(Backend::Sqlite);
    let served = Served::new(&world);
    let began = Instant::now();
    let mut headers = connect(&served.host);
    headers.write_all(b"GET /healthz HTTP/1.1\r\nhost: loc").expect("a beginning");
    let mut body = connect(&served.host);
    let head = format!("POST /v1/session HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n", served.host);
    body.write_all(format!("{head}content-length: 20\r\n\r\n{{").as_bytes()).expect("a beginning");
    let idle: Vec<_> = (0..100).map(|_| connect(&served.host)).collect();
    // Everybody else is served meanwhile.
    assert_eq!(served.ask("GET", "/readyz", &[], "").status, 200);
    let mut rest = Vec::new();
    headers.read_to_end(&mut rest).ok();
    let said = String::from_utf8_lossy(&rest);
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "{said}");
    assert!(began.elapsed() < Duration::from_secs(50), "headers have 10 s");
    let found = read(&mut body).expect("an answer");
    assert_eq!((found.status, found.code().as_str()), (408, "body-too-slow"));
    assert!(began.elapsed() < Duration::from_secs(100), "bodies have 20 s");
    for mut connection in idle {
        assert_eq!(connection.read(&mut [0; 1]).ok(), Some(0), "an idle connection is closed");
    }
}
