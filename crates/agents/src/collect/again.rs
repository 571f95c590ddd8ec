//! What is told of again: one call, with the better of what was said, and one session, with all that was said.

use serde_json::{Map, Value};

use super::gather::UNKNOWN_MODEL;
use crate::contract::{Call, Session, Usage};

/// Names of the output in raw usage objects, each of its own format.
const OUTPUT_NAMES: [&str; 6] = [
    "output_tokens",
    "completion_tokens",
    "output",
    "output_token_count",
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
];

/// Merges what an earlier and a later record of one feed say about one call: the record with the greatest output stands, of two with the same
/// output the later one; the first timestamp stays; what only the other one knows is kept.
pub fn seen_again(earlier: &Call, later: Call) -> Call {
    let started_at = earlier.started_at.min(later.started_at);
    let (better, worse) = if output(earlier) > output(&later) { (earlier.clone(), &later) } else { (later, earlier) };
    let usage = if better.usage == Usage::Unknown { worse.usage.clone() } else { better.usage };
    let costs_nothing = better.billed.is_none() && better.estimated.is_none();
    Call {
        started_at,
        usage,
        model_id: better.model_id.or_else(|| worse.model_id.clone()),
        provider: better.provider.or_else(|| worse.provider.clone()),
        error_code: better.error_code,
        duration_ms: better.duration_ms.or(worse.duration_ms),
        response_id: better.response_id.or_else(|| worse.response_id.clone()),
        service_tier: better.service_tier.or(worse.service_tier),
        billed: if costs_nothing { worse.billed } else { better.billed },
        estimated: if costs_nothing { worse.estimated.clone() } else { better.estimated },
        call_id: better.call_id,
        status: better.status,
    }
}

/// Merges what an earlier and a later document of collectors say about one session. Several files, requests and feeds tell of one session, and
/// none of them knows all: so what is absent erases nothing, the first start stays, and an unknown model replaces none. Where the session stands is
/// what the later one says; one that is at work again has no end and no error.
pub fn session_again(earlier: &Session, later: Session) -> Session {
    let is_over = later.state.is_terminal();
    let over = |later: Option<String>, earlier: &Option<String>| later.or_else(|| earlier.clone()).filter(|_| is_over);
    let keep = |later: Option<String>, earlier: &Option<String>| later.or_else(|| earlier.clone());
    let is_unknown = later.model_id == UNKNOWN_MODEL;
    Session {
        started_at: earlier.started_at.min(later.started_at),
        model_id: if is_unknown { earlier.model_id.clone() } else { later.model_id },
        // The first prompt is the title, whoever saw it.
        title: keep(earlier.title.clone(), &later.title),
        provider: keep(later.provider, &earlier.provider),
        task_category: keep(later.task_category, &earlier.task_category),
        run_id: keep(later.run_id, &earlier.run_id),
        source_version: keep(later.source_version, &earlier.source_version),
        task: keep(later.task, &earlier.task),
        error_code: over(later.error_code, &earlier.error_code),
        error_message: over(later.error_message, &earlier.error_message),
        ended_at: later.ended_at.or(earlier.ended_at).filter(|_| is_over),
        terminal_at: later.terminal_at.or(earlier.terminal_at).filter(|_| is_over),
        metadata: later.metadata.or_else(|| earlier.metadata.clone()),
        ..later
    }
}

/// The output that a call tells of, in tokens.
fn output(call: &Call) -> Option<i64> {
    match &call.usage {
        Usage::Unknown => None,
        Usage::Counted(counts) => counts.output,
        Usage::Raw(raw, _) => raw_output(raw),
    }
}

fn raw_output(raw: &Map<String, Value>) -> Option<i64> {
    OUTPUT_NAMES.iter().find_map(|name| raw.get(*name)?.as_i64())
}

#[cfg(test)]
mod tests {
    use exhibit_model::time::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::contract::Semantics;
    use crate::state::SessionState;

    fn call(at: i64, output: i64, input: i64) -> Call {
        let raw = json!({ "output_tokens": output, "input_tokens": input });
        let raw = raw.as_object().cloned().expect("an object");
        Call { usage: Usage::Raw(raw, Semantics::Exclusive), ..Call::new("c".to_owned(), Timestamp(at)) }
    }

    #[test]
    fn the_greatest_output_stands_and_then_the_later_record() {
        for (earlier, later, stands) in [
            (call(5, 1, 7), call(9, 30, 8), call(5, 30, 8)),
            (call(5, 30, 7), call(9, 1, 8), call(5, 30, 7)),
            (call(5, 30, 7), call(9, 30, 8), call(5, 30, 8)),
            (call(9, 1, 7), call(5, 2, 8), call(5, 2, 8)),
        ] {
            assert_eq!(seen_again(&earlier, later), stands);
        }
    }

    #[test]
    fn no_source_erases_what_another_one_knows() {
        let (id, agent, model) = ("s".to_owned(), "a".to_owned(), "m".to_owned());
        let mut first = Session::new(id, agent, model, SessionState::Success, Timestamp(5));
        (first.title, first.ended_at) = (Some("first".to_owned()), Some(Timestamp(9)));
        let mut later = Session { model_id: UNKNOWN_MODEL.to_owned(), started_at: Timestamp(7), ..first.clone() };
        (later.title, later.ended_at, later.state) = (Some("second".to_owned()), None, SessionState::Running);
        let again = session_again(&first, later.clone());
        assert_eq!(again, Session { ended_at: None, state: SessionState::Running, ..first.clone() });
        later.state = SessionState::Failed;
        assert_eq!(session_again(&first, later).ended_at, Some(Timestamp(9)));
    }

    #[test]
    fn what_one_record_alone_knows_is_kept() {
        let mut first = call(5, 3, 3);
        first.response_id = Some("r".to_owned());
        let bare = Call::new("c".to_owned(), Timestamp(9));
        let merged = seen_again(&first, bare.clone());
        assert_eq!(merged, first);
        assert_eq!(seen_again(&bare, first.clone()), first, "the first timestamp is the smaller one");
    }
}
