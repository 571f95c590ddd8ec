//! The usage objects that are known: one function for each, which knows where its counts stand and what its input means.
//!
//! Sources: OpenAI API reference (chat completion usage, response usage), Anthropic API reference (Messages usage), Claude Code
//! monitoring documentation (`claude_code.api_request`), the rollout and event formats of Codex CLI, the session format of OpenClaw,
//! OpenTelemetry semantic conventions for generative AI with the older names of OpenLLMetry, OpenInference and Pydantic AI, and the
//! `Usage` object of LiteLLM.

use serde_json::{Map, Value};

use super::buckets::{Meaning, Told, settle};
use super::reader::Reader;
use super::{CallUsage, Normalised};
use crate::contract::{Semantics, ServiceTier};

/// The service tier that a usage object or a response names: `standard` or `default`, `batch`, `flex`, `priority`; other words say nothing.
pub fn service_tier(object: &Map<String, Value>) -> Option<ServiceTier> {
    match object.get("service_tier")?.as_str()? {
        "default" => Some(ServiceTier::Standard),
        word => ServiceTier::EVERY.iter().copied().find(|tier| tier.as_str() == word),
    }
}

/// Chat completions and responses of OpenAI, and whatever speaks like them: the input holds what was read from caches.
pub fn openai(object: &Map<String, Value>) -> Normalised {
    read(Shape::OpenAi, object, None)
}

/// `usage` of a message of Anthropic, which is also that of a line of Claude Code: the input stands beside the caches.
pub fn anthropic(object: &Map<String, Value>) -> Normalised {
    read(Shape::Anthropic, object, None)
}

/// Attributes of a log record `claude_code.api_request`: the input stands beside the caches, and nobody says for how long was written.
pub fn claude_log(attributes: &Map<String, Value>) -> Normalised {
    read(Shape::ClaudeLog, attributes, None)
}

/// `last_token_usage` or `total_token_usage` of a `token_count` event of Codex: the input holds what was read from caches.
pub fn codex(object: &Map<String, Value>) -> Normalised {
    read(Shape::Codex, object, None)
}

/// Attributes of a log record `codex.sse_event`: like [`codex`], under other names.
pub fn codex_log(attributes: &Map<String, Value>) -> Normalised {
    read(Shape::CodexLog, attributes, None)
}

/// `message.usage` of a line of OpenClaw: the input stands beside the caches.
pub fn openclaw(object: &Map<String, Value>) -> Normalised {
    read(Shape::OpenClaw, object, None)
}

/// Attributes of a span: the input holds what was read from caches and written to them.
pub fn otel(attributes: &Map<String, Value>) -> Normalised {
    read(Shape::Otel, attributes, None)
}

/// `Usage` of LiteLLM: that of OpenAI, with what was written to caches, which the input holds too.
pub fn litellm(object: &Map<String, Value>) -> Normalised {
    read(Shape::LiteLlm, object, None)
}

/// An object that came through the contract: its names say where the counts stand, its sender says what the input means.
pub(super) fn of_sender(object: &Map<String, Value>, semantics: Semantics) -> Normalised {
    let meaning = match semantics {
        Semantics::Inclusive => Meaning::Inclusive,
        Semantics::Exclusive => Meaning::Exclusive,
        Semantics::TotalOnly => Meaning::TotalOnly,
    };
    let Some(shape) = Shape::of(object) else {
        let mut findings = exhibit_model::findings::Findings::new();
        findings.add("", "unknown_object", "no usage object that is known has these names");
        return Normalised { usage: CallUsage::UNKNOWN, findings };
    };
    read(shape, object, Some(meaning))
}

/// The objects that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    OpenAi,
    LiteLlm,
    Anthropic,
    ClaudeLog,
    Codex,
    CodexLog,
    OpenClaw,
    Otel,
}

/// Names that only one sort of object has, in the order in which they are looked for.
const TELLING_NAMES: &[(&str, Shape)] = &[
    ("input_token_count", Shape::CodexLog),
    ("output_token_count", Shape::CodexLog),
    ("prompt_tokens", Shape::LiteLlm),
    ("completion_tokens", Shape::LiteLlm),
    ("cached_input_tokens", Shape::Codex),
    ("reasoning_output_tokens", Shape::Codex),
    ("cache_read_input_tokens", Shape::Anthropic),
    ("cache_creation_input_tokens", Shape::Anthropic),
    ("cache_creation", Shape::Anthropic),
    ("cache_read_tokens", Shape::ClaudeLog),
    ("cache_creation_tokens", Shape::ClaudeLog),
    ("server_tool_use", Shape::Anthropic),
    ("input_tokens", Shape::OpenAi),
    ("output_tokens", Shape::OpenAi),
    ("total_tokens", Shape::OpenAi),
    ("cacheRead", Shape::OpenClaw),
    ("cacheWrite", Shape::OpenClaw),
    ("totalTokens", Shape::OpenClaw),
    ("input", Shape::OpenClaw),
    ("output", Shape::OpenClaw),
    ("total", Shape::OpenClaw),
];

impl Shape {
    /// What the names of an object say it is. Where two sorts of object share all the names that are there, they read the same.
    fn of(object: &Map<String, Value>) -> Option<Self> {
        if object.keys().any(|name| name.starts_with("gen_ai.") || name.starts_with("llm.")) {
            return Some(Self::Otel);
        }
        TELLING_NAMES.iter().find(|(name, _)| object.contains_key(*name)).map(|(_, shape)| *shape)
    }

    /// What its input means when nobody says otherwise.
    fn meaning(self) -> Meaning {
        match self {
            Self::OpenAi | Self::LiteLlm | Self::Codex | Self::CodexLog | Self::Otel => Meaning::Inclusive,
            Self::Anthropic | Self::ClaudeLog | Self::OpenClaw => Meaning::Exclusive,
        }
    }
}

fn read(shape: Shape, object: &Map<String, Value>, meaning: Option<Meaning>) -> Normalised {
    let mut reader = match shape {
        Shape::ClaudeLog | Shape::CodexLog | Shape::Otel => Reader::of_attributes(object),
        _ => Reader::of_object(object),
    };
    let told = match shape {
        Shape::OpenAi => openai_counts(&mut reader),
        Shape::LiteLlm => litellm_counts(&mut reader),
        Shape::Anthropic => anthropic_counts(&mut reader),
        Shape::ClaudeLog => Told {
            input: reader.count(&["input_tokens"]),
            cache_read: reader.count(&["cache_read_tokens"]),
            cache_write: reader.count(&["cache_creation_tokens"]),
            output: reader.count(&["output_tokens"]),
            ..Told::default()
        },
        Shape::Codex => Told {
            input: reader.count(&["input_tokens"]),
            cache_read: reader.count(&["cached_input_tokens"]),
            output: reader.count(&["output_tokens"]),
            reasoning: reader.count(&["reasoning_output_tokens"]),
            total: reader.count(&["total_tokens"]),
            ..Told::default()
        },
        Shape::CodexLog => Told {
            input: reader.count(&["input_token_count"]),
            cache_read: reader.count(&["cached_token_count"]),
            output: reader.count(&["output_token_count"]),
            reasoning: reader.count(&["reasoning_token_count"]),
            ..Told::default()
        },
        Shape::OpenClaw => Told {
            input: reader.count(&["input"]),
            cache_read: reader.count(&["cacheRead"]),
            cache_write: reader.count(&["cacheWrite"]),
            output: reader.count(&["output"]),
            total: reader.count(&["totalTokens", "total"]),
            ..Told::default()
        },
        Shape::Otel => otel_counts(&mut reader),
    };
    settle(told, meaning.unwrap_or(shape.meaning()), reader.findings)
}

fn openai_counts(reader: &mut Reader<'_>) -> Told {
    let details = |reader: &mut Reader<'_>, sides: [&str; 2], name: &str| {
        sides.into_iter().find_map(|side| reader.count_in(side, &[name]))
    };
    Told {
        input: reader.count(&["prompt_tokens", "input_tokens"]),
        cache_read: details(reader, ["prompt_tokens_details", "input_tokens_details"], "cached_tokens"),
        output: reader.count(&["completion_tokens", "output_tokens"]),
        reasoning: details(reader, ["completion_tokens_details", "output_tokens_details"], "reasoning_tokens"),
        total: reader.count(&["total_tokens"]),
        ..Told::default()
    }
}

/// The details of the input may stand inside of it or, as Anthropic has them, beside it; both mean the same tokens.
fn litellm_counts(reader: &mut Reader<'_>) -> Told {
    const DETAILS: &str = "prompt_tokens_details";
    const SPLIT: &str = "cache_creation_token_details";
    let told = openai_counts(reader);
    let cache_write = reader
        .count_in(DETAILS, &["cache_creation_tokens", "cache_write_tokens"])
        .or_else(|| reader.count(&["cache_creation_input_tokens"]));
    Told {
        cache_read: told.cache_read.or_else(|| reader.count(&["cache_read_input_tokens"])),
        cache_write,
        cache_write_5m: reader.count_in_in(DETAILS, SPLIT, &["ephemeral_5m_input_tokens"]),
        cache_write_1h: reader.count_in_in(DETAILS, SPLIT, &["ephemeral_1h_input_tokens"]),
        web_search_requests: reader.count_in(DETAILS, &["web_search_requests"]),
        ..told
    }
}

fn anthropic_counts(reader: &mut Reader<'_>) -> Told {
    Told {
        input: reader.count(&["input_tokens"]),
        cache_read: reader.count(&["cache_read_input_tokens"]),
        cache_write: reader.count(&["cache_creation_input_tokens"]),
        cache_write_5m: reader.count_in("cache_creation", &["ephemeral_5m_input_tokens"]),
        cache_write_1h: reader.count_in("cache_creation", &["ephemeral_1h_input_tokens"]),
        output: reader.count(&["output_tokens"]),
        web_search_requests: reader.count_in("server_tool_use", &["web_search_requests"]),
        ..Told::default()
    }
}

/// The names of today stand first, then those of older conventions and of other instrumentations.
fn otel_counts(reader: &mut Reader<'_>) -> Told {
    Told {
        input: reader.count(&[
            "gen_ai.usage.input_tokens",
            "gen_ai.usage.prompt_tokens",
            "llm.token_count.prompt",
            "llm.usage.prompt_tokens",
        ]),
        cache_read: reader.count(&[
            "gen_ai.usage.cache_read.input_tokens",
            "gen_ai.usage.cache_read_input_tokens",
            "gen_ai.usage.details.cache_read_tokens",
            "llm.token_count.prompt_details.cache_read",
            "llm.usage.cache_read_input_tokens",
        ]),
        cache_write: reader.count(&[
            "gen_ai.usage.cache_creation.input_tokens",
            "gen_ai.usage.cache_write.input_tokens",
            "gen_ai.usage.cache_creation_input_tokens",
            "gen_ai.usage.details.cache_write_tokens",
            "llm.token_count.prompt_details.cache_write",
            "llm.usage.cache_creation_input_tokens",
        ]),
        output: reader.count(&[
            "gen_ai.usage.output_tokens",
            "gen_ai.usage.completion_tokens",
            "llm.token_count.completion",
            "llm.usage.completion_tokens",
        ]),
        reasoning: reader.count(&[
            "gen_ai.usage.reasoning.output_tokens",
            "gen_ai.usage.reasoning_tokens",
            "gen_ai.usage.details.reasoning_tokens",
            "llm.token_count.completion_details.reasoning",
        ]),
        total: reader.count(&["gen_ai.usage.total_tokens", "llm.usage.total_tokens", "llm.token_count.total"]),
        ..Told::default()
    }
}
