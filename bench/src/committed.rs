//! The ratios to raw loops as they were committed: a full run fails when one of them has dropped by a fifth.

use crate::report::Line;

/// What is committed: `measurement | ratio | work` in each line.
const COMMITTED: &str = include_str!("../raw-ratios.txt");

/// What is left of a ratio that has dropped by a fifth. Less than that moves with the machine.
const KEPT: f64 = 0.8;

/// A committed ratio.
struct Committed<'a> {
    ratio: f64,
    work: &'a str,
}

fn read<'a>(text: &'a str, measurement: &'a str) -> impl Iterator<Item = Result<Committed<'a>, String>> + 'a {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let parts = lines.map(|line| (line, line.splitn(3, '|').map(str::trim).collect::<Vec<_>>()));
    parts.filter(move |(_, parts)| parts.first() == Some(&measurement)).map(|(line, parts)| {
        let unreadable = || format!("no committed ratio: {line}");
        let [_, ratio, work] = parts[..] else { return Err(unreadable()) };
        Ok(Committed { ratio: ratio.parse().map_err(|_| unreadable())?, work })
    })
}

/// What a measurement has lost against what is committed, in words; a work that is not measured any more is lost, too.
pub fn lost(measurement: &str, lines: &[Line]) -> Vec<String> {
    lost_of(COMMITTED, measurement, lines)
}

fn lost_of(text: &str, measurement: &str, lines: &[Line]) -> Vec<String> {
    let told = read(text, measurement).filter_map(|committed| {
        let Committed { ratio, work } = match committed {
            Ok(committed) => committed,
            Err(problem) => return Some(problem),
        };
        match lines.iter().find(|line| line.work == work) {
            None => Some(format!("{work}: nothing was measured, {ratio} is committed")),
            Some(line) if line.ratio.value() < ratio * KEPT => {
                Some(format!("{work}: {:.2} beside a raw loop, {ratio} is committed", line.ratio.value()))
            }
            Some(_) => None,
        }
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Ratio;

    fn line(work: &str, ratio: f64) -> Line {
        let text = String::new();
        Line { work: work.to_owned(), ours: text.clone(), peer: text, ratio: Ratio::at_least(ratio, 0.0) }
    }

    #[test]
    fn a_fifth_is_lost_and_less_is_not() {
        let text = "# a comment\na | 0.50 | one work\na | 0.50 | another\nb | 0.50 | of others\n";
        let lines = [line("one work", 0.41), line("another", 0.39)];
        assert_eq!(lost_of(text, "a", &lines), ["another: 0.39 beside a raw loop, 0.5 is committed"]);
        assert_eq!(lost_of(text, "b", &lines), ["of others: nothing was measured, 0.5 is committed"]);
        assert_eq!(lost_of("a | x | one work", "a", &lines), ["no committed ratio: a | x | one work"]);
        assert!(lost_of(text, "c", &lines).is_empty());
    }

    #[test]
    fn what_is_committed_can_be_read() {
        for measurement in crate::NAMES {
            assert!(read(COMMITTED, measurement).all(|committed| committed.is_ok()), "{measurement}");
        }
        assert!(read(COMMITTED, "append").count() > 0);
    }
}
