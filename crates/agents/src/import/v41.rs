//! The database of V4.1: its tables as the arrays that the file of V3 has.
//!
//! Columns are called as V4.1 made them (`session_id`), or as the wire calls them (`sessionId`). What a column says goes the way of the field of
//! that name, so a column that nobody knows refuses its row when it says something.

use std::path::Path;

use exhibit_model::json::{JsonLimits, parse_strict};
use exhibit_store::{ForeignError, ForeignFile, ForeignLimits, Value as Cell};
use serde_json::{Number, Value};

use super::ImportError;
use super::file::{Legacy, Part, ROWS_MAX, Row, Taken, hash_of};

/// Largest file in bytes. A row with its indexes and words takes some kilobytes on its pages, so a million of them fit.
pub(super) const FILE_BYTES_MAX: u64 = 4 << 30;

/// Largest value in bytes: twice what a whole document of the contract may have.
const VALUE_BYTES_MAX: i32 = 16 << 20;

/// Most bytes of all rows together: they are held in memory while sessions are put together.
const CONTENT_BYTES_MAX: u64 = 512 << 20;

/// The table of each part, under the names that it may have. A table that older versions of the schema did not have yet may be missing, the
/// first one may not.
const TABLES: [(Part, &[&str]); 5] = [
    (Part::Ledger, &["session_ledger", "sessionLedger"]),
    (Part::Events, &["session_events", "sessionEvents"]),
    (Part::Usage, &["session_usage", "sessionUsage"]),
    (Part::AlertRules, &["alert_rules", "alertRules"]),
    (Part::AlertStates, &["alert_state", "alertState"]),
];

/// Columns that the first table needs, or it is that of another program.
const NEEDED: [&str; 5] = ["sessionId", "agentId", "modelId", "status", "startedAt"];

/// Columns that hold JSON, and their names on the wire.
const JSON: [(&str, &str); 6] = [
    ("payloadJson", "payload"),
    ("scopeRefJson", "scopeRef"),
    ("scopeJson", "scope"),
    ("payload", "payload"),
    ("scopeRef", "scopeRef"),
    ("scope", "scope"),
];

/// Columns that hold 0 for no and 1 for yes.
const FLAGS: [&str; 2] = ["enabled", "deduped"];

/// Reads the tables of a file. What is wrong with it as a whole is an error; rows are only turned into objects.
pub(super) fn read(path: &Path) -> Result<Legacy, ImportError> {
    let source_hash = hash_of(path, FILE_BYTES_MAX)?;
    let parts = parts_of(path).map_err(|error| {
        let path = path.display().to_string();
        match error {
            ForeignError::Unreadable(source) => ImportError::Unreadable { path, source },
            ForeignError::TooLarge { max } => ImportError::TooLarge { path, max },
            ForeignError::Refused(reason) => ImportError::Malformed { path, reason },
        }
    })?;
    if hash_of(path, FILE_BYTES_MAX)? != source_hash {
        let reason = "it changed while it was read; end the program that writes it".to_owned();
        return Err(ImportError::Malformed { path: path.display().to_string(), reason });
    }
    Ok(Legacy { source_hash, parts })
}

fn parts_of(path: &Path) -> Result<[Vec<Taken>; 5], ForeignError> {
    let limits = ForeignLimits {
        file_bytes_max: FILE_BYTES_MAX,
        value_bytes_max: VALUE_BYTES_MAX,
        rows_max: u64::try_from(ROWS_MAX).unwrap_or(u64::MAX),
        content_bytes_max: CONTENT_BYTES_MAX,
    };
    let mut file = ForeignFile::open(path, limits)?;
    let mut parts: [Vec<Taken>; 5] = Default::default();
    for (part, names) in TABLES {
        let Some((table, columns)) = table_of(&file, names)? else {
            if part == Part::Ledger {
                return Err(ForeignError::Refused(format!("it has no table `{}`", names[0])));
            }
            continue;
        };
        let fields: Vec<String> = columns.iter().map(|column| camel_case(column)).collect();
        if let Some(missing) = NEEDED.iter().find(|field| !fields.iter().any(|known| known == *field))
            && part == Part::Ledger
        {
            return Err(ForeignError::Refused(format!("`{table}` has no column for `{missing}`")));
        }
        let rows = &mut parts[part as usize];
        file.each(table, &columns, &mut |cells| rows.push(row_of(&fields, cells)))?;
    }
    Ok(parts)
}

fn table_of(file: &ForeignFile, names: &[&'static str]) -> Result<Option<(&'static str, Vec<String>)>, ForeignError> {
    for name in names {
        if let Some(columns) = file.columns(name)? {
            return Ok(Some((name, columns)));
        }
    }
    Ok(None)
}

/// `started_at` as the wire calls it; a name that has no such part stays.
fn camel_case(column: &str) -> String {
    let mut name = String::with_capacity(column.len());
    let mut is_first = false;
    for letter in column.chars() {
        match letter {
            '_' if !name.is_empty() => is_first = true,
            letter if is_first => {
                is_first = false;
                name.extend(letter.to_uppercase());
            }
            letter => name.push(letter),
        }
    }
    name
}

/// A row as the object that the file of V3 would hold; what is not there is left out.
fn row_of(fields: &[String], cells: Vec<Cell>) -> Taken {
    let mut row = Row::new();
    for (field, cell) in fields.iter().zip(cells) {
        let Some((name, value)) = field_of(field, cell)? else { continue };
        if row.insert(name, value).is_some() {
            return Err(format!("{field} stands there twice"));
        }
    }
    Ok(row)
}

fn field_of(field: &str, cell: Cell) -> Result<Option<(String, Value)>, String> {
    if let Some((_, name)) = JSON.iter().find(|(column, _)| *column == field) {
        return Ok(json_of(field, cell)?.map(|value| ((*name).to_owned(), value)));
    }
    let value = match cell {
        Cell::Null => return Ok(None),
        Cell::Int(number @ (0 | 1)) if FLAGS.contains(&field) => Value::Bool(number == 1),
        Cell::Int(number) => Value::from(number),
        Cell::Real(number) => {
            Value::Number(Number::from_f64(number).ok_or_else(|| format!("{field} must be a finite number"))?)
        }
        Cell::Text(text) => Value::String(text),
        _ => return Err(format!("{field} must be text or a number")),
    };
    Ok(Some((field.to_owned(), value)))
}

/// What a column of JSON says; V4.1 took an empty one for one that says nothing.
fn json_of(field: &str, cell: Cell) -> Result<Option<Value>, String> {
    let text = match cell {
        Cell::Null => return Ok(None),
        Cell::Text(text) if text.is_empty() => return Ok(None),
        Cell::Text(text) => text,
        _ => return Err(format!("{field} must be JSON")),
    };
    let limits = JsonLimits::of_bytes(text.len());
    parse_strict(text.as_bytes(), &limits).map(Some).map_err(|findings| format!("{field} must be JSON: {findings}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_called_as_the_wire_calls_them() {
        for (column, name) in [
            ("session_id", "sessionId"),
            ("sessionId", "sessionId"),
            ("status", "status"),
            ("cost_confidence_level", "costConfidenceLevel"),
            ("_hidden", "_hidden"),
            ("odd__one_", "oddOne"),
            ("größe_ß", "größeSS"),
            ("", ""),
        ] {
            assert_eq!(camel_case(column), name, "{column}");
        }
    }

    #[test]
    fn cells_become_fields_or_say_why_not() {
        let text = |text: &str| Cell::Text(text.to_owned());
        for (column, cell, value) in [
            ("enabled", Cell::Int(1), Some(Value::Bool(true))),
            ("deduped", Cell::Int(0), Some(Value::Bool(false))),
            ("enabled", Cell::Int(2), Some(Value::from(2))),
            ("payloadJson", text(r#"{"a":1}"#), Some(serde_json::json!({"a": 1}))),
            ("scopeRefJson", text(""), None),
            ("costUsd", Cell::Real(0.5), Some(Value::from(0.5))),
            ("status", Cell::Null, None),
            ("taskTitle", text(""), Some(Value::from(""))),
        ] {
            assert_eq!(field_of(column, cell.clone()).unwrap().map(|field| field.1), value, "{column} {cell:?}");
        }
        for (column, cell, reason) in [
            ("costUsd", Cell::Real(f64::INFINITY), "costUsd must be a finite number"),
            ("status", Cell::Bytes(vec![1]), "status must be text or a number"),
            ("payloadJson", Cell::Int(1), "payloadJson must be JSON"),
        ] {
            assert_eq!(field_of(column, cell).unwrap_err(), reason);
        }
        let twice = ["payload".to_owned(), "payloadJson".to_owned()];
        assert_eq!(row_of(&twice, vec![text("{}"), text("{}")]).unwrap_err(), "payloadJson stands there twice");
    }
}
