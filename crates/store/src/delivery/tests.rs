//! What lies under the final name is whole, is never replaced, and comes to be there in one step.

use std::fs;
use std::path::Path;

use super::*;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn begun(target: &Path) -> Delivery {
    let delivery = Delivery::begin(target, 0o700).expect("a free target");
    fs::write(delivery.folder().join("file"), "whole").expect("a file");
    assert!(!target.join("file").exists());
    delivery
}

#[test]
fn a_folder_gets_its_name_when_it_is_whole() {
    let top = folder();
    for target in [top.path().join("absent"), top.path().join("empty")] {
        if target.ends_with("empty") {
            fs::create_dir(&target).expect("a folder");
        }
        let placed = begun(&target).place_folder().expect("placed");
        assert_eq!(fs::read(placed.join("file")).expect("the file"), b"whole");
    }
    assert_eq!(fs::read_dir(top.path()).expect("a folder").count(), 2, "nothing is left beside them");
}

#[test]
fn a_file_gets_its_name_when_it_is_whole() {
    let top = folder();
    let target = top.path().join("out");
    begun(&target).place_file("file").expect("placed");
    assert_eq!(fs::read(&target).expect("the file"), b"whole");
    assert_eq!(fs::read_dir(top.path()).expect("a folder").count(), 1, "nothing is left beside it");
}

#[test]
fn what_came_to_lie_there_meanwhile_is_not_replaced() {
    let top = folder();
    let target = top.path().join("out");
    let delivery = begun(&target);
    fs::create_dir(&target).expect("a folder");
    fs::write(target.join("mine"), "mine").expect("a file");
    delivery.place_folder().expect_err("it is not empty any more");
    assert_eq!(fs::read(target.join("mine")).expect("mine"), b"mine");
    fs::remove_dir_all(&target).expect("it goes");

    let delivery = begun(&target);
    fs::write(&target, "mine").expect("a file");
    delivery.place_file("file").expect_err("it is there");
    assert_eq!(fs::read(&target).expect("mine"), b"mine");
    assert_eq!(fs::read_dir(top.path()).expect("a folder").count(), 1, "what was given up is removed");
}

#[test]
fn one_at_a_time_and_what_was_left_behind_is_told() {
    let top = folder();
    let target = top.path().join("out");
    let first = begun(&target);
    let second = Delivery::begin(&target, 0o700).expect_err("the first is under way");
    assert!(matches!(second, DeliveryError::Interrupted { .. }), "{second}");
    drop(first);
    begun(&target).place_folder().expect("the way is free");
}

#[test]
fn copying_stops_at_the_limit_and_when_it_is_told_to() {
    let progress = Progress::default();
    let mut copied = Vec::new();
    let whole = copy_hashed(&mut b"12345".as_slice(), &mut copied, 5, &progress).expect("no errors");
    assert_eq!((whole, copied.as_slice()), (Some((Digest::of(b"12345"), 5)), b"12345".as_slice()));
    assert_eq!(copy_hashed(&mut b"123456".as_slice(), &mut io::sink(), 5, &progress).expect("no errors"), None);
    progress.stop();
    let stopped = copy_hashed(&mut b"1".as_slice(), &mut io::sink(), 5, &progress).expect_err("told to stop");
    assert!(matches!(stopped, CopyError::Stopped));
}
