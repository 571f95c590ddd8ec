//! Ids: one type per thing, printed with a prefix, parsed here and nowhere else.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::digest::Digest;

/// An id could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct IdParseError {
    /// What was given.
    pub text: String,
    /// What it should have looked like.
    pub expected: &'static str,
}

/// Crockford's base 32, the alphabet of ULIDs.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Prints 128 bits as a ULID: 26 characters of Crockford's base 32.
pub fn ulid_to_text(number: u128) -> String {
    (0..26).rev().map(|place| ALPHABET[((number >> (place * 5)) & 31) as usize] as char).collect()
}

/// Reads the 26 characters of a ULID, upper case only.
pub fn ulid_from_text(text: &str) -> Option<u128> {
    if text.len() != 26 || text.as_bytes()[0] > b'7' {
        return None;
    }
    text.bytes().try_fold(0_u128, |number, byte| {
        let digit = ALPHABET.iter().position(|candidate| *candidate == byte)?;
        Some((number << 5) | digit as u128)
    })
}

/// Ids print as text of a closed form.
macro_rules! text_id {
    ($name:ident, $expected:literal, $pattern:expr) => {
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern })
            }
            fn inline_schema() -> bool {
                true
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
        impl $name {
            fn unreadable(text: &str) -> IdParseError {
                IdParseError { text: text.chars().take(96).collect(), expected: $expected }
            }
        }
    };
}

macro_rules! ulid_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $expected:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u128);
        text_id!($name, $expected, concat!("^", $prefix, "[0-7][0-9A-HJKMNP-TV-Z]{25}$"));
        impl $name {
            /// The prefix of the printed form.
            pub const PREFIX: &'static str = $prefix;
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), ulid_to_text(self.0))
            }
        }
        impl FromStr for $name {
            type Err = IdParseError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.strip_prefix($prefix).and_then(ulid_from_text).map(Self).ok_or_else(|| Self::unreadable(text))
            }
        }
    };
}

ulid_id!(
    /// A run: `run_` and a ULID.
    RunId, "run_", "a run id (`run_` and 26 characters)"
);
ulid_id!(
    /// A source: `src_` and a ULID.
    SourceId, "src_", "a source id (`src_` and 26 characters)"
);
ulid_id!(
    /// A collection: `col_` and a ULID. The collection `all` has the ULID 0.
    CollectionId, "col_", "a collection id (`col_` and 26 characters)"
);

impl CollectionId {
    /// The collection that holds every asset; it always exists.
    pub const ALL: Self = Self(0);
}

/// An asset: `ast_` and the SHA-256 of its bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AssetId(pub Digest);
text_id!(AssetId, "an asset id (`ast_` and 64 hex digits)", "^ast_[0-9a-f]{64}$");

impl AssetId {
    /// The prefix of the printed form.
    pub const PREFIX: &'static str = "ast_";
}

impl fmt::Display for AssetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ast_{}", self.0)
    }
}

impl FromStr for AssetId {
    type Err = IdParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix("ast_").and_then(|hex| hex.parse().ok()).map(Self).ok_or_else(|| Self::unreadable(text))
    }
}

/// A unit of a run: `<run>.<ordinal>`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitId {
    /// The run.
    pub run: RunId,
    /// Its place in the plan of the run, from 0.
    pub ordinal: u32,
}
text_id!(UnitId, "a unit id (`run_…` and `.` and a number)", r"^run_[0-7][0-9A-HJKMNP-TV-Z]{25}\.(0|[1-9][0-9]*)$");

impl fmt::Display for UnitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.run, self.ordinal)
    }
}

impl FromStr for UnitId {
    type Err = IdParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (run, ordinal) = text.split_once('.')?;
            Some(Self { run: run.parse().ok()?, ordinal: plain_number(ordinal)? })
        };
        parse().ok_or_else(|| Self::unreadable(text))
    }
}

/// An artifact: `art_<run>.<unit>.<ordinal>`, where `<run>` is the ULID of its run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArtifactId {
    /// The unit that made it.
    pub unit: UnitId,
    /// Its place among the artifacts of the unit, from 0.
    pub ordinal: u32,
}
text_id!(
    ArtifactId,
    "an artifact id (`art_<run>.<unit>.<ordinal>`)",
    r"^art_[0-7][0-9A-HJKMNP-TV-Z]{25}\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)$"
);

impl fmt::Display for ArtifactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "art_{}.{}.{}", ulid_to_text(self.unit.run.0), self.unit.ordinal, self.ordinal)
    }
}

impl FromStr for ArtifactId {
    type Err = IdParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let mut parts = text.strip_prefix("art_")?.split('.');
            let run = RunId(ulid_from_text(parts.next()?)?);
            let unit = plain_number(parts.next()?)?;
            let ordinal = plain_number(parts.next()?)?;
            parts.next().is_none().then_some(Self { unit: UnitId { run, ordinal: unit }, ordinal })
        };
        parse().ok_or_else(|| Self::unreadable(text))
    }
}

/// A number as we print it: digits, no sign, no leading zero.
fn plain_number(text: &str) -> Option<u32> {
    let plain = text == "0" || (!text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()));
    if plain { text.parse().ok() } else { None }
}
