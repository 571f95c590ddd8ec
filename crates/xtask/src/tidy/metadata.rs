//! What cargo says about the crates of the repository.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};
use serde_json::Value;

/// Asks cargo, for the machine it runs on: crates for other systems are neither fetched nor linked.
pub fn read(root: &Path) -> anyhow::Result<Value> {
    let version = run(Command::new("cargo").arg("-vV"))?;
    let version = String::from_utf8_lossy(&version);
    let host =
        version.lines().find_map(|line| line.strip_prefix("host: ")).context("cargo does not say on what it runs")?;
    let metadata = run(Command::new("cargo")
        .args(["metadata", "--format-version=1", "--filter-platform", host])
        .current_dir(root))?;
    serde_json::from_slice(&metadata).context("cargo metadata is not JSON")
}

fn run(command: &mut Command) -> anyhow::Result<Vec<u8>> {
    let output = command.output().context("cargo cannot be started")?;
    if !output.status.success() {
        bail!("cargo failed with {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim_end());
    }
    Ok(output.stdout)
}

/// The members of an array within the metadata.
pub fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value[name].as_array().into_iter().flatten()
}

/// A text within the metadata.
pub fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// The crates of the repository itself.
pub fn members(metadata: &Value) -> impl Iterator<Item = &Value> {
    list(metadata, "packages").filter(|package| package["source"].is_null())
}
