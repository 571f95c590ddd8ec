//! `exhibit redteam`.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use exhibit_archive::catalog::printable;
use exhibit_archive::fingerprint::fingerprint;
use exhibit_archive::scan::{ScanError, check_root};
use exhibit_engine::redteam::{Attempt, On, Outcome, RedteamError, Report, Request, Terms, redteam as attack};
use serde_json::{Value, json};

use crate::cli::Context;
use crate::clock::random_u128;
use crate::config;
use crate::error::{CliError, Exit};
use crate::home::{confinement, make_folder, own_folders, private_paths};
use crate::output::{bytes, number, table};

/// Attack a folder as a hostile extractor would.
#[derive(Args)]
pub struct RedteamArgs {
    /// The folder
    root: PathBuf,
    /// Attack although the kernel cannot confine extractors; what succeeds is put right
    #[arg(long)]
    allow_unconfined: bool,
}

pub async fn redteam(args: RedteamArgs, context: &Context) -> Result<Exit, CliError> {
    let config = config::load(&context.home)?;
    let root = check_root(&args.root, &own_folders(&context.home, &config)).map_err(|error| match error {
        ScanError::Root { path, reason } => CliError::usage(format!("cannot attack {path}: {reason}")),
        other => other.into(),
    })?;
    let terms = Terms { confinement: confinement(args.allow_unconfined)?, landlock_abi_max: None };
    make_folder(&context.home)?;
    let request = Request {
        root,
        exe: std::env::current_exe()?,
        work_folder: context.home.join("work"),
        id: random_u128(),
        private: private_paths(&context.home, &config),
        terms,
    };
    let bar = context.out.bar(Some(0), false);
    bar.set_prefix("redteam");
    let shown = bar.clone();
    let work = move || {
        let mut unreadable = 0;
        let root = request.root.clone();
        let mut digest = || -> Result<_, Box<dyn std::error::Error + Send + Sync>> {
            let found = fingerprint(&root, &mut |progress| {
                let (entries, read) = (number(progress.entries as i64), bytes(progress.bytes as i64));
                shown.set_message(format!("· fingerprint of {entries} entries, {read}"));
            })?;
            shown.set_message("");
            unreadable = found.unreadable;
            Ok(found.digest)
        };
        let report = attack(&request, &mut digest, &mut |done, total| {
            shown.set_length(total as u64);
            shown.set_position(done as u64);
        })?;
        Ok::<_, RedteamError>((report, request.root, unreadable))
    };
    let result = tokio::task::spawn_blocking(work).await.map_err(|error| CliError::failed(error.to_string()))?;
    bar.finish_and_clear();
    let (mut report, root, unreadable) = result?;
    if unreadable > 0 {
        report.notes.push(format!(
            "{unreadable} entries cannot be read by this user and are compared without content; `exhibit fingerprint` lists them"
        ));
    }
    if context.out.json {
        context.out.document(&document(&report, &root))?;
    } else {
        print(&report, &root, context)?;
    }
    Ok(if report.passed() { Exit::Ok } else { Exit::Failed })
}

fn document(report: &Report, root: &Path) -> Value {
    json!({
        "passed": report.passed(),
        "root": shown(root),
        "original": report.original.as_deref().map(shown),
        "landlock_abi": report.landlock_abi,
        "identical": report.before == report.after,
        "fingerprint_before": report.before,
        "fingerprint_after": report.after,
        "notes": report.notes,
        "attempts": report.attempts,
    })
}

fn print(report: &Report, root: &Path, context: &Context) -> Result<(), CliError> {
    let out = context.out;
    let mut rows = vec![["attempt", "on", "result", "error"].map(str::to_owned).to_vec()];
    rows.extend(report.attempts.iter().map(row));
    for line in table(&rows) {
        out.line(&line)?;
    }
    out.line("")?;
    match &report.original {
        Some(path) => out.line(&format!("original: {}", shown(path)))?,
        None => out.line("original: none")?,
    }
    for note in &report.notes {
        out.line(&format!("note: {note}"))?;
    }
    if report.before == report.after {
        out.line(&format!("identical before and after: {} has fingerprint {}", shown(root), report.after))?;
    } else {
        out.line(&format!("CHANGED: {} had fingerprint {} and has {}", shown(root), report.before, report.after))?;
    }
    let refused = report.attempts.iter().filter(|attempt| attempt.outcome.is_refused()).count();
    let total = report.attempts.len();
    if report.passed() {
        let promised = if refused < total { ", the others are beyond this kernel (`exhibit doctor`)" } else { "" };
        return out.line(&format!("passed: {refused} of {total} attempts were refused{promised}"));
    }
    let names: Vec<&str> = report.broken().map(|attempt| attempt.name).collect();
    out.line(&format!("FAILED: {} of {total} attempts were not refused: {}", names.len(), names.join("; ")))
}

fn row(attempt: &Attempt) -> Vec<String> {
    let on = match attempt.on {
        On::Original => "original",
        On::Folder => "folder",
        On::Decoy => "decoy",
        On::Nothing => "",
    };
    let (result, error) = match &attempt.outcome {
        Outcome::Refused { errno } => ("refused", errno_name(*errno)),
        Outcome::Ended { signal } => ("refused", format!("ended by signal {signal}")),
        Outcome::Succeeded => ("SUCCEEDED", String::new()),
        Outcome::LetThrough { errno } => ("LET THROUGH", errno_name(*errno)),
        Outcome::NotPromised => ("possible", "this kernel's Landlock cannot refuse it".to_owned()),
        Outcome::Unclear { why } => ("UNCLEAR", why.clone()),
    };
    vec![attempt.name.to_owned(), on.to_owned(), result.to_owned(), error]
}

fn errno_name(errno: i32) -> String {
    let name = match errno {
        libc::EPERM => "EPERM",
        libc::ENOENT => "ENOENT",
        libc::EBADF => "EBADF",
        libc::EACCES => "EACCES",
        libc::EFAULT => "EFAULT",
        libc::EXDEV => "EXDEV",
        libc::EINVAL => "EINVAL",
        libc::EROFS => "EROFS",
        libc::ENOSYS => "ENOSYS",
        libc::ENODATA => "ENODATA",
        libc::EOPNOTSUPP => "EOPNOTSUPP",
        _ => return format!("errno {errno}"),
    };
    name.to_owned()
}

fn shown(path: &Path) -> String {
    printable(path.as_os_str().as_bytes())
}
