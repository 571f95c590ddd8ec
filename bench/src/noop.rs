//! What a unit costs beside its work: `noop` over 100,000 units.

use std::path::Path;
use std::process::Command;

use crate::measure::run;
use crate::report::{Line, Ratio};
use crate::scale::Scale;
use crate::trees::small_files;

const UNITS: u64 = 100_000;

/// Microseconds of CPU per unit over all processes, and whether memory stays flat.
pub fn measure(exhibit: &Path, scale: Scale) -> Result<Vec<Line>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut costs = Vec::new();
    let units = scale.of(UNITS, 1_000);
    for count in [units / 10, units] {
        let root = folder.path().join(format!("tree-{count}"));
        let home = folder.path().join(format!("home-{count}"));
        small_files(&root, count)?;
        run(Command::new(exhibit).arg("--home").arg(&home).arg("scan").arg(&root), 0)?;
        costs.push(run(Command::new(exhibit).arg("--home").arg(&home).args(["run", "noop"]), 0)?);
    }
    let (tenth, all) = (costs[0], costs[1]);
    let per_unit = all.cpu.as_secs_f64() * 1e6 / units as f64;
    let mib = |bytes: u64| bytes as f64 / 1_048_576.0;
    Ok(vec![
        Line {
            work: format!("noop, CPU per unit over all processes, {units} units"),
            ours: format!("{per_unit:.0} us ({:.0} units/s)", units as f64 / all.wall.as_secs_f64()),
            peer: "a limit".to_owned(),
            ratio: Ratio::at_most(per_unit, 150.0),
        },
        Line {
            work: format!("noop, memory of the largest process, {units} units"),
            ours: format!("{:.0} MiB", mib(all.rss_bytes)),
            peer: format!("{:.0} MiB with {} units", mib(tenth.rss_bytes), units / 10),
            ratio: Ratio::at_most(mib(all.rss_bytes) / mib(tenth.rss_bytes), 1.5),
        },
    ])
}
