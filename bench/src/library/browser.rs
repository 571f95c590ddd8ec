//! The library in a browser: what a person waits for. `web/e2e/huge.spec.ts` looks, and says what was promised.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::Server;
use crate::report::{Line, Ratio};

/// How much of a failure is printed.
const REPORT_CHARS_MAX: usize = 4_000;

/// Measures with the chromium of this machine, which runs beside the server.
pub(super) fn measure(server: &Server, folder: &Path) -> Result<Vec<Line>, String> {
    let figures = folder.join("browser.json");
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/web"));
    command.args(["e2e", "e2e/huge.spec.ts"]).stdin(Stdio::null());
    command.env("JOURNEY_URL", format!("http://{}", server.host)).env("JOURNEY_TOKEN", &server.token);
    // Nothing is asserted: what is missed stands in the table.
    command.env("JOURNEY_FIGURES", &figures).env("JOURNEY_SLACK", "0");
    let output = command.output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        let cut = said.char_indices().rev().nth(REPORT_CHARS_MAX).map_or(0, |(at, _)| at);
        return Err(format!("the browser could not be measured:\n{}", &said[cut..]));
    }
    let text = fs::read(&figures).map_err(|error| error.to_string())?;
    let figures: Vec<Value> = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    figures.iter().map(line).collect()
}

fn line(figure: &Value) -> Result<Line, String> {
    let of = |name: &str| figure[name].as_f64().ok_or_else(|| format!("a figure without {name}: {figure}"));
    let word = |name: &str| figure[name].as_str().map(str::to_owned).ok_or_else(|| format!("a figure without {name}"));
    let (value, unit) = (of("value")?, word("unit")?);
    let ours = if value < 10.0 { format!("{value:.2} {unit}") } else { format!("{value:.0} {unit}") };
    Ok(Line { work: word("work")?, ours, peer: "a limit".to_owned(), ratio: Ratio::at_most(value, of("goal")?) })
}
