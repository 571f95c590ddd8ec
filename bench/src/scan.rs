//! Scanning a tree, against `find | xargs sha256sum` and against a bare loop that reads and hashes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::measure::{median_by, run};
use crate::report::{Line, Ratio};
use crate::scale::Scale;
use crate::trees::{big_files, small_files};

const ROUNDS: usize = 3;

/// Reads and hashes every file on as many threads as there are cores; returns the time.
fn bare_loop(root: &Path) -> Result<Duration, String> {
    let begun = Instant::now();
    let files = Mutex::new(files_below(root)?);
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let results: Vec<Result<(), String>> = std::thread::scope(|scope| {
        let work = || {
            let mut piece = vec![0; 256 * 1024];
            loop {
                // The lock is given back before the file is read.
                let next = files.lock().map_err(|_| "a thread panicked".to_owned())?.pop();
                let Some(path) = next else { return Ok(()) };
                let mut file = std::fs::File::open(&path).map_err(|error| error.to_string())?;
                let mut hasher = exhibit_model::digest::DigestHasher::new();
                loop {
                    let count = std::io::Read::read(&mut file, &mut piece).map_err(|error| error.to_string())?;
                    if count == 0 {
                        break;
                    }
                    hasher.update(&piece[..count]);
                }
                std::hint::black_box(hasher.finish());
            }
        };
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        handles
            .into_iter()
            .map(|handle| handle.join().unwrap_or_else(|_| Err("a thread panicked".to_owned())))
            .collect()
    });
    results.into_iter().collect::<Result<Vec<()>, _>>()?;
    Ok(begun.elapsed())
}

fn files_below(root: &Path) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(|error| error.to_string())? {
            let entry = entry.map_err(|error| error.to_string())?;
            if entry.file_type().map_err(|error| error.to_string())?.is_dir() {
                folders.push(entry.path());
            } else {
                files.push(entry.path());
            }
        }
    }
    Ok(files)
}

fn shell(script: &str, root: &Path) -> Result<Duration, String> {
    Ok(run(Command::new("sh").arg("-c").arg(script).arg("sh").arg(root), 0)?.wall)
}

/// Three figures for each of the two trees.
pub fn measure(exhibit: &Path, scale: Scale) -> Result<Vec<Line>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut lines = Vec::new();
    let big = folder.path().join("big");
    let small = folder.path().join("small");
    let trees = [
        (scale.of("1.5 GiB in files of 8 MiB", "4 files of 8 MiB"), big_files(&big, scale)?, big, true),
        (
            scale.of("20,000 files of 4 KiB", "200 files of 4 KiB"),
            small_files(&small, scale.of(20_000, 200))?,
            small,
            false,
        ),
    ];
    for (name, (files, bytes), root, is_big) in trees {
        let (mut rounds, mut rescans) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            let home = folder.path().join(format!("home-{is_big}-{round}"));
            let ours = run(Command::new(exhibit).arg("--home").arg(&home).arg("scan").arg(&root), 0)?.wall;
            let peer = shell("find \"$1\" -type f -print0 | xargs -0 -P2 -n 64 sha256sum", &root)?;
            rounds.push((ours.as_secs_f64(), peer.as_secs_f64(), bare_loop(&root)?.as_secs_f64()));
            if !is_big {
                let again = run(Command::new(exhibit).arg("--home").arg(&home).arg("scan").arg(&root), 0)?.wall;
                let find = shell("find \"$1\" -printf '%p %s %T@ %i\\n'", &root)?;
                rescans.push((again.as_secs_f64(), find.as_secs_f64()));
            }
        }
        if let Some((again, find)) = median_by(&rescans, |(again, find)| again / find) {
            lines.push(Line {
                work: format!("rescan of {name}, unchanged"),
                ours: format!("{:.0} ms", again * 1e3),
                peer: format!("{:.0} ms by `find -printf`", find * 1e3),
                ratio: Ratio::at_most(again / find, 3.0),
            });
        }
        let unit = |seconds: f64| {
            if is_big {
                format!("{:.0} MB/s", bytes as f64 / seconds / 1e6)
            } else {
                format!("{:.0} files/s", files as f64 / seconds)
            }
        };
        let (ours, peer, _) = median_by(&rounds, |(ours, peer, _)| peer / ours).ok_or("no rounds")?;
        lines.push(Line {
            work: format!("scan, {name}"),
            ours: unit(ours),
            peer: format!("{} by `find | xargs -P2 sha256sum`", unit(peer)),
            ratio: Ratio::at_least(peer / ours, if is_big { 2.5 } else { 2.0 }),
        });
        let (ours, _, bare) = median_by(&rounds, |(ours, _, bare)| bare / ours).ok_or("no rounds")?;
        lines.push(Line {
            work: format!("scan, {name}"),
            ours: unit(ours),
            peer: format!("{} by a bare loop of read and hash", unit(bare)),
            ratio: Ratio::at_least(bare / ours, 0.8),
        });
    }
    Ok(lines)
}
