//! What goes wrong, as a person meets it: one message that names the next step, the documented exit code, nothing lost.

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::world::{Backend, Output, World, text};

pub mod database;
mod help;

both_backends! {
    ctrl_c_stops_a_run_that_can_be_resumed,
    two_processes_write_at_once,
}

/// Checks that a command is refused with exactly this message, and with this code. `{top}` in the message is the folder of the world.
#[track_caller]
fn refused(world: &World, arguments: &[&str], code: i32, message: &str) {
    same(world, &world.exhibit(arguments), code, message, &format!("exhibit {arguments:?}"));
}

#[track_caller]
fn same(world: &World, output: &Output, code: i32, message: &str, what: &str) {
    let said = output.stderr.replace(&world.path().display().to_string(), "{top}");
    assert_eq!((output.code, said.trim_end(), output.stdout.as_str()), (code, message, ""), "{what}");
}

/// A world with a small archive that was scanned.
fn small(backend: Backend) -> World {
    let world = World::new(backend);
    world.archive_of_small_files(8);
    world
}

// Asked in a wrong way -------------------------------------------------------------------------------------------------

#[test]
fn unknown_flags_and_verbs_name_what_there_is() {
    let world = World::new(Backend::Sqlite);
    let cases: [(&[&str], &str); 5] = [
        (&["scan", "--frobnicate", "."], "error: unexpected argument '--frobnicate' found"),
        (&["frobnicate"], "error: unrecognized subcommand 'frobnicate'"),
        (&["scan"], "error: the following required arguments were not provided:\n  <ROOT>"),
        (&["ls", "--type", "smell"], "error: invalid value 'smell' for '--type <TYPE>'\n  [possible values: "),
        (&["ls", "--limit", "0"], "error: invalid value '0' for '--limit <LIMIT>': 0 is not in 1..=100000"),
    ];
    for (arguments, message) in cases {
        let output = world.exhibit(arguments);
        assert_eq!(output.code, 2, "{arguments:?}: {output:#?}");
        assert!(output.stderr.starts_with(message), "{arguments:?}: {output:#?}");
        assert!(output.stderr.contains("For more information, try '--help'."), "{arguments:?}: {output:#?}");
    }
    assert!(!world.home().exists(), "nothing was made");
}

#[test]
fn unknown_keys_of_the_configuration_are_told_with_their_place() {
    let mut world = World::new(Backend::Sqlite);
    std::fs::create_dir(world.home()).expect("a home");
    let file = world.home().join("exhibit.toml");
    let cases = [
        ("bogus = 1\n", "1 | bogus = 1", "unknown field `bogus`, expected one of `server`, `store`, `blobs`, `engine`"),
        (
            "[engine]\nworkers = 2\nworkerz = 3\n",
            "3 | workerz = 3",
            "unknown field `workerz`, expected one of `workers`, ",
        ),
        ("[engine\n", "1 | [engine", "unclosed table, expected `]`"),
        ("[server]\nlisten = \"here\"\n", "2 | listen = \"here\"", "invalid socket address syntax"),
        ("[engine]\nworkers = \"two\"\n", "2 | workers = \"two\"", "invalid type: string \"two\", expected usize"),
    ];
    for (written, line, reason) in cases {
        std::fs::write(&file, written).expect("a file");
        let output = world.exhibit(&["ls"]);
        assert_eq!(output.code, 2, "{output:#?}");
        let place = format!("exhibit: {}: TOML parse error at line ", file.display());
        assert!(output.stderr.starts_with(&place), "{output:#?}");
        assert!(output.stderr.contains(line) && output.stderr.contains(reason), "{output:#?}");
    }
    std::fs::write(&file, "[engine]\nlease_ms = 1\n").expect("a file");
    refused(&world, &["ls"], 2, "exhibit: engine.lease_ms is 50 to 3,600,000");
    std::fs::write(&file, "[server]\nhosts = [\"https://photos.example.org\"]\n").expect("a file");
    let message = "exhibit: server.hosts are names such as photos.example.org, without http://";
    refused(&world, &["ls"], 2, message);
    std::fs::remove_file(&file).expect("no file");
    assert_eq!(std::fs::read_dir(world.home()).expect("a home").count(), 0, "nothing was made");

    let unknown = "unknown field `foo`, expected one of `server`, `store`, `blobs`, `engine`, `agents`";
    for (name, value, message) in [
        ("EXHIBIT_FOO__BAR", "1", format!("exhibit: the environment variable EXHIBIT_FOO__BAR: {unknown}")),
        (
            "EXHIBIT_ENGINE__WORKERS",
            "many",
            "exhibit: the environment variable EXHIBIT_ENGINE__WORKERS: invalid type: string \"many\", expected usize"
                .to_owned(),
        ),
        (
            "EXHIBIT_A",
            "1",
            "exhibit: the environment variable EXHIBIT_A is not of the form EXHIBIT_<SECTION>__<KEY>".to_owned(),
        ),
    ] {
        // In the order of their names: each of these comes before the one that was set last.
        world.set(name, value);
        refused(&world, &["ls"], 2, &message);
        world.set(name, "");
        world = World::new(Backend::Sqlite);
    }
}

#[test]
fn folders_that_cannot_be_scanned_are_refused() {
    let world = World::new(Backend::Sqlite);
    std::fs::write(world.path().join("file.txt"), "a file").expect("a file");
    let missing =
        "exhibit: cannot scan nowhere: there is no such folder; check the path, or whether the disk is mounted";
    refused(&world, &["scan", "nowhere"], 2, missing);
    let file = "exhibit: cannot scan file.txt: it is not a folder; name the folder that holds the file";
    refused(&world, &["scan", "file.txt"], 2, file);
    assert!(!world.home().exists(), "nothing was made");
    refused(
        &world,
        &["fingerprint", "nowhere"],
        1,
        "exhibit: cannot read the folder nowhere: No such file or directory (os error 2)",
    );
}

#[test]
fn ids_that_name_nothing_or_too_much_are_refused() {
    let world = small(Backend::Sqlite);
    refused(&world, &["run", "show", "latest"], 2, "exhibit: there is no run `latest`; `exhibit runs` lists them");
    let run = text(&world.json(&["run", "noop"])["run"]);
    world.json(&["run", "noop"]);
    let asset = "; `exhibit ls` lists them";
    let artifact = "; `exhibit show ASSET` lists them";
    let runs = "; `exhibit runs` lists them";
    let cases: [(&[&str], String); 15] = [
        (&["show", "ast_ffffffff"], format!("there is no asset `ast_ffffffff`{asset}")),
        (&["show", "no hex"], format!("there is no asset `no hex`{asset}")),
        (&["show", "ast_"], format!("there is no asset `ast_`{asset}")),
        (&["ls", "--after", "no hex"], format!("there is no asset `no hex`{asset}")),
        (&["explain", "art_x"], format!("there is no artifact `art_x`{artifact}")),
        (&["explain", &format!("{run}.99999.0")], format!("there is no artifact `{run}.99999.0`{artifact}")),
        (&["explain", "latest.0.7"], format!("there is no artifact `latest.0.7`{artifact}")),
        (&["verify", "art_x"], format!("there is no artifact `art_x`{artifact}")),
        (&["cancel", "run_ZZ"], format!("there is no run `run_ZZ`{runs}")),
        (&["resume", "!"], format!("there is no run `!`{runs}")),
        (&["retry", "run_ZZ"], format!("there is no run `run_ZZ`{runs}")),
        (&["watch", "run_ZZ"], format!("there is no run `run_ZZ`{runs}")),
        (
            &["run", "show", &run[..8]],
            format!("`{}` is the beginning of more than one run; give more of it", &run[..8]),
        ),
        (&["sources", "nowhere"], "there is no source `nowhere`; `exhibit sources` lists them".to_owned()),
        (&["run", "noop", "--collection", "trip"], "there is no collection `trip`; there are all".to_owned()),
    ];
    for (arguments, message) in cases {
        refused(&world, arguments, 2, &format!("exhibit: {message}"));
    }
    let artifacts = world.exhibit(&["run", "show", "latest", "--artifacts", "smell"]);
    assert_eq!((artifacts.code, artifacts.stderr.starts_with("exhibit: there is no kind smell; ")), (2, true));
    // Runs that are over have nothing to cancel, resume or retry.
    let run = text(&world.json(&["run", "show", "latest"])["run"]);
    refused(&world, &["cancel", "latest"], 1, &format!("exhibit: run {run} is completed already"));
    refused(&world, &["resume", "latest"], 1, &format!("exhibit: run {run} is completed; nothing of it waits"));
    refused(
        &world,
        &["retry", "latest"],
        1,
        &format!("exhibit: no unit failed in run {run}; there is nothing to retry"),
    );
    let unit = format!("exhibit: unit 7777 is not among the units that failed in run {run}; there is nothing to retry");
    refused(&world, &["retry", "latest", "--unit", "7777"], 1, &unit);
    // With --json, the message is a document, too, and standard output stays empty.
    let document = world.exhibit(&["show", "ast_ffffffff", "--json"]);
    let error: serde_json::Value = serde_json::from_str(&document.stderr).expect("a document");
    assert_eq!((document.code, document.stdout.as_str(), &error["error"]["exit"]), (2, "", &serde_json::json!(2)));
}

#[test]
fn pipelines_that_do_not_fit_are_refused_before_the_first_unit() {
    let world = small(Backend::Sqlite);
    let step = "[[step]]\nname = \"a\"\n";
    let head = "name = \"mine\"\nversion = \"1\"\n";
    let file = |name: &str, body: String| std::fs::write(world.path().join(name), body).expect("a file");
    file("unknown-extractor.toml", format!("{head}{step}extractor = \"nose\"\n"));
    file("bad.toml", format!("{head}[[step]\nname = \"a\"\n"));
    file("key.toml", format!("{head}smell = 1\n{step}extractor = \"noop\"\n"));
    file("empty.toml", head.to_owned());
    let basics = "exhibit: pipeline basics: ";
    let exact: [(&[&str], String); 8] = [
        (&["run", "nope"], "exhibit: there is no pipeline nope; there are basics, similar, noop, or name a file that ends with .toml".to_owned()),
        (&["run", "nope.toml"], "exhibit: the pipeline file nope.toml cannot be read: No such file or directory (os error 2)".to_owned()),
        (&["run", "./"], "exhibit: the pipeline file ./ cannot be read: it is not a file of at most 262144 bytes".to_owned()),
        (&["run", "basics", "--set", "quality"], "exhibit: `quality` is not of the form step.param=value".to_owned()),
        (
            &["run", "basics", "--set", "smell.x=1"],
            format!("{basics}/step: there is no step smell; the steps are metadata, thumbnail, keyframe (unknown_step)"),
        ),
        (
            &["run", "basics", "--set", "thumbnail.smell=1"],
            format!("{basics}/step/1/params/smell: there is no parameter smell; there are edges, method, quality (unknown_parameter)"),
        ),
        (
            &["run", "basics", "--set", "thumbnail.quality=good"],
            format!("{basics}/step/1/params/quality: \"good\" is not of type \"integer\" (bad_parameter)"),
        ),
        (
            &["run", "bad.toml"],
            "exhibit: the pipeline file bad.toml: TOML parse error at line 3, column 8\n  |\n3 | [[step]\n  |        ^\nunclosed array table, expected `]`"
                .to_owned(),
        ),
    ];
    for (arguments, message) in exact {
        refused(&world, arguments, 2, &message);
    }
    for (name, part) in [
        ("unknown-extractor.toml", "there is no extractor nose"),
        ("key.toml", "unknown field `smell`, expected one of `name`, `version`, `about`, `step`"),
        ("empty.toml", "missing field `step`"),
    ] {
        let output = world.exhibit(&["run", name]);
        assert!(output.code == 2 && output.stderr.contains(part), "{name}: {output:#?}");
    }
    let runs = world.json(&["runs"]);
    assert_eq!(runs["items"], serde_json::json!([]), "no run was made");
}

// Interrupted ----------------------------------------------------------------------------------------------------------

/// A reader that goes away, as `| head` does, is no error and no panic.
#[test]
fn a_closed_standard_output_is_no_error() {
    let world = World::new(Backend::Sqlite);
    // More than a pipe holds.
    world.archive_of_small_files(1_500);
    for arguments in
        [&["ls", "--limit", "10000"] as &[&str], &["ls", "--limit", "10000", "--json"], &["scan", "archive"]]
    {
        let mut child =
            world.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        // Closed before anything could be read.
        drop(child.stdout.take());
        let mut said = String::new();
        child.stderr.take().expect("piped").read_to_string(&mut said).expect("UTF-8");
        let status = child.wait().expect("a status");
        assert_eq!((status.code(), said.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

/// I6: Ctrl-C ends a run with 3; what was written stays, and resume does the rest once.
fn ctrl_c_stops_a_run_that_can_be_resumed(backend: Backend) {
    let world = World::new(backend);
    world.archive_of_small_files(20);
    let running = world.start(&["run", "noop", "--workers", "1", "--set", "noop.sleep_ms=400"]);
    let run = world.wait_for_run("latest", "under way", |status| status.count("done") > 0).run;
    running.signal(Signal::INT);
    let output = running.wait();
    assert_eq!(output.code, 3, "{output:#?}");
    assert!(!output.stderr.contains("panicked"), "{output:#?}");
    let stopped = world.run_status(&run);
    let done = stopped.count("done");
    assert!(0 < done && done < stopped.scope, "it was under way: {stopped:?}");
    assert_eq!(world.artifacts(&run).len() as i64, done);
    let resumed = world.exhibit(&["resume", &run, "--workers", "10", "--json"]);
    assert_eq!(resumed.code, 0, "{resumed:#?}");
    assert_eq!(world.run_status(&run).count("done"), stopped.scope);
    assert_eq!(world.artifacts(&run).len() as i64, stopped.scope, "nothing is done twice");
    world.verify_clean();
}

/// I6: Ctrl-C ends a scan with 3; what was read is kept, and the next scan goes on.
#[test]
fn ctrl_c_stops_a_scan_that_goes_on_later() {
    let world = World::new(Backend::Sqlite);
    world.write_small_files(40);
    // Something that takes a while to read: a gigabyte of nothing, which costs no disk.
    let large = std::fs::File::create(world.archive().join("zz large.bin")).expect("a file");
    large.set_len(8 << 30).expect("a length");
    let scan = world.start(&["scan", "archive"]);
    let opened = || {
        let folder = format!("/proc/{}/fd", scan.pid());
        let mut files = std::fs::read_dir(folder).into_iter().flatten().flatten();
        files.any(|file| std::fs::read_link(file.path()).is_ok_and(|path| path.ends_with("zz large.bin")))
    };
    while !opened() {
        std::thread::yield_now();
    }
    scan.signal(Signal::INT);
    let output = scan.wait();
    assert_eq!(output.code, 3, "{output:#?}");
    assert_eq!(output.stderr, "exhibit: stopped; what was read is kept, the next scan goes on from there\n");
    large.set_len(1_000).expect("a length");
    let next = world.scan();
    assert_eq!(next["files"], 41, "{next}");
    assert_eq!(crate::world::items(world.json(&["ls"])).len(), 41);
}

/// A second process that writes at the same time waits its turn; both end well.
fn two_processes_write_at_once(backend: Backend) {
    let world = small(backend);
    std::fs::create_dir(world.path().join("other")).expect("a folder");
    for index in 0..200 {
        std::fs::write(world.path().join(format!("other/{index}.txt")), format!("other {index}")).expect("a file");
    }
    let first = world.start(&["run", "noop", "--recompute", "--workers", "1"]);
    let second = world.start(&["scan", "other"]);
    let third = world.start(&["ledger", "checkpoint"]);
    for running in [second, third, first] {
        let output = running.wait();
        assert_eq!(output.code, 0, "{output:#?}");
    }
    assert_eq!(crate::world::items(world.json(&["ls", "--limit", "1000"])).len(), 208);
    world.verify_clean();
}

/// Copies a home with everything in it.
fn copy_home(from: &World, to: &Path) {
    let output = Command::new("cp").arg("-a").arg(from.home()).arg(to).output().expect("cp");
    assert!(output.status.success(), "{output:#?}");
}
