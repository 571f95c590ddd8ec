//! A receiver of webhooks: a small HTTP server on the loopback that hands over what it gets and answers as it is told.

#![expect(clippy::expect_used, reason = "a test says with it what it takes for granted")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver as Queue, Sender, channel};
use std::time::Duration;

/// How long a test waits for a request. It takes milliseconds; a loaded machine may take longer.
const REQUEST_WITHIN: Duration = Duration::from_secs(60);

/// What was received.
#[derive(Debug)]
pub struct Received {
    /// The first line.
    pub line: String,
    /// Headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
}

/// A receiver. It ends with the test.
pub struct Receiver {
    /// Where it listens.
    pub url: String,
    requests: Queue<Received>,
    answers: Sender<String>,
}

impl Receiver {
    /// Listens on a port that the system chooses.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/hook?for=tests", listener.local_addr().expect("an address"));
        let (received, requests) = channel();
        let (answers, to_give) = channel::<String>();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let Some(request) = read_request(&stream) else { continue };
                if received.send(request).is_err() {
                    return;
                }
                let Ok(answer) = to_give.recv() else { return };
                // Whoever asked may have gone away.
                (&stream).write_all(answer.as_bytes()).ok();
            }
        });
        Self { url, requests, answers }
    }

    /// How the next request that has no answer yet is answered: a status and perhaps headers.
    pub fn answers(&self, status: &str) {
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
        self.answers.send(answer).expect("a receiver");
    }

    /// The next request; waits for it.
    pub fn next(&self) -> Received {
        self.requests.recv_timeout(REQUEST_WITHIN).expect("a request")
    }

    /// Whether nothing more was received.
    pub fn is_quiet(&self) -> bool {
        self.requests.try_recv().is_err()
    }
}

fn read_request(stream: &TcpStream) -> Option<Received> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(": ") else { break };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length")?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Received { line: line.trim_end().to_owned(), headers, body })
}
