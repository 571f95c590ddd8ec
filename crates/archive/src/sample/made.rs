//! A file of a sample before it is written, and what extractors should make of it.

use super::truth::{
    AudioTruth, CameraTruth, CaptureTruth, Companion, EmbeddedTruth, ImageTruth, NearDuplicate, VideoTruth,
};

/// A file before it is written, with all that is true of it.
#[derive(Debug, Clone)]
pub(super) struct Made {
    /// Raw bytes relative to the root.
    pub(super) path: Vec<u8>,
    pub(super) bytes: Vec<u8>,
    pub(super) media_type: &'static str,
    /// Microseconds since 1970.
    pub(super) mtime_us: i64,
    pub(super) health: Health,
    pub(super) image: Option<ImageTruth>,
    pub(super) video: Option<VideoTruth>,
    pub(super) audio: Option<AudioTruth>,
    pub(super) camera: Option<CameraTruth>,
    /// `None` where the time of the file is all there is.
    pub(super) capture: Option<CaptureTruth>,
    pub(super) embedded: Option<EmbeddedTruth>,
    pub(super) note: Option<&'static str>,
}

impl Made {
    /// A sound file of which nothing more is known.
    pub(super) fn new(path: impl Into<Vec<u8>>, bytes: Vec<u8>, media_type: &'static str, mtime_us: i64) -> Self {
        Self {
            path: path.into(),
            bytes,
            media_type,
            mtime_us,
            health: Health::Sound,
            image: None,
            video: None,
            audio: None,
            camera: None,
            capture: None,
            embedded: None,
            note: None,
        }
    }
}

/// Files that were made together, and how they belong together.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) made: Vec<Made>,
    pub(super) companions: Vec<Companion>,
    pub(super) near_duplicates: Vec<NearDuplicate>,
}

impl From<Made> for Batch {
    fn from(made: Made) -> Self {
        Self { made: vec![made], ..Self::default() }
    }
}

/// What extractors should make of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    /// As good as any.
    Sound,
    /// The beginning can be read, the picture cannot.
    PictureBroken,
    /// Nothing can be read.
    Broken,
    /// A kind that is not supported.
    Foreign,
    /// Made to harm a reader: the outcomes that are right for `media.metadata`, then for the extractor of pictures; the best first.
    Hostile(&'static [&'static str], &'static [&'static str]),
}
