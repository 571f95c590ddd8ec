//! AG-07: no page of the ledger reads all sessions or sorts them, whatever it is filtered by.

use exhibit_agents::sql::ledger::{Filter, Place, Sort, Text, statement};
use exhibit_model::time::Timestamp;
use exhibit_store::{Backend, Sql};

use crate::world::{World, block_on, session, with};

both!(ag_07_pages_of_the_ledger_use_their_indexes);

const ANALYZE: Sql = Sql::same("test_analyze", "analyze");

/// Enough for a planner to prefer an index.
const SESSIONS: usize = 3_000;

fn filled(backend: Backend) -> World {
    let world = World::new(backend);
    let envelopes: Vec<_> = (0..SESSIONS)
        .map(|index| {
            let started = Timestamp((1_767_225_600 + index as i64 * 600) * 1_000_000).to_string();
            let state = ["success", "failed", "killed", "running"][index % 4];
            let agent = format!("agent-{}", index % 20);
            let model = format!("model-{}", index % 8);
            let told = with(with(session(&format!("s{index}"), state), "agentId", agent), "modelId", model);
            with(with(told, "startedAt", started), "title", format!("word{} of many", index % 500))
        })
        .collect();
    for some in envelopes.chunks(200) {
        let taken = futures_util::future::join_all(some.iter().map(|envelope| world.take(envelope)));
        block_on(taken).into_iter().for_each(|answer| drop(answer.expect("taken in")));
    }
    block_on(world.store.write(|tx| tx.execute(&ANALYZE, &[]).map(drop))).expect("statistics");
    world
}

fn ag_07_pages_of_the_ledger_use_their_indexes(backend: Backend) {
    let world = filled(backend);
    let middle = Timestamp((1_767_225_600 + 900 * 600) * 1_000_000);
    let of = |filter: Filter| filter;
    let questions = [
        ("default", of(Filter::default()), "session_started", false),
        ("agent", Filter { agent: Some("agent-3".into()), ..Filter::default() }, "session_agent", false),
        ("status", Filter { status: Some("killed".into()), ..Filter::default() }, "session_status", false),
        ("model", Filter { model: Some("model-5".into()), ..Filter::default() }, "session_model", false),
        ("date", Filter { from: Some(middle), ..Filter::default() }, "session_started", false),
        // What a rare word finds is few, and few may be sorted.
        ("search", Filter { text: Some(Text::Words("word77".into())), ..Filter::default() }, "", true),
    ];
    for (name, filter, index, may_sort) in questions {
        let plan = world.read(move |read| {
            let found = statement(read, &filter, Sort::Newest, Place::Offset(0), 20)?;
            let (sql, params) = found.expect("something to find");
            read.explain(&sql, &params)
        });
        let sessions: Vec<&str> =
            plan.lines().filter(|line| line.contains(" l") || line.contains("session_")).collect();
        assert!(!sessions.is_empty(), "{name}: {plan}");
        match backend {
            Backend::Sqlite => {
                assert!(plan.contains(index), "{name} does not use {index}:\n{plan}");
                let scans = plan.lines().find(|line| line.contains("SCAN l") && !line.contains("USING INDEX"));
                assert!(scans.is_none(), "{name} reads everything:\n{plan}");
                assert!(may_sort || !plan.contains("TEMP B-TREE"), "{name} sorts:\n{plan}");
            }
            // Which index is cheapest is for its planner to say; that it is one, in order, is not.
            Backend::Postgres => {
                assert!(!plan.contains("Seq Scan on session_ledger"), "{name} reads everything:\n{plan}");
                assert!(may_sort || !plan.contains("Sort"), "{name} sorts:\n{plan}");
            }
        }
    }
}
