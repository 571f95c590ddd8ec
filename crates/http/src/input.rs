//! What comes in: query strings and JSON bodies, read strictly.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::problem::ApiError;

/// The parameters of a query string. Parameters that `T` does not know are refused when it says `deny_unknown_fields`.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        match axum::extract::Query::<T>::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(found)) => Ok(Self(found)),
            Err(rejection) => {
                let text = rejection.body_text();
                let reason = text.rsplit_once("query string: ").map_or(text.as_str(), |(_, reason)| reason);
                Err(ApiError::bad("query-invalid", format!("the query string is not understood: {reason}")))
            }
        }
    }
}

/// What varies in the path.
#[derive(Debug)]
pub struct At<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for At<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let found = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        let found = found.map_err(|_| ApiError::bad("path-invalid", "the path is not UTF-8 once it is decoded"))?;
        Ok(Self(found.0))
    }
}

/// A JSON body.
#[derive(Debug)]
pub struct Body<T>(pub T);

/// The body of a call that needs no words: `{}`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Empty {}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            let detail = "the body has to be JSON, and the header content-type has to say application/json";
            return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-json", detail));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => ApiError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body-too-large",
                "the body is larger than this route takes",
            ),
            _ => ApiError::bad("body-unreadable", "the body ended before it was whole"),
        })?;
        parse(&bytes).map(Self)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(Ok(text)) = headers.get(header::CONTENT_TYPE).map(|value| value.to_str()) else { return false };
    text.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// Reads JSON; the first mistake is named by its place.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let found = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let pointer = pointer_of(error.path());
        let message = error.into_inner().to_string();
        ApiError::bad("body-invalid", "the body is not understood").at(pointer, "body-invalid", message)
    })?;
    reader.end().map_err(|error| {
        ApiError::bad("body-invalid", "the body is not understood").at("", "body-invalid", error.to_string())
    })?;
    Ok(found)
}

/// RFC 6901.
fn pointer_of(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            serde_path_to_error::Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            serde_path_to_error::Segment::Map { key } => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            serde_path_to_error::Segment::Enum { .. } | serde_path_to_error::Segment::Unknown => {}
        }
    }
    pointer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        #[expect(dead_code, reason = "only read")]
        steps: Vec<u8>,
    }

    #[test]
    fn a_mistake_is_named_by_its_place() {
        let said = |text: &str| serde_json::to_string(&parse::<Asked>(text.as_bytes()).unwrap_err()).unwrap();
        assert!(said(r#"{"steps":[1,300]}"#).contains(r#""pointer":"/steps/1""#));
        assert!(said(r#"{"steps":[1],"steps":[1]}"#).contains("duplicate field"));
        assert!(said(r#"{"steps":[1],"other":1}"#).contains("unknown field"));
        assert!(said(r#"{"steps":[1]} x"#).contains("trailing characters"));
        assert_eq!(said("{"), said("{"));
    }
}
