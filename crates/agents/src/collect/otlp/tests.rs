//! AG-40, and AG-41 for what telemetry says about tokens.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::answer::{ExportResponse, PartialSuccess, RpcStatus};
use super::sample::protobuf;
use super::*;
use crate::collect::testing::{assert_golden, assert_passes_the_gate, counted, fold, raw, sample};
use crate::contract::{CallStatus, Counts, Semantics, Usage};
use crate::state::SessionState;

fn json_of(signal: Signal, body: &[u8]) -> Collected {
    receive(signal, Encoding::Json, body).unwrap_or_else(|error| panic!("{error}"))
}

fn traces() -> Collected {
    json_of(Signal::Traces, &sample("otlp/traces.json"))
}

fn logs() -> Collected {
    json_of(Signal::Logs, &sample("otlp/logs.json"))
}

/// A request with one span of these attributes.
fn span_with(attributes: &Value) -> Vec<u8> {
    let attributes = attributes.as_object().expect("an object").iter().map(|(key, value)| {
        let value = match value {
            Value::String(text) => json!({ "stringValue": text }),
            Value::Number(number) if number.is_f64() => json!({ "doubleValue": number }),
            number => json!({ "intValue": number }),
        };
        json!({ "key": key, "value": value })
    });
    let span = json!({ "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b173", "name": "chat",
        "startTimeUnixNano": "1767323045000000000", "attributes": attributes.collect::<Vec<_>>() });
    json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [span] }] }] }).to_string().into_bytes()
}

fn call_with(attributes: &Value) -> crate::contract::Call {
    json_of(Signal::Traces, &span_with(attributes)).documents[0].calls[0].clone()
}

/// AG-40: what each signal says, word for word.
#[test]
fn ag_40_otlp_golden() {
    assert_golden("otlp/traces.expected.json", &traces().documents);
    assert_golden("otlp/logs.expected.json", &logs().documents);
}

/// AG-40: protobuf, written by hand, says the same as JSON, and a request that is sent again says nothing new.
#[test]
fn ag_40_protobuf_says_what_json_says() {
    for (signal, name) in [(Signal::Traces, "traces"), (Signal::Logs, "logs"), (Signal::Metrics, "metrics")] {
        let body = sample(&format!("otlp/{name}.json"));
        let from_json = json_of(signal, &body);
        let from_protobuf = receive(signal, Encoding::Protobuf, &protobuf(&body)).expect("protobuf");
        assert_eq!(from_protobuf, from_json, "{name}");
        assert_eq!(json_of(signal, &body), from_json, "the same fingerprints");
    }
}

/// AG-40: only leaves are counted: no agent, and no call around another.
#[test]
fn ag_40_leaves_are_summed() {
    let stood = fold(&traces().documents);
    let calls = &stood["conv-1"].calls;
    let ids: Vec<&str> = calls.keys().map(|id| &id[id.len() - 2..]).collect();
    assert_eq!(ids, ["02", "05"]);
    let sum =
        |bucket: fn(&Counts) -> Option<i64>| calls.values().filter_map(|call| bucket(&counted(call))).sum::<i64>();
    assert_eq!(sum(|counts| counts.output), 25);
    assert_eq!(
        sum(|counts| counts.input_uncached) + sum(|counts| counts.cache_read) + sum(|counts| counts.cache_write),
        150
    );
}

/// The root of an agent's work is the session, and its children belong to it.
#[test]
fn a_root_agent_is_a_session() {
    let stood = fold(&traces().documents);
    let session = &stood["conv-1"].session;
    assert_eq!((session.agent_id.as_str(), session.state), ("planner", SessionState::Success));
    assert_eq!(session.ended_at.map(|end| end.millis_since(session.started_at)), Some(3_000));
    assert_eq!(
        stood["conv-1"].calls.values().next().and_then(|call| call.billed),
        Some(crate::money::Nano(10_000_000))
    );
    assert_eq!(stood["oc-1"].session.model_id, "claude-opus-4-5");
    assert_eq!(stood["oi-1"].calls.values().next().map(|call| call.status), Some(CallStatus::Failed));
    let cost = stood["lf-1"].calls.values().next().and_then(|call| call.estimated.clone());
    assert_eq!(cost, Some((crate::money::Nano(750_000_000), "openclaw@unknown".to_owned())));
}

/// The outermost agent is the session, also inside of a web server; one whose surroundings are not known is not.
#[test]
fn the_outermost_agent_is_the_session() {
    let span = |id: u8, parent: &str, operation: &str| {
        json!({ "traceId": "5b8efff798038103d269b633813fc60c", "spanId": format!("eee19b7ec3c1b1{id:02x}"), "parentSpanId": parent,
            "startTimeUnixNano": "1767323045000000000", "endTimeUnixNano": "1767323046000000000", "name": operation,
            "attributes": [{ "key": "gen_ai.operation.name", "value": { "stringValue": operation } },
                { "key": "gen_ai.agent.name", "value": { "stringValue": format!("agent-{id}") } }] })
    };
    let agents = |spans: Value| {
        let body = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": spans }] }] });
        let collected = json_of(Signal::Traces, body.to_string().as_bytes());
        collected.documents.into_iter().map(|document| document.session.agent_id).collect::<Vec<_>>()
    };
    let (server, outer) = (span(1, "0000000000000000", "GET"), span(2, "eee19b7ec3c1b101", "invoke_agent"));
    let inner = span(3, "eee19b7ec3c1b102", "invoke_agent");
    assert_eq!(agents(json!([inner, outer, server])), ["agent-2"]);
    assert_eq!(agents(json!([outer])), [""; 0]);
}

/// The id of an agent stands above its name, which is for people; the resource is asked last.
#[test]
fn an_agent_is_known_by_its_id_and_called_by_its_name() {
    let told = |attributes: Value| {
        let session = json_of(Signal::Traces, &span_with(&attributes)).documents[0].session.clone();
        (session.agent_id, session.agent_label)
    };
    let both = |id: &str, label: &str| (id.to_owned(), label.to_owned());
    let operation = ("gen_ai.operation.name", "invoke_agent");
    let named = json!({ operation.0: operation.1, "gen_ai.agent.id": "asst_1", "gen_ai.agent.name": "Planner" });
    assert_eq!(told(named), both("asst_1", "Planner"));
    assert_eq!(told(json!({ operation.0: operation.1, "gen_ai.agent.name": "Planner" })), both("Planner", "Planner"));
    assert_eq!(told(json!({ operation.0: operation.1, "gen_ai.agent.id": "asst_1" })), both("asst_1", "asst_1"));
    let call = json!({ "gen_ai.operation.name": "chat", "gen_ai.agent.id": "asst_1", "gen_ai.usage.output_tokens": 1 });
    assert_eq!(told(call).0, "asst_1");
}

/// AG-40: the log of a request and the file of the same program name it alike, so the ledger can join them.
#[test]
fn ag_40_log_and_file_of_claude_join() {
    let stood = fold(&logs().documents);
    let call = &stood["6f1c1f0e-0000-4000-8000-000000000001"].calls["req_A"];
    assert_eq!((call.provider.as_deref(), call.response_id.as_deref()), (Some("anthropic"), Some("req_A")));
    assert_eq!((raw(call, "output_tokens"), call.duration_ms), (Some(120), Some(1_500)));
    let version = call.estimated.as_ref().map(|(nano, version)| (nano.0, version.as_str()));
    assert_eq!(version, Some((2_860_000, "claude-code@2.0.14")));
    let codex = stood["conv-9"].calls.values().next().expect("a call");
    assert_eq!(codex.call_id, "2026-01-02T03:04:08.000Z/1000/800/50/20");
    assert!(matches!(codex.usage, Usage::Raw(_, Semantics::Inclusive)));
}

/// AG-40: what is wrong with one record is said, and the others are taken.
#[test]
fn ag_40_partial_success_is_answered_in_kind() {
    let collected = traces();
    assert_eq!((collected.accepted, collected.rejected), (9, 1));
    let text = "span 6: has no valid traceId and spanId";
    let said: Value = serde_json::from_slice(&answer(Signal::Traces, Encoding::Json, &collected)).expect("JSON");
    assert_eq!(said, json!({ "partialSuccess": { "rejectedSpans": "1", "errorMessage": text } }));
    let said =
        ExportResponse::decode(answer(Signal::Traces, Encoding::Protobuf, &collected).as_slice()).expect("protobuf");
    assert_eq!(said.partial_success, Some(PartialSuccess { rejected: 1, message: text.to_owned() }));
    let said = answer(Signal::Logs, Encoding::Json, &logs());
    assert_eq!(
        String::from_utf8(said).expect("text"),
        r#"{"partialSuccess":{"errorMessage":"log record 6: has no session.id","rejectedLogRecords":"1"}}"#
    );
    let metrics = json_of(Signal::Metrics, &sample("otlp/metrics.json"));
    assert_eq!((metrics.accepted, metrics.documents.len()), (4, 0));
    assert_eq!(answer(Signal::Metrics, Encoding::Json, &metrics), b"{}");
    assert_eq!(answer(Signal::Metrics, Encoding::Protobuf, &metrics), b"");
}

/// AG-40: a request that is none has a status in kind.
#[test]
fn ag_40_bad_requests_have_a_status() {
    let error = receive(Signal::Traces, Encoding::Json, b"{").expect_err("no JSON");
    assert_eq!((error, error.status()), (BadRequest::NotJson, 400));
    assert_eq!(error.body(Encoding::Json), br#"{"code":3,"message":"the body is no OTLP message in JSON"}"#);
    let error = receive(Signal::Traces, Encoding::Protobuf, b"\x0a\x05").expect_err("cut off");
    let status = RpcStatus::decode(error.body(Encoding::Protobuf).as_slice()).expect("protobuf");
    assert_eq!((status.code, status.message.as_str()), (3, "the body is no OTLP message in protobuf"));
    for body in [
        "[]",
        "17",
        r#"{"resourceSpans":{}}"#,
        r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":-1}]}]}]}"#,
    ] {
        assert_eq!(receive(Signal::Traces, Encoding::Json, body.as_bytes()).err(), Some(BadRequest::NotJson), "{body}");
    }
    for (content_type, encoding) in [
        ("application/json; charset=utf-8", Some(Encoding::Json)),
        ("Application/X-Protobuf", Some(Encoding::Protobuf)),
        ("text/plain", None),
        ("", None),
    ] {
        assert_eq!(Encoding::of_content_type(content_type), encoding);
        assert!(encoding.is_none_or(|encoding| Encoding::of_content_type(encoding.content_type()) == Some(encoding)));
    }
}

/// A small body that would take much memory is refused before it is read.
#[test]
fn requests_that_would_fill_the_memory_are_not_read() {
    // Spans without anything in them: two bytes each on the wire.
    let spans = [0x12, 0].repeat(4 * 1024 * 1024);
    let wrapped = |bytes: &[u8], number: u8| {
        let mut out = vec![number << 3 | 2];
        let mut length = bytes.len();
        while length >= 0x80 {
            out.push((length & 0x7F) as u8 | 0x80);
            length >>= 7;
        }
        out.push(length as u8);
        out.extend_from_slice(bytes);
        out
    };
    let body = wrapped(&wrapped(&spans, 2), 1);
    assert_eq!(receive(Signal::Traces, Encoding::Protobuf, &body).err(), Some(BadRequest::TooLarge));
    let body = format!(r#"{{"resourceSpans":[{}{{}}]}}"#, "{},".repeat(CONTAINERS_MAX));
    assert_eq!(receive(Signal::Traces, Encoding::Json, body.as_bytes()).err(), Some(BadRequest::TooLarge));
    let body = format!(r#"{{"x":{}}}"#, "[".repeat(200));
    assert_eq!(receive(Signal::Traces, Encoding::Json, body.as_bytes()).err(), Some(BadRequest::TooLarge));
    let large = vec![b' '; BODY_BYTES_MAX + 1];
    assert_eq!(receive(Signal::Logs, Encoding::Json, &large).err(), Some(BadRequest::TooLarge));
}

/// AG-41: the buckets of each convention are disjoint, and sum up to what was sent.
#[test]
fn ag_41_tokens_of_spans() {
    let counts = |input: i64, read: Option<i64>, write: Option<i64>, output: i64| Counts {
        input_uncached: Some(input),
        cache_read: read,
        cache_write: write,
        output: Some(output),
        ..Counts::default()
    };
    for (attributes, expected) in [
        (
            json!({ "gen_ai.usage.input_tokens": 100, "gen_ai.usage.cache_read.input_tokens": 60, "gen_ai.usage.cache_creation.input_tokens": 30, "gen_ai.usage.output_tokens": 7 }),
            counts(10, Some(60), Some(30), 7),
        ),
        (
            json!({ "gen_ai.usage.prompt_tokens": "100", "gen_ai.usage.cache_read_input_tokens": 60, "gen_ai.usage.completion_tokens": 7 }),
            counts(40, Some(60), None, 7),
        ),
        (
            json!({ "gen_ai.usage.input_tokens": 100, "gen_ai.usage.cache_write.input_tokens": 30, "gen_ai.usage.details.cache_read_tokens": 1, "gen_ai.usage.output_tokens": 7 }),
            counts(69, Some(1), Some(30), 7),
        ),
        (
            json!({ "llm.token_count.prompt": 100.0, "llm.token_count.prompt_details.cache_read": 60, "llm.token_count.completion": 7 }),
            counts(40, Some(60), None, 7),
        ),
    ] {
        let mut attributes = attributes;
        attributes["gen_ai.request.model"] = "m".into();
        assert_eq!(counted(&call_with(&attributes)), expected, "{attributes}");
    }
    let odd = json!({ "gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 5, "gen_ai.usage.cache_read.input_tokens": 60 });
    assert!(matches!(call_with(&odd).usage, Usage::Raw(_, Semantics::Inclusive)));
    let total = json!({ "gen_ai.operation.name": "embeddings", "llm.usage.total_tokens": 5 });
    assert!(matches!(call_with(&total).usage, Usage::Raw(_, Semantics::TotalOnly)));
    assert_eq!(call_with(&json!({ "gen_ai.operation.name": "chat" })).usage, Usage::Unknown);
}

#[test]
fn costs_are_billed_or_estimated() {
    for (attributes, billed, estimated) in [
        (json!({ "gen_ai.usage.cost.amount": 0.5, "gen_ai.usage.cost.source": "provider" }), Some(500_000_000), None),
        (json!({ "gen_ai.usage.cost.amount": 0.5, "gen_ai.usage.cost.source": "local" }), None, Some(500_000_000)),
        (json!({ "gen_ai.usage.cost.amount": 0.5, "gen_ai.usage.cost.currency": "EUR" }), None, None),
        (json!({ "gen_ai.usage.cost": 0.25 }), None, Some(250_000_000)),
        (json!({ "llm.cost.total": 0.0 }), None, None),
        (json!({ "langfuse.observation.cost_details": "{\"total\":0.125,\"input\":9}" }), None, Some(125_000_000)),
        (json!({ "langfuse.observation.cost_details": "no JSON" }), None, None),
    ] {
        let mut attributes = attributes;
        attributes["gen_ai.operation.name"] = "chat".into();
        let call = call_with(&attributes);
        let cost = (call.billed.map(|nano| nano.0), call.estimated.map(|(nano, _)| nano.0));
        assert_eq!(cost, (billed, estimated), "{attributes}");
    }
}

/// Spans that name each other as their parents, or themselves, come out.
#[test]
fn circles_of_spans_end() {
    let span = |id: &str, parent: &str| {
        json!({ "traceId": "5b8efff798038103d269b633813fc60c", "spanId": id, "parentSpanId": parent,
        "startTimeUnixNano": 1_767_323_045_000_000_000_u64, "attributes": [{ "key": "gen_ai.operation.name", "value": { "stringValue": "chat" } },
        { "key": "gen_ai.usage.output_tokens", "value": { "intValue": 1 } }] })
    };
    let (one, two) = ("eee19b7ec3c1b101", "eee19b7ec3c1b102");
    let body = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [span(one, two), span(two, one), span("eee19b7ec3c1b103", "eee19b7ec3c1b103")] }] }] });
    let collected = json_of(Signal::Traces, body.to_string().as_bytes());
    assert_eq!((collected.accepted, collected.rejected), (3, 0));
    assert_eq!(collected.documents[0].calls.len(), 1, "two that are around each other are both wrappers");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), place in 0_usize..20_000, other in any::<u8>()) {
        for (signal, name) in [(Signal::Traces, "traces"), (Signal::Logs, "logs"), (Signal::Metrics, "metrics")] {
            let mut json = sample(&format!("otlp/{name}.json"));
            let mut binary = protobuf(&json);
            let (in_json, in_binary) = (place % json.len(), place % binary.len());
            json[in_json] = other;
            binary[in_binary] = other;
            for (encoding, body) in [(Encoding::Json, &bytes), (Encoding::Protobuf, &bytes), (Encoding::Json, &json), (Encoding::Protobuf, &binary)] {
                if let Ok(collected) = receive(signal, encoding, body) {
                    collected.documents.iter().for_each(assert_passes_the_gate);
                    assert_eq!(answer(signal, encoding, &collected).len() > 2, collected.rejected > 0);
                }
            }
        }
    }

    /// AG-40: the order of the spans in a request does not matter.
    #[test]
    fn ag_40_the_order_of_spans_does_not_matter(seed in any::<u64>()) {
        let mut request: Value = serde_json::from_slice(&sample("otlp/traces.json")).expect("JSON");
        let spans = request["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array_mut().expect("spans");
        let places = spans.len();
        for place in 0..places {
            spans.swap(place, (usize::try_from(seed % 1_000_003).unwrap_or(0) * (place + 7)) % places);
        }
        prop_assert_eq!(json_of(Signal::Traces, request.to_string().as_bytes()).documents, traces().documents);
    }
}
