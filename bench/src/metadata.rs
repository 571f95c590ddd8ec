//! Metadata of photos, read in confined processes and written to the ledger, against `exiftool -j -r` over the same folder.

use std::path::Path;
use std::process::Command;

use crate::measure::{median_by, run};
use crate::report::{Line, Ratio};
use crate::scale::Scale;

const PHOTOS: u32 = 1_000;
const ROUNDS: usize = 3;

const PIPELINE: &str = "name = \"metadata\"\nversion = \"1\"\n[[step]]\nname = \"metadata\"\nextractor = \"media.metadata\"\nmedia = [\"image\"]\n";

/// What `exhibit run` ends with when some files are damaged, as some of every sample are, and what `exiftool` ends with then.
const RUN_PARTIAL: i32 = 3;
const EXIFTOOL_PARTIAL: i32 = 1;

/// Makes the photos: those of a sample archive, which have the tags of cameras.
fn photos(exhibit: &Path, root: &Path, count: u32) -> Result<(), String> {
    let mut command = Command::new(exhibit);
    // A home that is not there: the one of the user has nothing to do with it.
    command.arg("--home").arg(root.with_extension("home"));
    command.arg("sample").arg(root).args(["--photos", &count.to_string(), "--videos", "0"]);
    run(&mut command, 0)?;
    // Links that lead in circles, which exiftool follows and we do not, and files that are made to stop a reader: neither is a photo.
    let odd = root.join("odd");
    if odd.exists() {
        std::fs::remove_dir_all(&odd).map_err(|error| format!("the odd files of the sample: {error}"))?;
    }
    // What says what is in the sample is no photo, and exiftool would read it.
    std::fs::remove_file(root.join("truth.json")).map_err(|error| format!("the truth of the sample: {error}"))
}

/// Photos per second. Scanning, which hashes what exiftool never reads, happened before.
pub fn measure(exhibit: &Path, scale: Scale) -> Result<Vec<Line>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let root = folder.path().join("photos");
    let count = scale.of(PHOTOS, 30);
    photos(exhibit, &root, count)?;
    let pipeline = folder.path().join("metadata.toml");
    std::fs::write(&pipeline, PIPELINE).map_err(|error| error.to_string())?;
    let mut rounds = Vec::new();
    for round in 0..ROUNDS {
        let home = folder.path().join(format!("home-{round}"));
        run(Command::new(exhibit).arg("--home").arg(&home).arg("scan").arg(&root), RUN_PARTIAL)?;
        let mut command = Command::new(exhibit);
        command.arg("--home").arg(&home).arg("run").arg(&pipeline);
        let ours = run(&mut command, RUN_PARTIAL)?.wall.as_secs_f64();
        let peer = run(Command::new("exiftool").args(["-q", "-j", "-r"]).arg(&root), EXIFTOOL_PARTIAL)?;
        rounds.push((ours, peer.wall.as_secs_f64()));
    }
    let (ours, peer) = median_by(&rounds, |(ours, peer)| peer / ours).ok_or("no rounds")?;
    let rate = |seconds: f64| format!("{:.0} photos/s", f64::from(count) / seconds);
    Ok(vec![Line {
        work: format!("metadata of {count} photos of a sample archive, end to end"),
        ours: rate(ours),
        peer: format!("{} by `exiftool -j -r`", rate(peer)),
        ratio: Ratio::at_least(peer / ours, 10.0),
    }])
}
