//! The ledger as it is listed: any filter, three orders, words.

use exhibit_model::time::Timestamp;
use exhibit_store::value::intern;
use exhibit_store::{Backend, FromRow, Read, Row, Sql, StoreError, Value, params};

use super::dims::{self, DimKind, UNCATEGORIZED};
use super::sessions::state;
use super::words;
use crate::state::SessionState;

/// Which sessions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Of this agent.
    pub agent: Option<String>,
    /// In this state; a word that is no state finds nothing.
    pub status: Option<String>,
    /// With this model.
    pub model: Option<String>,
    /// Of this category.
    pub category: Option<String>,
    /// Begun at this moment or later.
    pub from: Option<Timestamp>,
    /// Begun before this moment.
    pub before: Option<Timestamp>,
    /// With these words or this text.
    pub text: Option<Text>,
}

/// How a text is looked for in id, title and task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    /// Each word of it begins a word there.
    Words(String),
    /// It stands there as it is; letters from A to Z in any case.
    Substring(String),
}

/// In which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// The newest start first; those that were taken in later before those with the same start.
    #[default]
    Newest,
    /// The longest first, then the newest.
    Runtime,
    /// The most expensive first, then the newest; unknown costs last.
    Cost,
}

impl Sort {
    /// What a word means.
    pub fn of_word(word: &str) -> Option<Self> {
        match word {
            "newest" => Some(Self::Newest),
            "runtime" => Some(Self::Runtime),
            "cost" => Some(Self::Cost),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Runtime => "runtime",
            Self::Cost => "cost",
        }
    }

    /// What is ordered by, each from the greatest down. The indexes session_started, session_runtime and usage_cost have it.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Newest => &["l.started_at", "l.session_key"],
            Self::Runtime => &["l.runtime_ms", "l.started_at", "l.session_key"],
            Self::Cost => &["coalesce(u.cost_nano, -1)", "u.started_at", "u.session_key"],
        }
    }
}

/// A session as a list shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedSession {
    /// Its key in the database.
    pub session_key: i64,
    /// Its id.
    pub session_id: String,
    /// The run of the agent's own system.
    pub run_id: Option<String>,
    /// The agent.
    pub agent_id: String,
    /// The agent, for people.
    pub agent_label: String,
    /// The model.
    pub model_id: String,
    /// The task in a line.
    pub task_title: Option<String>,
    /// The task in full.
    pub task_text: Option<String>,
    /// What sort of task it is.
    pub task_category: Option<String>,
    /// Where it stands.
    pub status: SessionState,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Milliseconds.
    pub runtime_ms: i64,
    /// Things that it made.
    pub artifact_count: i64,
    /// A word for what went wrong.
    pub error_code: Option<String>,
    /// What went wrong.
    pub error_message: Option<String>,
    /// Version of what sent it.
    pub source_version: Option<String>,
    /// When the stored revision was recorded.
    pub ingested_at: Timestamp,
}

const COLUMNS: &str = "l.session_key, l.session_id, l.run_id, agents.value, l.agent_label, models.value, l.task_title, \
     l.task_text, l.task_category_key, categories.value, l.status, l.started_at, l.ended_at, l.runtime_ms, l.artifact_count, \
     l.error_code, l.error_message, l.source_version, l.ingested_at";

const NAMES: &str = "join agent_dims agents on agents.dim_key = l.agent_key \
     join agent_dims models on models.dim_key = l.model_key \
     join agent_dims categories on categories.dim_key = l.task_category_key";

/// A statement that is put together: its text, what it is called after, and what it is given.
#[derive(Clone)]
struct Question {
    backend: Backend,
    conditions: Vec<String>,
    name: String,
    params: Vec<Value>,
    /// Whether words are asked for.
    has_words: bool,
}

impl Question {
    /// `None` when nothing can be found: a name that nobody has, or no word in the text.
    fn of(read: &Read<'_>, filter: &Filter) -> Result<Option<Self>, StoreError> {
        let (conditions, name, params) = (Vec::new(), String::new(), Vec::new());
        let mut question = Self { backend: read.backend(), conditions, name, params, has_words: false };
        for (kind, wanted, column) in [
            (DimKind::Agent, &filter.agent, "agent_key"),
            (DimKind::Model, &filter.model, "model_key"),
            (DimKind::Category, &filter.category, "task_category_key"),
        ] {
            if let Some(wanted) = wanted {
                let Some(key) = dims::find(read, kind, wanted)? else { return Ok(None) };
                question.add(column, &format!("l.{column} = $"), key.into());
            }
        }
        if let Some(word) = &filter.status {
            if !SessionState::EVERY.iter().any(|state| state.as_str() == word) {
                return Ok(None);
            }
            question.add("status", "l.status = $", word.as_str().into());
        }
        if let Some(from) = filter.from {
            question.add("from", "l.started_at >= $", from.0.into());
        }
        if let Some(before) = filter.before {
            question.add("before", "l.started_at < $", before.0.into());
        }
        match &filter.text {
            None => {}
            Some(Text::Words(text)) => {
                let Some(words) = words::question(read, text)? else { return Ok(None) };
                let condition = match question.backend {
                    Backend::Sqlite => "l.session_key in (select rowid from session_fts where session_fts match $)",
                    Backend::Postgres => {
                        "l.session_key in (select session_key from session_words where words @@ $::text::tsquery)"
                    }
                };
                question.add("words", condition, words.into());
                question.has_words = true;
            }
            Some(Text::Substring(text)) => {
                let within = match question.backend {
                    Backend::Sqlite => "instr(lower({}), $) > 0",
                    Backend::Postgres => "position($ in lower({})) > 0",
                };
                let each = ["l.session_id", "coalesce(l.task_title, '')", "coalesce(l.task_text, '')"];
                let any: Vec<String> = each.iter().map(|column| within.replace("{}", column)).collect();
                question.add("substring", &format!("({})", any.join(" or ")), text.to_ascii_lowercase().into());
            }
        }
        Ok(Some(question))
    }

    fn page(&self, sort: Sort, place: Place, limit: i64) -> (Sql, Vec<Value>) {
        let keys = sort.keys();
        let mut question = self.clone();
        if let Place::After(session_key) = place {
            let found = format!(
                "select {} from session_ledger l join session_usage u on u.session_key = l.session_key where l.session_key = $",
                keys.join(", ")
            );
            question.add("after", &format!("({}) < ({found})", keys.join(", ")), session_key.into());
        }
        let order = keys.iter().map(|key| format!("{key} desc")).collect::<Vec<_>>().join(", ");
        let usage = if sort == Sort::Cost { " join session_usage u on u.session_key = l.session_key" } else { "" };
        let (limit_place, offset_place) = (question.params.len() + 1, question.params.len() + 2);
        let filtered = question.filtered();
        let paged = format!("{filtered} order by {order} limit ${limit_place} offset ${offset_place}");
        let text = if self.has_words {
            // What words find comes in no order and is sorted: the keys alone, and only the page is read in full.
            format!(
                "select {COLUMNS} from (select l.session_key as wanted_key from session_ledger l{usage}{paged}) wanted \
                 join session_ledger l on l.session_key = wanted_key {NAMES}{usage} order by {order}"
            )
        } else {
            format!("select {COLUMNS} from session_ledger l {NAMES}{usage}{paged}")
        };
        let sql = question.sql(&format!("page_{}", sort.name()), text);
        let offset = if let Place::Offset(offset) = place { offset } else { 0 };
        question.params.extend([Value::Int(limit), Value::Int(offset)]);
        (sql, question.params)
    }

    /// A condition whose `$` are the place of one value.
    fn add(&mut self, name: &str, condition: &str, value: Value) {
        self.params.push(value);
        self.name.push('_');
        self.name.push_str(name);
        let place = format!("${}", self.params.len());
        self.conditions.push(condition.replace('$', &place));
    }

    fn filtered(&self) -> String {
        match self.conditions.is_empty() {
            true => String::new(),
            false => format!(" where {}", self.conditions.join(" and ")),
        }
    }

    fn count(&self, read: &Read<'_>) -> Result<i64, StoreError> {
        // When words are all that is asked for, their index counts by itself.
        let text = match (self.has_words && self.conditions.len() == 1, self.backend) {
            (true, Backend::Sqlite) => "select count(*) from session_fts where session_fts match $1".to_owned(),
            (true, Backend::Postgres) => {
                "select count(*) from session_words where words @@ $1::text::tsquery".to_owned()
            }
            (false, _) => format!("select count(*) from session_ledger l{}", self.filtered()),
        };
        Ok(read.one::<(i64,)>(&self.sql("count", text), &self.params)?.map_or(0, |row| row.0))
    }

    fn sql(&self, what: &str, text: String) -> Sql {
        // One name for each combination of filters and orders: some hundreds.
        let name = intern(format!("agents_ledger_{what}{}", self.name));
        Sql { name, sqlite: text.clone().into(), postgres: text.into() }
    }
}

/// How many sessions there are.
///
/// # Errors
/// When the database cannot be read.
pub fn count(read: &Read<'_>, filter: &Filter) -> Result<i64, StoreError> {
    match Question::of(read, filter)? {
        Some(question) => question.count(read),
        None => Ok(0),
    }
}

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// After so many sessions.
    Offset(i64),
    /// After the session with this key.
    After(i64),
}

/// A page of them; `limit` at most.
///
/// # Errors
/// When the database cannot be read.
pub fn page(
    read: &Read<'_>,
    filter: &Filter,
    sort: Sort,
    place: Place,
    limit: i64,
) -> Result<Vec<ListedSession>, StoreError> {
    match statement(read, filter, sort, place, limit)? {
        Some((sql, params)) => read.all(&sql, &params),
        None => Ok(Vec::new()),
    }
}

/// A page of them, `limit` at most, and how many there are in all.
///
/// # Errors
/// When the database cannot be read.
pub fn page_of_all(
    read: &Read<'_>,
    filter: &Filter,
    sort: Sort,
    place: Place,
    limit: i64,
) -> Result<(Vec<ListedSession>, i64), StoreError> {
    let Some(question) = Question::of(read, filter)? else { return Ok((Vec::new(), 0)) };
    let (sql, params) = question.page(sort, place, limit);
    let found: Vec<ListedSession> = read.all(&sql, &params)?;
    let length = i64::try_from(found.len()).unwrap_or(i64::MAX);
    let total = if place == Place::Offset(0) && length < limit { length } else { question.count(read)? };
    Ok((found, total))
}

/// The statement of a page, with its values; `None` when nothing can be found. A test looks at its plan.
///
/// # Errors
/// When the database cannot be read.
pub fn statement(
    read: &Read<'_>,
    filter: &Filter,
    sort: Sort,
    place: Place,
    limit: i64,
) -> Result<Option<(Sql, Vec<Value>)>, StoreError> {
    Ok(Question::of(read, filter)?.map(|question| question.page(sort, place, limit)))
}

/// The session with an id.
///
/// # Errors
/// When the database cannot be read.
pub fn find(read: &Read<'_>, session_id: &str) -> Result<Option<ListedSession>, StoreError> {
    static FIND: std::sync::LazyLock<Sql> = std::sync::LazyLock::new(|| {
        // Uses the unique index of id_hash.
        let text = format!("select {COLUMNS} from session_ledger l {NAMES} where l.id_hash = $1 and l.session_id = $2");
        Sql { name: "agents_ledger_find", sqlite: text.clone().into(), postgres: text.into() }
    });
    read.one(&FIND, params![super::sessions::id_hash(session_id), session_id])
}

impl FromRow for ListedSession {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let category: i64 = row.get(8)?;
        let name: String = row.get(9)?;
        Ok(Self {
            session_key: row.get(0)?,
            session_id: row.get(1)?,
            run_id: row.get(2)?,
            agent_id: row.get(3)?,
            agent_label: row.get(4)?,
            model_id: row.get(5)?,
            task_title: row.get(6)?,
            task_text: row.get(7)?,
            task_category: (category != UNCATEGORIZED).then_some(name),
            status: state(&row.get::<String>(10)?)?,
            started_at: Timestamp(row.get(11)?),
            ended_at: row.get::<Option<i64>>(12)?.map(Timestamp),
            runtime_ms: row.get(13)?,
            artifact_count: row.get(14)?,
            error_code: row.get(15)?,
            error_message: row.get(16)?,
            source_version: row.get(17)?,
            ingested_at: Timestamp(row.get(18)?),
        })
    }
}
