//! The older contract, suite by suite: what its clients send is taken in, and what they read has the shape that they know.
//!
//! `v1`: the routes without a version and the first envelope. `v2`: the envelope with a run and its timeline. `v3`: the ledger, analytics and
//! alerts. `v41`: keys and provenance that last, readiness, the life of alerts. Each answer is held against three things that do not know of
//! the code: the fields of the tables (`shape`), a client that was written for them (`decoder`), and a committed copy (`snapshots`).

mod decoder;
mod planted;
mod shape;

mod v1;
mod v2;
mod v3;
mod v41;

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::server::client::Answer;
use crate::server::{Served, now, token};
use crate::world::{Backend, World};

pub const INGEST: &str = "/api/v3/ingest/session";
pub const LEDGER: &str = "/api/v3/ledger";
pub const USAGE: &str = "/api/v3/analytics/usage";

/// Fields that say when something happened here, or are drawn: they differ from run to run and are not compared.
const VOLATILE: [&str; 11] = [
    "ingestedAt",
    "computedAt",
    "generatedAt",
    "createdAt",
    "updatedAt",
    "triggeredAt",
    "openedAt",
    "suppressedUntil",
    "silencedUntil",
    "lastActivityAt",
    "auditId",
];

/// A client of the older contract, and everything that it was answered.
pub struct Client {
    served: Served,
    token: String,
    backend: Backend,
    heard: Map<String, Value>,
}

impl Client {
    /// Starts a server; the client may do everything.
    pub fn new(world: &World, backend: Backend) -> Self {
        let token = token(world, "read,ingest,control,admin");
        Self { served: Served::new(world), token, backend, heard: Map::new() }
    }

    /// The same client when its server was killed and started anew.
    pub fn after_a_death(self, world: &World) -> Self {
        self.served.running.kill();
        Self { served: Served::new(world), ..self }
    }

    /// Asks, and does not look at the answer.
    #[track_caller]
    pub fn send(&self, method: &str, path: &str, body: &str) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let lines = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        self.served.ask(method, path, &lines, body)
    }

    /// Asks; the answer has this status, this shape, is read by the older client, and is noted for [`Self::is_as_committed`].
    #[track_caller]
    pub fn ask(&mut self, shape: &str, (method, path): (&str, &str), body: &str, status: u16) -> Value {
        let answer = self.send(method, path, body);
        self.note(shape, (method, path), &answer, status)
    }

    /// An answer that came in another way.
    #[track_caller]
    pub fn note(&mut self, shape: &str, (method, path): (&str, &str), answer: &Answer, status: u16) -> Value {
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{answer:?}");
        let body = answer.json();
        shape::assert_is(shape, &body);
        if let Err(problem) = decoder::read(shape, &body) {
            panic!("an older client cannot read {method} {path}: {problem}: {body:#}");
        }
        let title = format!("{:02} {method} {path}", self.heard.len() + 1);
        self.heard.insert(title, json!({"shape": shape, "status": status, "body": masked(&body)}));
        body
    }

    /// A GET of the older contract.
    #[track_caller]
    pub fn get(&mut self, shape: &str, path: &str) -> Value {
        self.ask(shape, ("GET", path), "", 200)
    }

    /// Hands a document in that is taken.
    #[track_caller]
    pub fn taken(&mut self, envelope: &Value) -> Value {
        self.ask("Taken", ("POST", INGEST), &envelope.to_string(), 200)
    }

    /// Hands a document in that is refused.
    #[track_caller]
    pub fn refused(&mut self, envelope: &Value, status: u16) -> Value {
        self.ask("Refused", ("POST", INGEST), &envelope.to_string(), status)
    }

    /// Asks for what is refused in a sentence.
    #[track_caller]
    pub fn told(&mut self, (method, path): (&str, &str), body: &str, status: u16, sentence: &str) {
        let answer = self.ask("Said", (method, path), body, status);
        assert_eq!(answer, json!({ "error": sentence }), "{method} {path} {body}");
    }

    /// How many sessions there are.
    #[track_caller]
    pub fn sessions(&self) -> i64 {
        let answer = self.send("GET", LEDGER, "").json();
        answer["total"].as_i64().unwrap_or_else(|| panic!("{answer}"))
    }

    /// Everything that was answered is what was committed, byte for byte but for what differs from run to run.
    #[track_caller]
    pub fn is_as_committed(&self, suite: &str) {
        let committed = folder().join(format!("{suite}.json"));
        let text = std::fs::read_to_string(&committed).unwrap_or_default();
        let now = format!("{:#}\n", Value::from(self.heard.clone()));
        if text == now {
            return;
        }
        let found = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{suite}-{:?}.json", self.backend));
        std::fs::write(&found, &now).expect("a file");
        let first = now.lines().zip(text.lines()).position(|(now, then)| now != then).unwrap_or(0);
        let around = |text: &str| text.lines().skip(first.saturating_sub(12)).take(16).collect::<Vec<_>>().join("\n");
        panic!(
            "the answers of {suite} differ from {}, first in line {}:\n{}\n--- committed\n{}\n--- when that is meant, copy {}",
            committed.display(),
            first + 1,
            around(&now),
            around(&text),
            found.display()
        );
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/acceptance/contracts/snapshots")
}

/// An answer without what differs from run to run.
fn masked(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(masked).collect(),
        Value::Object(fields) => {
            let mask = |(name, value): (&String, &Value)| {
                let is_volatile = VOLATILE.contains(&name.as_str()) && value.is_string();
                (name.clone(), if is_volatile { json!(format!("<{name}>")) } else { masked(value) })
            };
            Value::Object(fields.iter().map(mask).collect())
        }
        other => other.clone(),
    }
}

/// An envelope of a version.
pub fn envelope(version: &str, payload: &Value) -> Value {
    json!({"envelope_version": version, "payload": payload})
}

/// The least that a session says.
pub fn least(id: &str, state: &str) -> Value {
    json!({"sessionId": id, "agentId": "builder", "modelId": "alpha", "state": state, "startedAt": "2026-01-02T03:04:05Z"})
}

/// A value with more fields.
pub fn with(mut value: Value, more: &Value) -> Value {
    for (name, field) in more.as_object().expect("fields") {
        value[name] = field.clone();
    }
    value
}

/// A session that began and ended now.
pub fn spent(id: &str, agent: &str, cost: f64) -> Value {
    let now = now().to_string();
    let more = json!({"agentId": agent, "startedAt": now, "endedAt": now, "billedCostUsd": cost});
    envelope("v3", &json!({"session": with(least(id, "success"), &more)}))
}

/// The bytes of a refusal with these details.
pub fn invalid(details: &[(&str, &str)]) -> Value {
    let details: Vec<Value> =
        details.iter().map(|(field, message)| json!({"field": field, "message": message})).collect();
    json!({"error": {"code": "VALIDATION_ERROR", "message": "Invalid ingest payload", "details": details}})
}
