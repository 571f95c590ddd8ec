//! The schema: as committed, and reached from the version before with every row.

use std::collections::BTreeSet;

use exhibit_agents::parity;
use exhibit_agents::room::AgentsRoom;
use exhibit_agents::sql::sessions::id_hash;
use exhibit_agents::sql::{calls, events, sessions};
use exhibit_store::{Backend, Migration, Read, Room, Sql, StoreError};

use crate::aggregates::{figures, rows};
use crate::pricing::usage_of;
use crate::world::{World, block_on, keyed, session, with};

both!(ag_03_an_empty_database_comes_to_the_committed_schema, ag_04_version_1_comes_to_the_latest_with_its_rows);

const COMMITTED: [(Backend, &str); 2] = [
    (Backend::Sqlite, include_str!("../../testdata/schema/sqlite.txt")),
    (Backend::Postgres, include_str!("../../testdata/schema/postgres.txt")),
];

/// Tables, indexes and checks as SQLite keeps them.
const OF_SQLITE: Sql = Sql::same(
    "test_schema_sqlite",
    "select tbl_name, type || ' ' || name || ': ' || coalesce(sql, 'implied') from sqlite_master order by tbl_name, type desc, name",
);

/// The same on PostgreSQL: columns, constraints and indexes.
const OF_POSTGRES: Sql = Sql::same(
    "test_schema_postgres",
    "select c.relname::text, 'column ' || a.attname || ': ' || format_type(a.atttypid, a.atttypmod) \
       || coalesce(' collate ' || nullif(l.collname, 'default'), '') || case when a.attnotnull then ' not null' else '' end \
       || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '') as what, 1 as part, a.attnum::bigint as place \
     from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public' join pg_attribute a on a.attrelid = c.oid \
     left join pg_collation l on l.oid = a.attcollation left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum \
     where c.relkind = 'r' and a.attnum > 0 and not a.attisdropped \
     union all select c.relname::text, 'constraint: ' || pg_get_constraintdef(k.oid), 2, 0 \
     from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public' join pg_constraint k on k.conrelid = c.oid \
     where k.contype in ('p', 'u', 'c', 'f') \
     union all select tablename::text, 'index: ' || indexdef, 3, 0 from pg_indexes where schemaname = 'public' \
     order by 1, 3, 4, 2",
);

fn lines(read: &Read<'_>) -> Result<Vec<(String, String)>, StoreError> {
    match read.backend() {
        Backend::Sqlite => read.all(&OF_SQLITE, &[]),
        Backend::Postgres => {
            let rows: Vec<(String, String)> = read.all(&OF_POSTGRES, &[])?;
            Ok(rows)
        }
    }
}

/// What the room adds to a database: everything but the tables of kinds, which follow from the kinds, and what stands behind the index of words.
fn schema(backend: Backend) -> String {
    let spine: BTreeSet<String> =
        World::of(backend, Vec::new()).read(lines).into_iter().map(|(table, _)| table).collect();
    let own = |table: &str| !spine.contains(table) && !table.starts_with("proj_") && !table.starts_with("session_fts_");
    let mut text = String::new();
    for (table, line) in World::new(backend).read(lines).into_iter().filter(|(table, _)| own(table)) {
        text.push_str(&format!("{table}: {line}\n"));
    }
    text
}

/// AG-03: what a new database holds is what is committed, word for word.
fn ag_03_an_empty_database_comes_to_the_committed_schema(backend: Backend) {
    let committed = COMMITTED.iter().find(|(of, _)| *of == backend).expect("a dump").1;
    let found = schema(backend);
    for (number, (found, committed)) in found.lines().zip(committed.lines()).enumerate() {
        assert_eq!(found, committed, "line {} of the dump; `the_dumps_are_written` writes it anew", number + 1);
    }
    assert_eq!(found.lines().count(), committed.lines().count(), "lines of the dump");
    let world = World::new(backend);
    if backend == Backend::Sqlite {
        for (pragma, wanted) in [
            ("select journal_mode from pragma_journal_mode", "wal"),
            ("select cast(foreign_keys as text) from pragma_foreign_keys", "1"),
        ] {
            let found = world.read(move |read| read.one::<(String,)>(&Sql::same(pragma, pragma), &[]));
            assert_eq!(found, Some((wanted.to_owned(),)), "{pragma}");
        }
    }
    let applied = block_on(world.store.migrations()).expect("migrations");
    let own: Vec<_> = applied.iter().filter(|status| status.room == "agents").collect();
    assert!(own.len() >= 2 && own.iter().all(|status| status.applied));
}

/// Writes the dumps, for whoever adds a migration: `cargo test -p exhibit-agents --test conformance the_dumps -- --ignored`.
#[test]
#[ignore = "writes testdata/schema"]
fn the_dumps_are_written() {
    for (backend, name) in [(Backend::Sqlite, "sqlite"), (Backend::Postgres, "postgres")] {
        let path = format!("{}/testdata/schema/{name}.txt", env!("CARGO_MANIFEST_DIR"));
        std::fs::write(path, schema(backend)).expect("a dump");
    }
}

/// The room as it was in version 1.
struct FirstVersion;

impl Room for FirstVersion {
    fn name(&self) -> &'static str {
        AgentsRoom.name()
    }

    fn migrations(&self) -> &'static [Migration] {
        &AgentsRoom.migrations()[..1]
    }

    fn kinds(&self) -> &'static [&'static str] {
        &AgentsRoom.kinds()[..2]
    }
}

const ROWS_OF_VERSION_1: &str = include_str!("../../testdata/schema/version_1_rows.sql");

/// AG-04: rows are kept, the new columns say what is known of the old ones, and the room goes on with them.
fn ag_04_version_1_comes_to_the_latest_with_its_rows(backend: Backend) {
    let mut world = World::of(backend, vec![&FirstVersion]);
    let ids = ["billed", "guessed", "unsure", "silent"];
    for text in ROWS_OF_VERSION_1.split(";\n").filter(|text| !text.trim().is_empty()) {
        world.tampers(text).expect("a row of version 1");
    }
    // The fixture is SQL, which cannot hash.
    for (key, id) in (1_i64..).zip(ids) {
        let text = "update session_ledger set id_hash = $1 where session_key = $2";
        let hash = id_hash(id);
        let set = move |tx: &mut exhibit_store::Tx<'_>| tx.execute(&Sql::same(text, text), &[hash.into(), key.into()]);
        block_on(world.store.write(set)).expect("a hash");
    }
    world.store = world.open_again();
    let before = rows(&world);
    assert_eq!(before.iter().map(|(row, _, _)| row.standing.session_id.as_str()).collect::<Vec<_>>(), ids);
    for (id, tokens, runtime, cost) in [
        (
            "billed",
            "provider_reported high",
            "derived medium",
            "2000000001 provider_native provider_reported high exact",
        ),
        ("guessed", "derived medium", "provider_reported high", "30 legacy_unversioned derived low estimated"),
        ("unsure", "derived medium", "missing unknown", "0 legacy_unversioned derived low estimated"),
        ("silent", "missing unknown", "derived low", "- - missing unknown unknown"),
    ] {
        let (usage, _) = usage_of(&world, id);
        let words =
            |it: exhibit_agents::provenance::Provenance| format!("{} {}", it.source.as_str(), it.level.as_str());
        assert_eq!(words(usage.tokens.provenance), tokens, "{id}");
        assert_eq!(words(usage.runtime), runtime, "{id}");
        assert_eq!(cost_words(&usage.cost), cost, "{id}");
    }
    let calls = usage_of(&world, "unsure").1;
    let told: Vec<String> = calls.iter().map(|call| cost_words(&call.cost)).collect();
    assert_eq!(told, ["0 provider_native provider_reported high exact", "- - missing unknown unknown"]);
    assert_eq!(calls[0].usage.provenance.level.as_str(), "high");
    let told = world.read(|read| {
        let titles = sessions::rows(read, &["billed"])?.remove("billed").and_then(|row| row.task_title);
        Ok((titles, events::of_session(read, 1, (i64::MIN, ""), 10)?.len(), calls::by_sessions(read, &[3])?.len()))
    });
    assert_eq!(told, (Some("a bill".to_owned()), 1, 2));
    // Version 1 kept no sums: they are counted once, before anything moves them.
    assert!(!world.read(parity::check).holds());
    assert!(block_on(parity::ensure_counted(&world.store)).expect("counted"));
    assert!(!block_on(parity::ensure_counted(&world.store)).expect("counted before"));
    world.takes(&keyed(with(session("silent", "killed"), "title", "more"), "more"));
    world.takes(&keyed(session("billed", "failed"), "correction"));
    world.takes(&session("new", "running"));
    assert!(world.read(parity::check).holds());
    let runs: i64 =
        figures(&world).iter().filter(|(place, _)| (place.0, place.1) == (0, 3_600)).map(|it| it.1.runs).sum();
    assert_eq!(runs, 5);
}

/// Amount, prices and words of a cost.
fn cost_words(cost: &exhibit_agents::prices::Cost) -> String {
    let amount = cost.amount().map_or("-".to_owned(), |amount| amount.0.to_string());
    let version = cost.pricing_version().map_or("-", |version| version.as_str());
    format!("{amount} {version} {} {} {}", cost.source().as_str(), cost.level().as_str(), cost.confidence().as_str())
}
