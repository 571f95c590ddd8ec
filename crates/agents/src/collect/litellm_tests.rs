//! AG-40 and AG-41 for LiteLLM.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::collect::testing::{assert_golden, assert_passes_the_gate, counted, fold, raw, sample};
use crate::contract::Document;

fn documents(body: &Value) -> Vec<Document> {
    let collected = read(body.to_string().as_bytes(), Some("1.80.0")).expect("JSON");
    assert_eq!((collected.rejected, collected.message), (0, None));
    collected.documents
}

fn call_of(fields: Value) -> Call {
    let mut record = json!({ "id": "r", "startTime": 1_767_323_045.25, "endTime": 1_767_323_046.5, "model": "m", "status": "success" });
    record.as_object_mut().expect("object").extend(fields.as_object().cloned().expect("object"));
    documents(&record)[0].calls[0].clone()
}

/// AG-40, AG-41: an array of payloads, word for word.
#[test]
fn ag_40_litellm_golden() {
    let collected = read(&sample("litellm/payloads.json"), Some("1.80.0")).expect("JSON");
    assert_eq!((collected.accepted, collected.rejected), (5, 1));
    assert_eq!(collected.message.as_deref(), Some("record 5: has no startTime"));
    assert_golden("litellm/payloads.expected.json", &collected.documents);
}

/// AG-40: the same id with another start is another call; with the same start it is the same.
#[test]
fn ag_40_the_same_id_with_another_start_is_another_call() {
    let record =
        |start: f64| json!({ "id": "r", "trace_id": "t", "startTime": start, "model": "m", "prompt_tokens": 1 });
    let stood = fold(&documents(&json!([record(1e9), record(1e9 + 0.5), record(1e9)])));
    let calls: Vec<&str> = stood["t"].calls.keys().map(String::as_str).collect();
    assert_eq!(calls, ["r@1000000000000000", "r@1000000000500000"]);
}

/// AG-40: a body in any of its shapes gives the same documents, and so does one that is sent again.
#[test]
fn ag_40_shapes_of_a_body_do_not_matter() {
    let record = json!({ "id": "r", "startTime": 1e9, "model": "m", "prompt_tokens": 1, "agent_id": "a" });
    let other = json!({ "id": "q", "startTime": 1e9, "model": "m", "prompt_tokens": 1, "request_tags": ["nightly"] });
    let array = documents(&json!([record, other]));
    let lines = read(format!("{record}\n\n{other}\n").as_bytes(), Some("1.80.0")).expect("lines");
    assert_eq!((lines.accepted, &lines.documents), (2, &array));
    assert_eq!(documents(&json!([record, other])), array);
    assert_eq!(array.iter().map(|document| document.session.agent_id.as_str()).collect::<Vec<_>>(), ["nightly", "a"]);
    assert_eq!(documents(&record), array[1..]);
}

/// AG-41: the buckets are disjoint and sum up to the prompt.
#[test]
fn ag_41_tokens_of_litellm() {
    let usage = json!({ "prompt_tokens": 100, "completion_tokens": 9, "prompt_tokens_details": { "cached_tokens": 60 },
        "cache_creation_input_tokens": 30, "completion_tokens_details": { "reasoning_tokens": 4 } });
    let counts = counted(&call_of(json!({ "metadata": { "usage_object": usage } })));
    let expected = Counts {
        input_uncached: Some(10),
        cache_read: Some(60),
        cache_write: Some(30),
        output: Some(9),
        reasoning: Some(4),
        ..Counts::default()
    };
    assert_eq!(counts, expected);
    let plain =
        call_of(json!({ "prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9, "messages": [{ "a": 1 }] }));
    assert_eq!((raw(&plain, "prompt_tokens"), raw(&plain, "total_tokens")), (Some(7), Some(9)));
    let total = call_of(json!({ "prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 9 }));
    assert!(matches!(total.usage, Usage::Raw(_, Semantics::TotalOnly)));
    assert_eq!(call_of(json!({})).usage, Usage::Unknown);
    let odd = call_of(json!({ "response": { "usage": { "prompt_tokens": 5, "cache_creation_input_tokens": 9 } } }));
    assert!(matches!(odd.usage, Usage::Raw(_, Semantics::Inclusive)), "left to those who judge such cases");
}

#[test]
fn zero_is_a_cost_only_from_the_cache() {
    for (fields, cost) in [
        (json!({ "response_cost": 0.0021 }), Some(2_100_000)),
        (json!({ "response_cost": 0.0 }), None),
        (json!({ "response_cost": 0.5, "cache_hit": true }), Some(0)),
        (json!({ "response_cost": 0.5, "response_cost_failure_debug_info": { "error": "unmapped" } }), None),
        (json!({ "response_cost": null }), None),
    ] {
        let estimated = call_of(fields.clone()).estimated;
        assert_eq!(
            estimated.map(|(nano, version)| (nano.0, version)),
            cost.map(|cost| (cost, "litellm@1.80.0".into())),
            "{fields}"
        );
    }
}

#[test]
fn failures_have_a_code_and_an_event() {
    let failed = json!({ "id": "r", "startTime": 1e9, "status": "failure", "error_str": "boom", "error_information": { "error_code": 429 } });
    let document = &documents(&failed)[0];
    assert_eq!((document.calls[0].status, document.calls[0].error_code.as_deref()), (CallStatus::Failed, Some("429")));
    assert_eq!(document.events[0].payload["message"], "boom");
}

#[test]
fn bodies_that_say_nothing() {
    for (body, error) in
        [("", BadBody::NotJson), ("17", BadBody::NotJson), ("[{]", BadBody::NotJson), ("{", BadBody::NotJson)]
    {
        assert_eq!(read(body.as_bytes(), None).err(), Some(error), "{body}");
    }
    assert_eq!(read(&vec![b'['; BODY_BYTES_MAX + 1], None).err(), Some(BadBody::TooLarge));
    assert_eq!(read(&vec![b'['; 1_000], None).err(), Some(BadBody::TooLarge), "too deep");
    assert_eq!(read(b"[1]", None).map(|collected| collected.rejected), Ok(1));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), place in 0_usize..4_000, other in any::<u8>()) {
        let _rubbish = read(&bytes, None);
        let mut body = sample("litellm/payloads.json");
        let place = place % body.len();
        body[place] = other;
        if let Ok(collected) = read(&body, None) {
            collected.documents.iter().for_each(assert_passes_the_gate);
        }
    }
}
