//! `exhibit sample`.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use exhibit_archive::sample::{Formats, SampleOptions, generate};
use exhibit_archive::target::check_target;
use exhibit_store::sql::sources;
use serde_json::json;

use crate::cli::Context;
use crate::config;
use crate::error::{CliError, Exit};
use crate::home::{has_store, own_folders};

/// Make a sample archive.
#[derive(Args)]
pub struct SampleArgs {
    /// The folder to make; it must be empty or missing, and lie in no source and not in the home
    dir: PathBuf,
    /// How many photos
    #[arg(long, default_value_t = 120)]
    photos: u32,
    /// How many videos
    #[arg(long, default_value_t = 6)]
    videos: u32,
    /// The same seed gives the same sample
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// `common` needs no other program than ffmpeg; `all` adds HEIC, AVIF, live photos, speech, hostile files and more [default: by
    /// size, all from 100 photos or 10 videos on]
    #[arg(long, value_enum)]
    formats: Option<FormatsArg>,
}

// Without texts of their own the help stays one line for each option.
#[derive(Clone, Copy, ValueEnum)]
enum FormatsArg {
    Common,
    All,
}

pub async fn sample(args: SampleArgs, context: &Context) -> Result<Exit, CliError> {
    check_place(&args.dir, context).await?;
    let formats = match args.formats {
        None => Formats::by_size(args.photos, args.videos),
        Some(FormatsArg::Common) => Formats::Common,
        Some(FormatsArg::All) => Formats::All,
    };
    let bar = context.out.bar(Some(u64::from(args.photos) + u64::from(args.videos)), false);
    bar.set_prefix("sample");
    let shown = bar.clone();
    let options = SampleOptions { photos: args.photos, videos: args.videos, seed: args.seed, formats };
    let dir = args.dir.clone();
    let work = tokio::task::spawn_blocking(move || {
        generate(&dir, &options, &mut |progress| {
            shown.set_length(progress.total);
            shown.set_position(progress.done);
        })
    });
    let truth = work.await.map_err(|error| CliError::failed(error.to_string()))??;
    bar.finish_and_clear();
    if context.out.json {
        context.out.document(&json!({ "dir": args.dir, "files": truth.files.len(), "formats": truth.formats }))?;
    } else {
        context.out.line(&format!(
            "{} files in {}; truth.json there says what they are",
            truth.files.len(),
            args.dir.display()
        ))?;
        context.out.note(&format!("next: exhibit scan {}", args.dir.display()));
    }
    Ok(Exit::Ok)
}

/// Refuses a folder in the home or in a known source (links resolved) before anything is made. A home that has no store yet knows no
/// source, and is not made for this.
async fn check_place(dir: &Path, context: &Context) -> Result<(), CliError> {
    let config = config::load(&context.home)?;
    let own = own_folders(&context.home, &config);
    check_target(dir, &own, &[])?;
    if has_store(&context.home, &config) {
        let known = context.open()?.store.read(sources::all).await?;
        let roots: Vec<PathBuf> =
            known.into_iter().map(|source| PathBuf::from(OsString::from_vec(source.root))).collect();
        check_target(dir, &own, &roots)?;
    }
    Ok(())
}
