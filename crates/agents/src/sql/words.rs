//! The words of sessions, for search: our own words in the index of each database.

use std::collections::{BTreeMap, BTreeSet};

use exhibit_model::words::words;
use exhibit_store::{Backend, Seq, Sql, StoreError, Tx, Value, params};

const PUT: Sql = Sql::pair(
    "agents_words_put",
    "insert or replace into session_fts (rowid, words) values ($1, $2)",
    "insert into session_words (session_key, words) \
     select session_key, array_to_tsvector(string_to_array(words, ' ')) \
     from unnest($1::bigint[], $2::text[]) as new (session_key, words) \
     on conflict (session_key) do update set words = excluded.words",
);

const REMOVE: Sql = Sql::pair(
    "agents_words_remove",
    "delete from session_fts where rowid in \
     (select session_key from session_ledger where ledger_seq >= $1 and ledger_seq <= $2)",
    "delete from session_words where session_key in \
     (select session_key from session_ledger where ledger_seq >= $1 and ledger_seq <= $2)",
);

/// Words of one question that count; nobody types more, and each costs a walk through the index.
const QUESTION_WORDS_MAX: usize = 16;

/// Where search looks in a session: id, title, task.
pub type Texts<'a> = [Option<&'a str>; 3];

/// The words of texts, each once, as [`put`] takes them.
pub fn line_of(texts: Texts<'_>) -> String {
    let every: BTreeSet<String> = texts.iter().flatten().flat_map(|text| words(text)).collect();
    every.into_iter().collect::<Vec<_>>().join(" ")
}

/// Writes the words of sessions, by their keys.
///
/// # Errors
/// When the database cannot be written.
pub fn put(tx: &mut Tx<'_>, sessions: &BTreeMap<i64, String>) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> =
        sessions.iter().map(|(key, line)| exhibit_store::values![*key, line.as_str()]).collect();
    tx.execute_many(&PUT, &rows)?;
    Ok(())
}

/// Takes out the words of sessions whose standing document lies between two places of the ledger.
///
/// # Errors
/// When the database cannot be written.
pub fn remove(tx: &mut Tx<'_>, first: Seq, last: Seq) -> Result<(), StoreError> {
    tx.execute(&REMOVE, params![first, last])?;
    Ok(())
}

/// A question in the language of the index: each word begins a word of the session. `None` when there is no word in it.
pub fn question(backend: Backend, text: &str) -> Option<String> {
    let every: BTreeSet<String> = words(text).into_iter().take(QUESTION_WORDS_MAX).collect();
    if every.is_empty() {
        return None;
    }
    // Words are letters and digits alone, so quoting needs no escapes.
    let (each, between): (fn(&String) -> String, _) = match backend {
        Backend::Sqlite => (|word| format!("\"{word}\"*"), " "),
        Backend::Postgres => (|word| format!("'{word}':*"), " & "),
    };
    Some(every.iter().map(each).collect::<Vec<_>>().join(between))
}
