//! The table of results.

/// A measured ratio and its goal.
#[derive(Debug, Clone, Copy)]
pub struct Ratio {
    value: f64,
    goal: f64,
    at_least: bool,
}

impl Ratio {
    /// More is better.
    pub fn at_least(value: f64, goal: f64) -> Self {
        Self { value, goal, at_least: true }
    }

    /// Less is better.
    pub fn at_most(value: f64, goal: f64) -> Self {
        Self { value, goal, at_least: false }
    }

    /// The figure.
    pub fn value(self) -> f64 {
        self.value
    }

    /// Whether the goal is reached.
    pub fn is_met(self) -> bool {
        if self.at_least { self.value >= self.goal } else { self.value <= self.goal }
    }
}

/// One row of the table.
#[derive(Debug, Clone)]
pub struct Line {
    /// What was done.
    pub work: String,
    /// Our figure.
    pub ours: String,
    /// The figure of what it is compared with.
    pub peer: String,
    /// Ours over theirs, or a figure of its own.
    pub ratio: Ratio,
}

/// A bar would end the cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// The rows as a Markdown table.
pub fn markdown(lines: &[Line]) -> String {
    let mut text = String::from("| work | Exhibit | against | ratio | goal | |\n|---|---|---|---|---|---|\n");
    for line in lines {
        let Ratio { value, goal, at_least } = line.ratio;
        let sign = if at_least { ">=" } else { "<=" };
        let verdict = if line.ratio.is_met() { "met" } else { "missed" };
        text.push_str(&format!(
            "| {} | {} | {} | {value:.2} | {sign} {goal} | {verdict} |\n",
            cell(&line.work),
            cell(&line.ours),
            cell(&line.peer)
        ));
    }
    text
}
