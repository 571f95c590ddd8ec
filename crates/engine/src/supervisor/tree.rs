//! The processes below the supervisor: their memory, their files, and ending them.

use std::io;
use std::path::Path;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, getpgrp, getpid, kill_process, kill_process_group, wait};

/// Most processes of one tree that are looked at: far more than any extractor starts.
const PROCESSES_MAX: usize = 4096;
/// Folders within folders in scratch: tools make two or three, and their removal needs a descriptor for each.
const FOLDERS_DEEP_MAX: usize = 64;
/// Rounds of ending what is left. Each ends all that are there, so more than a few mean a process that starts others without end.
const ROUNDS_MAX: usize = 256;

/// Resident memory of this process and all below it together, in bytes. Pages shared between them count for each.
pub(super) fn resident_bytes() -> io::Result<u64> {
    let mut pending = children_of(getpid())?;
    let mut total_kib = resident_kib(getpid()).unwrap_or(0);
    let mut seen = 0_usize;
    while let Some(pid) = pending.pop() {
        seen += 1;
        if seen > PROCESSES_MAX {
            return Ok(u64::MAX);
        }
        // A process that ended meanwhile uses no memory and has no children.
        total_kib += resident_kib(pid).unwrap_or(0);
        pending.extend(children_of(pid).unwrap_or_default());
    }
    Ok(total_kib.saturating_mul(1024))
}

/// Whether a folder and those below it hold more than `entries_max` entries, or more than can be told: folders that cannot be listed, or
/// lie deeper than [`FOLDERS_DEEP_MAX`].
pub(super) fn holds_more_than(folder: &Path, entries_max: usize) -> bool {
    let mut folders = vec![(folder.to_owned(), 0_usize)];
    let mut seen = 0_usize;
    while let Some((folder, depth)) = folders.pop() {
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            // Removed since it was seen.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(_) => return true,
        };
        for entry in entries.flatten() {
            seen += 1;
            if seen > entries_max || depth > FOLDERS_DEEP_MAX {
                return true;
            }
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push((entry.path(), depth + 1));
            }
        }
    }
    false
}

/// Ends all processes below this one and reaps them; orphans come here, as this process is their reaper. Returns when none is left.
///
/// Where the kernel does not list children, or new ones come without end, it ends its whole group, itself included.
pub(super) fn end_all_below() {
    for _ in 0..ROUNDS_MAX {
        if matches!(wait(WaitOptions::NOHANG), Err(Errno::CHILD)) {
            return;
        }
        let Ok(children) = children_of(getpid()) else { break };
        let mut ended = 0_usize;
        for child in children {
            if kill_process(child, Signal::KILL).is_ok() {
                ended += 1;
            }
        }
        // Waiting is safe only for what was ended; an orphan that just arrived is ended in the next round.
        for _ in 0..ended {
            if matches!(wait(WaitOptions::empty()), Err(Errno::CHILD)) {
                return;
            }
        }
    }
    end_whole_group();
}

/// Ends every process of the group at once, this one included. Nothing can be forked past it: the kernel sends the signal to all of a
/// group under the lock that a fork needs.
pub(super) fn end_whole_group() -> ! {
    loop {
        // Cannot fail for one's own group, and there is nobody left to tell.
        if kill_process_group(getpgrp(), Signal::KILL).is_err() {
            std::process::abort();
        }
    }
}

/// Children of all threads of a process, as the kernel lists them (`CONFIG_PROC_CHILDREN`).
fn children_of(pid: Pid) -> io::Result<Vec<Pid>> {
    let mut children = Vec::new();
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))?.take(PROCESSES_MAX) {
        let list = std::fs::read_to_string(task?.path().join("children"))?;
        children.extend(list.split_ascii_whitespace().filter_map(|number| Pid::from_raw(number.parse().ok()?)));
    }
    Ok(children)
}

fn resident_kib(pid: Pid) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().strip_suffix("kB")?.trim().parse().ok()
}
