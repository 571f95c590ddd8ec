//! `exhibit agents alerts`.

use clap::{Args, Subcommand};
use exhibit_agents::alerts::deliver::Deliverer;
use exhibit_agents::alerts::evaluator::Evaluator;
use exhibit_agents::alerts::repository::{self, AlertError, Answer};
use exhibit_agents::alerts::{Cause, RuleId, State};
use exhibit_agents::http::alerts::{EvaluationView, Instances, TransitionView};
use exhibit_agents::service::{evaluate_after, prepare};
use exhibit_model::time::Timestamp;
use exhibit_store::Tx;
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;

use super::prices::moment;
use crate::cli::Context;
use crate::error::{CliError, Exit};
use crate::output::table;
use crate::remote::part;

/// Alerts.
#[derive(Args)]
#[command(after_help = "Examples:
  exhibit agents alerts list
  exhibit agents alerts eval --at 2026-01-31T12:00Z --dry-run
  exhibit agents alerts ack 5d1c --scope agent=builder
  exhibit agents alerts silence 5d1c --seconds 3600
  exhibit agents alerts transitions --rule 5d1c --limit 20")]
pub struct AlertsArgs {
    #[command(subcommand)]
    command: AlertsCommand,
}

#[derive(Subcommand)]
enum AlertsCommand {
    /// What fires, and what ended within a day; looking changes nothing
    List,
    /// The rules that alerts follow
    Rules,
    /// Evaluate every rule, now or as of a moment that is past
    Eval(EvalArgs),
    /// Note that somebody knows of what fires: it is quiet until it escalates or is over
    Ack(AckArgs),
    /// Let a rule be quiet for some time
    Silence(SilenceArgs),
    /// What happened to alerts, the newest first
    Transitions(TransitionsArgs),
}

#[derive(Args)]
struct EvalArgs {
    /// The moment that is looked at: a day, or a time; only a dry run looks at what is to come [default: now]
    #[arg(long)]
    at: Option<String>,
    /// Only say what would happen
    #[arg(long)]
    dry_run: bool,
}

#[derive(Args)]
struct AckArgs {
    /// The rule, by its id
    rule: String,
    /// The instance, such as agent=builder [default: all that the rule has]
    #[arg(long, value_name = "KEY")]
    scope: Option<String>,
}

#[derive(Args)]
struct SilenceArgs {
    /// The rule, by its id
    rule: String,
    /// For how long; 0 ends a silence
    #[arg(long)]
    seconds: u32,
    /// The instance, such as agent=builder [default: all that the rule has]
    #[arg(long, value_name = "KEY")]
    scope: Option<String>,
}

#[derive(Args)]
struct TransitionsArgs {
    /// Of this rule
    #[arg(long)]
    rule: Option<String>,
    /// At most this many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    limit: u32,
}

pub async fn alerts(args: AlertsArgs, context: &Context) -> Result<Exit, CliError> {
    match args.command {
        AlertsCommand::List => list(context).await?,
        AlertsCommand::Rules => rules(context).await?,
        AlertsCommand::Eval(args) => eval(args, context).await?,
        AlertsCommand::Ack(AckArgs { rule, scope }) => by_hand(&rule, scope, Deed::Ack, context).await?,
        AlertsCommand::Silence(SilenceArgs { rule, seconds, scope }) => {
            by_hand(&rule, scope, Deed::Silence(seconds), context).await?;
        }
        AlertsCommand::Transitions(args) => transitions(args, context).await?,
    }
    Ok(Exit::Ok)
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Prints a document, or a table of these fields of its rows.
fn print(document: &Value, rows: &str, fields: &[&str], context: &Context) -> Result<(), CliError> {
    if context.out.json {
        return context.out.document(document);
    }
    let row = |row: &Value| fields.iter().map(|field| text(&row[*field])).collect();
    let rows: Vec<Vec<String>> = document[rows].as_array().into_iter().flatten().map(row).collect();
    table(&rows).iter().try_for_each(|line| context.out.line(line))
}

fn rows_of(rows: &impl Serialize) -> Result<Value, CliError> {
    Ok(json!({ "rows": serde_json::to_value(rows)? }))
}

async fn list(context: &Context) -> Result<(), CliError> {
    let found: Value = match &context.server {
        Some(server) => server.get("/api/v3/alerts/active", &[]).await?,
        None => {
            let app = context.open()?;
            let now = app.store.clock().now();
            rows_of(&app.store.read(move |read| repository::active(read, now)).await?)?
        }
    };
    print(&found, "rows", &["status", "lifecycle", "triggeredAt", "metric", "scopeKey", "value", "ruleId"], context)?;
    if found["rows"] == json!([]) {
        context.out.note("nothing fires, and nothing ended within a day");
    }
    Ok(())
}

async fn rules(context: &Context) -> Result<(), CliError> {
    let found: Value = match &context.server {
        Some(server) => server.get("/api/v3/alerts/rules", &[]).await?,
        None => rows_of(&context.open()?.store.read(repository::rules).await?)?,
    };
    let fields = [
        "ruleId",
        "enabled",
        "metric",
        "scopeType",
        "window",
        "comparison",
        "warnThreshold",
        "criticalThreshold",
        "name",
    ];
    print(&found, "rows", &fields, context)
}

async fn eval(args: EvalArgs, context: &Context) -> Result<(), CliError> {
    let at = args.at.as_deref().map(|text| moment(text, "at")).transpose()?.map(|covered| covered.first);
    let done: Value = match &context.server {
        Some(server) => {
            let mut body = json!({ "dryRun": args.dry_run });
            if let Some(at) = at {
                body["at"] = at.to_string().into();
            }
            server.post("/v1/agents/alerts/evaluate", &body).await?
        }
        None => serde_json::to_value(eval_here(at, args.dry_run, context).await?)?,
    };
    print(&done, "transitions", &HAPPENED, context)?;
    if !context.out.json {
        let (rules, instances, notices) = (&done["rules"], &done["instances"], &done["deliveries"]);
        context.out.note(&format!("{rules} rules, {instances} instances, {notices} notices to be sent"));
    }
    Ok(())
}

async fn eval_here(at: Option<Timestamp>, dry_run: bool, context: &Context) -> Result<EvaluationView, CliError> {
    let app = context.open()?;
    prepare(&app.store).await?;
    let clock = Arc::clone(app.store.clock());
    if !dry_run && at.is_some_and(|at| at > clock.now()) {
        return Err(CliError::usage("--at is to come; add --dry-run to see what would happen then"));
    }
    let bell = Deliverer::new(app.store.clone(), Arc::clone(&clock)).bell();
    let evaluator = Evaluator::new(app.store.clone(), clock, bell);
    let done = if dry_run { evaluator.dry_run(at).await? } else { evaluator.evaluate(at, Cause::Manual).await? };
    Ok(EvaluationView::from(done))
}

/// The columns of what happened.
const HAPPENED: [&str; 7] = ["at", "kind", "previousStatus", "status", "value", "scopeKey", "ruleId"];

fn refused(error: &AlertError) -> CliError {
    let where_to_look = match error {
        AlertError::RuleNotFound => "; `exhibit agents alerts rules` shows them",
        AlertError::ScopeNotFound => "; `exhibit agents alerts list` shows what fires",
        _ => "",
    };
    CliError::usage(format!("{error}{where_to_look}"))
}

fn rule_id(text: &str) -> Result<RuleId, CliError> {
    RuleId::parse(text).ok_or_else(|| refused(&AlertError::RuleNotFound))
}

/// What a person does about an alert.
#[derive(Clone, Copy)]
enum Deed {
    Ack,
    Silence(u32),
}

impl Deed {
    fn done(self, tx: &mut Tx<'_>, rule: &RuleId, scope: Option<&str>, by: &str, now: Timestamp) -> Answer<Vec<State>> {
        match self {
            Self::Ack => repository::acknowledge(tx, rule, scope, by, now),
            Self::Silence(seconds) => repository::silence(tx, rule, scope, seconds.into(), by, now),
        }
    }
}

async fn by_hand(rule: &str, scope: Option<String>, deed: Deed, context: &Context) -> Result<(), CliError> {
    let stand: Value = match &context.server {
        Some(server) => {
            let (verb, mut body) = match deed {
                Deed::Ack => ("ack", json!({})),
                Deed::Silence(seconds) => ("silence", json!({ "seconds": seconds })),
            };
            if let Some(scope) = scope {
                body["scopeKey"] = scope.into();
            }
            server.post(&format!("/v1/agents/alerts/rules/{}/{verb}", part(rule)), &body).await?
        }
        None => {
            let (app, rule) = (context.open()?, rule_id(rule)?);
            let (by, now) = (format!("user {}", rustix::process::geteuid().as_raw()), app.store.clock().now());
            let work = move |tx: &mut Tx<'_>| deed.done(tx, &rule, scope.as_deref(), &by, now);
            let states = app.store.write(work).await?.map_err(|error| refused(&error))?;
            // What somebody did may be the end of a silence.
            evaluate_after(&app.store).await?;
            serde_json::to_value(Instances::of(states))?
        }
    };
    print(&stand, "items", &["scopeKey", "status", "lifecycle", "ackedBy", "silencedUntil"], context)
}

async fn transitions(args: TransitionsArgs, context: &Context) -> Result<(), CliError> {
    let limit = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let found: Vec<Value> = match &context.server {
        Some(server) => {
            let of: Vec<(&str, &str)> = args.rule.iter().map(|rule| ("rule", rule.as_str())).collect();
            server.list("/v1/agents/alerts/transitions", &of, limit).await?.0
        }
        None => {
            let rule = args.rule.as_deref().map(rule_id).transpose()?;
            let store = context.open()?.store;
            let page = store.read(move |read| repository::transitions(read, rule.as_ref(), None, limit)).await?;
            let views = page.rows.into_iter().map(TransitionView::new);
            views.map(serde_json::to_value).collect::<Result<_, _>>()?
        }
    };
    print(&json!({ "items": found }), "items", &HAPPENED, context)
}
