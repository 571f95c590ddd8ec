//! Plug-ins as a person meets them: written by the page, checked, added, used, listed, removed; and the templates.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::world::{Backend, World, items, text};

mod hostile;
mod page;

both_backends! {
    a_plugin_is_added_used_listed_and_removed,
    a_kind_stays_with_whom_it_came,
}

/// A file of the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// Copies a template to a folder of the world, so that a test may change it.
fn template(world: &World, name: &str) -> PathBuf {
    let copy = world.path().join(name);
    let copied = Command::new("cp").arg("-R").arg(repository("plugins").join(name)).arg(&copy).status();
    assert!(copied.expect("cp starts").success());
    copy
}

fn replace(file: &Path, from: &str, to: &str) {
    let before = std::fs::read_to_string(file).expect("a file");
    assert!(before.contains(from), "{from} is not in {}", file.display());
    std::fs::write(file, before.replace(from, to)).expect("a file");
}

/// A pipeline file with one step for each extractor.
pub fn pipeline(world: &World, extractors: &[&str]) -> String {
    let steps = extractors
        .iter()
        .enumerate()
        .map(|(index, extractor)| format!("[[step]]\nname = \"s{index}\"\nextractor = \"{extractor}\"\n"));
    let path = world.path().join("pipeline.toml");
    let text = format!("name = \"trial\"\nversion = \"1\"\n{}", steps.collect::<String>());
    std::fs::write(&path, text).expect("a pipeline");
    path.display().to_string()
}

/// What `extractors --json` says of one.
fn listed(world: &World, name: &str) -> Option<Value> {
    items(world.json(&["extractors"])).into_iter().find(|item| item["name"] == name)
}

fn a_plugin_is_added_used_listed_and_removed(backend: Backend) {
    let world = World::new(backend);
    let archive = world.archive_of_small_files(6);
    let before = world.ok(&["fingerprint", &archive.display().to_string()]);
    let folder = template(&world, "template-python").display().to_string();
    let pipeline = pipeline(&world, &["example.text_lines", "noop"]);
    let early = world.exhibit(&["run", &pipeline]);
    assert_eq!(early.code, 2, "{early:#?}");
    assert!(early.stderr.contains("there is no extractor example.text_lines; there are noop, "), "{early:#?}");

    let added = world.exhibit(&["extractors", "add", &folder, "--json"]);
    assert_eq!(added.code, 0, "{added:#?}");
    assert!(added.stderr.contains("not the originals, not the evidence, nothing to the network"), "{added:#?}");
    let first = listed(&world, "example.text_lines").expect("it is listed");
    assert_eq!((&first["origin"], &first["digest"]), (&Value::from("plug-in"), &added.json()["digest"]));
    assert_eq!(first["version"], format!("1+sha256.{}", text(&first["digest"])));
    assert_eq!(listed(&world, "noop").expect("noop")["origin"], "built-in");

    world.ok(&["run", &pipeline]);
    let facts = |world: &World| -> Vec<Value> {
        world.artifacts("latest").into_iter().filter(|fact| fact["kind"] == "example.text_lines").collect()
    };
    let found = facts(&world);
    assert_eq!(found.len(), 3, "three of the six are texts");
    assert!(found.iter().all(|fact| fact["payload"]["lines"] == 1), "{found:#?}");
    let explained = world.ok(&["explain", &text(&found[0]["artifact_id"])]);
    assert!(explained.contains(&text(&first["version"])), "the lineage names all files: {explained}");
    world.ok(&["run", &pipeline]);
    assert!(world.run_status("latest").count("reused") >= 3, "the same files, the same work");

    // Another byte is another version; the one before stays.
    replace(&Path::new(&folder).join("README.md"), "A whole extractor", "An extractor");
    world.ok(&["extractors", "add", &folder]);
    let second = listed(&world, "example.text_lines").expect("it is listed");
    assert_ne!(second["digest"], first["digest"]);
    assert_eq!(second["older"], Value::from(vec![first["digest"].clone()]));
    world.ok(&["run", &pipeline]);
    assert_eq!(facts(&world).len(), 3, "done anew");

    world.ok(&["extractors", "remove", "example.text_lines"]);
    assert!(listed(&world, "example.text_lines").is_none());
    let gone = world.exhibit(&["extractors", "remove", "example.text_lines"]);
    assert_eq!(
        (gone.code, gone.stderr.trim_end()),
        (2, "exhibit: there is no plug-in example.text_lines; there are none")
    );
    world.ok(&["explain", &text(&found[0]["artifact_id"])]);
    world.verify_clean();
    assert_eq!(world.ok(&["fingerprint", &archive.display().to_string()]), before);
}

/// Neither a room's kind nor another plug-in's can be taken, and a name of a built-in extractor neither.
fn a_kind_stays_with_whom_it_came(backend: Backend) {
    let world = World::new(backend);
    let folder = template(&world, "template-shell");
    let add = |folder: &Path| world.exhibit(&["extractors", "add", &folder.display().to_string()]);
    assert_eq!(add(&folder).code, 0);
    let manifest = folder.join("plugin.toml");
    replace(&manifest, "name = \"example.sha512\"", "name = \"other.sha512\"");
    replace(&folder.join("extract.sh"), "\"extractor\":\"example.sha512\"", "\"extractor\":\"other.sha512\"");
    let refused = add(&folder);
    assert_eq!(refused.code, 2, "{refused:#?}");
    let message =
        "kinds/example.sha512.v1.json: the kind example.sha512 belongs to plugin:example.sha512; take another name";
    assert_eq!(refused.stderr.trim_end(), format!("exhibit: {message}"), "and nothing of it ran");

    replace(&folder.join("kinds/example.sha512.v1.json"), "\"example.sha512\"", "\"noop.echo\"");
    replace(&manifest, "kind = \"example.sha512\"", "kind = \"noop.echo\"");
    assert!(add(&folder).stderr.contains("the kind noop.echo belongs to archive"), "{:#?}", add(&folder));
    std::fs::remove_dir_all(folder.join("kinds")).expect("no kinds");
    replace(&manifest, "kind = \"noop.echo\"", "kind = \"nobody.knows\"");
    assert!(add(&folder).stderr.contains("emits nobody.knows v1, which nobody declares"), "{:#?}", add(&folder));
    replace(&manifest, "name = \"other.sha512\"", "name = \"noop\"");
    assert!(add(&folder).stderr.contains("the name noop belongs to a built-in extractor"), "{:#?}", add(&folder));
    assert_eq!(items(world.json(&["extractors"])).iter().filter(|item| item["origin"] == "plug-in").count(), 1);
}

/// Both templates pass their own check, on every sample and on a file of one's own.
#[test]
fn the_templates_pass_the_check() {
    let world = World::new(Backend::Sqlite);
    let own = world.path().join("a text with blanks.txt");
    std::fs::write(&own, "one\ntwo\n").expect("a file");
    for name in ["template-python", "template-shell"] {
        let folder = repository("plugins").join(name).display().to_string();
        let report = world.exhibit(&["extractors", "check", &folder, "--on", &own.display().to_string(), "--json"]);
        assert_eq!(report.code, 0, "{report:#?}");
        let report = report.json();
        let names: Vec<String> =
            report["checks"].as_array().expect("lines").iter().map(|check| text(&check["name"])).collect();
        assert!(
            names.starts_with(
                &["manifest", "starts", "answers", "finds", "repeats", "originals", "scratch"].map(str::to_owned)
            ),
            "{names:?}"
        );
        assert!(report["checks"].as_array().expect("lines").iter().all(|check| check["ok"] == true), "{report:#}");
    }
    let added = items(world.json(&["extractors"])).into_iter().filter(|item| item["origin"] == "plug-in");
    assert_eq!(added.count(), 0, "nothing was added");
    assert_eq!(left_of_trials(&world), 0, "nothing is left of the trials");
}

/// What trials left in the work folder.
fn left_of_trials(world: &World) -> usize {
    let entries = std::fs::read_dir(world.home().join("work")).into_iter().flatten().filter_map(Result::ok);
    entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("trial-")).count()
}

/// What a trial that was killed left is removed by the next one.
#[test]
fn a_killed_trial_leaves_nothing_for_long() {
    let world = World::new(Backend::Sqlite);
    let dead = world.home().join("work/trial-dead/originals");
    std::fs::create_dir_all(&dead).expect("what a killed trial leaves");
    std::fs::write(dead.join("private.txt"), "a copy of a file of mine").expect("a file");
    world.ok(&["extractors", "check", &repository("plugins/template-shell").display().to_string()]);
    assert_eq!(left_of_trials(&world), 0);
}

/// An original is opened whatever bytes its name has; templates and tools see a plain one.
#[test]
fn originals_with_odd_names_are_opened() {
    use std::os::unix::ffi::OsStrExt as _;
    let world = World::new(Backend::Sqlite);
    let folder = world.archive().join("one \"two\"\nthree");
    std::fs::create_dir_all(&folder).expect("a folder");
    for (index, name) in [b"not text \xff\xfe.txt".as_slice(), b"-rf.txt", b"a\\b'c.txt", b"  "].into_iter().enumerate()
    {
        let text = "line\n".repeat(index + 1);
        std::fs::write(folder.join(std::ffi::OsStr::from_bytes(name)), text).expect("a file");
    }
    world.scan();
    for name in ["template-python", "template-shell"] {
        world.ok(&["extractors", "add", &repository("plugins").join(name).display().to_string()]);
    }
    world.ok(&["run", &pipeline(&world, &["example.text_lines", "example.sha512"])]);
    let found = world.artifacts("latest");
    let mut lines: Vec<i64> = found.iter().filter_map(|fact| fact["payload"]["lines"].as_i64()).collect();
    lines.sort_unstable();
    assert_eq!(lines, [1, 2, 3, 4]);
    let sums: std::collections::BTreeSet<String> =
        found.iter().filter_map(|fact| fact["payload"]["sha512"].as_str().map(str::to_owned)).collect();
    assert_eq!(sums.len(), 4, "each its own: {found:#?}");
}

/// A mistake in the manifest is told with its place, before anything runs.
#[test]
fn a_wrong_manifest_is_told_with_its_place() {
    let world = World::new(Backend::Sqlite);
    let folder = template(&world, "template-shell");
    let shown = folder.display().to_string();
    let manifest = folder.join("plugin.toml");
    for (from, to, message) in [
        ("unit_cpu_s = 600", "unit_cpu_s = 0", "plugin.toml: line 13, column 14: `unit_cpu_s` is 1 to 3600"),
        ("unit_cpu_s = 0", "unit_cpu_x = 0", "unknown field `unit_cpu_x`"),
    ] {
        replace(&manifest, from, to);
        for command in ["check", "add"] {
            let output = world.exhibit(&["extractors", command, &shown]);
            assert_eq!(output.code, 2, "{output:#?}");
            assert!(output.stderr.contains(message), "{output:#?}");
        }
    }
    std::os::unix::fs::symlink("/etc/passwd", folder.join("link")).expect("a link");
    let output = world.exhibit(&["extractors", "check", &shown]);
    assert_eq!(
        (output.code, output.stderr.trim_end()),
        (2, "exhibit: link: it is a link; a plug-in has files and folders only")
    );
}

/// A plug-in that was changed in the home behind the back of the program is not run, and others are.
#[test]
fn a_plugin_that_was_changed_in_the_home_is_not_run() {
    let world = World::new(Backend::Sqlite);
    world.archive_of_small_files(2);
    let folder = template(&world, "template-shell").display().to_string();
    world.ok(&["extractors", "add", &folder]);
    let digest = text(&listed(&world, "example.sha512").expect("listed")["digest"]);
    let file = world.home().join("plugins/example.sha512").join(digest).join("README.md");
    std::fs::remove_file(&file).expect("its file");
    let pipeline = pipeline(&world, &["example.sha512"]);
    let refused = world.exhibit(&["run", &pipeline]);
    assert_eq!(refused.code, 2, "{refused:#?}");
    assert!(
        refused.stderr.contains("its files are not those that were added; `exhibit extractors add FOLDER`"),
        "{refused:#?}"
    );
    assert_eq!(world.exhibit(&["doctor"]).code, 3, "doctor names it");
    world.ok(&["run", "noop"]);
    world.ok(&["extractors", "add", &folder]);
    world.ok(&["run", &pipeline]);
}
