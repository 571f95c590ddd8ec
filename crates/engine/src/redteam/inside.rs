//! The attacker's side: what runs in the extractor process.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};

use serde::{Deserialize, Serialize};

use super::attack::Targets;
use super::attacks::by_name;
use crate::supervisor::ChildContext;

/// The extractor that attacks. It is in no list of extractors and no pipeline can name it.
pub const EXTRACTOR: &str = "exhibit.redteam";

/// Largest order in bytes: some dozen paths.
const ORDER_BYTES_MAX: u64 = 1024 * 1024;

/// What the process is told to do.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) enum Order {
    /// Wait for the end of stdin.
    Stay,
    /// Make this attack.
    Attack {
        /// Its name.
        name: String,
        /// What it goes for.
        targets: Box<Targets>,
    },
}

/// What became of the attack, as the attacker says it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) enum Answer {
    /// It worked.
    Succeeded,
    /// The kernel refused.
    Refused {
        /// With this error.
        errno: i32,
    },
    /// It could not be tried.
    NotTried {
        /// Why.
        why: String,
    },
}

/// Follows one order and returns the exit code. What the supervisor runs when it is asked for [`EXTRACTOR`].
pub fn inside(context: &ChildContext) -> i32 {
    match follow(context) {
        Ok(()) => 0,
        Err(error) => {
            // Standard error is the log of this process; if it is gone there is nobody to tell.
            writeln!(io::stderr(), "{EXTRACTOR}: {error}").ok();
            1
        }
    }
}

fn follow(context: &ChildContext) -> io::Result<()> {
    let mut input = BufReader::new(io::stdin());
    let mut line = Vec::new();
    (&mut input).take(ORDER_BYTES_MAX).read_until(b'\n', &mut line)?;
    let Order::Attack { name, targets } = serde_json::from_slice(&line)? else {
        return io::copy(&mut input, &mut io::sink()).map(drop);
    };
    let attack = by_name(&name).ok_or_else(|| io::Error::other(format!("there is no attack {name}")))?;
    let answer = match (attack.run)(&targets, context) {
        Ok(()) => Answer::Succeeded,
        Err(error) => error
            .raw_os_error()
            .map_or_else(|| Answer::NotTried { why: error.to_string() }, |errno| Answer::Refused { errno }),
    };
    let mut line = serde_json::to_vec(&answer)?;
    line.push(b'\n');
    let mut output = io::stdout();
    output.write_all(&line)?;
    output.flush()
}
