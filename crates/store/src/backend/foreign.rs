//! A SQLite file of another program: looked into, never written, and not believed.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::sqlite::APPLICATION_ID;
use crate::value::Value;

/// What every file of SQLite begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Steps of SQLite's machine between two looks at how many there were.
const STEPS_AT_ONCE: i32 = 10_000;

/// Looks after which a file is given up: two thousand million steps, some ten times what checking and reading a million rows of twenty columns
/// takes. Only a file that was made to keep its reader busy has more to do.
const LOOKS_MAX: u32 = 200_000;

/// How much of a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForeignLimits {
    /// Largest file, in bytes.
    pub file_bytes_max: u64,
    /// Largest value, in bytes.
    pub value_bytes_max: i32,
    /// Most rows of all tables that are read.
    pub rows_max: u64,
    /// Most bytes of texts and bytes in all rows that are read.
    pub content_bytes_max: u64,
}

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
pub enum ForeignError {
    /// The system does not give it.
    #[error("it cannot be read")]
    Unreadable(#[source] io::Error),
    /// It is larger than what is read.
    #[error("it is larger than {max} bytes")]
    TooLarge {
        /// How large it may be.
        max: u64,
    },
    /// It is not what it should be.
    #[error("{0}")]
    Refused(String),
}

/// A database of another program, opened for reading alone.
///
/// SQLite is told that nothing changes the file, so it takes no lock and leaves no file beside it. Views, triggers and functions that touch
/// anything outside are off, so that reading a table does what reading a table does.
pub struct ForeignFile {
    connection: Connection,
    limits: ForeignLimits,
    rows: u64,
    content_bytes: u64,
}

impl ForeignFile {
    /// Opens a file.
    ///
    /// # Errors
    /// When it cannot be read, is too large, is no database, is one of ours, or has changes beside it that were never brought into it.
    pub fn open(path: &Path, limits: ForeignLimits) -> Result<Self, ForeignError> {
        look_at(path, &limits)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(uri_of(path)?, flags).map_err(|error| refused(&error))?;
        let mut file = Self { connection, limits, rows: 0, content_bytes: 0 };
        file.settle().map_err(|error| refused(&error))?;
        let owner: i64 = file
            .connection
            .pragma_query_value(None, "application_id", |row| row.get(0))
            .map_err(|error| refused(&error))?;
        if owner == APPLICATION_ID {
            return Err(ForeignError::Refused("it is a database of Exhibit itself".to_owned()));
        }
        Ok(file)
    }

    /// What a file may make SQLite do.
    fn settle(&mut self) -> rusqlite::Result<()> {
        let connection = &mut self.connection;
        for (setting, is_on) in [
            (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
            (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        ] {
            connection.set_db_config(setting, is_on)?;
        }
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, self.limits.value_bytes_max)?;
        connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
        let mut looks = 0_u32;
        let look = move || {
            looks = looks.saturating_add(1);
            looks > LOOKS_MAX
        };
        connection.progress_handler(STEPS_AT_ONCE, Some(look))?;
        connection.execute_batch("pragma query_only = on; pragma cell_size_check = on; pragma temp_store = memory")
    }

    /// The columns of a table, in its order and without those that are computed; `None` when there is nothing of that name.
    ///
    /// # Errors
    /// When it is no ordinary table, or its pages are damaged.
    pub fn columns(&self, table: &str) -> Result<Option<Vec<String>>, ForeignError> {
        let failed = |error: rusqlite::Error| refused(&error);
        // A virtual table has no page of its own.
        let text =
            "select type, rootpage from sqlite_schema where lower(name) = lower(?1) and type in ('table', 'view')";
        let mut statement = self.connection.prepare(text).map_err(failed)?;
        let mut found = statement.query([table]).map_err(failed)?;
        let Some(row) = found.next().map_err(failed)? else { return Ok(None) };
        let (kind, page): (String, i64) = (row.get(0).map_err(failed)?, row.get(1).map_err(failed)?);
        if kind != "table" || page <= 0 {
            return Err(ForeignError::Refused(format!("`{table}` is no ordinary table")));
        }
        drop(found);
        self.check(table)?;
        let mut statement = self.connection.prepare("select name from pragma_table_info(?1)").map_err(failed)?;
        let names = statement.query_map([table], |row| row.get::<_, String>(0)).map_err(failed)?;
        names.collect::<rusqlite::Result<Vec<_>>>().map(Some).map_err(failed)
    }

    /// Looks at every page of a table and its indexes.
    fn check(&self, table: &str) -> Result<(), ForeignError> {
        let failed = |error: rusqlite::Error| refused(&error);
        // One finding is enough to refuse the file.
        let text = format!("pragma integrity_check({})", quoted(table));
        let told: String = self.connection.query_row(&text, [], |row| row.get(0)).map_err(failed)?;
        if told == "ok" { Ok(()) } else { Err(ForeignError::Refused(format!("`{table}` is damaged: {told}"))) }
    }

    /// Reads every row of a table, in its own order. Text that is not UTF-8 comes as bytes.
    ///
    /// # Errors
    /// When something is damaged or larger than the limits.
    pub fn each(
        &mut self,
        table: &str,
        columns: &[String],
        visit: &mut dyn FnMut(Vec<Value>),
    ) -> Result<(), ForeignError> {
        let names: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
        // Not by an index, which could hold other rows than the table.
        let text = format!("select {} from {} not indexed", names.join(", "), quoted(table));
        let mut statement = self.connection.prepare(&text).map_err(|error| refused(&error))?;
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(|error| refused(&error))? {
            self.rows += 1;
            if self.rows > self.limits.rows_max {
                return Err(ForeignError::Refused(format!("it has more than {} rows", self.limits.rows_max)));
            }
            let mut values = Vec::with_capacity(columns.len());
            for index in 0..columns.len() {
                let value = owned(row.get_ref(index).map_err(|error| refused(&error))?);
                self.content_bytes += bytes_of(&value);
                values.push(value);
            }
            if self.content_bytes > self.limits.content_bytes_max {
                let max = self.limits.content_bytes_max;
                return Err(ForeignError::Refused(format!("its rows hold more than {max} bytes")));
            }
            visit(values);
        }
        Ok(())
    }
}

/// What can be said of a file before SQLite sees it.
fn look_at(path: &Path, limits: &ForeignLimits) -> Result<(), ForeignError> {
    // Opening a pipe would wait for somebody to write into it; a device has no end that anybody could wait for.
    let found = std::fs::metadata(path).map_err(ForeignError::Unreadable)?;
    if !found.is_file() {
        return Err(ForeignError::Refused("it is no file".to_owned()));
    }
    if found.len() > limits.file_bytes_max {
        return Err(ForeignError::TooLarge { max: limits.file_bytes_max });
    }
    let mut head = Vec::with_capacity(MAGIC.len());
    let file = File::open(path).map_err(ForeignError::Unreadable)?;
    file.take(MAGIC.len() as u64).read_to_end(&mut head).map_err(ForeignError::Unreadable)?;
    if head != MAGIC {
        return Err(ForeignError::Refused("it is no database of SQLite".to_owned()));
    }
    for (ending, what) in
        [("-wal", "its last changes are still in the log"), ("-journal", "a change was broken off in")]
    {
        let beside = beside(path, ending);
        if std::fs::metadata(&beside).is_ok_and(|found| found.len() > 0) {
            let name = beside.file_name().unwrap_or_default().to_string_lossy().into_owned();
            return Err(ForeignError::Refused(format!(
                "{what} `{name}`; end the program that writes it, and if the file stays, open it once with that program or with `sqlite3`"
            )));
        }
    }
    Ok(())
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// The address under which SQLite takes a file as one that nobody changes.
fn uri_of(path: &Path) -> Result<String, ForeignError> {
    let path = std::path::absolute(path).map_err(ForeignError::Unreadable)?;
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(byte) {
            uri.push(char::from(*byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri.push_str("?mode=ro&immutable=1");
    Ok(uri)
}

/// A name as a statement has it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn owned(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Int(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => Value::Bytes(bytes.to_vec()),
        },
    }
}

fn bytes_of(value: &Value) -> u64 {
    let len = match value {
        Value::Text(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        _ => 0,
    };
    u64::try_from(len).unwrap_or(u64::MAX)
}

fn refused(error: &rusqlite::Error) -> ForeignError {
    ForeignError::Refused(match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => format!("it is damaged: {error}"),
        Some(ErrorCode::OperationInterrupted) => "reading it takes more steps than such a file can need".to_owned(),
        Some(ErrorCode::TooBig) => "it holds a value that is larger than any that is read".to_owned(),
        _ => format!("it cannot be read as a database: {error}"),
    })
}

#[cfg(test)]
#[path = "foreign_tests.rs"]
mod tests;
