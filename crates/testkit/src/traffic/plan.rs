//! A call before it is told, and the ways in which it is.

use exhibit_model::time::Timestamp;
use serde_json::{Value, json};

use crate::chance::Chance;
use crate::truth::{Buckets, MODELS, TrueCall, TrueSession, Used, cost_at};

/// How a call is told.
#[derive(Debug, Clone, Copy)]
pub enum Told {
    /// In buckets that do not overlap.
    Counted,
    /// As a provider does whose input holds what came from caches.
    Inclusive,
    /// As one whose input does not.
    Exclusive,
    /// By a total alone.
    TotalOnly,
    /// In the attributes of a span: like [`Self::Inclusive`], with what was written to caches.
    Span,
    /// Not at all.
    Nothing,
}

/// A call before it is told.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Its id in its feed.
    pub id: String,
    /// The id of the answer.
    pub response: Option<String>,
    /// `None` is the model of the session.
    pub model: Option<&'static str>,
    /// When it began, microseconds UTC.
    pub at: i64,
    /// Whether it is served later for less.
    pub batch: bool,
    /// What it used.
    pub buckets: Buckets,
    /// How that is told.
    pub told: Told,
    /// Billed nano-USD.
    pub billed: Option<i64>,
    /// Nano-USD that somebody else thinks.
    pub estimated: Option<i64>,
}

/// A number of nano-USD as USD.
pub fn usd(nano: i64) -> Value {
    serde_json::from_str(&format!("{}.{:09}", nano / 1_000_000_000, nano % 1_000_000_000)).expect("a number")
}

/// A moment as documents have it.
pub fn time(at: i64) -> Value {
    Timestamp(at).to_string().into()
}

impl Plan {
    /// Told in any way that a document has.
    pub fn random(chance: &mut Chance, id: String, at: i64) -> Self {
        let told = match chance.below(20) {
            0..=6 => Told::Counted,
            7..=12 => Told::Inclusive,
            13..=17 => Told::Exclusive,
            18 => Told::TotalOnly,
            _ => Told::Nothing,
        };
        Self::of(told, chance, id, at)
    }

    /// Told in this way.
    pub fn of(told: Told, chance: &mut Chance, id: String, at: i64) -> Self {
        let mut buckets: Buckets = [0; 8];
        let has: &[usize] = match told {
            Told::Counted => &[0, 1, 2, 3, 4, 5, 6, 7],
            Told::Inclusive | Told::TotalOnly => &[0, 1, 5, 6],
            Told::Exclusive => &[0, 1, 2, 3, 5],
            Told::Span => &[0, 1, 4, 5, 6],
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
    pub fn json(&self, output: i64) -> Value {
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
            // A span is told by itself.
            Told::Span => {}
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
    pub fn truth(&self, model: &'static str, at: i64) -> TrueCall {
        let used = match self.told {
            Told::Nothing => Used::Unknown,
            Told::TotalOnly => Used::Total(self.buckets[0] + self.buckets[1] + self.buckets[5]),
            Told::Counted | Told::Inclusive | Told::Exclusive | Told::Span => Used::Split(self.buckets),
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

/// A request with a session and its one call as spans.
pub fn trace(session: &TrueSession, call: &Plan, end: i64) -> Value {
    let [uncached, read, _, _, written, output, reasoning, _] = call.buckets;
    let text = |name: &str, value: &str| json!({"key": name, "value": {"stringValue": value}});
    let count = |name: &str, value: i64| json!({"key": name, "value": {"intValue": value.to_string()}});
    let mut said = vec![
        text("gen_ai.operation.name", "chat"),
        text("gen_ai.provider.name", "acme"),
        text("gen_ai.response.model", session.model),
        text("gen_ai.response.id", call.response.as_deref().unwrap_or_default()),
        count("gen_ai.usage.input_tokens", uncached + read + written),
        count("gen_ai.usage.cache_read.input_tokens", read),
        count("gen_ai.usage.cache_creation.input_tokens", written),
        count("gen_ai.usage.output_tokens", output),
        count("gen_ai.usage.reasoning.output_tokens", reasoning),
    ];
    if call.batch {
        said.push(text("gen_ai.openai.response.service_tier", "batch"));
    }
    if let Some(cost) = call.billed.or(call.estimated) {
        said.push(json!({"key": "gen_ai.usage.cost.amount", "value": {"doubleValue": usd(cost)}}));
        said.push(text("gen_ai.usage.cost.source", if call.billed.is_some() { "provider" } else { "local" }));
    }
    // Ids of 16 and 8 bytes that follow from the name, so that the same span is sent again under the same ids (FNV-1a).
    let id = call
        .id
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let span = |nth: u64, parent: &str, name: &str, (from, to): (i64, i64), attributes: &[Value]| {
        json!({"traceId": format!("{id:032x}"), "spanId": format!("{:016x}", id.wrapping_add(nth).max(1)), "parentSpanId": parent,
            "name": name, "kind": 3, "startTimeUnixNano": (from * 1_000).to_string(), "endTimeUnixNano": (to * 1_000).to_string(),
            "attributes": attributes})
    };
    let whole = [
        text("gen_ai.operation.name", "invoke_agent"),
        text("gen_ai.conversation.id", &session.id),
        text("gen_ai.agent.name", &session.agent),
    ];
    let root = span(0, "", "invoke_agent traced", (session.at, end), &whole);
    let parent = root["spanId"].as_str().expect("an id").to_owned();
    let leaf = span(1, &parent, "chat", (call.at, end), &said);
    json!({"resourceSpans": [{"resource": {"attributes": [text("service.name", "shop")]}, "scopeSpans": [{"spans": [leaf, root]}]}]})
}
