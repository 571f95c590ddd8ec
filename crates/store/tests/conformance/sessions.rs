//! `Read` and `Tx`: the same answers from both databases, also to what nobody should do.

use exhibit_store::{Append, Backend, Guard, Read, Sql, Store, StoreError, Value, params};
use serde_json::json;

use crate::world::{World, block_on, options};

both!(
    a_swallowed_error_is_no_commit,
    a_query_cannot_write,
    a_query_sees_one_moment,
    a_query_within_a_query_is_refused,
    values_come_back_as_they_went,
    a_store_opens_within_a_runtime,
    an_error_names_its_statement,
);

const NOTE: Sql = Sql::same("test_session_note", "insert into store_meta (name, value) values ($1, $2)");
const NOTES: Sql = Sql::same("test_session_notes", "select name, value from store_meta order by name");

fn notes(read: &Read<'_>) -> Result<Vec<(String, String)>, StoreError> {
    read.all(&NOTES, &[])
}

/// PostgreSQL answers `commit` after a failed statement with success, and has rolled back. Nobody may be told that it is written.
fn a_swallowed_error_is_no_commit(backend: Backend) {
    let world = World::new(backend);
    world.write(|tx| tx.execute(&NOTE, params!["a", "1"]));
    let answer = block_on(world.store.write(|tx| {
        tx.execute(&NOTE, params!["b", "1"])?;
        tx.execute(&NOTE, params!["a", "2"]).expect_err("the name is taken");
        Ok(())
    }));
    let error = answer.expect_err("the transaction is broken");
    assert!(matches!(error, StoreError::Statement { statement: "test_session_note", .. }), "{error}");
    let effect = Box::new(|tx: &mut exhibit_store::Tx<'_>| {
        tx.execute(&NOTE, params!["a", "3"]).expect_err("the name is taken");
        Ok(Guard::Proceed)
    });
    let append = Append { candidates: vec![world.plain_event("a")], effect: Some(effect), ..Append::default() };
    block_on(world.store.append(append)).expect_err("the transaction is broken");
    assert_eq!(world.read(notes), [("a".to_owned(), "1".to_owned())]);
    assert_eq!(world.records(), 0);
    // An error of the visitor is no error of the database: the work may go on.
    world.write(|tx| {
        let stop = |_: &exhibit_store::Row<'_>| Err(StoreError::Refused("enough".to_owned()));
        tx.each(&NOTES, &[], &mut { stop }).expect_err("enough");
        tx.execute(&NOTE, params!["c", "1"])
    });
    assert_eq!(world.read(notes).len(), 2);
}

fn a_query_cannot_write(backend: Backend) {
    const SNEAK: Sql =
        Sql::same("test_sneak", "insert into store_meta (name, value) values ('sneaked', 'in') returning name");
    let world = World::new(backend);
    let error = block_on(world.store.read(|read| read.all::<(String,)>(&SNEAK, &[])));
    assert!(matches!(error, Err(StoreError::ReadOnly { .. })), "{error:?}");
    assert_eq!(world.read(notes), []);
}

fn a_query_sees_one_moment(backend: Backend) {
    let world = World::new(backend);
    world.write(|tx| tx.execute(&NOTE, params!["a", "1"]));
    let (store, runtime) = (world.store.clone(), tokio::runtime::Handle::try_current());
    assert!(runtime.is_err(), "this test is no task");
    let seen = world.read(move |read| {
        let before = notes(read)?;
        block_on(store.write(|tx| tx.execute(&NOTE, params!["b", "1"])))?;
        Ok((before, notes(read)?))
    });
    assert_eq!(seen.0, seen.1);
    assert_eq!(world.read(notes).len(), 2);
}

fn a_query_within_a_query_is_refused(backend: Backend) {
    let world = World::new(backend);
    world.write(|tx| tx.execute(&NOTE, params!["a", "1"]));
    let nested = |read: &Read<'_>| {
        let mut inner = Ok(Vec::new());
        read.each(&NOTES, &[], &mut |_| {
            inner = notes(read);
            Ok(())
        })?;
        inner
    };
    let error = block_on(world.store.read(nested)).expect_err("one statement at a time");
    let StoreError::Refused(message) = error else { panic!("{error}") };
    assert_eq!(message, "statement `test_session_notes` was started while the rows of another one were being visited");
    assert_eq!(world.read(notes).len(), 1);
}

fn values_come_back_as_they_went(backend: Backend) {
    const ECHO: Sql = Sql::pair(
        "test_echo",
        "select $1, $2, $3, $4, $5",
        "select $1::bigint, $2::float8, $3::text, $4::bytea, $5::bigint",
    );
    const LIST: Sql = Sql::pair(
        "test_list",
        "select hex(unhex(value)) from json_each($1) order by key",
        "select upper(encode(value, 'hex')) from unnest($1::bytea[]) with ordinality as given (value, key) order by key",
    );
    const TEXTS: Sql = Sql::pair(
        "test_texts",
        "select value from json_each($1) order by value",
        "select value collate \"C\" from unnest($1::text[]) as given (value) order by 1",
    );
    // A sign that is no placeholder stays what it is.
    const DOLLAR: Sql = Sql::same("test_dollar", "select '$ $a $.b', $1 || '$'");
    let world = World::new(backend);
    for (int, real, text) in
        [(i64::MAX, f64::MIN_POSITIVE, "ä\u{FFFD}🦀"), (i64::MIN, -1.5e300, ""), (0, 0.1 + 0.2, "'; --")]
    {
        let bytes: Vec<u8> = (0..=255).collect();
        let expected = (int, real, text.to_owned(), bytes.clone(), None::<i64>);
        let row = world.read(move |read| {
            read.one::<(i64, f64, String, Vec<u8>, Option<i64>)>(&ECHO, params![int, real, text, bytes, None::<i64>])
        });
        assert_eq!(row, Some(expected));
    }
    let list = Value::List(vec![Value::Bytes(vec![0, 255]), Value::Bytes(vec![]), Value::Bytes(b"a".to_vec())]);
    let rows = world.read(move |read| read.all::<(String,)>(&LIST, &[list]));
    assert_eq!(rows, [("00FF".to_owned(),), (String::new(),), ("61".to_owned(),)]);
    let words = ["b", "a\"b\\", "B", "ä", ""];
    let list = Value::List(words.iter().map(|word| Value::from(*word)).collect());
    let rows = world.read(move |read| read.all::<(String,)>(&TEXTS, &[list]));
    assert_eq!(rows, ["", "B", "a\"b\\", "b", "ä"].map(|word| (word.to_owned(),)));
    let row = world.read(|read| read.one::<(String, String)>(&DOLLAR, params!["x"]));
    assert_eq!(row, Some(("$ $a $.b".to_owned(), "x$".to_owned())));
    let rows = [vec![Value::from("p"), Value::from("1")], vec![Value::from("q")]];
    const MANY: Sql = Sql::pair(
        "test_many",
        "insert into store_meta (name, value) values ($1, $2)",
        "insert into store_meta (name, value) select * from unnest($1::text[], $2::text[])",
    );
    let error = block_on(world.store.write(move |tx| tx.execute_many(&MANY, &rows))).expect_err("rows differ");
    assert_eq!(error.to_string(), "the database holds an unexpected value: rows of `test_many` differ in length");
    assert_eq!(world.read(notes), []);
}

/// The command line opens its store from within its runtime.
fn a_store_opens_within_a_runtime(backend: Backend) {
    let world = World::new(backend);
    let blobs = world.folder.path().join("blobs");
    block_on(async {
        let store = Store::open(options(&world.location, &blobs, vec![&crate::room::ROOM])).expect("the same database");
        let payload = json!({"level": "info", "text": "x"});
        let candidate = crate::world::check_event(&store, "a", payload).expect("a good event");
        store
            .append(Append { candidates: vec![candidate], effect: None, ..Append::default() })
            .await
            .expect("a record");
        drop(store);
        let absent = exhibit_store::Location::Postgres { address: "host=/nowhere user=x dbname=x".to_owned() };
        let error = Store::open(options(&absent, &blobs, vec![])).map(|_| ()).expect_err("nobody there");
        assert!(error.to_string().starts_with("cannot open the database postgres database `x`: "), "{error}");
    });
    assert_eq!(world.records(), 1);
}

fn an_error_names_its_statement(backend: Backend) {
    const WRONG: Sql = Sql::same("test_wrong", "select nothing from nowhere");
    let world = World::new(backend);
    let error = block_on(world.store.read(|read| read.all::<(i64,)>(&WRONG, &[]))).expect_err("no such table");
    assert!(error.to_string().starts_with("statement `test_wrong` failed: "), "{error}");
    assert!(error.to_string().contains("nowhere"), "{error}");
    let error = block_on(
        world.store.read(|read| read.one::<(String,)>(&exhibit_store::Sql::same("test_type", "select 1"), &[])),
    );
    assert!(matches!(error, Err(StoreError::Unexpected(ref reason)) if reason == "column 0 is not text"), "{error:?}");
}
