//! Boxes that say how colours are meant: `colr`, `mdcv`, `clli` and the configuration of Dolby Vision.

use super::payload::{Colour, rounded};
use super::source::{be16, be32};

/// Names of ITU-T H.273 in the words of FFmpeg.
const PRIMARIES: &[(u16, &str)] = &[
    (1, "bt709"),
    (4, "bt470m"),
    (5, "bt470bg"),
    (6, "smpte170m"),
    (7, "smpte240m"),
    (8, "film"),
    (9, "bt2020"),
    (10, "smpte428"),
    (11, "smpte431"),
    (12, "smpte432"),
    (22, "ebu3213"),
];
const TRANSFERS: &[(u16, &str)] = &[
    (1, "bt709"),
    (4, "bt470m"),
    (5, "bt470bg"),
    (6, "smpte170m"),
    (7, "smpte240m"),
    (8, "linear"),
    (9, "log100"),
    (10, "log316"),
    (11, "iec61966-2-4"),
    (12, "bt1361e"),
    (13, "iec61966-2-1"),
    (14, "bt2020-10"),
    (15, "bt2020-12"),
    (16, "smpte2084"),
    (17, "smpte428"),
    (18, "arib-std-b67"),
];
const MATRICES: &[(u16, &str)] = &[
    (0, "gbr"),
    (1, "bt709"),
    (4, "fcc"),
    (5, "bt470bg"),
    (6, "smpte170m"),
    (7, "smpte240m"),
    (8, "ycgco"),
    (9, "bt2020nc"),
    (10, "bt2020c"),
    (11, "smpte2085"),
    (12, "chroma-derived-nc"),
    (13, "chroma-derived-c"),
    (14, "ictcp"),
];

/// What such boxes said so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Tags(Colour);

impl Tags {
    /// Colours by number. Profiles (`prof`, `rICC`) are no numbers and left out.
    pub(crate) fn read_colr(&mut self, bytes: &[u8]) {
        let full = match bytes.get(..4) {
            Some(b"nclx") => bytes.get(10).map(|flags| flags & 0x80 != 0),
            Some(b"nclc") => None,
            _ => return,
        };
        let name = |at: usize, names: &[(u16, &str)]| {
            let number = be16(bytes, at)?;
            names.iter().find(|(known, _)| *known == number).map(|(_, name)| (*name).to_owned())
        };
        self.0.primaries = name(4, PRIMARIES);
        self.0.transfer = name(6, TRANSFERS);
        self.0.matrix = name(8, MATRICES);
        self.0.range = full.map(|full| if full { "full" } else { "limited" }.to_owned());
    }

    /// The display that it was made on: after three primaries and the white point, in 1/10,000 nits.
    pub(crate) fn read_mdcv(&mut self, bytes: &[u8]) {
        let nits = |at: usize| rounded(f64::from(be32(bytes, at)?) / 10_000.0, 4);
        (self.0.mastering_max_nits, self.0.mastering_min_nits) = (nits(16), nits(20));
    }

    /// The brightest pixel and the brightest average of a frame.
    pub(crate) fn read_clli(&mut self, bytes: &[u8]) {
        let nits = |at: usize| be16(bytes, at).map(u32::from).filter(|nits| *nits > 0);
        (self.0.content_max_nits, self.0.frame_average_max_nits) = (nits(0), nits(2));
    }

    /// Dolby Vision: two bytes of version, then seven bits of profile.
    pub(crate) fn read_dolby_vision(&mut self, bytes: &[u8]) {
        self.0.dolby_vision_profile = bytes.get(2).map(|byte| byte >> 1);
    }

    /// What they said, if anything.
    pub(crate) fn into_colour(self) -> Option<Colour> {
        self.0.if_any()
    }
}
