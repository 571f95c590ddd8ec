//! The statement of a filter is made for each filter: every kind of condition is explained here, alone and with others.

use exhibit_testkit::postgres::TestPostgres;

use super::plan_tests::{open, walked};
use crate::filter::{Filter, bind};
use crate::{Backend, Location, Sql, Store, Synchronous};

/// A filter, and what its plan must go along in SQLite.
const FILTERS: &[(&str, &[&str])] = &[
    ("", &["assets"]),
    ("type:image", &["assets"]),
    ("not type:other size>5MB", &["assets"]),
    ("is:duplicate", &["paths_asset"]),
    ("source:s", &["paths_asset"]),
    ("taken:2019", &["proj_media__metadata_v1_0"]),
    ("taken>2019-01-01T10:00+02:00 width>5", &["proj_media__metadata_v1_0", "proj_media__metadata_v1_asset"]),
    ("not taken:2019 or height<9", &["proj_media__metadata_v1_asset"]),
    ("has:media.metadata", &["proj_media__metadata_v1_asset"]),
    ("not has:media.metadata camera:C*", &["proj_media__metadata_v1_asset"]),
    ("in:all word", &["paths_asset"]),
    ("duration>1s lens:x type:video sample 4", &["proj_media__metadata_v1_asset"]),
];

fn explain(store: &Store, runtime: &tokio::runtime::Runtime, filter: &'static str) -> String {
    let kinds = std::sync::Arc::clone(store.kinds());
    let explained = store.read(move |read| {
        if read.backend() == Backend::Postgres {
            read.each(&Sql::same("plan_setting", "set local enable_seqscan = off"), &[], &mut |_| Ok(()))?;
        }
        let filter: Filter = filter.parse().expect("a filter");
        bind(read, &kinds, &filter).expect("names that are there").explain(read)
    });
    runtime.block_on(explained).expect("readable")
}

#[test]
fn no_filter_walks_a_table_that_grows() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("exhibit.db");
    let file = open(Location::Sqlite { path, synchronous: Synchronous::Normal }, folder.path());
    let server = open(Location::Postgres { address: TestPostgres::shared().database() }, folder.path());
    for (store, walk) in [(&file, "SCAN "), (&server, "Seq Scan on ")] {
        let kind = include_bytes!("../../../../schemas/kinds/media.metadata.v1.json").to_vec();
        runtime.block_on(store.add_kind(kind)).expect("a kind");
        let source = |tx: &mut crate::Tx<'_>| {
            let class = exhibit_model::source::SourceClass::Sacred;
            super::sources::insert(tx, exhibit_model::ids::SourceId(1), "s", class, b"/r", 0)
        };
        runtime.block_on(store.write(source)).expect("a source");
        for (filter, indexes) in FILTERS {
            let plan = explain(store, &runtime, filter);
            assert!(walked(&plan, walk).is_empty(), "`{filter}` walks:\n{plan}");
            // PostgreSQL begins where its statistics say, and here there are none.
            for index in indexes.iter().filter(|_| walk == "SCAN ") {
                assert!(plan.contains(index), "`{filter}` does not go along {index}:\n{plan}");
            }
        }
    }
}
