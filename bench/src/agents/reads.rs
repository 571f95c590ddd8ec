//! How fast a ledger of thirty days answers: a page with any one filter, words, usage of seven days, and ten rules; and what it weighs.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use exhibit_agents::aggregates::Basis;
use exhibit_agents::alerts::Cause;
use exhibit_agents::alerts::Zone;
use exhibit_agents::alerts::evaluate::evaluate;
use exhibit_agents::alerts::repository::create_rule;
use exhibit_agents::analytics::{Reach, by_day};
use exhibit_agents::sql::analytics::{By, Cuts};
use exhibit_agents::sql::ledger::{Filter, Place, Sort, Text, page_of_all};
use exhibit_model::time::Timestamp;
use exhibit_store::{Location, Read, Store, StoreError, Synchronous};
use exhibit_testkit::postgres::TestPostgres;
use rusqlite::Connection;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::acks::{Home, take};
use super::traffic::{DAY_US, DAYS, FIRST_DAY_US, MODELS, SESSIONS, document};
use crate::append::runtime;
use crate::report::{Line, Ratio};
use crate::scale::Scale;

/// Questions of one sort; the median is told.
const QUESTIONS: usize = 21;

/// Sessions of a page.
const PAGE: i64 = 20;

/// Documents that are made at a time, so that they are never all in memory.
const SHARE: i64 = 10_000;

/// Documents that PostgreSQL is filled with to be weighed.
const WEIGHED: i64 = 20_000;

/// Limits in milliseconds, and in bytes of a session on the disk.
const USAGE_MS: f64 = 5.0;
const RULES_MS: f64 = 10.0;
const PAGE_MS: f64 = 2.0;
const SEARCH_MS: f64 = 5.0;

/// The end of the thirty days.
const END_US: i64 = FIRST_DAY_US + DAYS * DAY_US;

/// Ten rules: each metric, over the whole and by agent and model, for windows from an hour to seven days.
fn rules() -> Vec<Value> {
    let rule = |metric: &str, scope: &str, window: &str, warn: f64| {
        json!({"metric": metric, "scopeType": scope, "warnThreshold": warn, "criticalThreshold": warn * 10.0,
            "window": window, "comparison": "gt"})
    };
    let mut named = rule("daily_cost_usd", "agent", "24h", 50.0);
    named["scopeRef"] = json!({"agentId": "agent-03"});
    vec![
        rule("daily_cost_usd", "global", "24h", 500.0),
        rule("daily_cost_usd", "global", "7d", 5_000.0),
        named,
        rule("rolling_cost_usd", "agent", "24h", 50.0),
        rule("rolling_cost_usd", "model", "7d", 1_000.0),
        rule("runtime_p95_ms", "global", "1h", 900_000.0),
        rule("runtime_p95_ms", "agent", "24h", 900_000.0),
        rule("runtime_p95_ms", "model", "7d", 900_000.0),
        rule("failure_rate", "global", "24h", 0.5),
        rule("failure_rate", "agent_model", "7d", 0.9),
    ]
}

fn failed(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn fill(runtime: &Runtime, store: &Store, sessions: i64) -> Result<Duration, String> {
    let mut took = Duration::ZERO;
    // Sessions are spread over the thirty days however few there are.
    let number = |index: i64| index * (SESSIONS / sessions);
    for first in (0..sessions).step_by(SHARE as usize) {
        let documents = (first..(first + SHARE).min(sessions)).map(|index| document(number(index))).collect();
        took += take(runtime, store, &Arc::new(documents))?;
    }
    Ok(took)
}

/// The median over questions that differ by their number, in milliseconds.
fn median_ms(mut ask: impl FnMut(usize) -> Result<(), String>) -> Result<f64, String> {
    let mut times = Vec::with_capacity(QUESTIONS);
    // The first one prepares the statement and reads the pages.
    ask(0)?;
    for number in 0..QUESTIONS {
        let begun = Instant::now();
        ask(number)?;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[QUESTIONS / 2])
}

fn asked<T: Send + 'static>(
    runtime: &Runtime,
    store: &Store,
    question: impl FnOnce(&Read<'_>) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, String> {
    runtime.block_on(store.read(question)).map_err(failed)
}

/// The first page and the number of all, as the list of sessions asks for both.
fn page_ms(runtime: &Runtime, store: &Store, filter: impl Fn(usize) -> (Filter, Sort)) -> Result<f64, String> {
    median_ms(|number| {
        let (filter, sort) = filter(number);
        let found = asked(runtime, store, move |read| page_of_all(read, &filter, sort, Place::Offset(0), PAGE))?;
        if found.0.is_empty() { Err("a page is empty".to_owned()) } else { Ok(()) }
    })
}

fn limit(work: String, ms: f64, peer: String, goal: f64) -> Line {
    Line { work, ours: format!("{ms:.2} ms"), peer, ratio: Ratio::at_most(ms, goal) }
}

fn pages(runtime: &Runtime, store: &Store, sessions: i64) -> Result<Vec<Line>, String> {
    let by_agent = |number: usize| Filter { agent: Some(format!("agent-{:02}", number % 20)), ..Filter::default() };
    let by_model = |number: usize| Filter { model: Some(MODELS[number % 8].to_owned()), ..Filter::default() };
    let by_state = |number: usize| Filter {
        status: Some(["success", "failed", "killed"][number % 3].to_owned()),
        ..Filter::default()
    };
    let by_date = |number: usize| Filter {
        from: Some(Timestamp(FIRST_DAY_US + number as i64 * DAY_US)),
        before: Some(Timestamp(FIRST_DAY_US + (number as i64 + 1) * DAY_US)),
        ..Filter::default()
    };
    let mut lines = Vec::new();
    let newest = |filter: &dyn Fn(usize) -> Filter| page_ms(runtime, store, |number| (filter(number), Sort::Newest));
    for (name, ms) in [
        ("no filter", newest(&|_| Filter::default())?),
        ("an agent", newest(&by_agent)?),
        ("a model", newest(&by_model)?),
        ("a status", newest(&by_state)?),
        ("a day", newest(&by_date)?),
        ("no filter, by runtime", page_ms(runtime, store, |_| (Filter::default(), Sort::Runtime))?),
        ("no filter, by cost", page_ms(runtime, store, |_| (Filter::default(), Sort::Cost))?),
    ] {
        let work = format!("agents, a page of {PAGE} of {sessions} sessions and their number, {name}: p50");
        lines.push(limit(work, ms, "a limit in ms".to_owned(), PAGE_MS));
    }
    for (name, words) in [("a rare word", "ticket17"), ("two words", "invoices ticket170")] {
        let ms = page_ms(runtime, store, |_| {
            (Filter { text: Some(Text::Words(words.to_owned())), ..Filter::default() }, Sort::Newest)
        })?;
        let work = format!("agents, a search for {name} among {sessions} sessions: p50");
        lines.push(limit(work, ms, "a limit in ms".to_owned(), SEARCH_MS));
    }
    Ok(lines)
}

/// Every session with its usage, read row by row and summed by day: how the older design answered.
const EVERY_ROW: &str = "select l.started_at, l.status, l.ended_at, l.agent_key, l.model_key, u.total_tokens, u.runtime_ms, u.cost_nano, \
     u.token_source, u.runtime_source, u.cost_source from session_ledger l join session_usage u using (session_key)";

fn recount(connection: &Connection, from: i64, before: i64) -> Result<(i64, i64), String> {
    let mut statement = connection.prepare_cached(EVERY_ROW).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let (mut runs, mut days) = (0, std::collections::BTreeMap::new());
    while let Some(row) = rows.next().map_err(failed)? {
        let started: i64 = row.get(0).map_err(failed)?;
        let sum: &mut (i64, i64, i64, i64) = days.entry(started.div_euclid(DAY_US)).or_default();
        let number = |index: usize| row.get::<_, Option<i64>>(index).map(Option::unwrap_or_default).map_err(failed);
        let sources =
            (8..11).map(|index| row.get::<_, String>(index)).collect::<Result<Vec<_>, _>>().map_err(failed)?;
        if (from..before).contains(&started) && sources.iter().all(|source| !source.is_empty()) {
            *sum = (sum.0 + 1, sum.1 + number(5)?, sum.2 + number(6)?, sum.3 + number(7)?);
            runs += 1;
        }
    }
    Ok((runs, days.values().map(|sum| sum.3).sum()))
}

fn analytics(runtime: &Runtime, store: &Store, file: &Path, sessions: i64) -> Result<Vec<Line>, String> {
    let connection = Connection::open(file).map_err(failed)?;
    let span = |number: usize| {
        let from = FIRST_DAY_US + (number as i64 % (DAYS - 7)) * DAY_US + 3_600_000_000;
        (from, from + 7 * DAY_US)
    };
    let ms = median_ms(|number| {
        let (from, before) = span(number);
        let reach = Reach { from: Some(Timestamp(from)), before: Some(Timestamp(before)) };
        let days = asked(runtime, store, move |read| {
            by_day(read, Basis::SessionStart, reach, &Zone::default(), &Cuts::default(), By::Nothing)
        })?;
        if days.is_empty() { Err("there is no usage".to_owned()) } else { Ok(()) }
    })?;
    let older = median_ms(|number| {
        let (from, before) = span(number);
        recount(&connection, from, before).map(drop)
    })?;
    let peer = format!("{older:.0} ms by reading every row");
    let mut lines = vec![limit(format!("agents, usage of 7 days of {sessions} sessions: p50"), ms, peer, USAGE_MS)];
    for rule in rules() {
        let make = move |tx: &mut exhibit_store::Tx<'_>| Ok(create_rule(tx, &rule, Timestamp(END_US)).map(drop));
        runtime.block_on(store.write(make)).map_err(failed)?.map_err(failed)?;
    }
    let ms = median_ms(|number| {
        let now = Timestamp(END_US + number as i64 * 60_000_000);
        let told = runtime.block_on(store.write(move |tx| evaluate(tx, now, Cause::Timer))).map_err(failed)?;
        if told.rules == 10 { Ok(()) } else { Err(format!("{} rules were looked at", told.rules)) }
    })?;
    let older = median_ms(|_| (0..10).try_for_each(|_| recount(&connection, 0, i64::MAX).map(drop)))?;
    let peer = format!("{older:.0} ms by reading every row for each");
    lines.push(limit(format!("agents, an evaluation of 10 rules over {sessions} sessions: p50"), ms, peer, RULES_MS));
    Ok(lines)
}

fn weight(name: &str, bytes: u64, sessions: i64) -> Line {
    let each = bytes as f64 / sessions as f64;
    Line {
        work: format!("agents, bytes of a whole document on the disk, {name}"),
        ours: format!("{each:.0} bytes"),
        peer: "for information".to_owned(),
        ratio: Ratio::at_least(each, 0.0),
    }
}

fn on_sqlite(runtime: &Runtime, sessions: i64) -> Result<Vec<Line>, String> {
    let home = Home::sqlite(runtime, Synchronous::Normal)?;
    let took = fill(runtime, &home.store, sessions)?;
    eprintln!("{sessions} sessions were taken in at {:.0} acks/s", sessions as f64 / took.as_secs_f64());
    let connection = Connection::open(home.file()).map_err(failed)?;
    connection.execute_batch("pragma wal_checkpoint(truncate)").map_err(failed)?;
    drop(connection);
    let mut lines = pages(runtime, &home.store, sessions)?;
    lines.extend(analytics(runtime, &home.store, &home.file(), sessions)?);
    let bytes = std::fs::metadata(home.file()).map_err(failed)?.len();
    lines.push(weight("SQLite", bytes, sessions));
    Ok(lines)
}

fn on_postgres(runtime: &Runtime, sessions: i64) -> Result<Vec<Line>, String> {
    let address = TestPostgres::shared().database();
    let home = Home::new(runtime, |_| Location::Postgres { address: address.clone() })?;
    let took = fill(runtime, &home.store, sessions)?;
    let rate = sessions as f64 / took.as_secs_f64();
    let mut client = postgres::Client::connect(&address, postgres::NoTls).map_err(failed)?;
    let row = client.query_one("select pg_database_size(current_database())", &[]).map_err(failed)?;
    let bytes: i64 = row.get(0);
    let line = Line {
        work: "agents, whole documents, PostgreSQL".to_owned(),
        ours: format!("{rate:.0} acks/s"),
        peer: "for information".to_owned(),
        ratio: Ratio::at_least(rate, 0.0),
    };
    Ok(vec![line, weight("PostgreSQL", bytes.unsigned_abs(), sessions)])
}

/// Everything that is read, and what the databases weigh.
///
/// # Errors
/// When something cannot be measured.
pub fn measure(scale: Scale) -> Result<Vec<Line>, String> {
    let runtime = runtime()?;
    let mut lines = on_sqlite(&runtime, scale.of(SESSIONS, 5_000))?;
    lines.extend(on_postgres(&runtime, scale.of(WEIGHED, 2_000))?);
    Ok(lines)
}
