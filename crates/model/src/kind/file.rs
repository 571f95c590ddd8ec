//! The kind file as it is written, and the checks between its text and a declaration.

use serde::Deserialize;
use serde_json::Value;

use super::{
    COLUMN_NAME_BYTES_MAX, COLUMNS_MAX, Column, ColumnType, INDEX_COLUMNS_MAX, INDEXES_MAX, KindName, Presence,
    RESERVED_COLUMNS, Retention, Subject, is_word,
};
use crate::findings::Findings;
use crate::json::pointer_push;

/// The kind file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KindFile {
    pub(super) kind: KindName,
    pub(super) version: u32,
    pub(super) title: String,
    pub(super) subject: Subject,
    pub(super) retention: Retention,
    pub(super) blob: Presence,
    pub(super) span: Presence,
    pub(super) schema: Value,
    pub(super) projection: ProjectionFile,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProjectionFile {
    pub(super) columns: Vec<ColumnFile>,
    #[serde(default)]
    pub(super) indexes: Vec<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ColumnFile {
    name: String,
    #[serde(rename = "type")]
    column_type: ColumnType,
    pointer: String,
}

pub(super) fn check_columns(files: &[ColumnFile], findings: &mut Findings) -> Vec<Column> {
    if files.len() > COLUMNS_MAX {
        let message = format!("{} columns; at most {COLUMNS_MAX} are allowed", files.len());
        findings.add("/projection/columns", "too_many_columns", message);
        return Vec::new();
    }
    let mut columns: Vec<Column> = Vec::with_capacity(files.len());
    for (index, file) in files.iter().enumerate() {
        let place = format!("/projection/columns/{index}");
        if !is_word(&file.name) || file.name.len() > COLUMN_NAME_BYTES_MAX {
            let message = "a column is named by a-z, 0-9 and _, starts with a letter and has at most 40 bytes";
            findings.add(format!("{place}/name"), "bad_column", message);
        }
        if RESERVED_COLUMNS.contains(&file.name.as_str()) {
            let message = format!("`{}` is a column of every projection", file.name);
            findings.add(format!("{place}/name"), "reserved_column", message);
        }
        if columns.iter().any(|column| column.name == file.name) {
            findings.add(format!("{place}/name"), "duplicate_column", "the name is used by an earlier column");
        }
        let tokens = pointer_tokens(&file.pointer).unwrap_or_else(|| {
            findings.add(
                format!("{place}/pointer"),
                "bad_column",
                "not a JSON pointer (RFC 6901) to a part of the payload",
            );
            Vec::new()
        });
        let (name, pointer) = (file.name.clone(), file.pointer.clone());
        columns.push(Column { name, column_type: file.column_type, pointer, tokens });
    }
    columns
}

/// The unescaped tokens of a pointer; `None` when it is none, or points to the whole document.
fn pointer_tokens(pointer: &str) -> Option<Vec<String>> {
    let tokens = pointer.strip_prefix('/')?.split('/');
    tokens
        .map(|token| {
            let escapes_known = token.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
            escapes_known.then(|| token.replace("~1", "/").replace("~0", "~"))
        })
        .collect()
}

pub(super) fn check_indexes(projection: &ProjectionFile, findings: &mut Findings) {
    if projection.indexes.len() > INDEXES_MAX {
        let message = format!("{} indexes; at most {INDEXES_MAX} are allowed", projection.indexes.len());
        findings.add("/projection/indexes", "too_many_indexes", message);
        return;
    }
    for (index, names) in projection.indexes.iter().enumerate() {
        let place = format!("/projection/indexes/{index}");
        if names.is_empty() || names.len() > INDEX_COLUMNS_MAX {
            findings.add(place, "bad_index", format!("an index has 1 to {INDEX_COLUMNS_MAX} columns"));
            continue;
        }
        if projection.indexes[..index].contains(names) {
            findings.add(place.as_str(), "bad_index", "an earlier index has the same columns");
        }
        for (position, name) in names.iter().enumerate() {
            let known = RESERVED_COLUMNS.contains(&name.as_str())
                || projection.columns.iter().any(|column| column.name == *name);
            if !known {
                findings.add(format!("{place}/{position}"), "bad_index", "there is no column of that name");
            } else if names[..position].contains(name) {
                findings.add(format!("{place}/{position}"), "bad_index", "the column is already part of the index");
            }
        }
    }
}

/// The schema is an object and nothing in it is fetched from elsewhere. Its own grammar is checked where it is compiled.
pub(super) fn check_schema(schema: &Value, findings: &mut Findings) {
    if !schema.is_object() {
        findings.add("/schema", "bad_declaration", "the schema is not a JSON object");
    }
    let mut pointer = String::from("/schema");
    check_refs(schema, &mut pointer, findings);
}

fn check_refs(value: &Value, pointer: &mut String, findings: &mut Findings) {
    let length = pointer.len();
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                pointer_push(pointer, key);
                let refers = matches!(key.as_str(), "$ref" | "$dynamicRef" | "$recursiveRef");
                match member {
                    Value::String(target) if refers && !target.starts_with('#') => {
                        findings.add(
                            pointer.as_str(),
                            "remote_ref",
                            "only references within the schema (`#...`) are allowed",
                        );
                    }
                    _ => check_refs(member, pointer, findings),
                }
                pointer.truncate(length);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointer_push(pointer, &index.to_string());
                check_refs(item, pointer, findings);
                pointer.truncate(length);
            }
        }
        _ => {}
    }
}
