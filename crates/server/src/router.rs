//! From the one list of routes: the router with a door before each handler, and what answers where there is no route.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use exhibit_http::{ApiError, Route};

use crate::door::{Door, guarded};
use crate::shared::{Shared, Told};
use crate::ui;

/// What the log calls an address that is no route.
const NO_ROUTE: &str = "none";

/// Addresses that are for programs, whether there is a route or not: no page of the UI ever lies there.
pub fn is_for_programs(path: &str) -> bool {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    ["v1", "api", "metrics", "openapi.json", "healthz", "readyz"].contains(&first)
}

/// Makes the router.
pub fn router(shared: &Arc<Shared>, routes: Vec<Route>) -> Router {
    let mut paths: BTreeMap<&'static str, (MethodRouter, Vec<Method>)> = BTreeMap::new();
    for route in routes {
        let door = Door::new(shared, &route);
        let Route { path, method, handler, .. } = route;
        let handler = guarded(handler, door);
        let (merged, methods) = paths.remove(path).unwrap_or_default();
        let methods = methods.into_iter().chain([method]).collect();
        paths.insert(path, (merged.merge(handler), methods));
    }
    let mut router = Router::new();
    for (path, (methods_of, methods)) in paths {
        let allow = allowed(&methods);
        router = router.route(path, methods_of.fallback(move || async move { wrong_method(path, &allow) }));
    }
    // The door bounds bodies, each as its route says.
    router.fallback(no_route).layer(DefaultBodyLimit::disable())
}

fn allowed(methods: &[Method]) -> String {
    let mut words: Vec<&str> = methods.iter().map(Method::as_str).collect();
    if words.contains(&"GET") {
        words.push("HEAD");
    }
    words.sort_unstable();
    words.join(", ")
}

fn wrong_method(path: &'static str, allow: &str) -> Response {
    let detail = format!("this address takes {allow}");
    let mut response = ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "wrong-method", detail).into_response();
    if let Ok(allow) = HeaderValue::try_from(allow) {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response.extensions_mut().insert(Told { route: path, token: None, scope: None });
    response
}

/// A file of the UI, a page of the UI, or nothing.
async fn no_route(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let told = Told { route: NO_ROUTE, token: None, scope: None };
    let looks = method == Method::GET || method == Method::HEAD;
    let of_the_ui = (looks && !is_for_programs(uri.path())).then(|| ui::answer(uri.path(), &headers)).flatten();
    let mut response = of_the_ui.unwrap_or_else(|| {
        ApiError::not_found("no-such-route", "there is nothing at this address")
            .hint("/openapi.json lists what there is")
            .into_response()
    });
    response.extensions_mut().insert(told);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_and_programs_never_share_an_address() {
        for program in ["/v1", "/v1/assets", "//v1/me", "/api/x", "/metrics", "/openapi.json", "/healthz", "/readyz"] {
            assert!(is_for_programs(program), "{program}");
        }
        for page in ["/", "/runs", "/v1x", "/assets/index.js", "/login"] {
            assert!(!is_for_programs(page), "{page}");
        }
    }
}
