//! What agents say: sessions over thirty days in the order of their starts, of twenty agents and eight models, with random ids. Everything
//! follows from its number, so both sides and every run see the same.

use exhibit_model::digest::Digest;
use exhibit_model::time::Timestamp;
use serde_json::{Value, json};

/// Midnight of 1 March 2026 UTC, in microseconds: the first of the thirty days. The list of prices that is shipped is in force.
pub const FIRST_DAY_US: i64 = 1_772_323_200_000_000;

/// Microseconds of a day.
pub const DAY_US: i64 = 86_400 * 1_000_000;

/// Days that the sessions are spread over.
pub const DAYS: i64 = 30;

/// Sessions of the thirty days.
pub const SESSIONS: i64 = 100_000;

/// Agents, and categories of what they do.
pub const AGENTS: u64 = 20;
const CATEGORIES: [&str; 4] = ["build", "review", "chat", "research"];

/// Models that the shipped list of prices knows.
pub const MODELS: [&str; 8] = [
    "claude-opus-4-6",
    "claude-opus-4-5",
    "claude-opus-4-1",
    "claude-opus-4-0",
    "claude-sonnet-4-6",
    "claude-sonnet-4-5",
    "claude-sonnet-4-0",
    "claude-haiku-4-5",
];

/// Words of titles and tasks; a search for one of them finds a share of all sessions.
const WORDS: [&str; 32] = [
    "refactor", "the", "parser", "of", "invoices", "and", "add", "tests", "for", "edge", "cases", "in", "module",
    "storage", "fix", "flaky", "login", "page", "write", "release", "notes", "about", "queue", "limits", "review",
    "change", "set", "from", "last", "night", "with", "care",
];

/// Numbers that look random and follow from one.
struct Chance([u8; 32], usize);

impl Chance {
    fn of(number: i64) -> Self {
        Self(Digest::of(&number.to_be_bytes()).0, 0)
    }

    /// The next number below a bound.
    fn below(&mut self, bound: u64) -> u64 {
        if self.1 + 4 > self.0.len() {
            *self = Self(Digest::of(&self.0).0, 0);
        }
        let part = &self.0[self.1..self.1 + 4];
        self.1 += 4;
        part.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte)) % bound
    }

    fn words(&mut self, count: usize) -> String {
        let words: Vec<&str> = (0..count).map(|_| WORDS[self.below(WORDS.len() as u64) as usize]).collect();
        words.join(" ")
    }
}

fn time(at: i64) -> Value {
    Timestamp(at).to_string().into()
}

/// When a session begins.
pub fn start_of(number: i64) -> i64 {
    FIRST_DAY_US + number * (DAYS * DAY_US / SESSIONS)
}

/// The session as both forms tell it.
fn session(number: i64, chance: &mut Chance) -> Value {
    let id = Digest::of(format!("session {number}").as_bytes()).to_hex();
    let started = start_of(number);
    let runtime_ms = 1_000 + chance.below(900_000) as i64;
    let state = ["success", "success", "success", "success", "success", "success", "failed", "killed"]
        [chance.below(8) as usize];
    let agent = chance.below(AGENTS);
    json!({
        "sessionId": format!("{}-{}-{}", &id[..8], &id[8..12], &id[12..24]),
        "agentId": format!("agent-{agent:02}"),
        "modelId": MODELS[chance.below(MODELS.len() as u64) as usize],
        "provider": "anthropic",
        "state": state,
        "startedAt": time(started),
        "endedAt": time(started + runtime_ms * 1_000),
    })
}

/// A whole document of version 3: a session that has ended, with a title and a task, two calls and three events.
pub fn document(number: i64) -> Vec<u8> {
    let mut chance = Chance::of(number);
    let mut session = session(number, &mut chance);
    let started = start_of(number);
    session["title"] = format!("{} ticket{}", chance.words(5), number % 5_000).into();
    session["task"] = chance.words(30).into();
    session["taskCategory"] = CATEGORIES[chance.below(4) as usize].into();
    let calls: Vec<Value> = (0..2)
        .map(|place| {
            let read = chance.below(60_000);
            json!({
                "callId": format!("call_{place}_{:016x}", chance.below(u64::from(u32::MAX)) << 32 | number as u64),
                "startedAt": time(started + (place + 1) * 400_000),
                "status": "success",
                "durationMs": 200 + chance.below(20_000),
                "usage": {"inputUncached": chance.below(4_000), "cacheRead": read, "cacheWrite5m": chance.below(3_000),
                    "output": chance.below(2_000)},
            })
        })
        .collect();
    let kinds = ["message", "tool_call", "state_transition"];
    let events: Vec<Value> = (0..3_usize)
        .map(|place| {
            json!({
                "eventType": kinds[place],
                "eventTs": time(started + (place as i64 + 1) * 300_000),
                "payload": {"step": place, "name": chance.words(2), "detail": chance.words(6)},
            })
        })
        .collect();
    envelope(&json!({
        "envelope_version": "v3",
        "payload": {"session": session, "calls": calls, "events": events},
    }))
}

/// The least that a client says: a session alone, without an envelope, with its tokens.
pub fn bare(number: i64) -> Vec<u8> {
    let mut chance = Chance::of(number);
    let mut session = session(number, &mut chance);
    session["promptTokens"] = chance.below(60_000).into();
    session["completionTokens"] = chance.below(4_000).into();
    envelope(&json!({ "session": session }))
}

fn envelope(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}
