//! The command line as a committed text: what `--help` says of every verb.

use std::path::PathBuf;

use crate::world::{Backend, World};

/// Every verb, with those below it.
const VERBS: &[&[&str]] = &[
    &[],
    &["scan"],
    &["sources"],
    &["sources", "move"],
    &["ls"],
    &["show"],
    &["fingerprint"],
    &["collections"],
    &["collections", "list"],
    &["collections", "show"],
    &["collections", "create"],
    &["collections", "delete"],
    &["run"],
    &["run", "show"],
    &["runs"],
    &["watch"],
    &["cancel"],
    &["pause"],
    &["resume"],
    &["retry"],
    &["compare"],
    &["promote"],
    &["clean"],
    &["explain"],
    &["replay"],
    &["verify"],
    &["ledger"],
    &["ledger", "checkpoint"],
    &["ledger", "key"],
    &["export"],
    &["backup"],
    &["restore"],
    &["projections"],
    &["projections", "rebuild"],
    &["projections", "verify"],
    &["agents"],
    &["agents", "ingest"],
    &["agents", "tail"],
    &["agents", "collectors"],
    &["agents", "sessions"],
    &["agents", "sessions", "list"],
    &["agents", "sessions", "show"],
    &["agents", "usage"],
    &["agents", "export"],
    &["agents", "retention"],
    &["agents", "models"],
    &["agents", "kill"],
    &["agents", "spawn"],
    &["agents", "model"],
    &["agents", "status"],
    &["agents", "logs"],
    &["agents", "audit"],
    &["agents", "fake-gateway"],
    &["serve"],
    &["login"],
    &["tokens"],
    &["tokens", "list"],
    &["tokens", "create"],
    &["tokens", "revoke"],
    &["audit"],
    &["migrate"],
    &["doctor"],
    &["redteam"],
    &["sample"],
    &["extractors"],
    &["extractors", "list"],
    &["extractors", "add"],
    &["extractors", "check"],
    &["extractors", "remove"],
    &["pipelines"],
];

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/acceptance/help.txt")
}

fn all(world: &World) -> String {
    let mut whole = String::new();
    for verb in VERBS {
        let help = world.ok(&[verb, &["--help"] as &[&str]].concat());
        whole.push_str(&format!(
            "$ exhibit {}\n\n{}\n\n",
            [verb, &["--help"] as &[&str]].concat().join(" "),
            help.trim_end()
        ));
    }
    whole
}

/// The surface changes only on purpose.
#[test]
fn help_is_what_was_committed() {
    let world = World::new(Backend::Sqlite);
    let now = all(&world);
    let committed = std::fs::read_to_string(file()).unwrap_or_default();
    let difference = now.lines().zip(committed.lines()).find(|(now, committed)| now != committed);
    assert!(
        now == committed,
        "the help differs from {}, first here: {difference:#?}; when that is meant: \
         cargo test -p exhibit-app --test acceptance -- --ignored help_is_committed_anew",
        file().display()
    );
    assert!(!world.home().exists(), "asking for help makes nothing");
}

/// No verb is forgotten above.
#[test]
fn help_names_every_verb() {
    let world = World::new(Backend::Sqlite);
    for parent in [
        &[] as &[&str],
        &["agents"],
        &["agents", "sessions"],
        &["collections"],
        &["extractors"],
        &["ledger"],
        &["projections"],
        &["tokens"],
    ] {
        let help = world.ok(&[parent, &["--help"]].concat());
        let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
        // A long line goes on in the next one, further to the right.
        for line in commands.filter(|line| !line.starts_with("   ")) {
            let verb = line.split_whitespace().next().expect("a verb");
            let known = [parent, &[verb]].concat();
            assert!(verb == "help" || VERBS.contains(&known.as_slice()), "{known:?} is in no list");
        }
    }
}

/// Not a test: writes the file anew.
#[test]
#[ignore = "writes the committed help anew"]
fn help_is_committed_anew() {
    std::fs::write(file(), all(&World::new(Backend::Sqlite))).expect("the file");
}
