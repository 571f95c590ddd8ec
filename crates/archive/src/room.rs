//! What the archive gives the store.

use exhibit_store::Room;

/// The archive room. The kinds of its facts come from the extractors that make them.
pub struct ArchiveRoom {
    /// Kind files of the built-in extractors.
    pub kinds: &'static [&'static str],
}

impl Room for ArchiveRoom {
    fn name(&self) -> &'static str {
        "archive"
    }

    fn kinds(&self) -> &'static [&'static str] {
        self.kinds
    }
}
