//! A client that sends exactly the bytes that it is given, and reads what comes back.

use std::io::{BufReader, Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;

use crate::world::PATIENCE;

/// An answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body; that of an event stream is not waited for.
    pub body: Vec<u8>,
}

/// As people read it, and not too much of it.
impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?} {:.1000}", self.status, self.headers, self.text())
    }
}

impl Answer {
    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("no JSON: {error}: {}", self.text()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The code of a problem.
    #[track_caller]
    pub fn code(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status, "{problem}");
        problem["code"].as_str().expect("a code").to_owned()
    }

    /// The cookie that it sets, as a browser would send it back.
    #[track_caller]
    pub fn cookie(&self) -> String {
        let set = self.header("set-cookie").unwrap_or_else(|| panic!("no cookie: {self:?}"));
        set.split(';').next().expect("a cookie").to_owned()
    }
}

/// Sends a request as a program would: with its host, its length, and the wish to close.
#[track_caller]
pub fn ask(host: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut lines = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "host") {
        lines.push_str(&format!("host: {host}\r\n"));
    }
    if !body.is_empty() || method == "POST" {
        lines.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    for (name, value) in headers {
        lines.push_str(&format!("{name}: {value}\r\n"));
    }
    lines.push_str("\r\n");
    if method == "HEAD" {
        let mut stream = connect(host);
        stream.write_all(lines.as_bytes()).expect("a request");
        return read_head(&mut BufReader::new(&mut stream)).expect("an answer");
    }
    send(host, &[lines.as_bytes(), body].concat()).unwrap_or_else(|| panic!("no answer to {method} {path}"))
}

/// Sends these bytes and reads one answer; `None` when the connection was closed without one.
pub fn send(host: &str, bytes: &[u8]) -> Option<Answer> {
    let mut stream = connect(host);
    // The server may have answered and closed before it has read everything.
    stream.write_all(bytes).ok();
    read(&mut stream)
}

/// A connection that gives up in the end.
pub fn connect(host: &str) -> TcpStream {
    let stream = TcpStream::connect(host).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// Reads one answer.
pub fn read(stream: &mut TcpStream) -> Option<Answer> {
    let mut reader = BufReader::new(stream);
    let mut answer = read_head(&mut reader)?;
    if answer.header("content-type") == Some("text/event-stream") || [204, 304].contains(&answer.status) {
        return Some(answer);
    }
    if let Some(length) = answer.header("content-length").map(|length| length.parse().expect("a length")) {
        answer.body = vec![0; length];
        reader.read_exact(&mut answer.body).expect("the whole body");
    } else if answer.header("transfer-encoding") == Some("chunked") {
        answer.body = chunks(&mut reader);
    } else {
        reader.read_to_end(&mut answer.body).ok();
    }
    Some(answer)
}

/// Reads status and headers.
fn read_head(reader: &mut impl std::io::BufRead) -> Option<Answer> {
    let first = line(reader)?;
    let status = first.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("{first}"));
    let mut headers = Vec::new();
    while let Some(line) = line(reader).filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').expect("a header");
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    Some(Answer { status, headers, body: Vec::new() })
}

/// A line without its end; `None` at the end of the connection, however it came.
fn line(reader: &mut impl std::io::BufRead) -> Option<String> {
    let mut line = String::new();
    let count = reader.read_line(&mut line).ok()?;
    (count > 0).then(|| line.trim_end().to_owned())
}

fn chunks(reader: &mut BufReader<&mut TcpStream>) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let length = usize::from_str_radix(&line(reader).expect("a chunk"), 16).expect("its length");
        let mut chunk = vec![0; length];
        reader.read_exact(&mut chunk).expect("the whole chunk");
        body.extend(chunk);
        line(reader);
        if length == 0 {
            return body;
        }
    }
}
