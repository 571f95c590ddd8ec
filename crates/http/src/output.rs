//! What goes out as JSON.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::problem::ApiError;

/// A JSON answer. It is never kept by a browser: what it says may be another in a moment.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => {
                let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                let unkept = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
                ([json, unkept], body).into_response()
            }
            Err(error) => ApiError::internal(error).into_response(),
        }
    }
}
