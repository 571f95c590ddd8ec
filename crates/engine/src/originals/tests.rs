//! Tests of opening originals: links, long paths, odd files, and the way without `openat2`.

use std::io::Read;
use std::os::unix::fs::symlink;

use rustix::fs::mkdirat;

use super::*;

fn world() -> (tempfile::TempDir, OwnedFd) {
    let dir = tempfile::tempdir().unwrap();
    let root = open_root(dir.path()).unwrap();
    (dir, root)
}

fn text(file: io::Result<File>) -> String {
    let mut text = String::new();
    file.unwrap().read_to_string(&mut text).unwrap();
    text
}

fn code(error: io::Error) -> Option<Errno> {
    Errno::from_io_error(&error)
}

fn step(root: &OwnedFd, path: &[u8], links: Links) -> io::Result<File> {
    let components = plain_components(path)?;
    regular(match links {
        Links::Refuse => open_step_by_step(root.as_fd(), &components, ORIGINAL_FLAGS)?,
        Links::FollowInside => open_following(root.as_fd(), &components, ORIGINAL_FLAGS)?,
    })
}

/// Both ways, which must agree.
fn open_both(root: &OwnedFd, path: &[u8], links: Links) -> io::Result<File> {
    let (quick, slow) = (open_beneath(root.as_fd(), path, links), step(root, path, links));
    match (&quick, &slow) {
        (Ok(a), Ok(b)) => assert_eq!(stat_open(a).unwrap(), stat_open(b).unwrap()),
        (Err(a), Err(b)) => {
            assert_eq!((a.kind(), a.raw_os_error()), (b.kind(), b.raw_os_error()), "{path:?} {links:?}")
        }
        (quick, slow) => panic!("{path:?} {links:?}: openat2 says {quick:?}, step by step {slow:?}"),
    }
    quick
}

#[test]
fn plain_paths_open_and_climbing_ones_do_not() {
    let (dir, root) = world();
    std::fs::create_dir(dir.path().join("a")).unwrap();
    std::fs::write(dir.path().join("a/b.txt"), "hello").unwrap();
    assert_eq!(text(open_both(&root, b"a/b.txt", Links::Refuse)), "hello");
    assert_eq!(text(open_original(open_directory(root.as_fd(), c"a").unwrap().as_fd(), c"b.txt")), "hello");
    for bad in [&b""[..], b"/a/b.txt", b"a//b.txt", b"a/./b.txt", b"a/../a/b.txt", b"..", b"a/b.txt/", b"a\0b"] {
        let error = open_beneath(root.as_fd(), bad, Links::FollowInside).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{bad:?}");
    }
    let missing = open_both(&root, b"a/c", Links::Refuse).unwrap_err();
    assert_eq!(code(missing), Some(Errno::NOENT));
}

#[test]
fn links_are_refused_or_followed_inside_only() {
    let (dir, root) = world();
    let path = dir.path();
    std::fs::create_dir_all(path.join("a/b")).unwrap();
    std::fs::write(path.join("a/file"), "inside").unwrap();
    symlink("../file", path.join("a/b/up")).unwrap();
    symlink("b/up", path.join("a/twice")).unwrap();
    symlink("a", path.join("dirlink")).unwrap();
    symlink("/etc/passwd", path.join("absolute")).unwrap();
    symlink("../../../../../../../../etc/passwd", path.join("a/climb")).unwrap();
    symlink("loop2", path.join("loop1")).unwrap();
    symlink("loop1", path.join("loop2")).unwrap();
    for link in [&b"a/b/up"[..], b"a/twice", b"dirlink/file", b"absolute", b"a/climb", b"loop1"] {
        assert_eq!(code(open_both(&root, link, Links::Refuse).unwrap_err()), Some(Errno::LOOP), "{link:?}");
    }
    for link in [&b"a/b/up"[..], b"a/twice", b"dirlink/file", b"dirlink/b/up"] {
        assert_eq!(text(open_both(&root, link, Links::FollowInside)), "inside");
    }
    assert_eq!(code(open_both(&root, b"absolute", Links::FollowInside).unwrap_err()), Some(Errno::XDEV));
    assert_eq!(code(open_both(&root, b"a/climb", Links::FollowInside).unwrap_err()), Some(Errno::XDEV));
    assert_eq!(code(open_both(&root, b"loop1", Links::FollowInside).unwrap_err()), Some(Errno::LOOP));
    let described = stat_beneath(root.as_fd(), b"a/twice", Links::Refuse).unwrap();
    assert_eq!(FileType::from_raw_mode(described.mode), FileType::Symlink);
    assert!(stat_beneath(root.as_fd(), b"a/twice", Links::FollowInside).unwrap().is_file());
    assert!(stat_beneath(root.as_fd(), b"dirlink/file", Links::Refuse).is_err());
}

#[test]
fn only_regular_files_are_originals() {
    let (dir, root) = world();
    rustix::fs::mkfifoat(root.as_fd(), "fifo", Mode::RUSR | Mode::WUSR).unwrap();
    let socket = std::os::unix::net::UnixListener::bind(dir.path().join("socket")).unwrap();
    std::fs::create_dir(dir.path().join("folder")).unwrap();
    for name in [c"fifo", c"folder"] {
        let error = open_original(root.as_fd(), name).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{name:?}");
        assert!(open_beneath(root.as_fd(), name.to_bytes(), Links::Refuse).is_err());
    }
    assert_eq!(code(open_original(root.as_fd(), c"socket").unwrap_err()), Some(Errno::NXIO));
    drop(socket);
}

#[test]
fn paths_beyond_path_max_open() {
    let (_dir, root) = world();
    let name = "n".repeat(255);
    let mut here: OwnedFd = root.try_clone().unwrap();
    let mut path = Vec::new();
    for _ in 0..40 {
        mkdirat(&here, name.as_str(), Mode::RWXU).unwrap();
        here = openat(&here, name.as_str(), OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap();
        path.extend_from_slice(name.as_bytes());
        path.push(b'/');
    }
    path.extend_from_slice(b"deep.txt");
    let flags = OFlags::CREATE | OFlags::WRONLY;
    rustix::io::write(openat(&here, "deep.txt", flags, Mode::RUSR).unwrap(), b"deep").unwrap();
    assert!(path.len() > 2 * 4096);
    for links in [Links::Refuse, Links::FollowInside] {
        assert_eq!(text(open_beneath(root.as_fd(), &path, links)), "deep");
        assert_eq!(stat_beneath(root.as_fd(), &path, links).unwrap().size_bytes, 4);
    }
    let parent = &path[..path.len() - "/deep.txt".len()];
    let opened = open_directory_beneath(root.as_fd(), parent, Links::Refuse).unwrap();
    assert_eq!(stat_open(opened).unwrap().ino, stat_open(here).unwrap().ino);
}

#[test]
fn reading_leaves_the_access_time_alone() {
    let (dir, root) = world();
    std::fs::write(dir.path().join("old"), "bytes").unwrap();
    let long_ago = rustix::fs::Timespec { tv_sec: 1_000_000, tv_nsec: 0 };
    let times = rustix::fs::Timestamps { last_access: long_ago, last_modification: long_ago };
    rustix::fs::utimensat(&root, "old", &times, AtFlags::empty()).unwrap();
    assert_eq!(text(open_beneath(root.as_fd(), b"old", Links::Refuse)), "bytes");
    assert_eq!(text(open_original(root.as_fd(), c"old")), "bytes");
    assert_eq!(statat(&root, "old", AtFlags::empty()).unwrap().st_atime, 1_000_000);
}

#[test]
fn a_stat_tells_a_change_of_content_from_a_change_of_mode() {
    let (dir, root) = world();
    let path = dir.path().join("file");
    std::fs::write(&path, "bytes").unwrap();
    let before = stat_at(root.as_fd(), c"file").unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let after = stat_at(root.as_fd(), c"file").unwrap();
    assert!(before.is_same_content(&after));
    std::fs::write(&path, "other bytes").unwrap();
    assert!(!before.is_same_content(&stat_at(root.as_fd(), c"file").unwrap()));
}
