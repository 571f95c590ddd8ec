//! The disk guard: below the reserve, or above a quota, a host takes no more work until there is room again.

use std::collections::BTreeMap;
use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use exhibit_store::sql::{benchmarks, space};
use exhibit_store::{Store, StoreError};
use serde::Deserialize;

use crate::pipeline::Pipeline;

/// Work goes on when there is this much more room than it was stopped for, so that it does not stop and go with each file: a quarter.
const HYSTERESIS_PART: u64 = 4;

/// Bytes that one unit takes in the database beside its blobs: measured with metadata of photos, indexes included.
const UNIT_ROW_BYTES: u64 = 6 * 1024;

/// Bytes of the blobs of one unit, for a step that leaves files and was never measured: two thumbnails of a photo.
const UNIT_BLOB_BYTES: u64 = 64 * 1024;

/// Benchmark records that are searched for the sizes of earlier results.
const BENCHMARKS_MAX: i64 = 50;

/// Room that is kept free on each file system that is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reserve {
    /// So many bytes.
    Bytes(u64),
    /// So many hundredths of a file system, 0 to 99.
    Percent(u8),
}

impl Reserve {
    /// Bytes to keep free on a file system of that size.
    pub fn of(self, total_bytes: u64) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Percent(percent) => total_bytes / 100 * u64::from(percent),
        }
    }
}

impl FromStr for Reserve {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("`{text}` is no reserve; write it like 2%, 500MiB or 10GiB");
        let split = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
        let number: u64 = text[..split].parse().map_err(|_| wrong())?;
        let bytes = |unit: u64| number.checked_mul(unit).map(Self::Bytes).ok_or_else(wrong);
        match text[split..].trim() {
            "%" => u8::try_from(number).ok().filter(|percent| *percent < 100).map(Self::Percent).ok_or_else(wrong),
            "MiB" => bytes(1 << 20),
            "GiB" => bytes(1 << 30),
            "" if number == 0 => Ok(Self::Bytes(0)),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Reserve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "{}MiB", bytes >> 20),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

/// What a host may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskRules {
    /// Folders that are written to: the database, the blobs, scratch.
    pub folders: Vec<PathBuf>,
    /// Room that stays free on their file systems.
    pub reserve: Reserve,
    /// Most bytes that all blobs together may have.
    pub blobs_max: Option<u64>,
    /// Most bytes that the database may have.
    pub database_max: Option<u64>,
    /// How long a host waits for room before it ends with what is blocked, in seconds.
    pub wait_s: u32,
}

impl Default for DiskRules {
    /// Nothing is guarded.
    fn default() -> Self {
        Self { folders: Vec::new(), reserve: Reserve::Bytes(0), blobs_max: None, database_max: None, wait_s: 0 }
    }
}

/// Room on the file system of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// The first of the folders that lie there.
    pub folder: PathBuf,
    /// Bytes that this user may still write.
    pub free_bytes: u64,
    /// Files that this user may still make; `None` where the file system does not count them.
    pub free_files: Option<u64>,
    /// Bytes that stay free.
    pub reserve_bytes: u64,
}

impl DiskRules {
    /// The room on each file system that is written to. A folder that is not there yet stands for the one above it.
    pub fn rooms(&self) -> Vec<Room> {
        let mut rooms: BTreeMap<u64, Room> = BTreeMap::new();
        for folder in &self.folders {
            let Some(there) = folder.ancestors().find(|place| place.exists()) else { continue };
            // A folder that cannot be looked at is not guarded; writing there says why.
            if let (Ok(found), Ok(room)) = (std::fs::metadata(there), self.room_of(there)) {
                rooms.entry(found.dev()).or_insert(room);
            }
        }
        rooms.into_values().collect()
    }

    /// Bytes that may still be written below a folder, so that the reserve stays; `None` where that cannot be said.
    pub fn available(&self, folder: &Path) -> Option<u64> {
        let there = folder.ancestors().find(|place| place.exists())?;
        self.room_of(there).ok().map(|room| room.free_bytes.saturating_sub(room.reserve_bytes))
    }

    fn room_of(&self, folder: &Path) -> rustix::io::Result<Room> {
        let found = rustix::fs::statvfs(folder)?;
        let reserve_bytes = self.reserve.of(found.f_blocks.saturating_mul(found.f_frsize));
        let free_bytes = found.f_bavail.saturating_mul(found.f_frsize);
        let free_files = (found.f_files > 0).then_some(found.f_favail);
        Ok(Room { folder: folder.to_owned(), free_bytes, free_files, reserve_bytes })
    }

    /// Why no more may be written; `None` when all is well. Who was stopped (`held`) goes on only when there is clearly more room.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn problem(&self, store: &Store, held: bool) -> Result<Option<String>, StoreError> {
        let margin = |limit: u64| if held { limit / HYSTERESIS_PART } else { 0 };
        for room in self.rooms() {
            let wanted = room.reserve_bytes.saturating_add(margin(room.reserve_bytes));
            if room.free_bytes < wanted {
                let (free, wanted) = (size(room.free_bytes), size(wanted));
                return Ok(Some(format!("{free} are free at {}, {wanted} have to be", room.folder.display())));
            }
        }
        if self.blobs_max.is_none() && self.database_max.is_none() {
            return Ok(None);
        }
        let (blobs, database) = store.read(|read| Ok((space::blob_bytes(read)?, space::database_bytes(read)?))).await?;
        for (what, used, most) in [("blobs", blobs, self.blobs_max), ("the database", database, self.database_max)] {
            if let Some(most) = most.filter(|most| used > most - margin(*most)) {
                return Ok(Some(format!("{what} use {} of a quota of {}", size(used), size(most))));
            }
        }
        Ok(None)
    }
}

/// What a run may need, and what there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Projection {
    /// Bytes that its results may take: from earlier runs of the same extractors, else from a rule of thumb.
    pub needed_bytes: u64,
    /// Bytes above the reserve, on the file system that has least.
    pub available_bytes: u64,
}

/// Projects what a run that was just made will need.
///
/// # Errors
/// When the database cannot be read.
pub async fn project(
    store: &Store,
    rules: &DiskRules,
    run: i64,
    pipeline: &Pipeline,
    writes_files: impl Fn(&str) -> bool,
) -> Result<Option<Projection>, StoreError> {
    let (types, earlier) = store
        .read(move |read| Ok((space::member_types(read, run)?, benchmarks::newest_of_all(read, BENCHMARKS_MAX)?)))
        .await?;
    let earlier: Vec<Earlier> = earlier.iter().filter_map(|body| serde_json::from_slice(body).ok()).collect();
    let mut needed_bytes = 0_u64;
    for step in &pipeline.steps {
        let units: u64 = types.iter().filter(|(media_type, _)| step.takes(media_type)).map(|(_, count)| count).sum();
        let measured = earlier
            .iter()
            .flat_map(|run| &run.steps)
            .find(|timed| timed.extractor == step.extractor && timed.timed > 0);
        let blobs = match measured {
            Some(timed) => timed.blob_bytes.div_ceil(timed.timed),
            None if writes_files(&step.extractor) => UNIT_BLOB_BYTES,
            None => 0,
        };
        needed_bytes = needed_bytes.saturating_add(units.saturating_mul(blobs + UNIT_ROW_BYTES));
    }
    let available = rules.rooms().iter().map(|room| room.free_bytes.saturating_sub(room.reserve_bytes)).min();
    Ok(available.map(|available_bytes| Projection { needed_bytes, available_bytes }))
}

#[derive(Deserialize)]
struct Earlier {
    steps: Vec<EarlierStep>,
}

#[derive(Deserialize)]
struct EarlierStep {
    extractor: String,
    timed: u64,
    #[serde(default)]
    blob_bytes: u64,
}

/// Bytes for people.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..=0xF_FFFF => format!("{:.1} KiB", bytes as f64 / 1024.0),
        0x10_0000..=0x3FFF_FFFF => format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)),
        _ => format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30)),
    }
}

#[cfg(test)]
mod tests {
    use super::{DiskRules, Reserve};

    #[test]
    fn a_reserve_is_bytes_or_percent() {
        for (text, reserve) in [
            ("0", Reserve::Bytes(0)),
            ("2%", Reserve::Percent(2)),
            ("500MiB", Reserve::Bytes(500 << 20)),
            ("3 GiB", Reserve::Bytes(3 << 30)),
        ] {
            assert_eq!(text.parse(), Ok(reserve));
        }
        for text in ["", "%", "100%", "5", "-1%", "2.5%", "1TB", "99999999999999999999GiB", "18446744073709551615GiB"] {
            let told = text.parse::<Reserve>().expect_err(text);
            assert_eq!(told, format!("`{text}` is no reserve; write it like 2%, 500MiB or 10GiB"));
        }
        assert_eq!(Reserve::Percent(2).of(1_000), 20);
    }

    #[test]
    fn folders_of_one_file_system_are_one_room() {
        let folder = tempfile::tempdir().expect("a folder");
        let folders = vec![folder.path().join("not/there/yet"), folder.path().to_owned()];
        let rules = DiskRules { folders, reserve: Reserve::Bytes(7), ..DiskRules::default() };
        let rooms = rules.rooms();
        assert_eq!(rooms.len(), 1);
        assert_eq!((rooms[0].folder.as_path(), rooms[0].reserve_bytes), (folder.path(), 7));
    }
}
