//! Blobs: complete and named by their bytes, or not there at all.

use std::io::{self, Read};

use exhibit_model::digest::Digest;
use exhibit_store::{Blobs, StoreError};

fn blobs(folder: &tempfile::TempDir) -> Blobs {
    Blobs::open(&folder.path().join("blobs"), 1).expect("a folder")
}

fn incoming(folder: &tempfile::TempDir) -> usize {
    std::fs::read_dir(folder.path().join("blobs/incoming")).expect("a folder").count()
}

#[test]
fn a_blob_is_there_under_its_hash() {
    let folder = tempfile::tempdir().expect("a folder");
    let blobs = blobs(&folder);
    let sizes = [0, 1, 256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, 3_000_000];
    let bytes = sizes.map(|size| (0..size).map(|index: usize| (index % 251) as u8).collect::<Vec<_>>());
    let staged: Vec<_> = bytes
        .iter()
        .map(|bytes| blobs.stage(&mut bytes.as_slice(), u64::MAX).expect("room").expect("no limit"))
        .collect();
    for (staged, bytes) in staged.iter().zip(&bytes) {
        assert_eq!((staged.sha256, staged.bytes), (Digest::of(bytes), bytes.len() as u64));
        assert_eq!(blobs.size_of(staged.sha256).expect("readable"), None, "it has no name yet");
    }
    assert_eq!(incoming(&folder), sizes.len());
    blobs.publish(staged).expect("room");
    assert_eq!(incoming(&folder), 0);
    for bytes in &bytes {
        let sha256 = Digest::of(bytes);
        let mut found = Vec::new();
        blobs.open_blob(sha256).expect("a blob").read_to_end(&mut found).expect("readable");
        assert_eq!(found, *bytes);
        assert_eq!(blobs.size_of(sha256).expect("readable"), Some(bytes.len() as u64));
        assert_eq!(blobs.rehash(sha256).expect("readable"), Some((sha256, bytes.len() as u64)));
        let hex = sha256.to_hex();
        assert!(blobs.path_of(sha256).ends_with(format!("blobs/{}/{hex}", &hex[..2])));
    }
    let absent = Digest::of(b"absent");
    assert_eq!((blobs.size_of(absent).expect("readable"), blobs.rehash(absent).expect("readable")), (None, None));
    assert!(matches!(blobs.open_blob(absent), Err(StoreError::Blob { .. })));
    blobs.publish(Vec::new()).expect("nothing to do");
}

#[test]
fn a_limit_is_a_limit() {
    let folder = tempfile::tempdir().expect("a folder");
    let blobs = blobs(&folder);
    let stage = |size: usize, most: u64| {
        blobs.stage(&mut vec![1; size].as_slice(), most).expect("room").map(|staged| staged.bytes)
    };
    assert_eq!((stage(10, 10), stage(11, 10), stage(0, 0), stage(1, 0)), (Some(10), None, Some(0), None));
    // A source without an end is read no further than the limit.
    assert!(blobs.stage(&mut io::repeat(7), 1 << 20).expect("room").is_none());
    assert_eq!(incoming(&folder), 0, "what was not published is gone");
}

#[test]
fn a_source_that_fails_leaves_nothing() {
    struct Failing(u8);
    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            match self.0 {
                1 => Err(io::ErrorKind::Interrupted.into()),
                2 => {
                    buffer[0] = 1;
                    Ok(1)
                }
                _ => Err(io::Error::other("the disk is on fire")),
            }
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let error = blobs(&folder).stage(&mut Failing(0), 99).map(|_| ()).expect_err("it fails");
    assert!(matches!(error, StoreError::Blob { .. }), "{error}");
    assert_eq!(incoming(&folder), 0);
}

#[test]
fn the_same_bytes_are_kept_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let blobs = blobs(&folder);
    let stage = || blobs.stage(&mut b"bytes".as_slice(), 99).expect("room").expect("small");
    let sha256 = stage().sha256;
    blobs.publish(vec![stage(), stage()]).expect("room");
    let inode = |path: &std::path::Path| std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(path).expect("a file"));
    let first = inode(&blobs.path_of(sha256));
    blobs.publish(vec![stage()]).expect("room");
    assert_eq!((inode(&blobs.path_of(sha256)), incoming(&folder)), (first, 0));
    // What a crash of the machine tore is replaced by the next who has the bytes.
    std::fs::write(blobs.path_of(sha256), b"byt").expect("our file");
    blobs.publish(vec![stage()]).expect("room");
    assert_eq!(blobs.rehash(sha256).expect("readable"), Some((sha256, 5)));
    // From many threads at once.
    std::thread::scope(|scope| {
        for thread in 0..8_u8 {
            let blobs = &blobs;
            scope.spawn(move || {
                for number in 0..20_u8 {
                    let shared = blobs.stage(&mut [number].as_slice(), 99).expect("room").expect("small");
                    let own = blobs.stage(&mut [thread, number].as_slice(), 99).expect("room").expect("small");
                    blobs.publish(vec![shared, own]).expect("room");
                }
            });
        }
    });
    for number in 0..20_u8 {
        let sha256 = Digest::of(&[number]);
        assert_eq!(blobs.rehash(sha256).expect("readable"), Some((sha256, 1)));
    }
    assert_eq!(incoming(&folder), 0);
}

#[test]
fn torn_files_of_the_dead_are_harmless() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = blobs(&folder);
    // What a killed process leaves: half a blob without a name. Its number is used again by the next process of that random number.
    std::fs::write(folder.path().join(format!("blobs/incoming/{:032x}-9", 2)), b"half").expect("our folder");
    std::fs::write(folder.path().join("blobs/incoming/anything"), b"").expect("our folder");
    let second = Blobs::open(&folder.path().join("blobs"), 3).expect("a folder");
    assert_eq!(second.size_of(Digest::of(b"half")).expect("readable"), None);
    assert_eq!(second.clean_incoming().expect("our folder"), 2);
    let staged = first.stage(&mut b"whole".as_slice(), 99).expect("room").expect("small");
    let other = second.stage(&mut b"whole".as_slice(), 99).expect("room").expect("small");
    first.publish(vec![staged]).expect("room");
    second.publish(vec![other]).expect("room");
    assert_eq!((second.clean_incoming().expect("our folder"), incoming(&folder)), (0, 0));
    let not_a_folder = folder.path().join("file");
    std::fs::write(&not_a_folder, b"").expect("our folder");
    assert!(matches!(Blobs::open(&not_a_folder, 1), Err(StoreError::Blob { .. })));
}
