//! What `GET /api/v3/ledger` and `GET /api/v3/ledger/{sessionId}` answer, for the command line as well.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::State;
use exhibit_http::{ApiError, At, Cursor, Json, Query, Route, Scope};
use exhibit_store::kinds::Kinds;
use exhibit_store::{Read, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Api;
use super::costs::{CostRevision, history};
use super::dialect::LegacyProblem;
use super::proof::{SessionProof, of_session};
use super::views::{LedgerCall, LedgerEntry, LedgerEvent, SessionUsage};
use crate::alerts::Zone;
use crate::moment::{Covered, covered};
use crate::sql::calls::CallRow;
use crate::sql::ledger::{Filter, ListedSession, Place, Sort, Text, find, page_of_all};
use crate::sql::usage::UsageRow;
use crate::sql::{calls, dims, events, sessions, usage};

/// Sessions of a page when nobody says how many.
const PAGE_SIZE: i64 = 20;

/// Most sessions of a page.
const PAGE_SIZE_MAX: i64 = 100;

/// Events, and calls, of one answer: a session has rarely more than a few hundred, and the answer stays below some megabytes.
const PARTS_MAX: i64 = 5_000;

pub(super) fn routes(api: &Api) -> Vec<Route> {
    let words = ("agentsLedger", "Sessions of agents, filtered, searched and ordered");
    let list = Route::get("/api/v3/ledger", words, Scope::Read, (list, api.clone()));
    let words = ("agentsLedgerSession", "A session with its usage and its events");
    let one = Route::get("/api/v3/ledger/{session_id}", words, Scope::Read, (one, api.clone()));
    vec![
        list.query::<ListQuery>()
            .takes_secret()
            .told_as::<LegacyProblem>()
            .answers::<Ledger>(200, "A page of sessions, and how many there are"),
        one.query::<OneQuery>()
            .takes_secret()
            .told_as::<LegacyProblem>()
            .answers::<Detail>(200, "The session")
            .fails(&[404]),
    ]
}

/// Which sessions, in which order. Parameters that nobody knows are passed over, as they always were.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListQuery {
    /// Of this agent
    pub agent: Option<String>,
    /// In this state
    pub status: Option<String>,
    /// With this model
    pub model: Option<String>,
    /// Of this category
    pub task: Option<String>,
    /// Begun then or later: a day, or a time to the precision that is written
    pub from: Option<String>,
    /// Begun then or earlier, all of what is written included
    pub to: Option<String>,
    /// Time zone of days and of times without an offset; UTC when it is not given
    pub tz: Option<String>,
    /// Words that begin words of id, title or task
    pub q: Option<String>,
    /// `words`, or `substring` for a text that stands there as it is
    pub r#match: Option<String>,
    /// `newest`, `runtime` or `cost`
    pub sort: Option<String>,
    /// The page, from 1
    pub page: Option<String>,
    /// Sessions of a page: 1 to 100
    pub page_size: Option<String>,
    /// `next` of the page before, instead of `page`
    pub cursor: Option<String>,
    /// `usage`: with what each used
    pub include: Option<String>,
}

/// A page of sessions.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Ledger {
    /// The sessions.
    pub rows: Vec<LedgerEntry>,
    /// How many there are in all.
    pub total: i64,
    /// The `cursor` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

pub(super) fn invalid(parameter: &str) -> ApiError {
    ApiError::bad("query-invalid", format!("Invalid {parameter} value"))
}

/// The zone of a question.
pub(super) fn zone(tz: Option<&str>) -> Result<Zone, ApiError> {
    tz.filter(|tz| !tz.is_empty())
        .map_or_else(|| Ok(Zone::default()), |tz| Zone::parse(tz).ok_or_else(|| invalid("tz")))
}

/// A bound of a question.
pub(super) fn bound(text: Option<&str>, parameter: &str, zone: &Zone) -> Result<Option<Covered>, ApiError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    // A plus sign of an offset that nobody encoded arrives as a space.
    let read = covered(text, zone).or_else(|| covered(&text.replacen(' ', "+", 1), zone));
    read.map(Some).ok_or_else(|| invalid(parameter))
}

pub(super) fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

pub(super) fn number(text: Option<&str>, parameter: &str, otherwise: i64) -> Result<i64, ApiError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(otherwise) };
    text.parse().map_err(|_| invalid(parameter))
}

impl ListQuery {
    /// The parameters that are given, by name.
    pub fn named(&self) -> Vec<(&'static str, String)> {
        let all = [
            ("agent", &self.agent),
            ("status", &self.status),
            ("model", &self.model),
            ("task", &self.task),
            ("from", &self.from),
            ("to", &self.to),
            ("tz", &self.tz),
            ("q", &self.q),
            ("match", &self.r#match),
            ("sort", &self.sort),
            ("page", &self.page),
            ("pageSize", &self.page_size),
            ("cursor", &self.cursor),
            ("include", &self.include),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
    }

    /// Which sessions; order and page are left out.
    ///
    /// # Errors
    /// 400 with the first parameter that is wrong.
    pub fn filter(&mut self) -> Result<Filter, ApiError> {
        let zone = zone(self.tz.as_deref())?;
        let words = match self.r#match.as_deref().unwrap_or_default() {
            "" | "words" => Text::Words,
            "substring" => Text::Substring,
            _ => return Err(invalid("match")),
        };
        Ok(Filter {
            agent: given(self.agent.take()),
            status: given(self.status.take()),
            model: given(self.model.take()),
            category: given(self.task.take()),
            from: bound(self.from.as_deref(), "from", &zone)?.map(|covered| covered.first),
            before: bound(self.to.as_deref(), "to", &zone)?.map(|covered| covered.after),
            text: given(self.q.take()).filter(|text| !text.trim().is_empty()).map(words),
        })
    }
}

async fn list(State(api): State<Api>, Query(query): Query<ListQuery>) -> Result<Json<Ledger>, ApiError> {
    let asked = Asked::of(query)?;
    Ok(Json(api.read(move |read| asked.answer(read)).await?))
}

/// A question about the ledger, understood.
pub struct Asked {
    filter: Filter,
    sort: Sort,
    place: Place,
    size: i64,
    with_usage: bool,
}

impl Asked {
    /// Reads a question.
    ///
    /// # Errors
    /// 400 with the first parameter that is wrong.
    pub fn of(mut query: ListQuery) -> Result<Self, ApiError> {
        let filter = query.filter()?;
        let sort = match query.sort.as_deref().unwrap_or_default() {
            "" => Sort::Newest,
            word => Sort::of_word(word).ok_or_else(|| invalid("sort"))?,
        };
        let page_number = number(query.page.as_deref(), "page", 1)?.max(1);
        let size = number(query.page_size.as_deref(), "pageSize", PAGE_SIZE)?.clamp(1, PAGE_SIZE_MAX);
        let place = match Cursor::parse(query.cursor.as_deref(), "ledger").map_err(|_| invalid("cursor"))? {
            Some(Cursor(session_key)) => Place::After(session_key),
            None => Place::Offset((page_number - 1).saturating_mul(size)),
        };
        let with_usage = match query.include.as_deref().unwrap_or_default() {
            "" => false,
            "usage" => true,
            _ => return Err(invalid("include")),
        };
        Ok(Self { filter, sort, place, size, with_usage })
    }

    /// The page that was asked for.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn answer(&self, read: &Read<'_>) -> Result<Ledger, StoreError> {
        let (mut found, total) = page_of_all(read, &self.filter, self.sort, self.place, self.size + 1)?;
        let more = i64::try_from(found.len()).unwrap_or(i64::MAX) > self.size;
        if more {
            found.pop();
        }
        let next = found.last().filter(|_| more).map(|last| Cursor(last.session_key).text("ledger"));
        let rows = if self.with_usage { entries_with_usage(read, found)? } else { entries(found) };
        Ok(Ledger { rows, total, next })
    }
}

fn entries(found: Vec<ListedSession>) -> Vec<LedgerEntry> {
    found.into_iter().map(|session| LedgerEntry::new(session, None)).collect()
}

fn entries_with_usage(read: &Read<'_>, found: Vec<ListedSession>) -> Result<Vec<LedgerEntry>, StoreError> {
    let keys: Vec<i64> = found.iter().map(|session| session.session_key).collect();
    let usages = usage::by_keys(read, &keys)?;
    let names = provider_names(read, usages.values())?;
    let entries = found.into_iter().map(|session| {
        let usage = usages.get(&session.session_key).map(|usage| view(&session.session_id, usage, &names));
        LedgerEntry::new(session, usage)
    });
    Ok(entries.collect())
}

fn provider_names<'a>(
    read: &Read<'_>,
    usages: impl Iterator<Item = &'a UsageRow>,
) -> Result<BTreeMap<i64, String>, StoreError> {
    dims::names(read, &usages.filter_map(|usage| usage.provider_key).collect())
}

fn view(session_id: &str, usage: &UsageRow, names: &BTreeMap<i64, String>) -> SessionUsage {
    let provider = usage.provider_key.and_then(|key| names.get(&key).cloned());
    SessionUsage::new(session_id, usage, provider)
}

/// What else to tell.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct OneQuery {
    /// `calls`, `costs`, `proof`, or several with commas between: with its calls, with what each cost when, with its place in the ledger
    include: Option<String>,
    /// `eventsNext` of the answer before
    events_after: Option<String>,
}

/// A session.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Detail {
    /// Its row in the ledger.
    pub ledger: LedgerEntry,
    /// What it used and cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<SessionUsage>,
    /// What happened, in order; 5,000 at most.
    pub events: Vec<LedgerEvent>,
    /// Where the events go on; absent when these are all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events_next: Option<String>,
    /// Its calls by time, when `include` asks for them; 5,000 at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<Vec<LedgerCall>>,
    /// What it and its calls cost, now and before costs were reckoned anew, when `include` asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub costs: Option<Vec<CostRevision>>,
    /// Its place in the ledger, when `include` asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<SessionProof>,
}

/// What else is told of a session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Include {
    /// Its calls.
    pub calls: bool,
    /// What it and its calls cost.
    pub costs: bool,
    /// Its place in the ledger.
    pub proof: bool,
}

impl Include {
    fn parse(text: &str) -> Option<Self> {
        let mut include = Self::default();
        for word in text.split(',').filter(|_| !text.is_empty()) {
            match word {
                "calls" => include.calls = true,
                "costs" => include.costs = true,
                "proof" => include.proof = true,
                _ => return None,
            }
        }
        Some(include)
    }

    /// As it stands in a question; `None` when nothing else is told.
    pub fn text(self) -> Option<String> {
        let words = [(self.calls, "calls"), (self.costs, "costs"), (self.proof, "proof")];
        let wanted: Vec<&str> = words.into_iter().filter(|(wanted, _)| *wanted).map(|(_, word)| word).collect();
        (!wanted.is_empty()).then(|| wanted.join(","))
    }
}

async fn one(
    State(api): State<Api>,
    At(session_id): At<String>,
    Query(query): Query<OneQuery>,
) -> Result<Json<Detail>, ApiError> {
    let include = Include::parse(query.include.as_deref().unwrap_or_default()).ok_or_else(|| invalid("include"))?;
    let after = match query.events_after.as_deref() {
        None => (i64::MIN, String::new()),
        Some(text) => {
            let (seq, id) = text.split_once(':').ok_or_else(|| invalid("eventsAfter"))?;
            (seq.parse().map_err(|_| invalid("eventsAfter"))?, id.to_owned())
        }
    };
    let kinds = Arc::clone(api.store().kinds());
    let ask = move |read: &Read<'_>| detail(read, &kinds, &session_id, (after.0, &after.1), include);
    let found = api.read(ask).await?;
    found.map(Json).ok_or_else(|| ApiError::not_found("not-found", "Session not found"))
}

/// A session; `None` when there is none with this id.
///
/// # Errors
/// When the database cannot be read.
pub fn detail(
    read: &Read<'_>,
    kinds: &Kinds,
    session_id: &str,
    after: (i64, &str),
    include: Include,
) -> Result<Option<Detail>, StoreError> {
    let Some(session) = find(read, session_id)? else { return Ok(None) };
    let session_key = session.session_key;
    let mut said = events::of_session(read, session_key, after, PARTS_MAX + 1)?;
    let more = i64::try_from(said.len()).unwrap_or(i64::MAX) > PARTS_MAX;
    if more {
        said.pop();
    }
    let events_next = said.last().filter(|_| more).map(|last| format!("{}:{}", last.seq, last.event_id));
    let damaged = |error: serde_json::Error| StoreError::Unexpected(format!("stored JSON cannot be read: {error}"));
    let events = said.into_iter().map(|event| LedgerEvent::new(session_id, event)).collect::<Result<_, _>>();
    let usages = usage::by_keys(read, &[session_key])?;
    let names = provider_names(read, usages.values())?;
    let calls = match include.calls || include.costs {
        true => calls::of_session(read, session_key, (i64::MIN, 0), PARTS_MAX)?,
        false => Vec::new(),
    };
    let costs = match usages.get(&session_key).filter(|_| include.costs) {
        Some(usage) => Some(history(read, usage, &calls)?),
        None => None,
    };
    let wanted: &[&str] = if include.proof { &[session_id] } else { &[] };
    let proof = match sessions::standing(read, wanted)?.get(session_id) {
        Some(standing) => Some(of_session(read, kinds, session_id, standing.ledger_seq)?),
        None => None,
    };
    let calls = if include.calls { Some(called(read, calls)?) } else { None };
    Ok(Some(Detail {
        usage: usages.get(&session_key).map(|usage| view(session_id, usage, &names)),
        ledger: LedgerEntry::new(session, None),
        events: events.map_err(damaged)?,
        events_next,
        calls,
        costs,
        proof,
    }))
}

/// Calls as the wire has them.
pub(super) fn called(read: &Read<'_>, rows: Vec<CallRow>) -> Result<Vec<LedgerCall>, StoreError> {
    let keys: BTreeSet<i64> =
        rows.iter().flat_map(|call| [Some(call.model_key), call.provider_key, Some(call.feed_key)]).flatten().collect();
    let names = dims::names(read, &keys)?;
    let keys: BTreeSet<i64> = rows.iter().map(|call| call.session_key).collect();
    let sessions = sessions::by_keys(read, &keys.into_iter().collect::<Vec<_>>())?;
    let ids: BTreeMap<i64, String> =
        sessions.into_iter().map(|row| (row.standing.session_key, row.standing.session_id)).collect();
    let views = rows.into_iter().map(|call| {
        let session_id = ids.get(&call.session_key).cloned().unwrap_or_default();
        LedgerCall::new(call, session_id, |key| names.get(&key).cloned())
    });
    views
        .collect::<Result<_, _>>()
        .map_err(|error| StoreError::Unexpected(format!("a stored usage object cannot be read: {error}")))
}
