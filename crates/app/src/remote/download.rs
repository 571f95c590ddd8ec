//! A file of a server that becomes a file here: under its name only once all of it is on the disk.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::ProgressBar;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use tokio::signal::unix::{SignalKind, signal};

use super::{Question, Server, Trouble};
use crate::cli::Context;
use crate::clock::random_u128;
use crate::error::CliError;
use crate::output::Output;

/// Bytes that are read at once.
const PIECE_BYTES: usize = 256 * 1024;

/// A name must be free, and its folder there.
pub fn check_target(target: &Path) -> Result<(), CliError> {
    if target.symlink_metadata().is_ok() {
        let target = target.display();
        return Err(CliError::usage(format!("{target} is there already; choose another name, or remove it")));
    }
    let folder = folder_of(target);
    if !folder.is_dir() {
        return Err(CliError::usage(format!("there is no folder {}", folder.display())));
    }
    Ok(())
}

fn folder_of(target: &Path) -> &Path {
    target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

impl Server {
    /// Fetches a file. Ctrl-C leaves nothing behind.
    pub async fn download(&self, path: String, target: &Path, context: &Context) -> Result<(), CliError> {
        let mut interrupts = signal(SignalKind::interrupt())?;
        let stop = Arc::new(AtomicBool::new(false));
        let bar = context.out.bar(None, true);
        bar.set_prefix("fetch");
        let (server, target, shown, wish) = (self.clone(), target.to_owned(), bar.clone(), Arc::clone(&stop));
        let mut work = tokio::task::spawn_blocking(move || server.fetch(path, &target, &shown, &wish));
        let done = tokio::select! {
            done = &mut work => done,
            _ = interrupts.recv() => {
                stop.store(true, Ordering::Relaxed);
                work.await
            }
        };
        bar.finish_and_clear();
        done.map_err(|error| CliError::failed(format!("the file was given up: {error}")))?
    }

    fn fetch(&self, path: String, target: &Path, bar: &ProgressBar, stop: &AtomicBool) -> Result<(), CliError> {
        let part = part_of(target);
        let wrong =
            |error: std::io::Error| CliError::failed(format!("{} cannot be written: {error}", target.display()));
        let mut file = File::options().write(true).create_new(true).open(&part).map_err(wrong)?;
        let fetched = self.copy(path, &mut file, bar, stop).and_then(|()| {
            file.sync_all().map_err(wrong)?;
            renameat_with(CWD, &part, CWD, target, RenameFlags::NOREPLACE).map_err(|error| wrong(error.into()))?;
            // The name is as durable as the bytes.
            File::open(folder_of(target)).and_then(|folder| folder.sync_all()).map_err(wrong)
        });
        if fetched.is_err() {
            // It may have its name already, or the folder may have gone.
            std::fs::remove_file(&part).ok();
        }
        fetched
    }

    fn copy(&self, path: String, file: &mut File, bar: &ProgressBar, stop: &AtomicBool) -> Result<(), CliError> {
        let question = Question { method: ureq::http::Method::GET, path, body: None };
        let mut response = self.send_for_long(question)?;
        let status = response.status();
        if status.is_redirection() {
            return Err(self.redirected(&response).into());
        }
        if !status.is_success() {
            let body = response.body_mut().read_to_vec().unwrap_or_default();
            return Err(self.refused(status, &body).into());
        }
        let announced = response.body().content_length();
        if let Some(total) = announced {
            Output::set_total_bytes(bar, total);
        }
        let mut reader = response.body_mut().with_config().limit(u64::MAX).reader();
        let (mut piece, mut copied) = (vec![0; PIECE_BYTES], 0);
        loop {
            let count = reader.read(&mut piece).map_err(|error| self.broke_off(&error.to_string()))?;
            if count == 0 {
                break;
            }
            if stop.load(Ordering::Relaxed) {
                return Err(CliError::failed("stopped; nothing of the file is left"));
            }
            file.write_all(&piece[..count])?;
            copied += count as u64;
            bar.set_position(copied);
        }
        match announced {
            Some(total) if total != copied => Err(self.broke_off(&format!("{copied} of {total} bytes came")).into()),
            _ => Ok(()),
        }
    }

    fn broke_off(&self, why: &str) -> Trouble {
        Trouble::Passing(CliError::failed(format!(
            "{}: the file broke off: {why}; nothing of it is left",
            self.address()
        )))
    }
}

/// A name of its own beside the target.
fn part_of(target: &Path) -> PathBuf {
    let name = target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    target.with_file_name(format!(".{name}.{:032x}.part", random_u128()))
}
