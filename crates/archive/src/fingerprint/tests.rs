//! Tests of the fingerprint: every kind of change shows, reading does not, and the definition can be followed by hand.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};

use exhibit_model::digest::Digest;
use rustix::fs::{AtFlags, CWD, IFlags, Mode, OFlags, Timespec, Timestamps, XattrFlags};

use super::*;

fn set_mtime(path: &Path, seconds: i64, nanoseconds: i64) {
    let at = Timespec { tv_sec: seconds, tv_nsec: nanoseconds };
    let times = Timestamps { last_access: at, last_modification: at };
    rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

fn sample() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::create_dir_all(at("a/b")).unwrap();
    std::fs::write(at("a/one"), "first file").unwrap();
    std::fs::write(at("a/b/two"), vec![7; 600_000]).unwrap();
    std::fs::write(at("empty"), "").unwrap();
    std::fs::write(dir.path().join(OsStr::from_bytes(b"not \xff utf-8")), "x").unwrap();
    symlink("a/one", at("link")).unwrap();
    rustix::fs::mkfifoat(CWD, at("fifo"), Mode::RUSR | Mode::WUSR).unwrap();
    for name in ["a/one", "a/b/two", "empty", "link", "fifo", "a/b", "a", ""] {
        set_mtime(&at(name), 1_500_000_000, 123_456_789);
    }
    dir
}

fn take(root: &Path) -> Fingerprint {
    fingerprint(root, &mut |_| {}).unwrap()
}

fn manifest(root: &Path, threads: usize) -> (Fingerprint, Vec<ManifestEntry>) {
    let mut lines = Vec::new();
    let whole = fingerprint_with(root, threads, &mut |entry| lines.push(entry.clone()), &mut |_| {}).unwrap();
    (whole, lines)
}

#[test]
fn counts_say_what_was_seen() {
    let dir = sample();
    let seen = take(dir.path());
    assert_eq!((seen.files, seen.directories, seen.others, seen.unreadable), (4, 3, 2, 0));
    assert_eq!(seen.bytes, 10 + 600_000 + 1);
    let mut last = Progress::default();
    fingerprint(dir.path(), &mut |progress| last = progress).unwrap();
    assert_eq!(last, Progress { entries: 9, bytes: seen.bytes });
}

#[test]
fn looking_twice_and_with_any_number_of_threads_gives_the_same() {
    let dir = sample();
    for index in 0..300 {
        std::fs::write(dir.path().join(format!("a/file-{index}")), vec![index as u8; index * 97]).unwrap();
    }
    let (first, lines) = manifest(dir.path(), 1);
    for threads in [0, 2, 8, 1000] {
        let (again, others) = manifest(dir.path(), threads);
        assert_eq!((&again, &others), (&first, &lines));
    }
    assert!(lines.is_sorted_by(|left, right| crate::walk::path_order(&left.path, &right.path).is_lt()));
}

#[test]
fn reading_does_not_show() {
    let dir = sample();
    let before = take(dir.path());
    let file = dir.path().join("a/one");
    std::fs::read(&file).unwrap();
    let later = Timespec { tv_sec: 1_700_000_000, tv_nsec: 0 };
    let omit = Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT };
    let times = Timestamps { last_access: later, last_modification: omit };
    rustix::fs::utimensat(CWD, &file, &times, AtFlags::empty()).unwrap();
    assert_eq!(take(dir.path()), before);
}

type Change = (&'static str, fn(&Path));

/// Each change, and the entries that must show it beside it; times are set back so that nothing but the change itself
/// can tell.
#[test]
fn every_kind_of_change_shows() {
    let changes: &[Change] = &[
        ("content, same size and mtime", |root| {
            std::fs::write(root.join("a/one"), "First file").unwrap();
            set_mtime(&root.join("a/one"), 1_500_000_000, 123_456_789);
        }),
        ("one nanosecond", |root| set_mtime(&root.join("a/one"), 1_500_000_000, 123_456_788)),
        ("mtime of a folder", |root| set_mtime(&root.join("a/b"), 1_500_000_001, 123_456_789)),
        ("mtime of a link", |root| set_mtime(&root.join("link"), 1_500_000_001, 123_456_789)),
        ("mtime of the root", |root| set_mtime(root, 1, 0)),
        ("mode", |root| std::fs::set_permissions(root.join("a/one"), PermissionsExt::from_mode(0o640)).unwrap()),
        ("sticky bit of a folder", |root| {
            std::fs::set_permissions(root.join("a"), PermissionsExt::from_mode(0o1755)).unwrap()
        }),
        ("attribute", |root| {
            rustix::fs::setxattr(root.join("a/one"), "user.note", b"hello", XattrFlags::empty()).unwrap();
        }),
        ("attribute of a folder", |root| {
            rustix::fs::setxattr(root.join("a"), "user.note", b"hello", XattrFlags::empty()).unwrap();
        }),
        ("rename", |root| std::fs::rename(root.join("a/one"), root.join("a/uno")).unwrap()),
        ("new empty file", |root| std::fs::write(root.join(".hidden"), "").unwrap()),
        ("removed file", |root| std::fs::remove_file(root.join("empty")).unwrap()),
        ("hard link elsewhere", |root| std::fs::hard_link(root.join("a/one"), root.with_extension("hard")).unwrap()),
        ("target of a link", |root| {
            std::fs::remove_file(root.join("link")).unwrap();
            symlink("a/two", root.join("link")).unwrap();
            set_mtime(&root.join("link"), 1_500_000_000, 123_456_789);
        }),
        ("file in place of a pipe", |root| {
            std::fs::remove_file(root.join("fifo")).unwrap();
            std::fs::write(root.join("fifo"), "").unwrap();
            set_mtime(&root.join("fifo"), 1_500_000_000, 123_456_789);
        }),
    ];
    let mut digests = std::collections::BTreeSet::new();
    for (what, change) in changes {
        let dir = sample();
        let (before, lines) = manifest(dir.path(), 2);
        change(dir.path());
        if *what != "mtime of the root" {
            set_mtime(dir.path(), 1_500_000_000, 123_456_789);
        }
        if *what != "rename" && *what != "mtime of a folder" {
            set_mtime(&dir.path().join("a"), 1_500_000_000, 123_456_789);
        }
        let (after, changed) = manifest(dir.path(), 2);
        assert_ne!(after.digest, before.digest, "{what}");
        assert_eq!(after.unreadable, 0, "{what}: {:?}", after.problems);
        let differing = changed.iter().filter(|line| !lines.contains(line)).count();
        assert!(differing <= 2, "{what}: {differing} entries differ");
        assert!(digests.insert(after.digest), "{what} looks like another change");
        match std::fs::remove_file(dir.path().with_extension("hard")) {
            Ok(()) => assert_eq!(*what, "hard link elsewhere"),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::NotFound),
        }
    }
}

#[test]
fn owner_and_flags_show_where_the_machine_can_change_them() {
    let dir = sample();
    let before = take(dir.path());
    let file = std::fs::File::open(dir.path().join("a/one")).unwrap();
    if rustix::fs::ioctl_getflags(&file)
        .is_ok_and(|old| rustix::fs::ioctl_setflags(&file, old | IFlags::NODUMP).is_ok())
    {
        assert_ne!(take(dir.path()).digest, before.digest);
        let now = rustix::fs::ioctl_getflags(&file).unwrap();
        rustix::fs::ioctl_setflags(&file, now - IFlags::NODUMP).unwrap();
        assert_eq!(take(dir.path()).digest, before.digest);
    }
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::lchown(dir.path().join("link"), Some(1234), None).unwrap();
        assert_ne!(take(dir.path()).digest, before.digest);
    }
}

#[test]
fn what_cannot_be_read_is_told_and_part_of_the_answer() {
    let dir = sample();
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::set_permissions(dir.path().join("a/one"), PermissionsExt::from_mode(0o000)).unwrap();
    std::fs::set_permissions(dir.path().join("a/b"), PermissionsExt::from_mode(0o000)).unwrap();
    // Root reads everything; a thread can stop being root on its own.
    let seen = std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            if rustix::process::geteuid().is_root() {
                let nobody = rustix::process::Uid::from_raw(65534);
                rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
            }
            take(dir.path())
        });
        thread.join().unwrap()
    });
    let problems: Vec<(&[u8], &str)> =
        seen.problems.iter().map(|problem| (problem.path.as_slice(), problem.troubles.as_str())).collect();
    assert_eq!(problems, [(&b"a/b"[..], "open:13"), (b"a/one", "open:13")]);
    assert_eq!(seen.unreadable, 2);
    std::fs::set_permissions(dir.path().join("a/b"), PermissionsExt::from_mode(0o755)).unwrap();
}

#[test]
fn paths_beyond_path_max_count() {
    let dir = tempfile::tempdir().unwrap();
    let mut here = originals::open_root(dir.path()).unwrap();
    let name = "a-name-of-thirty-bytes-or-more";
    for _ in 0..150 {
        rustix::fs::mkdirat(&here, name, Mode::RWXU).unwrap();
        here = rustix::fs::openat(&here, name, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap();
    }
    let before = take(dir.path());
    let file = rustix::fs::openat(&here, "f", OFlags::CREATE | OFlags::WRONLY, Mode::RUSR).unwrap();
    rustix::fs::symlinkat("x", &here, "link").unwrap();
    rustix::io::write(&file, b"deep").unwrap();
    rustix::fs::fsetxattr(&file, "user.note", b"deep", XattrFlags::empty()).unwrap();
    let (after, lines) = manifest(dir.path(), 2);
    assert_ne!(after.digest, before.digest);
    assert_eq!((after.directories, after.files, after.others, after.bytes, after.unreadable), (151, 1, 1, 4, 0));
    assert!(lines.last().unwrap().path.len() > 4096);
}

/// The definition in the module's description, followed literally.
#[test]
fn the_description_can_be_followed_by_hand() {
    let dir = tempfile::tempdir().unwrap();
    let (root, file) = (dir.path(), dir.path().join("n"));
    std::fs::write(&file, "abc").unwrap();
    rustix::fs::setxattr(&file, "user.b", b"2", XattrFlags::empty()).unwrap();
    rustix::fs::setxattr(&file, "user.a", b"1", XattrFlags::empty()).unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).unwrap();
    std::fs::set_permissions(root, PermissionsExt::from_mode(0o750)).unwrap();
    set_mtime(&file, 5, 6);
    set_mtime(root, 7, 8);
    let flags = |path: &Path| {
        let opened = std::fs::File::open(path).unwrap();
        rustix::fs::ioctl_getflags(opened).map_or(0, |flags| flags.bits()) & 0x6283_c4ff
    };
    let owner = |path: &Path| {
        let stat = rustix::fs::stat(path).unwrap();
        [stat.st_uid.to_be_bytes(), stat.st_gid.to_be_bytes()].concat()
    };
    let number = |number: u64| number.to_be_bytes().to_vec();
    let text = |text: &[u8]| [number(text.len() as u64), text.to_vec()].concat();
    let prefix = b"exhibit fingerprint entry 1\n".to_vec();
    let root_entry = [
        prefix.clone(),
        text(b""),
        vec![1],
        0o750_u32.to_be_bytes().to_vec(),
        owner(root),
        number(0),
        number(0),
        number(7_000_000_008),
        number(0),
        flags(root).to_be_bytes().to_vec(),
        number(0),
        text(b""),
        vec![0],
        text(b""),
    ];
    let file_entry = [
        prefix,
        text(b"n"),
        vec![2],
        0o640_u32.to_be_bytes().to_vec(),
        owner(&file),
        number(1),
        number(3),
        number(5_000_000_006),
        number(0),
        flags(&file).to_be_bytes().to_vec(),
        number(2),
        text(b"user.a"),
        text(b"1"),
        text(b"user.b"),
        text(b"2"),
        text(b""),
        vec![1],
        Digest::of(b"abc").0.to_vec(),
        text(b""),
    ];
    let entries = [Digest::of(&root_entry.concat()).0, Digest::of(&file_entry.concat()).0].concat();
    let tree = [b"exhibit fingerprint tree 1\n".to_vec(), entries, number(2)].concat();
    assert_eq!(take(root).digest, Digest::of(&tree));
}

#[test]
fn a_missing_root_or_a_file_for_a_folder_is_an_error() {
    let dir = sample();
    for name in ["missing", "a/one"] {
        let error = fingerprint(&dir.path().join(name), &mut |_| {}).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
}
