//! AR-19, AR-27 and AR-01 for exports: whoever gets one can check it with the tools of any system, and nothing of it touches an original.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use crate::chance::Chance;
use crate::mounts::{Mount, again_with_own_mounts};
use crate::world::{Backend, World, items, text};

both_backends! {
    ar_01_an_export_leaves_every_original_as_it_was,
    ar_19_export_folder_zip_and_manifest_verify_with_sha256sum,
    ar_19_a_changed_or_missing_original_is_a_stated_failure,
    ar_19_only_what_counts_is_exported,
    ar_27_an_export_into_a_source_or_the_home_is_refused,
}

// In the tools of any system ------------------------------------------------------------------------------------------

/// Runs a program in a folder; it must end with 0.
#[track_caller]
pub fn tool(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).env("LC_ALL", "C.UTF-8").current_dir(folder).output();
    let output = output.unwrap_or_else(|error| panic!("{program} does not start ({error}); apt-get install it"));
    assert!(output.status.success(), "{program} {arguments:?}: {output:#?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Every regular file below a folder, relative to it.
pub fn files_below(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(folder).expect("below").to_owned());
            }
        }
    }
    found
}

/// `sha256sum -c` agrees with the manifest, and the manifest names everything but itself.
#[track_caller]
pub fn checks(folder: &Path) {
    let said = tool(folder, "sha256sum", &["--check", "--strict", "manifest-sha256.txt"]);
    let files = files_below(folder);
    assert_eq!(said.lines().filter(|line| line.ends_with(": OK")).count(), files.len() - 1, "{files:#?}");
}

/// The lines of a JSON Lines file.
fn lines(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    text.lines().map(|line| serde_json::from_str(line).expect("a document on each line")).collect()
}

fn document(file: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(file).expect("a file")).expect("JSON")
}

fn fingerprint(world: &World) -> Value {
    world.json(&["fingerprint", "archive"])
}

/// AR-19: whoever gets a folder or a zip finds every byte in the manifest, the facts of the ledger, and a checkpoint that the sender can prove.
fn ar_19_export_folder_zip_and_manifest_verify_with_sha256sum(backend: Backend) {
    let world = World::new(backend);
    world.sample(6, 0);
    world.json(&["run", "basics"]);

    let report = world.json(&["export", "--to", "out"]);
    let out = world.path().join("out");
    checks(&out);
    let assets = items(world.json(&["ls", "--limit", "1000"])).len();
    assert_eq!((&report["originals"], &report["failed"]), (&assets.into(), &0.into()), "{report}");
    assert_eq!(lines(&out.join("originals.jsonl")).len(), assets);
    let facts = lines(&out.join("facts.jsonl"));
    let recorded: BTreeSet<String> = world.artifacts("latest").iter().map(|fact| text(&fact["artifact_id"])).collect();
    assert_eq!(facts.iter().map(|fact| text(&fact["artifact_id"])).collect::<BTreeSet<_>>(), recorded);
    let blobs: BTreeSet<String> =
        facts.iter().filter_map(|fact| fact["blob"]["sha256"].as_str().map(str::to_owned)).collect();
    assert!(!blobs.is_empty());
    for sha256 in blobs {
        let bytes = std::fs::metadata(out.join(format!("blobs/{}/{sha256}", &sha256[..2])));
        assert!(bytes.is_ok(), "blob {sha256} is not in the export");
    }
    lineage_is_whole(&document(&out.join("lineage.prov.json")), &facts);
    // For many photos the only time that they have.
    for line in lines(&out.join("originals.jsonl")) {
        let Ok(original) = std::fs::metadata(world.archive().join(text(&line["paths"][0]["path"]))) else { continue };
        let copied = std::fs::metadata(out.join(text(&line["name"]))).expect("a copy");
        assert_eq!(copied.modified().expect("a time"), original.modified().expect("a time"), "{line}");
    }

    world.json(&["export", "--to", "out.zip"]);
    let unpacked = world.path().join("unpacked");
    std::fs::create_dir(&unpacked).expect("a folder");
    tool(world.path(), "unzip", &["-q", "out.zip", "-d", "unpacked"]);
    checks(&unpacked);
    let said = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); sys.exit(0 if z.testzip() is None else 1)";
    tool(world.path(), "python3", &["-c", said, "out.zip"]);
    assert_eq!(files_below(&unpacked), files_below(&out));
    for file in files_below(&out) {
        // The one says when it was made, the other what that hashes to.
        if !matches!(file.to_str(), Some("export.json" | "manifest-sha256.txt")) {
            let same =
                std::fs::read(out.join(&file)).expect("a file") == std::fs::read(unpacked.join(&file)).expect("a file");
            assert!(same, "{} differs between two exports of the same state", file.display());
        }
    }

    let listed = world.json(&["export", "--format", "manifest", "--what", "originals,blobs", "--to", "list.txt"]);
    let said = tool(world.path(), "sha256sum", &["--check", "--strict", "list.txt"]);
    assert_eq!(listed["files"], said.lines().count(), "{listed}");
    assert_eq!((&listed["originals"], &listed["blobs"]), (&report["originals"], &report["blobs"]));
    the_checkpoint_is_the_ledgers(&world, &out);
}

/// A receiver checks the signature, and the sender proves that the ledger extends what was given away.
#[track_caller]
fn the_checkpoint_is_the_ledgers(world: &World, out: &Path) {
    let ledger = &document(&out.join("export.json"))["ledger"];
    std::fs::write(world.path().join("given.txt"), text(&ledger["checkpoint"])).expect("a file");
    world.json(&["run", "noop"]);
    let proved = world.json(&["verify", "--checkpoint", "given.txt", "--key", &text(&ledger["key"])]);
    assert_eq!((&proved["checkpoint_root"], &proved["checkpoint_batches"]), (&ledger["root"], &ledger["batches"]));
    assert!(proved["batches"].as_u64() > ledger["batches"].as_u64(), "{proved}");
}

/// The rules of PROV-JSON that a reader relies on: known sections, names with a known prefix, and no relation that leads nowhere.
#[track_caller]
fn lineage_is_whole(document: &Value, facts: &[Value]) {
    let sections = document.as_object().expect("an object");
    let known =
        ["activity", "agent", "entity", "prefix", "used", "wasAssociatedWith", "wasDerivedFrom", "wasGeneratedBy"];
    assert_eq!(sections.keys().map(String::as_str).collect::<BTreeSet<_>>(), BTreeSet::from(known));
    let has = |section: &str, id: &Value| document[section].get(text(id)).is_some();
    let relations: [(&str, &[(&str, &str)]); 4] = [
        ("wasGeneratedBy", &[("prov:entity", "entity"), ("prov:activity", "activity")]),
        ("used", &[("prov:activity", "activity"), ("prov:entity", "entity")]),
        (
            "wasDerivedFrom",
            &[("prov:generatedEntity", "entity"), ("prov:usedEntity", "entity"), ("prov:activity", "activity")],
        ),
        ("wasAssociatedWith", &[("prov:activity", "activity"), ("prov:agent", "agent"), ("prov:plan", "entity")]),
    ];
    for (relation, ends) in relations {
        for (id, relation) in document[relation].as_object().expect("relations") {
            assert!(id.starts_with("_:"), "{id}");
            for (end, section) in ends {
                assert!(has(section, &relation[*end]), "{id}: {end} leads nowhere: {relation}");
            }
        }
    }
    for section in ["entity", "activity", "agent"] {
        let ids = document[section].as_object().expect("a section");
        assert!(!ids.is_empty() && ids.keys().all(|id| id.starts_with("exhibit:")), "{section}");
    }
    let mut generated: BTreeMap<String, u64> = BTreeMap::new();
    for relation in document["wasGeneratedBy"].as_object().expect("relations").values() {
        *generated.entry(text(&relation["prov:entity"])).or_default() += 1;
    }
    for fact in facts {
        let id = format!("exhibit:{}", text(&fact["artifact_id"]));
        assert_eq!(generated.get(&id), Some(&1), "{id} was generated once");
        assert_eq!(document["entity"][&id]["exhibit:contentHash"], fact["content_hash"]);
        let asset = format!("exhibit:{}", text(&fact["asset_id"]));
        assert!(document["entity"].get(&asset).is_some(), "{asset}");
    }
}

/// The lineage of one fact says the same as that of all of them.
#[test]
fn explain_prints_the_lineage_of_a_fact_as_prov() {
    let world = World::new(Backend::Sqlite);
    world.archive_of_small_files(2);
    world.json(&["run", "noop"]);
    let fact = world.artifacts("latest").remove(0);
    let one = world.json(&["explain", &text(&fact["artifact_id"]), "--prov"]);
    let as_fact = serde_json::json!({
        "artifact_id": fact["artifact_id"], "content_hash": fact["content_hash"], "asset_id": fact["asset_id"],
    });
    lineage_is_whole(&one, &[as_fact]);
    world.json(&["export", "--to", "out", "--what", "facts"]);
    let all = document(&world.path().join("out/lineage.prov.json"));
    for section in ["entity", "activity", "agent", "used"] {
        for (id, said) in one[section].as_object().expect("a section") {
            assert_eq!(&all[section][id], said, "{id}");
        }
    }
}

/// AR-01: content, names, modes and times of the originals are the same before and after, those of the last access too.
fn ar_01_an_export_leaves_every_original_as_it_was(backend: Backend) {
    let world = World::new(backend);
    world.sample(6, 0);
    let times = || tool(world.path(), "find", &["archive", "-type", "f", "-printf", "%p %A@ %C@ %T@ %m\\n"]);
    let before = (times(), fingerprint(&world));
    for (to, format) in [("out", "folder"), ("out.zip", "zip"), ("list.txt", "manifest")] {
        let report = world.json(&["export", "--to", to, "--format", format]);
        assert!(report["originals"].as_u64() > Some(6), "{report}");
    }
    world.exhibit(&["export", "--to", "archive/out"]);
    assert!((times(), fingerprint(&world)) == before, "an export changed the archive");
}

// What cannot be exported ---------------------------------------------------------------------------------------------

/// AR-19: a changed or missing original is named with its reason, the exit code is 3, the others are there, and nothing of it is left.
fn ar_19_a_changed_or_missing_original_is_a_stated_failure(backend: Backend) {
    let world = World::new(backend);
    world.write_small_files(6);
    let put = |name: &str, bytes: &[u8]| std::fs::write(world.archive().join(name), bytes).expect("a file");
    put("changed.txt", &[b'a'; 300_000]);
    put("copied.txt", b"at two places");
    put("copy of it.txt", b"at two places");
    put("gone.txt", b"gone soon");
    put("grown.txt", b"grows");
    world.scan();
    put("changed.txt", &[b'b'; 300_000]);
    put("copied.txt", b"at one place!");
    put("grown.txt", b"grows and grows");
    std::fs::remove_file(world.archive().join("gone.txt")).expect("it goes");
    for (to, format) in [("out", "folder"), ("out.zip", "zip")] {
        let output = world.exhibit(&["export", "--to", to, "--json"]);
        assert_eq!(output.code, 3, "{output:#?}");
        let report = output.json();
        assert_eq!(
            (&report["originals"], &report["failed"], &report["format"]),
            (&7.into(), &3.into(), &format.into())
        );
        let failures = report["failures"].as_array().expect("failures").iter();
        let failures: BTreeSet<(String, String)> =
            failures.map(|failure| (text(&failure["path"]), text(&failure["code"]))).collect();
        let expected = [("changed.txt", "changed"), ("gone.txt", "missing"), ("grown.txt", "changed")];
        let expected = expected.map(|(path, code)| (path.to_owned(), code.to_owned()));
        assert_eq!(failures, BTreeSet::from(expected));
    }
    let out = world.path().join("out");
    checks(&out);
    let names: Vec<String> = lines(&out.join("originals.jsonl")).iter().map(|line| text(&line["name"])).collect();
    assert_eq!(files_below(&out.join("originals")).len(), names.len(), "half a file is left");
    assert!(names.iter().any(|name| name.ends_with("/copied.txt")), "the second path has the bytes: {names:?}");
    assert_eq!(document(&out.join("export.json"))["failed"], 3);
    tool(world.path(), "unzip", &["-tq", "out.zip"]);
    tool(world.path(), "unzip", &["-q", "out.zip", "-d", "unpacked"]);
    checks(&world.path().join("unpacked"));
    let said = world.exhibit(&["export", "--to", "again"]);
    assert_eq!(said.stderr, "exhibit: done in part: 3 are not in the export\n");
}

/// What sandbox runs found is not exported unless it is asked for, or was promoted; and only the assets that were named.
fn ar_19_only_what_counts_is_exported(backend: Backend) {
    let world = World::new(backend);
    world.archive_of_small_files(4);
    world.json(&["run", "noop", "--policy", "sandbox"]);
    let count = |name: &str, more: &[&str]| {
        let report = world.json(&[&["export", "--to", name, "--what", "facts"], more].concat());
        let facts = lines(&world.path().join(name).join("facts.jsonl")).len();
        assert_eq!(report["facts"], facts);
        (report["assets"].as_u64().expect("a count"), facts)
    };
    assert_eq!(count("production", &[]), (4, 0));
    assert_eq!(count("sandbox", &["--sandbox"]), (4, 4));
    world.ok(&["promote", "latest"]);
    assert_eq!(count("promoted", &["--collection", "all"]), (4, 4));
    let asset = text(&items(world.json(&["ls"]))[1]["asset_id"]);
    assert_eq!(count("one", &["--assets", &asset[..16]]), (1, 1));
    let unknown = world.exhibit(&["export", "--to", "none", "--collection", "nobody"]);
    assert_eq!((unknown.code, world.path().join("none").exists()), (2, false), "{unknown:#?}");
    let facts = world.exhibit(&["export", "--to", "none", "--format", "manifest", "--what", "facts"]);
    assert_eq!(facts.code, 2, "{facts:#?}");
    // The same facts in two homes are the same lines, but for who found them when.
    let other = World::new(backend);
    other.archive_of_small_files(4);
    other.json(&["run", "noop", "--workers", "1"]);
    other.json(&["export", "--to", "other", "--what", "facts"]);
    let said = |file: PathBuf| {
        let mut facts = lines(&file);
        for fact in &mut facts {
            let fact = fact.as_object_mut().expect("an object");
            ["artifact_id", "run_id", "created_at", "ledger_seq"].iter().for_each(|name| drop(fact.remove(*name)));
        }
        facts
    };
    assert_eq!(said(other.path().join("other/facts.jsonl")), said(world.path().join("promoted/facts.jsonl")));
}

/// Names that the kernel allows and others do not: safe in the export, and what they were is kept.
#[test]
fn hostile_names_become_safe_ones_and_nothing_is_lost() {
    let world = World::new(Backend::Sqlite);
    let names: [&[u8]; 12] = [
        b"\xff\xfe.jpg",
        b"new\nline.txt",
        b"carriage\rreturn",
        b"back\\slash",
        b"-rf",
        b"..hidden",
        b"c:aux",
        b"Same.txt",
        b"same.TXT",
        b"~by-asset",
        b"trailing ",
        b"*?\"<>|",
    ];
    std::fs::create_dir_all(world.archive()).expect("a folder");
    for name in names {
        std::fs::write(world.archive().join(OsStr::from_bytes(name)), name).expect("a file");
    }
    world.scan();
    world.json(&["export", "--to", "out"]);
    let out = world.path().join("out");
    checks(&out);
    let mut seen = BTreeSet::new();
    let originals = lines(&out.join("originals.jsonl"));
    assert_eq!(originals.len(), names.len());
    for line in originals {
        let name = text(&line["name"]);
        assert!(name.starts_with("originals/") && !name.contains(['\\', '\n', '\r', ':', '*', '"']), "{name:?}");
        assert!(seen.insert(name.to_lowercase()), "{name} twice");
        // Each file holds its own name, so the bytes say what it was called.
        let bytes = std::fs::read(out.join(&name)).expect("the file");
        assert!(names.contains(&bytes.as_slice()));
        let encoded = Command::new("base64").arg("-w0").arg(out.join(&name)).output().expect("base64 starts").stdout;
        assert_eq!(line["paths"][0]["path_b64"], String::from_utf8(encoded).expect("text"));
    }
    tool(world.path(), "sh", &["-c", "cp -r out copy && mv out/originals moved"]);
    // As they are, in the escapes of sha256sum.
    let listed = world.json(&["export", "--format", "manifest", "--to", "list.txt"]);
    let said = tool(world.path(), "sha256sum", &["--check", "--strict", "list.txt"]);
    assert_eq!((listed["files"].as_u64(), said.lines().count()), (Some(12), 12), "{said}");
}

// Where it may go -----------------------------------------------------------------------------------------------------

/// AR-27: the target in a source or in the home, through links and `..` too, and the reverse; and nothing is overwritten.
fn ar_27_an_export_into_a_source_or_the_home_is_refused(backend: Backend) {
    let world = World::new(backend);
    world.archive_of_small_files(2);
    let before = fingerprint(&world);
    std::os::unix::fs::symlink(world.archive(), world.path().join("link")).expect("a link");
    std::os::unix::fs::symlink(world.archive().join("later"), world.path().join("dangling")).expect("a link");
    std::fs::create_dir(world.path().join("full")).expect("a folder");
    std::fs::write(world.path().join("full/mine.txt"), "mine").expect("a file");
    std::fs::write(world.path().join("file.zip"), "mine").expect("a file");
    let (home, top) = (world.home(), world.path());
    let of_home = |to: &str| format!("{to} and the home's {} lie in each other", home.display());
    let of_source = |to: &str| format!("{to} and the source {} lie in each other", world.archive().display());
    let cases = [
        ("archive", of_source("archive")),
        ("archive/out", of_source("archive/out")),
        ("archive/out.zip", of_source("archive/out.zip")),
        ("link/out", of_source("link/out")),
        ("dangling", of_source("dangling")),
        ("full/../archive/new/..", of_source("full/../archive/new/..")),
        (".", of_source(".")),
        ("home", of_home("home")),
        ("home/out", of_home("home/out")),
        (
            "full",
            "cannot write to full: it is a folder that is not empty; name one that is empty or does not exist"
                .to_owned(),
        ),
        (
            "file.zip",
            "cannot write to file.zip: there is such a file already; nothing is ever overwritten, name another"
                .to_owned(),
        ),
        ("nowhere/out", "cannot write to nowhere/out: the folder above it does not exist".to_owned()),
    ];
    for format in ["folder", "zip", "manifest"] {
        for (to, message) in &cases {
            let output = world.exhibit(&["export", "--to", to, "--format", format]);
            assert_eq!(output.code, 2, "{to}: {output:#?}");
            assert!(output.stderr.starts_with(&format!("exhibit: {message}")), "{to}: {output:#?}");
        }
    }
    assert_eq!(fingerprint(&world), before, "AR-01: a refused export changed the archive");
    assert_eq!(std::fs::read(top.join("full/mine.txt")).expect("mine"), b"mine");
    assert_eq!(std::fs::read(top.join("file.zip")).expect("mine"), b"mine");
    std::fs::create_dir(top.join("empty")).expect("a folder");
    world.json(&["export", "--to", "empty"]);
    checks(&top.join("empty"));
}

/// A disk without room: said so, and nothing is left on it.
#[test]
fn a_full_disk_leaves_nothing_of_an_export_or_a_backup() {
    let world = World::new(Backend::Sqlite);
    let small = world.path().join("small");
    let Some(_mount) = Mount::new(&small, "size=2m") else {
        return again_with_own_mounts("exports::a_full_disk_leaves_nothing_of_an_export_or_a_backup");
    };
    world.write_small_files(2);
    std::fs::write(world.archive().join("large.bin"), vec![7; 4 << 20]).expect("a file");
    world.scan();
    // A file of the home that is part of every backup.
    std::fs::write(world.home().join("notes"), vec![7; 4 << 20]).expect("a file");
    for arguments in
        [&["export", "--to", "small/out"] as &[&str], &["export", "--to", "small/out.zip"], &["backup", "small/saved"]]
    {
        let output = world.exhibit(arguments);
        assert_eq!(output.code, 1, "{arguments:?}: {output:#?}");
        assert!(output.stderr.starts_with("exhibit: no space left on the device of "), "{arguments:?}: {output:#?}");
        let left = std::fs::read_dir(&small).expect("a folder").count();
        assert_eq!(left, 0, "{arguments:?} left something");
    }
    world.json(&["export", "--to", "small/out", "--what", "facts"]);
}

// Stopped in the middle -----------------------------------------------------------------------------------------------

/// Kills at random points: under the final name lies nothing or a whole export, and what is left is told at the next start.
#[test]
fn a_killed_export_leaves_no_half_result_under_its_name() {
    const KILLS: usize = 12;
    let mut chance = Chance::new(0xe4b0_0711);
    let world = World::new(Backend::Sqlite);
    world.write_small_files(300);
    std::fs::write(world.archive().join("large.bin"), vec![7; 24 << 20]).expect("a file");
    world.scan();
    world.json(&["run", "noop"]);
    let mut interrupted = 0;
    for kill in 0..KILLS {
        let name = if kill % 2 == 0 { "out" } else { "out.zip" };
        let (target, partial) = (world.path().join(name), world.path().join(format!("{name}.partial")));
        let running = world.start(&["export", "--to", name]);
        chance.spin_long();
        running.kill();
        if target.exists() {
            whole(&world, name);
            remove(&target);
        }
        if partial.exists() {
            interrupted += 1;
            let output = world.exhibit(&["export", "--to", name]);
            assert_eq!(output.code, 2, "{output:#?}");
            let said =
                format!("exhibit: {} is there: a command that writes to {name} was interrupted", partial.display());
            assert!(output.stderr.starts_with(&said), "{output:#?}");
            remove(&partial);
        }
    }
    println!("{interrupted} of {KILLS} were interrupted while they wrote");
    for name in ["out", "out.zip"] {
        world.json(&["export", "--to", name]);
        whole(&world, name);
    }
}

#[track_caller]
fn whole(world: &World, name: &str) {
    if name == "out" {
        return checks(&world.path().join(name));
    }
    let unpacked = world.path().join("unpacked");
    remove(&unpacked);
    tool(world.path(), "unzip", &["-q", name, "-d", "unpacked"]);
    checks(&unpacked);
}

pub fn remove(path: &Path) {
    if path.is_dir() {
        std::fs::remove_dir_all(path).expect("it goes");
    } else if path.exists() {
        std::fs::remove_file(path).expect("it goes");
    }
}

/// Ctrl-C in the middle: nothing is left, neither under the final name nor beside it.
#[test]
fn ctrl_c_leaves_nothing_of_an_export() {
    let world = World::new(Backend::Sqlite);
    world.write_small_files(2);
    // Nothing, which costs no disk here, takes a while to copy.
    let large = std::fs::File::create(world.archive().join("large.bin")).expect("a file");
    large.set_len(256 << 20).expect("a length");
    world.scan();
    for name in ["out", "out.zip"] {
        let running = world.start(&["export", "--to", name]);
        let partial = world.path().join(format!("{name}.partial"));
        while !partial.exists() {
            std::thread::yield_now();
        }
        running.signal(Signal::INT);
        let output = running.wait();
        assert_eq!((output.code, output.stderr.as_str()), (1, "exhibit: stopped; nothing was left behind\n"));
        assert!(!partial.exists() && !world.path().join(name).exists(), "{name}");
    }
}
