//! The command line as a committed text: what `--help` says of every verb.

use std::path::PathBuf;

use crate::world::{Backend, World};

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/acceptance/help.txt")
}

fn all(world: &World) -> String {
    let mut whole = String::new();
    add(world, &[], &mut whole);
    whole
}

/// Adds the help of a verb, then that of those below it, which the help itself names: no verb can be forgotten.
fn add(world: &World, verb: &[&str], whole: &mut String) {
    let asked = [verb, &["--help"] as &[&str]].concat();
    let help = world.ok(&asked);
    whole.push_str(&format!("$ exhibit {}\n\n{}\n\n", asked.join(" "), help.trim_end()));
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // A long line goes on in the next one, further to the right.
    for line in commands.filter(|line| !line.starts_with("   ")) {
        let below = line.split_whitespace().next().expect("a verb");
        if below != "help" {
            add(world, &[verb, &[below]].concat(), whole);
        }
    }
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

/// Not a test: writes the file anew.
#[test]
#[ignore = "writes the committed help anew"]
fn help_is_committed_anew() {
    std::fs::write(file(), all(&World::new(Backend::Sqlite))).expect("the file");
}
