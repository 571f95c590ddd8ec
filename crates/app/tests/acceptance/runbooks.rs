//! What operators are told to type works: the commands of the pages about agents, run as they stand there.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use exhibit_testkit::postgres::TestPostgres;
use serde_json::{Value, json};

use crate::contracts::{INGEST, spent};
use crate::server::{Served, token};
use crate::world::{Backend, Output, World, text};

/// A section of a page: its title, and the commands of its blocks.
struct Section {
    title: String,
    commands: String,
}

fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn page(name: &str) -> String {
    let file = repository("docs").join(name);
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

/// What commands take for granted: files that other programs left, and the names that a reader puts in place of words in capitals. Only
/// what is asked for is made.
struct Given<'a> {
    world: &'a World,
    words: BTreeMap<&'static str, String>,
}

impl Given<'_> {
    /// The commands with a name for each word, and with the files that they read in their places.
    fn to(&mut self, commands: &str) -> String {
        for (name, fixture) in [("data/v3-intelligence.json", "v3.json"), ("data/intelligence.sqlite", "v41.sql")] {
            if commands.contains(name) {
                self.file(name, fixture);
            }
        }
        // Whoever writes sessions out has some.
        if commands.contains("agents export") {
            self.session();
        }
        let is_word = |character: char| character.is_ascii_alphanumeric() || "_-$\"'./{".contains(character);
        let mut text = String::new();
        let mut rest = commands;
        while let Some(start) = rest.find(is_word) {
            let end = rest[start..].find(|character| !is_word(character)).map_or(rest.len(), |length| start + length);
            text.push_str(&rest[..start]);
            text.push_str(&self.name(&rest[start..end]));
            rest = &rest[end..];
        }
        text + rest
    }

    /// The names of what is there, which is made when first asked for.
    fn session(&mut self) -> &BTreeMap<&'static str, String> {
        if self.words.is_empty() {
            self.words = names(self.world);
        }
        &self.words
    }

    fn name(&mut self, word: &str) -> String {
        match word {
            "OTHER" => "another-home".to_owned(),
            "ID" | "RULE" => self.session()[word].clone(),
            other => other.to_owned(),
        }
    }

    /// A file of another program, of its fixture; a database out of the statements that make it.
    fn file(&self, name: &str, fixture: &str) {
        let (file, from) = (self.world.path().join(name), repository("crates/agents/testdata/import").join(fixture));
        if file.exists() {
            return;
        }
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        if fixture.ends_with(".sql") {
            let statements =
                std::fs::read_to_string(&from).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
            let made =
                Command::new("sqlite3").args(["-batch", "-bail"]).arg(&file).arg(statements).output().expect("sqlite3");
            assert!(made.status.success(), "{made:?}");
        } else {
            let text = std::fs::read_to_string(&from).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
            let mut document: Value = serde_json::from_str(&text).expect("JSON");
            // Both fixtures tell of one rule, and not the same; nobody has two such files.
            (document["alertRules"], document["alertStates"]) = (json!([]), json!([]));
            std::fs::write(&file, document.to_string()).expect("a file");
        }
    }
}

/// A session and a rule that fires because of it, by the words that stand for their names.
fn names(world: &World) -> BTreeMap<&'static str, String> {
    let token = token(world, "ingest,control");
    let served = Served::new(world);
    let rule = json!({"metric": "rolling_cost_usd", "scopeType": "global", "warnThreshold": 1, "criticalThreshold": 2, "window": "24h",
        "comparison": "gte"});
    let made = served.post("/api/v3/alerts/rules", &token, &rule);
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(served.post(INGEST, &token, &spent("a-session", "builder", 7.5)).status, 200);
    assert_eq!(served.post("/v1/agents/alerts/evaluate", &token, &json!({"dryRun": false})).status, 200);
    BTreeMap::from([("ID", "a-session".to_owned()), ("RULE", text(&made.json()["ruleId"]))])
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
    let mut given = Given { world: &world, words: BTreeMap::new() };
    for section in &sections {
        let output = run(&world, &given.to(&section.commands));
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
    let titles = ["Starting", "When numbers are doubted", "Prices", "Session files", "An update, step by step"];
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
    let page = "## A\n\n```sh\nexhibit verify\n```\n\n```text\nno command\n```\n";
    assert_eq!(sections(page)[0].commands, "exhibit verify\n");
}

#[test]
fn words_in_capitals_stand_for_names() {
    let world = World::new(Backend::Sqlite);
    let mut given = Given { world: &world, words: BTreeMap::new() };
    assert_eq!(given.to("exhibit --home OTHER verify # KIDS\n"), "exhibit --home another-home verify # KIDS\n");
    assert!(!world.home().exists(), "what nobody asks for is not made");
    let commands = given.to("exhibit agents sessions show ID\ntest RULE != \"$ID\"\n");
    assert!(
        commands.starts_with("exhibit agents sessions show a-session\ntest ") && commands.ends_with(" != \"$ID\"\n"),
        "{commands}"
    );
    let shown = run(&world, "exhibit agents sessions show a-session");
    assert!(shown.code == 0 && shown.stdout.contains("$7.500000"), "{shown:?}");
}
