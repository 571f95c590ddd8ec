//! Files of other programs: good ones are read, all others are refused, and none is changed.

use std::time::SystemTime;

use tempfile::TempDir;

use super::*;

const LIMITS: ForeignLimits =
    ForeignLimits { file_bytes_max: 8 << 20, value_bytes_max: 1 << 20, rows_max: 1_000, content_bytes_max: 4 << 20 };

/// A database made by this script; its folder goes with it.
fn made(script: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a b?%#.sqlite");
    Connection::open(&path).unwrap().execute_batch(script).unwrap();
    (folder, path)
}

const TABLE: &str = "create table t (id text primary key, number integer, share real, raw blob, twice as (number * 2));
    create index by_number on t (number);
    insert into t (id, number, share, raw) values ('a', 1, 0.5, x'00ff'), ('b', null, 'word', cast(x'c328' as text));";

fn read(path: &Path, limits: ForeignLimits) -> Result<Vec<Vec<Value>>, ForeignError> {
    let mut file = ForeignFile::open(path, limits)?;
    let columns = file.columns("T")?.unwrap_or_default();
    let mut rows = Vec::new();
    if !columns.is_empty() {
        file.each("T", &columns, &mut |row| rows.push(row))?;
    }
    Ok(rows)
}

#[track_caller]
fn is_refused(path: &Path, limits: ForeignLimits, words: &str) {
    let error = read(path, limits).unwrap_err();
    assert!(error.to_string().contains(words), "{error}");
}

#[test]
fn a_table_is_read_and_the_file_stays_as_it_is() {
    let (folder, path) = made(TABLE);
    let state = || -> (Vec<u8>, SystemTime) {
        (std::fs::read(&path).unwrap(), std::fs::metadata(&path).unwrap().modified().unwrap())
    };
    let before = state();
    let rows = read(&path, LIMITS).unwrap();
    let (a, b) = (Value::Text("a".into()), Value::Text("b".into()));
    let bytes = |bytes: &[u8]| Value::Bytes(bytes.to_vec());
    assert_eq!(
        rows,
        [
            vec![a, Value::Int(1), Value::Real(0.5), bytes(&[0, 0xff])],
            vec![b, Value::Null, Value::Text("word".into()), bytes(&[0xc3, 0x28])],
        ],
        "without the computed column, and text that is no text as bytes"
    );
    assert_eq!(state(), before);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing lies beside it");
    let file = ForeignFile::open(&path, LIMITS).unwrap();
    assert_eq!(file.columns("nothing").unwrap(), None);
    assert_eq!(file.columns("t").unwrap().unwrap(), ["id", "number", "share", "raw"]);
}

#[test]
fn nothing_can_be_written_through_it() {
    let (_folder, path) = made(TABLE);
    let file = ForeignFile::open(&path, LIMITS).unwrap();
    for text in ["delete from t", "create table u (a)", "attach ':memory:' as other", "pragma user_version = 7"] {
        let before = std::fs::read(&path).unwrap();
        let done = file.connection.execute_batch(text);
        assert!(done.is_err() || text.starts_with("pragma"), "{text}");
        assert_eq!(std::fs::read(&path).unwrap(), before, "{text}");
    }
}

#[test]
fn what_is_no_table_of_a_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    is_refused(&path, LIMITS, "cannot be read");
    is_refused(folder.path(), LIMITS, "no file");
    let pipe = folder.path().join("pipe");
    let (kind, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR);
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, kind, mode, 0).unwrap();
    is_refused(&pipe, LIMITS, "no file");
    for bytes in [b"".as_slice(), b"{}", b"SQLite format 3"] {
        std::fs::write(&path, bytes).unwrap();
        is_refused(&path, LIMITS, "no database");
    }
    std::fs::write(&path, b"SQLite format 3\0and then nothing").unwrap();
    assert!(read(&path, LIMITS).is_err());
    let (_folder, path) = made("create table other (a); create view t as select * from other;");
    is_refused(&path, LIMITS, "no ordinary table");
    let (_folder, path) = made("create virtual table t using fts5(a);");
    is_refused(&path, LIMITS, "no ordinary table");
    let (_folder, path) = made(&format!("{TABLE} pragma application_id = {APPLICATION_ID};"));
    is_refused(&path, LIMITS, "Exhibit itself");
}

#[test]
fn changes_that_are_not_in_the_file_are_told() {
    let (_folder, path) = made(TABLE);
    for ending in ["-wal", "-journal"] {
        let beside = beside(&path, ending);
        std::fs::write(&beside, b"").unwrap();
        assert_eq!(read(&path, LIMITS).unwrap().len(), 2, "an empty one says nothing");
        std::fs::write(&beside, b"something").unwrap();
        is_refused(&path, LIMITS, ending);
        std::fs::remove_file(&beside).unwrap();
    }
}

#[test]
fn limits_hold() {
    let (_folder, path) = made(TABLE);
    is_refused(&path, ForeignLimits { file_bytes_max: 1_000, ..LIMITS }, "larger than 1000 bytes");
    is_refused(&path, ForeignLimits { rows_max: 1, ..LIMITS }, "more than 1 rows");
    is_refused(&path, ForeignLimits { content_bytes_max: 3, ..LIMITS }, "more than 3 bytes");
    let (_folder, path) = made("create table t (a text); insert into t values (zeroblob(3000000));");
    is_refused(&path, LIMITS, "larger than any");
}

/// AG-11: no byte of a file, whatever it is, makes its reader panic or go on for ever.
#[test]
fn ag_11_damaged_files_are_answered() {
    let (_folder, path) = made(&format!(
        "pragma page_size = 512; {TABLE} with recursive n(i) as (select 1 union all select i + 1 from n where i < 200) \
         insert into t (id, number, share) select 'row ' || i, i, i / 7.0 from n;"
    ));
    let whole = std::fs::read(&path).unwrap();
    let (mut refused, mut taken) = (0, 0);
    for at in (0..whole.len()).step_by(whole.len() / 400) {
        for change in [0x00, 0xff, whole[at] ^ 0x40] {
            let mut bytes = whole.clone();
            bytes[at] = change;
            std::fs::write(&path, &bytes).unwrap();
            match read(&path, LIMITS) {
                Ok(_) => taken += 1,
                Err(error) => {
                    assert!(!error.to_string().is_empty());
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 50 && taken > 50, "{refused} refused, {taken} taken");
    for end in (0..whole.len()).step_by(whole.len() / 40) {
        std::fs::write(&path, &whole[..end]).unwrap();
        assert!(read(&path, LIMITS).is_err(), "half of it is no database: {end}");
    }
}
