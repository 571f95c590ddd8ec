//! The rule about migrations: the same numbers and names for both databases, without a gap.

use std::collections::{BTreeMap, BTreeSet};

use super::problem::Problem;
use super::tree::File;

const BACKENDS: [&str; 2] = ["postgres", "sqlite"];

/// Migrations that are missing, misnamed or out of step.
pub fn pairs(files: &[File]) -> Vec<Problem> {
    let mut problems = Vec::new();
    // The folder `…/migrations` of a crate -> backend -> number -> name.
    let mut rooms: BTreeMap<&str, BTreeMap<&str, BTreeMap<u32, &str>>> = BTreeMap::new();
    for file in files.iter().filter(|file| file.path.ends_with(".sql")) {
        let Some((folder, rest)) = file.path.split_once("/migrations/") else { continue };
        let room = &file.path[..folder.len() + "/migrations".len()];
        let Some((backend, name)) = rest.split_once('/').filter(|(backend, _)| BACKENDS.contains(backend)) else {
            problems.push(Problem::error(&file.path, 1, "migrations", "migrations lie in `sqlite/` and `postgres/`"));
            continue;
        };
        let Some(number) = number_of(name) else {
            problems.push(Problem::error(&file.path, 1, "migrations", "a migration is named `NNNN_words.sql`"));
            continue;
        };
        let numbers = rooms.entry(room).or_default().entry(backend).or_default();
        if let Some(other) = numbers.insert(number, name) {
            problems.push(Problem::error(&file.path, 1, "migrations", format!("`{other}` has the same number")));
        }
    }
    for (room, backends) in &rooms {
        problems.extend(out_of_step(room, backends));
    }
    problems
}

fn out_of_step(room: &str, backends: &BTreeMap<&str, BTreeMap<u32, &str>>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let names = |backend: &str| -> BTreeSet<&str> {
        backends.get(backend).into_iter().flat_map(|all| all.values().copied()).collect()
    };
    for (backend, other) in [(BACKENDS[0], BACKENDS[1]), (BACKENDS[1], BACKENDS[0])] {
        for name in names(backend).difference(&names(other)) {
            let message = format!("there is no {other}/{name}");
            problems.push(Problem::error(&format!("{room}/{backend}/{name}"), 1, "migrations", message));
        }
        for (expected, (number, name)) in (1..).zip(backends.get(backend).into_iter().flatten()) {
            if *number != expected {
                let message = format!("the number after {:04} is {expected:04}: no gaps", expected - 1);
                problems.push(Problem::error(&format!("{room}/{backend}/{name}"), 1, "migrations", message));
                break;
            }
        }
    }
    problems
}

/// The number of `NNNN_words.sql`.
fn number_of(name: &str) -> Option<u32> {
    let (digits, words) = name.strip_suffix(".sql")?.split_once('_')?;
    let is_words = !words.is_empty()
        && words.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    (digits.len() == 4 && is_words).then(|| digits.parse().ok())?
}
