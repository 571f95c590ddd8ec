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
        let query = parts.uri.query().unwrap_or_default();
        if !is_text(query) {
            return Err(ApiError::bad("query-invalid", "the query string is not UTF-8 once it is decoded"));
        }
        if let Some(name) = names(query).find(|(_, pair)| pair.contains(NUL)).map(|(name, _)| name) {
            let message = "the query string holds the character U+0000";
            return Err(ApiError::bad("query-invalid", message).at(format!("/{name}"), "nul-character", message));
        }
        match axum::extract::Query::<T>::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(found)) => Ok(Self(found)),
            Err(rejection) => {
                let text = rejection.body_text();
                let reason = text.rsplit_once("query string: ").map_or(text.as_str(), |(_, reason)| reason);
                let error = ApiError::bad("query-invalid", format!("the query string is not understood: {reason}"));
                Err(match twice(query) {
                    Some(name) => error.at(format!("/{name}"), "duplicate", "the parameter occurs more than once"),
                    None => error,
                })
            }
        }
    }
}

/// The character U+0000 as it comes in a path or a query string. No name or text of ours holds it, and PostgreSQL keeps none.
const NUL: &str = "%00";

/// The parameters: the name as it was written, and with its value.
fn names(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').map(|pair| (pair.split_once('=').map_or(pair, |(name, _)| name), pair))
}

/// A parameter that occurs more than once.
fn twice(query: &str) -> Option<&str> {
    let mut seen = std::collections::BTreeSet::new();
    names(query).map(|(name, _)| name).find(|name| !seen.insert(*name))
}

/// Whether a query string is UTF-8 once it is decoded; a reader of forms would put marks in the place of what is not.
fn is_text(query: &str) -> bool {
    let mut bytes = Vec::with_capacity(query.len());
    let mut rest = query.as_bytes();
    while let [first, more @ ..] = rest {
        let digits = more.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &more[2..];
            }
            None => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    std::str::from_utf8(&bytes).is_ok()
}

/// What varies in the path.
#[derive(Debug)]
pub struct At<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for At<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        if parts.uri.path().contains(NUL) {
            return Err(ApiError::bad("path-invalid", "the path holds the character U+0000"));
        }
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
        let mut pointer = pointer_of(error.path());
        let mut message = error.into_inner().to_string();
        // The reader names the object, not what is missing in it.
        if let Some(name) = message.strip_prefix("missing field `").and_then(|rest| rest.split_once('`')) {
            exhibit_model::json::pointer_push(&mut pointer, name.0);
            message = "is required".to_owned();
        }
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
    fn what_is_no_text_is_seen() {
        assert!(is_text("a=%C3%BC&b=%zz&c=%") && is_text(""));
        assert!(!is_text("a=%FF") && !is_text("a=%C3"));
    }

    async fn asked(uri: &str) -> Result<(), String> {
        let (mut parts, ()) = axum::http::Request::builder().uri(uri).body(()).unwrap().into_parts();
        let found = Query::<std::collections::BTreeMap<String, String>>::from_request_parts(&mut parts, &()).await;
        found.map(|_| ()).map_err(|error| serde_json::to_string(&error).unwrap())
    }

    /// PostgreSQL keeps no U+0000 and SQLite does; both refuse it here.
    #[tokio::test]
    async fn the_character_nul_is_refused_by_name() {
        for uri in ["/x?a=1&q=a%00b", "/x?q=%00", "/x?q=%2500%00"] {
            let told = asked(uri).await.unwrap_err();
            assert!(told.contains(r#""pointer":"/q""#) && told.contains("U+0000"), "{uri}: {told}");
        }
        assert_eq!(asked("/x?q=%2500").await, Ok(()));
        assert_eq!(asked("/x").await, Ok(()));
        let (mut parts, ()) = axum::http::Request::builder().uri("/a%00b").body(()).unwrap().into_parts();
        let refused = At::<String>::from_request_parts(&mut parts, &()).await.unwrap_err();
        assert_eq!((refused.code(), refused.detail()), ("path-invalid", "the path holds the character U+0000"));
    }

    #[test]
    fn what_comes_twice_is_found() {
        assert_eq!((twice("page=1&size=2&page=3"), twice("page=1"), twice("")), (Some("page"), None, None));
    }

    #[test]
    fn a_mistake_is_named_by_its_place() {
        let said = |text: &str| serde_json::to_string(&parse::<Asked>(text.as_bytes()).unwrap_err()).unwrap();
        assert!(said(r#"{"steps":[1,300]}"#).contains(r#""pointer":"/steps/1""#));
        assert!(said(r#"{"steps":[1],"steps":[1]}"#).contains("duplicate field"));
        assert!(said(r#"{"steps":[1],"other":1}"#).contains("unknown field"));
        assert!(said(r#"{"steps":[1]} x"#).contains("trailing characters"));
        assert!(
            said("{}").contains(r#""pointer":"/steps","code":"body-invalid","message":"is required""#),
            "{}",
            said("{}")
        );
        assert_eq!(said("{"), said("{"));
    }
}
