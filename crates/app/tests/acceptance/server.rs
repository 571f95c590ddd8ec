//! The server from outside: through the real program, byte by byte where it matters.

pub mod client;
pub mod control;

mod access;
mod agents;
mod agents_chain;
mod agents_live;
mod agents_verbs;
mod archive;
mod browser;
mod hostile;
mod huge;
mod import;
mod jobs;
mod keep;
mod life;
mod load;
mod origin;
mod remote;
mod rooms;
mod schemathesis;
mod startup;
mod statuses;
mod surface;
mod week;
mod work;

use std::time::Instant;

use exhibit_model::time::Timestamp;
use serde_json::Value;

use crate::world::{PATIENCE, Running, World};
use client::{Answer, ask};

/// A server of a world. It is killed when it is dropped.
pub struct Served {
    /// The process.
    pub running: Running,
    /// Where it listens: `127.0.0.1:` and a port.
    pub host: String,
    /// The login link that it printed.
    pub link: Option<String>,
}

impl Served {
    /// Starts it and waits until it is ready.
    #[track_caller]
    pub fn new(world: &World) -> Self {
        let mut running = world.start(&["serve", "--listen", "127.0.0.1:0", "--json"]);
        let line = running.line().expect("the server says where it is");
        let said: Value = serde_json::from_str(&line).expect("a JSON document");
        let host = said["listen"].as_str().expect("an address").to_owned();
        Self { running, host, link: said["login"].as_str().map(str::to_owned) }
    }

    /// Starts it, and returns as soon as it says where it listens, ready or not.
    pub fn early(world: &World) -> Self {
        let file = world.home().join("server.json");
        // One that was killed leaves its file behind, and by now somebody else may listen where it did.
        std::fs::remove_file(&file).ok();
        let running = world.start(&["serve", "--listen", "127.0.0.1:0"]);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let place = std::fs::read(&file).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
            if let Some(host) = place.as_ref().and_then(|place| place["listen"].as_str()) {
                return Self { running, host: host.to_owned(), link: None };
            }
            assert!(Instant::now() < deadline, "the server does not say where it is");
            std::thread::yield_now();
        }
    }

    /// A plain request with these header lines.
    #[track_caller]
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        ask(&self.host, method, path, headers, body.as_bytes())
    }

    /// A GET with a token.
    #[track_caller]
    pub fn get(&self, path: &str, token: &str) -> Answer {
        self.ask("GET", path, &[("authorization", &format!("Bearer {token}"))], "")
    }

    /// A POST of JSON with a token.
    #[track_caller]
    pub fn post(&self, path: &str, token: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {token}");
        let lines = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        self.ask("POST", path, &lines, &body.to_string())
    }

    /// Opens a session with a token and returns its cookie.
    #[track_caller]
    pub fn session(&self, token: &str) -> String {
        let body = serde_json::json!({ "token": token }).to_string();
        let answer = self.ask("POST", "/v1/session", &[("content-type", "application/json")], &body);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.cookie()
    }
}

/// The present moment: the program has its own clock, and alerts look at the last hours.
pub fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_microsecond())
}

/// A token with these scopes.
#[track_caller]
pub fn token(world: &World, scopes: &str) -> String {
    crate::world::text(&world.json(&["tokens", "create", "a test", "--scopes", scopes])["token"])
}
