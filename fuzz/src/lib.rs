//! Fuzz targets: one plain function for each parser of bytes that come from outside.
//!
//! A target reads its input as the program would and asserts what must always hold: it answers, the same bytes get the same answer, and
//! what has a printed form is read back as the same. Each has a folder of inputs, `fuzz/corpus/<target>`, which the tests replay;
//! `scripts/fuzz` looks for more with libFuzzer (`docs/decisions/0026-fuzzing.md`). An input that broke something goes to the folder, too.
//!
//! SVG has no target: no code of ours parses it, the confined `rsvg-convert` does.
#![expect(clippy::expect_used, reason = "a target panics when something does not hold: that is its answer")]

mod agents;
mod engine;
mod media;
mod model;
mod store;

pub use agents::older_file;
pub use engine::{pipeline, plugin_manifest, plugin_schemas, protocol};
pub use media::{boxes, exif, heif, image_headers, media_type, probe_report, raw, xmp};
pub use model::{checkpoint_note, ids, json, kind_file};
pub use store::{filter, gate, tombstone};

/// A parser of outside bytes.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, which is that of its folder of inputs.
    pub name: &'static str,
    /// Tries one input; panics when something does not hold.
    pub run: fn(&[u8]),
}

/// Every target, in the order of the crates.
pub const TARGETS: [Target; 20] = [
    Target { name: "json", run: json },
    Target { name: "kind_file", run: kind_file },
    Target { name: "checkpoint_note", run: checkpoint_note },
    Target { name: "ids", run: ids },
    Target { name: "gate", run: gate },
    Target { name: "filter", run: filter },
    Target { name: "tombstone", run: tombstone },
    Target { name: "pipeline", run: pipeline },
    Target { name: "plugin_manifest", run: plugin_manifest },
    Target { name: "plugin_schemas", run: plugin_schemas },
    Target { name: "protocol", run: protocol },
    Target { name: "media_type", run: media_type },
    Target { name: "exif", run: exif },
    Target { name: "boxes", run: boxes },
    Target { name: "heif", run: heif },
    Target { name: "image_headers", run: image_headers },
    Target { name: "xmp", run: xmp },
    Target { name: "raw", run: raw },
    Target { name: "probe_report", run: probe_report },
    Target { name: "older_file", run: older_file },
];

/// The same question twice has the same answer.
#[track_caller]
fn same<T: std::fmt::Debug>(ask: impl Fn() -> T) -> T {
    let (first, second) = (ask(), ask());
    assert_eq!(format!("{first:?}"), format!("{second:?}"), "the same bytes got two answers");
    first
}

/// The input as text; targets that read text have nothing to do with other bytes.
fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}
