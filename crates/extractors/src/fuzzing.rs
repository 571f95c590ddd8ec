//! Doors to the readers of outside bytes, for fuzz targets and nothing else: each reads as its extractor does and says what it found as
//! text, so that two answers can be compared.

pub use crate::metadata::fuzzing::{metadata, probe_report};
pub use crate::still::fuzzing::{first_directory, heif_plan, jpeg_segments, raw_preview};
