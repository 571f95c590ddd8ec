//! `exhibit sample`.

use std::path::PathBuf;

use clap::Args;
use exhibit_archive::sample::{SampleOptions, generate};
use serde_json::json;

use crate::cli::Context;
use crate::error::{CliError, Exit};

/// Make a sample archive.
#[derive(Args)]
pub struct SampleArgs {
    /// The folder to make; it must be empty or missing
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
}

pub async fn sample(args: SampleArgs, context: &Context) -> Result<Exit, CliError> {
    let bar = context.out.bar(Some(u64::from(args.photos) + u64::from(args.videos)), false);
    bar.set_prefix("sample");
    let shown = bar.clone();
    let options = SampleOptions { photos: args.photos, videos: args.videos, seed: args.seed };
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
        context.out.document(&json!({ "dir": args.dir, "files": truth.files.len() }))?;
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
