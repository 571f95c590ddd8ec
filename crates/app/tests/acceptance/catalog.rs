//! The catalog: what a scan reads, what it makes of odd files, and that it never writes where originals lie.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use serde_json::{Value, json};

use crate::world::{Backend, World, items, text};

mod formats;
mod odd;
mod sample;
mod truth;

both_backends! {
    a_moved_file_is_the_same_asset_with_two_paths,
    changed_bytes_are_a_new_asset_and_the_old_one_keeps_its_facts,
    a_deleted_file_is_missing_and_comes_back,
    an_emptied_source_is_offline_and_nothing_is_missing,
}

/// State and path of every path of an asset, sorted.
fn paths(world: &World, asset: &str) -> Vec<(String, String)> {
    let view = world.json(&["show", asset]);
    let all = view["paths"].as_array().expect("paths");
    let mut found: Vec<_> = all.iter().map(|path| (text(&path["state"]), text(&path["path"]))).collect();
    found.sort();
    found
}

/// The asset at a path, as `ls` says it.
#[track_caller]
fn asset_at(world: &World, path: &str) -> String {
    let all = items(world.json(&["ls", "--limit", "1000"]));
    let found = all.iter().find(|item| item["path"] == path && item["present"] == true);
    text(&found.unwrap_or_else(|| panic!("no asset at {path}: {all:#?}"))["asset_id"])
}

fn pair(state: &str, path: &str) -> (String, String) {
    (state.to_owned(), path.to_owned())
}

fn write(world: &World, path: &str, bytes: &[u8]) {
    let path = world.archive().join(path);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, bytes).expect("a file");
}

/// What a scan could not take in: path to code.
fn outcomes(world: &World) -> BTreeMap<String, String> {
    let document = world.json(&["sources", "archive"]);
    let list = document["not_taken_in"].as_array().expect("a list").clone();
    list.iter().map(|outcome| (text(&outcome["path"]), text(&outcome["code"]))).collect()
}

// AR-03 ----------------------------------------------------------------------------------------------------------------

/// AR-03: moving costs no reading of others and no new asset; duplicate bytes are one asset with two paths.
fn a_moved_file_is_the_same_asset_with_two_paths(backend: Backend) {
    let world = World::new(backend);
    write(&world, "a/one.txt", b"one");
    write(&world, "b/two.txt", b"two");
    write(&world, "b/copy of one.txt", b"one");
    let first = world.scan();
    assert_eq!((&first["files"], &first["new_assets"]), (&json!(3), &json!(2)), "{first}");
    let one = asset_at(&world, "a/one.txt");
    assert_eq!(paths(&world, &one), [pair("present", "a/one.txt"), pair("present", "b/copy of one.txt")]);
    assert_eq!(items(world.json(&["ls", "--duplicates"])).len(), 1);
    let two = asset_at(&world, "b/two.txt");
    world.json(&["run", "noop"]);

    std::fs::rename(world.archive().join("b/two.txt"), world.archive().join("a/moved.txt")).expect("a move");
    let second = world.scan();
    let counts = (&second["files_read"], &second["new_assets"], &second["missing"]);
    assert_eq!(counts, (&json!(1), &json!(0), &json!(1)), "{second}");
    assert_eq!(asset_at(&world, "a/moved.txt"), two);
    assert_eq!(paths(&world, &two), [pair("missing", "b/two.txt"), pair("present", "a/moved.txt")]);

    world.json(&["run", "noop"]);
    let status = world.run_status("latest");
    assert_eq!(status.count("reused"), status.scope, "nothing is done again for a moved file: {status:?}");
}

/// AR-03: a path whose bytes changed belongs to a new asset; the old one keeps what is known about it.
fn changed_bytes_are_a_new_asset_and_the_old_one_keeps_its_facts(backend: Backend) {
    let world = World::new(backend);
    write(&world, "diary.txt", b"monday");
    world.scan();
    world.json(&["run", "noop"]);
    let old = asset_at(&world, "diary.txt");
    let facts = world.json(&["show", &old])["facts"].clone();
    assert_eq!(facts.as_array().map(Vec::len), Some(1), "{facts}");

    write(&world, "diary.txt", b"monday and tuesday");
    let report = world.scan();
    assert_eq!((&report["new_assets"], &report["missing"]), (&json!(1), &json!(0)), "{report}");
    let new = asset_at(&world, "diary.txt");
    assert_ne!(old, new);
    assert_eq!(paths(&world, &old), [pair("closed", "diary.txt")]);
    assert_eq!(paths(&world, &new), [pair("present", "diary.txt")]);
    assert_eq!(world.json(&["show", &old])["facts"], facts);
    world.verify_clean();
}

/// AR-03: gone is missing, not deleted; back is present, without being read when nothing about the file changed.
fn a_deleted_file_is_missing_and_comes_back(backend: Backend) {
    let world = World::new(backend);
    write(&world, "a.txt", b"stays");
    write(&world, "b.txt", b"goes");
    world.scan();
    let gone = asset_at(&world, "b.txt");
    let elsewhere = world.path().join("b.txt");
    std::fs::rename(world.archive().join("b.txt"), &elsewhere).expect("a move");
    assert_eq!(world.scan()["missing"], 1);
    assert_eq!(paths(&world, &gone), [pair("missing", "b.txt")]);
    assert_eq!(items(world.json(&["ls", "--missing"])).len(), 1);
    assert_eq!(world.scan()["missing"], 0, "it is told once");

    std::fs::rename(&elsewhere, world.archive().join("b.txt")).expect("a move");
    let back = world.scan();
    assert_eq!((&back["files_read"], &back["new_assets"]), (&json!(0), &json!(0)), "{back}");
    assert_eq!(paths(&world, &gone), [pair("present", "b.txt")]);
}

/// A source that is suddenly empty, as an unmounted disk is, loses nothing.
fn an_emptied_source_is_offline_and_nothing_is_missing(backend: Backend) {
    let world = World::new(backend);
    world.archive_of_small_files(6);
    let before = world.json(&["ls"]);
    let (archive, away) = (world.archive(), world.path().join("away"));
    std::fs::rename(&archive, &away).expect("unmounted");
    std::fs::create_dir(&archive).expect("a mount point");
    let refused = world.exhibit(&["scan", "archive"]);
    assert_eq!(refused.code, 1, "{refused:#?}");
    let message = "exhibit: source archive is offline: it held files and is suddenly empty; is it mounted?; \
                   nothing was marked as missing\n";
    assert_eq!(refused.stderr, message);
    assert_eq!(world.json(&["ls"]), before);
    assert_eq!(items(world.json(&["sources"]))[0]["online"], false);

    std::fs::remove_dir(&archive).expect("the mount point");
    std::fs::rename(&away, &archive).expect("mounted");
    let back = world.scan();
    assert_eq!((&back["files_read"], &back["missing"]), (&json!(0), &json!(0)), "{back}");
    assert_eq!(items(world.json(&["sources"]))[0]["online"], true);
}

// AR-02, AR-04 ---------------------------------------------------------------------------------------------------------

/// Runs a command under `strace` and returns what it opened and read, one call a line.
#[track_caller]
fn traced(world: &World, arguments: &[&str]) -> String {
    let plain = world.command(arguments);
    let log = world.path().join("strace.log");
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-s", "0", "-e", "trace=openat,openat2,open,read,pread64,readv,preadv,mmap", "-o"]);
    command.arg(&log).arg(plain.get_program()).args(plain.get_args()).env_clear();
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(world.path());
    let output =
        command.output().unwrap_or_else(|error| panic!("strace does not start ({error}); apt-get install strace"));
    assert!(output.status.success(), "{arguments:?} under strace: {output:#?}");
    std::fs::read_to_string(log).expect("what strace wrote")
}

/// Lines of a trace that touch a file of the archive: with `-y`, strace prints the path of every descriptor.
fn touching_files<'a>(world: &World, trace: &'a str) -> Vec<&'a str> {
    let archive = world.archive().canonicalize().expect("the archive").display().to_string();
    trace.lines().filter(|line| line.contains(&format!("<{archive}/")) && line.contains(".txt>")).collect()
}

/// AR-02: an unchanged tree is not read again, in the words of the program and in those of the kernel; looking reads nothing at all.
#[test]
fn a_second_scan_and_looking_read_no_original() {
    let world = World::new(Backend::Sqlite);
    for index in 0..12 {
        write(&world, &format!("folder{}/{index}.txt", index % 3), format!("note {index}").as_bytes());
    }
    let archive = world.archive().display().to_string();
    let trace = traced(&world, &["scan", &archive, "--json"]);
    assert!(touching_files(&world, &trace).len() >= 24, "the first scan opens and reads each file:\n{trace}");
    world.json(&["run", "noop"]);

    let again = world.scan();
    let counts = ["files", "files_read", "bytes_read", "unchanged"].map(|name| again[name].as_u64());
    assert_eq!(counts, [Some(12), Some(0), Some(0), Some(12)], "{again}");
    let asset = asset_at(&world, "folder0/0.txt");
    let artifact = text(&world.artifacts("latest")[0]["artifact_id"]);
    let looks: [&[&str]; 8] = [
        &["scan", &archive],
        &["ls"],
        &["show", &asset],
        &["explain", &artifact],
        &["sources", "archive"],
        &["run", "show", "latest"],
        &["verify"],
        &["projections", "verify"],
    ];
    for arguments in looks {
        let trace = traced(&world, arguments);
        assert!(trace.contains("store.sqlite"), "the trace saw the program at work: {trace}");
        assert_eq!(touching_files(&world, &trace), [""; 0], "{arguments:?}");
    }
}

/// Nothing but the content is a reason to read a file again: not its mode, not its links, not its ctime.
#[test]
fn a_changed_mode_or_ctime_alone_is_not_read_again() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new(Backend::Sqlite);
    write(&world, "a.txt", b"a");
    write(&world, "b.txt", b"b");
    world.scan();
    std::fs::set_permissions(world.archive().join("a.txt"), std::fs::Permissions::from_mode(0o600)).expect("a mode");
    // A hard link that comes and goes moves nothing but the ctime.
    std::fs::hard_link(world.archive().join("b.txt"), world.path().join("link")).expect("a link");
    std::fs::remove_file(world.path().join("link")).expect("no link");
    let again = world.scan();
    assert_eq!((&again["files_read"], &again["unchanged"]), (&json!(0), &json!(2)), "{again}");
}

/// AR-04: bytes that changed under an unchanged size and mtime are reported by `scan --verify`, and the catalog stays as it is.
#[test]
fn bit_rot_is_reported_by_verify_and_changes_nothing() {
    let world = World::new(Backend::Sqlite);
    write(&world, "sound.txt", b"as it was");
    write(&world, "rotten.txt", b"as it was, too");
    world.scan();
    let before = world.json(&["ls"]);
    let path = world.archive().join("rotten.txt");
    let modified = std::fs::metadata(&path).and_then(|found| found.modified()).expect("a time");
    std::fs::write(&path, b"as it was, tOo").expect("a flipped bit");
    set_modified(&path, modified);

    assert_eq!(world.scan()["files_read"], 0, "a scan that does not read cannot know");
    let verified = world.exhibit(&["scan", "archive", "--verify"]);
    assert_eq!(verified.code, 3, "{verified:#?}");
    assert!(verified.stdout.contains("not taken in: 1 bit-rot"), "{verified:#?}");
    assert_eq!(verified.stderr, "exhibit: done in part: 1 bit-rot; `exhibit sources archive` lists them\n");
    assert_eq!(outcomes(&world), BTreeMap::from([("rotten.txt".to_owned(), "bit-rot".to_owned())]));
    assert_eq!(world.json(&["ls"]), before, "the catalog says what it said");
    let plain = world.exhibit(&["scan", "archive", "--json"]);
    assert_eq!(
        (plain.code, &plain.json()["files_read"]),
        (3, &json!(0)),
        "a scan that does not read does not forget it"
    );
    assert_eq!(outcomes(&world).len(), 1);

    // Put right, it is found in order again.
    std::fs::write(&path, b"as it was, too").expect("a repair");
    set_modified(&path, modified);
    world.ok(&["scan", "archive", "--verify"]);
    assert_eq!(outcomes(&world), BTreeMap::new());
}

fn set_modified(path: &Path, at: SystemTime) {
    let file = std::fs::File::options().write(true).open(path).expect("the file");
    file.set_modified(at).expect("a time");
}

// Names, emptiness and what lies in each other --------------------------------------------------------------------------

#[test]
fn folders_of_the_same_name_get_names_of_their_own() {
    let world = World::new(Backend::Sqlite);
    for folder in ["one/photos", "two/photos", "three"] {
        std::fs::create_dir_all(world.path().join(folder)).expect("a folder");
        std::fs::write(world.path().join(folder).join("file"), folder).expect("a file");
    }
    assert_eq!(world.json(&["scan", "one/photos"])["name"], "photos");
    assert_eq!(world.json(&["scan", "two/photos"])["name"], "photos-2");
    assert_eq!(world.json(&["scan", "two/photos"])["name"], "photos-2", "a known folder keeps its name");
    let refusals = [
        (["scan", "three", "--name", "photos"], "a source named photos exists already; choose another --name"),
        (["scan", "two/photos", "--name", "other"], "this folder is the source photos-2 already; leave --name out"),
        (
            ["scan", "three", "--name", ""],
            "the name of a source has 1 to 255 bytes and no control characters; choose another --name",
        ),
    ];
    for (arguments, message) in refusals {
        let refused = world.exhibit(&arguments);
        assert_eq!((refused.code, refused.stderr), (2, format!("exhibit: {message}\n")));
    }
    assert_eq!(items(world.json(&["sources"])).len(), 2);
}

#[test]
fn an_empty_folder_is_a_source_without_files() {
    let world = World::new(Backend::Sqlite);
    std::fs::create_dir(world.archive()).expect("a folder");
    for _ in 0..2 {
        let report = world.scan();
        assert_eq!((&report["files"], &report["missing"]), (&json!(0), &json!(0)), "{report}");
    }
    let run = world.json(&["run", "noop"]);
    assert_eq!((&run["state"], &run["members"]), (&json!("completed"), &json!(0)), "{run}");
}

/// AR-27: nothing of ours may lie in a source, nor a source in it; links are resolved first, and nothing is made before the refusal.
#[test]
fn a_home_in_a_source_or_a_source_in_a_home_is_refused() {
    let world = World::new(Backend::Sqlite);
    write(&world, "inner/file.txt", b"an original");
    let link = |target: &str, name: &str| std::os::unix::fs::symlink(target, world.path().join(name)).expect("a link");
    link("archive", "link");
    link("archive/not there yet", "dangling");
    let made = |name: &str| std::fs::create_dir_all(world.path().join(name)).expect("a folder");
    made("with blobs");
    link("../archive/inner", "with blobs/blobs");
    made("with database");
    let config = |path: &str| format!("[store.sqlite]\npath = \"{}/{path}\"\n", world.path().display());
    std::fs::write(world.path().join("with database/exhibit.toml"), config("archive/store.sqlite")).expect("a file");
    made("with link");
    link("../archive/elsewhere.sqlite", "with link/store.sqlite");
    let before = everything_below(world.path());
    let cases = [
        ("archive/home", "archive", "archive/home"),
        ("archive", "archive", "archive"),
        ("link/home", "archive", "archive/home"),
        ("archive/home", "link", "archive/home"),
        ("dangling", "archive", "archive/not there yet"),
        ("nowhere/../archive/home", "archive", "archive/home"),
        (".", "archive", ""),
        (".", "link/inner", ""),
        ("with blobs", "archive", "archive/inner"),
        ("with database", "archive", "archive/store.sqlite"),
        ("with link", "archive", "archive/elsewhere.sqlite"),
    ];
    for (home, source, named) in cases {
        let refused = world.exhibit(&["--home", home, "scan", source]);
        assert_eq!(refused.code, 2, "home {home}, source {source}: {refused:#?}");
        let top = world.path().canonicalize().expect("a folder");
        let named = top.join(named).display().to_string();
        let named = named.trim_end_matches('/');
        let root = top.join(source).canonicalize().expect("a source").display().to_string();
        let message = format!(
            "exhibit: {named} and the source {root} lie in each other; choose another --home, so that nothing is ever \
             written below a source\n"
        );
        assert_eq!(refused.stderr, message, "home {home}, source {source}");
        assert_eq!(everything_below(world.path()), before, "home {home}, source {source}: nothing was made");
    }
}

/// AR-27: a source that came to lie around the home later is refused when a run begins.
#[test]
fn a_run_is_refused_when_the_home_lies_in_a_source() {
    let world = World::new(Backend::Sqlite);
    write(&world, "file.txt", b"an original");
    world.scan();
    std::fs::rename(world.home(), world.archive().join("home")).expect("a move");
    let refused = world.exhibit(&["--home", "archive/home", "run", "noop"]);
    assert_eq!(refused.code, 2, "{refused:#?}");
    assert!(refused.stderr.contains("lie in each other; choose another --home"), "{refused:#?}");
}

fn everything_below(folder: &Path) -> Vec<String> {
    let found = Command::new("find").arg(folder).arg("-printf").arg("%p %y %s %T@ %l\n").output().expect("find");
    let mut lines: Vec<String> = String::from_utf8_lossy(&found.stdout).lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// The value of a field in every item of a list.
fn column(list: &[Value], name: &str) -> Vec<String> {
    list.iter().map(|item| text(&item[name])).collect()
}
