//! Telemetry over OTLP/HTTP: a request of any signal, in protobuf or in JSON, becomes documents and an answer in kind.
//!
//! Source: the OTLP specification 1.x (sections OTLP/HTTP and JSON protobuf encoding) and the messages of opentelemetry-proto v1. Spans follow the
//! GenAI semantic conventions of OpenTelemetry and the names that came before them; log records are those of Claude Code and of Codex.
//!
//! A request is bounded before it is read: its bytes, the memory that its messages would take, the attributes of a record. What is
//! wrong with one record leaves out that record (partial success); what nobody asked for is accepted and says nothing. The same request gives
//! the same documents however often it is sent.
//!
//! Metrics are read and counted, and nothing is made of them. They are sums over calls, without the calls: what Claude Code or a GenAI library
//! measures as tokens and cost is in its log records and spans as well, one by one, and would be counted twice.
//!
//! The caller has undone gzip, and has bounded what came out by [`BODY_BYTES_MAX`].

mod answer;
mod attributes;
mod genai;
mod json_form;
mod logs;
mod spans;
mod weigh;
mod wire;

#[cfg(test)]
pub(crate) mod sample;

use prost::Message;
use serde::de::DeserializeOwned;

use super::Collected;
use super::json::{Structure, parsed};
use weigh::Shape;
use wire::{LogsRequest, MetricsRequest, TracesRequest};

pub use answer::{BadRequest, answer, status_body};

/// Largest body in bytes, unpacked.
pub const BODY_BYTES_MAX: usize = 20 * 1024 * 1024;

/// Memory in bytes that the messages of one request may take beside their texts. A message of two bytes takes up to two hundred, so the body
/// alone is no bound; a real request of 20 MiB stays under 100 MiB.
const WEIGHT_MAX: usize = 256 * 1024 * 1024;

/// Objects and arrays of a request in JSON, for the same reason. An attribute has two of them and 40 bytes at least, so this is the most that
/// a body of real attributes can hold.
const CONTAINERS_MAX: usize = 1_100_000;

/// Nesting of a request in JSON: attributes lie on level nine, and values nested deeper than the rest are passed over.
const NESTING_MAX: usize = 100;

/// Spans, data points or log records of one request; at a hundred bytes each, more do not fit a body.
const RECORDS_MAX: u64 = 200_000;

/// Attributes of one resource, which are looked at for each of its records: real ones have a few dozen.
const RESOURCE_ATTRIBUTES_MAX: usize = 1_000;

/// Attributes of one record; libraries stop at 128, those that write out whole conversations at a few thousand.
const ATTRIBUTES_MAX: usize = 10_000;

/// What a request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Signal {
    /// `/v1/traces`.
    Traces,
    /// `/v1/metrics`.
    Metrics,
    /// `/v1/logs`.
    Logs,
}

/// How a request is written, and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Encoding {
    /// `application/x-protobuf`.
    Protobuf,
    /// `application/json`.
    Json,
}

impl Encoding {
    /// The encoding that a `Content-Type` names; `None` is 415.
    pub fn of_content_type(content_type: &str) -> Option<Self> {
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if media_type.eq_ignore_ascii_case("application/x-protobuf") {
            return Some(Self::Protobuf);
        }
        media_type.eq_ignore_ascii_case("application/json").then_some(Self::Json)
    }

    /// The `Content-Type` of an answer.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }
}

/// Reads a request. [`answer`] says what to reply with status 200.
///
/// # Errors
/// When the request as a whole cannot be read: 400, or 413 when it is too large.
pub fn receive(signal: Signal, encoding: Encoding, body: &[u8]) -> Result<Collected, BadRequest> {
    if body.len() > BODY_BYTES_MAX {
        return Err(BadRequest::TooLarge);
    }
    Ok(match signal {
        Signal::Traces => spans::collect(&decode::<TracesRequest>(encoding, body, &wire::TRACES)?),
        Signal::Logs => logs::collect(&decode::<LogsRequest>(encoding, body, &wire::LOGS)?),
        Signal::Metrics => count_points(&decode::<MetricsRequest>(encoding, body, &wire::METRICS)?),
    })
}

fn decode<M: Message + Default + DeserializeOwned>(
    encoding: Encoding,
    body: &[u8],
    shape: &'static Shape,
) -> Result<M, BadRequest> {
    match encoding {
        Encoding::Protobuf => {
            if weigh::weigh(body, shape).ok_or(BadRequest::NotProtobuf)? > WEIGHT_MAX {
                return Err(BadRequest::TooLarge);
            }
            M::decode(body).map_err(|_| BadRequest::NotProtobuf)
        }
        Encoding::Json => {
            let structure = Structure::of(body);
            if structure.containers > CONTAINERS_MAX || structure.depth > NESTING_MAX {
                return Err(BadRequest::TooLarge);
            }
            // A list would be read as the fields of the message in their order.
            if body.trim_ascii_start().first() != Some(&b'{') {
                return Err(BadRequest::NotJson);
            }
            parsed(body).ok_or(BadRequest::NotJson)
        }
    }
}

fn count_points(request: &MetricsRequest) -> Collected {
    let scopes = request.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
    let points = scopes.flat_map(|scope| &scope.metrics).map(wire::Metric::points).fold(0_u64, u64::saturating_add);
    let mut collected = Collected { accepted: points.min(RECORDS_MAX), ..Collected::default() };
    if points > RECORDS_MAX {
        collected.reject(points - RECORDS_MAX, format!("at most {RECORDS_MAX} data points are read"));
    }
    collected
}

#[cfg(test)]
#[path = "otlp/tests.rs"]
mod tests;
