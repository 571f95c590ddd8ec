//! Projections say what the records say, for every type of column; they can be dropped, and lies in them are found (I9).

use exhibit_store::projection::{TableReport, catch_up, rebuild, verify};
use exhibit_store::{Backend, Draft, FromRow, Row, Sql, StoreError};
use serde_json::{Value as Json, json};

use crate::room::OBSERVATION;
use crate::world::{World, block_on, empty_draft, made};

both!(
    every_type_of_column_is_right,
    a_rebuild_gives_the_same_rows,
    a_rebuild_while_records_arrive,
    after_an_interrupted_rebuild_nothing_is_projected_out_of_turn,
    a_changed_a_missing_and_an_extra_row_are_found,
    a_long_indexed_text_is_refused_alike,
);

/// A row of the projection of observations.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    seq: i64,
    asset: Option<i64>,
    span: (Option<i64>, Option<i64>),
    label: Option<String>,
    count: Option<i64>,
    score: Option<f64>,
    good: Option<bool>,
    at: Option<i64>,
    second_size: Option<i64>,
}

impl FromRow for Seen {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            seq: row.get(0)?,
            asset: row.get(1)?,
            span: (row.get(2)?, row.get(3)?),
            label: row.get(4)?,
            count: row.get(5)?,
            score: row.get(6)?,
            good: row.get(7)?,
            at: row.get(8)?,
            second_size: row.get(9)?,
        })
    }
}

const SEEN: Sql = Sql::same(
    "test_observations",
    "select seq, asset, span_start_ms, span_end_ms, label, \"count\", score, good, \"at\", second_size \
     from proj_test__observation_v1 order by seq",
);

fn seen(world: &World) -> Vec<Seen> {
    world.read(|read| read.all(&SEEN, &[]))
}

/// Appends one fact for each payload, all of one unit, about one asset whose key is returned.
fn observe(world: &World, payloads: &[Json]) -> i64 {
    let asset = world.archive(1)[0];
    let run = world.planned_run(1);
    let candidates = (0..).zip(payloads).map(|(ordinal, payload)| {
        let draft = Draft {
            payload: payload.clone(),
            asset: Some(asset),
            span_ms: (ordinal % 2 == 1).then_some((5, 9)),
            made: Some((made(&run, 0, "0"), ordinal)),
            ..empty_draft("test.observation")
        };
        world.store.gate().check(draft).expect("a good observation")
    });
    world.append(candidates.collect()).expect("new facts");
    asset.1
}

fn every_type_of_column_is_right(backend: Backend) {
    let world = World::new(backend);
    let asset = observe(
        &world,
        &[
            json!({"label": "all", "count": -7, "score": 0.1, "good": true, "at": "2024-02-29T12:00:00.5+02:00", "parts": [{}, {"size": 3}]}),
            json!({"label": ""}),
            json!({"label": "ends", "count": 9_007_199_254_740_991_i64, "score": -0.0, "good": false, "at": "no time", "parts": [{"size": 1}]}),
            json!({"label": "numbers", "count": 2.0, "score": 3, "at": "1969-12-31T23:59:59Z"}),
        ],
    );
    let row = |seq: i64, label: &str| Seen {
        seq,
        asset: Some(asset),
        span: if seq % 2 == 0 { (Some(5), Some(9)) } else { (None, None) },
        label: Some(label.to_owned()),
        count: None,
        score: None,
        good: None,
        at: None,
        second_size: None,
    };
    let at = 1_709_200_800_500_000;
    let expected = [
        Seen {
            count: Some(-7),
            score: Some(0.1),
            good: Some(true),
            at: Some(at),
            second_size: Some(3),
            ..row(1, "all")
        },
        row(2, ""),
        Seen { count: Some(9_007_199_254_740_991), score: Some(0.0), good: Some(false), ..row(3, "ends") },
        Seen { count: Some(2), score: Some(3.0), at: Some(-1_000_000), ..row(4, "numbers") },
    ];
    let found = seen(&world);
    assert_eq!(found, expected);
    assert!(found[2].score.is_some_and(f64::is_sign_positive), "-0 is 0 in the canonical form, so it is here");
    assert_clean(&block_on(verify(&world.store)).expect("readable"));
    assert_eq!(OBSERVATION.matches("\"pointer\"").count(), 6, "a new column wants its expectation");
}

fn assert_clean(reports: &[TableReport]) {
    assert!(reports.iter().all(|report| report.differing == 0), "{reports:?}");
}

/// Facts, events, stale ones and one that needs escapes.
fn some_of_everything(world: &World) {
    observe(world, &[json!({"label": "a", "score": 1e-300}), json!({"label": "\u{1F980} \"quoted\" \\ \n"})]);
    let late = world.event("late", json!({"level": "error", "text": "x", "late": true, "number": 1}));
    world
        .append(vec![
            world.plain_event("one"),
            late,
            world.event("two", json!({"level": "error", "text": "x", "number": 5})),
        ])
        .expect("events");
}

fn a_rebuild_gives_the_same_rows(backend: Backend) {
    let world = World::new(backend);
    some_of_everything(&world);
    let before = world.raw().dump();
    let mut steps = Vec::new();
    let reports = block_on(rebuild(&world.store, &mut |done, all| steps.push((done, all)))).expect("a rebuild");
    assert_eq!(steps, [(5, 5)]);
    let rows = |table: &str| reports.iter().find(|report| report.table == table).expect(table).rows;
    assert_eq!((rows("proj_test__observation_v1"), rows("proj_test__event_v1"), rows("proj_test__clip_v1")), (2, 2, 0));
    assert_eq!(world.raw().dump(), before);
    // From nothing, the room's own projection too.
    let mut raw = world.raw();
    raw.run("delete from proj_test__observation_v1; delete from proj_test__event_v1; delete from test_seen");
    block_on(rebuild(&world.store, &mut |_, _| {})).expect("a rebuild");
    assert_eq!(raw.dump(), before);
    let empty = World::new(backend);
    assert_clean(&block_on(rebuild(&empty.store, &mut |_, _| {})).expect("nothing to do"));
}

fn a_rebuild_while_records_arrive(backend: Backend) {
    let world = World::new(backend);
    // More than one step of a rebuild.
    for chunk in 0..4 {
        world.append_events(&(0..1_500).map(|index| format!("{chunk}-{index}")).collect::<Vec<_>>());
    }
    let writing = world.store.clone();
    let more: Vec<_> = (0..40).map(|index| world.plain_event(&format!("more-{index}"))).collect();
    block_on(async {
        let writer = tokio::spawn(async move {
            for candidate in more {
                writing
                    .append(exhibit_store::Append { candidates: vec![candidate], ..Default::default() })
                    .await
                    .expect("a record");
            }
        });
        let mut steps = 0;
        rebuild(&world.store, &mut |_, _| steps += 1).await.expect("a rebuild");
        assert!(steps >= 2, "{steps} steps");
        writer.await.expect("a task");
    });
    assert_clean(&block_on(verify(&world.store)).expect("readable"));
    let mut raw = world.raw();
    assert_eq!(raw.number("select count(*) from proj_test__event_v1"), 6_040);
    assert_eq!(raw.number("select count(*) from test_seen"), 6_040);
}

fn after_an_interrupted_rebuild_nothing_is_projected_out_of_turn(backend: Backend) {
    let world = World::new(backend);
    world.append_events(&["a".to_owned(), "b".to_owned()]);
    let mut raw = world.raw();
    let rows = |raw: &mut crate::raw::Raw| {
        (raw.number("select count(*) from proj_test__event_v1"), raw.number("select count(*) from test_seen"))
    };
    // As a rebuild leaves it that was killed after its first step: empty tables, and the place where it stood.
    raw.run("delete from proj_test__event_v1");
    raw.run("delete from test_seen");
    raw.run("update ledger_state set projected = 2");
    world.append_events(&["c".to_owned()]);
    assert_eq!(rows(&mut raw), (0, 0), "what is appended waits its turn");
    let mut told = Vec::new();
    block_on(catch_up(&world.store, &mut |done, all| told.push((done, all)))).expect("readable");
    assert_eq!((rows(&mut raw), told.last()), ((2, 2), Some(&(3, 3))), "from the place where it stood");
    world.append_events(&["d".to_owned()]);
    assert_eq!(rows(&mut raw), (3, 3), "and from then on at once");
    block_on(rebuild(&world.store, &mut |_, _| {})).expect("a rebuild");
    assert_eq!(rows(&mut raw), (4, 4));
    assert_clean(&block_on(verify(&world.store)).expect("readable"));
}

fn a_changed_a_missing_and_an_extra_row_are_found(backend: Backend) {
    let world = World::new(backend);
    some_of_everything(&world);
    let mut raw = world.raw();
    let differing = |table: &str| {
        let reports = block_on(verify(&world.store)).expect("readable");
        let others: Vec<_> = reports.iter().filter(|report| report.table != table && report.differing > 0).collect();
        assert!(others.is_empty(), "{others:?}");
        reports.iter().find(|report| report.table == table).expect(table).differing
    };
    let (events, facts) = ("proj_test__event_v1", "proj_test__observation_v1");
    for change in ["number = 6", "number = null", "level = 'errors'", "asset = 1", "span_end_ms = 0"] {
        raw.run(&format!("update {events} set {change} where seq = 5"));
        assert_eq!(differing(events), 1, "{change}");
        raw.run(&format!(
            "update {events} set number = 5, level = 'error', asset = null, span_end_ms = null where seq = 5"
        ));
        assert_eq!(differing(events), 0);
    }
    raw.run(&format!("update {facts} set score = score * 2 where seq = 1"));
    assert_eq!(differing(facts), 1);
    block_on(rebuild(&world.store, &mut |_, _| {})).expect("a rebuild");
    raw.run(&format!("delete from {facts} where seq = 2"));
    assert_eq!(differing(facts), 1);
    // A row for a record that has none: stale, of another kind, beyond the end, before the beginning. One is missing all the while.
    for (index, seq) in [4, 3, 99, -1].into_iter().enumerate() {
        raw.run(&format!("insert into {facts} (seq, label) values ({seq}, 'x')"));
        assert_eq!(differing(facts), 2 + index as u64, "{seq}");
    }
    block_on(rebuild(&world.store, &mut |_, _| {})).expect("a rebuild");
    assert_clean(&block_on(verify(&world.store)).expect("readable"));
}

/// PostgreSQL has no room for a long text in an index. What one database cannot keep, the gate does not let into the other.
fn a_long_indexed_text_is_refused_alike(backend: Backend) {
    let world = World::new(backend);
    // Digests do not compress, so PostgreSQL cannot squeeze them into its index either.
    let long: String =
        (0..200_u32).map(|index| exhibit_model::digest::Digest::of(&index.to_be_bytes()).to_hex()).collect();
    let refused = |bytes: usize| {
        let draft = Draft { payload: json!({"label": long[..bytes]}), ..empty_draft("test.observation") };
        let findings = world.store.gate().check(draft).expect_err("it has no lineage, for one");
        findings.iter().any(|finding| finding.pointer == "/payload/label" && finding.code == "too_long")
    };
    let most = exhibit_store::gate::INDEXED_TEXT_BYTES_MAX;
    assert!(!refused(most) && refused(most + 1) && refused(long.len()));
    observe(&world, &[json!({"label": long[..most]})]);
    assert_eq!(seen(&world)[0].label.as_deref(), Some(&long[..most]));
    // Where there is no index, a text may have any length.
    world.append(vec![world.event("long", json!({"level": "info", "text": long}))]).expect("an event");
    assert_clean(&block_on(verify(&world.store)).expect("readable"));
}
