//! A scan that a server does: of a source that it knows, or of a folder below `server.sources_allowed`.

use std::time::Duration;

use exhibit_archive::scan::ScanReport;
use exhibit_archive::sources::{ScanView, SourceView};
use exhibit_http::Page;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::ScanArgs;
use crate::cli::Context;
use crate::commands::sources::every;
use crate::error::CliError;
use crate::output::number;
use crate::remote::{Server, Trouble, part};

/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// How often in a row there may be no answer.
const MISSED_MAX: u32 = 40;

/// Has the server scan, and follows the scan to its end; none when somebody did not want to wait for it.
pub async fn scan(server: &Server, args: ScanArgs, context: &Context) -> Result<Option<ScanReport>, CliError> {
    if args.threads.is_some() {
        return Err(CliError::usage("--threads says how this machine works; a server uses all its cores"));
    }
    let Some(root) = args.root.to_str() else {
        return Err(CliError::usage("the folder is not UTF-8; scan it on the machine of the server"));
    };
    let mut interrupts = signal(SignalKind::interrupt())?;
    let known = every(server).await?.into_iter().find(|source| is_called(source, root));
    let begun = match known.filter(|known| args.name.as_ref().is_none_or(|name| *name == known.name)) {
        Some(known) => {
            let path = format!("/v1/sources/{}/scan", part(&known.source.to_string()));
            server.post(&path, &json!({ "verify": args.verify })).await?
        }
        None if args.root.is_absolute() => {
            let wanted = json!({ "root": root, "name": args.name, "verify": args.verify });
            server.post("/v1/sources", &wanted).await?
        }
        None => {
            return Err(CliError::usage(format!(
                "`{root}` is no source of the server; `exhibit sources` lists them, and a new folder is named from the root of its machine on"
            )));
        }
    };
    tokio::select! {
        ended = follow(server, begun, context) => ended.map(Some),
        _ = interrupts.recv() => {
            eprintln!("exhibit: the scan goes on at the server; `exhibit sources` says when it ended");
            Ok(None)
        }
    }
}

fn is_called(source: &SourceView, text: &str) -> bool {
    let root = if text.len() > 1 { text.trim_end_matches('/') } else { text };
    source.name == text || source.root == root || source.source.to_string() == text
}

async fn follow(server: &Server, begun: ScanView, context: &Context) -> Result<ScanReport, CliError> {
    let bar = context.out.bar(None, true);
    bar.set_prefix("scan");
    let mut missed = 0;
    loop {
        match server.get::<Page<ScanView>>("/v1/scans", &[]).await {
            Ok(scans) => {
                missed = 0;
                let same = |scan: &&ScanView| scan.root == begun.root && scan.started >= begun.started;
                let Some(now) = scans.items.iter().find(same) else {
                    return Err(CliError::failed(
                        "the server forgot the scan, perhaps because it was started anew; what was read is kept, scan again",
                    ));
                };
                bar.set_position(now.bytes);
                let (found, read) = (number(now.seen.cast_signed()), number(now.read.cast_signed()));
                bar.set_message(format!("· {found} found, {read} read"));
                if now.ended.is_some() {
                    bar.finish_and_clear();
                    return end_of(now);
                }
            }
            Err(Trouble::Passing(_)) if missed < MISSED_MAX => missed += 1,
            Err(trouble) => return Err(trouble.into()),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn end_of(scan: &ScanView) -> Result<ScanReport, CliError> {
    match (&scan.report, &scan.detail) {
        (Some(report), _) => Ok(report.clone()),
        (None, Some(why)) => Err(CliError::failed(why.clone())),
        (None, None) => Err(CliError::failed("the scan ended and the server does not say how; is it another version?")),
    }
}
