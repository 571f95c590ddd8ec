//! Thumbnails of 12-megapixel JPEGs, end to end with confinement and ledger, against `vipsthumbnail` with the same two sizes.

use std::path::Path;
use std::process::Command;

use crate::measure::{median_by, run};
use crate::report::{Line, Ratio};
use crate::scale::Scale;

const PHOTOS: usize = 48;
const ROUNDS: usize = 3;

const PIPELINE: &str =
    "name = \"thumbnails\"\nversion = \"1\"\n[[step]]\nname = \"thumbnail\"\nextractor = \"image.thumbnail\"\n";

/// Makes the photos with ffmpeg: a fractal zoom with noise, 4000x3000, about the size that a camera writes.
fn photos(root: &Path, count: usize) -> Result<(), String> {
    std::fs::create_dir_all(root).map_err(|error| error.to_string())?;
    let pattern = root.join("p%03d.jpg");
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-f", "lavfi", "-i"]);
    command.arg("mandelbrot=size=2000x1500:rate=1,scale=4000:3000,noise=alls=12:allf=t");
    command.args(["-frames:v", &count.to_string(), "-q:v", "3", "-pix_fmt", "yuvj420p"]).arg(pattern);
    run(&mut command, 0).map(|_| ())
}

/// Images per second, and memory.
pub fn measure(exhibit: &Path, scale: Scale) -> Result<Vec<Line>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let root = folder.path().join("photos");
    let count = scale.of(PHOTOS, 2);
    photos(&root, count)?;
    let pipeline = folder.path().join("thumbnails.toml");
    std::fs::write(&pipeline, PIPELINE).map_err(|error| error.to_string())?;
    let (mut rounds, mut memory) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let home = folder.path().join(format!("home-{round}"));
        run(Command::new(exhibit).arg("--home").arg(&home).arg("scan").arg(&root), 0)?;
        let ours =
            run(Command::new(exhibit).arg("--home").arg(&home).arg("run").arg(&pipeline).args(["--workers", "2"]), 0)?;
        let out = folder.path().join(format!("vips-{round}"));
        std::fs::create_dir_all(&out).map_err(|error| error.to_string())?;
        let script = "find \"$1\" -name '*.jpg' -print0 | VIPS_CONCURRENCY=1 xargs -0 -P2 -n 12 sh -c '\
             vipsthumbnail -s 256 -o \"'\"$2\"'/%s-256.webp[Q=80]\" \"$@\" && vipsthumbnail -s 1024 -o \"'\"$2\"'/%s-1024.webp[Q=80]\" \"$@\"' sh";
        let peer = run(Command::new("sh").arg("-c").arg(script).arg("sh").arg(&root).arg(&out), 0)?;
        rounds.push((ours.wall.as_secs_f64(), peer.wall.as_secs_f64()));
        memory.push((ours.rss_bytes as f64, peer.rss_bytes as f64));
    }
    let rate = |seconds: f64| format!("{:.1} images/s", count as f64 / seconds);
    let (ours, peer) = median_by(&rounds, |(ours, peer)| peer / ours).ok_or("no rounds")?;
    let (own_rss, peer_rss) = median_by(&memory, |(ours, peer)| ours / peer).ok_or("no rounds")?;
    let mib = |bytes: f64| format!("{:.0} MiB", bytes / 1_048_576.0);
    Ok(vec![
        Line {
            work: "thumbnails 256 and 1024 of 12-megapixel JPEGs, 2 processes".to_owned(),
            ours: rate(ours),
            peer: format!("{} by `vipsthumbnail`", rate(peer)),
            ratio: Ratio::at_least(peer / ours, 1.5),
        },
        Line {
            work: "the same, memory of the largest process".to_owned(),
            ours: mib(own_rss),
            peer: format!("{} by `vipsthumbnail`", mib(peer_rss)),
            ratio: Ratio::at_most(own_rss / peer_rss, 0.34),
        },
    ])
}
