//! An export taken in by an empty ledger comes to the same totals.

use std::collections::BTreeMap;

use exhibit_agents::contract::Options;
use exhibit_agents::export::{Exported, export};
use exhibit_agents::ingest::{Line, ingest_lines};
use exhibit_agents::parity;
use exhibit_agents::sql::ledger::{Filter, count};
use exhibit_agents::sql::{events, sessions};
use exhibit_model::time::Timestamp;
use exhibit_store::{Backend, StoreError};
use serde_json::json;

use crate::aggregates::{arrive, figures};
use crate::traffic::week;
use crate::truth::{Figures, Place, price_files};
use crate::world::{World, block_on, session, with, with_calls, with_events};

both!(
    an_export_comes_to_the_same_totals,
    filters_choose_what_is_exported,
    a_very_long_session_is_exported_in_pieces,
    every_field_comes_through,
);

fn exported(world: &World, filter: Filter) -> (Exported, Vec<String>) {
    world.read(move |read| {
        let mut lines = Vec::new();
        let told = export(read, &filter, &mut |line| {
            lines.push(line.to_owned());
            Ok(())
        })?;
        Ok((told, lines))
    })
}

fn taken(world: &World, lines: &[String]) -> Vec<Line> {
    let bytes = lines.join("\n");
    let options = Options { allow_bare: false };
    block_on(ingest_lines(&world.store, bytes.as_bytes(), options, |_, _| {}, |_| {})).expect("taken in")
}

fn priced(backend: Backend) -> World {
    let world = World::new(backend);
    for list in price_files() {
        world.has_prices(&list);
    }
    world
}

fn an_export_comes_to_the_same_totals(backend: Backend) {
    for seed in 31..if backend == Backend::Sqlite { 35 } else { 32 } {
        let (world, other) = (priced(backend), priced(backend));
        let traffic = week(seed, 200);
        arrive(&world, &traffic.arrivals);
        let (told, lines) = exported(&world, Filter::default());
        assert_eq!(told.sessions, traffic.sessions.len() as u64);
        assert_eq!((told.envelopes, lines.len() as u64), (told.sessions, told.sessions));
        assert!(told.priced_as_whole > 0 && lines.iter().all(|line| !line.contains('\n')));
        for line in taken(&other, &lines) {
            assert_eq!(line.status, 200, "{} {}", line.body, lines[line.index]);
        }
        let totals = |world: &World| -> BTreeMap<Place, Figures> { figures(world) };
        let (wanted, found) = (totals(&world), totals(&other));
        for (place, figures) in &wanted {
            assert_eq!(found.get(place), Some(figures), "seed {seed}: {place:?}");
        }
        assert_eq!(found.len(), wanted.len());
        assert!(other.read(parity::check).holds());
        assert_eq!(exported(&world, Filter::default()).1, lines, "the same order and bytes again");
        for line in taken(&other, &lines) {
            assert_eq!((line.status, &line.body["idempotent_replay"]), (200, &json!(true)));
        }
    }
}

fn filters_choose_what_is_exported(backend: Backend) {
    let world = priced(backend);
    arrive(&world, &week(3, 150).arrivals);
    let agent = json!(exported(&world, Filter::default()).1.first().expect("a session"));
    let first: serde_json::Value = serde_json::from_str(agent.as_str().expect("a line")).expect("JSON");
    let agent = first["payload"]["session"]["agentId"].as_str().expect("an agent").to_owned();
    let middle = Timestamp(1_772_409_600_000_000 + 3 * 86_400_000_000);
    for filter in [
        Filter { agent: Some(agent), ..Filter::default() },
        Filter { from: Some(middle), ..Filter::default() },
        Filter { before: Some(middle), status: Some("failed".to_owned()), ..Filter::default() },
        Filter { agent: Some("nobody".to_owned()), ..Filter::default() },
    ] {
        let asked = filter.clone();
        let wanted = world.read(move |read| count(read, &asked));
        let (told, lines) = exported(&world, filter.clone());
        assert_eq!((told.sessions, lines.len() as u64), (wanted as u64, wanted as u64), "{filter:?}");
    }
    let stopped = block_on(world.store.read(|read| {
        export(read, &Filter::default(), &mut |_| Err(StoreError::Refused("the pipe is closed".to_owned())))
    }));
    assert!(matches!(stopped, Err(StoreError::Refused(_))), "nobody listens any more");
}

fn a_very_long_session_is_exported_in_pieces(backend: Backend) {
    let (world, other) = (World::new(backend), World::new(backend));
    let event = |number: usize| json!({"eventType": "message", "eventTs": "2026-01-02T03:04:05Z", "seq": number, "payload": {"text": "long ".repeat(200_000)}});
    for piece in 0..3 {
        let state = if piece == 2 { "done" } else { "running" };
        let said = with(session("long", state), "title", format!("piece {piece}"));
        world.takes(&with_events(said, json!([event(2 * piece), event(2 * piece + 1)])));
    }
    let (told, lines) = exported(&world, Filter::default());
    assert_eq!((told.sessions, told.envelopes), (1, 2), "{:?}", lines.iter().map(String::len).collect::<Vec<_>>());
    for _ in 0..2 {
        assert!(taken(&other, &lines).iter().all(|line| line.status == 200));
    }
    let kept = |world: &World| {
        world.read(|read| {
            let key = sessions::standing(read, &["long"])?["long"].session_key;
            events::of_session(read, key, (i64::MIN, ""), 100)
        })
    };
    assert_eq!(kept(&other), kept(&world));
    assert_eq!(figures(&other), figures(&world));
}

fn every_field_comes_through(backend: Backend) {
    let (world, other) = (priced(backend), priced(backend));
    let fields = json!({"state": "failed", "agentLabel": "The builder", "provider": "anthropic", "taskCategory": "build", "runId": "r",
        "errorCode": "E1", "errorMessage": "it broke", "sourceVersion": "2", "title": "a title", "task": "a task", "artifactCount": 3,
        "runtimeMs": 1234, "endedAt": "2026-01-02T04:04:05Z", "billedCostUsd": 1.000000001, "promptTokens": 7, "metadata": {"a": [1, {"b": null}]}});
    let calls = json!([
        {"callId": "c", "startedAt": "2026-01-02T03:05:05.000001Z", "status": "failed", "errorCode": "E2", "durationMs": 7, "responseId": "resp",
            "serviceTier": "batch", "modelId": "claude-opus-4", "usage": {"inputUncached": 1, "cacheRead": 2, "cacheWrite5m": 3, "cacheWrite1h": 4,
            "output": 5, "reasoning": 1, "webSearchRequests": 2}},
        {"callId": "d", "startedAt": "2026-01-02T03:06:05Z", "status": "success", "rawUsage": {"total_tokens": 99}, "semantics": "total_only"},
        {"callId": "e", "startedAt": "2026-01-02T03:06:06Z", "status": "cancelled", "estimatedCostUsd": 0.5, "pricingVersion": "tool@1"},
    ]);
    world.takes(&with_calls("s", &fields, &calls));
    for (id, fields) in [
        ("seen", json!({"state": "done", "terminalAt": "2026-01-02T04:04:05Z"})),
        ("negative", json!({"state": "done", "endedAt": "2026-01-01T04:04:05Z"})),
        ("unknown", json!({"state": "killed"})),
        ("live", json!({"runtimeMs": 5})),
    ] {
        world.takes(&with_calls(id, &fields, &json!([])));
    }
    let (_, lines) = exported(&world, Filter::default());
    assert!(taken(&other, &lines).iter().all(|line| line.status == 200));
    let sorted = |mut lines: Vec<String>| {
        // All began at once, and stand in the order in which they were taken in.
        lines.sort();
        lines
    };
    assert_eq!(sorted(exported(&other, Filter::default()).1), sorted(lines), "an export of the export");
    assert_eq!(figures(&other), figures(&world));
}
