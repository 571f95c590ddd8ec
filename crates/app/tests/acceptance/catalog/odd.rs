//! AR-05: every odd thing that lies in an archive has a defined outcome.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};
use serde_json::json;

use super::{column, outcomes, paths};
use crate::world::{Backend, Output, PATIENCE, World, items, text};

/// A picture that metadata and thumbnails can be made of: four by three pixels, once decoded.
fn picture(world: &World, seed: &str) -> Vec<u8> {
    let path = world.path().join("picture.png");
    let source = format!("color=c={seed}:size=400x300");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", &source, "-frames:v", "1"])
        .arg(&path)
        .output();
    let made = made.unwrap_or_else(|error| panic!("ffmpeg does not start ({error}); apt-get install ffmpeg"));
    assert!(made.status.success(), "{made:#?}");
    std::fs::read(path).expect("a picture")
}

/// Writes a file below folders whose names add up to more than the 4,096 bytes that one path of a system call may have.
fn write_deep(root: &Path, bytes: &[u8]) -> usize {
    const FOLDERS: usize = 22;
    let name = "d".repeat(200);
    let directory = OFlags::RDONLY | OFlags::DIRECTORY;
    let mut folder = openat(CWD, root, directory, Mode::empty()).expect("the root");
    for _ in 0..FOLDERS {
        mkdirat(&folder, name.as_str(), Mode::from_raw_mode(0o755)).expect("a folder");
        folder = openat(&folder, name.as_str(), directory, Mode::empty()).expect("the folder");
    }
    let file = openat(&folder, "deep.png", OFlags::WRONLY | OFlags::CREATE, Mode::from_raw_mode(0o644));
    rustix::io::write(file.expect("a file"), bytes).expect("bytes");
    FOLDERS * (name.len() + 1) + "deep.png".len()
}

fn shell(world: &World, script: &str) {
    let output = Command::new("sh").args(["-ec", script]).current_dir(world.archive()).output().expect("sh");
    assert!(output.status.success(), "{script}: {output:#?}");
}

/// AR-05: links, pipes, sockets, devices, empty files, and names of any bytes and any length.
#[test]
fn every_odd_thing_has_a_defined_outcome() {
    let world = World::new(Backend::Sqlite);
    let archive = world.archive();
    std::fs::create_dir(&archive).expect("a folder");
    let raw_name = archive.join(std::ffi::OsStr::from_bytes(b"caf\xe9 \xff.png"));
    std::fs::write(raw_name, picture(&world, "red")).expect("a file");
    assert!(write_deep(&archive, &picture(&world, "green")) > 4_096);
    std::fs::write(archive.join("empty.jpg"), b"").expect("a file");
    shell(&world, "ln -s self self; mkdir folder; ln -s .. folder/up; ln -s gone broken; ln -s /etc out; mkfifo pipe");
    let socket = std::os::unix::net::UnixListener::bind(archive.join("socket")).expect("a socket");
    let mut expected: BTreeMap<String, String> =
        ["self", "folder/up", "broken", "out"].map(|path| (path.to_owned(), "symlink".to_owned())).into();
    expected.insert("pipe".to_owned(), "fifo".to_owned());
    expected.insert("socket".to_owned(), "socket".to_owned());
    if rustix::process::geteuid().is_root() {
        // Only root may make a device; elsewhere the other outcomes are tested all the same.
        shell(&world, "mknod null c 1 3");
        expected.insert("null".to_owned(), "device".to_owned());
    }
    let before = world.ok(&["fingerprint", "archive"]);

    let report = world.exhibit(&["scan", "archive", "--json"]);
    assert_eq!(report.code, 0, "none of these is a failure: {report:#?}");
    let document = report.json();
    assert_eq!((&document["files"], &document["new_assets"]), (&json!(3), &json!(3)), "{document}");
    assert_eq!(outcomes(&world), expected);
    assert_eq!(world.scan()["files_read"], 0);

    // Facts are made of both pictures, whatever their names are.
    let status = world.json(&["run", "basics"]);
    assert_eq!(status["state"], "completed", "{status}");
    let images = items(world.json(&["ls", "--type", "image"]));
    assert_eq!(images.len(), 2);
    for image in &images {
        assert_eq!((&image["width"], &image["height"]), (&json!(400), &json!(300)), "{image}");
        let facts = world.json(&["show", &text(&image["asset_id"])])["facts"].as_array().expect("facts").clone();
        assert_eq!(column(&facts, "kind"), ["media.metadata", "image.thumbnail", "image.thumbnail"]);
    }
    assert!(images.iter().any(|image| image["path_b64"] == "Y2Fm6SD/LnBuZw=="), "the bytes of the name: {images:#?}");
    assert!(images.iter().any(|image| image["path"] == r"caf\xe9 \xff.png"), "the name for people: {images:#?}");
    assert_eq!(world.ok(&["fingerprint", "archive"]), before);
    drop(socket);
}

/// Runs the program as a user who is not root, for whom a mode of 000 means something.
fn as_nobody(world: &World, arguments: &[&str]) -> Output {
    let plain = world.command(arguments);
    let mut command = if rustix::process::geteuid().is_root() {
        // The folder of the build may be closed to others.
        let program = world.path().join("exhibit");
        if !program.exists() {
            std::fs::copy(plain.get_program(), &program).expect("a copy of the program");
            std::fs::set_permissions(world.path(), std::fs::Permissions::from_mode(0o777)).expect("a mode");
        }
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(program);
        command
    } else {
        Command::new(plain.get_program())
    };
    command.args(plain.get_args()).env_clear().current_dir(world.path());
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = command.output().expect("setpriv, of util-linux");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    let code = output.status.code().expect("a code");
    Output { code, stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// AR-05: what may not be read is named, the rest is taken in, and what lies in a closed folder does not become missing.
#[test]
fn unreadable_files_and_folders_are_named_and_lose_nothing() {
    let world = World::new(Backend::Sqlite);
    for path in ["open/a.txt", "open/closed.txt", "closed/inside.txt"] {
        let path = world.archive().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, path.as_os_str().as_bytes()).expect("a file");
    }
    assert_eq!(as_nobody(&world, &["scan", "archive"]).code, 0);
    let mode = |path: &str, mode: u32| {
        let path = world.archive().join(path);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
    };
    mode("closed", 0);
    mode("open/closed.txt", 0);
    // A new modification time, so that it has to be read.
    shell(&world, "touch -d 2001-01-01 open/closed.txt");
    let scan = as_nobody(&world, &["scan", "archive"]);
    assert_eq!(scan.code, 3, "{scan:#?}");
    assert_eq!(scan.stderr, "exhibit: done in part: 2 unreadable; `exhibit sources archive` lists them\n");
    let listed = as_nobody(&world, &["sources", "archive"]);
    let expected = "unreadable  closed           cannot be opened: Permission denied (os error 13)\n\
                    unreadable  open/closed.txt  Permission denied (os error 13)\n";
    assert_eq!(listed.stdout, expected);
    let all = items(as_nobody(&world, &["ls", "--json"]).json());
    assert_eq!(all.len(), 3);
    assert!(all.iter().all(|asset| asset["present"] == true), "unknown is not missing: {all:#?}");

    // The whole tree closed: refused, and the catalog stays.
    mode("", 0);
    let refused = as_nobody(&world, &["scan", "archive"]);
    assert_eq!(refused.code, 2, "{refused:#?}");
    let message = "exhibit: cannot scan archive: it cannot be opened: Permission denied (os error 13)\n";
    assert!(refused.stderr == message || refused.stderr.contains("Permission denied"), "{refused:#?}");
    mode("", 0o755);
    mode("closed", 0o755);
    mode("open/closed.txt", 0o644);
    assert_eq!(as_nobody(&world, &["scan", "archive"]).code, 0);
}

/// Lets the writer rest when it is dropped, also by a failed assertion.
struct Rest<'a>(&'a AtomicBool);

impl Drop for Rest<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// AR-05: a file that is written while it is read is `unstable`, and is cataloged as it is once it has come to rest. A scan may also
/// find it between two writes; what it read then is a state that the file was in.
#[test]
fn a_file_that_changes_while_it_is_read_is_unstable_until_it_rests() {
    const BYTES: usize = 24 * 1024 * 1024;
    const PIECE: usize = 64 * 1024;
    let world = World::new(Backend::Sqlite);
    std::fs::create_dir(world.archive()).expect("a folder");
    let path = world.archive().join("moving.bin");
    let states = [vec![b'a'; BYTES], vec![b'b'; BYTES]];
    // What both states are called, said by the program itself while nothing moves.
    let whole = states.each_ref().map(|state| {
        std::fs::write(&path, state).expect("a file");
        world.scan();
        super::asset_at(&world, "moving.bin")
    });
    let resting = AtomicBool::new(false);
    let mut unstable = 0;
    std::thread::scope(|scope| {
        let rest = Rest(&resting);
        scope.spawn(|| {
            use std::os::unix::fs::FileExt as _;
            let file = std::fs::File::options().write(true).open(&path).expect("the file");
            for state in states.iter().cycle() {
                if resting.load(Ordering::Relaxed) {
                    return;
                }
                // In pieces, as programs write: each moves the modification time.
                for (index, piece) in state.chunks(PIECE).enumerate() {
                    file.write_all_at(piece, (index * PIECE) as u64).expect("bytes");
                }
            }
        });
        // Each scan may be lucky; that all of them are, would take a writer that never gets to write.
        let deadline = Instant::now() + PATIENCE;
        let mut scans = 0;
        while scans < 3 || (unstable == 0 && Instant::now() < deadline) {
            scans += 1;
            let scan = world.exhibit(&["scan", "archive", "--json"]);
            let listed = outcomes(&world);
            match listed.get("moving.bin").map(String::as_str) {
                None => assert_eq!(scan.code, 0, "{scan:#?}"),
                Some("unstable") => {
                    unstable += 1;
                    assert_eq!(scan.code, 3, "{scan:#?}");
                }
                Some(other) => panic!("{other}: {scan:#?}"),
            }
        }
        drop(rest);
    });
    assert!(unstable > 0, "the file never moved while it was read");
    std::fs::write(&path, &states[1]).expect("the last word");
    world.ok(&["scan", "archive"]);
    assert_eq!(outcomes(&world), BTreeMap::new());
    assert!(paths(&world, &whole[1]).contains(&("present".to_owned(), "moving.bin".to_owned())));
}
