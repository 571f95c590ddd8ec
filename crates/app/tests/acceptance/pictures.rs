//! Pictures of every kind of original, and originals that must not be allowed to do harm.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::world::{World, items, text};

mod bombs;
mod formats;
mod tools;

/// A picture with four quarters: red and green above blue and white.
const QUARTERS: [[u8; 3]; 4] = [[230, 20, 30], [20, 200, 40], [30, 40, 220], [250, 250, 250]];

/// Width and height of most originals here, in pixels.
const SIZE: (usize, usize) = (480, 320);

/// The colours of a picture of that size, row by row.
fn quarters(width: usize, height: usize) -> Vec<[u8; 3]> {
    let colour = |x: usize, y: usize| QUARTERS[usize::from(x >= width / 2) + 2 * usize::from(y >= height / 2)];
    (0..height).flat_map(|y| (0..width).map(move |x| colour(x, y))).collect()
}

/// The quarters as a PPM file, which every tool reads.
fn write_ppm(path: &Path, (width, height): (usize, usize)) {
    let header = format!("P6\n{width} {height}\n255\n");
    let bytes = [header.as_bytes(), quarters(width, height).as_flattened()].concat();
    std::fs::write(path, bytes).expect("a file");
}

/// Runs a program of `/usr/bin` in a folder; it must end well.
#[track_caller]
fn run(folder: &Path, program: &str, arguments: &[&str]) {
    let made = Command::new(Path::new("/usr/bin").join(program)).current_dir(folder).args(arguments).output();
    let made = made.unwrap_or_else(|error| panic!("{program} does not start ({error}); run scripts/setup media test"));
    assert!(made.status.success(), "{program} {arguments:?}: {made:#?}");
}

/// Steps of the pipeline `basics`; units are numbered member by member, step by step.
const STEPS: i64 = 3;

/// What became of each file of an archive in one step.
struct Outcomes {
    /// By path: reason of the unit (empty when it ended well), its detail, and the facts about the asset.
    by_path: BTreeMap<String, (String, String, Vec<Value>)>,
}

impl Outcomes {
    /// Scans the archive, runs a pipeline and looks at every asset.
    #[track_caller]
    fn of(world: &World, pipeline: &str) -> Self {
        world.scan();
        let output = world.exhibit(&["run", pipeline, "--workers", "2"]);
        assert!(matches!(output.code, 0 | 3), "{output:#?}");
        Self::look(world)
    }

    /// Looks at every asset. Of its units those of the first step, the metadata, are not asked.
    fn look(world: &World) -> Self {
        let mut by_path = BTreeMap::new();
        for asset in items(world.json(&["ls", "--limit", "1000"])) {
            let shown = world.json(&["show", &text(&asset["asset_id"])]);
            let units = shown["units"].as_array().expect("units");
            let of_pictures = |unit: &&Value| unit["unit"].as_i64().is_some_and(|ordinal| ordinal % STEPS != 0);
            let stopped = units.iter().filter(of_pictures).find(|unit| !unit["reason"].is_null());
            let word =
                |field: &str| stopped.map_or_else(String::new, |unit| unit[field].as_str().unwrap_or("").to_owned());
            let facts = shown["facts"].as_array().expect("facts").clone();
            by_path.insert(text(&asset["path"]), (word("reason"), word("detail"), facts));
        }
        Self { by_path }
    }

    #[track_caller]
    fn at(&self, path: &str) -> &(String, String, Vec<Value>) {
        self.by_path.get(path).unwrap_or_else(|| panic!("{path} is not among {:?}", self.by_path.keys()))
    }

    /// The largest thumbnail of a file.
    #[track_caller]
    fn thumbnail(&self, path: &str) -> &Value {
        let (reason, detail, facts) = self.at(path);
        let pictures = facts.iter().filter(|fact| fact["kind"] == "image.thumbnail");
        let largest = pictures.max_by_key(|fact| fact["payload"]["edge"].as_i64());
        largest.unwrap_or_else(|| panic!("{path} has no thumbnail: {reason}: {detail}"))
    }
}

/// Where a blob lies.
fn blob(world: &World, fact: &Value) -> PathBuf {
    let name = text(&fact["blob"]);
    world.home().join("blobs").join(&name[..2]).join(&name)
}

/// A WebP blob as width, height and RGBA pixels.
fn decoded(world: &World, fact: &Value) -> (usize, usize, Vec<[u8; 4]>) {
    let raw = world.path().join("pixels.rgba");
    let input = blob(world, fact).display().to_string();
    let arguments = ["-v", "error", "-y", "-f", "webp_pipe", "-i", &input, "-f", "rawvideo", "-pix_fmt", "rgba"];
    run(world.path(), "ffmpeg", &[&arguments[..], &["pixels.rgba"]].concat());
    let side = |name: &str| usize::try_from(fact["payload"][name].as_u64().expect("a side")).expect("small");
    let bytes = std::fs::read(raw).expect("pixels");
    let pixels = bytes.as_chunks::<4>().0.to_vec();
    assert_eq!(pixels.len(), side("width") * side("height"), "{fact}");
    (side("width"), side("height"), pixels)
}

/// The picture shows the four quarters where they belong.
#[track_caller]
fn assert_quarters(world: &World, fact: &Value, tolerance: u8, what: &str) {
    let (width, height, pixels) = decoded(world, fact);
    for (index, expected) in QUARTERS.iter().enumerate() {
        let (x, y) = (width * (1 + 2 * (index % 2)) / 4, height * (1 + 2 * (index / 2)) / 4);
        let found = pixels[y * width + x];
        let near = found.iter().zip(expected).all(|(a, b)| a.abs_diff(*b) <= tolerance);
        assert!(near && found[3] == 255, "{what}: quarter {index} is {found:?} instead of {expected:?}");
    }
}
