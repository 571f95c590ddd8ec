//! Folders of plug-ins: what is read, what is refused, and the digest.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::{DEPTH_MAX, FILE_BYTES_MAX, Files};

fn two_files() -> Files {
    let mut files = Files::default();
    files.insert("extract.py", true, "print(1)\n");
    files.insert("plugin.toml", false, "name = \"a\"\n");
    files
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn refusal(folder: &Path) -> String {
    Files::read(folder).unwrap_err().to_string()
}

/// The example of docs/reference/formats.md, which formats.py computes without this program.
#[test]
fn the_digest_is_the_published_one() {
    let expected = "0a02d516bdd0d272b20126d297369b1b4752a969f0d7cc5b477e6cbc4f43a448";
    assert_eq!(two_files().digest().to_hex(), expected);
}

#[test]
fn names_modes_and_bytes_count_and_nothing_else() {
    let base = two_files();
    let changed = |change: &dyn Fn(&mut Files)| {
        let mut files = two_files();
        change(&mut files);
        files.digest()
    };
    assert_ne!(changed(&|files| files.insert("extract.py", false, "print(1)\n")), base.digest());
    assert_ne!(changed(&|files| files.insert("extract.py", true, "print(2)\n")), base.digest());
    assert_ne!(changed(&|files| files.insert("more", false, "")), base.digest());
    let place = folder();
    let written = place.path().join("copy");
    base.write(&written).unwrap();
    assert_eq!(Files::read(&written).unwrap(), base);
    // Neither times nor the other bits of a mode, nor empty folders.
    std::fs::set_permissions(written.join("extract.py"), std::fs::Permissions::from_mode(0o700)).unwrap();
    std::fs::create_dir(written.join("empty")).unwrap();
    assert_eq!(Files::read(&written).unwrap().digest(), base.digest());
}

#[test]
fn folders_within_folders_come_back() {
    let mut files = two_files();
    files.insert("kinds/a.json", false, "{}");
    files.insert("lib/deep/er/b.py", false, "");
    let place = folder();
    files.write(&place.path().join("copy")).unwrap();
    assert_eq!(Files::read(&place.path().join("copy")).unwrap(), files);
    assert!(files.write(&place.path().join("copy")).is_err(), "what is there is never overwritten");
}

#[test]
fn what_is_no_plain_file_is_named() {
    let write = |folder: &Path, name: &str| std::fs::write(folder.join(name), "x").unwrap();
    type Make = fn(&Path);
    let cases: [(Make, &str); 6] = [
        (|folder| std::os::unix::fs::symlink("/etc/passwd", folder.join("a")).unwrap(), "a: it is a link"),
        (|folder| std::os::unix::fs::symlink("b", folder.join("a")).unwrap(), "a: it is a link"),
        (|folder| std::fs::create_dir(folder.join("__pycache__")).unwrap(), "__pycache__: compiled files"),
        (|folder| std::fs::create_dir(folder.join(".git")).unwrap(), ".git: hidden files"),
        (|folder| std::fs::create_dir_all(folder.join("sub/a b")).unwrap(), "sub/a b: a name has"),
        (
            |folder| {
                let file = std::fs::File::create(folder.join("large")).unwrap();
                file.set_len(FILE_BYTES_MAX + 1).unwrap();
            },
            "large: it has more than 16777216 bytes",
        ),
    ];
    for (make, message) in cases {
        let place = folder();
        write(place.path(), "z");
        make(place.path());
        let said = refusal(place.path());
        assert!(said.starts_with(message), "{said}");
        assert_eq!(said, refusal(place.path()), "the same again");
    }
    let place = folder();
    std::fs::create_dir_all(place.path().join(["d"; DEPTH_MAX + 1].join("/"))).unwrap();
    assert!(refusal(place.path()).ends_with("8 folders within each other"), "{}", refusal(place.path()));
    assert!(refusal(&place.path().join("nothing")).contains("it cannot be read"));
}
