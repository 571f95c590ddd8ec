//! A test of this binary, run again in a process of its own. Parameters go through the command line, where the test harness takes
//! them for one more filter that fits nothing; without them such a test has nothing to do and passes.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value as Json;

/// Marks the argument that holds the parameters.
const MARK: &str = "parameters-of-a-child:";

/// The parameters of this process, when it is a child.
pub fn parameters() -> Option<Json> {
    let text = std::env::args().find_map(|argument| argument.strip_prefix(MARK).map(str::to_owned))?;
    Some(serde_json::from_str(&text).expect("the parent writes JSON"))
}

/// Tells the parent something, on a line of its own.
pub fn tell(word: &str, what: impl std::fmt::Display) {
    println!("\n{word} {what}");
}

/// A running child.
pub struct TestChild {
    /// The process.
    pub process: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

/// The command that runs the test `name` (with its modules) with parameters. `before` is what it is wrapped in.
fn command(before: &[&str], name: &str, parameters: &Json) -> Command {
    let program = std::env::current_exe().expect("the test binary");
    let mut command = match before.split_first() {
        Some((first, rest)) => {
            let mut command = Command::new(first);
            command.args(rest).arg(program);
            command
        }
        None => Command::new(program),
    };
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]).arg(format!("{MARK}{parameters}"));
    command
}

impl TestChild {
    /// Starts a test in a process of its own.
    pub fn start(name: &str, parameters: &Json) -> Self {
        Self::start_in(&[], name, parameters)
    }

    /// Starts a test in a process of its own, inside of another program.
    pub fn start_in(before: &[&str], name: &str, parameters: &Json) -> Self {
        let mut process = command(before, name, parameters)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the test binary starts again");
        let lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        Self { process, lines }
    }

    /// The next thing that the child says under `word`; `None` when it has ended.
    pub fn hear(&mut self, word: &str) -> Option<String> {
        loop {
            let line = self.lines.next()?.expect("lines of text");
            if let Some(said) = line.strip_prefix(word).and_then(|rest| rest.strip_prefix(' ')) {
                return Some(said.to_owned());
            }
        }
    }

    /// Everything that the child still says under `word`, and whether it ended well.
    pub fn hear_all(mut self, word: &str) -> (Vec<String>, bool) {
        let said = std::iter::from_fn(|| self.hear(word)).collect();
        (said, self.process.wait().expect("the child is ours").success())
    }

    /// Kills the child with signal 9 and returns what it had said under `word` before.
    pub fn kill(mut self, word: &str) -> Vec<String> {
        self.process.kill().expect("the child is ours");
        let said = std::iter::from_fn(|| self.hear(word)).collect();
        self.process.wait().expect("the child is ours");
        said
    }
}
