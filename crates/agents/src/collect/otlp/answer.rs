//! Answers to a request, in the encoding that it came in.

use prost::Message;
use serde_json::{Map, Value, json};

use super::{Collected, Encoding, Signal};
use crate::collect::text;

/// Longest message of an answer in bytes: a sender writes it to its log.
const MESSAGE_BYTES_MAX: usize = 1_024;

/// Why a request as a whole is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRequest {
    /// No message of the signal.
    #[error("the body is no OTLP message in protobuf")]
    NotProtobuf,
    /// No message of the signal.
    #[error("the body is no OTLP message in JSON")]
    NotJson,
    /// More than is read at once.
    #[error("the body is too large: send fewer records at once")]
    TooLarge,
}

impl BadRequest {
    /// The HTTP status.
    pub fn status(self) -> u16 {
        match self {
            Self::NotProtobuf | Self::NotJson => 400,
            Self::TooLarge => 413,
        }
    }

    /// The body of the answer: a `google.rpc.Status`.
    pub fn body(self, encoding: Encoding) -> Vec<u8> {
        status_body(encoding, self.status(), &self.to_string())
    }
}

/// A `google.rpc.Status` for a problem with this HTTP status.
pub fn status_body(encoding: Encoding, status: u16, message: &str) -> Vec<u8> {
    // Of google.rpc.Code, as its own table maps them to HTTP.
    let code = match status {
        413 | 429 => 8, // RESOURCE_EXHAUSTED
        503 => 14,      // UNAVAILABLE
        500.. => 13,    // INTERNAL
        _ => 3,         // INVALID_ARGUMENT
    };
    match encoding {
        Encoding::Protobuf => RpcStatus { code, message: message.to_owned() }.encode_to_vec(),
        Encoding::Json => json!({ "code": code, "message": message }).to_string().into_bytes(),
    }
}

/// The answer with status 200: empty, or what was left out and why.
pub fn answer(signal: Signal, encoding: Encoding, collected: &Collected) -> Vec<u8> {
    let message =
        text::bounded(collected.message.as_deref().unwrap_or_default(), MESSAGE_BYTES_MAX).unwrap_or_default();
    match encoding {
        Encoding::Protobuf => {
            let rejected = i64::try_from(collected.rejected).unwrap_or(i64::MAX);
            let partial_success = (rejected > 0).then_some(PartialSuccess { rejected, message });
            ExportResponse { partial_success }.encode_to_vec()
        }
        Encoding::Json if collected.rejected == 0 => b"{}".to_vec(),
        Encoding::Json => {
            let name = match signal {
                Signal::Traces => "rejectedSpans",
                Signal::Metrics => "rejectedDataPoints",
                Signal::Logs => "rejectedLogRecords",
            };
            // 64-bit integers are texts in proto3 JSON.
            let mut partial = Map::from_iter([("errorMessage".to_owned(), Value::from(message))]);
            partial.insert(name.to_owned(), collected.rejected.to_string().into());
            json!({ "partialSuccess": partial }).to_string().into_bytes()
        }
    }
}

/// `Export…ServiceResponse`, the same for all signals.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ExportResponse {
    #[prost(message, optional, tag = "1")]
    pub(super) partial_success: Option<PartialSuccess>,
}

/// `Export…PartialSuccess`, the same for all signals.
#[derive(Clone, PartialEq, Message)]
pub(super) struct PartialSuccess {
    #[prost(int64, tag = "1")]
    pub(super) rejected: i64,
    #[prost(string, tag = "2")]
    pub(super) message: String,
}

/// `google.rpc.Status`, without details.
#[derive(Clone, PartialEq, Message)]
pub(super) struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub(super) code: i32,
    #[prost(string, tag = "2")]
    pub(super) message: String,
}
