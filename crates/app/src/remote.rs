//! A server that is asked in place of the home: where it is, how it is asked, and what may come back.
//!
//! Calls block on a thread of their own. Nothing is believed of an answer but what a view of ours says of it: it has a largest size, a
//! longest time, and a type. The token goes to the address that was given and nowhere else: redirects are not followed, and proxies of the
//! environment are not asked.

mod download;
mod follow;
mod jobs;
mod trouble;
mod wanted;

use std::sync::Arc;
use std::time::Duration;

use exhibit_http::Page;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::http::request::Builder;
use ureq::http::{Method, Request, Response, StatusCode, header};
use ureq::{Agent, Body};

pub use download::check_target;
pub use follow::{follow, follow_as_owner};
pub use jobs::{Order, work};
pub use trouble::Trouble;
pub use wanted::{Wanted, read_token};

use crate::error::CliError;

/// Largest answer in bytes: a page of a thousand assets with everything that is said about them is a hundredth of it.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Items of one page: what the server gives at most.
const PAGE_ITEMS_MAX: usize = 1_000;

/// How long it may take until there is a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// How long a connection that nobody uses is kept; the server gives it up after ten seconds.
const IDLE_FOR: Duration = Duration::from_secs(5);

/// A server, and the right to ask it. Clones ask the same one.
#[derive(Clone)]
pub struct Server(Arc<Inner>);

struct Inner {
    agent: Agent,
    /// Scheme, name, port and perhaps a path, without a slash at the end.
    base: String,
    token: String,
    answer_within: Duration,
}

/// What is asked.
struct Question {
    method: Method,
    path: String,
    body: Option<Vec<u8>>,
}

impl Server {
    /// Its address, as it was given.
    pub fn address(&self) -> &str {
        &self.0.base
    }

    /// Looks at something.
    pub async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T, Trouble> {
        self.view(Question { method: Method::GET, path: with_query(path, query), body: None }).await
    }

    /// Looks at a JSON document that is printed as it is.
    pub async fn get_document(&self, path: &str) -> Result<Vec<u8>, Trouble> {
        let bytes = self.bytes(Question { method: Method::GET, path: path.to_owned(), body: None }).await?;
        match serde_json::from_slice::<serde::de::IgnoredAny>(&bytes) {
            Ok(_) => Ok(bytes),
            Err(error) => Err(self.not_understood(&error.to_string()).await),
        }
    }

    /// Orders something.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Trouble> {
        let body = Some(serde_json::to_vec(body).map_err(CliError::from)?);
        self.view(Question { method: Method::POST, path: path.to_owned(), body }).await
    }

    /// Orders something whose refusal says more than a message: an order that was noted but came to nothing. The second value is the
    /// status; what names no audit is a refusal like any other.
    pub async fn order(&self, path: &str, body: &Value) -> Result<(Value, u16), Trouble> {
        let body = Some(serde_json::to_vec(body).map_err(CliError::from)?);
        let question = Question { method: Method::POST, path: path.to_owned(), body };
        let server = self.clone();
        let asked = tokio::task::spawn_blocking(move || server.ask_whatever(question)).await;
        let (status, body) =
            asked.map_err(|error| CliError::failed(format!("the question was given up: {error}")))??;
        let said: Option<Value> = serde_json::from_slice(&body).ok();
        match said.filter(|said| said["auditId"].is_string()) {
            Some(said) => Ok((said, status.as_u16())),
            None if status.is_success() => Err(self.not_understood("an order without its id in the audit").await),
            None => match self.refused(status, &body) {
                Trouble::NoSuchRoute(said) => Err(self.not_understood(&said).await),
                other => Err(other),
            },
        }
    }

    /// Hands documents in, one a line.
    pub async fn post_lines<T: DeserializeOwned>(&self, path: &str, lines: Vec<u8>) -> Result<T, Trouble> {
        self.view(Question { method: Method::POST, path: path.to_owned(), body: Some(lines) }).await
    }

    /// Takes something away.
    pub async fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, Trouble> {
        self.view(Question { method: Method::DELETE, path: path.to_owned(), body: None }).await
    }

    /// Collects `limit` items of a list from its pages, and says whether there are more.
    pub async fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
        limit: usize,
    ) -> Result<(Vec<T>, bool), Trouble> {
        let mut items: Vec<T> = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let count = (limit - items.len()).min(PAGE_ITEMS_MAX).to_string();
            let mut asked: Vec<(&str, &str)> = query.to_vec();
            asked.push(("limit", &count));
            if let Some(cursor) = &cursor {
                // The cursor says where the list goes on, so whatever said where it begins has done its work.
                asked.retain(|(name, _)| *name != "after");
                asked.push(("cursor", cursor));
            }
            let page: Page<T> = self.get(path, &asked).await?;
            if page.items.is_empty() && page.next.is_some() {
                return Err(self.not_understood("a page holds nothing and yet has a next one").await);
            }
            items.extend(page.items);
            let more = page.next.is_some() || items.len() > limit;
            items.truncate(limit);
            if items.len() == limit || page.next.is_none() {
                return Ok((items, more));
            }
            cursor = page.next;
        }
    }

    async fn view<T: DeserializeOwned>(&self, question: Question) -> Result<T, Trouble> {
        let bytes = self.bytes(question).await?;
        match serde_json::from_slice(&bytes) {
            Ok(view) => Ok(view),
            Err(error) => Err(self.not_understood(&error.to_string()).await),
        }
    }

    async fn bytes(&self, question: Question) -> Result<Vec<u8>, Trouble> {
        match self.asked(question).await {
            // What it does not know may be what another version knows.
            Err(Trouble::NoSuchRoute(said)) => Err(self.not_understood(&said).await),
            other => other,
        }
    }

    async fn asked(&self, question: Question) -> Result<Vec<u8>, Trouble> {
        let server = self.clone();
        let asked = tokio::task::spawn_blocking(move || server.ask(question)).await;
        asked.map_err(|error| CliError::failed(format!("the question was given up: {error}")))?
    }

    fn ask(&self, question: Question) -> Result<Vec<u8>, Trouble> {
        let (status, body) = self.ask_whatever(question)?;
        if status.is_success() { Ok(body) } else { Err(self.refused(status, &body)) }
    }

    /// The body of any answer but one that leads elsewhere.
    fn ask_whatever(&self, question: Question) -> Result<(StatusCode, Vec<u8>), Trouble> {
        let mut response = self.send(question)?;
        let status = response.status();
        if status.is_redirection() {
            return Err(self.redirected(&response));
        }
        let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
        let body = body.map_err(|error| self.unreachable(error))?;
        Ok((status, body))
    }

    /// Asks for a file: it may take as long as it takes, if only something comes now and then.
    fn send_for_long(&self, question: Question) -> Result<Response<Body>, Trouble> {
        let request = self.request(&question).body(()).map_err(|error| self.not_askable(&error))?;
        let request = self.0.agent.configure_request(request);
        let request = request.timeout_recv_body(None).timeout_per_read(Some(self.0.answer_within)).build();
        self.0.agent.run(request).map_err(|error| self.unreachable(error))
    }

    fn request(&self, question: &Question) -> Builder {
        let address = format!("{}{}", self.0.base, question.path);
        let request = Request::builder().method(question.method.clone()).uri(address);
        let request = request.header(header::AUTHORIZATION, format!("Bearer {}", self.0.token));
        request.header(header::ACCEPT, "application/json")
    }

    fn send(&self, question: Question) -> Result<Response<Body>, Trouble> {
        let request = self.request(&question);
        let wrong = |error: ureq::http::Error| self.not_askable(&error);
        let sent = match question.body {
            Some(body) => {
                let request = request.header(header::CONTENT_TYPE, "application/json").body(body).map_err(wrong)?;
                self.0.agent.run(request)
            }
            None => self.0.agent.run(request.body(()).map_err(wrong)?),
        };
        sent.map_err(|error| self.unreachable(error))
    }
}

/// A part of a path, with everything that has a meaning in paths written as `%NN`.
pub fn part(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(byte as char);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    // Alone they would mean this folder or the one above.
    if matches!(out.as_str(), "." | "..") { out.replace('.', "%2E") } else { out }
}

fn with_query(path: &str, query: &[(&str, &str)]) -> String {
    let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={}", part(value))).collect();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}
