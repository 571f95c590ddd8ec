//! Each rule against a small repository that breaks it, and one that keeps all of them.

use std::path::Path;

use tempfile::TempDir;

use super::*;

const DOC: &str = "//! A sentence.\n";

/// A repository with crates, each with the dependencies given as lines of its manifest, and more files.
fn repository(crates: &[(&str, &str)], files: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n");
    for (name, dependencies) in crates {
        let prefix = if *name == "xtask" { "" } else { "exhibit-" };
        let manifest = format!(
            "[package]\nname = \"{prefix}{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\nlicense = \"MIT\"\n\n{dependencies}\n"
        );
        write(root.path(), &format!("crates/{name}/Cargo.toml"), &manifest);
        write(root.path(), &format!("crates/{name}/src/lib.rs"), DOC);
    }
    for (path, text) in files {
        write(root.path(), path, text);
    }
    root
}

fn write(root: &Path, path: &str, text: &str) {
    let place = root.join(path);
    std::fs::create_dir_all(place.parent().unwrap()).unwrap();
    std::fs::write(place, text).unwrap();
}

fn path_dependency(name: &str) -> String {
    format!("exhibit-{name} = {{ path = \"../{name}\" }}")
}

/// `path:line: rule` of each problem.
#[track_caller]
fn assert_problems(root: &TempDir, expected: &[&str]) {
    let problems = check(root.path()).unwrap();
    let found: Vec<_> =
        problems.iter().map(|problem| format!("{}:{}: {}", problem.path, problem.line, problem.rule)).collect();
    assert_eq!(found, expected, "{problems:#?}");
}

/// One crate `model` with more files.
fn with_files(files: &[(&str, &str)]) -> TempDir {
    repository(&[("model", "")], files)
}

#[test]
fn a_tidy_repository_has_no_problem() {
    let store =
        format!("[dependencies]\n{}\n[dev-dependencies]\n{}", path_dependency("model"), path_dependency("testkit"));
    let archive = format!("[dependencies]\n{}", path_dependency("store"));
    let testkit = format!("[dependencies]\n{}", path_dependency("model"));
    let xtask = format!("[dependencies]\n{}", path_dependency("archive"));
    let crates =
        [("model", ""), ("store", store.as_str()), ("archive", &archive), ("testkit", &testkit), ("xtask", &xtask)];
    let files = [
        (
            "crates/store/src/lib.rs",
            "//! A sentence.\nmod sql;\npub mod gate;\n#[cfg(test)]\n#[path = \"store_tests.rs\"]\nmod tests;\n",
        ),
        ("crates/store/src/sql.rs", "//! Statements.\npub const A: &str = \"select a from b\";\n"),
        (
            "crates/store/src/gate.rs",
            "//! The gate.\npub const A: &str = \"delete from a\";\n#[cfg(test)]\nmod tests;\n",
        ),
        ("crates/store/src/gate/tests.rs", DOC),
        (
            "crates/store/src/store_tests.rs",
            "//! Tests.\n// A sentence about `dbg!` and `TODO`.\nconst A: &str = \"dbg!(1)\";\n",
        ),
        ("crates/store/src/migrations/sqlite/0001_spine.sql", "create table a (b int);\n"),
        ("crates/store/src/migrations/postgres/0001_spine.sql", "create table a (b int);\n"),
        ("crates/archive/src/lib.rs", "//! A room.\nmod sql;\n// TODO(mira, #12): a promise with an owner.\n"),
        ("crates/archive/src/sql/mod.rs", "//! Statements.\npub const A: &str = \"select a from b\";\n"),
        ("crates/archive/tests/all/main.rs", "//! Tests.\nmod scan;\n"),
        ("crates/archive/tests/all/scan.rs", "//! Tests.\nconst A: &str = \"select a from b\";\n"),
        ("README.md", "See https://example.com/home/page and ~/pictures/home/photos; a `TODO` has an owner.\n"),
        ("target/debug/x.rs", "dbg!(1)\n"),
    ];
    assert_problems(&repository(&crates, &files), &[]);
}

#[test]
fn arrows_that_point_the_wrong_way_are_told() {
    let arrow = |section: &str, name: &str| format!("[{section}]\n{}", path_dependency(name));
    let crates = [
        ("model", arrow("dev-dependencies", "store")),
        ("store", arrow("dependencies", "testkit")),
        ("archive", arrow("dependencies", "video")),
        ("video", String::new()),
        ("testkit", String::new()),
        ("odd", String::new()),
    ];
    let crates: Vec<(&str, &str)> = crates.iter().map(|(name, dependencies)| (*name, dependencies.as_str())).collect();
    let expected = [
        "crates/archive/Cargo.toml:8: layers",
        "crates/model/Cargo.toml:8: layers",
        "crates/odd/Cargo.toml:1: layers",
        "crates/store/Cargo.toml:8: layers",
    ];
    assert_problems(&repository(&crates, &[]), &expected);
    let xtask = "[dependencies]\nxtask = { path = \"../xtask\" }";
    assert_problems(&repository(&[("model", xtask), ("xtask", "")], &[]), &["crates/model/Cargo.toml:8: layers"]);
}

#[test]
fn crates_from_elsewhere_in_the_wrong_hands_are_told() {
    let uses = |names: &[&str]| {
        let lines = names.iter().map(|name| format!("{name} = {{ path = \"../../elsewhere/{name}\" }}\n"));
        format!("[dependencies]\n{}", lines.collect::<String>())
    };
    let all = ["rusqlite", "postgres", "landlock", "clap", "axum"];
    let (model, store) = (uses(&all), uses(&["rusqlite", "postgres"]));
    let crates = [("model", model.as_str()), ("store", store.as_str())];
    let manifest = |name: &str| {
        format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\nlicense = \"MIT\"\n")
    };
    let elsewhere: Vec<(String, String)> = all
        .iter()
        .flat_map(|name| {
            [
                (format!("elsewhere/{name}/Cargo.toml"), manifest(name)),
                (format!("elsewhere/{name}/src/lib.rs"), DOC.to_owned()),
            ]
        })
        .collect();
    let files: Vec<(&str, &str)> = elsewhere.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let root = repository(&crates, &files);
    let files = tree::read(root.path()).unwrap();
    let problems = crates::confined_dependencies(&metadata::read(root.path()).unwrap(), &files);
    let lines: Vec<_> = problems.iter().map(|problem| (problem.path.as_str(), problem.line)).collect();
    let mut expected: Vec<_> = (8..13).map(|line| ("crates/model/Cargo.toml", line)).collect();
    let mut sorted = lines.clone();
    sorted.sort_unstable();
    expected.sort_unstable();
    assert_eq!(sorted, expected, "{problems:#?}");
}

#[test]
fn files_without_docs_and_long_files_are_told() {
    let lines = |count: usize| format!("//! A sentence.\n{}", "//\n".repeat(count - 1));
    let files = [
        (
            "crates/model/src/lib.rs",
            "//! All.\nmod a; mod b; mod c; mod d; mod wanted; mod long;\n#[cfg(test)]\nmod tests;\n".to_owned(),
        ),
        ("crates/model/src/a.rs", "fn a() {}\n".to_owned()),
        ("crates/model/src/b.rs", "//!\n".to_owned()),
        ("crates/model/src/c.rs", String::new()),
        ("crates/model/src/d.rs", lines(400)),
        ("crates/model/src/wanted.rs", lines(700)),
        ("crates/model/src/long.rs", lines(701)),
        ("crates/model/src/tests.rs", lines(1001)),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let root = with_files(&files);
    let expected = [
        "crates/model/src/a.rs:1: module-docs",
        "crates/model/src/b.rs:1: module-docs",
        "crates/model/src/c.rs:1: module-docs",
        "crates/model/src/long.rs:701: file-length",
        "crates/model/src/tests.rs:1001: file-length",
        "crates/model/src/wanted.rs:700: file-length",
    ];
    assert_problems(&root, &expected);
    let warnings = check(root.path()).unwrap().into_iter().filter(|problem| problem.severity == Severity::Warning);
    assert_eq!(warnings.map(|problem| problem.path).collect::<Vec<_>>(), ["crates/model/src/wanted.rs"]);
}

#[test]
fn the_environment_is_read_in_app_alone() {
    let text = "//! A sentence.\nfn f() { std::env::var(\"A\"); env::vars(); std::env::temp_dir(); }\n// env::var\n";
    let root = repository(
        &[("model", ""), ("app", "")],
        &[("crates/model/src/lib.rs", text), ("crates/app/src/lib.rs", text)],
    );
    assert_problems(&root, &["crates/model/src/lib.rs:2: environment", "crates/model/src/lib.rs:2: environment"]);
}

#[test]
fn sql_outside_its_places_is_told() {
    let text = "//! A sentence.\nconst A: &str = \"create the folder first\";\nconst B: &str = r#\"\n  select a\n  from b\"#;\n// \"select a from b\"\n";
    let files = [
        ("crates/model/src/lib.rs", text),
        ("crates/archive/src/lib.rs", "//! A sentence.\nmod sql;\nmod scan;\n"),
        ("crates/archive/src/sql.rs", text),
        ("crates/archive/src/scan.rs", "//! A sentence.\nconst A: &str = \"insert into a values (1)\";\n"),
    ];
    let root = repository(&[("model", ""), ("archive", "")], &files);
    assert_problems(&root, &["crates/archive/src/scan.rs:2: sql-places", "crates/model/src/lib.rs:3: sql-places"]);
}

#[test]
fn files_that_no_module_declares_are_told() {
    let files = [
        ("crates/model/src/lib.rs", "//! A sentence.\nmod a;\nmod outer {\n    mod inner;\n}\n// mod comment;\n"),
        ("crates/model/src/a.rs", DOC),
        ("crates/model/src/a/tests.rs", DOC),
        ("crates/model/src/comment.rs", DOC),
        ("crates/model/src/outer/inner.rs", DOC),
        ("crates/model/src/bin/tool.rs", DOC),
        ("crates/model/build.rs", "//! A sentence.\nfn main() {}\n"),
        ("crates/model/tests/all.rs", "//! A sentence.\n#[path = \"parts/one.rs\"]\nmod one;\n"),
        ("crates/model/tests/parts/one.rs", DOC),
        ("crates/model/tests/parts/two.rs", DOC),
    ];
    let expected = [
        "crates/model/src/a/tests.rs:1: forgotten-file",
        "crates/model/src/comment.rs:1: forgotten-file",
        "crates/model/tests/parts/two.rs:1: forgotten-file",
    ];
    assert_problems(&with_files(&files), &expected);
}

#[test]
fn migrations_out_of_step_are_told() {
    let folder = "crates/model/src/migrations";
    let names = [
        "sqlite/0001_spine.sql",
        "postgres/0001_spine.sql",
        "sqlite/0002_more.sql",
        "postgres/0002_other.sql",
        "sqlite/0004_gap.sql",
        "postgres/0004_gap.sql",
        "sqlite/5_short.sql",
        "0006_nowhere.sql",
        "postgres/0004_twice.sql",
    ];
    let paths: Vec<String> = names.iter().map(|name| format!("{folder}/{name}")).collect();
    let files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), "select 1;\n")).collect();
    let problems = check(with_files(&files).path()).unwrap();
    let found: Vec<_> =
        problems.iter().map(|problem| format!("{}: {}", &problem.path[folder.len() + 1..], problem.message)).collect();
    let expected = [
        "0006_nowhere.sql: migrations lie in `sqlite/` and `postgres/`",
        "postgres/0002_other.sql: there is no sqlite/0002_other.sql",
        "postgres/0004_twice.sql: `0004_gap.sql` has the same number",
        "postgres/0004_twice.sql: the number after 0002 is 0003: no gaps",
        "postgres/0004_twice.sql: there is no sqlite/0004_twice.sql",
        "sqlite/0002_more.sql: there is no postgres/0002_more.sql",
        "sqlite/0004_gap.sql: the number after 0002 is 0003: no gaps",
        "sqlite/0004_gap.sql: there is no postgres/0004_gap.sql",
        "sqlite/5_short.sql: a migration is named `NNNN_words.sql`",
    ];
    assert_eq!(found, expected);
}

#[test]
fn words_that_must_not_stay_are_told() {
    // The folders and marks are put together here, so that this file keeps the rules itself.
    let page = [
        "see ",
        "/home",
        "/me or \"",
        "/work",
        "/x\"\n",
        "TO",
        "DO: later\nTO",
        "DO(me, #1): fine\nTO",
        "DO(me): no issue\n",
    ]
    .concat();
    let code = [
        "//! A sentence.\nfn f() { dbg!(1); todo!(); my_todo!(); }\n/* one\n FIX",
        "ME */\n// a path: (",
        "/root",
        "/x)\n",
    ]
    .concat();
    let root = with_files(&[("docs/page.md", &page), ("crates/model/src/lib.rs", &code)]);
    let expected = [
        "crates/model/src/lib.rs:2: unfinished-code",
        "crates/model/src/lib.rs:2: unfinished-code",
        "crates/model/src/lib.rs:4: to-do",
        "crates/model/src/lib.rs:5: machine-paths",
        "docs/page.md:1: machine-paths",
        "docs/page.md:1: machine-paths",
        "docs/page.md:2: to-do",
        "docs/page.md:4: to-do",
    ];
    assert_problems(&root, &expected);
}

#[test]
fn the_program_fails_when_there_is_an_error_and_only_then() {
    assert_eq!(super::main(with_files(&[]).path()).unwrap(), ExitCode::SUCCESS);
    assert_eq!(super::main(with_files(&[("crates/model/src/lib.rs", "")]).path()).unwrap(), ExitCode::FAILURE);
    assert!(super::main(Path::new("/nonexistent")).is_err());
}

/// AG-42: the modules of prices and alerts cite the page about them, and none is forgotten there.
#[test]
fn ag_42_prices_and_alerts_cite_their_page() {
    const CITES: &str = "//! A sentence.\n//! See `docs/governance.md`.\n";
    const NAMES: &str = "`aggregates` `alerts` `price_lists` `prices` `provenance` `recompute`\n";
    let modules = ["aggregates", "alerts", "price_lists", "prices", "provenance", "recompute"];
    let lib: String = modules.iter().map(|module| format!("pub mod {module};\n")).collect();
    let lib = format!("{DOC}{lib}");
    let paths = modules.map(|module| format!("crates/agents/src/{module}.rs"));
    let tree = |page: Option<&str>, silent: &str| {
        let text = |path: &str| if path.contains(silent) { DOC } else { CITES }.to_owned();
        let mut files = vec![("crates/agents/src/lib.rs".to_owned(), lib.clone())];
        files.extend(paths.iter().map(|path| (path.clone(), text(path))));
        files.extend(page.map(|page| ("docs/governance.md".to_owned(), page.to_owned())));
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        repository(&[("agents", "")], &files)
    };
    assert_problems(&tree(Some(NAMES), "nothing"), &[]);
    assert_problems(&tree(None, "nothing"), &["docs/governance.md:1: governance"]);
    assert_problems(&tree(Some(NAMES), "alerts"), &["crates/agents/src/alerts.rs:1: governance"]);
    assert_problems(
        &tree(Some(&NAMES.replace("`prices`", "prices")), "nothing"),
        &["docs/governance.md:1: governance"],
    );
    // A citation that is no doc of the module leads nobody.
    let buried = format!("{DOC}\n// See `docs/governance.md`.\n");
    let root = tree(Some(NAMES), "nothing");
    write(root.path(), "crates/agents/src/recompute.rs", &buried);
    assert_problems(&root, &["crates/agents/src/recompute.rs:1: governance"]);
    // A module that was renamed or is gone is missed.
    std::fs::remove_file(root.path().join("crates/agents/src/recompute.rs")).unwrap();
    write(root.path(), "crates/agents/src/lib.rs", &lib.replace("pub mod recompute;\n", ""));
    assert_problems(&root, &["crates/agents/src/recompute.rs:1: governance"]);
}
