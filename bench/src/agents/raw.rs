//! What the gate is held against, on the rows that it wrote itself: a raw loop of prepared statements with the same groups, and the older
//! design with a transaction for each document.

use std::path::Path;
use std::time::{Duration, Instant};

use exhibit_model::words::words;
use rusqlite::types::Value;
use rusqlite::{Connection, Statement};

type Row = Vec<Value>;

/// Rows of one table that belong to one commit.
struct Part {
    table: usize,
    rows: Vec<Row>,
}

/// All that one commit of the gate wrote.
struct Group {
    documents: usize,
    parts: Vec<Part>,
    /// Keys of the sums that it moved.
    sums: Vec<Row>,
    performance: Vec<Row>,
}

/// A table whose rows are copied as they are, and how the rows of a commit are found.
const TABLES: [(&str, &str); 10] = [
    ("records", "seq >= ?1 and seq < ?2"),
    ("batches", "first_seq >= ?1 and first_seq < ?2"),
    (
        "tree_nodes",
        "level = 0 and position in (select batch - 1 from batches where first_seq >= ?1 and first_seq < ?2)",
    ),
    ("ingest_keys", "ledger_seq >= ?1 and ledger_seq < ?2"),
    ("proj_agents__session_v1", "seq >= ?1 and seq < ?2"),
    ("session_ledger", "ledger_seq >= ?1 and ledger_seq < ?2"),
    (
        "session_usage",
        "session_key in (select session_key from session_ledger where ledger_seq >= ?1 and ledger_seq < ?2)",
    ),
    ("agent_calls", "ledger_seq >= ?1 and ledger_seq < ?2"),
    (
        "session_events",
        "session_key in (select session_key from session_ledger where ledger_seq >= ?1 and ledger_seq < ?2)",
    ),
    ("session_fts", ""),
];

/// The place of `session_fts`, whose rows are made from the texts: the index keeps none.
const FTS: usize = 9;

/// Cuts that a commit moved: the sessions at their starts, the calls at theirs, and by call time sessions without calls.
const CUTS: &str = "with told as (select l.*, u.call_count from session_ledger l join session_usage u using (session_key) \
     where l.ledger_seq >= ?1 and l.ledger_seq < ?2), booked (basis, at, agent_key, model_key, category) as (\
     select 0, started_at, agent_key, model_key, task_category_key from told union all \
     select 1, started_at, agent_key, model_key, task_category_key from told where call_count = 0 union all \
     select 1, c.started_at, t.agent_key, c.model_key, t.task_category_key from told t join agent_calls c using (session_key)), \
     grains (grain) as (values (3600), (86400)) \
     select distinct basis, grain, at - at % (grain * 1000000), agent_key, model_key, category from booked, grains";

fn text(error: rusqlite::Error) -> String {
    error.to_string()
}

/// Rows that the gate wrote, ready to be written once more.
pub struct Written {
    groups: Vec<Group>,
    columns: Vec<Vec<String>>,
    sum_columns: Vec<String>,
}

impl Written {
    /// Reads a database that the gate has filled, commit by commit; the first commit is the list of prices.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(path: &Path) -> Result<Self, String> {
        let connection = Connection::open(path).map_err(text)?;
        let mut written = Self::read_columns(&connection)?;
        let batches = rows(&connection, "select first_seq, count from batches where batch > 1 order by batch", &[])?;
        for batch in &batches {
            let (Value::Integer(first), Value::Integer(count)) = (&batch[0], &batch[1]) else {
                return Err("a batch has no place".to_owned());
            };
            written.groups.push(written.group(&connection, *first, *count)?);
        }
        Ok(written)
    }

    fn read_columns(connection: &Connection) -> Result<Self, String> {
        let columns = TABLES.iter().map(|(table, _)| columns_of(connection, table)).collect::<Result<Vec<_>, _>>();
        // No index of the room leads from a place in the ledger to rows: without these two each commit would read both tables to their ends.
        let places = "create index if not exists by_place on session_ledger (ledger_seq); \
                      create index if not exists calls_by_place on agent_calls (ledger_seq)";
        connection.execute_batch(places).map_err(text)?;
        let mut written =
            Self { groups: Vec::new(), columns: columns?, sum_columns: columns_of(connection, "daily_usage_agg")? };
        written.columns[FTS] = vec!["rowid".to_owned(), "words".to_owned()];
        Ok(written)
    }

    fn group(&self, connection: &Connection, first: i64, count: i64) -> Result<Group, String> {
        let range = [Value::Integer(first), Value::Integer(first + count)];
        let mut parts = Vec::new();
        for (table, (name, condition)) in TABLES.iter().enumerate() {
            let found = if table == FTS {
                fts_rows(connection, &range)?
            } else {
                rows(connection, &format!("select * from {name} where {condition}"), &range)?
            };
            parts.push(Part { table, rows: found });
        }
        let cuts = rows(connection, CUTS, &range)?;
        let mut sums = Vec::new();
        let mut performance = Vec::new();
        for cut in &cuts {
            sums.extend(rows(connection, &format!("select * from daily_usage_agg where {CUT}"), cut)?);
            performance.extend(rows(connection, &format!("select * from model_perf_agg where {CUT}"), cut)?);
        }
        Ok(Group { documents: usize::try_from(count).unwrap_or(0), parts, sums, performance })
    }

    /// Reads the first `count` documents of such a database, each for itself.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn one_by_one(path: &Path, count: i64) -> Result<Self, String> {
        let connection = Connection::open(path).map_err(text)?;
        let mut written = Self { groups: Vec::new(), ..Self::read_columns(&connection)? };
        // The first record is the list of prices.
        for seq in 2..2 + count {
            written.groups.push(written.group(&connection, seq, 1)?);
        }
        Ok(written)
    }

    /// How many documents there are.
    pub fn documents(&self) -> usize {
        self.groups.iter().map(|group| group.documents).sum()
    }

    /// How many commits they came in.
    pub fn commits(&self) -> usize {
        self.groups.len()
    }
}

const CUT: &str =
    "basis = ?1 and grain = ?2 and bucket_at = ?3 and agent_key = ?4 and model_key = ?5 and task_category_key = ?6";

fn columns_of(connection: &Connection, table: &str) -> Result<Vec<String>, String> {
    let names = rows(connection, &format!("select name from pragma_table_info('{table}')"), &[])?;
    let name = |row: Row| match row.into_iter().next() {
        Some(Value::Text(name)) => Ok(name),
        other => Err(format!("{table} has a column {other:?}")),
    };
    names.into_iter().map(name).collect()
}

fn rows(connection: &Connection, sql: &str, params: &[Value]) -> Result<Vec<Row>, String> {
    let mut statement = connection.prepare_cached(sql).map_err(|error| format!("{error}: {sql}"))?;
    let width = statement.column_count();
    let found = statement.query_map(rusqlite::params_from_iter(params), |row| {
        (0..width).map(|index| row.get::<_, Value>(index)).collect::<Result<Row, _>>()
    });
    found.and_then(Iterator::collect).map_err(|error| format!("{error}: {sql}"))
}

fn fts_rows(connection: &Connection, range: &[Value]) -> Result<Vec<Row>, String> {
    let texts = "select session_key, session_id, task_title, task_text from session_ledger \
                 where ledger_seq >= ?1 and ledger_seq < ?2";
    let line = |row: Row| {
        let mut every: Vec<String> = Vec::new();
        for value in &row[1..] {
            if let Value::Text(text) = value {
                every.extend(words(text));
            }
        }
        every.sort_unstable();
        every.dedup();
        vec![row[0].clone(), Value::Text(every.join(" "))]
    };
    Ok(rows(connection, texts, range)?.into_iter().map(line).collect())
}

/// The prepared statements of the loop.
struct Statements<'a> {
    tables: Vec<Statement<'a>>,
    add: Statement<'a>,
    find: Statement<'a>,
    put: Statement<'a>,
    state: Statement<'a>,
}

impl<'a> Statements<'a> {
    fn prepare(connection: &'a Connection, written: &Written) -> Result<Self, String> {
        let insert = |table: &str, columns: &[String]| {
            let places: Vec<String> = (1..=columns.len()).map(|place| format!("?{place}")).collect();
            format!("insert into {table} ({}) values ({})", columns.join(", "), places.join(", "))
        };
        let prepare = |sql: &str| connection.prepare(sql).map_err(|error| format!("{error}: {sql}"));
        let tables = TABLES.iter().zip(&written.columns).map(|((table, _), columns)| prepare(&insert(table, columns)));
        let sums = &written.sum_columns;
        // The first six name the cut, the last two say nothing that is added.
        let moved: Vec<String> =
            sums[6..sums.len() - 2].iter().map(|column| format!("{column} = {column} + excluded.{column}")).collect();
        let key = sums[..6].join(", ");
        let performance = columns_of(connection, "model_perf_agg")?;
        Ok(Self {
            tables: tables.collect::<Result<_, _>>()?,
            add: prepare(&format!(
                "{} on conflict ({key}) do update set {}",
                insert("daily_usage_agg", sums),
                moved.join(", ")
            ))?,
            find: prepare(&format!("select runtime_sketch, cost_sketch from model_perf_agg where {CUT}"))?,
            put: prepare(&insert("model_perf_agg", &performance).replacen("insert", "insert or replace", 1))?,
            state: prepare("update ledger_state set batches = batches + 1, next_seq = next_seq + ?1 where one = 1")?,
        })
    }

    fn write(&mut self, group: &Group) -> Result<(), String> {
        for part in &group.parts {
            for row in &part.rows {
                run(&mut self.tables[part.table], row)?;
            }
        }
        for row in &group.sums {
            run(&mut self.add, row)?;
        }
        for row in &group.performance {
            let found = self.find.query_row(rusqlite::params_from_iter(&row[..6]), |found| {
                Ok(found.get::<_, Vec<u8>>(0)?.len() + found.get::<_, Vec<u8>>(1)?.len())
            });
            if let Err(error) = found
                && error != rusqlite::Error::QueryReturnedNoRows
            {
                return Err(text(error));
            }
            run(&mut self.put, row)?;
        }
        run(&mut self.state, &[Value::Integer(i64::try_from(group.documents).unwrap_or(0))])
    }
}

fn run(statement: &mut Statement<'_>, row: &[Value]) -> Result<(), String> {
    for (index, value) in row.iter().enumerate() {
        statement.raw_bind_parameter(index + 1, value).map_err(text)?;
    }
    statement.raw_execute().map(drop).map_err(text)
}

fn open(path: &Path, synchronous: &str) -> Result<Connection, String> {
    let connection = Connection::open(path).map_err(text)?;
    let pragmas = format!(
        "pragma synchronous = {synchronous}; pragma cache_size = -32768; pragma wal_autocheckpoint = 16000; \
         pragma foreign_keys = on; pragma temp_store = memory"
    );
    connection.execute_batch(&pragmas).map_err(text)?;
    Ok(connection)
}

/// Writes everything in the groups that it came in. The database has the tables and nothing else.
///
/// # Errors
/// When it cannot be written.
pub fn raw_loop(path: &Path, synchronous: &str, written: &Written) -> Result<Duration, String> {
    let connection = open(path, synchronous)?;
    let mut statements = Statements::prepare(&connection, written)?;
    let begun = Instant::now();
    for group in &written.groups {
        connection.execute_batch("begin immediate").map_err(text)?;
        statements.write(group)?;
        connection.execute_batch("commit").map_err(text)?;
    }
    Ok(begun.elapsed())
}

/// The daily sums of a cut, counted anew from the rows of its sessions.
const RECOUNT: &str = "insert or replace into daily_usage_agg (basis, grain, bucket_at, agent_key, model_key, task_category_key, \
     runs_total, live_runs, unpriced_runs, runtime_ms_total, prompt_tokens, completion_tokens, total_tokens, input_uncached, \
     cache_read, cache_write_5m, cache_write_1h, cache_write, output, reasoning, web_search_requests, cost_nano_total, \
     token_reported, token_derived, token_missing, runtime_reported, runtime_derived, runtime_missing, cost_reported, \
     cost_derived, cost_missing, updated_at) \
     select ?1, ?2, ?3, ?4, ?5, ?6, count(*), total(l.status in ('queued', 'running')), total(u.cost_nano is null), \
     total(u.runtime_ms), total(u.prompt_tokens), total(u.completion_tokens), total(u.total_tokens), total(u.input_uncached), \
     total(u.cache_read), total(u.cache_write_5m), total(u.cache_write_1h), total(u.cache_write), total(u.output), \
     total(u.reasoning), total(u.web_search_requests), total(u.cost_nano), total(u.token_source = 'provider_reported'), \
     total(u.token_source = 'derived'), total(u.token_source = 'missing'), total(u.runtime_source = 'provider_reported'), \
     total(u.runtime_source = 'derived'), total(u.runtime_source = 'missing'), total(u.cost_source = 'provider_reported'), \
     total(u.cost_source = 'derived'), total(u.cost_source = 'missing'), 0 \
     from session_ledger l join session_usage u using (session_key) where l.agent_key = ?4 and l.started_at >= ?3 \
     and l.started_at < ?3 + 86400000000 and l.model_key = ?5 and l.task_category_key = ?6";

/// The older design: a transaction for each document, its rows, and the daily sums of its agent, model and category counted anew by reading
/// all sessions of that day. No tree over the ledger, no sums by hour or by call time, no histograms.
///
/// # Errors
/// When it cannot be written.
pub fn older_design(path: &Path, synchronous: &str, written: &Written) -> Result<Duration, String> {
    let connection = open(path, synchronous)?;
    let mut statements = Statements::prepare(&connection, written)?;
    let mut recount = connection.prepare(RECOUNT).map_err(text)?;
    let is_daily = |row: &&Row| row[0] == Value::Integer(0) && row[1] == Value::Integer(86_400);
    let begun = Instant::now();
    for group in &written.groups {
        connection.execute_batch("begin immediate").map_err(text)?;
        for part in group.parts.iter().filter(|part| !matches!(TABLES[part.table].0, "batches" | "tree_nodes")) {
            for row in &part.rows {
                run(&mut statements.tables[part.table], row)?;
            }
        }
        for row in group.sums.iter().filter(is_daily) {
            run(&mut recount, &row[..6])?;
        }
        connection.execute_batch("commit").map_err(text)?;
    }
    Ok(begun.elapsed())
}
