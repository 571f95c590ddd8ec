//! PostgreSQL: connections with their settings, and statements on them.

use std::collections::HashMap;
use std::error::Error as _;

use postgres::error::SqlState;
use postgres::fallible_iterator::FallibleIterator as _;
use postgres::types::private::BytesMut;
use postgres::types::{IsNull, Kind, ToSql, Type, to_sql_checked};
use postgres::{Client, Config, NoTls, Statement};

use crate::error::StoreError;
use crate::session::{LeaseTime, columns_of};
use crate::value::{Row, RowInner, Sql, Value};

/// Limits one statement; long enough for a rebuild step, short enough that a stuck one is noticed.
const STATEMENT_TIMEOUT_MS: u64 = 300_000;

/// How long a writer waits for another process before it gives up.
const LOCK_TIMEOUT_S: u64 = 60;

/// What every connection is set to. A commit that is acknowledged is on the server's disk, whatever the server is configured to. Plans
/// are made anew each time: one that is kept from when a table was small walks it when it is large (measured: 64 producers wrote 147
/// records a second with kept plans, 5,400 without).
const SETTINGS: &str = "set client_min_messages = warning; set plan_cache_mode = force_custom_plan; \
     select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'";

/// How long a transaction may lie idle. A host that is stopped, or cut off, in the middle of one holds the write lock of everyone: then
/// the server ends its session, well before the others give up.
const IDLE_TIMEOUT_S: u32 = 15;

/// The advisory lock that every writing transaction of one database takes: the letters `EXHIBIT`.
pub(crate) const WRITE_LOCK: i64 = 0x45_5848_4942_4954;

pub(crate) struct PgSession {
    client: Client,
    statements: HashMap<&'static str, Statement>,
    name: String,
}

impl PgSession {
    /// Connects with a URL or with keywords (`host=… dbname=…`).
    pub(crate) fn open(address: &str) -> Result<Self, StoreError> {
        let mut config: Config = address.parse().map_err(|error: postgres::Error| StoreError::Unreachable {
            name: "postgres".to_owned(),
            reason: format!("the address cannot be read: {error}"),
        })?;
        let name = format!("postgres database `{}`", config.get_dbname().or_else(|| config.get_user()).unwrap_or("?"));
        config.application_name("exhibit").connect_timeout(std::time::Duration::from_secs(10));
        let client = config
            .connect(NoTls)
            .map_err(|error| StoreError::Unreachable { name: name.clone(), reason: reason(&error) })?;
        let mut session = Self { client, statements: HashMap::new(), name };
        session.script(&format!(
            "set statement_timeout = {STATEMENT_TIMEOUT_MS}; set lock_timeout = '{LOCK_TIMEOUT_S}s'; \
             set idle_in_transaction_session_timeout = '{IDLE_TIMEOUT_S}s'; {SETTINGS}"
        ))?;
        Ok(session)
    }

    pub(crate) fn is_alive(&self) -> bool {
        !self.client.is_closed()
    }

    pub(crate) fn script(&mut self, text: &str) -> Result<(), StoreError> {
        self.client.batch_execute(text).map_err(|error| self.error("script", &error))
    }

    fn statement(&mut self, sql: &Sql) -> Result<Statement, StoreError> {
        if let Some(statement) = self.statements.get(sql.name) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(&sql.postgres).map_err(|error| self.error(sql.name, &error))?;
        self.statements.insert(sql.name, statement.clone());
        Ok(statement)
    }

    pub(crate) fn each(
        &mut self,
        sql: &Sql,
        params: &[Value],
        visit: &mut dyn FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let statement = self.statement(sql)?;
        self.visit_rows(sql.name, &statement, params, visit)
    }

    pub(crate) fn each_uncached(
        &mut self,
        sql: &Sql,
        params: &[Value],
        visit: &mut dyn FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let statement = self.client.prepare(&sql.postgres).map_err(|error| self.error(sql.name, &error))?;
        self.visit_rows(sql.name, &statement, params, visit)
    }

    fn visit_rows(
        &mut self,
        name: &'static str,
        statement: &Statement,
        params: &[Value],
        visit: &mut dyn FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let params = params.iter().map(|value| value as &(dyn ToSql + Sync));
        let database = self.name.clone();
        let failed = |error: postgres::Error| map_error(&database, name, &error);
        let mut rows = self.client.query_raw(statement, params).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            visit(&Row(RowInner::Postgres(&row)))?;
        }
        Ok(())
    }

    pub(crate) fn execute(&mut self, sql: &Sql, params: &[Value]) -> Result<u64, StoreError> {
        let statement = self.statement(sql)?;
        let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        self.client.execute(&statement, &params).map_err(|error| self.error(sql.name, &error))
    }

    /// Turns rows into one array per column, for `insert … select … from unnest(…)`.
    pub(crate) fn execute_many(&mut self, sql: &Sql, rows: &[Vec<Value>]) -> Result<u64, StoreError> {
        self.execute(sql, &columns_of(sql, rows)?)
    }

    pub(crate) fn lease_clock(&mut self) -> Result<LeaseTime, StoreError> {
        const NOW: Sql =
            Sql::same("lease_clock", "select (extract(epoch from clock_timestamp()) * 1000)::bigint as now_ms");
        let mut now_ms = 0;
        self.each(&NOW, &[], &mut |row| {
            now_ms = row.get(0)?;
            Ok(())
        })?;
        Ok(LeaseTime { clock: "postgres".to_owned(), now_ms })
    }

    fn error(&self, statement: &'static str, error: &postgres::Error) -> StoreError {
        map_error(&self.name, statement, error)
    }
}

/// The server ended the connection, and says why.
const ENDED: [SqlState; 3] = [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::CANNOT_CONNECT_NOW];

fn map_error(name: &str, statement: &'static str, error: &postgres::Error) -> StoreError {
    let name = name.to_owned();
    match error.code() {
        Some(code) if *code == SqlState::DISK_FULL => StoreError::NoSpace { name },
        Some(code) if *code == SqlState::READ_ONLY_SQL_TRANSACTION => StoreError::ReadOnly { name },
        Some(code) if *code == SqlState::LOCK_NOT_AVAILABLE => StoreError::Busy { seconds: LOCK_TIMEOUT_S },
        Some(code) if ENDED.contains(code) => StoreError::Unreachable { name, reason: reason(error) },
        Some(code) if *code == SqlState::DATA_CORRUPTED || *code == SqlState::INDEX_CORRUPTED => {
            StoreError::Damaged { name, reason: reason(error) }
        }
        // Without a code it is not the server that speaks: the connection is closed or broken.
        None if error.is_closed() => StoreError::Unreachable { name, reason: "the connection was closed".to_owned() },
        None if error.source().is_some_and(|source| source.is::<std::io::Error>()) => {
            StoreError::Unreachable { name, reason: reason(error) }
        }
        _ => StoreError::Statement { statement, reason: reason(error) },
    }
}

fn reason(error: &postgres::Error) -> String {
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(number) => number.to_sql(ty, out),
            Self::Real(number) => number.to_sql(ty, out),
            Self::Text(text) | Self::Json(text) => text.to_sql(ty, out),
            Self::Bytes(bytes) => bytes.to_sql(ty, out),
            Self::List(values) => list_to_sql(values, ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        let plain = |ty: &Type| matches!(*ty, Type::INT8 | Type::FLOAT8 | Type::TEXT | Type::BYTEA);
        plain(ty) || matches!(ty.kind(), Kind::Array(member) if plain(member))
    }

    to_sql_checked!();
}

fn list_to_sql(
    values: &[Value],
    ty: &Type,
    out: &mut BytesMut,
) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
    let Kind::Array(_) = ty.kind() else {
        return Err(format!("a list is bound to a parameter of type {ty}").into());
    };
    values.to_sql(ty, out)
}
