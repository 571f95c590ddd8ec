//! The words of sessions, for search: our own words in the index of each database.

use std::collections::{BTreeMap, BTreeSet};

use exhibit_model::words::words;
use exhibit_store::{Backend, Read, Seq, Sql, StoreError, Tx, Value, params};

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

/// Words of the index that one word of a question may begin and still be asked for one by one. The index walks through the sessions of a whole
/// word as it needs them, but puts those of a beginning together first, however few of them another word of the question leaves.
const COMPLETIONS_MAX: usize = 4;

// The first word from one on. Only SQLite asks.
const NEXT_WORD: Sql = Sql::pair(
    "agents_words_next",
    "select term from session_terms where term >= $1 limit 1",
    "select null::text where $1::text is null",
);

/// A question in the language of the index: each word begins a word of the session. `None` when there is no word in it.
///
/// # Errors
/// When the database cannot be read.
pub fn question(read: &Read<'_>, text: &str) -> Result<Option<String>, StoreError> {
    let every: BTreeSet<String> = words(text).into_iter().take(QUESTION_WORDS_MAX).collect();
    if every.is_empty() {
        return Ok(None);
    }
    // Words are letters and digits alone, so quoting needs no escapes.
    Ok(Some(match read.backend() {
        Backend::Postgres => every.iter().map(|word| format!("'{word}':*")).collect::<Vec<_>>().join(" & "),
        Backend::Sqlite => {
            let each: Vec<String> = every.iter().map(|word| begun_with(read, word)).collect::<Result<_, _>>()?;
            each.join(" AND ")
        }
    }))
}

/// Sessions with a word that begins with this one: the words that do when they are few, else the beginning.
fn begun_with(read: &Read<'_>, word: &str) -> Result<String, StoreError> {
    let (mut terms, mut next) = (Vec::new(), word.to_owned());
    while let Some((term,)) = read.one::<(String,)>(&NEXT_WORD, params![next.as_str()])? {
        if !term.starts_with(word) {
            break;
        }
        if terms.len() == COMPLETIONS_MAX {
            return Ok(format!("\"{word}\"*"));
        }
        // No word has a character before the digits, so nothing lies between a word and this.
        next = format!("{term}\u{1}");
        terms.push(format!("\"{term}\""));
    }
    // A word that begins none finds nothing, and is asked for as it is.
    Ok(if terms.is_empty() { format!("\"{word}\"") } else { format!("({})", terms.join(" OR ")) })
}
