//! A catalog by chance: assets with several paths, facts of shown and hidden runs, erased bodies, units in every state, collections.

use std::sync::Arc;

use exhibit_model::digest::Digest;
use exhibit_model::ids::{AssetId, CollectionId, RunId, SourceId};
use exhibit_model::source::SourceClass;
use exhibit_model::time::Timestamp;
use exhibit_store::collections::{Members, NewCollection, define, withdraw};
use exhibit_store::sql::assets::{self, FileStat, PathState, ScannedFile};
use exhibit_store::sql::runs::{NewRun, Run};
use exhibit_store::sql::sources;
use exhibit_store::{Backend, Candidate, Draft};
use serde_json::{Value as Json, json};

use crate::world::{NOW, World, block_on, empty_draft, made, new_run};

/// Dynamic collections of the catalog, by name.
pub const DYNAMIC: &[(&str, &str)] = &[
    ("pictures", "type:image"),
    ("drawn", "size>3 sample 9 seed 9"),
    ("nested", "in:drawn or (in:list not in:pictures)"),
];

/// Filters that are always tried.
pub const FIXED: &[&str] = &[
    "",
    "type:other",
    "not camera:*",
    "camera:canon* or not taken:..2021",
    "taken:2019-06-01T10:30+02:00",
    "not (in:nested and is:present)",
    "in:drawn sample 3 seed 4",
    "path:\"caf\u{e9}/**\"",
    "not path:**",
    "sample 0 seed 1",
    "has:media.metadata not has:test.observation",
    "failed:image.thumbnail",
    "not failed:metadata",
    "is:duplicate or is:missing",
];

const TYPES: [&str; 6] = ["image/jpeg", "image/heic", "image/png", "video/mp4", "audio/flac", "text/plain"];
const FOLDERS: [&[u8]; 6] = [b"2019", b"2019/06", "caf\u{e9}".as_bytes(), "cafe\u{301}/A".as_bytes(), b"odd\xff", b""];
const NAMES: [&[u8]; 5] = [b"IMG_1.JPG", b"a*b.jpg", b"note.txt", "\u{c4}pfel.jpg".as_bytes(), b"and"];
const CAMERAS: [(&str, &str); 4] =
    [("Canon", "Canon EOS 5D"), ("Apple", "iPhone 8"), ("NIKON CORPORATION", "NIKON D70"), ("Leica/X", "M")];
const LENSES: [&str; 2] = ["EF50mm f/1.8", "Summicron"];
const TIMES: [(&str, bool); 6] = [
    ("2019-06-01T10:30:00Z", true),
    ("2019-06-01T08:30:00Z", false),
    ("2018-12-31T23:59:59.999999Z", true),
    ("2019-01-01T00:00:00Z", false),
    ("2020-02-29T12:00:00Z", true),
    ("2021-01-01T00:00:00Z", false),
];

/// Numbers that look like chance and are the same every time (splitmix64).
pub struct Chance(pub u64);

impl Chance {
    /// A number below `count`.
    pub fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % count as u64) as usize
    }

    /// One of several.
    pub fn of<T: Copy>(&mut self, things: &[T]) -> T {
        things[self.below(things.len())]
    }
}

/// One asset, as the test knows it.
pub struct Item {
    pub key: i64,
    pub sha256: Digest,
    pub media_type: &'static str,
    pub size: u64,
    pub paths: Vec<ItemPath>,
    /// In the order of the ledger.
    pub facts: Vec<Fact>,
    /// In the order of their keys.
    pub units: Vec<ItemUnit>,
}

pub struct ItemPath {
    pub source: &'static str,
    pub bytes: Vec<u8>,
    pub state: i64,
}

impl ItemPath {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// One artifact.
pub struct Fact {
    pub kind: &'static str,
    /// Its run is shown and its body is there.
    pub counts: bool,
    /// Microseconds, and whether they are local.
    pub captured: Option<(i64, bool)>,
    pub camera: Option<(&'static str, &'static str)>,
    pub lens: Option<&'static str>,
    pub width: Option<u64>,
    pub duration_ms: Option<u64>,
}

pub struct ItemUnit {
    pub step: &'static str,
    pub extractor: &'static str,
    pub shown: bool,
    pub state: i64,
}

impl Item {
    /// What `taken`, `camera` and the others ask.
    pub fn newest_fact(&self) -> Option<&Fact> {
        self.facts.iter().rfind(|fact| fact.kind == "media.metadata" && fact.counts)
    }
}

/// The database and what is in it.
pub struct Catalog {
    pub world: World,
    pub items: Vec<Item>,
    pub listed: Vec<Digest>,
}

impl Catalog {
    /// The same catalog every time.
    pub fn new(backend: Backend) -> Self {
        let world = World::new(backend);
        let kind = include_bytes!("../../../../../schemas/kinds/media.metadata.v1.json").to_vec();
        block_on(world.store.add_kind(kind)).expect("a kind");
        let mut chance = Chance(7);
        let items = scan(&world, &mut chance);
        let mut catalog = Self { world, items, listed: Vec::new() };
        let steps = [("metadata", "media.metadata"), ("thumb", "image.thumbnail")];
        for (hidden, steps) in
            [(false, steps), (true, [("hidden", "media.metadata"), steps[1]]), (false, [steps[1], steps[0]])]
        {
            catalog.run(&mut chance, hidden, steps);
        }
        catalog.lose_paths(&mut chance);
        catalog.collect(&mut chance);
        catalog
    }

    /// A run over everything, with facts by chance and units in any state.
    fn run(&mut self, chance: &mut Chance, hidden: bool, steps: [(&'static str, &'static str); 2]) {
        let named: Vec<Json> =
            steps.iter().map(|(name, extractor)| json!({"name": name, "extractor": extractor})).collect();
        let new = NewRun {
            definition: json!({"steps": named}).to_string().into_bytes(),
            policy: if hidden { "sandbox" } else { "production" }.to_owned(),
            expires_us: hidden.then_some(i64::MAX),
            ..new_run(RunId(self.world.ulid()), 2)
        };
        let run = self.world.run_over(new);
        let run = self.world.planned_run_of(&run);
        let mut raw = self.world.raw();
        for (member, item) in self.items.iter_mut().enumerate() {
            for (step, (name, extractor)) in steps.into_iter().enumerate() {
                let ordinal = member * 2 + step;
                let unit = run.first_unit + ordinal as i64;
                let is_facts = extractor == "media.metadata";
                let state = if chance.below(2) == 0 { 2 } else { chance.of(&[0, 1, 3, 4, 5, 5, 6, 7, 8]) };
                raw.run(&format!("update units set state = {state} where unit = {unit}"));
                item.units.push(ItemUnit { step: name, extractor, shown: !hidden, state });
                if state == 2 {
                    let (mut fact, payload) = if is_facts { facts(chance) } else { observation() };
                    let candidate = candidate(&self.world, &run, ordinal as u32, item, fact.kind, payload);
                    let seq = self.world.append(vec![candidate]).expect("a new fact")[0].seq;
                    let erased = chance.below(6) == 0;
                    if erased {
                        raw.run(&format!("update records set body = null where seq = {seq}"));
                    }
                    fact.counts = !hidden && !erased;
                    item.facts.push(fact);
                }
            }
        }
    }

    /// Some paths become missing or history.
    fn lose_paths(&mut self, chance: &mut Chance) {
        for item in &mut self.items {
            let key = item.key;
            let stored = self.world.read(move |read| assets::paths_of(read, key));
            for path in &mut item.paths {
                let state = chance.of(&[PathState::Present, PathState::Present, PathState::Missing, PathState::Closed]);
                path.state = state.code();
                let found = stored.iter().find(|stored| stored.path == path.bytes).expect("it was scanned").key;
                self.world.write(move |tx| assets::set_path_states(tx, &[found], state, NOW));
            }
        }
    }

    fn collect(&mut self, chance: &mut Chance) {
        self.listed = self.items.iter().filter(|_| chance.below(3) == 0).map(|item| item.sha256).collect();
        let listed = Members::Static(self.listed.iter().map(|sha256| AssetId(*sha256)).collect());
        self.define("list", listed);
        self.define("gone", Members::Dynamic("in:list".parse().expect("a filter")));
        self.define("within_gone", Members::Dynamic("in:gone".parse().expect("a filter")));
        block_on(withdraw(&self.world.store, "gone")).expect("it is there");
        for (name, filter) in DYNAMIC {
            self.define(name, Members::Dynamic(filter.parse().expect("a filter")));
        }
    }

    fn define(&self, name: &str, members: Members) {
        let id = CollectionId(self.world.ulid());
        let new = NewCollection { id, name: Some(name.to_owned()), about: String::new(), members, replace: false };
        block_on(define(&self.world.store, new)).expect("a good collection");
    }
}

/// Forty assets in two sources; some have several paths.
fn scan(world: &World, chance: &mut Chance) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let mut files: [Vec<ScannedFile>; 2] = [Vec::new(), Vec::new()];
    for index in 0..40_u64 {
        let sha256 = Digest::of(&index.to_le_bytes());
        let (media_type, size) = (chance.of(&TYPES), [1, 3, 4, 1_000, 5_000_000_000][chance.below(5)]);
        let mut paths = Vec::new();
        for copy in 0..=chance.below(3) {
            let source = chance.below(2);
            // The number makes it unique; it lies in a folder so that names stay what they are.
            let folder = [chance.of(&FOLDERS), format!("/{index}-{copy}/").as_bytes()].concat();
            let bytes = [folder.strip_prefix(b"/").unwrap_or(&folder), chance.of(&NAMES)].concat();
            let stat = FileStat { size_bytes: size as i64, mtime_ns: 1, device: 2, inode: 3 };
            files[source].push(ScannedFile { path: bytes.clone(), stat, sha256, media_type });
            paths.push(ItemPath { source: ["s1", "Fotos"][source], bytes, state: 0 });
        }
        items.push(Item { key: 0, sha256, media_type, size, paths, facts: Vec::new(), units: Vec::new() });
    }
    for (index, (name, files)) in ["s1", "Fotos"].into_iter().zip(files).enumerate() {
        let id = SourceId(index as u128 + 1);
        world.write(move |tx| {
            let source = sources::insert(tx, id, name, SourceClass::Sacred, name.as_bytes(), NOW)?;
            assets::record_files(tx, source, &files, NOW)
        });
    }
    for item in &mut items {
        let sha256 = item.sha256;
        item.key = world.read(move |read| Ok(assets::by_sha256(read, sha256)?.expect("scanned").key));
    }
    items.sort_by_key(|item| item.key);
    items
}

fn facts(chance: &mut Chance) -> (Fact, Json) {
    let mut payload = json!({"container": "jpeg", "streams": [], "tags": {}, "warnings": [], "method": ["exif"]});
    let mut fact = nothing("media.metadata");
    if chance.below(4) > 0 {
        let (at, floating) = chance.of(&TIMES);
        let local = if floating { at.trim_end_matches('Z') } else { at };
        payload["captured"] =
            json!({"at": local, "sort_at": at, "source": "container_utc", "tag": "t", "floating": floating});
        fact.captured = Some((Timestamp::parse(at).expect("a time").0, floating));
    }
    if chance.below(3) > 0 {
        let (make, model) = chance.of(&CAMERAS);
        payload["camera"] = json!({"make": make, "model": model});
        fact.camera = Some((make, model));
        if chance.below(2) == 0 {
            let lens = chance.of(&LENSES);
            payload["camera"]["lens_model"] = lens.into();
            fact.lens = Some(lens);
        }
    }
    if chance.below(3) > 0 {
        let width = chance.of(&[99, 100, 101, 1920]);
        payload["oriented_width"] = width.into();
        payload["oriented_height"] = (width / 2 + 1).into();
        fact.width = Some(width);
    }
    if chance.below(3) == 0 {
        let duration_ms = chance.of(&[0, 59_999, 60_000]);
        payload["duration_ms"] = duration_ms.into();
        fact.duration_ms = Some(duration_ms);
    }
    (fact, payload)
}

fn observation() -> (Fact, Json) {
    (nothing("test.observation"), json!({"label": "x"}))
}

fn nothing(kind: &'static str) -> Fact {
    Fact { kind, counts: false, captured: None, camera: None, lens: None, width: None, duration_ms: None }
}

fn candidate(world: &World, run: &Run, unit: u32, item: &Item, kind: &str, payload: Json) -> Candidate {
    let draft = Draft {
        payload,
        asset: Some((AssetId(item.sha256), item.key)),
        made: Some((Arc::clone(&made(run, unit, "0")), 0)),
        ..empty_draft(kind)
    };
    world.store.gate().check(draft).expect("a good fact")
}

/// Conditions that random filters are made of.
const TERMS: &[&str] = &[
    "type:image",
    "type:video",
    "type:other",
    "type:image/heic",
    "taken:2019",
    "taken<2019-06-01T10:30",
    "taken>=2019-06",
    "taken:2018-12-31..2020-02",
    "taken<=2020",
    "taken>2019-06-01T10:00+02:00",
    "taken:2019-06-01T10+02:00",
    "camera:canon*",
    "camera:\"* m\"",
    "camera:*/*",
    "lens:*mm*",
    "size>3",
    "size:4",
    "size<=1kB",
    "size>=5GB",
    "width:100",
    "width:99..101",
    "height>51",
    "duration<1m",
    "duration>=1m",
    "path:2019/**",
    "path:\"caf\u{e9}/**/*.jpg\"",
    "path:**/a\\*b.jpg",
    "path:*/*/???.*",
    "img",
    "\u{e4}PFEL",
    "\"and\"",
    "odd?",
    "source:s1",
    "source:Fotos",
    "has:media.metadata",
    "has:test.observation",
    "failed:metadata",
    "failed:thumb",
    "failed:image.thumbnail",
    "failed:media.metadata",
    "in:all",
    "in:list",
    "in:pictures",
    "in:drawn",
    "in:nested",
    "is:present",
    "is:missing",
    "is:duplicate",
];

/// A filter by chance.
pub fn filter(chance: &mut Chance) -> String {
    let expr = expr(chance, 3);
    if chance.below(5) == 0 { format!("{expr} sample {} seed {}", chance.below(12), chance.below(3)) } else { expr }
}

fn expr(chance: &mut Chance, depth: usize) -> String {
    if depth == 0 || chance.below(3) == 0 {
        return chance.of(TERMS).to_owned();
    }
    let (left, right) = (expr(chance, depth - 1), expr(chance, depth - 1));
    match chance.below(4) {
        0 => format!("({left} or {right})"),
        1 => format!("{left} and {right}"),
        2 => format!("not ({left} {right})"),
        _ => format!("not {left} or {right}"),
    }
}
