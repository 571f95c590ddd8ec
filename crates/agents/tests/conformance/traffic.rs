//! A week of traffic of agents: sessions that go on and end, calls that are told twice, late, by halves and by others; made from a seed,
//! together with what it comes to.

use exhibit_model::time::Timestamp;
use serde_json::{Map, Value, json};

use crate::chance::Chance;
use crate::truth::{Buckets, MODELS, TrueCall, TrueSession, Used, cost_at};

/// Monday, 2 March 2026, microseconds UTC.
const MONDAY: i64 = 1_772_409_600_000_000;

/// Microseconds of a week.
const WEEK: i64 = 7 * 86_400 * 1_000_000;

const CATEGORIES: [Option<&str>; 4] = [None, Some("build"), Some("review"), Some("chat")];

/// What arrives.
pub struct Arrival {
    pub feed: &'static str,
    pub envelope: Value,
    /// Whether it is refused.
    pub refused: bool,
}

/// What arrives in a week, in the order of its arrival, and what it comes to.
pub struct Traffic {
    pub arrivals: Vec<Arrival>,
    pub sessions: Vec<TrueSession>,
}

/// How a call is told.
#[derive(Debug, Clone, Copy)]
enum Told {
    Counted,
    Inclusive,
    Exclusive,
    TotalOnly,
    Nothing,
}

/// A call before it is told.
#[derive(Debug, Clone)]
struct Plan {
    id: String,
    response: Option<String>,
    /// `None` is the model of the session.
    model: Option<&'static str>,
    at: i64,
    batch: bool,
    buckets: Buckets,
    told: Told,
    billed: Option<i64>,
    estimated: Option<i64>,
}

/// A number of nano-USD as USD.
fn usd(nano: i64) -> Value {
    serde_json::from_str(&format!("{}.{:09}", nano / 1_000_000_000, nano % 1_000_000_000)).expect("a number")
}

fn time(at: i64) -> Value {
    Timestamp(at).to_string().into()
}

impl Plan {
    fn random(chance: &mut Chance, id: String, at: i64) -> Self {
        let told = match chance.below(20) {
            0..=6 => Told::Counted,
            7..=12 => Told::Inclusive,
            13..=17 => Told::Exclusive,
            18 => Told::TotalOnly,
            _ => Told::Nothing,
        };
        let mut buckets: Buckets = [0; 8];
        let has: &[usize] = match told {
            Told::Counted => &[0, 1, 2, 3, 4, 5, 6, 7],
            Told::Inclusive | Told::TotalOnly => &[0, 1, 5, 6],
            Told::Exclusive => &[0, 1, 2, 3, 5],
            Told::Nothing => &[],
        };
        for place in has {
            buckets[*place] = if chance.percent(25) { 0 } else { chance.between(1, 40_000) };
        }
        buckets[6] = buckets[6].min(buckets[5]);
        buckets[7] %= 5;
        let (billed, estimated) = match chance.below(10) {
            0 => (Some(chance.between(0, 5_000_000_000)), None),
            1 => (None, Some(chance.between(0, 5_000_000_000))),
            _ => (None, None),
        };
        let model = chance.percent(30).then(|| chance.one(&MODELS));
        let response = chance.percent(50).then(|| format!("answer-{id}"));
        Self { id, response, model, at, batch: chance.percent(20), buckets, told, billed, estimated }
    }

    /// In the words of the contract, with so much of its output.
    fn json(&self, output: i64) -> Value {
        let [uncached, read, five, hour, unsplit, _, reasoning, searches] = self.buckets;
        let reasoning = reasoning.min(output);
        let mut call = json!({"callId": self.id, "startedAt": time(self.at), "status": "success", "provider": "acme"});
        match self.told {
            Told::Counted => {
                call["usage"] = json!({"inputUncached": uncached, "cacheRead": read, "cacheWrite5m": five, "cacheWrite1h": hour,
                    "cacheWrite": unsplit, "output": output, "reasoning": reasoning, "webSearchRequests": searches});
            }
            Told::Inclusive => {
                call["rawUsage"] = json!({"prompt_tokens": uncached + read, "completion_tokens": output,
                    "total_tokens": uncached + read + output, "prompt_tokens_details": {"cached_tokens": read},
                    "completion_tokens_details": {"reasoning_tokens": reasoning}});
                call["semantics"] = "inclusive".into();
            }
            Told::Exclusive => {
                call["rawUsage"] = json!({"input_tokens": uncached, "cache_read_input_tokens": read, "output_tokens": output,
                    "cache_creation_input_tokens": five + hour,
                    "cache_creation": {"ephemeral_5m_input_tokens": five, "ephemeral_1h_input_tokens": hour}});
                call["semantics"] = "exclusive".into();
            }
            Told::TotalOnly => {
                call["rawUsage"] = json!({"total_tokens": uncached + read + self.buckets[5]});
                call["semantics"] = "total_only".into();
            }
            Told::Nothing => {}
        }
        if let Some(model) = self.model {
            call["modelId"] = model.into();
        }
        if let Some(response) = &self.response {
            call["responseId"] = response.as_str().into();
        }
        if self.batch {
            call["serviceTier"] = "batch".into();
        }
        if let Some(billed) = self.billed {
            call["billedCostUsd"] = usd(billed);
        }
        if let Some(estimated) = self.estimated {
            (call["estimatedCostUsd"], call["pricingVersion"]) = (usd(estimated), "litellm@9".into());
        }
        call
    }

    /// What it is in the end, when it began at `at` in a session of `model`.
    fn truth(&self, model: &'static str, at: i64) -> TrueCall {
        let used = match self.told {
            Told::Nothing => Used::Unknown,
            Told::TotalOnly => Used::Total(self.buckets[0] + self.buckets[1] + self.buckets[5]),
            Told::Counted | Told::Inclusive | Told::Exclusive => Used::Split(self.buckets),
        };
        let model = self.model.unwrap_or(model);
        let priced = match used {
            Used::Split(buckets) => cost_at(model, &buckets, self.batch, at),
            Used::Unknown | Used::Total(_) => None,
        };
        let cost = self.billed.or(self.estimated).or(priced);
        TrueCall { model, at, used, batch: self.batch, is_billed: self.billed.is_some(), cost }
    }
}

struct Maker {
    chance: Chance,
    traffic: Traffic,
    /// What has to come after what it contradicts.
    late: Vec<Arrival>,
}

/// Makes the traffic of so many sessions of clients; collectors tell of some of their calls as well.
pub fn week(seed: u64, sessions: usize) -> Traffic {
    let traffic = Traffic { arrivals: Vec::new(), sessions: Vec::new() };
    let mut maker = Maker { chance: Chance::new(seed), traffic, late: Vec::new() };
    for turn in 0..sessions {
        maker.session(turn);
        if turn % 40 == 0 {
            maker.shared_message(turn);
        }
    }
    maker.chance.shuffle(&mut maker.traffic.arrivals);
    maker.traffic.arrivals.extend(maker.late);
    maker.traffic
}

impl Maker {
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
        let mut copy = Plan::random(chance, format!("span-{}", plan.id), copy_at);
        copy.response.clone_from(&plan.response);
        let model = chance.one(&MODELS);
        let id = format!("trace-{}", plan.id);
        let mut other = TrueSession {
            id: id.clone(),
            agent: "traced".to_owned(),
            model,
            category: "uncategorized",
            at: plan.at.min(copy_at) - 5_000_000,
            live: true,
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
        let said = said(&other, "running");
        let calls = [copy.json(copy.buckets[5])];
        self.arrive("otlp_span", &said, &calls, None);
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
