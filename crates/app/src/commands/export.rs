//! `exhibit export`.

use std::path::{Path, PathBuf};

use clap::Args;
use exhibit_archive::export::{
    ExportFormat, ExportOptions, ExportParts, ExportReport, Selection, export as export_members, select,
};
use exhibit_archive::ledger::KEY_NAME;
use serde_json::json;

use crate::cli::Context;
use crate::commands::ledger::checkpoint_key;
use crate::error::{CliError, Exit};
use crate::follow::follow;
use crate::output::{bytes, number};
use crate::remote::{Order, Server, check_target, part, work};

/// Export assets: originals, facts with lineage, and blobs.
#[derive(Args)]
pub struct ExportArgs {
    /// The folder or zip file to make; it is absent, or an empty folder
    #[arg(long, value_name = "FOLDER|FILE.zip")]
    to: PathBuf,
    /// These assets: their ids, or any unambiguous prefix of them
    #[arg(long, value_name = "ASSET", num_args = 1.., conflicts_with = "collection")]
    assets: Vec<String>,
    /// The members of this collection
    #[arg(long, value_name = "NAME", default_value = "all")]
    collection: String,
    /// What of them [default: all three; of a manifest: originals]
    #[arg(long, value_delimiter = ',', value_parser = ["originals", "facts", "blobs"])]
    what: Vec<String>,
    /// How it looks; `manifest` copies nothing, it lists digests and absolute paths [default: zip for *.zip, else folder]
    #[arg(long, value_parser = ["folder", "zip", "manifest"])]
    format: Option<String>,
    /// What sandbox runs found, too
    #[arg(long)]
    sandbox: bool,
}

pub async fn export(args: ExportArgs, context: &Context) -> Result<Exit, CliError> {
    let format = format_of(args.format.as_deref(), &args.to);
    let parts = parts_of(&args.what, format)?;
    if let Some(server) = &context.server {
        return export_there(server, args, format, context).await;
    }
    let app = context.open()?;
    let wanted =
        if args.assets.is_empty() { Selection::Collection(args.collection) } else { Selection::Assets(args.assets) };
    let (members, selection) = select(&app.store, wanted).await?;
    let options = ExportOptions {
        target: args.to,
        format,
        parts,
        members,
        selection,
        sandboxes: args.sandbox,
        key: checkpoint_key(&app.key_path())?,
        origin: KEY_NAME,
        exhibit: env!("CARGO_PKG_VERSION").to_owned(),
        own_folders: app.own_folders(),
    };
    let report = follow(context, "export", |progress| export_members(&app.store, options, progress)).await?;
    say(&report, context)
}

/// Has a server make the zip, and fetches it.
async fn export_there(
    server: &Server,
    args: ExportArgs,
    format: ExportFormat,
    context: &Context,
) -> Result<Exit, CliError> {
    if format != ExportFormat::Zip {
        return Err(CliError::usage(
            "a server makes zip files, as a folder or a manifest would lie on its machine; name a file that ends with .zip",
        ));
    }
    check_target(&args.to)?;
    let mut body = json!({ "sandboxes": args.sandbox });
    if args.assets.is_empty() {
        body["collection"] = args.collection.into();
    } else {
        body["assets"] = args.assets.into();
    }
    if !args.what.is_empty() {
        body["what"] = args.what.into();
    }
    let order = Order { path: "/v1/exports", body: &body, title: "export", bytes: true };
    let (job, mut report): (String, ExportReport) = work(server, order, context).await?;
    server.download(format!("/v1/exports/{}/file", part(&job)), &args.to, context).await?;
    report.target = args.to.display().to_string();
    say(&report, context)
}

fn say(report: &ExportReport, context: &Context) -> Result<Exit, CliError> {
    if context.out.json {
        context.out.document(report)?;
    } else {
        print(report, context)?;
    }
    Ok(if report.failed == 0 { Exit::Ok } else { Exit::Partial })
}

fn format_of(word: Option<&str>, to: &Path) -> ExportFormat {
    match word {
        Some("zip") => ExportFormat::Zip,
        Some("manifest") => ExportFormat::Manifest,
        None if to.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("zip")) => ExportFormat::Zip,
        _ => ExportFormat::Folder,
    }
}

fn parts_of(words: &[String], format: ExportFormat) -> Result<ExportParts, CliError> {
    let is_list = format == ExportFormat::Manifest;
    let has = |word: &str| words.iter().any(|given| given == word);
    if is_list && has("facts") {
        return Err(CliError::usage(
            "a manifest lists files where they lie, and facts lie in no file; use --what originals,blobs, or export a folder or a zip",
        ));
    }
    Ok(match words {
        [] => ExportParts { originals: true, facts: !is_list, blobs: !is_list },
        _ => ExportParts { originals: has("originals"), facts: has("facts"), blobs: has("blobs") },
    })
}

fn print(report: &ExportReport, context: &Context) -> Result<(), CliError> {
    let out = context.out;
    out.line(&format!(
        "{}: {} originals, {} facts, {} blobs of {} assets ({})",
        report.target,
        number(report.originals as i64),
        number(report.facts as i64),
        number(report.blobs as i64),
        number(report.assets as i64),
        bytes(report.bytes as i64)
    ))?;
    for failure in &report.failures {
        let path = failure.path.as_ref().map_or_else(String::new, |path| format!(" ({path})"));
        out.line(&format!("  not in it: {}{path}: {} ({})", failure.subject, failure.reason, failure.code))?;
    }
    match report.format {
        ExportFormat::Folder => out.note("check it: cd there, then sha256sum -c manifest-sha256.txt"),
        ExportFormat::Zip => out.note("check it: unzip it, then sha256sum -c manifest-sha256.txt"),
        ExportFormat::Manifest => out.note(&format!("check it: sha256sum -c '{}'", report.target)),
    }
    if report.failed > 0 {
        eprintln!("exhibit: done in part: {} are not in the export", number(report.failed as i64));
    }
    Ok(())
}
