//! `exhibit agents kill`, `spawn`, `model`, `status`, `logs`, `audit` and `fake-gateway`.

use std::io::{BufRead as _, IsTerminal as _};
use std::sync::Arc;

use clap::Args;
use exhibit_agents::control::audit::{Action, Caller};
use exhibit_agents::control::controls::Controls;
use exhibit_agents::control::fake_gateway::{Behaviour, FakeGateway, FakeSettings, METHODS};
use exhibit_agents::http::control::AuditEntry;
use exhibit_agents::sql::control_audit;
use serde_json::{Map, Value, json};

use crate::cli::Context;
use crate::clock::SystemClock;
use crate::config::ControllerKind;
use crate::controls;
use crate::error::{CliError, Exit};
use crate::home::App;
use crate::output::table;

/// How an order is given.
#[derive(Args)]
pub struct How {
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// Do not ask first
    #[arg(long)]
    yes: bool,
}

#[derive(Args)]
pub struct KillArgs {
    /// The session, by its real id
    session: String,
    #[command(flatten)]
    how: How,
}

#[derive(Args)]
pub struct SpawnArgs {
    /// The agent
    agent: String,
    /// What it is to do
    prompt: String,
    #[command(flatten)]
    how: How,
}

#[derive(Args)]
pub struct ModelArgs {
    /// The model, as provider/model
    model: String,
    /// Of the main session of this agent
    #[arg(long, conflicts_with = "session")]
    agent: Option<String>,
    /// Of this session; without it and --agent, of sessions that are started later
    #[arg(long)]
    session: Option<String>,
    #[command(flatten)]
    how: How,
}

#[derive(Args)]
pub struct AuditArgs {
    /// At most this many orders
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
}

#[derive(Args)]
pub struct FakeGatewayArgs {
    /// Where it listens on this machine; 0 = any port that is free
    #[arg(long, default_value_t = 18_789)]
    port: u16,
    /// The token that lets a client in
    #[arg(long, default_value = "drill")]
    token: String,
    /// How it treats a method, such as sessions.abort=no-effect
    #[arg(long, value_name = "METHOD=BEHAVIOUR")]
    behave: Vec<String>,
}

pub async fn kill(args: KillArgs, context: &Context) -> Result<Exit, CliError> {
    let body = [("sessionId", json!(args.session))];
    let deed = format!("end the session {}", args.session);
    order(Action::Kill, &deed, body.into(), &args.how, context).await
}

pub async fn spawn(args: SpawnArgs, context: &Context) -> Result<Exit, CliError> {
    let body = [("agentId", json!(args.agent)), ("prompt", json!(args.prompt))];
    let deed = format!("start a session of the agent {}", args.agent);
    order(Action::Spawn, &deed, body.into(), &args.how, context).await
}

pub async fn model(args: ModelArgs, context: &Context) -> Result<Exit, CliError> {
    let Some((provider, model)) = args.model.split_once('/') else {
        return Err(CliError::usage(format!("`{}` is no model; give it as provider/model", args.model)));
    };
    let mut body = vec![("provider", json!(provider)), ("model", json!(model))];
    let whose = match (args.session, args.agent) {
        (Some(session), _) => {
            body.push(("sessionId", json!(session)));
            format!("the session {session}")
        }
        (None, Some(agent)) => {
            body.push(("agentId", json!(agent)));
            format!("the agent {agent}")
        }
        (None, None) => "later sessions".to_owned(),
    };
    let deed = format!("set the model {} of {whose}", args.model);
    order(Action::Model, &deed, body, &args.how, context).await
}

async fn order(
    action: Action,
    deed: &str,
    fields: Vec<(&str, Value)>,
    how: &How,
    context: &Context,
) -> Result<Exit, CliError> {
    if !how.dry_run && !how.yes && !agreed(deed)? {
        return Err(CliError::usage("nothing was done"));
    }
    let mut body: Map<String, Value> = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    body.insert("dryRun".to_owned(), json!(how.dry_run));
    let (answer, status) = match &context.server {
        Some(server) => server.order(&format!("/api/control/{}", action.as_str()), &Value::Object(body)).await?,
        None => order_here(action, &Value::Object(body), context).await?,
    };
    let exit = match status {
        200 => Exit::Ok,
        404 => Exit::Usage,
        _ => Exit::Failed,
    };
    if context.out.json {
        context.out.document(&answer)?;
        return Ok(exit);
    }
    if status != 200 {
        return Err(CliError { exit, ..not_done(&answer) });
    }
    let said = |field: &str| answer[field].as_str().map(str::to_owned);
    let subject = said("sessionId").unwrap_or_else(|| action.as_str().to_owned());
    let words = [Some(subject), said("outcome"), said("finalState"), said("output")];
    context.out.line(&words.into_iter().flatten().collect::<Vec<_>>().join("  "))?;
    Ok(exit)
}

/// What an order came to that was noted and not done: the session is named where there is one, as it may run, and so is the audit.
fn not_done(answer: &Value) -> CliError {
    let said = |field: &str| answer[field].as_str();
    let named = [("session", "sessionId"), ("state", "finalState"), ("audit", "auditId")];
    let parts = named.iter().filter_map(|(name, field)| Some(format!("{name} {}", said(field)?)));
    let error = said("error").unwrap_or("the order was not carried out");
    CliError::failed(format!("{error} ({})", parts.collect::<Vec<_>>().join(", ")))
}

/// Asks whoever sits before the terminal; a script has to say so beforehand.
fn agreed(deed: &str) -> Result<bool, CliError> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        return Err(CliError::usage(format!("this would {deed}; add --yes to do it, or --dry-run to try it on paper")));
    }
    eprint!("This will {deed}. Go on? [y/N] ");
    let mut line = String::new();
    input.lock().read_line(&mut line)?;
    Ok(matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// The controls of this home, unless its agents are children of another process.
async fn controls_here(context: &Context) -> Result<(App, Controls), CliError> {
    let app = context.open()?;
    if app.config.agents.control.controller == ControllerKind::Process {
        return Err(CliError::usage("agents are children of the server, which has to be asked: give --server URL"));
    }
    let controls = controls::open(&app).await?;
    Ok((app, controls))
}

/// Gives an order here; says what came of it, with the status that a server would give.
async fn order_here(action: Action, body: &Value, context: &Context) -> Result<(Value, u16), CliError> {
    let (_app, controls) = controls_here(context).await?;
    let actor = format!("user {}", rustix::process::geteuid().as_raw());
    let caller = Caller::new(&actor, "local", None);
    let answer = controls.order(action, caller, body.to_string().into_bytes()).await;
    if answer.status == 200 || answer.body["auditId"].is_string() {
        return Ok((answer.body, answer.status));
    }
    let error = answer.body["error"].as_str().unwrap_or("the order was not carried out").to_owned();
    Err(if answer.status == 500 { CliError::failed(error) } else { CliError::usage(error) })
}

pub async fn status(context: &Context) -> Result<Exit, CliError> {
    let status: Value = match &context.server {
        Some(server) => server.get("/api/system/status", &[]).await?,
        None => {
            let (_app, controls) = controls_here(context).await?;
            let status = controls.status().await;
            serde_json::to_value(status.map_err(|error| CliError::failed(error.to_string()))?)?
        }
    };
    if context.out.json {
        context.out.document(&status)?;
        return Ok(Exit::Ok);
    }
    let gateway = if status["gateway"]["connected"] == true { "connected" } else { "not connected" };
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let why = status["gateway"]["problem"].as_str().map(|why| format!(": {why}")).unwrap_or_default();
    context.out.line(&format!("controller {}: {gateway}{why}", text(&status["controller"])))?;
    let row = |agent: &Value| ["id", "status", "lastActivityAt", "reason"].map(|field| text(&agent[field])).to_vec();
    for line in table(&status["agents"].as_array().into_iter().flatten().map(row).collect::<Vec<_>>()) {
        context.out.line(&line)?;
    }
    Ok(Exit::Ok)
}

pub async fn logs(context: &Context) -> Result<Exit, CliError> {
    let logs: Value = match &context.server {
        Some(server) => server.get("/api/logs", &[]).await?,
        None => {
            let (_app, controls) = controls_here(context).await?;
            let logs = controls.logs().await;
            serde_json::to_value(logs.map_err(|error| CliError::failed(error.to_string()))?)?
        }
    };
    if context.out.json {
        context.out.document(&logs)?;
        return Ok(Exit::Ok);
    }
    for line in logs["logs"].as_array().into_iter().flatten() {
        let text = |field: &str| line[field].as_str().unwrap_or_default();
        context.out.line(&format!("{} {} {}", text("ts"), text("level"), text("msg")))?;
    }
    Ok(Exit::Ok)
}

pub async fn audit(args: AuditArgs, context: &Context) -> Result<Exit, CliError> {
    let limit = args.limit;
    let orders: Vec<AuditEntry> = match &context.server {
        Some(server) => server.list("/v1/agents/control/audit", &[], usize::try_from(limit).unwrap_or(0)).await?.0,
        None => {
            let newest = context.open()?.store.read(move |read| control_audit::page(read, None, limit.into())).await?;
            newest.into_iter().map(AuditEntry::from).collect()
        }
    };
    if context.out.json {
        context.out.document(&json!({ "items": orders }))?;
        return Ok(Exit::Ok);
    }
    let row = |order: &AuditEntry| {
        // Without an outcome it is still carried out, or the program ended meanwhile.
        let outcome = order.outcome.clone().unwrap_or_else(|| "unknown".to_owned());
        let state = order.final_state.clone().unwrap_or_else(|| "-".to_owned());
        vec![order.at.clone(), outcome, state, order.action.clone(), order.target.clone(), order.actor.clone()]
    };
    for line in table(&orders.iter().map(row).collect::<Vec<_>>()) {
        context.out.line(&line)?;
    }
    Ok(Exit::Ok)
}

/// Runs until it is ended from outside.
pub async fn fake_gateway(args: FakeGatewayArgs, context: &Context) -> Result<Exit, CliError> {
    let gateway = FakeGateway::start(FakeSettings::drill(&args.token, Arc::new(SystemClock)), args.port)?;
    for said in &args.behave {
        let wrong = || CliError::usage(format!("`{said}` is not of the form METHOD=BEHAVIOUR"));
        let (method, behaviour) = said.split_once('=').ok_or_else(wrong)?;
        let behaviour: Behaviour = behaviour.parse().map_err(|fault| CliError::usage(format!("{fault}")))?;
        if !METHODS.contains(&method) {
            return Err(CliError::usage(format!("`{method}` is no method of the gateway: {}", METHODS.join(", "))));
        }
        gateway.behave(method, Some(behaviour));
    }
    let url = gateway.url();
    if context.out.json {
        context.out.document(&json!({ "listen": url }))?;
    } else {
        context.out.line(&format!("a fake gateway listens on {url}; it runs no agents"))?;
    }
    let serving = tokio::task::spawn_blocking(move || gateway.wait()).await;
    serving.map_err(|error| CliError::failed(format!("the fake gateway ended: {error}")))?;
    Ok(Exit::Ok)
}
