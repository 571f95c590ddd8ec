//! No space left: it is said, nothing acknowledged is lost, and after room was made it goes on.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::process::Command;

use exhibit_model::digest::Digest;
use exhibit_store::sql::records;
use exhibit_store::{Append, GateError, Location, Store, StoreError, Synchronous};
use serde_json::json;

use crate::child::{TestChild, parameters, tell};
use crate::room::ROOM;
use crate::world::{block_on, check_event, options, verify_store};

/// Starts a program with mounts of its own; they are gone with it, however it ends. Works for root, and for everyone where user
/// namespaces are allowed.
pub const OWN_MOUNTS: [&str; 3] = ["unshare", "--mount", "--map-root-user"];

/// Mounts, in a process with mounts of its own.
pub fn mount(arguments: &[&str]) {
    let done = Command::new("mount").args(arguments).status().expect("mount (Debian: package mount)");
    assert!(done.success(), "mount {arguments:?} failed; this test needs root or user namespaces");
}

#[test]
fn a_full_disk_loses_nothing() {
    let (said, well) =
        TestChild::start_in(&OWN_MOUNTS, "disk::writes_until_the_disk_is_full", &json!({})).hear_all("ROUNDS");
    assert_eq!((said, well), (vec!["3".to_owned()], true), "this test needs root or user namespaces");
}

/// A part of the test above, with mounts of its own.
#[test]
fn writes_until_the_disk_is_full() {
    if parameters().is_none() {
        return;
    }
    mount(&["-t", "tmpfs", "-o", "size=3m", "tmpfs", "/tmp"]);
    let location = Location::Sqlite { path: "/tmp/exhibit.db".into(), synchronous: Synchronous::Full };
    let open = || Store::open(options(&location, Path::new("/tmp/blobs"), vec![&ROOM])).expect("the store");
    let mut store = open();
    for reserve in 0..4 {
        std::fs::write(format!("/tmp/reserve-{reserve}"), vec![1; 256 * 1024]).expect("our folder");
    }
    let mut acknowledged = BTreeMap::new();
    for round in 0..3 {
        let before = acknowledged.len();
        let error = append_until_it_fails(&store, round, &mut acknowledged);
        assert_eq!(
            error.to_string(),
            "no space left on the device of /tmp/exhibit.db; make room and run the command again, nothing that was acknowledged is lost"
        );
        assert!(acknowledged.len() > before, "round {round}: nothing could be written");
        check(&store, &acknowledged);
        no_room_for_a_blob(&store);
        std::fs::remove_file(format!("/tmp/reserve-{round}")).expect("room is made");
        if round == 1 {
            store = open();
            check(&store, &acknowledged);
        }
        let staged = store.blobs().stage(&mut [round as u8].as_slice(), 99).expect("room").expect("small");
        store.blobs().publish(vec![staged]).expect("room");
    }
    check(&open(), &acknowledged);
    tell("ROUNDS", 3);
}

/// Four producers at a time, so that groups fail too.
fn append_until_it_fails(store: &Store, round: usize, acknowledged: &mut BTreeMap<String, i64>) -> StoreError {
    for number in 0.. {
        let ids: Vec<String> = (0..4).map(|producer| format!("{round}-{number}-{producer}")).collect();
        let requests = ids.iter().map(|id| {
            let payload = json!({"level": "info", "text": id.repeat(1_000)});
            let candidates = vec![check_event(store, id, payload).expect("a good event")];
            let store = store.clone();
            async move { store.append(Append { candidates, effect: None, ..Append::default() }).await }
        });
        let answers = block_on(async {
            let tasks: Vec<_> = requests.map(tokio::spawn).collect();
            let mut answers = Vec::new();
            for task in tasks {
                answers.push(task.await.expect("a task"));
            }
            answers
        });
        let mut failed = None;
        for (id, answer) in ids.into_iter().zip(answers) {
            match answer {
                Ok(receipts) => assert_eq!(acknowledged.insert(id, receipts[0].seq), None),
                Err(GateError::Store(error)) => failed = Some(error),
                Err(error) => panic!("{error}"),
            }
        }
        if let Some(error) = failed {
            return error;
        }
    }
    unreachable!("the disk has an end")
}

fn check(store: &Store, acknowledged: &BTreeMap<String, i64>) {
    assert_eq!(verify_store(store).problems, []);
    let found = block_on(store.read(|read| {
        let mut found = BTreeMap::new();
        records::each_from(read, 1, 1 << 40, &mut |record| {
            found.insert(record.record_id.expect("an event"), record.seq);
            Ok(())
        })?;
        Ok(found)
    }));
    assert_eq!(found.expect("readable"), *acknowledged);
}

fn no_room_for_a_blob(store: &Store) {
    let (blobs, mut endless) = (store.blobs(), std::io::repeat(3).take(64 << 20));
    let error = blobs.stage(&mut endless, u64::MAX).map(|_| ()).expect_err("no room");
    assert!(matches!(error, StoreError::NoSpace { .. }), "{error}");
    assert_eq!(std::fs::read_dir("/tmp/blobs/incoming").expect("our folder").count(), 0);
    assert_eq!(blobs.size_of(Digest::of(b"")).expect("readable"), None);
}
