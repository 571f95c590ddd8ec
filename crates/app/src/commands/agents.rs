//! `exhibit agents`.

mod alerts;
mod calls;
mod control;
mod import;
mod keep;
mod prices;
mod show;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use clap::{Args, Subcommand};
use exhibit_agents::collect::report::{CollectorStatus, Report, collectors};
use exhibit_agents::collect::runner::{Runner, collect_once};
use exhibit_agents::contract::Options;
use exhibit_agents::http::analytics::{
    AskedPerformance, AskedUsage, Models, PerformanceQuery, Totals, Usage, UsageQuery,
};
use exhibit_agents::http::ledger::{Asked, Ledger, ListQuery};
use exhibit_agents::ingest::{Line, ingest_lines};
use exhibit_agents::service::{evaluate_after, prepare};
use serde::Deserialize;
use serde_json::json;

use crate::cli::Context;
use crate::config;
use crate::error::{CliError, Exit};
use crate::output::{Output, table};
use crate::remote::Server;

/// What AI agents did and what it cost.
#[derive(Args)]
pub struct AgentsArgs {
    #[command(subcommand)]
    command: AgentsCommand,
}

#[derive(Subcommand)]
enum AgentsCommand {
    /// Take documents of the contract in: one JSON document, or one a line
    Ingest(IngestArgs),
    /// Read the session files of Claude Code, Codex and OpenClaw, and go on as they grow; with --json, one document for each reading
    Tail(TailArgs),
    /// What each collector has read so far
    Collectors,
    /// Sessions: list or show them
    Sessions(SessionsArgs),
    /// What sessions used and cost, by day and as wanted
    Usage(UsageArgs),
    /// How the sessions of each model ended, how long they took and what they cost
    Models(ModelsArgs),
    /// Calls to models, the newest first
    Calls(calls::CallsArgs),
    /// Alerts: what fires, the rules, what happened; evaluate, acknowledge and silence
    Alerts(alerts::AlertsArgs),
    /// Lists of prices, and costs that are reckoned anew
    Prices(prices::PricesArgs),
    /// The sums by hour and day: check them, count them anew
    Aggregates(prices::AggregatesArgs),
    /// Files of V3 and V4.1: take one over, what became of each row, whether one changed since
    Import(import::ImportArgs),
    /// Write sessions as documents of the contract, one a line, newest first; `ingest` takes them in elsewhere
    Export(Box<SessionFilter>),
    /// Let go what is older than the configuration keeps
    Retention(keep::RetentionArgs),
    /// End a session; done when its end was read back
    Kill(control::KillArgs),
    /// Start a session of an agent; done when it was seen to begin
    Spawn(control::SpawnArgs),
    /// Set the model of a session, of an agent, or of later sessions
    Model(control::ModelArgs),
    /// Which agents run, rest, failed or are done
    Status,
    /// The last lines of the log of the gateway
    Logs,
    /// What was ordered, by whom, and what became of it, newest first
    Audit(control::AuditArgs),
    /// A gateway for drills: it answers as a real one and runs nothing
    FakeGateway(control::FakeGatewayArgs),
}

impl AgentsArgs {
    /// Why it works on this machine alone, when it does.
    pub fn stays_here(&self) -> Option<(&'static str, &'static str)> {
        match self.command {
            AgentsCommand::Tail(_) => Some(("agents tail", "it reads files of this machine; a server reads its own")),
            AgentsCommand::FakeGateway(_) => Some(("agents fake-gateway", "it listens on this machine")),
            AgentsCommand::Export(_) => Some(("agents export", "sessions are written out beside their database")),
            AgentsCommand::Retention(_) => {
                Some(("agents retention", "what is too old goes beside its database; a server does it by itself"))
            }
            _ => None,
        }
    }
}

#[derive(Args)]
struct IngestArgs {
    /// The file, or - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Args)]
struct TailArgs {
    /// Read what is there, and end
    #[arg(long)]
    once: bool,
}

#[derive(Args)]
struct SessionsArgs {
    #[command(subcommand)]
    command: SessionsCommand,
}

#[derive(Subcommand)]
enum SessionsCommand {
    /// List sessions, newest first
    List(Box<ListArgs>),
    /// Show one session with its usage, calls and events
    Show(show::ShowArgs),
}

/// Which sessions are listed, or written out.
#[derive(Args)]
struct SessionFilter {
    /// Of this agent
    #[arg(long)]
    agent: Option<String>,
    /// In this state: queued, running, success, failed, killed or cancelled
    #[arg(long)]
    status: Option<String>,
    /// With this model
    #[arg(long)]
    model: Option<String>,
    /// Of this category
    #[arg(long)]
    task: Option<String>,
    /// Begun then or later: a day, or a time
    #[arg(long)]
    from: Option<String>,
    /// Begun then or earlier: a day, or a time, all of it included
    #[arg(long)]
    to: Option<String>,
    /// Time zone of days and of times without an offset [default: UTC]
    #[arg(long)]
    tz: Option<String>,
    /// Words that begin words of id, title or task
    #[arg(long)]
    query: Option<String>,
}

impl SessionFilter {
    fn query(self) -> ListQuery {
        let Self { agent, status, model, task, from, to, tz, query } = self;
        ListQuery { agent, status, model, task, from, to, tz, q: query, ..ListQuery::default() }
    }
}

#[derive(Args)]
struct ListArgs {
    #[command(flatten)]
    filter: SessionFilter,
    /// In which order
    #[arg(long, value_parser = ["newest", "runtime", "cost"], default_value = "newest")]
    sort: String,
    /// At most this many
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,
}

/// Which sessions.
#[derive(Args)]
struct SpanArgs {
    /// Begun then or later: a day, or a time
    #[arg(long)]
    from: Option<String>,
    /// Begun then or earlier: a day, or a time, all of it included
    #[arg(long)]
    to: Option<String>,
    /// Of this agent
    #[arg(long)]
    agent: Option<String>,
    /// With this model
    #[arg(long)]
    model: Option<String>,
    /// Of this category
    #[arg(long)]
    task: Option<String>,
    /// Time zone of days and of times without an offset [default: UTC]
    #[arg(long)]
    tz: Option<String>,
}

#[derive(Args)]
struct UsageArgs {
    #[command(flatten)]
    span: SpanArgs,
    /// What a line stands for
    #[arg(long, value_parser = ["day", "week", "month", "agent", "model", "task", "provider"], default_value = "day")]
    by: String,
    /// Book calls at their own time in place of sessions at their start
    #[arg(long)]
    spend: bool,
}

#[derive(Args)]
struct ModelsArgs {
    #[command(flatten)]
    span: SpanArgs,
    /// Warn where a model has fewer sessions
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    min_sample: u32,
}

pub async fn agents(args: AgentsArgs, context: &Context) -> Result<Exit, CliError> {
    match args.command {
        AgentsCommand::Ingest(args) => ingest(&args.file, context).await,
        AgentsCommand::Calls(args) => calls::calls(args, context).await,
        AgentsCommand::Alerts(args) => alerts::alerts(args, context).await,
        AgentsCommand::Prices(args) => prices::prices(args, context).await,
        AgentsCommand::Aggregates(args) => prices::aggregates(args, context).await,
        AgentsCommand::Import(args) => import::import(args, context).await,
        AgentsCommand::Export(args) => keep::export(*args, context).await,
        AgentsCommand::Retention(args) => keep::retention(args, context).await,
        AgentsCommand::Tail(args) => tail(args, context).await,
        AgentsCommand::Collectors => list_collectors(context).await,
        AgentsCommand::Usage(args) => usage(args, context).await,
        AgentsCommand::Models(args) => models(args, context).await,
        AgentsCommand::Sessions(args) => match args.command {
            SessionsCommand::List(args) => list(*args, context).await,
            SessionsCommand::Show(args) => show::show(args, context).await,
        },
        AgentsCommand::Kill(args) => control::kill(args, context).await,
        AgentsCommand::Spawn(args) => control::spawn(args, context).await,
        AgentsCommand::Model(args) => control::model(args, context).await,
        AgentsCommand::Status => control::status(context).await,
        AgentsCommand::Logs => control::logs(context).await,
        AgentsCommand::Audit(args) => control::audit(args, context).await,
        AgentsCommand::FakeGateway(args) => control::fake_gateway(args, context).await,
    }
}

/// Largest file in bytes that is taken in at once: a day of a busy installation; larger ones are cut by whoever has them.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Bytes of documents that one request to a server holds, unless a single document is larger.
const REQUEST_BYTES: usize = 4 * 1024 * 1024;

fn read(file: &Path) -> Result<Vec<u8>, CliError> {
    let wrong = |error: std::io::Error| CliError::usage(format!("{} cannot be read: {error}", file.display()));
    let mut bytes = Vec::new();
    let input: Box<dyn std::io::Read> = match file.as_os_str() == "-" {
        true => Box::new(std::io::stdin().lock()),
        false => Box::new(std::fs::File::open(file).map_err(wrong)?),
    };
    input.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(wrong)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(CliError::usage(format!("{} is larger than {} MiB", file.display(), FILE_BYTES_MAX >> 20)));
    }
    Ok(bytes)
}

/// A document may be written over many lines; then it stands alone in its file, and becomes one line.
fn as_lines(bytes: Vec<u8>) -> Vec<u8> {
    match serde_json::from_slice::<serde::de::IgnoredAny>(&bytes) {
        // Only white space between tokens holds line breaks: within texts they are escaped.
        Ok(_) => bytes.into_iter().map(|byte| if byte == b'\n' || byte == b'\r' { b' ' } else { byte }).collect(),
        Err(_) => bytes,
    }
}

async fn ingest(file: &Path, context: &Context) -> Result<Exit, CliError> {
    let bytes = as_lines(read(file)?);
    let lines = match &context.server {
        Some(_) => ingest_remotely(&bytes, context).await?,
        None => {
            let app = context.open()?;
            prepare(&app.store).await?;
            let options = Options { allow_bare: app.config.agents.contract.allow_bare };
            let lines = ingest_lines(&app.store, &bytes, options, |_, _| {}, |_| {}).await?;
            if lines.iter().any(|line| line.status == 200) {
                evaluate_after(&app.store).await?;
            }
            lines
        }
    };
    let refused = lines.iter().filter(|line| line.status != 200).count();
    if context.out.json {
        context.out.document(&json!({ "results": lines }))?;
    } else {
        for line in &lines {
            tell(line, context)?;
        }
    }
    Ok(match (lines.len(), refused) {
        (0, _) => return Err(CliError::usage(format!("{} holds no document", file.display()))),
        (_, 0) => Exit::Ok,
        (all, refused) if all == refused => Exit::Failed,
        _ => Exit::Partial,
    })
}

fn tell(line: &Line, context: &Context) -> Result<(), CliError> {
    let Line { index, status, body } = line;
    if *status != 200 {
        context.out.warn(&format!("document {} was refused ({status}): {body}", index + 1));
        return Ok(());
    }
    let how = match (body["stale"].as_bool(), body["idempotent_replay"].as_bool()) {
        (Some(true), _) => "  (too late to change anything)",
        (_, Some(true)) => "  (known)",
        _ => "",
    };
    let id = body["sessionId"].as_str().unwrap_or_default();
    context.out.line(&format!("{id}  revision {}{how}", body["revision"]))
}

async fn ingest_remotely(bytes: &[u8], context: &Context) -> Result<Vec<Line>, CliError> {
    #[derive(Deserialize)]
    struct Batch {
        results: Vec<Line>,
    }
    let Some(server) = &context.server else { return Ok(Vec::new()) };
    let mut lines: Vec<Line> = Vec::new();
    let mut part: Vec<u8> = Vec::new();
    let mut rest = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).peekable();
    while let Some(line) = rest.next() {
        part.extend_from_slice(line);
        part.push(b'\n');
        if rest.peek().is_some_and(|next| part.len() + next.len() < REQUEST_BYTES) {
            continue;
        }
        let batch: Batch = server.post_lines("/v1/agents/ingest/batch", std::mem::take(&mut part)).await?;
        let first = lines.len();
        lines.extend(batch.results.into_iter().map(|line| Line { index: first + line.index, ..line }));
    }
    Ok(lines)
}

async fn list(args: ListArgs, context: &Context) -> Result<Exit, CliError> {
    let limit = args.limit.to_string();
    let query = ListQuery {
        sort: Some(args.sort),
        page_size: Some(limit),
        include: Some("usage".to_owned()),
        ..args.filter.query()
    };
    let found: Ledger = match &context.server {
        Some(server) => {
            let named = query.named();
            let pairs: Vec<(&str, &str)> = named.iter().map(|(name, value)| (*name, value.as_str())).collect();
            server.get("/api/v3/ledger", &pairs).await?
        }
        None => {
            let asked = Asked::of(query).map_err(|error| CliError::usage(error.detail()))?;
            context.open()?.store.read(move |read| asked.answer(read)).await?
        }
    };
    if context.out.json {
        context.out.document(&found)?;
        return Ok(Exit::Ok);
    }
    let rows: Vec<Vec<String>> = found
        .rows
        .iter()
        .map(|entry| {
            let usage = entry.usage.as_ref();
            let tokens = usage.and_then(|usage| usage.total_tokens).map_or_else(|| "-".to_owned(), |n| n.to_string());
            let cost = usage.and_then(|usage| usage.cost_usd).map_or_else(|| "unpriced".to_owned(), money);
            vec![
                entry.started_at.clone(),
                entry.status.clone(),
                entry.agent_id.clone(),
                entry.model_id.clone(),
                tokens,
                cost,
                entry.session_id.clone(),
            ]
        })
        .collect();
    for line in table(&rows) {
        context.out.line(&line)?;
    }
    context.out.note(&format!("{} of {} sessions", found.rows.len(), found.total));
    Ok(Exit::Ok)
}

fn money(usd: f64) -> String {
    format!("${usd:.6}")
}

/// A sum of costs, and what of it is not known: nobody's cost is no cost of 0.
fn sum_of_costs(usd: f64, runs: i64, unpriced: i64) -> String {
    match unpriced {
        0 => money(usd),
        _ if unpriced >= runs => "unpriced".to_owned(),
        _ => format!("{} + {unpriced} unpriced", money(usd)),
    }
}

/// A median, or the word for it where not one number is known.
fn known(counts: &BTreeMap<String, i64>, median: String, none: &str) -> String {
    if counts.contains_key("known") { median } else { none.to_owned() }
}

/// Asks a server, with the parameters that are given.
async fn asked<T: serde::de::DeserializeOwned>(
    server: &Server,
    path: &str,
    named: &[(&str, Option<String>)],
) -> Result<T, CliError> {
    let pairs: Vec<(&str, &str)> = named.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
    Ok(server.get(path, &pairs).await?)
}

async fn usage(args: UsageArgs, context: &Context) -> Result<Exit, CliError> {
    let UsageArgs { span, by, spend } = args;
    let basis = spend.then(|| "spend".to_owned());
    let found: Usage = match &context.server {
        Some(server) => {
            let SpanArgs { from, to, agent, model, task, tz } = span;
            let named = [
                ("from", from),
                ("to", to),
                ("agent", agent),
                ("model", model),
                ("task", task),
                ("tz", tz),
                ("groupBy", Some(by)),
                ("basis", basis),
            ];
            asked(server, "/api/v3/analytics/usage", &named).await?
        }
        None => {
            let SpanArgs { from, to, agent, model, task, tz } = span;
            let query = UsageQuery { from, to, agent, model, task, tz, group_by: Some(by), basis };
            let asked = AskedUsage::of(query).map_err(|error| CliError::usage(error.detail()))?;
            context.open()?.store.read(move |read| asked.answer(read)).await?
        }
    };
    if context.out.json {
        context.out.document(&found)?;
        return Ok(Exit::Ok);
    }
    let head = ["", "runs", "tokens", "runtime", "cost"].map(str::to_owned).to_vec();
    let line = |name: &str, (runs, unpriced): (i64, i64), tokens: i64, runtime_ms: i64, cost: f64| {
        let runtime = format!("{} s", runtime_ms / 1_000);
        vec![name.to_owned(), runs.to_string(), tokens.to_string(), runtime, sum_of_costs(cost, runs, unpriced)]
    };
    let mut rows = vec![head];
    match &found.groups {
        Some(groups) => rows.extend(groups.iter().map(|group| {
            let name = group.key.as_deref().unwrap_or("(none)");
            line(name, (group.runs, group.unpriced_runs), group.tokens, group.runtime_ms, group.cost_usd)
        })),
        None => rows.extend(
            found
                .series
                .iter()
                .map(|day| line(&day.date, (day.runs, day.unpriced_runs), day.tokens, day.runtime_ms, day.cost_usd)),
        ),
    }
    let Totals { runs, tokens, runtime_ms, cost_usd } = found.totals;
    rows.push(line("all", (runs, found.coverage.unpriced_runs), tokens, runtime_ms, cost_usd));
    for line in table(&rows) {
        context.out.line(&line)?;
    }
    if found.coverage.unpriced_runs > 0 {
        // Data, not a note: a sum without it would be read as the whole.
        context.out.line(&format!("{} of {runs} have no cost", found.coverage.unpriced_runs))?;
    }
    Ok(Exit::Ok)
}

async fn models(args: ModelsArgs, context: &Context) -> Result<Exit, CliError> {
    let ModelsArgs { span: SpanArgs { from, to, agent, model, task, tz }, min_sample } = args;
    let min_sample = Some(min_sample.to_string());
    let found: Models = match &context.server {
        Some(server) => {
            let named = [
                ("from", from),
                ("to", to),
                ("agent", agent),
                ("model", model),
                ("task", task),
                ("tz", tz),
                ("minSample", min_sample),
            ];
            asked(server, "/api/v3/analytics/performance", &named).await?
        }
        None => {
            let query = PerformanceQuery { from, to, agent, model, task, tz, min_sample };
            let asked = AskedPerformance::of(query).map_err(|error| CliError::usage(error.detail()))?;
            context.open()?.store.read(move |read| asked.answer(read)).await?
        }
    };
    if context.out.json {
        context.out.document(&found)?;
        return Ok(Exit::Ok);
    }
    let head = ["model", "ended", "success", "failed", "killed", "cancelled", "median", "median cost", ""];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(found.rows.iter().map(|row| {
        vec![
            row.model_id.clone(),
            row.runs_total.to_string(),
            format!("{:.1}%", row.success_rate * 100.0),
            row.failure_count.to_string(),
            row.killed_count.to_string(),
            row.cancelled_count.to_string(),
            // The median of nothing is 0 for older clients; here it is said that nothing is known.
            known(&row.provenance.runtime, format!("{:.1} s", row.median_runtime_ms / 1_000.0), "unknown"),
            known(&row.provenance.cost, money(row.median_cost_usd), "unpriced"),
            if row.sample_warning { "few".to_owned() } else { String::new() },
        ]
    }));
    for line in table(&rows) {
        context.out.line(&line)?;
    }
    Ok(Exit::Ok)
}

/// How often files are looked at while somebody waits.
const TAIL_EVERY: Duration = Duration::from_secs(1);

async fn tail(args: TailArgs, context: &Context) -> Result<Exit, CliError> {
    let app = context.open()?;
    prepare(&app.store).await?;
    let folders = config::agent_folders()?;
    let (stop, stopped) = mpsc::channel();
    let out = context.out;
    let store = app.store.clone();
    let once = args.once;
    let runtime = tokio::runtime::Handle::current();
    let reading = tokio::task::spawn_blocking(move || -> Result<(), CliError> {
        let evaluated = store.clone();
        let take = |report: &Report| {
            if report.total().documents > 0 || report.closed > 0 {
                runtime.block_on(evaluate_after(&evaluated))?;
            }
            tell_round(report, out)
        };
        if once {
            return take(&collect_once(&store, folders)?);
        }
        let mut result = Ok(());
        Runner::new(store, folders).run(TAIL_EVERY, &stopped, &mut |told| {
            let said = told.map_err(CliError::from).and_then(|report| take(&report));
            if let Err(error) = said {
                out.warn(&error.message);
                result = Err(error);
            }
        });
        result
    });
    let reading = std::pin::pin!(reading);
    let ended = tokio::select! {
        ended = reading => ended,
        interrupted = tokio::signal::ctrl_c(), if !once => {
            drop(stop);
            // What is under way is written whole; the next reading goes on from there.
            return interrupted.map(|()| Exit::Ok).map_err(CliError::from);
        }
    };
    ended.map_err(|error| CliError::failed(format!("the reading was given up: {error}")))??;
    Ok(Exit::Ok)
}

/// A round as one document: every feed that was read, also when nothing was new.
fn round_of(report: &Report) -> serde_json::Value {
    let feeds = report.feeds.iter().map(|(feed, read)| {
        let (lines, documents, bad) = (read.lines, read.documents, read.bad_lines);
        json!({ "feed": feed.as_str(), "files": read.changed, "lines": lines, "documents": documents, "badLines": bad })
    });
    json!({ "feeds": feeds.collect::<Vec<_>>(), "closed": report.closed, "problems": report.problems })
}

fn tell_round(report: &Report, out: Output) -> Result<(), CliError> {
    if out.json {
        return out.document(&round_of(report));
    }
    for problem in &report.problems {
        out.warn(problem);
    }
    for (feed, read) in &report.feeds {
        if read.changed == 0 {
            continue;
        }
        let (feed, lines, documents, bad) = (feed.as_str(), read.lines, read.documents, read.bad_lines);
        let bad = if bad == 0 { String::new() } else { format!(", {bad} not understood") };
        out.line(&format!("{feed}: {} files, {lines} lines, {documents} documents{bad}", read.changed))?;
    }
    if report.closed > 0 {
        out.line(&format!("{} sessions fell silent and were closed", report.closed))?;
    }
    Ok(())
}

async fn list_collectors(context: &Context) -> Result<Exit, CliError> {
    let found: Vec<CollectorStatus> = match &context.server {
        Some(server) => {
            #[derive(Deserialize)]
            struct Collectors {
                collectors: Vec<CollectorStatus>,
            }
            server.get::<Collectors>("/v1/agents/collectors", &[]).await?.collectors
        }
        None => context.open()?.store.read(collectors).await?,
    };
    if context.out.json {
        context.out.document(&json!({ "items": found }))?;
        return Ok(Exit::Ok);
    }
    let rows = found.iter().map(|one| {
        vec![
            one.collector.clone(),
            format!("{} read", one.records),
            format!("{} documents", one.documents),
            format!("{} bad", one.bad_records),
            one.read_at.clone().unwrap_or_else(|| "never".to_owned()),
            one.problem.clone().unwrap_or_default(),
        ]
    });
    for line in table(&rows.collect::<Vec<_>>()) {
        context.out.line(&line)?;
    }
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_that_nobody_knows_is_not_zero() {
        for ((usd, runs, unpriced), text) in [
            ((0.0, 0, 0), "$0.000000"),
            ((0.0, 2, 0), "$0.000000"),
            ((0.0, 2, 2), "unpriced"),
            ((0.25, 3, 1), "$0.250000 + 1 unpriced"),
        ] {
            assert_eq!(sum_of_costs(usd, runs, unpriced), text);
        }
    }
}
