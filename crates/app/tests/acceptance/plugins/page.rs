//! The how-to page is followed literally: its commands are run in order, and what it shows is what comes out.

use std::process::Command;

use super::repository;
use crate::world::{Backend, World};

/// The fenced blocks of the page, with their language, in order.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push((language.to_owned(), text.join("\n")));
        }
    }
    blocks
}

/// True when the shown lines stand in the output in that order. `…` stands for any text to the end of the line, and how many blanks
/// separate columns does not matter, nor does what stands before the first two of them.
fn shows(output: &str, shown: &str) -> Result<(), String> {
    let plain = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut printed: Vec<String> = output.lines().map(plain).collect();
    for line in shown.lines() {
        let (wanted, open) = match line.split_once('…') {
            Some((begin, _)) => (plain(begin), true),
            None => (plain(line), false),
        };
        let fits = |line: &String| if open { line.contains(&wanted) } else { line.ends_with(&wanted) };
        let place = printed.iter().position(fits).ok_or_else(|| format!("`{line}` is not in:\n{output}"))?;
        // Facts come in the order of their assets, which is that of the scan; a line counts once.
        printed.remove(place);
    }
    Ok(())
}

/// VI-19: the page works as written, in far less than ten minutes.
#[test]
fn the_page_on_writing_a_plugin_works_as_written() {
    let world = World::new(Backend::Sqlite);
    let page = std::fs::read_to_string(repository("docs/how-to/write-a-plug-in.md")).expect("the page");
    let blocks = blocks(&page);
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_exhibit")).parent().expect("a folder");
    let marker = "---- end of block ----";
    let script: String = blocks
        .iter()
        .filter(|(language, _)| language == "sh")
        .map(|(_, text)| format!("{text}\necho '{marker}'\n"))
        .collect();
    assert!(script.contains("exhibit extractors check words") && script.contains("exhibit verify"), "{script}");
    let output = Command::new("sh")
        .args(["-eu", "-c", &script])
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", program.display()))
        .env("LC_ALL", "C.UTF-8")
        .current_dir(world.path())
        .output()
        .expect("sh starts");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}\n{stderr}");
    let printed: Vec<&str> = stdout.split(&format!("{marker}\n")).collect();
    let (mut block, mut compared) = (0, 0);
    for (language, text) in &blocks {
        match language.as_str() {
            "sh" => block += 1,
            "text" => {
                shows(printed[block - 1], text).unwrap_or_else(|difference| panic!("block {block}: {difference}"));
                compared += 1;
            }
            other => panic!("a block of {other}: neither commands nor output"),
        }
    }
    assert_eq!((block, compared), (10, 4), "every block of the page was used");
}
