//! The rule about SQL: statements stand in `store` and in the `sql` modules of rooms, nowhere else.

use super::crates::ROOMS;
use super::problem::Problem;
use super::tree::{File, rust_files};

/// Things that `create`, `alter` and `drop` are about, after words like `unique` or `temporary`.
const OBJECTS: &[&str] =
    &["database", "extension", "function", "index", "role", "schema", "sequence", "table", "trigger", "type", "view"];

/// Words between `create` and the object.
const ADJECTIVES: &[&str] = &["materialized", "or", "replace", "temp", "temporary", "unique", "unlogged", "virtual"];

/// SQL outside its places.
pub fn places(files: &[File]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (file, rust) in rust_files(files) {
        if file.is_test() || may_hold_sql(file) {
            continue;
        }
        for range in &rust.strings {
            if is_statement(&file.text[range.clone()]) {
                let message = "SQL stands in crates/store or in the `sql` module of a room";
                problems.push(Problem::error(&file.path, file.line_at(range.start), "sql-places", message));
            }
        }
    }
    problems
}

fn may_hold_sql(file: &File) -> bool {
    let Some(name) = file.crate_name() else { return false };
    let in_module = file.path.ends_with("/src/sql.rs") || file.path.contains("/src/sql/");
    name == "store" || (ROOMS.contains(&name) && in_module)
}

/// Whether a literal is a statement. Statements are written in lower case; the second word tells them from sentences such as "create the
/// folder first".
fn is_statement(literal: &str) -> bool {
    let text = literal.replace("\\n", " ");
    let mut words = text.split_whitespace();
    let first = words.next().unwrap_or_default();
    let second = words.next().unwrap_or_default();
    let mut later = words.clone();
    match first {
        "select" => {
            let computed =
                second.contains('(') || second.starts_with(|c: char| c.is_ascii_digit() || "*?$'".contains(c));
            computed || second == "distinct" || later.any(|word| word == "from")
        }
        "insert" | "replace" => second == "into" || second == "or",
        "update" => later.any(|word| word == "set"),
        "delete" => second == "from",
        "with" => {
            second == "recursive" || later.any(|word| word == "as" || word.starts_with("as(")) && text.contains('(')
        }
        "create" | "alter" | "drop" => std::iter::once(second)
            .chain(later)
            .find(|word| !ADJECTIVES.contains(word))
            .is_some_and(|word| OBJECTS.contains(&word)),
        _ => false,
    }
}

#[cfg(test)]
#[path = "sql_text_tests.rs"]
mod tests;
