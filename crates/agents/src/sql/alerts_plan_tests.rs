//! AG-07 for alerts: every statement is explained, and none walks a table that grows or sorts what an index has in order.

use std::sync::Arc;

use exhibit_model::time::{FixedClock, Timestamp};
use exhibit_store::{Backend, Location, Sql, Store, StoreError, StoreOptions, Synchronous, Value};
use exhibit_testkit::postgres::TestPostgres;

use super::{alerts_measures, alerts_outbox, alerts_rules, alerts_states, alerts_transitions};
use crate::room::AgentsRoom;

/// Statements that sort: `alert_state_status` has the latest transitions in order, and only those of the same moment are put in order.
const SORTS: &[&str] = &["agents_alert_states_firing", "agents_alert_states_resolved"];

async fn plan(store: &Store, sql: Sql, values: Vec<Value>) -> Result<String, StoreError> {
    let explain = move |read: &exhibit_store::Read<'_>| {
        // With these, PostgreSQL walks a table only where no index can serve, however small the table is.
        if read.backend() == Backend::Postgres {
            for setting in ["set local enable_seqscan = off", "set local enable_bitmapscan = off"] {
                let sql = Sql { name: "plan_setting", sqlite: setting.into(), postgres: setting.into() };
                read.each(&sql, &[], &mut |_| Ok(()))?;
            }
        }
        read.explain(&sql, &values)
    };
    store.read(explain).await
}

fn ag_07_statements_of_alerts_use_their_index(location: Location, walk: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions {
        location,
        blobs: folder.path().join("blobs"),
        rooms: vec![&AgentsRoom],
        clock: Arc::new(FixedClock::new(Timestamp(0))),
        process: 1,
        readers: 1,
    };
    let store = Store::open(options).unwrap();
    let statements = [
        alerts_measures::statements(),
        alerts_outbox::statements(),
        alerts_rules::statements(),
        alerts_states::statements(),
        alerts_transitions::statements(),
    ];
    for (sql, values, index) in statements.into_iter().flatten() {
        let (name, is_grouped) = (sql.name, sql.sqlite.contains(" group by "));
        let plan = runtime.block_on(plan(&store, sql, values)).unwrap();
        let Some(index) = index else { continue };
        assert!(plan.contains(index), "`{name}` does not use {index}:\n{plan}");
        // A list of values is no table.
        let walked = plan.replace("SCAN json_each", "");
        assert!(!walked.contains(walk), "`{name}` walks a table:\n{plan}");
        // What is grouped is a handful of agents and models, in no order that an index could have.
        let sorts = !is_grouped && (plan.contains("ORDER BY") || plan.contains("Sort  "));
        assert!(!sorts || SORTS.contains(&name), "`{name}` sorts:\n{plan}");
    }
}

#[test]
fn ag_07_statements_of_alerts_use_their_index_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("exhibit.db");
    ag_07_statements_of_alerts_use_their_index(Location::Sqlite { path, synchronous: Synchronous::Normal }, "SCAN ");
}

#[test]
fn ag_07_statements_of_alerts_use_their_index_in_postgres() {
    let location = Location::Postgres { address: TestPostgres::shared().database() };
    ag_07_statements_of_alerts_use_their_index(location, "Seq Scan on ");
}
