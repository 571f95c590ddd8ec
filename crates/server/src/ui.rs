//! The web UI, embedded: its files under their names, and its first page wherever a person looks for one.

use std::sync::OnceLock;

use axum::http::{HeaderMap, header};
use axum::response::Response;
use exhibit_http::bytes;
use exhibit_model::digest::Digest;

/// Paths and contents, listed by the build script.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/ui.rs"));

/// The page that shows everything.
const PAGE: &str = "index.html";

/// Names in this folder hold a digest of the content, so that they can be kept for ever.
const HASHED: &str = "assets/";

/// What lies at `path`: a file, or the page when a person looks there.
pub fn answer(path: &str, headers: &HeaderMap) -> Option<Response> {
    let name = path.trim_start_matches('/');
    if let Some(index) = FILES.iter().position(|(known, _)| *known == name) {
        return Some(file(index, headers));
    }
    let page = FILES.iter().position(|(known, _)| *known == PAGE)?;
    // A script that is gone must not be answered with a page.
    let is_gone = name.strip_prefix(HASHED).is_some_and(|rest| rest.contains('.'));
    let is_page = name.is_empty() || (wants_a_page(headers) && !is_gone);
    is_page.then(|| file(page, headers))
}

/// Whether a person looks at it with a browser.
pub fn wants_a_page(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|kind| kind.trim().starts_with("text/html"))
}

fn file(index: usize, headers: &HeaderMap) -> Response {
    let (name, content) = FILES[index];
    let mut response = bytes(headers, content.to_vec(), media_type(name), &etags()[index]);
    if name.starts_with(HASHED) {
        let forever = axum::http::HeaderValue::from_static("public, max-age=31536000, immutable");
        response.headers_mut().insert(header::CACHE_CONTROL, forever);
    }
    response
}

fn etags() -> &'static [String] {
    static ETAGS: OnceLock<Vec<String>> = OnceLock::new();
    ETAGS.get_or_init(|| FILES.iter().map(|(_, content)| Digest::of(content).to_hex()[..32].to_owned()).collect())
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
