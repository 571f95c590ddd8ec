//! Errors of the API: `application/problem+json` (RFC 9457), the same bytes for the same bad request.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use exhibit_model::findings::Findings;
use exhibit_store::collections::CollectionError;
use exhibit_store::filter::{BindError, FilterError};
use exhibit_store::ledger::checkpoint::CheckpointError;
use exhibit_store::{GateError, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One thing that is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Mistake {
    /// Where: a JSON pointer into the body, or `/` and the name of a parameter.
    pub pointer: String,
    /// What, as a word that does not change.
    pub code: String,
    /// What, for people.
    pub message: String,
    /// In a filter: the byte where it begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<usize>,
    /// In a filter: how many bytes it covers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<usize>,
}

/// Why a request was not fulfilled. The id of the request is only in the header `x-request-id`, so that bodies can be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub struct ApiError {
    /// `about:blank`: the status says what it is.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The name of the status.
    title: &'static str,
    /// The HTTP status.
    #[schemars(range(min = 400, max = 599))]
    status: u16,
    /// What, as a word that does not change.
    code: &'static str,
    /// What, for people.
    detail: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// Each mistake in the request, sorted by pointer, code and message.
    errors: Vec<Mistake>,
}

impl ApiError {
    /// An error with a status, a word and a sentence.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code,
            detail: detail.into(),
            hint: None,
            errors: Vec::new(),
        }
    }

    /// 400: the request cannot be understood.
    pub fn bad(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 404.
    pub fn not_found(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, detail)
    }

    /// 409: it is understood, but not possible as things are.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 500. What happened goes to the log, not to the caller.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!(%cause, "a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the server could not do this; its log says why")
    }

    /// What to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// One mistake more.
    #[must_use]
    pub fn mistake(mut self, mistake: Mistake) -> Self {
        self.errors.push(mistake);
        self.errors.sort();
        self
    }

    /// A mistake at a place of the request.
    #[must_use]
    pub fn at(self, pointer: impl Into<String>, code: &str, message: impl Into<String>) -> Self {
        let (pointer, code, message) = (pointer.into(), code.to_owned(), message.into());
        self.mistake(Mistake { pointer, code, message, offset: None, length: None })
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The word.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// Each mistake in the request.
    pub fn mistakes(&self) -> &[Mistake] {
        &self.errors
    }

    /// The sentence.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.detail, self.code)
    }
}

impl std::error::Error for ApiError {}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        // Plain strings and numbers cannot fail to be written.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (self.status(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match self.status {
            401 => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"exhibit\""));
            }
            // As long as a place that guessed has to wait.
            429 => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
            }
            503 => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        // For those who tell it in other words.
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(reason) => Self::conflict("refused", reason),
            StoreError::Busy { .. } => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "the database is busy").hint("ask again in a moment")
            }
            StoreError::Lagging => Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", error.to_string()),
            StoreError::NoSpace { .. } => Self::new(
                StatusCode::INSUFFICIENT_STORAGE,
                "no-space",
                "there is no room left on the device of the database; nothing that was acknowledged is lost",
            ),
            other => Self::internal(other),
        }
    }
}

impl From<FilterError> for ApiError {
    fn from(error: FilterError) -> Self {
        let suggestion = error.suggestion.as_ref().map(|word| format!("did you mean `{word}`?"));
        let mut problem = Self::bad("filter-invalid", format!("the filter is not understood: {}", error.message));
        problem.hint = suggestion;
        problem.mistake(Mistake {
            pointer: "/filter".to_owned(),
            code: error.code.to_owned(),
            message: error.message,
            offset: Some(error.offset),
            length: Some(error.length),
        })
    }
}

impl From<BindError> for ApiError {
    fn from(error: BindError) -> Self {
        match error {
            BindError::Filter(error) => error.into(),
            BindError::Store(error) => error.into(),
        }
    }
}

impl From<CollectionError> for ApiError {
    fn from(error: CollectionError) -> Self {
        match error {
            CollectionError::Gate(error) => error.into(),
            CollectionError::Store(error) => error.into(),
            CollectionError::Filter(error) => error.into(),
            CollectionError::Unknown { .. } => Self::not_found("not-found", error.to_string()),
            CollectionError::Taken(name) => {
                Self::conflict("name-taken", format!("there is a collection `{name}` already"))
                    .hint("`replace` puts another definition in its place")
            }
            CollectionError::All => Self::conflict("not-possible", error.to_string()),
            CollectionError::Name(_) => {
                Self::bad("invalid", error.to_string()).at("/name", "invalid", error.to_string())
            }
            CollectionError::EmptyFilter => {
                Self::bad("filter-invalid", error.to_string()).at("/filter", "empty", error.to_string())
            }
            CollectionError::TooMany(_) | CollectionError::UnknownAssets { .. } => {
                Self::bad("invalid", error.to_string()).at("/assets", "invalid", error.to_string())
            }
        }
    }
}

impl From<CheckpointError> for ApiError {
    fn from(error: CheckpointError) -> Self {
        match error {
            CheckpointError::Unreadable(reason) => Self::bad("checkpoint-invalid", reason),
            CheckpointError::BadSignature | CheckpointError::Rewritten(_) => {
                Self::conflict("checkpoint-mismatch", error.to_string())
            }
            CheckpointError::Key { .. } => Self::internal(error),
            CheckpointError::Store(error) => error.into(),
        }
    }
}

impl From<Findings> for ApiError {
    fn from(findings: Findings) -> Self {
        let problem = Self::bad("invalid", findings.to_string());
        findings.iter().fold(problem, |problem, finding| {
            problem.at(finding.pointer.clone(), finding.code, finding.message.clone())
        })
    }
}

impl From<GateError> for ApiError {
    fn from(error: GateError) -> Self {
        match error {
            GateError::Invalid(findings) => findings.into(),
            GateError::Refused(reason) => Self::conflict("refused", reason),
            GateError::Conflict { record_id } => {
                Self::conflict("conflict", format!("{record_id} is already recorded with other content"))
            }
            GateError::Store(error) => error.into(),
        }
    }
}
