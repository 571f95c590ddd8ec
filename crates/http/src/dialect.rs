//! Errors as an older contract has them: below a prefix, every problem is told in the exact bytes that its clients compare.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;

use crate::problem::ApiError;
use crate::scope::Scope;

/// How problems are told below a prefix.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    /// The prefix of the paths, with a slash at both ends.
    pub prefix: &'static str,
    /// The body of a problem, in JSON.
    pub body: fn(&Refusal<'_>) -> Vec<u8>,
}

/// A problem on its way out.
#[derive(Debug)]
pub struct Refusal<'a> {
    /// The path that was asked for.
    pub path: &'a str,
    /// The problem.
    pub error: &'a ApiError,
    /// The scope that the route needs, where there is a route that needs one.
    pub scope: Option<Scope>,
}

impl Dialect {
    /// Whether it speaks about that path.
    pub fn speaks(&self, path: &str) -> bool {
        path.starts_with(self.prefix)
    }

    /// Tells the problem of a response in its own words; other responses stay as they are.
    pub fn tell(&self, mut response: Response, path: &str, scope: Option<Scope>) -> Response {
        let Some(error) = response.extensions_mut().remove::<ApiError>() else { return response };
        let body = (self.body)(&Refusal { path, error: &error, scope });
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.remove(header::CONTENT_LENGTH);
        *response.body_mut() = Body::from(body);
        response
    }
}
