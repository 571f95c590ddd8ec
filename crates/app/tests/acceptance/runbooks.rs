//! What operators are told to type works: the commands of the pages about agents, run as they stand there.

use std::path::PathBuf;
use std::process::Command;

use exhibit_testkit::postgres::TestPostgres;

use crate::world::{Backend, Output, World};

/// A section of a page: its title, and the commands of its blocks.
struct Section {
    title: String,
    commands: String,
}

fn page(name: &str) -> String {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The sections of a page that have commands. Blocks of other languages are no commands.
fn sections(page: &str) -> Vec<Section> {
    let mut sections = vec![Section { title: String::new(), commands: String::new() }];
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(title) = line.strip_prefix("## ") {
            sections.push(Section { title: title.to_owned(), commands: String::new() });
        }
        let Some(language) = line.strip_prefix("```") else { continue };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        if let Some(section) = sections.last_mut().filter(|_| language == "sh") {
            section.commands.push_str(&(block.join("\n") + "\n"));
        }
    }
    sections.retain(|section| !section.commands.is_empty());
    sections
}

/// Runs commands in the folder of a world, with its home; the first that fails ends it.
fn run(world: &World, commands: &str) -> Output {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_exhibit"));
    let folder = program.parent().expect("a folder").display();
    // `set -x` tells which command failed.
    let output = Command::new("sh")
        .args(["-eux", "-c", commands])
        .env_clear()
        .env("PATH", format!("{folder}:/usr/bin:/bin"))
        .env("LC_ALL", "C.UTF-8")
        .env("HOME", world.path())
        .env("EXHIBIT_HOME", world.home())
        // No port is taken from anybody.
        .env("EXHIBIT_SERVER__LISTEN", "127.0.0.1:0")
        .env("DATABASE_URL", TestPostgres::shared().database())
        .current_dir(world.path())
        .output();
    Output::new(output.expect("sh starts"))
}

/// Runs every section of a page, one after the other in one folder, each in a shell of its own; what they printed.
#[track_caller]
fn follow(page: &str, titles: &[&str]) -> String {
    let world = World::new(Backend::Sqlite);
    let sections = sections(page);
    let found: Vec<&str> = sections.iter().map(|section| section.title.as_str()).collect();
    for title in titles {
        assert!(found.contains(title), "the section `{title}` has no commands any more; those have: {found:?}");
    }
    let mut printed = String::new();
    for section in &sections {
        let output = run(&world, &section.commands);
        assert_eq!(output.code, 0, "{}:\n{}\n{}", section.title, output.stdout, output.stderr);
        printed.push_str(&output.stdout);
    }
    printed
}

/// Every command that a page names in a sentence is one that the program has.
#[track_caller]
fn names_only_verbs_that_are(page: &str) {
    let world = World::new(Backend::Sqlite);
    let mut verbs: Vec<Vec<&str>> = Vec::new();
    let prose = page.split("```").step_by(2);
    for code in prose.flat_map(|text| text.split('`').skip(1).step_by(2)) {
        let mut words = code.split_whitespace().skip_while(|word| *word != "exhibit");
        if words.next().is_some() {
            let is_verb = |word: &&str| {
                word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') && !word.starts_with('-')
            };
            verbs.push(words.take_while(is_verb).collect());
        }
    }
    assert!(verbs.iter().any(|verb| !verb.is_empty()), "no command is named");
    for verb in verbs {
        let output = world.exhibit(&[&verb[..], &["--help"]].concat());
        assert_eq!(output.code, 0, "exhibit {}: {}", verb.join(" "), output.stderr);
    }
}

#[test]
fn ag_42_the_runbook_of_agents_works_as_written() {
    let page = page("runbooks/agents.md");
    let titles = ["Starting", "Up to date, and back", "When numbers are doubted", "Prices", "Session files"];
    let printed = follow(&page, &titles);
    for word in ["/login", "0001", "cuts are what the rows come to", "px-"] {
        assert!(printed.contains(word), "`{word}` was not printed:\n{printed}");
    }
    names_only_verbs_that_are(&page);
}

#[test]
fn ag_42_the_page_on_governance_works_as_written() {
    let page = page("governance.md");
    let printed = follow(&page, &["Looking for yourself"]);
    for word in ["provider_reported", "1 of 2 have no cost", "unknown  unpriced", "cuts are what the rows come to"] {
        assert!(printed.contains(word), "`{word}` was not printed:\n{printed}");
    }
}

#[test]
fn a_command_that_fails_is_told() {
    let world = World::new(Backend::Sqlite);
    let output = run(&world, "exhibit agents sessions show nobody\nexhibit verify\n");
    assert_eq!(output.code, 2, "{output:?}");
    let block =
        |text: &str| sections(&format!("## A\n\n```sh\n{text}\n```\n\n```text\nno command\n```\n"))[0].commands.clone();
    assert_eq!(block("exhibit verify"), "exhibit verify\n");
}
