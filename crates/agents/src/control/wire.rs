//! The frames of the OpenClaw gateway protocol: one JSON object per WebSocket text message, `req`, `res` or `event`.
//!
//! Source: the gateway protocol page of the OpenClaw documentation, protocol 3 and 4. Both ends are written here, as the fake gateway
//! speaks the other one. Unknown fields and frame types are passed over: the protocol grows, and its owner is somebody else.

use serde_json::{Value, json};
use thiserror::Error;

use super::words::printable;

/// Oldest protocol that is understood: the frames and methods used here did not change since.
pub const PROTOCOL_MIN: u64 = 3;
/// Newest protocol that is understood.
pub const PROTOCOL_MAX: u64 = 4;
/// Bytes of one message: a list of ten thousand sessions fits, and a gateway gone mad costs no more memory than this.
pub const MESSAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The event with which a gateway begins.
pub const CHALLENGE: &str = "connect.challenge";

/// A message that is no frame.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WireFault {
    /// Not a JSON object.
    #[error("a message is no JSON object")]
    NotAnObject,
    /// A field that the frame needs is missing or of another type.
    #[error("a `{frame}` frame without `{field}`")]
    Missing {
        /// Type of the frame.
        frame: &'static str,
        /// Name of the field.
        field: &'static str,
    },
    /// The answer to `connect` is none that we understand.
    #[error("the gateway greets in protocol {0}, not in 3 or 4")]
    Greeting(String),
}

/// Why the other side says no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerError {
    /// Its code, printable.
    pub code: String,
    /// Its words, printable.
    pub message: String,
}

/// A frame of either direction.
#[derive(Debug, Clone, PartialEq)]
pub enum Frame {
    /// Something happened.
    Event {
        /// What.
        event: String,
        /// What it says; null when it says nothing.
        payload: Value,
    },
    /// An answer.
    Response {
        /// To which request.
        id: String,
        /// What it says.
        answer: Result<Value, PeerError>,
    },
    /// A question or an order.
    Request {
        /// Its id, unique on its connection.
        id: String,
        /// What is wanted.
        method: String,
        /// Of what; null when there is nothing to say.
        params: Value,
    },
    /// A type that is not known here.
    Other,
}

impl Frame {
    /// Reads a message.
    ///
    /// # Errors
    /// [`WireFault`]; a type that is not known is no fault.
    pub fn parse(text: &str) -> Result<Self, WireFault> {
        let value: Value = serde_json::from_str(text).map_err(|_| WireFault::NotAnObject)?;
        let Value::Object(mut frame) = value else { return Err(WireFault::NotAnObject) };
        let mut take = |field: &str| frame.remove(field);
        match take("type").as_ref().and_then(Value::as_str) {
            Some("event") => Ok(Self::Event {
                event: text_field(take("event"), "event", "event")?,
                payload: take("payload").unwrap_or(Value::Null),
            }),
            Some("res") => {
                let id = text_field(take("id"), "res", "id")?;
                let answer = match take("ok") {
                    Some(Value::Bool(true)) => Ok(take("payload").unwrap_or(Value::Null)),
                    Some(Value::Bool(false)) => Err(peer_error(&take("error").unwrap_or(Value::Null))),
                    _ => return Err(WireFault::Missing { frame: "res", field: "ok" }),
                };
                Ok(Self::Response { id, answer })
            }
            Some("req") => Ok(Self::Request {
                id: text_field(take("id"), "req", "id")?,
                method: text_field(take("method"), "req", "method")?,
                params: take("params").unwrap_or(Value::Null),
            }),
            _ => Ok(Self::Other),
        }
    }

    /// Writes it; what [`Frame::parse`] reads back. [`Frame::Other`] has no form and becomes an empty object.
    pub fn to_text(&self) -> String {
        let value = match self {
            Self::Event { event, payload } => json!({"type": "event", "event": event, "payload": payload}),
            Self::Response { id, answer: Ok(payload) } => {
                json!({"type": "res", "id": id, "ok": true, "payload": payload})
            }
            Self::Response { id, answer: Err(error) } => json!({
                "type": "res", "id": id, "ok": false, "error": {"code": error.code, "message": error.message},
            }),
            Self::Request { id, method, params } => {
                json!({"type": "req", "id": id, "method": method, "params": params})
            }
            Self::Other => json!({}),
        };
        value.to_string()
    }
}

/// What the client says of itself. A `device` is left out: a backend on the same machine that knows the shared token needs none.
pub fn connect_params(token: Option<&str>) -> Value {
    let mut params = json!({
        "minProtocol": PROTOCOL_MIN,
        "maxProtocol": PROTOCOL_MAX,
        "client": {
            "id": "gateway-client",
            "version": env!("CARGO_PKG_VERSION"),
            "platform": std::env::consts::OS,
            "mode": "backend",
        },
        "role": "operator",
        "scopes": ["operator.read", "operator.write"],
    });
    if let (Some(token), Some(members)) = (token, params.as_object_mut()) {
        members.insert("auth".to_owned(), json!({"token": token}));
    }
    params
}

/// Checks the payload of the answer to `connect`: `{type: "hello-ok", protocol, …}`.
///
/// # Errors
/// [`WireFault::Greeting`] when it is not in a protocol that is understood.
pub fn check_greeting(payload: &Value) -> Result<(), WireFault> {
    let protocol = payload.get("protocol").unwrap_or(&Value::Null);
    let is_known = protocol.as_u64().is_some_and(|number| (PROTOCOL_MIN..=PROTOCOL_MAX).contains(&number));
    if payload.get("type").and_then(Value::as_str) == Some("hello-ok") && is_known {
        Ok(())
    } else {
        Err(WireFault::Greeting(printable(&protocol.to_string())))
    }
}

fn text_field(value: Option<Value>, frame: &'static str, field: &'static str) -> Result<String, WireFault> {
    match value {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        _ => Err(WireFault::Missing { frame, field }),
    }
}

fn peer_error(error: &Value) -> PeerError {
    let text = |field: &str, default: &str| {
        let said = error.get(field).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
        printable(said.unwrap_or(default))
    };
    PeerError { code: text("code", "UNKNOWN"), message: text("message", "no reason given") }
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
