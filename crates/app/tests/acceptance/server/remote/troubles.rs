//! Servers that do not let in, are not there, are something else, never end or say rubbish: one message each, the same each time.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::Far;
use crate::server::token;
use crate::world::{Backend, Output, World};

/// A server that is none: answers each request as a function says. Its thread ends with the test process.
struct Fake {
    url: String,
    asked: Arc<AtomicUsize>,
}

impl Fake {
    fn new(answer: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(AtomicUsize::new(0));
        let (counter, answer) = (Arc::clone(&asked), Arc::new(answer));
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let (counter, answer) = (Arc::clone(&counter), Arc::clone(&answer));
                std::thread::spawn(move || {
                    counter.fetch_add(1, Ordering::SeqCst);
                    let mut head = [0; 4096];
                    let count = stream.read(&mut head).unwrap_or(0);
                    let head = String::from_utf8_lossy(&head[..count]).into_owned();
                    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                    answer(&path, &mut stream);
                    stream.shutdown(Shutdown::Both).ok();
                });
            }
        });
        Self { url, asked }
    }

    /// Always the same status and body; its version is 9.9.9.
    fn saying(status: &'static str, body: &'static str) -> Self {
        Self::new(move |path, stream| {
            let (status, body) = match path {
                "/v1/status" => ("200 OK", r#"{"version":"9.9.9"}"#),
                _ => (status, body),
            };
            let length = body.len();
            write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}").ok();
        })
    }
}

fn ask(url: &str, arguments: &[&str]) -> Output {
    let world = World::new(Backend::Sqlite);
    let mut command = world.command(&Far::arguments(url, arguments));
    command.env("EXHIBIT_TOKEN", "exh_0_0").env("EXHIBIT_SERVER_TIMEOUT_S", "1");
    let output = Output::new(command.output().expect("the program starts"));
    assert!(!world.home().exists(), "nothing was made");
    output
}

/// It fails twice with the same message, which holds these words.
#[track_caller]
fn fails(url: &str, arguments: &[&str], words: &[&str]) {
    let (first, second) = (ask(url, arguments), ask(url, arguments));
    assert_eq!((first.code, &first.stderr), (second.code, &second.stderr));
    assert!(first.code == 1 && first.stdout.is_empty(), "{first:#?}");
    assert!(words.iter().all(|word| first.stderr.contains(word)), "{words:?}: {first:#?}");
    assert_eq!(first.stderr.lines().count(), 1, "one line: {first:#?}");
}

#[test]
fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    fails(&url, &["ls"], &[&url, "cannot be reached: nobody listens there", "exhibit serve"]);
    fails("http://localhost:1", &["run", "noop"], &["cannot be reached"]);
}

#[test]
fn a_token_that_does_not_do_is_told_with_what_would() {
    let world = World::new(Backend::Sqlite);
    let only_read = token(&world, "read");
    let far = Far::new(world);
    let with = |token: &str, arguments: &[&str]| {
        let file = far.world.path().join("token");
        std::fs::write(&file, format!("{token}\n")).expect("a file");
        let file = file.display().to_string();
        far.exhibit(&[arguments, &["--token-file", &file]].concat())
    };
    assert_eq!(with(&only_read, &["ls"]).code, 0, "the file comes before the environment");
    let refused = with(&only_read, &["run", "noop"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    for word in ["refuses", "the scope `control`", "exhibit tokens create NAME --scopes control"] {
        assert!(refused.stderr.contains(word), "{word}: {refused:?}");
    }
    let unknown = with("exh_nobody_nothing", &["ls"]);
    assert!(unknown.code == 1 && unknown.stderr.contains("does not take the token"), "{unknown:?}");
    assert!(!unknown.stderr.contains("nothing"), "no secret: {unknown:?}");
    let document = with("exh_nobody_nothing", &["ls", "--json"]).stderr;
    let document: serde_json::Value = serde_json::from_str(&document).expect("a JSON document");
    assert_eq!(document["error"]["exit"], 1);
}

#[test]
fn a_server_that_is_not_ready_says_why() {
    let body = r#"{"type":"about:blank","title":"Service Unavailable","status":503,"code":"not-ready","detail":"the server is not ready: migrating","hint":"ask again in a moment","errors":[]}"#;
    fails(
        &Fake::saying("503 Service Unavailable", body).url,
        &["ls"],
        &["the server is not ready: migrating; ask again"],
    );
}

#[test]
fn every_part_of_a_problem_is_told() {
    let body = r#"{"type":"about:blank","title":"Conflict","status":409,"code":"x","detail":"it cannot be","hint":"try less","errors":[{"pointer":"/a","code":"c","message":"too much"},{"pointer":"","code":"c","message":"at all"}]}"#;
    let words = ["exhibit: it cannot be; /a: too much; at all; try less\n"];
    fails(&Fake::saying("409 Conflict", body).url, &["ls"], &words);
    let escape =
        r#"{"type":"about:blank","title":"Conflict","status":409,"code":"x","detail":"red \u001b[31m","errors":[]}"#;
    fails(&Fake::saying("409 Conflict", escape).url, &["ls"], &["red \u{fffd}[31m"]);
}

#[test]
fn what_stands_before_a_server_is_told_apart_from_it() {
    for status in ["502 Bad Gateway", "404 Not Found", "500 Internal Server Error", "200 OK"] {
        let words =
            if status.starts_with("200") { "is not understood" } else { "does not say why; is it an Exhibit server?" };
        fails(&Fake::saying(status, "<html>nginx</html>").url, &["ls"], &[words]);
    }
}

#[test]
fn another_version_is_told_with_both() {
    let own = concat!("this is version ", env!("CARGO_PKG_VERSION"));
    for body in [r#"{"items":[{"asset":"x"}]}"#, "{}", "[]", "null", "", "{", r#"{"items":[],"next":"more"}"#] {
        let fake = Fake::saying("200 OK", body);
        fails(&fake.url, &["ls"], &["is not understood", "the server is version 9.9.9", own]);
    }
    let body = r#"{"type":"about:blank","title":"Not Found","status":404,"code":"no-such-route","detail":"nothing lies at this path","errors":[]}"#;
    fails(&Fake::saying("404 Not Found", body).url, &["ls"], &["nothing lies at this path", "9.9.9", own]);
    let silent = Fake::new(|_, stream| drop(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")));
    fails(&silent.url, &["ls"], &["does not say which version it is", own]);
}

/// A token is for the address that a person gave.
#[test]
fn redirects_are_not_followed() {
    let target = Fake::saying("200 OK", r#"{"items":[]}"#);
    let url = target.url.clone();
    let leads = Fake::new(move |_, stream| {
        write!(stream, "HTTP/1.1 307 Temporary Redirect\r\nlocation: {url}/v1/assets\r\ncontent-length: 0\r\n\r\n")
            .ok();
    });
    fails(&leads.url, &["ls"], &["answers with 307 and leads to", &target.url, "the token is not sent on"]);
    fails(&leads.url, &["run", "noop"], &["the token is not sent on"]);
    assert_eq!(target.asked.load(Ordering::SeqCst), 0);
    assert!(leads.asked.load(Ordering::SeqCst) >= 4);
}

/// Each of them would go on for ever.
#[test]
fn slow_and_endless_answers_end() {
    let hold = |stream: &mut TcpStream| drop(stream.read(&mut [0; 1]));
    // A piece now and then, until the other side leaves.
    let drip = |stream: &mut TcpStream, piece: &[u8]| {
        stream.set_read_timeout(Some(Duration::from_millis(100))).expect("a timeout");
        while stream.write_all(piece).is_ok() && !matches!(stream.read(&mut [0; 1]), Ok(0)) {}
    };
    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let late = "the answer was not there within 1 s";
    fails(&Fake::new(move |_, stream| hold(stream)).url, &["ls"], &[late]);
    fails(&Fake::new(move |_, stream| drip(stream, b"H")).url, &["ls"], &["ls"; 0]);
    let headers = Fake::new(move |_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n").ok();
        drip(stream, b"x-a: b\r\n");
    });
    fails(&headers.url, &["ls"], &[late]);
    let body = Fake::new(move |_, stream| {
        stream.write_all(HEAD).ok();
        drip(stream, b"1\r\n \r\n");
    });
    fails(&body.url, &["ls"], &[late]);
    let large = Fake::new(|_, stream| {
        let piece = [b"100000\r\n".as_slice(), &vec![b' '; 0x10_0000], b"\r\n"].concat();
        stream.write_all(HEAD).ok();
        while stream.write_all(&piece).is_ok() {}
    });
    let output = ask(&large.url, &["ls"]);
    assert!(
        output.code == 1 && (output.stderr.contains("larger than 64 MiB") || output.stderr.contains(late)),
        "{output:?}"
    );
}

#[test]
fn what_is_no_http_is_told() {
    for rubbish in [b"SSH-2.0-OpenSSH_9.2\r\n".as_slice(), b"HTTP/9 what\r\n\r\n", b"\0\0\0"] {
        let output = ask(&Fake::new(move |_, stream| drop(stream.write_all(rubbish))).url, &["ls"]);
        assert!(output.code == 1 && output.stderr.starts_with("exhibit: http://127.0.0.1"), "{output:?}");
    }
    let closed = ask(&Fake::new(|_, _| {}).url, &["ls"]);
    assert!(closed.code == 1 && closed.stderr.contains("exhibit: http://127.0.0.1"), "{closed:?}");
    let url = Fake::saying("200 OK", "{}").url.replace("http://", "https://");
    let plain = ask(&url, &["ls"]);
    assert!(plain.code == 1 && plain.stderr.contains("there is no trusted connection"), "{plain:?}");
}
