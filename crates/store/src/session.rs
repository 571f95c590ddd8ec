//! `Read` and `Tx`: what a query and a write may do, the same on both backends.

use std::cell::{Cell, RefCell};
use std::ops::Deref;

use crate::backend::postgres::PgSession;
use crate::backend::sqlite::SqliteSession;
use crate::error::StoreError;
use crate::value::{FromRow, Row, Sql, Value};

/// Which database is behind the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// The embedded default.
    Sqlite,
    /// A server.
    Postgres,
}

pub(crate) enum Session<'a> {
    Sqlite(&'a SqliteSession),
    Postgres(&'a RefCell<PgSession>),
}

/// A consistent view of the database. Synchronous; runs on a reader thread.
pub struct Read<'a> {
    session: Session<'a>,
    writes: Cell<u64>,
    visiting: Cell<bool>,
    failure: RefCell<Option<StoreError>>,
}

impl<'a> Read<'a> {
    pub(crate) fn new(session: Session<'a>) -> Self {
        Self { session, writes: Cell::new(0), visiting: Cell::new(false), failure: RefCell::new(None) }
    }

    /// Which database this is, for the rare statement that cannot be written as one [`Sql`].
    pub fn backend(&self) -> Backend {
        match self.session {
            Session::Sqlite(_) => Backend::Sqlite,
            Session::Postgres(_) => Backend::Postgres,
        }
    }

    /// Calls `visit` for each row, without holding them all. One statement at a time: `visit` cannot start another one.
    ///
    /// # Errors
    /// When the statement fails, or with the error of `visit`.
    pub fn each(
        &self,
        sql: &Sql,
        params: &[Value],
        visit: &mut dyn FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        #[cfg(test)]
        heard(self.backend(), sql, params);
        self.visit_rows(sql, visit, |session, visit| match session {
            Session::Sqlite(session) => session.each(sql, params, visit),
            Session::Postgres(session) => session.borrow_mut().each(sql, params, visit),
        })
    }

    /// Like [`Read::each`], for a statement whose text is made for one question: it is prepared anew and not kept.
    ///
    /// # Errors
    /// When the statement fails, or with the error of `visit`.
    pub(crate) fn each_once(
        &self,
        sql: &Sql,
        params: &[Value],
        visit: &mut dyn FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        #[cfg(test)]
        heard(self.backend(), sql, params);
        self.visit_rows(sql, visit, |session, visit| match session {
            Session::Sqlite(session) => session.each_uncached(sql, params, visit),
            Session::Postgres(session) => session.borrow_mut().each_uncached(sql, params, visit),
        })
    }

    fn visit_rows(
        &self,
        sql: &Sql,
        visit: &mut dyn FnMut(&Row<'_>) -> Result<(), StoreError>,
        run: impl FnOnce(&Session<'a>, &mut dyn FnMut(&Row<'_>) -> Result<(), StoreError>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.refuse_nested(sql.name)?;
        if !sql.only_reads() {
            self.writes.set(self.writes.get() + 1);
        }
        self.visiting.set(true);
        let mut stopped = false;
        let result = run(&self.session, &mut |row| visit(row).inspect_err(|_| stopped = true));
        self.visiting.set(false);
        if stopped { result } else { self.note_failure(result) }
    }

    /// SQLite would run a statement within another one, PostgreSQL cannot; so neither does.
    fn refuse_nested(&self, statement: &str) -> Result<(), StoreError> {
        if self.visiting.get() {
            let what = "was started while the rows of another one were being visited";
            return Err(StoreError::Refused(format!("statement `{statement}` {what}")));
        }
        Ok(())
    }

    /// Remembers that a statement failed. PostgreSQL then rolls everything back whatever comes after, and answers `commit` with
    /// success; so a transaction with a failed statement is never committed, on either backend, even if the work goes on.
    fn note_failure<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        result.inspect_err(|error| {
            self.failure.borrow_mut().get_or_insert_with(|| error.again());
        })
    }

    /// The error of the first statement that failed.
    pub(crate) fn failure(&self) -> Option<StoreError> {
        self.failure.borrow_mut().take()
    }

    /// All rows. The caller limits them in the statement.
    ///
    /// # Errors
    /// When the statement fails or a row has another shape.
    pub fn all<T: FromRow>(&self, sql: &Sql, params: &[Value]) -> Result<Vec<T>, StoreError> {
        let mut rows = Vec::new();
        self.each(sql, params, &mut |row| {
            rows.push(T::from_row(row)?);
            Ok(())
        })?;
        Ok(rows)
    }

    /// The first row, if there is one.
    ///
    /// # Errors
    /// When the statement fails or the row has another shape.
    pub fn one<T: FromRow>(&self, sql: &Sql, params: &[Value]) -> Result<Option<T>, StoreError> {
        Ok(self.all(sql, params)?.into_iter().next())
    }

    /// The query plan, one step a line; for tests that hold a query to its index.
    ///
    /// # Errors
    /// When the statement fails.
    pub fn explain(&self, sql: &Sql, params: &[Value]) -> Result<String, StoreError> {
        let (prefix, column) = match self.session {
            Session::Sqlite(_) => ("explain query plan ", 3),
            Session::Postgres(_) => ("explain ", 0),
        };
        let mut lines = Vec::new();
        let text = |text: &str| format!("{prefix}{text}").into();
        let explained = Sql { name: "explain", sqlite: text(&sql.sqlite), postgres: text(&sql.postgres) };
        let mut visit = |row: &Row<'_>| {
            lines.push(row.get::<String>(column)?);
            Ok(())
        };
        self.visit_rows(&explained, &mut visit, |session, visit| match session {
            Session::Sqlite(session) => session.each_uncached(&explained, params, visit),
            Session::Postgres(session) => session.borrow_mut().each_uncached(&explained, params, visit),
        })?;
        Ok(lines.join("\n"))
    }

    /// The clock by which leases are compared: its name (another name = every lease of the other clock has run out) and its
    /// milliseconds. SQLite: boot clock and boot id of this machine; PostgreSQL: the server's `clock_timestamp()`.
    ///
    /// # Errors
    /// When the clock cannot be read.
    pub fn lease_clock(&self) -> Result<LeaseTime, StoreError> {
        self.refuse_nested("lease_clock")?;
        self.note_failure(match self.session {
            Session::Sqlite(session) => session.lease_clock(),
            Session::Postgres(session) => session.borrow_mut().lease_clock(),
        })
    }

    pub(crate) fn writes(&self) -> u64 {
        self.writes.get()
    }
}

/// A moment on the clock by which leases are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseTime {
    /// Names the clock.
    pub clock: String,
    /// Milliseconds on it.
    pub now_ms: i64,
}

/// A writing transaction. Everything of [`Read`], and statements that change rows.
pub struct Tx<'a>(Read<'a>);

impl<'a> Deref for Tx<'a> {
    type Target = Read<'a>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'a> Tx<'a> {
    pub(crate) fn new(session: Session<'a>) -> Self {
        Self(Read::new(session))
    }

    /// Runs a statement and returns how many rows it changed.
    ///
    /// # Errors
    /// When the statement fails.
    pub fn execute(&mut self, sql: &Sql, params: &[Value]) -> Result<u64, StoreError> {
        #[cfg(test)]
        heard(self.backend(), sql, params);
        let changed = self.0.note_failure(match self.0.session {
            Session::Sqlite(session) => session.execute(sql, params),
            Session::Postgres(session) => session.borrow_mut().execute(sql, params),
        })?;
        self.0.writes.set(self.0.writes.get() + changed);
        Ok(changed)
    }

    /// Writes many rows: the SQLite text takes one row, the PostgreSQL text takes one array per column (`unnest`).
    ///
    /// # Errors
    /// When the statement fails, or when the rows differ in length.
    pub fn execute_many(&mut self, sql: &Sql, rows: &[Vec<Value>]) -> Result<u64, StoreError> {
        if rows.is_empty() {
            return Ok(0);
        }
        #[cfg(test)]
        match self.backend() {
            Backend::Sqlite => heard(Backend::Sqlite, sql, &rows[0]),
            Backend::Postgres => heard(Backend::Postgres, sql, &columns_of(sql, rows)?),
        }
        let changed = self.0.note_failure(match self.0.session {
            Session::Sqlite(session) => session.execute_many(sql, rows),
            Session::Postgres(session) => session.borrow_mut().execute_many(sql, rows),
        })?;
        self.0.writes.set(self.0.writes.get() + changed);
        Ok(changed)
    }

    /// Like [`Tx::execute_many`], for statements that return a row for each row that they changed.
    ///
    /// # Errors
    /// When the statement fails, when the rows differ in length, or when a returned row has another shape.
    pub fn returning_many<T: FromRow>(&mut self, sql: &Sql, rows: &[Vec<Value>]) -> Result<Vec<T>, StoreError> {
        match self.backend() {
            Backend::Sqlite => {
                let mut returned = Vec::new();
                for row in rows {
                    returned.extend(self.all::<T>(sql, row)?);
                }
                Ok(returned)
            }
            Backend::Postgres if rows.is_empty() => Ok(Vec::new()),
            Backend::Postgres => self.all(sql, &columns_of(sql, rows)?),
        }
    }

    /// Runs several statements without parameters; migrations and tables of kinds only.
    pub(crate) fn script(&mut self, text: &str) -> Result<(), StoreError> {
        self.0.writes.set(self.0.writes.get() + 1);
        self.0.note_failure(match self.0.session {
            Session::Sqlite(session) => session.script(text),
            Session::Postgres(session) => session.borrow_mut().script(text),
        })
    }
}

/// Rows as one list per column, for `unnest`.
pub(crate) fn columns_of(sql: &Sql, rows: &[Vec<Value>]) -> Result<Vec<Value>, StoreError> {
    let width = rows.first().map_or(0, Vec::len);
    if rows.iter().any(|row| row.len() != width) {
        return Err(StoreError::Unexpected(format!("rows of `{}` differ in length", sql.name)));
    }
    let column = |index: usize| Value::List(rows.iter().map(|row| row[index].clone()).collect());
    Ok((0..width).map(column).collect())
}

/// Every statement that was run, with the values of its first run; the plan test looks at them all.
#[cfg(test)]
pub(crate) static HEARD: std::sync::Mutex<Vec<(Backend, Sql, Vec<Value>)>> = std::sync::Mutex::new(Vec::new());

#[cfg(test)]
fn heard(backend: Backend, sql: &Sql, params: &[Value]) {
    let mut heard = HEARD.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if !heard.iter().any(|known| known.0 == backend && known.1.name == sql.name) {
        heard.push((backend, sql.clone(), params.to_vec()));
    }
}
