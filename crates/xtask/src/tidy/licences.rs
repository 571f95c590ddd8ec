//! The rule about licences: everything that ends in the program allows it, whoever uses the program.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::metadata::{list, members, text};
use super::problem::Problem;
use super::tree::File;

/// Licences (SPDX) that ask for no more than their text.
const PERMISSIVE: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "IJG",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Unlicense",
    "Zlib",
];

/// Our crates whose dependencies never reach a user.
const DEVELOPMENT: &[&str] = &["exhibit-bench", "exhibit-fuzz", "exhibit-testkit", "xtask"];

/// Linked crates whose licence is not known to be permissive.
pub fn permissive(metadata: &Value, files: &[File]) -> Vec<Problem> {
    let lock = files.iter().find(|file| file.path == "Cargo.lock").map_or("", |file| file.text.as_str());
    let linked = linked(metadata);
    let mut problems = Vec::new();
    for package in list(metadata, "packages").filter(|package| linked.contains(text(package, "id"))) {
        let (name, licence) = (text(package, "name"), text(package, "license"));
        if !allows(licence) {
            let shown = if licence.is_empty() { "no licence" } else { licence };
            let entry = format!("name = \"{name}\"");
            let line = lock.lines().position(|line| line == entry).map_or(1, |index| index + 1);
            let message = format!("`{name}` has {shown}, which is not on the list of permissive licences");
            problems.push(Problem::error("Cargo.lock", line, "licences", message));
        }
    }
    problems
}

/// The ids of all packages that our programs need outside their tests.
fn linked(metadata: &Value) -> BTreeSet<&str> {
    let nodes: BTreeMap<&str, &Value> =
        list(&metadata["resolve"], "nodes").map(|node| (text(node, "id"), node)).collect();
    let ours = members(metadata).filter(|package| !DEVELOPMENT.contains(&text(package, "name")));
    let mut waiting: Vec<&str> = ours.map(|package| text(package, "id")).collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        let Some(node) = nodes.get(id).filter(|_| seen.insert(id)) else { continue };
        let needed = list(node, "deps").filter(|edge| list(edge, "dep_kinds").any(|kind| kind["kind"] != "dev"));
        waiting.extend(needed.map(|edge| text(edge, "pkg")));
    }
    seen
}

/// Whether an SPDX expression lets us use the crate under permissive licences alone. `/` is an old way to write `OR`.
fn allows(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = tokens.as_slice();
    any_of(&mut rest).is_some_and(|allowed| allowed && rest.is_empty())
}

/// Reads alternatives; `None` when the expression is broken, whatever it would allow.
fn any_of(rest: &mut &[&str]) -> Option<bool> {
    let mut allowed = all_of(rest)?;
    while let Some(after) = rest.strip_prefix(&["OR"]) {
        *rest = after;
        allowed |= all_of(rest)?;
    }
    Some(allowed)
}

fn all_of(rest: &mut &[&str]) -> Option<bool> {
    let mut allowed = one(rest)?;
    while let Some(after) = rest.strip_prefix(&["AND"]) {
        *rest = after;
        allowed &= one(rest)?;
    }
    Some(allowed)
}

fn one(rest: &mut &[&str]) -> Option<bool> {
    match *rest {
        ["(", after @ ..] => {
            *rest = after;
            let allowed = any_of(rest)?;
            *rest = rest.strip_prefix(&[")"])?;
            Some(allowed)
        }
        [licence, "WITH", exception, after @ ..] => {
            *rest = after;
            Some(PERMISSIVE.contains(&format!("{licence} WITH {exception}").as_str()))
        }
        [licence, after @ ..] => {
            *rest = after;
            Some(PERMISSIVE.contains(licence))
        }
        [] => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn expressions() {
        let good = [
            "MIT",
            "MIT OR Apache-2.0",
            "MIT/Apache-2.0",
            "GPL-3.0 OR MIT",
            "(MIT OR GPL-2.0) AND Zlib",
            "Apache-2.0 WITH LLVM-exception OR GPL-2.0",
            "Zlib OR Apache-2.0 OR MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
        ];
        for licence in good {
            assert!(allows(licence), "{licence}");
        }
        for licence in ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT", "MIT)", "MIT OR", "MPL-2.0", "MIT Apache-2.0", "()"] {
            assert!(!allows(licence), "{licence}");
        }
    }

    #[test]
    fn only_what_is_linked_counts() {
        let package = |name: &str, ours: bool, licence: Value| json!({"id": name, "name": name, "license": licence, "source": if ours { Value::Null } else { json!("registry") }});
        let edge = |name: &str, kind: Value| json!({"pkg": name, "dep_kinds": [{"kind": kind}]});
        let metadata = json!({
            "packages": [
                package("exhibit-model", true, json!("Apache-2.0")), package("xtask", true, json!("Apache-2.0")), package("good", false, json!("MIT")),
                package("bad", false, json!("GPL-3.0")), package("none", false, Value::Null), package("dev", false, json!("GPL-3.0")),
                package("tool", false, json!("GPL-3.0"))
            ],
            "resolve": {"nodes": [
                {"id": "exhibit-model", "deps": [edge("good", Value::Null), edge("dev", json!("dev")), edge("none", json!("build"))]},
                {"id": "good", "deps": [edge("bad", Value::Null)]}, {"id": "bad", "deps": []}, {"id": "none", "deps": []}, {"id": "dev", "deps": []},
                {"id": "xtask", "deps": [edge("tool", Value::Null)]}, {"id": "tool", "deps": []}
            ]}
        });
        let lock = File { path: "Cargo.lock".to_owned(), text: "[[package]]\nname = \"bad\"\n".to_owned(), rust: None };
        let found: Vec<_> = permissive(&metadata, &[lock]).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "Cargo.lock:2: licences: `bad` has GPL-3.0, which is not on the list of permissive licences",
                "Cargo.lock:1: licences: `none` has no licence, which is not on the list of permissive licences",
            ]
        );
    }
}
