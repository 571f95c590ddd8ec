//! A week of traffic of agents: sessions that go on and end, calls that are told twice, late, by halves and by others; made from a seed,
//! together with what it comes to.

#![expect(clippy::expect_used, reason = "a test says with it what it takes for granted")]

mod plan;

use serde_json::{Map, Value, json};

use crate::chance::Chance;
use crate::truth::{MODELS, TrueCall, TrueSession};
use plan::{Plan, Told, time, trace, usd};

/// Monday, 2 March 2026, microseconds UTC.
const MONDAY: i64 = 1_772_409_600_000_000;

/// Microseconds of a week.
const WEEK: i64 = 7 * 86_400 * 1_000_000;

const CATEGORIES: [Option<&str>; 4] = [None, Some("build"), Some("review"), Some("chat")];

/// What arrives.
pub struct Arrival {
    /// `api` for a client, else the word of a collector.
    pub feed: &'static str,
    /// What a client or a collector hands in. In [`week_over_http`] that of `otlp_span` is the body of a request to `/v1/traces`.
    pub envelope: Value,
    /// Whether it is refused.
    pub refused: bool,
}

/// What arrives in a week, in the order of its arrival, and what it comes to.
pub struct Traffic {
    /// What arrives.
    pub arrivals: Vec<Arrival>,
    /// How many of them can come in any order; the others contradict what came, and have to come after all of these.
    pub in_any_order: usize,
    /// The sessions as they are in the end.
    pub sessions: Vec<TrueSession>,
}

/// How the word of a collector arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spans {
    /// As the document that a collector makes.
    Made,
    /// As the request that a collector is sent.
    Sent,
}

struct Maker {
    chance: Chance,
    spans: Spans,
    traffic: Traffic,
    /// What has to come after what it contradicts.
    late: Vec<Arrival>,
}

/// Makes the traffic of so many sessions of clients; collectors tell of some of their calls as well.
pub fn week(seed: u64, sessions: usize) -> Traffic {
    let mut maker = Maker::new(seed, Spans::Made);
    for turn in 0..sessions {
        maker.session(turn);
        if turn % 40 == 0 {
            maker.shared_message(turn);
        }
    }
    maker.finish()
}

/// The same as requests to a server: documents for the gate, and spans of some of their calls for the collector.
pub fn week_over_http(seed: u64, sessions: usize) -> Traffic {
    let mut maker = Maker::new(seed, Spans::Sent);
    (0..sessions).for_each(|turn| maker.session(turn));
    maker.finish()
}

impl Maker {
    fn new(seed: u64, spans: Spans) -> Self {
        let traffic = Traffic { arrivals: Vec::new(), in_any_order: 0, sessions: Vec::new() };
        Self { chance: Chance::new(seed), spans, traffic, late: Vec::new() }
    }

    fn finish(mut self) -> Traffic {
        self.chance.shuffle(&mut self.traffic.arrivals);
        self.traffic.in_any_order = self.traffic.arrivals.len();
        self.traffic.arrivals.extend(self.late);
        self.traffic
    }

    fn arrive(&mut self, feed: &'static str, session: &Value, calls: &[Value], key: Option<&str>) -> Value {
        let mut envelope = json!({"envelope_version": "v3", "payload": {"session": session, "calls": calls}});
        if let Some(key) = key {
            envelope["idempotency_key"] = key.into();
        }
        self.traffic.arrivals.push(Arrival { feed, envelope: envelope.clone(), refused: false });
        envelope
    }

    fn session(&mut self, turn: usize) {
        let chance = &mut self.chance;
        let at = MONDAY + chance.between(0, WEEK - 1);
        let live = chance.percent(15);
        let mut session = TrueSession {
            id: format!("s-{turn:06}"),
            agent: format!("agent-{}", chance.below(20)),
            model: chance.one(&MODELS),
            category: chance.one(&CATEGORIES).unwrap_or("uncategorized"),
            at,
            live,
            runtime_ms: if live { 0 } else { chance.between(0, 3_600_000) },
            sent: None,
            billed: chance.percent(10).then(|| chance.between(0, 9_000_000_000)),
            calls: Vec::new(),
            is_recomputed: false,
        };
        if chance.percent(35) {
            let (prompt, completion) = (chance.between(0, 90_000), chance.between(0, 9_000));
            session.sent = Some(match chance.below(5) {
                0 => [Some(prompt), Some(completion), Some(prompt + completion)],
                1 => [Some(prompt), Some(completion), Some(prompt + 1)],
                2 => [None, None, Some(prompt)],
                3 => [Some(prompt), None, None],
                _ => [Some(prompt), Some(completion), None],
            });
        }
        let count = chance.below(5);
        let plans: Vec<Plan> = (0..count)
            .map(|nth| {
                let at = at + chance.between(0, 40 * 3_600 * 1_000_000);
                Plan::random(chance, format!("{}-{nth}", session.id), at)
            })
            .collect();
        self.tell(turn, &session, &plans);
        for plan in plans {
            let (owner, call) = self.maybe_elsewhere(&session, &plan);
            match owner {
                Some(mut other) => {
                    other.calls.push(call);
                    self.traffic.sessions.push(other);
                }
                None => session.calls.push(call),
            }
        }
        self.traffic.sessions.push(session);
    }

    /// Everything that the client says: as it goes on, in the end, again, too late, and what contradicts it.
    fn tell(&mut self, turn: usize, session: &TrueSession, plans: &[Plan]) {
        let revisions = self.chance.below(4);
        let key = self.chance.percent(20).then(|| format!("key-{turn}"));
        let whole: Vec<Value> = plans.iter().map(|plan| plan.json(plan.buckets[5])).collect();
        for revision in 0..revisions {
            let known = self.chance.below(plans.len() + 1);
            let calls: Vec<Value> =
                plans[..known].iter().map(|plan| plan.json(self.chance.between(0, plan.buckets[5]))).collect();
            let mut said = said(session, "running");
            said["revision"] = (revision + 1).into();
            said["title"] = format!("draft {revision}").into();
            // What it said meanwhile of its sums is not what it says in the end.
            if session.sent.is_some() {
                said["promptTokens"] = self.chance.between(0, 1_000).into();
            }
            self.arrive("api", &said, &calls, None);
        }
        let state = if session.live { "running" } else { self.chance.one(&["done", "failed", "killed", "canceled"]) };
        let mut end = said(session, state);
        end["revision"] = (revisions + 1).into();
        let envelope = self.arrive("api", &end, &whole, key.as_deref());
        if self.chance.percent(15) {
            self.traffic.arrivals.push(Arrival { feed: "api", envelope: envelope.clone(), refused: false });
        }
        if self.chance.percent(10) && (key.is_some() || !session.live) {
            let mut other = envelope;
            other["payload"]["session"]["title"] = "otherwise".into();
            other["payload"]["session"]["totalTokens"] = 987_654.into();
            self.late.push(Arrival { feed: "api", envelope: other, refused: true });
        }
        if self.chance.percent(10) && !session.live {
            let mut late = said(session, "running");
            late["title"] = "far too late".into();
            let envelope = json!({"envelope_version": "v3", "payload": {"session": late, "calls": whole}});
            self.late.push(Arrival { feed: "api", envelope, refused: false });
        }
    }

    /// A collector may have seen a call, too, in a session of its own: then whoever saw it first has it.
    fn maybe_elsewhere(&mut self, session: &TrueSession, plan: &Plan) -> (Option<TrueSession>, TrueCall) {
        let chance = &mut self.chance;
        if plan.response.is_none() || !chance.percent(20) {
            return (None, plan.truth(session.model, plan.at));
        }
        let copy_at = plan.at + chance.between(-1, 1) * chance.between(1, 36 * 3_600) * 1_000_000;
        let mut copy = match self.spans {
            Spans::Made => Plan::random(chance, format!("span-{}", plan.id), copy_at),
            Spans::Sent => Plan::of(Told::Span, chance, format!("span-{}", plan.id), copy_at),
        };
        copy.response.clone_from(&plan.response);
        let mut model = chance.one(&MODELS);
        if self.spans == Spans::Sent {
            // A span always tells its model, which is that of its session, and an estimate of 0 is none.
            model = copy.model.unwrap_or(model);
            copy.estimated = copy.estimated.filter(|nano| *nano > 0);
        }
        let id = format!("trace-{}", plan.id);
        let mut other = TrueSession {
            id: id.clone(),
            agent: "traced".to_owned(),
            model,
            category: "uncategorized",
            at: plan.at.min(copy_at) - 5_000_000,
            live: self.spans == Spans::Made,
            runtime_ms: 0,
            sent: None,
            billed: None,
            calls: Vec::new(),
            is_recomputed: false,
        };
        // Billed counts most, then the word of the client, whatever the output.
        let spans_bill = copy.billed.is_some() && plan.billed.is_none();
        let (word, of) = if spans_bill { (&copy, model) } else { (plan, session.model) };
        let at = plan.at.min(copy_at);
        let call = TrueCall { at, ..word.truth(of, at) };
        let elsewhere = (copy_at, id.as_str()) < (plan.at, session.id.as_str());
        match self.spans {
            Spans::Made => {
                self.arrive("otlp_span", &said(&other, "running"), &[copy.json(copy.buckets[5])], None);
            }
            Spans::Sent => {
                // What the span around it says: it ended a second after the call.
                let end = copy_at + 1_000_000;
                other.runtime_ms = (end - other.at) / 1_000;
                let envelope = trace(&other, &copy, end);
                self.traffic.arrivals.push(Arrival { feed: "otlp_span", envelope, refused: false });
            }
        }
        if elsewhere {
            return (Some(other), call);
        }
        // It stays in the ledger without a call.
        other.calls.clear();
        self.traffic.sessions.push(other);
        (None, call)
    }

    /// One message that two sessions of a collector tell of, the second time with more output.
    fn shared_message(&mut self, turn: usize) {
        let chance = &mut self.chance;
        let at = MONDAY + chance.between(0, WEEK - 1);
        let mut plan = Plan::random(chance, format!("msg-{turn}"), at);
        (plan.told, plan.response, plan.billed, plan.estimated) = (Told::Counted, None, None, None);
        (plan.buckets[5], plan.buckets[6]) = (chance.between(10, 500), 0);
        let later = Plan { at: at + 1_000_000, ..plan.clone() };
        let of = |name: &str| TrueSession {
            id: format!("{name}-{turn}"),
            agent: "claude-code".to_owned(),
            model: "alpha",
            category: "uncategorized",
            at,
            live: true,
            runtime_ms: 0,
            sent: None,
            billed: None,
            calls: Vec::new(),
            is_recomputed: false,
        };
        let (mut first, second) = (of("first"), of("second"));
        first.calls.push(later.truth("alpha", at));
        first.calls[0].at = at;
        self.arrive("claude_jsonl", &said(&first, "running"), &[plan.json(9)], None);
        self.arrive("claude_jsonl", &said(&second, "running"), &[later.json(later.buckets[5])], None);
        self.traffic.sessions.extend([first, second]);
    }
}

/// What a session says of itself in a state.
fn said(session: &TrueSession, state: &str) -> Value {
    let mut said = Map::new();
    for (name, value) in [
        ("sessionId", json!(session.id)),
        ("agentId", json!(session.agent)),
        ("modelId", json!(session.model)),
        ("provider", json!("acme")),
        ("state", json!(state)),
        ("startedAt", time(session.at)),
    ] {
        said.insert(name.to_owned(), value);
    }
    if session.category != "uncategorized" {
        said.insert("taskCategory".to_owned(), json!(session.category));
    }
    if state != "running" {
        said.insert("runtimeMs".to_owned(), json!(session.runtime_ms));
    }
    if let Some(sent) = session.sent {
        for (name, count) in ["promptTokens", "completionTokens", "totalTokens"].iter().zip(sent) {
            if let Some(count) = count {
                said.insert((*name).to_owned(), json!(count));
            }
        }
    }
    if let Some(billed) = session.billed {
        said.insert("billedCostUsd".to_owned(), usd(billed));
    }
    Value::Object(said)
}
