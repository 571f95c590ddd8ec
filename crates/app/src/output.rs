//! What people see: data on standard output, everything else on standard error; progress on a terminal, quiet in a pipe.

use std::fmt;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use exhibit_agents::control::words::printable_within;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use serde::Serialize;

use crate::error::CliError;

/// How a command talks.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// One JSON document on standard output instead of text.
    pub json: bool,
    /// No progress, no notes.
    pub quiet: bool,
}

impl Output {
    /// Prints a line of data: one, whatever names of others stand in it. A reader that went away is no error of ours.
    pub fn line(&self, text: &str) -> Result<(), CliError> {
        Self::print(&one_line(text))
    }

    /// Prints a document as JSON on one line.
    pub fn document<T: Serialize>(&self, value: &T) -> Result<(), CliError> {
        Self::print(&serde_json::to_string(value)?)
    }

    /// Prints a text as it is: a document of JSON, or a signed note, whose bytes another program checks.
    pub fn verbatim(&self, text: &str) -> Result<(), CliError> {
        Self::print(text)
    }

    fn print(text: &str) -> Result<(), CliError> {
        match writeln!(io::stdout().lock(), "{text}") {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => Ok(other?),
        }
    }

    /// A note for people, on standard error, when one looks.
    pub fn note(&self, text: &str) {
        if !self.quiet && !self.json && io::stderr().is_terminal() {
            eprintln!("{}", one_line(text));
        }
    }

    /// A warning, on standard error, whether or not someone looks: a log should hold it too.
    pub fn warn(&self, text: &str) {
        eprintln!("warning: {}", one_line(text));
    }

    /// True when progress is shown.
    pub fn shows_progress(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// A bar with rate and time left, in things or in bytes. Hidden where nobody looks.
    pub fn bar(&self, total: Option<u64>, bytes: bool) -> ProgressBar {
        let target =
            if self.shows_progress() { ProgressDrawTarget::stderr_with_hz(8) } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(total, target);
        bar.set_style(style(total.is_some(), bytes));
        if self.shows_progress() {
            bar.enable_steady_tick(Duration::from_millis(250));
        }
        bar
    }

    /// Gives a bar of bytes its end, once that is known: from then on it shows the time left.
    pub fn set_total_bytes(bar: &ProgressBar, total: u64) {
        if bar.length() != Some(total) {
            bar.set_length(total);
            bar.set_style(style(true, true));
        }
    }
}

fn style(has_total: bool, bytes: bool) -> ProgressStyle {
    let template = match (has_total, bytes) {
        (true, false) => "{prefix} {bar:30} {human_pos} of {human_len} · {rate} · {eta} left {msg}",
        (true, true) => "{prefix} {bar:30} {bytes} of {total_bytes} · {bytes_per_sec} · {eta} left {msg}",
        (false, true) => "{prefix} {spinner} {bytes} · {bytes_per_sec} · {elapsed} {msg}",
        (false, false) => "{prefix} {spinner} {human_pos} · {rate} · {elapsed} {msg}",
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let rate = |state: &ProgressState, out: &mut dyn fmt::Write| {
        // A terminal that went away is no error of ours.
        fmt::Write::write_fmt(out, format_args!("{:.0}/s", state.per_sec())).ok();
    };
    style.progress_chars("█▉▊▋▌▍▎▏ ").with_key("rate", rate)
}

/// Bytes with one unit: `3.2 MiB`.
pub fn bytes(count: i64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{count} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// A number with separators: `3,214`.
pub fn number(count: i64) -> String {
    let digits = count.unsigned_abs().to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if count < 0 { format!("-{text}") } else { text }
}

/// Text of anybody in one line: control characters, and the marks with which Unicode breaks lines or turns the direction of writing, are
/// written as `\u{..}`. An id with an escape sequence or a line break steers no terminal and forges no row.
pub fn one_line(text: &str) -> String {
    printable_within(text, usize::MAX)
}

/// Lines of cells as columns, each as wide as its widest cell.
pub fn table(rows: &[Vec<String>]) -> Vec<String> {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| one_line(cell)).collect()).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell}{}", " ".repeat(width.saturating_sub(cell.chars().count()))));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_others_forge_no_row_and_steer_no_terminal() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let lines = table(&[row(["s1\n2026  success", "a"]), row(["\u{1b}[2Jid", "\u{202e}b"])]);
        assert_eq!(lines, [r"s1\u{a}2026  success  a", r"\u{1b}[2Jid           \u{202e}b"]);
    }
}
