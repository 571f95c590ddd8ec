//! Embeds the web UI: `web/dist` where it was built, else `web/placeholder`. It never builds anything itself.
//!
//! `make build` touches this file after it built the UI, because cargo cannot watch for a folder that is not there yet.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web").canonicalize()?;
    let built = web.join("dist");
    let folder = if built.join("index.html").is_file() { built } else { web.join("placeholder") };
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files = Vec::new();
    list(&folder, &mut files)?;
    files.sort();
    let mut code = String::from("&[\n");
    for file in &files {
        let Ok(path) = file.strip_prefix(&folder) else { continue };
        // Writing to a text cannot fail.
        writeln!(code, "    ({:?}, include_bytes!({:?})),", path.display().to_string(), file.display().to_string())
            .ok();
    }
    code.push_str("]\n");
    fs::write(out_folder()?.join("ui.rs"), code)
}

#[expect(clippy::disallowed_methods, reason = "this is how cargo says it")]
fn out_folder() -> io::Result<PathBuf> {
    env::var_os("OUT_DIR").map(PathBuf::from).ok_or_else(|| io::Error::other("cargo sets OUT_DIR"))
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // What begins with a dot belongs to the build.
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if entry.file_type()?.is_dir() {
            list(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}
