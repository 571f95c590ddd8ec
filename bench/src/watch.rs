//! Memory of a command over time: that of its own process, and that of all below it together.

use std::collections::HashMap;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Longest that a watched command may take: an hour and a half, more than the whole of what is measured.
const WALL_MAX: Duration = Duration::from_secs(90 * 60);

/// One look.
#[derive(Debug, Clone, Copy, Default)]
pub struct Look {
    /// Resident memory of the process itself, in bytes.
    pub own_bytes: u64,
    /// Of everything below it, in bytes; memory that processes share counts for each.
    pub below_bytes: u64,
}

/// What was seen of a command.
#[derive(Debug)]
pub struct Watched {
    /// How it ended.
    pub code: i32,
    /// From start to end.
    pub wall: Duration,
    /// Every look, in order.
    pub looks: Vec<Look>,
}

/// Runs a command to its end and looks at its memory all the while.
///
/// # Errors
/// When it cannot be started, is ended by a signal, or takes too long.
pub fn watch(command: &mut Command) -> Result<Watched, String> {
    let begun = Instant::now();
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
    let mut child = child.map_err(|error| format!("{command:?}: {error}"))?;
    let mut looks = Vec::new();
    loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            let code = status.code().ok_or_else(|| format!("{command:?} ended with {status}"))?;
            return Ok(Watched { code, wall: begun.elapsed(), looks });
        }
        if begun.elapsed() > WALL_MAX {
            stop(&mut child)?;
            return Err(format!("{command:?} took longer than {} s", WALL_MAX.as_secs()));
        }
        looks.push(look(child.id()));
        std::thread::sleep(LOOK_EVERY);
    }
}

fn stop(child: &mut Child) -> Result<(), String> {
    child.kill().and_then(|()| child.wait()).map(|_| ()).map_err(|error| error.to_string())
}

/// Processes come and go while one looks: those that are gone count nothing.
fn look(root: u32) -> Look {
    let mut parents = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        if let Some(parent) = parent_of(pid) {
            parents.insert(pid, parent);
        }
    }
    let is_below = |pid: u32| {
        // No chain of parents is longer than there are processes.
        let chain = std::iter::successors(parents.get(&pid), |parent| parents.get(parent));
        chain.take(parents.len()).any(|parent| *parent == root)
    };
    let below = parents.keys().filter(|pid| is_below(**pid)).map(|pid| resident_bytes(*pid)).sum();
    Look { own_bytes: resident_bytes(root), below_bytes: below }
}

fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program is in parentheses and may hold anything; state and parent follow.
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

fn resident_bytes(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

impl Watched {
    /// The largest look of one part of the time, given in quarters from 0.
    pub fn peak(&self, quarters: std::ops::Range<usize>, of: impl Fn(&Look) -> u64) -> u64 {
        let len = self.looks.len();
        let part = &self.looks[quarters.start * len / 4..quarters.end * len / 4];
        part.iter().map(of).max().unwrap_or(0)
    }
}
