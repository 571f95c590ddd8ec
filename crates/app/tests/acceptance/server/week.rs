//! A week of traffic through the real server: 64 clients at once, retries, news out of order, two feeds of one call, a death in the middle;
//! every number that is shown afterwards is the one that the generator knows.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use exhibit_agents::money::Nano;
use exhibit_testkit::traffic::{Arrival, Traffic, week_over_http};
use exhibit_testkit::truth::{TrueSession, Truth, price_files};
use serde_json::{Value, json};

use super::client::{Answer, read};
use super::{Served, token};
use crate::proof::Raw;
use crate::world::{Backend, World};

both_backends! {
    ag_12_ag_24_ag_25_a_week_through_the_server_comes_to_the_truth,
}

/// Clients that speak at the same time.
const CLIENTS: usize = 64;

/// Sessions of clients: they make about a thousand requests, which is what a debug build takes in within seconds.
const SESSIONS: usize = 400;

const USAGE: &str = "/api/v3/analytics/usage";

/// Zones that cut days at whole hours, at half ones, and once with a change of the clocks: on that Sunday in New York.
const ZONES: [&str; 3] = ["UTC", "Asia/Kolkata", "America/New_York"];

/// A request to a server that may die meanwhile.
fn try_send(host: &str, token: &str, arrival: &Arrival) -> Option<Answer> {
    use std::io::Write as _;
    let path = if arrival.feed == "api" { "/api/v3/ingest/session" } else { "/v1/traces" };
    let body = arrival.envelope.to_string();
    let head =
        format!("POST {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n");
    let rest = format!("content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let mut stream = std::net::TcpStream::connect(host).ok()?;
    stream.write_all((head + &rest).as_bytes()).ok()?;
    read(&mut stream)
}

/// Lets all clients hand these in, each what comes next; they stop where the server dies. The number of answers.
fn hand_in(host: &str, token: &str, arrivals: &[Arrival], dies_after: Option<(usize, &Served)>) -> usize {
    let (next, answered) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                while let Some(arrival) = arrivals.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let Some(answer) = try_send(host, token, arrival) else {
                        assert!(dies_after.is_some(), "no answer to {}", arrival.envelope);
                        return;
                    };
                    let wanted = if arrival.refused { 409 } else { 200 };
                    assert_eq!(answer.status, wanted, "{answer:?}: {}", arrival.envelope);
                    assert!(!answer.text().contains("rejected"), "{answer:?}: {}", arrival.envelope);
                    let count = answered.fetch_add(1, Ordering::Relaxed) + 1;
                    if let Some((after, served)) = dies_after
                        && count == after
                    {
                        served.running.signal(rustix::process::Signal::KILL);
                    }
                }
            });
        }
    });
    answered.into_inner()
}

/// Runs, tokens, milliseconds, nano-USD, and runs without a cost.
type Sum = [i64; 5];

fn add(sum: &mut Sum, session: &TrueSession) {
    let cost = session.cost();
    let of = [1, session.sides()[2], session.runtime_ms, cost.unwrap_or(0), i64::from(cost.is_none())];
    sum.iter_mut().zip(of).for_each(|(sum, part)| *sum += part);
}

/// Sums of sessions by something that they say.
fn by<K: Ord>(sessions: &[TrueSession], key: impl Fn(&TrueSession) -> K) -> BTreeMap<K, Sum> {
    let mut sums = BTreeMap::new();
    for session in sessions {
        add(sums.entry(key(session)).or_default(), session);
    }
    sums
}

/// What the API shows of a sum: USD are rounded at the edge and nowhere else.
fn shown(sum: &Sum) -> Value {
    json!({"runs": sum[0], "tokens": sum[1], "runtimeMs": sum[2], "costUsd": Nano(sum[3]).usd()})
}

/// The fields of an object that a sum has.
fn sums_of(object: &Value) -> Value {
    ["runs", "tokens", "runtimeMs", "costUsd"].into_iter().map(|name| (name.to_owned(), object[name].clone())).collect()
}

fn day_in(zone: &str, at: i64) -> String {
    let moment = jiff::Timestamp::from_microsecond(at).expect("a moment");
    moment.in_tz(zone).expect("a zone").date().to_string()
}

/// Every number that usage shows is the true one.
fn is_true(served: &Served, token: &str, sessions: &[TrueSession]) {
    let ask = |query: &str| {
        let answer = served.get(&format!("{USAGE}?{query}"), token);
        assert_eq!(answer.status, 200, "{query}: {answer:?}");
        answer.json()
    };
    let whole = by(sessions, |_| ())[&()];
    for zone in ZONES {
        let usage = ask(&format!("tz={zone}"));
        assert_eq!(usage["totals"], shown(&whole), "{zone}");
        assert_eq!(usage["coverage"]["unpricedRuns"], whole[4]);
        let live = sessions.iter().filter(|session| session.live).count();
        assert_eq!(usage["coverage"]["liveRuns"], live);
        let days: BTreeMap<String, Value> = usage["series"]
            .as_array()
            .expect("days")
            .iter()
            .map(|day| (day["date"].as_str().expect("a day").to_owned(), sums_of(day)))
            .collect();
        let expected = by(sessions, |session| day_in(zone, session.at));
        assert_eq!(days, expected.iter().map(|(day, sum)| (day.clone(), shown(sum))).collect(), "{zone}");
    }
    for name in ["agent", "model", "task"] {
        let key = |session: &TrueSession| match name {
            "agent" => session.agent.clone(),
            "model" => session.model.to_owned(),
            _ => session.category.to_owned(),
        };
        let found: BTreeMap<String, Value> = ask(&format!("groupBy={name}"))["groups"]
            .as_array()
            .expect("groups")
            .iter()
            .map(|group| (group["key"].as_str().unwrap_or("uncategorized").to_owned(), sums_of(group)))
            .collect();
        let expected = by(sessions, key);
        assert_eq!(found, expected.iter().map(|(key, sum)| (key.clone(), shown(sum))).collect(), "{name}");
        for (value, sum) in expected.iter().filter(|(value, _)| *value != "uncategorized") {
            assert_eq!(ask(&format!("{name}={value}"))["totals"], shown(sum), "{name} {value}");
        }
    }
    // Two days, as they are cut in another zone.
    let (first, last) = ("2026-03-04", "2026-03-05");
    let usage = ask(&format!("from={first}&to={last}&tz=Asia/Kolkata"));
    let expected = by(sessions, |session| (first..=last).contains(&day_in("Asia/Kolkata", session.at).as_str()));
    assert_eq!(usage["totals"], shown(&expected[&true]));
}

/// The database holds the same to the nano-dollar, by the start of sessions and by the time of calls.
fn is_true_to_the_nano(raw: &Raw, sessions: &[TrueSession]) {
    let truth = Truth::of(sessions).0;
    for (basis, of) in [(0, "session start"), (1, "call time")] {
        let booked =
            truth.iter().filter(|(place, _)| (place.0, place.1) == (basis, 86_400)).map(|(_, figures)| figures);
        let [mut runs, mut total, mut cost] = [0; 3];
        for figures in booked {
            (runs, total, cost) = (runs + figures.runs, total + figures.sides[2], cost + figures.cost);
        }
        let found = raw.sql(&format!(
            "select sum(runs_total), sum(total_tokens), sum(cost_nano_total) from daily_usage_agg where basis = {basis} and grain = 86400"
        ));
        assert_eq!(found, format!("{runs}|{total}|{cost}"), "{of}");
    }
    let costs = raw.sql("select session_id, coalesce(cost_nano, -1) from session_usage join session_ledger using (session_key) order by 1");
    let mut expected: Vec<String> =
        sessions.iter().map(|session| format!("{}|{}", session.id, session.cost().unwrap_or(-1))).collect();
    expected.sort();
    let mut found: Vec<&str> = costs.lines().collect();
    found.sort_unstable();
    let wrong: Vec<_> = found.iter().zip(&expected).filter(|(found, expected)| **found != **expected).take(5).collect();
    assert!(wrong.is_empty() && found.len() == expected.len(), "{wrong:#?}");
}

/// What every route that reads answers, byte by byte.
fn everything(served: &Served, token: &str) -> Vec<(&'static str, String)> {
    let routes = [
        "/api/v3/ledger?pageSize=100&include=usage",
        "/api/v3/ledger?pageSize=100&page=3&sort=cost",
        "/api/v3/ledger?pageSize=100&sort=runtime&status=failed",
        "/api/v3/ledger/s-000007?include=calls",
        USAGE,
        "/api/v3/analytics/usage?basis=spend&groupBy=provider&tz=Asia/Kolkata",
        "/api/v3/analytics/performance",
        "/api/v3/alerts/rules",
        "/api/v3/alerts/active",
        "/v1/agents/calls?limit=500",
        "/v1/agents/ingest/conflicts?limit=500",
        "/v1/agents/prices",
    ];
    let ask = |route| {
        let answer = served.get(route, token);
        assert_eq!(answer.status, 200, "{route}: {answer:?}");
        (route, answer.text())
    };
    routes.map(ask).into()
}

fn ag_12_ag_24_ag_25_a_week_through_the_server_comes_to_the_truth(backend: Backend) {
    let world = World::new(backend);
    let token = token(&world, "read,ingest,admin");
    let Traffic { arrivals, in_any_order, sessions } = week_over_http(12, SESSIONS);
    let spans = arrivals.iter().filter(|arrival| arrival.feed != "api").count();
    let refused = arrivals.iter().filter(|arrival| arrival.refused).count();
    assert!(spans > 30 && refused > 20, "{spans} calls are told twice, {refused} documents contradict others");
    let (arrivals, late) = arrivals.split_at(in_any_order);
    let served = Served::new(&world);
    let mut lists = price_files();
    // A list that comes with the program holds since December 2025; the first of these has to hold after it.
    lists[0]["effectiveFrom"] = json!("2026-01-01T00:00:00Z");
    for list in lists {
        let loaded = served.post("/v1/agents/prices", &token, &list);
        assert_eq!(loaded.status, 200, "{loaded:?}");
    }
    // It is killed when about half is acknowledged. Everybody begins anew, as nobody knows what of theirs was taken.
    let host = served.host.clone();
    let answered = hand_in(&host, &token, arrivals, Some((arrivals.len() / 2, &served)));
    assert!(answered >= arrivals.len() / 2 && answered < arrivals.len(), "{answered} of {}", arrivals.len());
    served.running.kill();
    let served = Served::new(&world);
    assert_eq!(hand_in(&served.host, &token, arrivals, None), arrivals.len());
    assert_eq!(hand_in(&served.host, &token, late, None), late.len());
    is_true(&served, &token, &sessions);
    // Whatever comes again changes nothing.
    let before = everything(&served, &token);
    hand_in(&served.host, &token, &arrivals[..arrivals.len() / 4], None);
    assert!(everything(&served, &token) == before, "what comes again changes nothing");
    let usage = served.get(USAGE, &token).json();
    let spend = served.get(&format!("{USAGE}?basis=spend"), &token).json();
    assert_eq!(spend["totals"]["costUsd"], usage["totals"]["costUsd"]);
    served.running.kill();
    let served = Served::new(&world);
    assert!(everything(&served, &token) == before, "after a death every route answers as before");
    is_true(&served, &token, &sessions);
    assert_eq!(served.get("/api/v3/ledger?pageSize=1", &token).json()["total"], sessions.len());
    drop(served);
    is_true_to_the_nano(&Raw::new(&world, backend), &sessions);
    let checked = world.json(&["agents", "aggregates", "check"]);
    assert_eq!(checked["holds"], true, "{checked}");
    world.verify_clean();
}
