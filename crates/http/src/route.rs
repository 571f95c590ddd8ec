//! A route: where, who may, what goes in, what comes out, and what does it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter, on};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::problem::ApiError;
use crate::scope::Scope;

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone who reaches the server.
    Open,
    /// Holders of this scope.
    Scope(Scope),
    /// Anyone who is logged in, whatever the scopes.
    LoggedIn,
}

/// The schema of a type, made when the document is.
pub type MakeSchema = fn(&mut SchemaGenerator) -> Schema;

/// What an answer holds.
#[derive(Debug, Clone)]
pub enum Content {
    /// Nothing.
    Empty,
    /// JSON of a type.
    Json(MakeSchema),
    /// Bytes of a media type.
    Bytes(&'static str),
    /// Bytes of the media type that the request has.
    InKind(&'static [&'static str]),
}

/// One answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What it means.
    pub about: &'static str,
    /// What it holds.
    pub content: Content,
}

/// A route.
#[derive(Debug)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path, with `{name}` for what varies.
    pub path: &'static str,
    /// Name of the operation in the document.
    pub id: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
    /// Who may ask.
    pub access: Access,
    /// The type of its query.
    pub query: Option<MakeSchema>,
    /// The type of its JSON body.
    pub body: Option<MakeSchema>,
    /// Answers that are no problem.
    pub answers: BTreeMap<u16, Answer>,
    /// Statuses of its problems.
    pub problems: Vec<u16>,
    /// The shape of its problems, where it is not that of all others.
    pub problem: Option<MakeSchema>,
    /// Largest body in bytes.
    pub body_bytes_max: usize,
    /// Whether its body is JSON documents, one a line.
    pub lines: bool,
    /// Media types of its body, where its handler reads bytes of several kinds by itself.
    pub takes: &'static [&'static str],
    /// Media types in which its handler tells its own problems, beside that of all others.
    pub tells: &'static [&'static str],
    /// Whether the shared secret of older clients opens it.
    pub takes_secret: bool,
    /// Whether what it changes is evidence, whose ledger says more than the audit could.
    pub is_evidence: bool,
    /// Who is told of its problems, also of those that no handler sees.
    pub watch: Option<Watch>,
    /// What does it.
    pub handler: MethodRouter,
}

/// Somebody who is told of problems.
#[derive(Clone)]
pub struct Watch(Arc<dyn Fn(&ApiError) + Send + Sync>);

impl Watch {
    /// Calls that with each problem.
    pub fn new(told: impl Fn(&ApiError) + Send + Sync + 'static) -> Self {
        Self(Arc::new(told))
    }

    /// Tells a problem.
    pub fn tell(&self, error: &ApiError) {
        (self.0)(error);
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watch")
    }
}

/// Largest body of a route that says nothing else: far above any JSON that a person or a page sends.
const BODY_BYTES_MAX: usize = 1024 * 1024;

impl Route {
    /// A route of any method; [`Self::get`] and [`Self::post`] are shorter.
    pub fn new<H, T, S>(
        (method, filter): (Method, MethodFilter),
        path: &'static str,
        (id, about): (&'static str, &'static str),
        access: Access,
        (handler, state): (H, S),
    ) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
        S: Clone + Send + Sync + 'static,
    {
        let problems = match access {
            Access::Open => vec![],
            Access::LoggedIn => vec![401],
            Access::Scope(_) => vec![401, 403],
        };
        let handler = on(filter, handler).with_state(state);
        let (query, body, answers) = (None, None, BTreeMap::new());
        let body_bytes_max = BODY_BYTES_MAX;
        let (lines, takes_secret, is_evidence) = (false, false, false);
        Self {
            method,
            path,
            id,
            about,
            access,
            query,
            body,
            answers,
            problems,
            problem: None,
            body_bytes_max,
            lines,
            takes: &[],
            tells: &[],
            takes_secret,
            is_evidence,
            watch: None,
            handler,
        }
    }

    /// Something that can be looked at.
    pub fn get<H, T, S>(path: &'static str, words: (&'static str, &'static str), scope: Scope, work: (H, S)) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
        S: Clone + Send + Sync + 'static,
    {
        Self::new((Method::GET, MethodFilter::GET), path, words, Access::Scope(scope), work)
    }

    /// Something that can be done.
    pub fn post<H, T, S>(path: &'static str, words: (&'static str, &'static str), scope: Scope, work: (H, S)) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
        S: Clone + Send + Sync + 'static,
    {
        Self::new((Method::POST, MethodFilter::POST), path, words, Access::Scope(scope), work)
    }

    /// Something that can be taken away.
    pub fn delete<H, T, S>(path: &'static str, words: (&'static str, &'static str), scope: Scope, work: (H, S)) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
        S: Clone + Send + Sync + 'static,
    {
        Self::new((Method::DELETE, MethodFilter::DELETE), path, words, Access::Scope(scope), work)
    }

    /// Its query string has these parameters.
    #[must_use]
    pub fn query<T: JsonSchema>(mut self) -> Self {
        self.query = Some(|generator| T::json_schema(generator));
        self.fails(&[400])
    }

    /// Its body is JSON of this type.
    #[must_use]
    pub fn body<T: JsonSchema>(mut self) -> Self {
        self.body = Some(|generator| generator.subschema_for::<T>());
        self.fails(&[400, 408, 413, 415])
    }

    /// Its body is JSON, which its handler reads by itself.
    #[must_use]
    pub fn takes_json(mut self) -> Self {
        self.body = Some(|_| schemars::json_schema!({ "type": "object" }));
        self.fails(&[400, 408, 413])
    }

    /// Its body is JSON documents, one a line.
    #[must_use]
    pub fn takes_lines(mut self) -> Self {
        self.lines = true;
        self.fails(&[400, 408, 413])
    }

    /// Its body is bytes of one of these media types, which its handler reads by itself.
    #[must_use]
    pub fn takes_bytes(mut self, media_types: &'static [&'static str]) -> Self {
        self.takes = media_types;
        self.fails(&[400, 408, 413, 415])
    }

    /// Its body may be larger or must be smaller than that of other routes.
    #[must_use]
    pub fn body_bytes_max(mut self, most: usize) -> Self {
        self.body_bytes_max = most;
        self
    }

    /// Its problems have this shape, and are plain JSON.
    #[must_use]
    pub fn told_as<T: JsonSchema>(mut self) -> Self {
        self.problem = Some(|generator| generator.subschema_for::<T>());
        self
    }

    /// The shared secret of older clients opens it, too.
    #[must_use]
    pub fn takes_secret(mut self) -> Self {
        self.takes_secret = true;
        self.fails(&[500])
    }

    /// Tells its problems to somebody who counts them.
    #[must_use]
    pub fn watched(mut self, watch: Watch) -> Self {
        self.watch = Some(watch);
        self
    }

    /// What it changes is evidence: the ledger notes it, and the audit does not.
    #[must_use]
    pub fn is_evidence(mut self) -> Self {
        self.is_evidence = true;
        self
    }

    /// It answers with JSON of this type.
    #[must_use]
    pub fn answers<T: JsonSchema>(self, status: u16, about: &'static str) -> Self {
        self.with(status, about, Content::Json(|generator| generator.subschema_for::<T>()))
    }

    /// It answers with bytes.
    #[must_use]
    pub fn bytes(self, status: u16, about: &'static str, media_type: &'static str) -> Self {
        self.with(status, about, Content::Bytes(media_type))
    }

    /// It answers in the media type of the request, and so does its handler tell its own problems. Says what 200 means.
    #[must_use]
    pub fn answers_in_kind(mut self, about: &'static str) -> Self {
        self.tells = self.takes;
        let content = Content::InKind(self.takes);
        self.with(200, about, content)
    }

    /// It delivers bytes as [`crate::file`] does: all of them, a range, or the word that nothing changed.
    #[must_use]
    pub fn delivers(self, media_type: &'static str) -> Self {
        self.bytes(200, "All of it", media_type)
            .bytes(206, "The range that was asked for", media_type)
            .empty(304, "It is as it was")
            .fails(&[416])
    }

    /// It answers with nothing but the status.
    #[must_use]
    pub fn empty(self, status: u16, about: &'static str) -> Self {
        self.with(status, about, Content::Empty)
    }

    fn with(mut self, status: u16, about: &'static str, content: Content) -> Self {
        self.answers.insert(status, Answer { about, content });
        self
    }

    /// It can fail with these.
    #[must_use]
    pub fn fails(mut self, statuses: &[u16]) -> Self {
        self.problems.extend(statuses);
        self.problems.sort_unstable();
        self.problems.dedup();
        self
    }

    /// The names between braces in its path.
    pub fn parameters(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }

    /// Whether it changes anything.
    pub fn changes(&self) -> bool {
        self.method != Method::GET
    }
}

/// The schema of every problem.
pub fn problem_schema(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<ApiError>()
}
