//! What every request goes through: an id, the checks of name and origin, readiness, the router, headers, one line in the log.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::response::{IntoResponse as _, Response};
use exhibit_http::ApiError;
use exhibit_model::ids::ulid_to_text;
use futures_util::FutureExt as _;
use hyper::body::Incoming;
use tower_service::Service as _;
use tracing::Instrument as _;

use crate::operations;
use crate::shared::{Peer, RequestId, Shared, Told, not_ready};

/// Headers of every answer. Media bring a stricter policy of their own.
const HEADERS: [(HeaderName, &str); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; \
         connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(), display-capture=()",
    ),
    (header::CACHE_CONTROL, "no-store"),
];

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Answers a request. Never fails: what goes wrong is an answer.
pub async fn answer(
    shared: Arc<Shared>,
    peer: Peer,
    request: hyper::Request<Incoming>,
) -> Result<Response, Infallible> {
    let started = Instant::now();
    let id = ulid_to_text(shared.ids.next_ulid());
    let method = request.method().clone();
    let dialect = shared.dialects.iter().find(|dialect| dialect.speaks(request.uri().path())).copied();
    let path = dialect.map(|_| request.uri().path().to_owned());
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(peer);
    request.extensions_mut().insert(RequestId(id.clone()));
    // Whatever is logged on the way names the request.
    let span = tracing::info_span!("request", request.id = id);
    let mut response = match AssertUnwindSafe(dispatch(&shared, request).instrument(span)).catch_unwind().await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => error.into_response(),
        Err(_) => ApiError::internal("an answer panicked").into_response(),
    };
    let told = response.extensions().get::<Told>().cloned().unwrap_or(Told { route: "none", token: None, scope: None });
    if let (Some(dialect), Some(path)) = (dialect, path) {
        response = dialect.tell(response, &path, told.scope);
    }
    complete(response.headers_mut(), &id);
    let (status, taken) = (response.status().as_u16(), started.elapsed());
    shared.metrics.answered(known_method(&method), told.route, status, taken);
    let ms = u64::try_from(taken.as_millis()).unwrap_or(u64::MAX);
    let (route, token) = (told.route, told.token.unwrap_or_default());
    tracing::info!(method = known_method(&method), route, status, ms, request.id = id, token.id = token, "request");
    Ok(response)
}

async fn dispatch(shared: &Arc<Shared>, request: Request) -> Result<Response, ApiError> {
    shared.names.check(request.method(), request.uri(), request.headers())?;
    let waits_for = *shared.readiness.borrow();
    if let Some(reason) = waits_for {
        return match request.uri().path() {
            "/healthz" => Ok(operations::health().await.into_response()),
            "/readyz" => Ok(operations::says_not_ready(reason)),
            _ => Err(not_ready(reason)),
        };
    }
    let Some(router) = shared.router.get() else { return Err(not_ready(crate::Reason::Starting)) };
    // A router is always ready to be called.
    let Ok(response) = router.clone().call(request).await;
    Ok(response)
}

fn complete(headers: &mut HeaderMap, id: &str) {
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if let Ok(id) = HeaderValue::try_from(id) {
        headers.insert(REQUEST_ID, id);
    }
}

/// Methods are words of the other side; only known ones become words of the log and the metrics.
fn known_method(method: &Method) -> &'static str {
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
        .into_iter()
        .find(|known| *known == method.as_str())
        .unwrap_or("OTHER")
}
