//! Payloads that LiteLLM logs (`StandardLoggingPayload` of its documentation): an array of them, one per line, or one alone.
//!
//! Its ids repeat, as an answer from its cache has the id of the first one; so the id of a call is the id and the start. Tokens are counted as
//! OpenAI does, with all that came from caches or went to them in the prompt. What it says about cost is what its own table makes of the tokens:
//! an estimate.

use exhibit_model::time::Timestamp;
use serde_json::{Map, Value};

use super::collected::Collected;
use super::gather::{UNKNOWN_MODEL, payload};
use super::json::{count_of, id_of, inner, object, raw_usage, str_of, usd, value, whole, within, word_of};
use super::{Feed, Gathering, text};
use crate::contract::{Call, CallStatus, Counts, EventType, Semantics, ServiceTier, Usage};
use crate::money::Nano;

/// Largest body in bytes, the same as for telemetry.
pub const BODY_BYTES_MAX: usize = 20 * 1024 * 1024;

/// Payloads of one body; at less than 400 bytes none of them would be whole.
const RECORDS_MAX: usize = 50_000;

/// Objects and arrays of a body: a payload with messages has some hundred, and a map costs half a KiB.
const CONTAINERS_MAX: usize = 400_000;

/// The agent of payloads that name none, and the program in the names of its estimates.
const PROGRAM: &str = "litellm";

/// Why a body says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadBody {
    /// Neither an array nor an object nor lines of objects.
    #[error("the body is no JSON")]
    NotJson,
    /// More bytes or more values than a body may have.
    #[error("the body is too large")]
    TooLarge,
}

/// Reads a body; `version` is that of LiteLLM, where it is known.
///
/// # Errors
/// When the body as a whole cannot be read. A payload that says too little is left out and counted.
pub fn read(body: &[u8], version: Option<&str>) -> Result<Collected, BadBody> {
    if body.len() > BODY_BYTES_MAX {
        return Err(BadBody::TooLarge);
    }
    let version = text::pricing_version(PROGRAM, version);
    let (mut collected, mut gathering) = (Collected::default(), Gathering::new(Feed::LiteLlm));
    for (index, record) in records(body)?.enumerate() {
        if index >= RECORDS_MAX {
            return Err(BadBody::TooLarge);
        }
        collected.make_room(&mut gathering);
        let outcome = match record {
            Ok(map) => tell(&map, &version, &mut gathering).map_err(|why| format!("record {index}: {why}")),
            Err(why) => Err(format!("record {index}: {why}")),
        };
        collected.note(outcome);
    }
    Ok(collected.finish(gathering))
}

type Record = Result<Map<String, Value>, String>;

fn records(body: &[u8]) -> Result<Box<dyn Iterator<Item = Record> + '_>, BadBody> {
    let large = |error| if error == super::BadLine::TooLarge { BadBody::TooLarge } else { BadBody::NotJson };
    match body.trim_ascii_start().first() {
        Some(b'[') => {
            let Value::Array(items) = value(body, CONTAINERS_MAX).map_err(large)? else { return Err(BadBody::NotJson) };
            Ok(Box::new(items.into_iter().map(|item| match item {
                Value::Object(map) => Ok(map),
                _ => Err("is no object".to_owned()),
            })))
        }
        Some(b'{') => match object(body, CONTAINERS_MAX) {
            Ok(map) => Ok(Box::new(std::iter::once(Ok(map)))),
            Err(_) if body.contains(&b'\n') => Ok(Box::new(lines(body))),
            Err(error) => Err(large(error)),
        },
        _ => Err(BadBody::NotJson),
    }
}

fn lines(body: &[u8]) -> impl Iterator<Item = Record> + '_ {
    let lines = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    lines.map(|line| object(line, CONTAINERS_MAX).map_err(|error| error.to_string()))
}

fn tell(map: &Map<String, Value>, version: &str, gathering: &mut Gathering) -> Result<(), String> {
    let id = str_of(map, "id").ok_or("has no id")?;
    let start = moment(map, "startTime").ok_or("has no startTime")?;
    let call_id = text::id(&format!("{id}@{}", start.0)).ok_or("has no id")?;
    let session_id =
        ["session_id", "trace_id", "id"].into_iter().find_map(|name| id_of(map, name)).ok_or("has no id")?;
    let agent_id = id_of(map, "agent_id").or_else(|| id_of(map, "end_user")).or_else(|| tag(map));
    let agent_id = agent_id.unwrap_or_else(|| PROGRAM.to_owned());
    let call = call(map, call_id, start, version);
    let mut told = gathering.session(&session_id, &agent_id, start).map_err(|error| error.to_string())?;
    if let Some(model) = &call.model_id {
        told.header().model_id.clone_from(model);
    }
    told.header().provider.clone_from(&call.provider);
    if let Some(code) = &call.error_code {
        let said = inner(map, "error_information").and_then(|error| str_of(error, "error_message"));
        let payload = payload([
            ("code", Some(code.as_str().into())),
            ("message", said.or_else(|| str_of(map, "error_str")).and_then(text::shown)),
        ]);
        told.event(text::id(&format!("{}/error", call.call_id)), 0, EventType::Error, start, payload);
    }
    told.call(call);
    Ok(())
}

fn call(map: &Map<String, Value>, call_id: String, start: Timestamp, version: &str) -> Call {
    let usage = usage_object(map);
    let mut call = Call::new(call_id, start);
    call.model_id = str_of(map, "model").and_then(text::short).or_else(|| Some(UNKNOWN_MODEL.to_owned()));
    call.provider = str_of(map, "custom_llm_provider").and_then(text::short);
    // An answer from the cache repeats the id of the first one, and is not the call that the provider knows by it.
    call.response_id = id_of(map, "id").filter(|_| !is_from_cache(map));
    call.duration_ms = moment(map, "endTime").and_then(|end| i64::try_from(end.millis_since(start)).ok());
    call.service_tier = usage.and_then(|usage| str_of(usage, "service_tier")).and_then(ServiceTier::of_word);
    if is_failed(map) {
        call.status = CallStatus::Failed;
        let code = inner(map, "error_information").and_then(|error| word_of(error, "error_code"));
        call.error_code = code.filter(|code| !code.is_empty()).or_else(|| Some("error".to_owned()));
    }
    call.usage = usage.map_or(Usage::Unknown, buckets);
    call.estimated = estimate(map).map(|nano| (nano, version.to_owned()));
    call
}

fn is_failed(map: &Map<String, Value>) -> bool {
    match str_of(map, "status") {
        Some(status) => status == "failure",
        None => str_of(map, "error_str").is_some(),
    }
}

/// The most detailed account of the tokens: the object of the provider, the one in the answer, the sums of the payload.
fn usage_object(map: &Map<String, Value>) -> Option<&Map<String, Value>> {
    let of_provider = inner(map, "metadata").and_then(|metadata| inner(metadata, "usage_object"));
    let of_answer = inner(map, "response").and_then(|response| inner(response, "usage"));
    [of_provider, of_answer]
        .into_iter()
        .flatten()
        .find(|usage| count_of(usage, "prompt_tokens").is_some())
        .or(Some(map))
}

/// What the tokens were. Objects as OpenAI writes them are handed on; where tokens went to a cache, which OpenAI has no name for, the buckets are
/// counted here.
fn buckets(usage: &Map<String, Value>) -> Usage {
    let (prompt, completion) = (count_of(usage, "prompt_tokens"), count_of(usage, "completion_tokens"));
    let total = count_of(usage, "total_tokens");
    if prompt.unwrap_or(0) == 0 && completion.unwrap_or(0) == 0 && total.unwrap_or(0) > 0 {
        let raw = Map::from_iter([("total_tokens".to_owned(), total.unwrap_or(0).into())]);
        return Usage::Raw(raw, Semantics::TotalOnly);
    }
    let details = |name, count| inner(usage, name).and_then(|details| count_of(details, count));
    let cached = details("prompt_tokens_details", "cached_tokens");
    let read = cached.or_else(|| count_of(usage, "cache_read_input_tokens"));
    let write = details("prompt_tokens_details", "cache_creation_tokens")
        .or_else(|| count_of(usage, "cache_creation_input_tokens"))
        .filter(|write| *write > 0);
    let rest = prompt.map(|prompt| prompt - read.unwrap_or(0) - write.unwrap_or(0));
    if (write.is_some() || cached != read) && rest.is_some_and(|rest| rest >= 0) {
        let reasoning = details("completion_tokens_details", "reasoning_tokens");
        return Usage::Counted(Counts {
            input_uncached: rest,
            cache_read: read,
            cache_write: write,
            output: completion,
            reasoning: reasoning.filter(|reasoning| Some(*reasoning) <= completion),
            ..Counts::default()
        });
    }
    let names = [
        "prompt_tokens",
        "completion_tokens",
        "total_tokens",
        "prompt_tokens_details",
        "completion_tokens_details",
        "cache_read_input_tokens",
        "cache_creation_input_tokens",
    ];
    let known = names.iter().filter_map(|name| Some(((*name).to_owned(), usage.get(*name)?.clone())));
    raw_usage(&known.collect()).map_or(Usage::Unknown, |raw| Usage::Raw(raw, Semantics::Inclusive))
}

fn is_from_cache(map: &Map<String, Value>) -> bool {
    map.get("cache_hit").is_some_and(|hit| *hit == Value::Bool(true) || hit.as_str() == Some("True"))
}

/// What LiteLLM thinks the call cost: nothing when its own cache answered. Otherwise zero means that its table does not know the model.
fn estimate(map: &Map<String, Value>) -> Option<Nano> {
    if is_from_cache(map) {
        return Some(Nano(0));
    }
    let doubt = map.get("response_cost_failure_debug_info").is_some_and(|info| !info.is_null());
    usd(map.get("response_cost")?).filter(|nano| nano.0 > 0 && !doubt)
}

fn tag(map: &Map<String, Value>) -> Option<String> {
    map.get("request_tags")?.as_array()?.iter().find_map(|tag| text::id(tag.as_str()?))
}

/// A moment as LiteLLM writes it: seconds since 1970 with a fraction, or RFC 3339 in older logs.
fn moment(map: &Map<String, Value>, name: &str) -> Option<Timestamp> {
    match map.get(name)? {
        Value::Number(seconds) => within(Timestamp(whole((seconds.as_f64()? * 1e6).round())?)),
        Value::String(text) => within(Timestamp::parse(text.trim())?),
        _ => None,
    }
}

#[cfg(test)]
#[path = "litellm_tests.rs"]
mod tests;
