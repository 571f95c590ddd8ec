//! Problems in the words of the older contract: the same bytes for the same mistake.

use exhibit_http::Refusal;
use schemars::JsonSchema;
use serde_json::json;

use crate::contract::{Detail, Rejection, error_body};

/// A problem below `/api/`.
#[derive(JsonSchema)]
#[schemars(rename = "LegacyProblem")]
#[expect(dead_code, reason = "it stands in the document; the bytes are written by hand, because clients compare them")]
pub(super) struct LegacyProblem {
    /// What is wrong: a sentence, or for a document that was refused a code, a message and each problem.
    error: LegacyError,
    /// The scope that is missing.
    #[serde(rename = "requiredScope", skip_serializing_if = "Option::is_none")]
    required_scope: Option<String>,
}

/// What is wrong.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "see LegacyProblem")]
enum LegacyError {
    /// A sentence.
    Sentence(String),
    /// A code with each problem.
    Document {
        /// The code.
        code: String,
        /// What it means.
        message: String,
        /// Each problem, in byte order of field and message.
        details: Vec<LegacyDetail>,
    },
}

/// One problem of a document.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "see LegacyProblem")]
struct LegacyDetail {
    /// The field, as the canonical document names it.
    field: String,
    /// What is wrong with it.
    message: String,
}

/// The path of ingest, whose problems have a form of their own.
pub(super) const INGEST: &str = "/api/v3/ingest/session";

/// The body of a problem below `/api/`.
pub(super) fn body(refusal: &Refusal<'_>) -> Vec<u8> {
    let error = refusal.error;
    let status = error.status().as_u16();
    let says = |message: &str| json!({ "error": message }).to_string().into_bytes();
    if status == 500 && error.code() == "auth-not-configured" {
        return says("Server auth is not configured.");
    }
    if refusal.path == INGEST {
        let of = |code: &str, message: &str| error_body(code, message, &[]);
        match status {
            413 => return Rejection::TooLarge.body(),
            500 => return of("INGEST_INTERNAL_ERROR", "INTERNAL ERROR"),
            503 if error.code() == "not-ready" => return of("NOT_READY", "NOT READY"),
            503 => return of("OVERLOADED", "OVERLOADED"),
            408 | 415 => {
                let details = [Detail { field: "body".to_owned(), message: error.detail().to_owned() }];
                return error_body("VALIDATION_ERROR", "Invalid ingest payload", &details);
            }
            400 => return Rejection::NotJson.body(),
            _ => {}
        }
    }
    match (status, error.code()) {
        (401, _) => says("Unauthorized"),
        (403, _) => match refusal.scope {
            Some(scope) => json!({ "error": "Forbidden", "requiredScope": scope.as_str() }).to_string().into_bytes(),
            None => says("Forbidden"),
        },
        (404, "no-such-route") => says("Not found"),
        (405, _) => says("Method not allowed"),
        (413, _) => says("Payload too large"),
        (400, "body-invalid" | "body-unreadable") => says("Invalid JSON payload"),
        // Found before a handler could ask for the parameter.
        (400, "query-invalid") if !error.mistakes().is_empty() => {
            let name = error.mistakes().first().map_or("", |mistake| mistake.pointer.trim_start_matches('/'));
            says(&format!("Invalid {name} value"))
        }
        (500, _) => says("Internal error"),
        (503 | 507, _) => says("Service is not ready"),
        _ => says(error.detail()),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use exhibit_http::{ApiError, Scope};

    use super::*;

    #[test]
    fn problems_have_exact_bytes() {
        let told = |path, status: u16, code, scope| {
            let error = ApiError::new(StatusCode::from_u16(status).unwrap(), code, "Session not found");
            String::from_utf8(body(&Refusal { path, error: &error, scope })).unwrap()
        };
        let ledger = "/api/v3/ledger";
        for (path, status, code, expected) in [
            (ledger, 401, "login-missing", r#"{"error":"Unauthorized"}"#),
            (ledger, 403, "scope-missing", r#"{"error":"Forbidden","requiredScope":"ingest"}"#),
            (ledger, 404, "no-such-route", r#"{"error":"Not found"}"#),
            (ledger, 404, "not-found", r#"{"error":"Session not found"}"#),
            (ledger, 405, "wrong-method", r#"{"error":"Method not allowed"}"#),
            (ledger, 413, "body-too-large", r#"{"error":"Payload too large"}"#),
            (ledger, 500, "internal", r#"{"error":"Internal error"}"#),
            (ledger, 500, "auth-not-configured", r#"{"error":"Server auth is not configured."}"#),
            (ledger, 503, "not-ready", r#"{"error":"Service is not ready"}"#),
            (INGEST, 400, "body-unreadable", r#"{"error":"Invalid JSON payload"}"#),
            (INGEST, 401, "login-missing", r#"{"error":"Unauthorized"}"#),
            (
                INGEST,
                413,
                "body-too-large",
                r#"{"error":{"code":"PAYLOAD_TOO_LARGE","message":"PAYLOAD TOO LARGE","details":[{"field":"body","message":"exceeds 8388608 bytes"}]}}"#,
            ),
            (
                INGEST,
                500,
                "internal",
                r#"{"error":{"code":"INGEST_INTERNAL_ERROR","message":"INTERNAL ERROR","details":[]}}"#,
            ),
            (INGEST, 503, "not-ready", r#"{"error":{"code":"NOT_READY","message":"NOT READY","details":[]}}"#),
            (INGEST, 503, "too-busy", r#"{"error":{"code":"OVERLOADED","message":"OVERLOADED","details":[]}}"#),
        ] {
            assert_eq!(told(path, status, code, Some(Scope::Ingest)), expected, "{path} {status} {code}");
        }
        let error = ApiError::bad("query-invalid", "not understood").at("/page", "duplicate", "twice");
        let told = body(&Refusal { path: ledger, error: &error, scope: None });
        assert_eq!(String::from_utf8(told).unwrap(), r#"{"error":"Invalid page value"}"#);
    }
}
