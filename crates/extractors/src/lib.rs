//! The built-in extractors: each is one folder that says what it reads, what it emits and how its payloads look.
//!
//! An extractor is a [`Descriptor`](exhibit_engine::extractor::Descriptor), which the host reads, and an
//! [`Extractor`](exhibit_engine::extractor::Extractor), which works inside the confined process and sees one original at a time. Nothing
//! here opens a database, a blob or a socket, writes outside the scratch folder of its unit, or knows how results are kept.
//!
//! | folder | emits | reads |
//! |---|---|---|
//! | [`noop`] | `noop.echo` | nothing; for trying and measuring runs |
//! | [`metadata`] | `media.metadata` | EXIF, boxes and stream headers |
//! | [`thumbnail`] | `image.thumbnail` | pixels of images |
//! | [`perceptual_hash`] | `image.perceptual_hash` | the same pixels |
//! | [`keyframe`] | `video.keyframe` | frames of a video, through ffmpeg |
//!
//! Shared words: [`still`] (pixels of any image), [`orientation`] (EXIF orientation and turning pixels), [`webp_blob`] (small pictures as
//! files) and [`tool`] (outside programs).
//!
//! To add one: a folder with `DESCRIPTOR`, `make` and payload types; a kind file in `schemas/kinds`; a line in [`built_in`] and in
//! [`kind_files`]; a test that holds types and kind file together and one that guards the version.

pub mod duplicates;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod keyframe;
pub mod metadata;
pub mod noop;
pub mod orientation;
pub mod perceptual_hash;
pub mod still;
pub mod thumbnail;
pub mod tool;
pub mod webp_blob;

#[cfg(test)]
mod testing;

use std::io;

use exhibit_engine::extractor::{BuiltIn, Job};
use exhibit_engine::supervisor::ChildContext;
use serde::de::DeserializeOwned;

/// The extractors of this crate, in the order in which they are listed to people.
pub fn built_in() -> &'static [BuiltIn] {
    static BUILT_IN: [BuiltIn; 6] = [
        BuiltIn { descriptor: &noop::DESCRIPTOR, make: noop::make },
        BuiltIn { descriptor: &metadata::DESCRIPTOR, make: metadata::make },
        BuiltIn { descriptor: &thumbnail::DESCRIPTOR, make: thumbnail::make },
        BuiltIn { descriptor: &perceptual_hash::DESCRIPTOR, make: perceptual_hash::make },
        BuiltIn { descriptor: &keyframe::DESCRIPTOR, make: keyframe::make },
        BuiltIn { descriptor: &duplicates::DESCRIPTOR, make: duplicates::make },
    ];
    &BUILT_IN
}

/// Serves the units of one of them inside the confined process, and returns the exit code. What the supervisor runs.
pub fn run_built_in(name: &str, context: &ChildContext) -> i32 {
    match built_in().iter().find(|known| known.descriptor.name == name) {
        Some(known) => exhibit_engine::child::serve(known, context),
        None => {
            eprintln!("there is no extractor {name}");
            1
        }
    }
}

/// The kind files (JSON) of everything that the built-in extractors emit.
pub fn kind_files() -> &'static [&'static str] {
    &[
        noop::ECHO_KIND_FILE,
        include_str!("../../../schemas/kinds/media.metadata.v1.json"),
        thumbnail::THUMBNAIL_KIND_FILE,
        perceptual_hash::PERCEPTUAL_HASH_KIND_FILE,
        keyframe::KEYFRAME_KIND_FILE,
        duplicates::DUPLICATE_KIND_FILE,
    ]
}

/// The parameters of a job as the extractor's own type. The host has checked them against the schema and filled in defaults, so a
/// mismatch is a defect of the extractor, not of its user.
pub(crate) fn params<T: DeserializeOwned>(job: &Job<'_>) -> io::Result<T> {
    params_of(job.params)
}

/// The same for what is not about one original.
pub(crate) fn params_of<T: DeserializeOwned>(params: &serde_json::Map<String, serde_json::Value>) -> io::Result<T> {
    T::deserialize(params).map_err(|error| {
        io::Error::new(io::ErrorKind::InvalidInput, format!("parameters do not fit their schema: {error}"))
    })
}

#[cfg(test)]
mod tests;
