//! Rules about which crate may depend on which.

use serde_json::Value;

use super::metadata::{list, members, text};
use super::problem::Problem;
use super::tree::File;

/// The rooms. They share a layer and do not know each other.
pub const ROOMS: [&str; 5] = ["archive", "video", "capture", "gesture", "agents"];

/// Dependency arrows point to a smaller layer.
const LAYERS: [(&str, u8); 12] = [
    ("model", 0),
    ("store", 1),
    ("engine", 2),
    ("http", 3),
    ("extractors", 4),
    ("archive", 5),
    ("video", 5),
    ("capture", 5),
    ("gesture", 5),
    ("agents", 5),
    ("server", 6),
    ("app", 7),
];

/// For tests alone.
const TESTKIT: &str = "testkit";

/// For developers alone.
const XTASK: &str = "xtask";

/// The measurements beside our crates: they drive everything, and raw drivers as peers; nobody depends on them.
const BENCH: &str = "bench";

/// The fuzz targets: they look into everything; nobody of the workspace depends on them.
const FUZZ: &str = "fuzz";

/// Crates from elsewhere that only some of ours may use, whether in tests or not.
const CONFINED: [(&[&str], &[&str], &str); 7] = [
    (
        &["deadpool-postgres", "libsqlite3-sys", "postgres", "rusqlite", "sqlx", "tokio-postgres"],
        &["store", BENCH],
        "a database driver",
    ),
    (&["landlock", "seccompiler"], &["engine"], "confinement"),
    (&["clap"], &["app", XTASK], "the command line"),
    (&["axum", "tower-http"], &["http", "archive", "video", "capture", "gesture", "agents", "server"], "HTTP"),
    (&["hyper", "hyper-util", "tower-service"], &["server"], "the wire of HTTP"),
    (&["prost", "tungstenite"], &["agents"], "the wire of agents"),
    (&["hmac"], &["agents"], "the signature of notices"),
];

/// Arrows between our crates that point the wrong way.
pub fn layers(metadata: &Value, files: &[File]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let ours: Vec<&str> = members(metadata).map(|package| text(package, "name")).collect();
    for package in members(metadata) {
        let from = short(text(package, "name"));
        let manifest = manifest(from, files);
        if layer(from).is_none() && ![TESTKIT, XTASK, BENCH, FUZZ].contains(&from) {
            let message = format!("`{from}` has no layer; give it one in the tidy rules and in the design");
            problems.push(Problem::error(&manifest.path(), 1, "layers", message));
        }
        for dependency in list(package, "dependencies").filter(|dependency| ours.contains(&text(dependency, "name"))) {
            let name = text(dependency, "name");
            if let Some(message) = wrong_arrow(from, short(name), text(dependency, "kind") == "dev") {
                problems.push(Problem::error(&manifest.path(), manifest.line_of(name), "layers", message));
            }
        }
    }
    problems
}

/// Crates from elsewhere in the wrong hands.
pub fn confined_dependencies(metadata: &Value, files: &[File]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for package in members(metadata) {
        let from = short(text(package, "name"));
        let manifest = manifest(from, files);
        for dependency in list(package, "dependencies") {
            let name = text(dependency, "name");
            let rule = CONFINED.iter().find(|(names, allowed, _)| names.contains(&name) && !allowed.contains(&from));
            if let Some((_, allowed, subject)) = rule {
                let message = format!("`{name}` is {subject}, which belongs to {}", allowed.join(", "));
                problems.push(Problem::error(
                    &manifest.path(),
                    manifest.line_of(name),
                    "confined-dependencies",
                    message,
                ));
            }
        }
    }
    problems
}

fn wrong_arrow(from: &str, to: &str, for_tests: bool) -> Option<String> {
    if [XTASK, BENCH, FUZZ].contains(&to) {
        return Some(format!("nobody depends on {to}"));
    }
    if to == TESTKIT {
        return (!for_tests && from != BENCH).then(|| "testkit is for dev-dependencies alone".to_owned());
    }
    if [XTASK, BENCH, FUZZ].contains(&from) {
        return None;
    }
    if from == TESTKIT {
        return (to == "app").then(|| "testkit stands below the program that it helps to test".to_owned());
    }
    let (above, below) = (layer(from)?, layer(to)?);
    if above == below {
        return Some(format!("`{from}` and `{to}` are rooms, which do not know each other"));
    }
    (above < below).then(|| format!("`{from}` stands below `{to}`: the arrow points the wrong way"))
}

fn layer(name: &str) -> Option<u8> {
    LAYERS.iter().find(|(candidate, _)| *candidate == name).map(|(_, layer)| *layer)
}

/// The name of a crate without the name of the house, as its folder is called.
fn short(name: &str) -> &str {
    name.strip_prefix("exhibit-").unwrap_or(name)
}

fn path_of(name: &str) -> String {
    if [BENCH, FUZZ].contains(&name) { format!("{name}/Cargo.toml") } else { format!("crates/{name}/Cargo.toml") }
}

struct Manifest<'a> {
    name: &'a str,
    text: &'a str,
}

fn manifest<'a>(name: &'a str, files: &'a [File]) -> Manifest<'a> {
    let path = path_of(name);
    let text = files.iter().find(|file| file.path == path).map_or("", |file| file.text.as_str());
    Manifest { name, text }
}

impl Manifest<'_> {
    fn path(&self) -> String {
        path_of(self.name)
    }

    /// The line that names a dependency; the first one when it is renamed or inherited in another form.
    fn line_of(&self, dependency: &str) -> usize {
        let names = |line: &str| line.strip_prefix(dependency).is_some_and(|rest| rest.starts_with([' ', '.', '=']));
        self.text.lines().position(names).map_or(1, |index| index + 1)
    }
}
