//! The records of the room: how a document becomes evidence, and how it is read back.

use std::sync::{Mutex, PoisonError};

use exhibit_model::canonical::to_canonical;
use exhibit_model::digest::Digest;
use exhibit_store::{Draft, Seq, StoreError};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::admission::Obstacle;
use crate::contract::{Document, DocumentForm, Said, Session, said};
use crate::import::stated::{Stated, StatedForm};
use crate::prices::{Snapshot, parse};
use crate::sql::events::EventRow;
use crate::sql::words::{Texts, line_of};

/// Kind of a document that was taken in.
pub const SESSION: &str = "agents.session";

/// Kind of a session that was taken over from an older file, with what that file says of its numbers.
pub const IMPORTED: &str = "agents.imported";

/// Kind of the evidence of a conflict.
pub const CONFLICT: &str = "agents.conflict";

/// Kind of a list of prices.
pub const PRICES: &str = "agents.prices";

/// Kind of what was asked to be reckoned anew.
pub const RECOMPUTE: &str = "agents.recompute";

/// The kind files of the room.
pub const KINDS: &[&str] = &[
    include_str!("../../../schemas/kinds/agents.session.v1.json"),
    include_str!("../../../schemas/kinds/agents.conflict.v1.json"),
    include_str!("../../../schemas/kinds/agents.prices.v1.json"),
    include_str!("../../../schemas/kinds/agents.recompute.v1.json"),
    include_str!("../../../schemas/kinds/agents.close.v1.json"),
    include_str!("../../../schemas/kinds/agents.imported.v1.json"),
    include_str!("../../../schemas/kinds/agents.seal.v1.json"),
    include_str!("../../../schemas/kinds/agents.floor.v1.json"),
];

/// The feed of documents that come over the contract of ingest.
pub const API_FEED: &str = "api";

/// The feed of sessions that were taken over from an older file.
pub const IMPORT_FEED: &str = "import";

/// What a document is decided by (rules R1 to R8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// One that the sender gave.
    Own(String),
    /// A session that goes on.
    Live(String),
    /// A session that has ended.
    Terminal(String),
}

impl Key {
    fn of(document: &Document) -> Self {
        let session = &document.session;
        match &document.idempotency_key {
            Some(key) => Self::Own(key.clone()),
            None if session.state.is_terminal() => Self::Terminal(session.session_id.clone()),
            None => Self::Live(session.session_id.clone()),
        }
    }

    /// Reads a key as it is kept.
    pub fn parse(text: &str) -> Option<Self> {
        let (sort, name) = text.split_once(':')?;
        match sort {
            "key" => Some(Self::Own(name.to_owned())),
            "live" => Some(Self::Live(name.to_owned())),
            "terminal" => Some(Self::Terminal(name.to_owned())),
            _ => None,
        }
    }

    /// As it is kept.
    pub fn text(&self) -> String {
        match self {
            Self::Own(name) => format!("key:{name}"),
            Self::Live(name) => format!("live:{name}"),
            Self::Terminal(name) => format!("terminal:{name}"),
        }
    }
}

/// A document on its way into the ledger.
#[derive(Debug)]
pub struct Submission {
    /// What is to be recorded.
    pub draft: Draft,
    /// What else admission decides by.
    pub keys: Vec<String>,
    /// The id of the record.
    pub record_id: String,
}

impl Submission {
    /// Puts a document of a feed on its way.
    ///
    /// # Errors
    /// When its own canonical form cannot be read, which would be a mistake of ours.
    pub fn new(document: &Document, feed: &str) -> Result<Self, StoreError> {
        let key = Key::of(document);
        let body = body_of(document, feed, &key)?;
        let mut keys = vec![format!("agents/session/{}", document.session.session_id)];
        if matches!(key, Key::Own(_)) {
            keys.push(format!("agents/{}", key.text()));
        }
        let record_id = record_id(&key, document.fingerprint);
        Ok(Self { draft: Draft::record(SESSION, record_id.clone(), body), keys, record_id })
    }

    /// Puts a session of an older file on its way, with what the file says of its numbers. Both together are its key, so the same row of a
    /// file is the same record however often it is read; `over` is the place of what it replaces, so that it may replace more than once.
    ///
    /// # Errors
    /// When its own canonical form cannot be read, which would be a mistake of ours.
    pub fn imported(document: &Document, stated: &Stated, over: Option<Seq>) -> Result<Self, StoreError> {
        let stated = stated.value();
        let unreadable =
            |findings| StoreError::Unexpected(format!("an imported row has no canonical form: {findings}"));
        let text = to_canonical(&json!([document.fingerprint.to_hex(), stated, over])).map_err(unreadable)?;
        let key = Key::Own(format!("import:{}", Digest::of(&text).to_hex()));
        let mut body = body_of(document, IMPORT_FEED, &key)?;
        body["usage"] = stated;
        let keys = vec![format!("agents/session/{}", document.session.session_id), format!("agents/{}", key.text())];
        let record_id = record_id(&key, document.fingerprint);
        Ok(Self { draft: Draft::record(IMPORTED, record_id.clone(), body), keys, record_id })
    }
}

/// `{document, envelope}`.
fn body_of(document: &Document, feed: &str, key: &Key) -> Result<Value, StoreError> {
    let body: Value = serde_json::from_slice(&document.canonical)
        .map_err(|error| StoreError::Unexpected(format!("a canonical document cannot be read: {error}")))?;
    let mut envelope = Map::new();
    envelope.insert("feed".to_owned(), feed.into());
    envelope.insert("key".to_owned(), key.text().into());
    envelope.insert("version".to_owned(), document.version.as_str().into());
    if let Some(revision) = document.session.revision {
        envelope.insert("revision".to_owned(), revision.into());
    }
    if let Some(source) = &document.source {
        envelope.insert("source".to_owned(), source.as_str().into());
    }
    Ok(json!({"document": body, "envelope": envelope}))
}

/// `agents/<32 hex of the SHA-256 of the key>/<32 hex of the fingerprint>`: the same document under the same key has the same id.
pub fn record_id(key: &Key, fingerprint: Digest) -> String {
    let key = Digest::of(key.text().as_bytes()).to_hex();
    format!("agents/{}/{}", &key[..32], &fingerprint.to_hex()[..32])
}

/// A document as the ledger has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// What it says.
    pub said: Said,
    /// Where it comes from.
    pub feed: String,
    /// What it was decided by.
    pub key: Key,
    /// The revision that the sender counted.
    pub sent_revision: Option<i64>,
    /// What an older file says of its numbers, of a session that was taken over from one.
    pub stated: Option<Stated>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BodyForm {
    document: DocumentForm,
    envelope: EnvelopeForm,
    usage: Option<StatedForm>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvelopeForm {
    feed: String,
    key: String,
    revision: Option<i64>,
    #[serde(rename = "source")]
    _source: Option<String>,
    #[serde(rename = "version")]
    _version: String,
}

/// A document on the way to the writer, read once beside it; and, when it comes back, what was decided about it.
#[derive(Debug)]
pub struct Handed {
    /// The document.
    pub recorded: Recorded,
    /// Its fingerprint.
    pub fingerprint: Digest,
    /// The rows of its events.
    pub(crate) events: Vec<EventRow>,
    /// The words of its id, title and task, for the index.
    pub(crate) words: String,
    /// The revision of its session and whether it came too late, as of the last transaction that took it in.
    answer: Mutex<Option<(i64, bool)>>,
}

impl Handed {
    /// Reads the body of a record of kind [`SESSION`] or [`IMPORTED`].
    ///
    /// # Errors
    /// When it is not what the gate writes.
    pub fn read(body: &[u8]) -> Result<Self, StoreError> {
        let fingerprint = fingerprint_of(body);
        let fingerprint = fingerprint.ok_or_else(|| StoreError::Unexpected("a session has no document".to_owned()))?;
        let recorded = Recorded::read(body)?;
        let events = recorded.said.events.iter().map(EventRow::of).collect::<Result<_, _>>()?;
        let words = line_of(texts_of(&recorded.said.session));
        Ok(Self { recorded, fingerprint, events, words, answer: Mutex::default() })
    }

    /// Notes what was decided. A transaction that is rolled back is tried again or told as an error, so what is noted last holds.
    pub(crate) fn note(&self, revision: i64, stale: bool) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some((revision, stale));
    }

    /// What was decided: revision, and whether it came too late. `None` for a document that was known.
    pub(crate) fn answer(&self) -> Option<(i64, bool)> {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where search looks: id, title and task.
pub(crate) fn texts_of(session: &Session) -> Texts<'_> {
    [Some(session.session_id.as_str()), session.title.as_deref(), session.task.as_deref()]
}

impl Recorded {
    /// Reads the body of a record of kind [`SESSION`] or [`IMPORTED`].
    ///
    /// # Errors
    /// When it is not what the gate writes: the database was changed by others.
    pub fn read(body: &[u8]) -> Result<Self, StoreError> {
        let damaged = |reason: String| StoreError::Unexpected(format!("a recorded session cannot be read: {reason}"));
        let form: BodyForm = serde_json::from_slice(body).map_err(|error| damaged(error.to_string()))?;
        let EnvelopeForm { feed, key, revision, .. } = form.envelope;
        let Some(key) = Key::parse(&key) else { return Err(damaged(format!("`{key}` is no key"))) };
        let stated = form.usage.map(Stated::read).transpose().map_err(damaged)?;
        Ok(Self { said: said(form.document).map_err(damaged)?, feed, key, sent_revision: revision, stated })
    }

    /// Whether a collector wrote it: what a piece of its does not tell stays as it was.
    pub fn is_collected(&self) -> bool {
        self.feed != API_FEED && self.feed != IMPORT_FEED
    }

    /// Whether it is the next revision whatever stands: a collector revises and reopens what it told before (R8), and an import has looked at
    /// what stands before it comes here.
    pub fn is_never_refused(&self) -> bool {
        self.feed != API_FEED
    }
}

/// The evidence that a document was refused; without the document itself unless it is wanted `whole`.
///
/// # Errors
/// When its own canonical form cannot be read, which would be a mistake of ours.
pub fn conflict(
    document: &Document,
    feed: &str,
    obstacle: Obstacle,
    standing: Seq,
    whole: bool,
) -> Result<Draft, StoreError> {
    let key = Key::of(document);
    let mut payload = json!({
        "session_id": document.session.session_id,
        "key": key.text(),
        "reason": obstacle.as_str(),
        "standing": standing,
        "fingerprint": document.fingerprint.to_hex(),
    });
    if whole {
        payload["refused"] = body_of(document, feed, &key)?;
    }
    // The same refused document is evidence once, however often it is sent.
    Ok(Draft::record(CONFLICT, format!("{}/refused", record_id(&key, document.fingerprint)), payload))
}

/// The session in the body of a record of kind [`CONFLICT`].
///
/// # Errors
/// When it is not what the gate writes: the database was changed by others.
pub fn conflicting_session(body: &[u8]) -> Result<String, StoreError> {
    #[derive(Deserialize)]
    struct Form {
        session_id: String,
    }
    let form: Form = serde_json::from_slice(body)
        .map_err(|error| StoreError::Unexpected(format!("a recorded conflict cannot be read: {error}")))?;
    Ok(form.session_id)
}

/// The record of a list of prices.
///
/// # Errors
/// When its own canonical form cannot be read, which would be a mistake of ours.
pub fn prices(snapshot: &Snapshot) -> Result<Draft, StoreError> {
    let body: Value = serde_json::from_slice(snapshot.body())
        .map_err(|error| StoreError::Unexpected(format!("a list of prices cannot be read: {error}")))?;
    let version = snapshot.pricing_version().as_str();
    Ok(Draft::record(PRICES, format!("agents/prices/{version}"), json!({"pricing_version": version, "snapshot": body})))
}

/// The list of prices in the body of a record of kind [`PRICES`].
///
/// # Errors
/// When it is not what the gate writes: the database was changed by others.
pub fn read_prices(body: &[u8]) -> Result<Snapshot, StoreError> {
    let damaged = |reason: String| StoreError::Unexpected(format!("recorded prices cannot be read: {reason}"));
    #[derive(Deserialize)]
    struct Form {
        snapshot: Value,
    }
    let form: Form = serde_json::from_slice(body).map_err(|error| damaged(error.to_string()))?;
    let text = to_canonical(&form.snapshot).map_err(|findings| damaged(findings.to_string()))?;
    parse(&text).map_err(|findings| damaged(findings.to_string()))
}

/// SHA-256 of the canonical document within the body of a record.
///
/// The body is RFC 8785 with the members `document` and `envelope` in this order, so the document is a slice of it.
pub fn fingerprint_of(body: &[u8]) -> Option<Digest> {
    let rest = body.strip_prefix(b"{\"document\":")?;
    let end = find_last(rest, b",\"envelope\":")?;
    Some(Digest::of(&rest[..end]))
}

/// The last place of `needle`: the envelope comes last and holds no member of that name, but a document may hold such a text.
fn find_last(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).rposition(|window| window == needle)
}
