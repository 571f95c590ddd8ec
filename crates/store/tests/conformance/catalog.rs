//! Sources, assets and their paths over time (AR-03 in the small), and what a scan could not take in.

use exhibit_model::digest::Digest;
use exhibit_model::ids::SourceId;
use exhibit_model::source::SourceClass;
use exhibit_store::sql::assets::{
    self, AssetPath, FileStat, PathOutcome, PathState, ScannedFile, by_sha256, record_files, set_path_states,
};
use exhibit_store::sql::sources;
use exhibit_store::{Backend, StoreError};

use crate::world::{NOW, World, block_on, file, file_with};

both!(
    sources_are_kept,
    assets_come_in_the_order_of_the_scan,
    an_unchanged_file_is_touched_only,
    a_moved_file_is_one_asset_with_two_paths,
    duplicate_bytes_are_one_asset,
    changed_bytes_close_the_old_path,
    a_missing_file_may_come_back,
    raw_bytes_of_paths_are_kept,
    prefixes_are_found,
    outcomes_are_forgotten_when_gone,
);

fn source(world: &World, name: &'static str) -> i64 {
    world.write(move |tx| {
        sources::insert(
            tx,
            SourceId(Digest::of(name.as_bytes()).0[0].into()),
            name,
            SourceClass::Sacred,
            name.as_bytes(),
            NOW,
        )
    })
}

fn scan(world: &World, source: i64, files: Vec<ScannedFile>, now_us: i64) -> u64 {
    world.write(move |tx| record_files(tx, source, &files, now_us))
}

/// The paths of a source that are not history: path, asset, state.
fn open_paths(world: &World, source: i64) -> Vec<(String, i64, PathState)> {
    let mut paths = world.read(move |read| {
        let mut paths = Vec::new();
        let mut known = assets::known_paths(read, source)?;
        assets::each_open_path(read, source, &mut |hash, path| {
            assert_eq!(hash, Digest::of(&path.path));
            let same = known.remove(&hash).expect("what a scan looks up is the same");
            assert_eq!((same.key, same.asset, same.stat, same.state), (path.key, path.asset, path.stat, path.state));
            paths.push((String::from_utf8_lossy(&path.path).into_owned(), path.asset, path.state));
            Ok(())
        })?;
        assert!(known.is_empty(), "{known:?}");
        Ok(paths)
    });
    paths.sort_by(|left, right| left.0.cmp(&right.0));
    paths
}

fn asset_of(world: &World, bytes: &str) -> i64 {
    let sha256 = Digest::of(bytes.as_bytes());
    world.read(move |read| Ok(by_sha256(read, sha256)?.expect("an asset").key))
}

fn paths_of(world: &World, asset: i64) -> Vec<AssetPath> {
    world.read(move |read| assets::paths_of(read, asset))
}

fn sources_are_kept(backend: Backend) {
    let world = World::new(backend);
    assert!(world.read(sources::all).is_empty());
    let key = world.write(|tx| sources::insert(tx, SourceId(1), "photos", SourceClass::Sacred, b"/a/\xFF", NOW));
    world.write(|tx| sources::insert(tx, SourceId(2), "spool", SourceClass::Reapable, b"/b", NOW + 1));
    for (id, name, root) in [(3, "photos", "/c"), (3, "other", "/b"), (2, "other", "/c")] {
        let again = block_on(
            world
                .store
                .write(move |tx| sources::insert(tx, SourceId(id), name, SourceClass::Sacred, root.as_bytes(), NOW)),
        );
        assert!(matches!(again, Err(StoreError::Statement { .. })), "{again:?}");
    }
    let found = world.read(|read| Ok(sources::by_root(read, b"/a/\xFF")?.expect("a source")));
    assert_eq!(
        (found.key, found.id, found.name.as_str(), found.class),
        (key, SourceId(1), "photos", SourceClass::Sacred)
    );
    assert_eq!(
        (found.root.as_slice(), found.online, found.added_us, found.scanned_us),
        (b"/a/\xFF".as_slice(), true, NOW, None)
    );
    world.write(move |tx| sources::set_online(tx, key, false));
    assert!(!world.read(sources::all)[0].online);
    world.write(move |tx| sources::set_scanned(tx, key, NOW + 5));
    let all = world.read(sources::all);
    assert_eq!((all[0].online, all[0].scanned_us, all[1].class), (true, Some(NOW + 5), SourceClass::Reapable));
    assert!(world.read(|read| sources::by_root(read, b"/a")).is_none());
}

/// Runs freeze assets in this order, so it must not depend on the database.
fn assets_come_in_the_order_of_the_scan(backend: Backend) {
    let world = World::new(backend);
    let source = source(&world, "s");
    let names: Vec<String> = (0..40).map(|index| format!("file {index}")).collect();
    assert_eq!(scan(&world, source, names[..25].iter().map(|name| file(name)).collect(), NOW), 25);
    assert_eq!(scan(&world, source, names[20..].iter().map(|name| file(name)).collect(), NOW), 15);
    let keys: Vec<i64> = names.iter().map(|name| asset_of(&world, name)).collect();
    assert_eq!(keys, (1..=40).collect::<Vec<_>>());
    let paths: Vec<i64> = keys.iter().map(|key| paths_of(&world, *key)[0].key).collect();
    assert!(paths.is_sorted(), "{paths:?}");
}

fn an_unchanged_file_is_touched_only(backend: Backend) {
    let world = World::new(backend);
    let source = source(&world, "s");
    assert_eq!(scan(&world, source, vec![file("a")], NOW), 1);
    let mut touched = file("a");
    touched.stat = FileStat { size_bytes: 1, mtime_ns: -5, device: i64::MIN, inode: i64::MAX };
    assert_eq!(scan(&world, source, vec![touched], NOW + 9), 0);
    let paths = paths_of(&world, asset_of(&world, "a"));
    assert_eq!(paths.len(), 1);
    assert_eq!((paths[0].first_seen_us, paths[0].last_seen_us, paths[0].state), (NOW, NOW + 9, PathState::Present));
    assert_eq!((paths[0].stat.mtime_ns, paths[0].stat.device, paths[0].stat.inode), (-5, i64::MIN, i64::MAX));
    let asset = world.read(|read| Ok(assets::by_key(read, 1)?.expect("an asset")));
    assert_eq!((asset.size_bytes, asset.media_type.as_str(), asset.first_seen_us), (1, "image/jpeg", NOW));
}

fn a_moved_file_is_one_asset_with_two_paths(backend: Backend) {
    let world = World::new(backend);
    let source = source(&world, "s");
    scan(&world, source, vec![file_with("old", "bytes")], NOW);
    let asset = asset_of(&world, "bytes");
    let old = paths_of(&world, asset)[0].key;
    scan(&world, source, vec![file_with("new", "bytes")], NOW + 1);
    world.write(move |tx| set_path_states(tx, &[old], PathState::Missing, NOW));
    let paths = paths_of(&world, asset);
    let states: Vec<_> = paths.iter().map(|path| (path.path.as_slice(), path.state)).collect();
    assert_eq!(states, [(b"old".as_slice(), PathState::Missing), (b"new".as_slice(), PathState::Present)]);
    let present = world.read(move |read| assets::present_paths(read, &[asset]));
    assert_eq!(present.iter().map(|path| path.path.as_slice()).collect::<Vec<_>>(), [b"new"]);
}

fn duplicate_bytes_are_one_asset(backend: Backend) {
    let world = World::new(backend);
    let (left, right) = (source(&world, "left"), source(&world, "right"));
    let twins = vec![file_with("z", "same"), file_with("a", "same"), file_with("m", "other")];
    assert_eq!(scan(&world, left, twins, NOW), 2);
    assert_eq!(scan(&world, right, vec![file_with("z", "same")], NOW), 0);
    let (same, other) = (asset_of(&world, "same"), asset_of(&world, "other"));
    assert_eq!(paths_of(&world, same).len(), 3);
    assert_eq!((open_paths(&world, left).len(), open_paths(&world, right).len()), (3, 1));
    // One path for each, the first that was seen; what is absent is left out.
    let present = world.read(move |read| assets::present_paths(read, &[other, same, 999]));
    let present: Vec<_> = present.iter().map(|path| (path.asset, path.source, path.path.as_slice())).collect();
    assert_eq!(present, [(same, left, b"z".as_slice()), (other, left, b"m".as_slice())]);
    assert!(world.read(|read| assets::present_paths(read, &[])).is_empty());
}

fn changed_bytes_close_the_old_path(backend: Backend) {
    let world = World::new(backend);
    let (one, two) = (source(&world, "one"), source(&world, "two"));
    scan(&world, one, vec![file_with("p", "first"), file("q")], NOW);
    scan(&world, two, vec![file_with("p", "first")], NOW);
    assert_eq!(scan(&world, one, vec![file_with("p", "second"), file("q")], NOW + 1), 1);
    let (first, second) = (asset_of(&world, "first"), asset_of(&world, "second"));
    let states: Vec<_> = paths_of(&world, first).iter().map(|path| (path.source, path.state)).collect();
    assert_eq!(states, [(one, PathState::Closed), (two, PathState::Present)], "another source is another place");
    let open = open_paths(&world, one);
    assert_eq!(
        open.iter().map(|path| (path.0.as_str(), path.1)).collect::<Vec<_>>(),
        [("p", second), ("q", asset_of(&world, "q"))]
    );
    // Back to the first bytes: a third row; history is not rewritten.
    assert_eq!(scan(&world, one, vec![file_with("p", "first")], NOW + 2), 0);
    let rows: Vec<_> = paths_of(&world, first)
        .iter()
        .filter(|path| path.source == one)
        .map(|path| (path.state, path.first_seen_us))
        .collect();
    assert_eq!(rows, [(PathState::Closed, NOW), (PathState::Present, NOW + 2)]);
    // A closed row stays closed.
    let closed = paths_of(&world, second)[0].key;
    assert_eq!(world.write(move |tx| set_path_states(tx, &[closed], PathState::Present, NOW)), 0);
}

fn a_missing_file_may_come_back(backend: Backend) {
    let world = World::new(backend);
    let source = source(&world, "s");
    scan(&world, source, vec![file("a"), file("b")], NOW);
    let keys = [paths_of(&world, asset_of(&world, "a"))[0].key, paths_of(&world, asset_of(&world, "b"))[0].key];
    assert_eq!(world.write(move |tx| set_path_states(tx, &keys, PathState::Missing, NOW)), 2);
    assert!(open_paths(&world, source).iter().all(|path| path.2 == PathState::Missing));
    let (a, b) = (asset_of(&world, "a"), asset_of(&world, "b"));
    assert!(world.read(move |read| assets::present_paths(read, &[a, b])).is_empty());
    // One comes back as it was, the other with other bytes.
    scan(&world, source, vec![file("a"), file_with("b", "changed")], NOW + 3);
    let paths = paths_of(&world, a);
    assert_eq!((paths.len(), paths[0].state, paths[0].first_seen_us), (1, PathState::Present, NOW));
    assert_eq!(paths_of(&world, b)[0].state, PathState::Closed);
    assert_eq!(open_paths(&world, source)[1].1, asset_of(&world, "changed"));
    assert_eq!(world.write(|tx| set_path_states(tx, &[], PathState::Missing, NOW)), 0);
}

/// AR-05 for the store: names that are no text, and paths as long as the kernel allows.
fn raw_bytes_of_paths_are_kept(backend: Backend) {
    let world = World::new(backend);
    let source = source(&world, "s");
    let paths = [b"\xFF\xFE\x00odd".to_vec(), vec![b'x'; 4_096], Vec::new(), b"'; drop table paths; --".to_vec()];
    let files: Vec<ScannedFile> =
        paths.iter().map(|path| ScannedFile { path: path.clone(), ..file("same bytes") }).collect();
    scan(&world, source, files, NOW);
    let found: Vec<Vec<u8>> =
        paths_of(&world, asset_of(&world, "same bytes")).into_iter().map(|path| path.path).collect();
    assert_eq!(found, paths);
    let root = vec![b'r'; 4_096];
    let again = root.clone();
    world.write(move |tx| sources::insert(tx, SourceId(77), "long", SourceClass::Sacred, &root, NOW));
    assert!(world.read(move |read| sources::by_root(read, &again)).is_some());
}

fn prefixes_are_found(backend: Backend) {
    let world = World::new(backend);
    let source = source(&world, "s");
    let names: Vec<String> = (0..50).map(|index| index.to_string()).collect();
    scan(&world, source, names.iter().map(|name| file(name)).collect(), NOW);
    let mut all: Vec<Digest> = names.iter().map(|name| Digest::of(name.as_bytes())).collect();
    all.sort();
    let between = |low, high| -> Vec<Digest> {
        world.read(move |read| assets::between(read, low, high)).iter().map(|asset| asset.sha256).collect()
    };
    assert_eq!(between(Digest([0; 32]), Digest([255; 32])), all[..2], "two are enough to see that it is not unique");
    assert_eq!(between(all[7], all[7]), [all[7]]);
    assert_eq!(between(all[48], Digest([255; 32])), all[48..]);
    assert_eq!(between(Digest([255; 32]), Digest([0; 32])), []);
}

fn outcomes_are_forgotten_when_gone(backend: Backend) {
    let world = World::new(backend);
    let source = source(&world, "s");
    let outcome =
        |path: &[u8], code: &str| PathOutcome { path: path.to_vec(), code: code.to_owned(), detail: "d".to_owned() };
    let first = vec![outcome(b"b\xFF", "symlink"), outcome(b"a", "fifo")];
    world.write(move |tx| assets::record_outcomes(tx, source, &first, NOW));
    let list = |limit| world.read(move |read| assets::outcomes(read, source, b"", limit));
    assert_eq!(list(9), [outcome(b"a", "fifo"), outcome(b"b\xFF", "symlink")]);
    assert_eq!(list(1).len(), 1);
    let after = world.read(move |read| assets::outcomes(read, source, b"a", 9));
    assert_eq!(after, [outcome(b"b\xFF", "symlink")]);
    let second = vec![outcome(b"a", "unreadable")];
    world.write(move |tx| assets::record_outcomes(tx, source, &second, NOW + 5));
    assert_eq!(world.write(move |tx| assets::clear_outcomes(tx, source, NOW + 5)), 1);
    assert_eq!(list(9), [outcome(b"a", "unreadable")]);
}
