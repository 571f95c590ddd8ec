//! `exhibit compare`.

use std::sync::Arc;

use clap::Args;
use exhibit_archive::catalog::find_run;
use exhibit_archive::compare::{Comparison, RunSide, Verdict, compare as compare_runs};

use crate::cli::Context;
use crate::error::{CliError, Exit};
use crate::output::{bytes, number, table};
use crate::remote::part;

/// Two runs side by side: which was faster, which was more reliable, which facts differ.
#[derive(Args)]
pub struct CompareArgs {
    /// The first run: its id, any unambiguous prefix of it, or `latest`
    first: String,
    /// The second run
    second: String,
    /// List at most this many differing facts; all are counted
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(0..=10_000))]
    limit: u16,
}

pub async fn compare(args: CompareArgs, context: &Context) -> Result<Exit, CliError> {
    let found = match &context.server {
        Some(server) => {
            let path = format!("/v1/runs/{}/compare/{}", part(&args.first), part(&args.second));
            server.get(&path, &[("examples", &args.limit.to_string())]).await?
        }
        None => of_home(args, context).await?,
    };
    if context.out.json {
        context.out.document(&found)?;
    } else {
        print(&found, context)?;
    }
    Ok(Exit::Ok)
}

async fn of_home(args: CompareArgs, context: &Context) -> Result<Comparison, CliError> {
    let app = context.open()?;
    let kinds = Arc::clone(app.store.kinds());
    let limit = usize::from(args.limit);
    let names = [args.first, args.second];
    let found = app.store.read(move |read| {
        let runs = match (find_run(read, &names[0]), find_run(read, &names[1])) {
            (Ok(first), Ok(second)) => [first, second],
            (Err(error), _) | (_, Err(error)) => return Ok(Err(error)),
        };
        compare_runs(read, &kinds, &runs, limit).map(Ok)
    });
    Ok(found.await??)
}

fn print(found: &Comparison, context: &Context) -> Result<(), CliError> {
    let out = context.out;
    let mut rows = vec![vec![String::new(), "first".to_owned(), "second".to_owned()]];
    let mut row = |name: &str, cell: &dyn Fn(&RunSide) -> String| {
        rows.push(vec![name.to_owned(), cell(&found.runs[0]), cell(&found.runs[1])]);
    };
    row("run", &|side| side.run.to_string());
    row("pipeline", &|side| format!("{} v{}, {}", side.pipeline, side.pipeline_version, side.policy));
    row("assets", &|side| number(side.members));
    row("units", &|side| {
        let parts: Vec<String> =
            side.units.iter().map(|(state, count)| format!("{} {state}", number(*count))).collect();
        parts.join(", ")
    });
    row("wall time", &|side| sum(side, "wall_us", &|value| format!("{:.1} s", value as f64 / 1e6)));
    row("processor time", &|side| sum(side, "extractor_cpu_us", &|value| format!("{:.1} s", value as f64 / 1e6)));
    row("peak memory", &|side| sum(side, "extractor_rss_bytes_max", &|value| bytes(value as i64)));
    for step in &found.steps {
        let cell = |index: usize| match (step.mean_us[index], step.p50_us[index], step.p95_us[index]) {
            (Some(mean), Some(p50), Some(p95)) => {
                format!("{:.2} ms (half {:.2}, 95 % {:.2})", mean as f64 / 1e3, p50 as f64 / 1e3, p95 as f64 / 1e3)
            }
            _ => "not timed".to_owned(),
        };
        rows.push(vec![format!("unit of {}", step.step), cell(0), cell(1)]);
        for (name, values) in &step.params {
            rows.push(vec![format!("  {name}"), values[0].to_string(), values[1].to_string()]);
        }
    }
    for line in table(&rows) {
        out.line(&line)?;
    }
    out.line(&format!("faster: {}", say(found.faster.as_ref(), "no step was timed in both")))?;
    out.line(&format!("more reliable: {}", say(found.more_reliable.as_ref(), "nothing was tried in one of them")))?;
    let facts = &found.facts;
    out.line(&format!(
        "facts: {} the same, {} differ, {} only in the first, {} only in the second",
        number(facts.same as i64),
        number(facts.differing as i64),
        number(facts.only_first as i64),
        number(facts.only_second as i64)
    ))?;
    for example in &facts.examples {
        let side = |ids: &[String]| if ids.is_empty() { "-".to_owned() } else { ids.join(" ") };
        out.line(&format!(
            "  {} {}: {} | {}",
            example.asset_id,
            example.kind,
            side(&example.first),
            side(&example.second)
        ))?;
    }
    Ok(())
}

/// One number over all stretches of work: times are added up, memory is the largest.
fn sum(side: &RunSide, field: &str, show: &dyn Fn(u64) -> String) -> String {
    let hosts = side.benchmark.as_ref().and_then(|benchmark| benchmark["hosts"].as_array());
    let values = hosts.into_iter().flatten().filter_map(|host| host[field].as_u64());
    let total = if field.ends_with("_max") { values.max() } else { values.reduce(|sum, value| sum + value) };
    total.map_or_else(|| "not recorded".to_owned(), show)
}

fn say(verdict: Option<&Verdict>, unknown: &str) -> String {
    match verdict {
        None => format!("cannot be said, {unknown}"),
        Some(Verdict { run: None, because }) => format!("the same ({because})"),
        Some(Verdict { run: Some(run), because }) => format!("{run} ({because})"),
    }
}
