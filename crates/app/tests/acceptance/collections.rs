//! Collections and filters as people meet them: made, listed, run over, changed afterwards; and what is said of a wrong filter.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use serde_json::Value;

use crate::world::{Backend, RunStatus, World, items, text};

both_backends! {
    ar_06_a_run_freezes_static_and_dynamic_members,
    ar_07_two_collections_and_one_pipeline,
    a_run_over_a_filter_names_what_it_froze,
    the_failed_ones_of_a_run_are_a_collection,
    sandbox_facts_answer_no_filter,
    filters_are_refused_with_their_place,
    collections_are_listed_superseded_and_deleted,
}

/// Ids of the assets that `ls` lists.
fn listed(world: &World, filter: &str) -> BTreeSet<String> {
    let found = items(world.json(&["ls", filter, "--limit", "100000"]));
    found.iter().map(|asset| text(&asset["asset_id"])).collect()
}

fn create(world: &World, name: &str, more: &[&str]) -> Value {
    world.json(&[&["collections", "create", name], more].concat())
}

/// Runs noop over a collection.
fn noop(world: &World, more: &[&str]) -> RunStatus {
    let output = world.exhibit(&[&["run", "noop", "--json"], more].concat());
    assert!(matches!(output.code, 0 | 3), "{output:#?}");
    RunStatus::new(&output.json())
}

/// The assets about which a run found something.
fn of_run(world: &World, run: &str) -> BTreeSet<String> {
    world.artifacts(run).iter().map(|artifact| text(&artifact["asset_id"])).collect()
}

/// AR-06: a run that was killed resumes over what it froze, whatever became of the catalog and the collections meanwhile.
fn ar_06_a_run_freezes_static_and_dynamic_members(backend: Backend) {
    let world = World::new(backend);
    world.archive_of_small_files(40);
    let chosen: Vec<String> = listed(&world, "type:text/plain sample 12 seed 3").into_iter().collect();
    assert_eq!(chosen.len(), 12);
    // Whole ids and prefixes, with an empty line and one asset twice.
    let list = format!("{}\n\n{}\n{}", chosen.join("\n"), chosen[0], &chosen[1][..24]);
    fs::write(world.path().join("list"), list).expect("a file");
    create(&world, "chosen", &["--assets", "list"]);
    create(&world, "pictures", &["--filter", "type:image"]);
    let pictures = listed(&world, "type:image");
    let runs = ["chosen", "pictures"].map(|name| {
        let host = world.start(&["run", "noop", "--collection", name, "--workers", "1", "--set", "noop.sleep_ms=400"]);
        let run = world.wait_for_run("latest", "over this collection and begun", |status| {
            status.document["collection_name"] == name && status.count("done") > 0
        });
        // The kill is at once; a command to cancel it would take as long as the machine has other things to do.
        host.kill();
        let left = world.run_status(&run.run);
        assert!(left.count("done") < left.scope, "it was over before it was killed: {left:?}");
        left
    });
    assert_eq!((runs[0].members, runs[1].members), (12, 20));
    // More comes, one goes, one collection means something else, the other is gone.
    world.write_small_files(60);
    fs::remove_file(world.archive().join("folder 1/1.png")).expect("it is there");
    world.scan();
    create(&world, "chosen", &["--filter", "type:image", "--replace"]);
    world.ok(&["collections", "delete", "pictures"]);
    assert_eq!(world.run_status(&runs[0].run).members, 12);
    world.ok(&["resume", &runs[0].run]);
    assert_eq!(of_run(&world, &runs[0].run), chosen.into_iter().collect());
    // The original that went is told, and nothing takes its place.
    let output = world.exhibit(&["resume", &runs[1].run]);
    let end = world.run_status(&runs[1].run);
    assert!(matches!(output.code, 0 | 3) && end.members == 20 && end.scope == 20, "{output:#?} {end:?}");
    assert!(of_run(&world, &runs[1].run).is_subset(&pictures), "something that was not frozen");
    assert!(end.count("done") >= 19, "{end:?}");
    assert_eq!(noop(&world, &["--collection", "chosen"]).members, 29);
    world.verify_clean();
}

/// AR-07: the same pipeline over two collections; nothing is edited between the runs.
fn ar_07_two_collections_and_one_pipeline(backend: Backend) {
    let world = World::new(backend);
    world.sample(12, 1);
    create(&world, "M1_test_slice", &["--filter", "in:all"]);
    create(&world, "tiny_sample", &["--filter", "type:image sample 5 seed 1", "--about", "to try things on"]);
    let everything = listed(&world, "is:present");
    let tiny = listed(&world, "in:tiny_sample");
    assert_eq!(tiny.len(), 5);
    assert!(tiny.is_subset(&listed(&world, "type:image")));
    let run = |collection: &str| {
        let output = world.exhibit(&["run", "basics", "--collection", collection, "--json"]);
        assert!(matches!(output.code, 0 | 3), "{output:#?}");
        RunStatus::new(&output.json())
    };
    let (small, large) = (run("tiny_sample"), run("M1_test_slice"));
    assert_eq!((small.members, large.members), (5, everything.len() as i64));
    assert!(of_run(&world, &small.run).is_subset(&tiny));
    assert!(!of_run(&world, &large.run).is_empty());
    // What the small run did is not done again.
    assert!(large.count("reused") >= small.count("done"), "{small:?} {large:?}");
    // Facts that were reused are found like others.
    let found = listed(&world, "has:media.metadata");
    assert!(found.is_superset(&of_run(&world, &small.run)) && found.len() > 5, "{found:?}");
    let again = run("tiny_sample");
    assert_eq!((again.count("done"), again.members), (0, 5), "{again:?}");
}

fn a_run_over_a_filter_names_what_it_froze(backend: Backend) {
    let world = World::new(backend);
    world.archive_of_small_files(20);
    let run = noop(&world, &["--filter", "path:\"folder 1/**\" or \"12.txt\""]);
    assert_eq!(run.members, 6);
    assert_eq!(run.document["collection_name"], Value::Null);
    let made = world.json(&["collections", "show", &text(&run.document["collection"])]);
    assert_eq!((&made["filter"], &made["members_now"]), (&"path:\"folder 1/**\" or \"12.txt\"".into(), &6.into()));
    // It has no name, so no list is filled with it.
    assert_eq!(items(world.json(&["collections"])).len(), 1);
    let both = world.exhibit(&["run", "noop", "--filter", "a", "--collection", "all"]);
    assert_eq!(both.code, 2, "{both:#?}");
}

fn the_failed_ones_of_a_run_are_a_collection(backend: Backend) {
    let world = World::new(backend);
    world.archive_of_small_files(30);
    let run = noop(&world, &["--set", "noop.fail_every=3"]);
    let failed = run.count("failed");
    assert!(failed > 0 && failed < 30, "{run:?}");
    let made = create(&world, "broken", &["--from-run", &run.run, "--state", "failed"]);
    assert_eq!(made["members"], failed);
    assert_eq!(listed(&world, "failed:noop"), listed(&world, "in:broken"));
    assert_eq!(listed(&world, "not failed:noop").len() as i64, 30 - failed);
    // Once the newest unit is well, the asset is not failed any more; the list stays what it is.
    let again = noop(&world, &["--collection", "broken"]);
    assert_eq!((again.members, again.count("done")), (failed, failed));
    assert!(listed(&world, "failed:noop").is_empty());
    assert_eq!(listed(&world, "in:broken").len() as i64, failed);
    // The same through standard input.
    let mut child = world.command(&["collections", "create", "piped", "--assets", "-"]);
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("the program starts");
    let lines: Vec<String> = listed(&world, "in:broken").into_iter().collect();
    child.stdin.take().expect("a pipe").write_all(lines.join("\n").as_bytes()).expect("it reads");
    assert!(child.wait().expect("it ends").success());
    assert_eq!(listed(&world, "in:piped"), listed(&world, "in:broken"));
}

fn sandbox_facts_answer_no_filter(backend: Backend) {
    let world = World::new(backend);
    world.archive_of_small_files(6);
    noop(&world, &["--policy", "sandbox", "--set", "noop.fail_every=2"]);
    assert!(listed(&world, "has:noop.echo").is_empty());
    let unknown = world.exhibit(&["ls", "failed:noop"]);
    assert!(
        unknown.code == 2 && unknown.stderr.contains("no run so far has a step or an extractor `noop`"),
        "{unknown:#?}"
    );
    noop(&world, &[]);
    assert_eq!(listed(&world, "has:noop.echo").len(), 6);
}

fn filters_are_refused_with_their_place(backend: Backend) {
    let world = World::new(backend);
    world.archive_of_small_files(4);
    let shown = "exhibit: the filter is not understood at byte 11: there is no field `widht`\n\
         \x20 type:image widht>100\n\
         \x20            ^^^^^\n\
         \x20 did you mean `width`?\n\
         \x20 expected: type, taken, ";
    for arguments in [
        &["ls", "type:image", "widht>100"] as &[&str],
        &["ls", "type:image widht>100"],
        &["collections", "create", "x", "--filter", "type:image widht>100"],
        &["run", "noop", "--filter", "type:image widht>100"],
    ] {
        let output = world.exhibit(arguments);
        assert!(output.code == 2 && output.stderr.starts_with(shown), "{arguments:?}: {output:#?}");
        assert_eq!(world.exhibit(arguments).stderr, output.stderr, "the same mistake, the same words");
    }
    let cases = [
        ("source:archiv", "there is no source `archiv`", "did you mean `archive`?"),
        ("a in:al", "there is no collection `al`", "did you mean `all`?"),
        ("has:noop.ech", "there is no kind of artifact `noop.ech`", "did you mean `noop.echo`?"),
        ("taken:last", "`last` is no time", "expected: 2019, 2019-06,"),
        ("(a", "this parenthesis is never closed", "expected: )"),
    ];
    for (filter, message, more) in cases {
        let output = world.exhibit(&["ls", filter]);
        assert!(output.code == 2 && output.stderr.contains(message) && output.stderr.contains(more), "{output:#?}");
    }
    assert_eq!(items(world.json(&["runs"])).len(), 0, "nothing was made");
    let output = world.exhibit(&["run", "noop", "--collection", "non"]);
    assert!(output.code == 2 && output.stderr.contains("there is no collection `non`; there are all"), "{output:#?}");
}

fn collections_are_listed_superseded_and_deleted(backend: Backend) {
    let world = World::new(backend);
    world.archive_of_small_files(8);
    assert_eq!(items(world.json(&["collections", "list"])).len(), 1);
    let made = create(&world, "notes", &["--filter", "type:text/plain", "--about", "words"]);
    assert_eq!((&made["kind"], &made["revision"], &made["about"]), (&"dynamic".into(), &1.into(), &"words".into()));
    let taken = world.exhibit(&["collections", "create", "notes", "--filter", "type:image"]);
    assert!(taken.code == 2 && taken.stderr.contains("--replace"), "{taken:#?}");
    let replaced = create(&world, "notes", &["--filter", "is:missing", "--replace"]);
    assert_eq!((&replaced["collection"], &replaced["revision"]), (&made["collection"], &2.into()));
    let shown = world.json(&["collections", "show", "notes"]);
    assert_eq!((&shown["members_now"], &shown["present_now"]), (&0.into(), &0.into()));
    // Flags of `ls` are conditions beside the filter.
    assert_eq!(items(world.json(&["ls", "--type", "image", "0/", "or", "1/", "--source", "archive"])).len(), 2);
    let wrong = world.exhibit(&["collections", "create", "x"]);
    assert_eq!(wrong.code, 2, "{wrong:#?}");
    for name in ["all", "two words"] {
        let output = world.exhibit(&["collections", "create", name, "--filter", "a"]);
        assert!(output.code == 2 && output.stderr.contains("is no name of a collection"), "{output:#?}");
    }
    let long = "x".repeat(2_000);
    let output = world.exhibit(&["collections", "create", "x", "--filter", "a", "--about", &long]);
    assert!(output.code == 2 && output.stderr.contains("/payload/about"), "{output:#?}");
    world.ok(&["collections", "delete", "notes"]);
    let gone = world.exhibit(&["collections", "delete", "notes"]);
    assert!(gone.code == 2 && gone.stderr.contains("there is no collection `notes`; there are all"), "{gone:#?}");
    assert_eq!(world.exhibit(&["collections", "delete", "all"]).code, 2);
    assert_eq!(world.ok(&["collections"]).lines().count(), 1);
    world.verify_clean();
    world.ok(&["projections", "rebuild"]);
    assert_eq!(world.ok(&["collections"]).lines().count(), 1);
}
