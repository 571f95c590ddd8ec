//! The measurements that take long, for `make soak` alone: a tree of a million files, and a whole archive with all limits in force.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::measure::{median_by, run};
use crate::report::{Line, Ratio};
use crate::scale::Scale;
use crate::trees::tiny_files;
use crate::watch::{Look, watch};

const FILES: u64 = 1_000_000;

/// What a scan of a million files may hold in memory.
const SCAN_RSS_MAX_MIB: f64 = 600.0;

const RESCANS: usize = 3;

const PHOTOS: u32 = 5_000;
const VIDEOS: u32 = 50;

/// What commands end with when some files are damaged, as some of every sample are.
const PARTIAL: i32 = 3;

/// How much the memory of a host may still grow after the first half of a run.
const GROWTH_MAX: f64 = 1.25;

fn mib(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}

/// Scans a tree of a million files and scans it again.
pub fn measure_tree(exhibit: &Path, scale: Scale) -> Result<Vec<Line>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let (root, home) = (folder.path().join("tree"), folder.path().join("home"));
    let count = scale.of(FILES, 2_000);
    tiny_files(&root, count)?;
    let scan = || run(Command::new(exhibit).arg("--home").arg(&home).arg("scan").arg(&root), 0);
    let first = scan()?;
    let mut rescans = Vec::new();
    for _ in 0..RESCANS {
        let again = scan()?;
        let find = run(Command::new("find").arg(&root).args(["-printf", "%p %s %T@ %i\\n"]), 0)?;
        rescans.push((again.wall.as_secs_f64(), find.wall.as_secs_f64(), again.rss_bytes));
    }
    let (again, find, _) = median_by(&rescans, |(again, find, _)| again / find).ok_or("no rescans")?;
    let largest = rescans.iter().map(|(_, _, rss)| *rss).fold(first.rss_bytes, u64::max);
    Ok(vec![
        Line {
            work: format!("memory of scan and rescan, {count} files"),
            ours: format!("{:.0} MiB; {:.0} files/s", mib(largest), count as f64 / first.wall.as_secs_f64()),
            peer: "a limit in MiB".to_owned(),
            ratio: Ratio::at_most(mib(largest), SCAN_RSS_MAX_MIB),
        },
        Line {
            work: format!("rescan of {count} files, unchanged"),
            ours: format!("{again:.2} s"),
            peer: format!("{find:.2} s by `find -printf`"),
            ratio: Ratio::at_most(again / find, 3.0),
        },
    ])
}

/// Scans a sample archive, runs `basics` over it and verifies everything; the originals must be as before.
pub fn measure_archive(exhibit: &Path, scale: Scale) -> Result<Vec<Line>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let (root, home) = (folder.path().join("archive"), folder.path().join("home"));
    let (photos, videos) = (scale.of(PHOTOS, 20), scale.of(VIDEOS, 2));
    let exhibit_at_home = || {
        let mut command = Command::new(exhibit);
        command.arg("--home").arg(&home);
        command
    };
    let mut sample = Command::new(exhibit);
    sample.arg("--home").arg(&home).arg("sample").arg(&root);
    run(sample.args(["--photos", &photos.to_string(), "--videos", &videos.to_string()]), 0)?;
    let before = fingerprint(exhibit, &root)?;
    let scan = run(exhibit_at_home().arg("scan").arg(&root), PARTIAL)?;
    let watched = watch(exhibit_at_home().args(["run", "basics"]))?;
    if ![0, PARTIAL].contains(&watched.code) {
        return Err(format!("`exhibit run basics` ended with {}", watched.code));
    }
    let verify = run(exhibit_at_home().arg("verify"), 0)?;
    if fingerprint(exhibit, &root)? != before {
        return Err("the originals are not as they were before".to_owned());
    }
    let own = |look: &Look| look.own_bytes;
    let below = |look: &Look| look.below_bytes;
    let (half, end) = (watched.peak(1..2, own), watched.peak(3..4, own));
    let memory_max = machine_memory_bytes()? / 2;
    let work = format!("`basics` over {photos} photos and {videos} videos");
    Ok(vec![
        Line {
            work: format!("{work}: memory of the host, last quarter against the second"),
            ours: format!(
                "{:.0} MiB (scan {:.0} s, run {:.0} s, verify {:.0} s)",
                mib(end),
                scan.wall.as_secs_f64(),
                watched.wall.as_secs_f64(),
                verify.wall.as_secs_f64()
            ),
            peer: format!("{:.0} MiB in the second quarter", mib(half)),
            ratio: Ratio::at_most(end as f64 / half.max(1) as f64, GROWTH_MAX),
        },
        Line {
            work: format!("{work}: memory of all extractor processes together, peak"),
            ours: format!(
                "{:.0} MiB; {:.0} MiB in the second quarter, {:.0} MiB in the last",
                mib(watched.peak(0..4, below)),
                mib(watched.peak(1..2, below)),
                mib(watched.peak(3..4, below))
            ),
            peer: format!("{:.0} MiB, what a host shares out", mib(memory_max)),
            ratio: Ratio::at_most(watched.peak(0..4, below) as f64 / memory_max as f64, 1.0),
        },
    ])
}

/// What `exhibit fingerprint` prints; the sample has files that cannot be read, which is part of it.
fn fingerprint(exhibit: &Path, root: &Path) -> Result<Vec<u8>, String> {
    let output = Command::new(exhibit).arg("fingerprint").arg(root).output().map_err(|error| error.to_string())?;
    match output.status.code() {
        Some(0 | PARTIAL) => Ok(output.stdout),
        _ => Err(format!("exhibit fingerprint: {}", String::from_utf8_lossy(&output.stderr))),
    }
}

fn machine_memory_bytes() -> Result<u64, String> {
    let text = fs::read_to_string("/proc/meminfo").map_err(|error| error.to_string())?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.map(|kib| kib * 1024).ok_or_else(|| "/proc/meminfo names no total".to_owned())
}
