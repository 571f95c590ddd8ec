//! Tests of the walk: its order, its bounds, and a defined outcome for each odd thing that lies in archives.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use proptest::prelude::*;
use rustix::fs::{Mode, OFlags, mkdirat, openat};

use super::*;

fn list(root: &Path, options: WalkOptions) -> Vec<(Vec<u8>, Kind)> {
    let root = originals::open_root(root).unwrap();
    let mut found = Vec::new();
    let ended = walk(root.as_fd(), options, &mut |entry| {
        found.push((entry.path.to_vec(), entry.kind));
        ControlFlow::Continue(())
    });
    assert_eq!(ended.unwrap(), Ended::Complete);
    found
}

fn plain(root: &Path) -> Vec<(Vec<u8>, Kind)> {
    list(root, WalkOptions::default())
}

fn following(root: &Path) -> Vec<(Vec<u8>, Kind)> {
    list(root, WalkOptions { follow_symlinks: true })
}

fn kind_in(found: &[(Vec<u8>, Kind)], path: &[u8]) -> Kind {
    found.iter().find(|(name, _)| name == path).unwrap_or_else(|| panic!("no {path:?} in {found:?}")).1
}

fn write(root: &Path, name: &[u8]) {
    let path = root.join(OsStr::from_bytes(name));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, name).unwrap();
}

/// A chain of `levels` folders of one name, and a file in the last one; made by descriptors, as its path may be too
/// long to say.
fn chain(root: &Path, name: &str, levels: usize) -> Vec<u8> {
    let mut here = originals::open_root(root).unwrap();
    for _ in 0..levels {
        mkdirat(&here, name, Mode::RWXU).unwrap();
        here = openat(&here, name, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap();
    }
    let file = openat(&here, "last", OFlags::CREATE | OFlags::WRONLY, Mode::RUSR).unwrap();
    rustix::io::write(file, b"deep").unwrap();
    [format!("{name}/").repeat(levels).as_bytes(), b"last"].concat()
}

#[test]
fn entries_come_depth_first_and_sorted_by_raw_bytes() {
    let dir = tempfile::tempdir().unwrap();
    for name in [&b"b/x"[..], b"b/A", b"b.txt", b"b-1", b"a", b"\xff", "é".as_bytes(), b"b/c/d", b"Z", b" "] {
        write(dir.path(), name);
    }
    let found: Vec<Vec<u8>> = plain(dir.path()).into_iter().map(|(path, _)| path).collect();
    let expected: [&[u8]; 12] =
        [b" ", b"Z", b"a", b"b", b"b/A", b"b/c", b"b/c/d", b"b/x", b"b-1", b"b.txt", "é".as_bytes(), b"\xff"];
    assert_eq!(found, expected);
    assert!(found.is_sorted_by(|left, right| path_order(left, right) == Ordering::Less));
}

#[test]
fn an_empty_tree_has_no_entries_and_a_missing_one_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(plain(dir.path()), []);
    write(dir.path(), b"file");
    assert!(originals::open_root(&dir.path().join("file")).is_err());
    assert!(originals::open_root(&dir.path().join("missing")).is_err());
}

#[test]
fn odd_names_are_kept_byte_for_byte() {
    let dir = tempfile::tempdir().unwrap();
    let longest = [b'n'; 255];
    let names: [&[u8]; 7] = [
        b"not \xff utf-8 \xfe",
        b"line\nbreak",
        b"trailing ",
        "é-nfc".as_bytes(),
        "e\u{301}-nfd".as_bytes(),
        &longest,
        b"-o:x",
    ];
    for name in names {
        write(dir.path(), name);
    }
    let found = plain(dir.path());
    assert_eq!(found.len(), names.len());
    for name in names {
        assert_eq!(kind_in(&found, name), Kind::File);
    }
}

#[test]
fn paths_beyond_path_max_are_walked_and_opened() {
    let dir = tempfile::tempdir().unwrap();
    let path = chain(dir.path(), "a-name-of-twenty-byte", 300);
    assert!(path.len() > 4096, "{}", path.len());
    let root = originals::open_root(dir.path()).unwrap();
    let mut contents = Vec::new();
    let mut visits = 0;
    walk(root.as_fd(), WalkOptions::default(), &mut |entry| {
        visits += 1;
        if entry.kind == Kind::File {
            assert_eq!(entry.path, path);
            std::io::Read::read_to_end(&mut entry.open().unwrap(), &mut contents).unwrap();
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!((visits, contents.as_slice()), (301, &b"deep"[..]));
    assert_eq!(following(dir.path()).len(), 301);
}

#[test]
fn deep_trees_need_few_descriptors_and_are_walked_to_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let levels = OPEN_DIRECTORIES_MAX * 3;
    let deep = chain(dir.path(), "d", levels);
    // After the way down there is something left to visit at each level.
    for level in 0..=levels {
        write(&dir.path().join("d/".repeat(level)), b"e");
    }
    let below = dir.path().to_owned();
    let open_below = || {
        let fds = std::fs::read_dir("/proc/self/fd").unwrap();
        fds.filter(|fd| std::fs::read_link(fd.as_ref().unwrap().path()).is_ok_and(|at| at.starts_with(&below))).count()
    };
    let root = originals::open_root(dir.path()).unwrap();
    let (mut files, mut most_open) = (Vec::new(), 0);
    walk(root.as_fd(), WalkOptions::default(), &mut |entry| {
        most_open = most_open.max(open_below());
        if entry.kind == Kind::File {
            entry.open().unwrap();
            files.push(entry.path.to_vec());
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(files.len(), levels + 2);
    assert!(files.contains(&deep));
    assert!(files.is_sorted_by(|left, right| path_order(left, right) == Ordering::Less));
    assert!(most_open <= OPEN_DIRECTORIES_MAX + 2, "{most_open} descriptors");
    assert!(most_open >= OPEN_DIRECTORIES_MAX, "the count looks at the wrong thing: {most_open}");
}

#[test]
fn a_folder_moved_away_during_the_walk_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let levels = OPEN_DIRECTORIES_MAX + 8;
    chain(dir.path(), "d", levels);
    write(dir.path(), b"d/d/z");
    write(dir.path(), b"z");
    let root = originals::open_root(dir.path()).unwrap();
    let mut found = Vec::new();
    walk(root.as_fd(), WalkOptions::default(), &mut |entry| {
        if entry.path.ends_with(b"/last") {
            // `d/d/d` leaves, so that the way back from below it leads to another parent, and `d/d` becomes another
            // folder.
            std::fs::rename(dir.path().join("d/d/d"), elsewhere.path().join("d")).unwrap();
            std::fs::rename(dir.path().join("d/d"), elsewhere.path().join("old")).unwrap();
            std::fs::create_dir(dir.path().join("d/d")).unwrap();
        }
        found.push((entry.path.to_vec(), entry.kind));
        ControlFlow::Continue(())
    })
    .unwrap();
    let moved: Vec<_> = found.iter().filter(|(_, kind)| *kind == Kind::Unreadable(Trouble::Moved)).collect();
    assert_eq!(moved, [&(b"d/d".to_vec(), Kind::Unreadable(Trouble::Moved))]);
    assert_eq!(found.last().unwrap(), &(b"z".to_vec(), Kind::File), "the walk goes on above");
}

#[test]
fn pipes_sockets_devices_and_links_have_their_kind_and_are_not_opened() {
    let dir = tempfile::tempdir().unwrap();
    let root = originals::open_root(dir.path()).unwrap();
    rustix::fs::mkfifoat(&root, "fifo", Mode::RUSR | Mode::WUSR).unwrap();
    let socket = std::os::unix::net::UnixListener::bind(dir.path().join("socket")).unwrap();
    symlink("nowhere", dir.path().join("broken")).unwrap();
    symlink("/", dir.path().join("outside")).unwrap();
    symlink(".", dir.path().join("cycle")).unwrap();
    write(dir.path(), b"empty");
    std::fs::write(dir.path().join("empty"), "").unwrap();
    let found = plain(dir.path());
    assert_eq!(kind_in(&found, b"fifo"), Kind::Fifo);
    assert_eq!(kind_in(&found, b"socket"), Kind::Socket);
    assert_eq!(kind_in(&found, b"empty"), Kind::File);
    for link in [&b"broken"[..], b"outside", b"cycle"] {
        assert_eq!(kind_in(&found, link), Kind::Symlink);
    }
    walk(root.as_fd(), WalkOptions::default(), &mut |entry| {
        assert_eq!(entry.open().is_ok(), entry.kind == Kind::File, "{entry:?}");
        ControlFlow::Continue(())
    })
    .unwrap();
    // Some sandboxes refuse mknod even to root; where it works the kind is checked.
    let mode = Mode::RUSR;
    if rustix::fs::mknodat(&root, "null", FileType::CharacterDevice, mode, rustix::fs::makedev(1, 3)).is_ok() {
        assert_eq!(kind_in(&plain(dir.path()), b"null"), Kind::Device);
    }
    drop(socket);
}

#[test]
fn followed_links_show_their_targets_and_cycles_end() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), b"real/photo");
    write(dir.path(), b"real/sub/other");
    symlink("../real/photo", dir.path().join("real/sub/file-link")).unwrap();
    symlink("real/sub", dir.path().join("folder-link")).unwrap();
    symlink("..", dir.path().join("real/sub/up")).unwrap();
    symlink("self", dir.path().join("self")).unwrap();
    symlink("nowhere", dir.path().join("broken")).unwrap();
    symlink("/etc", dir.path().join("absolute")).unwrap();
    symlink("../..", dir.path().join("real/out")).unwrap();
    let found = following(dir.path());
    assert_eq!(kind_in(&found, b"real/photo"), Kind::File);
    assert_eq!(kind_in(&found, b"folder-link/other"), Kind::File);
    assert_eq!(kind_in(&found, b"real/sub/file-link"), Kind::Unreadable(Trouble::LinkBroken), "real/real/photo");
    assert_eq!(kind_in(&found, b"real/sub/up"), Kind::Unreadable(Trouble::Cycle));
    assert_eq!(kind_in(&found, b"folder-link/up/photo"), Kind::File, "real is not on the way there");
    assert_eq!(kind_in(&found, b"self"), Kind::Unreadable(Trouble::Cycle));
    assert_eq!(kind_in(&found, b"broken"), Kind::Unreadable(Trouble::LinkBroken));
    assert_eq!(kind_in(&found, b"absolute"), Kind::Unreadable(Trouble::LinkOutside));
    assert_eq!(kind_in(&found, b"real/out"), Kind::Unreadable(Trouble::LinkOutside));
    let root = originals::open_root(dir.path()).unwrap();
    symlink("real/photo", dir.path().join("link")).unwrap();
    walk(root.as_fd(), WalkOptions { follow_symlinks: true }, &mut |entry| {
        if entry.path == b"link" {
            assert!(entry.through_link && entry.kind == Kind::File);
            assert_eq!(originals::stat_open(entry.open().unwrap()).unwrap(), entry.stat);
        }
        ControlFlow::Continue(())
    })
    .unwrap();
}

#[test]
fn links_that_multiply_come_to_an_end() {
    let dir = tempfile::tempdir().unwrap();
    // Each of 20 folders holds ten links to the next: 10^20 paths.
    for level in 0..20 {
        let folder = dir.path().join(format!("{level:02}"));
        std::fs::create_dir(&folder).unwrap();
        for link in 0..10 {
            symlink(format!("../{:02}", level + 1), folder.join(link.to_string())).unwrap();
        }
    }
    let found = following(dir.path());
    assert!(found.iter().any(|(_, kind)| *kind == Kind::Unreadable(Trouble::TooManyLinks)));
    let entered = found.iter().filter(|(_, kind)| *kind == Kind::Directory).count();
    assert!(entered <= LINKS_FOLLOWED_MAX + 20, "{entered}");
}

/// Root may read everything, so the walk is made by a thread that gave up being root. On Linux that is a matter of the
/// thread alone.
fn as_nobody<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            if rustix::process::geteuid().is_root() {
                let nobody = rustix::process::Uid::from_raw(65534);
                rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
            }
            work()
        });
        thread.join().unwrap()
    })
}

#[test]
fn what_may_not_be_read_is_told_and_the_rest_is_walked() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), b"closed/inner");
    write(dir.path(), b"listable/inner");
    write(dir.path(), b"secret");
    write(dir.path(), b"z");
    let mode = |name: &str, mode| {
        std::fs::set_permissions(dir.path().join(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode("", 0o755);
    mode("closed", 0o000);
    mode("listable", 0o444);
    mode("secret", 0o000);
    as_nobody(|| {
        let found = plain(dir.path());
        assert_eq!(kind_in(&found, b"closed"), Kind::Unreadable(Trouble::Open(Errno::ACCESS)));
        assert_eq!(kind_in(&found, b"listable"), Kind::Directory);
        assert_eq!(kind_in(&found, b"listable/inner"), Kind::Unreadable(Trouble::Stat(Errno::ACCESS)));
        assert_eq!(kind_in(&found, b"secret"), Kind::File, "its name and size may be read");
        assert_eq!(kind_in(&found, b"z"), Kind::File);
        let root = originals::open_root(dir.path()).unwrap();
        let refused = originals::open_original(root.as_fd(), c"secret").unwrap_err();
        assert_eq!(errno(&refused), Errno::ACCESS);
        // Only the owner may ask for O_NOATIME; everybody else still reads.
        assert!(originals::open_original(root.as_fd(), c"z").is_ok());
    });
    mode("closed", 0o755);
    mode("listable", 0o755);
}

#[test]
fn a_visitor_can_stop_the_walk() {
    let dir = tempfile::tempdir().unwrap();
    for name in [&b"a"[..], b"b", b"c"] {
        write(dir.path(), name);
    }
    let root = originals::open_root(dir.path()).unwrap();
    let mut seen = 0;
    let ended = walk(root.as_fd(), WalkOptions::default(), &mut |_| {
        seen += 1;
        if seen == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!((ended.unwrap(), seen), (Ended::Stopped, 2));
}

#[test]
fn a_folder_of_many_names_takes_little_memory() {
    let dir = tempfile::tempdir().unwrap();
    let root = originals::open_root(dir.path()).unwrap();
    let count = 20_000;
    for index in 0..count {
        let name = format!("IMG_{:08}.JPG", (index * 7919) % count);
        rustix::fs::symlinkat("x", &root, name.as_str()).unwrap();
    }
    let mut buffer = vec![MaybeUninit::uninit(); LIST_BUFFER_BYTES];
    let top = originals::open_directory(root.as_fd(), c".").unwrap();
    let names = Names::list(&top, &mut buffer).unwrap();
    assert_eq!(names.starts.len(), count);
    assert_eq!(names.bytes.len(), count * "IMG_00000000.JPG\0".len());
    assert_eq!(names.get(17).unwrap().to_bytes(), b"IMG_00000017.JPG");
    assert_eq!(plain(dir.path()).len(), count);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_tree_is_walked_whole_and_in_path_order(
        paths in prop::collection::btree_set("[a-c.\u{e9} -]{1,3}(/[a-c.-]{1,2}){0,3}", 0..24),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut expected = std::collections::BTreeSet::new();
        for path in &paths {
            let full = dir.path().join(path);
            let special = path.split('/').any(|part| part == "." || part == "..");
            // A name that is already a file cannot be a folder as well.
            if special || std::fs::create_dir_all(full.parent().unwrap()).is_err() || full.exists() {
                continue;
            }
            std::fs::write(&full, "x").unwrap();
            for (at, _) in path.match_indices('/') {
                expected.insert(path.as_bytes()[..at].to_vec());
            }
            expected.insert(path.as_bytes().to_vec());
        }
        let found: Vec<Vec<u8>> = plain(dir.path()).into_iter().map(|(path, _)| path).collect();
        prop_assert!(found.is_sorted_by(|left, right| path_order(left, right) == Ordering::Less));
        prop_assert_eq!(found.into_iter().collect::<std::collections::BTreeSet<_>>(), expected);
    }
}
