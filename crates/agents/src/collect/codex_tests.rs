//! AG-39 for Codex.

use proptest::prelude::*;

use super::*;
use crate::collect::testing::{assert_golden, assert_passes_the_gate, counted, fold, parse, sample};
use crate::contract::{Semantics, Usage};

const PLAIN: &str = "rollout-2026-01-02T03-04-05-019b7c5d-1c88-7000-8000-00000000000a.jsonl";
const PLAIN_ID: &str = "019b7c5d-1c88-7000-8000-00000000000a";

fn documents(name: &str, every: usize) -> Vec<Document> {
    let (documents, bad) = parse(&mut CodexFile::new(name), &sample(&format!("codex/{name}")), every);
    assert_eq!(bad, []);
    documents
}

fn fork() -> String {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/collect/codex");
    let names = std::fs::read_dir(folder).expect("samples").map(|entry| entry.expect("entry").file_name());
    let name = names
        .filter_map(|name| name.into_string().ok())
        .find(|name| name.contains("T04-00-00") && name.ends_with(".jsonl"));
    name.expect("the fork")
}

/// AG-39: counts that repeat, counts that were not written down, a count that began anew, word for word.
#[test]
fn ag_39_codex_golden() {
    assert_golden("codex/plain.expected.json", &documents(PLAIN, usize::MAX));
    assert_golden("codex/fork.expected.json", &documents(&fork(), usize::MAX));
}

/// AG-39: the calls sum up to the totals, before the reset and after it.
#[test]
fn ag_39_calls_sum_up_to_the_total() {
    let stood = fold(&documents(PLAIN, usize::MAX));
    let session = &stood[PLAIN_ID];
    let calls: Vec<(&str, &str, i64, i64)> = session
        .calls
        .values()
        .map(|call| {
            let counts = counted(call);
            let input = counts.input_uncached.unwrap_or(0) + counts.cache_read.unwrap_or(0);
            (call.call_id.as_str(), call.model_id.as_deref().unwrap_or(""), input, counts.output.unwrap_or(0))
        })
        .collect();
    assert_eq!(
        calls,
        [
            ("0:10/0/2/0/12", "unknown", 10, 2),
            ("0:1010/800/52/20/1062", "gpt-5-codex", 1000, 50),
            ("0:2010/1700/82/30/2092", "gpt-5-codex", 1000, 30),
            ("1:300/100/10/0/310", "gpt-5.1-codex-mini", 300, 10),
            ("1:600/300/25/5/625", "gpt-5.1-codex-mini", 300, 15),
        ]
    );
    assert_eq!(session.session.model_id, "gpt-5.1-codex-mini");
    assert_eq!(session.session.title.as_deref(), Some("Add a flag"));
}

/// What a fork copied from its parent is not used a second time.
#[test]
fn a_fork_does_not_repeat_what_its_parent_used() {
    let stood = fold(&documents(&fork(), usize::MAX));
    assert_eq!(stood.len(), 1);
    let session = stood.values().next().expect("one");
    assert_eq!(session.session.title.as_deref(), Some("Try it another way"));
    assert_eq!(session.session.session_id, fork()[28..64]);
    let calls: Vec<Counts> = session.calls.values().map(counted).collect();
    let own = Counts {
        input_uncached: Some(100),
        cache_read: Some(500),
        output: Some(8),
        reasoning: Some(2),
        ..Counts::default()
    };
    assert_eq!(calls, [own]);
}

use crate::contract::Counts;

#[test]
fn deltas_are_checked_against_totals() {
    let totals = |input, cached, output| Totals { input, cached, output, reasoning: 0, total: input + output };
    for (so_far, last, total, delta) in [
        (None, Some(totals(5, 0, 1)), totals(50, 0, 10), totals(5, 0, 1)),
        (None, None, totals(50, 0, 10), totals(50, 0, 10)),
        (Some(totals(10, 0, 1)), Some(totals(5, 0, 1)), totals(50, 0, 10), totals(40, 0, 9)),
        (Some(totals(10, 9, 1)), Some(totals(5, 2, 1)), totals(50, 3, 10), totals(5, 2, 1)),
        (Some(totals(10, 0, 1)), None, totals(15, 0, 2), totals(5, 0, 1)),
    ] {
        assert_eq!(total.since(so_far.as_ref(), last.as_ref()), delta);
    }
}

#[test]
fn more_from_the_cache_than_went_in_is_left_to_others() {
    let odd = Totals { input: 5, cached: 9, output: 1, reasoning: 0, total: 6 };
    let Usage::Raw(raw, Semantics::Inclusive) = odd.usage() else { panic!("not raw") };
    assert_eq!(raw["cached_input_tokens"], 9);
}

#[test]
fn files_without_a_header_are_named_by_their_file() {
    for (name, session) in [(PLAIN, PLAIN_ID), ("other.jsonl", "other")] {
        let mut file = CodexFile::new(name);
        let line = br#"{"timestamp":"2026-01-02T03:04:05Z","type":"event_msg","payload":{"type":"user_message","message":"hi"}}"#;
        assert_eq!(file.line(line), Ok(()));
        assert_eq!(file.take()[0].session.session_id, session);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn ag_39_pieces_do_not_change_the_end(every in 1_usize..20) {
        prop_assert_eq!(fold(&documents(PLAIN, every)), fold(&documents(PLAIN, usize::MAX)));
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), place in 0_usize..4_000, other in any::<u8>()) {
        let mut file = CodexFile::new(PLAIN);
        let _rubbish = file.line(&bytes);
        let mut text = sample(&format!("codex/{PLAIN}"));
        let place = place % text.len();
        text[place] = other;
        let (documents, _bad) = parse(&mut file, &text, 3);
        documents.iter().for_each(assert_passes_the_gate);
    }

    #[test]
    fn no_totals_overflow(left in any::<[i64; 5]>(), right in any::<[i64; 5]>()) {
        let totals = |[input, cached, output, reasoning, total]: [i64; 5]| Totals { input, cached, output, reasoning, total };
        let (left, right) = (totals(left), totals(right));
        let _since = left.since(Some(&right), None);
        let _sum = left.plus(&right);
    }
}
