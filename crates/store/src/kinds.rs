//! Registered kinds: the declaration, its compiled validator and the statements of its projection table.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use exhibit_model::findings::Findings;
use exhibit_model::json::pointer_push;
use exhibit_model::kind::{Cell, ColumnType, KindDeclaration};
use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, ValidationError};
use serde_json::Value as Json;

use crate::error::StoreError;
use crate::session::Tx;
use crate::sql::kinds as sql;
use crate::value::{Sql, Value, intern};

/// A kind that the gate knows.
pub struct Kind {
    /// Its key in the database.
    pub key: i64,
    /// The room it belongs to; `plugin:<name>` for that of a plug-in, empty for a user's own.
    pub room: String,
    /// What it looks like.
    pub declaration: KindDeclaration,
    /// Compiled when the first payload comes: most commands of a person check none, and patterns are slow to compile.
    validator: OnceLock<Option<jsonschema::Validator>>,
    pub(crate) insert_projection: Sql,
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Kind({} v{})", self.declaration.kind, self.declaration.version)
    }
}

impl Kind {
    /// A kind that is registered. Its schema was compiled once, when it came.
    pub(crate) fn new(key: i64, room: &str, declaration: KindDeclaration) -> Self {
        let insert_projection = insert_projection(&declaration);
        Self { key, room: room.to_owned(), declaration, validator: OnceLock::new(), insert_projection }
    }

    /// A kind that is registered now, with a schema that compiles.
    fn compiled(key: i64, room: &str, declaration: KindDeclaration) -> Result<Self, StoreError> {
        let validator = compile(&declaration).map_err(|error| {
            StoreError::Refused(format!("the schema of {} is not valid: {error}", declaration.kind))
        })?;
        let kind = Self::new(key, room, declaration);
        // Empty until now, so it takes what it is given.
        kind.validator.set(Some(validator)).ok();
        Ok(kind)
    }

    /// The name of the kind.
    pub fn name(&self) -> &str {
        self.declaration.kind.as_str()
    }

    /// Checks a payload against the schema. Pointers in the findings start with `prefix`.
    pub fn check(&self, payload: &Json, prefix: &str) -> Findings {
        let mut findings = Findings::new();
        let Some(validator) = self.validator.get_or_init(|| compile(&self.declaration).ok()) else {
            // Not since it was registered by a build that could compile it.
            findings.add(prefix, "schema", "the schema of the kind cannot be compiled by this build");
            return findings;
        };
        if validator.is_valid(payload) {
            return findings;
        }
        for error in validator.iter_errors(payload) {
            let pointer = format!("{prefix}{}", error.instance_path());
            let (code, message) = match error.kind() {
                ValidationErrorKind::AdditionalProperties { unexpected }
                | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
                    for name in unexpected {
                        let mut place = pointer.clone();
                        pointer_push(&mut place, name);
                        findings.add(place, "unknown_field", "this field is not in the schema");
                    }
                    continue;
                }
                ValidationErrorKind::Required { property } => {
                    ("missing_field", format!("the field {property} is required"))
                }
                ValidationErrorKind::Enum { options } => {
                    ("unknown_value", format!("the value is not one of {options}"))
                }
                ValidationErrorKind::Constant { expected_value } => {
                    ("unknown_value", format!("the value is not {expected_value}"))
                }
                ValidationErrorKind::Type { .. } => ("wrong_type", error.masked().to_string()),
                _ => ("schema", error.masked().to_string()),
            };
            findings.add(pointer, code, message);
        }
        findings
    }

    /// The row of the projection table for a record.
    pub(crate) fn projection_row(
        &self,
        seq: i64,
        asset: Option<i64>,
        span: Option<(i64, i64)>,
        cells: &[Cell],
    ) -> Vec<Value> {
        let mut row = Vec::with_capacity(cells.len() + 4);
        row.push(Value::Int(seq));
        row.push(asset.into());
        row.push(span.map(|span| span.0).into());
        row.push(span.map(|span| span.1).into());
        row.extend(cells.iter().map(|cell| match cell {
            Cell::Null => Value::Null,
            Cell::Int(number) | Cell::Timestamp(number) => Value::Int(*number),
            // The canonical form has no negative zero; adding makes it the other one.
            Cell::Real(number) => Value::Real(*number + 0.0),
            Cell::Text(text) => Value::Text(text.clone()),
            Cell::Bool(value) => Value::Int(i64::from(*value)),
        }));
        row
    }
}

/// The columns of a projection table, the fixed ones first.
pub(crate) fn columns(declaration: &KindDeclaration) -> Vec<String> {
    let fixed = ["seq", "asset", "span_start_ms", "span_end_ms"].map(str::to_owned);
    fixed.into_iter().chain(declaration.columns.iter().map(|column| column.name.clone())).collect()
}

fn insert_projection(declaration: &KindDeclaration) -> Sql {
    let table = declaration.table_name();
    let columns = columns(declaration);
    let places: Vec<String> = (1..=columns.len()).map(|place| format!("${place}")).collect();
    let arrays: Vec<String> = std::iter::repeat_n("bigint", 4)
        .chain(declaration.columns.iter().map(|column| postgres_type(column.column_type)))
        .enumerate()
        .map(|(index, column_type)| format!("${}::{column_type}[]", index + 1))
        .collect();
    let list = columns.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    Sql {
        name: intern(format!("insert_{table}")),
        sqlite: format!("insert into \"{table}\" ({list}) values ({})", places.join(", ")).into(),
        postgres: format!("insert into \"{table}\" ({list}) select * from unnest({})", arrays.join(", ")).into(),
    }
}

pub(crate) fn postgres_type(column_type: ColumnType) -> &'static str {
    match column_type {
        ColumnType::Int | ColumnType::Bool | ColumnType::Timestamp => "bigint",
        ColumnType::Real => "float8",
        ColumnType::Text => "text",
    }
}

/// All kinds that the gate knows.
#[derive(Default)]
pub struct Kinds(RwLock<Registered>);

#[derive(Default)]
struct Registered {
    by_name: BTreeMap<(String, u32), Arc<Kind>>,
    by_key: BTreeMap<i64, Arc<Kind>>,
}

impl Kinds {
    /// The kind of that name and version.
    pub fn get(&self, name: &str, version: u32) -> Option<Arc<Kind>> {
        let registered = self.0.read().unwrap_or_else(PoisonError::into_inner);
        registered.by_name.get(&(name.to_owned(), version)).cloned()
    }

    /// The kind with that key.
    pub fn by_key(&self, key: i64) -> Option<Arc<Kind>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).by_key.get(&key).cloned()
    }

    /// True when some version of the kind is known.
    pub fn knows_name(&self, name: &str) -> bool {
        let registered = self.0.read().unwrap_or_else(PoisonError::into_inner);
        registered.by_name.keys().any(|(known, _)| known == name)
    }

    /// Every kind, by name and version.
    pub fn every(&self) -> Vec<Arc<Kind>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).by_name.values().cloned().collect()
    }

    pub(crate) fn add(&self, kind: Arc<Kind>) {
        let mut registered = self.0.write().unwrap_or_else(PoisonError::into_inner);
        registered.by_key.insert(kind.key, Arc::clone(&kind));
        registered.by_name.insert((kind.name().to_owned(), kind.declaration.version), kind);
    }
}

/// Registers a kind file of an owner that is no room. A name, in whatever version, belongs to whom it came with first.
///
/// # Errors
/// When the name belongs to another, and those of [`register`].
pub(crate) fn register_owned(tx: &mut Tx<'_>, owner: &str, file: &[u8]) -> Result<Kind, StoreError> {
    let declaration = KindDeclaration::parse(file)
        .map_err(|findings| StoreError::Refused(format!("the kind file is not valid: {findings}")))?;
    let name = declaration.kind.as_str();
    if let Some(other) = sql::owner(tx, name)?.filter(|other| other != owner) {
        let other = if other.is_empty() { "the user" } else { &other };
        return Err(StoreError::Refused(format!("the kind {name} belongs to {other}; take another name")));
    }
    register(tx, owner, file)
}

/// Registers a kind file in the database, with its projection table. Registering the same content again changes nothing.
///
/// # Errors
/// When the file is not a kind, or another file is registered under the same name and version.
pub(crate) fn register(tx: &mut Tx<'_>, room: &str, file: &[u8]) -> Result<Kind, StoreError> {
    let declaration = KindDeclaration::parse(file)
        .map_err(|findings| StoreError::Refused(format!("the kind file is not valid: {findings}")))?;
    let name = declaration.kind.as_str().to_owned();
    if let Some((key, digest)) = sql::find(tx, &name, declaration.version)? {
        if digest != declaration.digest {
            return Err(StoreError::Refused(format!(
                "kind {name} version {} is already registered with other content; raise its version",
                declaration.version
            )));
        }
        return Ok(Kind::new(key, room, declaration));
    }
    let key = sql::insert(tx, room, &declaration, file)?;
    sql::create_projection(tx, &declaration)?;
    Kind::compiled(key, room, declaration)
}

fn compile(declaration: &KindDeclaration) -> Result<jsonschema::Validator, ValidationError<'_>> {
    // A pattern must never take longer than its text is long, so there are no back-references and no looking around.
    jsonschema::draft202012::options().with_pattern_options(PatternOptions::regex()).build(&declaration.schema)
}
