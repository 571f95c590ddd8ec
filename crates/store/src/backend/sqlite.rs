//! SQLite: connections with their settings, and statements on them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ErrorCode, OpenFlags, ToSql};

use crate::delivery::{DeliveryError, Progress, create_file};
use crate::error::StoreError;
use crate::session::LeaseTime;
use crate::value::{Row, RowInner, Sql, Value};

/// Pages in the log before they are carried over into the file: 64 MiB. Commits that come one after the other change the same pages again and
/// again, and a page that was changed many times is carried over once (`docs/decisions/0048-log-of-64-mib.md`).
const WAL_PAGES: u32 = 16_000;

/// Marks our files (`PRAGMA application_id`): the letters `EXHB`.
pub(crate) const APPLICATION_ID: i64 = 0x4558_4842;

/// How long a writer waits for another process before it gives up.
const BUSY_TIMEOUT_S: u64 = 60;

/// Between two looks whether another process has finished switching a new file to the write-ahead log.
const LOG_PAUSE: Duration = Duration::from_millis(2);

/// Prepared statements kept per connection; a little more than the number of statements in the code.
const STATEMENTS_MAX: usize = 256;

/// How safe a commit is against a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Synchronous {
    /// Each acknowledged commit is on the disk.
    #[default]
    Full,
    /// A power cut may lose the last commits, never a middle one.
    Normal,
}

pub(crate) struct SqliteSession {
    connection: Connection,
    path: PathBuf,
    texts: RefCell<HashMap<&'static str, String>>,
    boot_id: String,
}

impl SqliteSession {
    /// Opens the file for reading and writing; makes it when `create` is set and it does not exist.
    pub(crate) fn open(path: &Path, synchronous: Synchronous, create: bool) -> Result<Self, StoreError> {
        let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        if create {
            flags |= OpenFlags::SQLITE_OPEN_CREATE;
        }
        let connection = Connection::open_with_flags(path, flags)
            .map_err(|error| StoreError::Unreachable { name: path.display().to_string(), reason: error.to_string() })?;
        let session = Self::with_connection(connection, path)?;
        let level = match synchronous {
            Synchronous::Full => "full",
            Synchronous::Normal => "normal",
        };
        session.script(&format!("pragma synchronous = {level}; pragma wal_autocheckpoint = {WAL_PAGES}"))?;
        Ok(session)
    }

    /// Opens the file for queries only.
    pub(crate) fn open_reader(path: &Path) -> Result<Self, StoreError> {
        let session = Self::open(path, Synchronous::Normal, false)?;
        session.script("pragma query_only = on")?;
        Ok(session)
    }

    fn with_connection(connection: Connection, path: &Path) -> Result<Self, StoreError> {
        let boot_id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let session =
            Self { connection, path: path.to_owned(), texts: RefCell::default(), boot_id: boot_id.trim().to_owned() };
        let failed = |error: rusqlite::Error| session.error("open", &error);
        // SQLite opens a file that it may not write for reading, and says nothing.
        if session.connection.is_readonly("main").map_err(failed)? {
            return Err(StoreError::ReadOnly { name: path.display().to_string() });
        }
        session.connection.busy_timeout(Duration::from_secs(BUSY_TIMEOUT_S)).map_err(failed)?;
        session.connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        session.script("pragma foreign_keys = on; pragma cache_size = -32768; pragma temp_store = memory")?;
        Ok(session)
    }

    /// The number that marks the file's owner; 0 for a new file.
    fn application_id(&self) -> Result<i64, StoreError> {
        self.pragma_number("application_id")
    }

    /// True when the file holds no table at all.
    fn is_empty(&self) -> Result<bool, StoreError> {
        let count: i64 = self
            .connection
            .query_row("select count(*) from sqlite_schema", [], |row| row.get(0))
            .map_err(|error| self.error("open", &error))?;
        Ok(count == 0)
    }

    fn pragma_number(&self, name: &str) -> Result<i64, StoreError> {
        self.connection.pragma_query_value(None, name, |row| row.get(0)).map_err(|error| self.error("open", &error))
    }

    /// Marks a new file as ours and sees to its write-ahead log.
    ///
    /// # Errors
    /// [`StoreError::Foreign`] for a file of another program, which is not changed.
    pub(crate) fn take_ownership(&self) -> Result<(), StoreError> {
        if self.application_id()? != APPLICATION_ID {
            // Looking and marking are one transaction: another process may be doing the same at this moment.
            self.script("begin immediate")?;
            let marked = self.mark();
            self.script(if marked.is_ok() { "commit" } else { "rollback" })?;
            marked?;
        }
        self.use_log()
    }

    fn mark(&self) -> Result<(), StoreError> {
        match self.application_id()? {
            APPLICATION_ID => Ok(()),
            0 if self.is_empty()? => self.script(&format!("pragma application_id = {APPLICATION_ID}")),
            _ => Err(StoreError::Foreign { name: self.path.display().to_string() }),
        }
    }

    /// Switches the file to the write-ahead log, for good. SQLite does not wait by itself while another process does the same.
    fn use_log(&self) -> Result<(), StoreError> {
        let deadline = Instant::now() + Duration::from_secs(BUSY_TIMEOUT_S);
        loop {
            let mode: Result<String, StoreError> = self
                .connection
                .pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))
                .map_err(|error| self.error("open", &error));
            match mode {
                Ok(mode) if mode == "wal" => return Ok(()),
                Ok(mode) => {
                    return Err(StoreError::Unreachable {
                        name: self.path.display().to_string(),
                        reason: format!("the file system does not allow a write-ahead log (journal mode stays {mode})"),
                    });
                }
                Err(StoreError::Busy { .. }) if Instant::now() < deadline => std::thread::sleep(LOG_PAUSE),
                Err(error) => return Err(error),
            }
        }
    }

    pub(crate) fn script(&self, text: &str) -> Result<(), StoreError> {
        self.connection.execute_batch(text).map_err(|error| self.error("script", &error))
    }

    fn statement(&self, sql: &Sql) -> Result<CachedStatement<'_>, StoreError> {
        let mut texts = self.texts.borrow_mut();
        let text = texts.entry(sql.name).or_insert_with(|| numbered(&sql.sqlite));
        debug_assert_eq!(*text, numbered(&sql.sqlite), "two statements are named `{}`", sql.name);
        self.connection.prepare_cached(text).map_err(|error| self.error(sql.name, &error))
    }

    pub(crate) fn each(
        &self,
        sql: &Sql,
        params: &[Value],
        visit: &mut dyn FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut statement = self.statement(sql)?;
        self.visit_rows(sql.name, &mut statement, params, visit)
    }

    pub(crate) fn each_uncached(
        &self,
        sql: &Sql,
        params: &[Value],
        visit: &mut dyn FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let text = numbered(&sql.sqlite);
        let mut statement = self.connection.prepare(&text).map_err(|error| self.error(sql.name, &error))?;
        self.visit_rows(sql.name, &mut statement, params, visit)
    }

    fn visit_rows(
        &self,
        name: &'static str,
        statement: &mut rusqlite::Statement<'_>,
        params: &[Value],
        visit: &mut dyn FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        bind(statement, params).map_err(|error| self.error(name, &error))?;
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(|error| self.error(name, &error))? {
            visit(&Row(RowInner::Sqlite(row)))?;
        }
        Ok(())
    }

    pub(crate) fn execute(&self, sql: &Sql, params: &[Value]) -> Result<u64, StoreError> {
        let mut statement = self.statement(sql)?;
        bind(&mut statement, params)
            .and_then(|()| statement.raw_execute())
            .map(|changed| changed as u64)
            .map_err(|error| self.error(sql.name, &error))
    }

    pub(crate) fn execute_many(&self, sql: &Sql, rows: &[Vec<Value>]) -> Result<u64, StoreError> {
        let width = rows.first().map_or(0, Vec::len);
        if rows.iter().any(|row| row.len() != width) {
            return Err(StoreError::Unexpected(format!("rows of `{}` differ in length", sql.name)));
        }
        let mut statement = self.statement(sql)?;
        let mut changed = 0;
        for row in rows {
            bind(&mut statement, row).map_err(|error| self.error(sql.name, &error))?;
            changed += statement.raw_execute().map_err(|error| self.error(sql.name, &error))? as u64;
        }
        Ok(changed)
    }

    pub(crate) fn lease_clock(&self) -> Result<LeaseTime, StoreError> {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        Ok(LeaseTime { clock: self.boot_id.clone(), now_ms: time.tv_sec * 1000 + time.tv_nsec / 1_000_000 })
    }

    fn folder_is_writable(&self) -> bool {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_ok()
    }

    fn error(&self, statement: &'static str, error: &rusqlite::Error) -> StoreError {
        let name = self.path.display().to_string();
        let code = error.sqlite_error_code();
        match code {
            Some(ErrorCode::DiskFull) => StoreError::NoSpace { name },
            Some(ErrorCode::ReadOnly) => StoreError::ReadOnly { name },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy { seconds: BUSY_TIMEOUT_S },
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                StoreError::Damaged { name, reason: error.to_string() }
            }
            // The log lies beside the file, so the folder has to be writable too.
            Some(ErrorCode::CannotOpen) if self.path.is_file() && !self.folder_is_writable() => {
                StoreError::ReadOnly { name }
            }
            Some(ErrorCode::CannotOpen) => StoreError::Unreachable { name, reason: error.to_string() },
            _ => StoreError::Statement { statement, reason: error.to_string() },
        }
    }
}

/// How often a snapshot under way is looked at.
const SNAPSHOT_LOOK: Duration = Duration::from_millis(100);

/// Copies the database into a new file, on one snapshot, while this and other processes write. `vacuum into` reads in one transaction, so it
/// is never begun anew as the backup interface is when another process writes, and it leaves out free pages, where erased payloads may lie.
pub(crate) fn snapshot(database: &Path, to: &Path, progress: &Progress) -> Result<(), DeliveryError> {
    let failed = |error: StoreError| match error {
        StoreError::NoSpace { .. } => DeliveryError::NoSpace { path: to.display().to_string() },
        other => DeliveryError::Target { target: to.display().to_string(), reason: other.to_string() },
    };
    // An empty file is filled; made by us, it is ours alone from the beginning.
    drop(create_file(to, 0o600)?);
    let session = SqliteSession::open(database, Synchronous::Normal, false).map_err(failed)?;
    let interrupt = session.connection.get_interrupt_handle();
    let ended = AtomicBool::new(false);
    let done = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                if progress.should_stop() {
                    interrupt.interrupt();
                }
                std::thread::park_timeout(SNAPSHOT_LOOK);
            }
        });
        // As bytes, because a path need not be text.
        let done = session.connection.execute("vacuum into cast(?1 as text)", [to.as_os_str().as_bytes()]);
        ended.store(true, Ordering::Relaxed);
        watcher.thread().unpark();
        done
    });
    match done {
        Ok(_) => Ok(()),
        Err(_) if progress.should_stop() => Err(DeliveryError::Stopped),
        Err(error) => Err(failed(session.error("snapshot", &error))),
    }
}

/// Placeholders as SQLite numbers them: `?1` for `$1`. A `$` that no digit follows is part of a text.
fn numbered(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(sign) = rest.next() {
        let placeholder = sign == '$' && rest.peek().is_some_and(char::is_ascii_digit);
        out.push(if placeholder { '?' } else { sign });
    }
    out
}

fn bind(statement: &mut rusqlite::Statement<'_>, params: &[Value]) -> rusqlite::Result<()> {
    for (index, value) in params.iter().enumerate() {
        statement.raw_bind_parameter(index + 1, value)?;
    }
    Ok(())
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Self::Int(number) => ToSqlOutput::Borrowed(ValueRef::Integer(*number)),
            Self::Real(number) => ToSqlOutput::Borrowed(ValueRef::Real(*number)),
            Self::Text(text) | Self::Json(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
            Self::List(values) => ToSqlOutput::Owned(rusqlite::types::Value::Text(json_array(values))),
        })
    }
}

/// A list as the JSON array that `json_each` takes; bytes become hex digits for `unhex`.
fn json_array(values: &[Value]) -> String {
    let mut text = String::from("[");
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        let written = match value {
            Value::Null => write!(text, "null"),
            Value::Int(number) => write!(text, "{number}"),
            Value::Real(number) => write!(text, "{number:?}"),
            Value::Text(word) | Value::Json(word) => write!(text, "{}", serde_json::Value::from(word.as_str())),
            Value::Bytes(bytes) => {
                text.push('"');
                for byte in bytes {
                    let (high, low) = (byte >> 4, byte & 15);
                    text.push(char::from_digit(u32::from(high), 16).unwrap_or('0'));
                    text.push(char::from_digit(u32::from(low), 16).unwrap_or('0'));
                }
                write!(text, "\"")
            }
            Value::List(inner) => write!(text, "{}", json_array(inner)),
        };
        assert!(written.is_ok(), "writing to a string cannot fail");
    }
    text.push(']');
    text
}
