//! The modules that hold the rules of prices and alerts lead whoever changes them to the page that people read about these rules.

use super::problem::Problem;
use super::tree::File;

/// The page.
const PAGE: &str = "docs/governance.md";

/// The sources of the room.
const ROOM: &str = "crates/agents/src/";

/// Modules whose rules the page explains.
const MODULES: &[&str] = &["aggregates", "alerts", "price_lists", "prices", "provenance", "recompute"];

/// Each of the modules cites the page in its docs, and the page names each of them.
pub fn cited(files: &[File]) -> Vec<Problem> {
    if !files.iter().any(|file| file.path.starts_with(ROOM)) {
        return Vec::new();
    }
    let text_of = |path: &str| files.iter().find(|file| file.path == path).map(|file| file.text.as_str());
    let mut problems = Vec::new();
    let page = text_of(PAGE);
    if page.is_none() {
        problems.push(Problem::error(PAGE, 1, "governance", "this page is cited by the modules of prices and alerts"));
    }
    for module in MODULES {
        let path = format!("{ROOM}{module}.rs");
        let docs = |text: &str| text.lines().take_while(|line| line.starts_with("//!")).any(|line| line.contains(PAGE));
        if !text_of(&path).is_some_and(docs) {
            problems.push(Problem::error(&path, 1, "governance", format!("the docs of this module cite `{PAGE}`")));
        }
        if page.is_some_and(|page| !page.contains(&format!("`{module}`"))) {
            problems.push(Problem::error(PAGE, 1, "governance", format!("the module `{module}` is not named")));
        }
    }
    problems
}
