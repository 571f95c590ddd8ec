//! `exhibit agents calls`.

use clap::Args;
use exhibit_agents::http::evidence::{CALLS_END, newest_calls};
use exhibit_agents::http::views::LedgerCall;
use serde_json::json;

use super::money;
use crate::cli::Context;
use crate::error::{CliError, Exit};
use crate::output::table;

/// Calls to models.
#[derive(Args)]
#[command(after_help = "Examples:
  exhibit agents calls
  exhibit agents calls --limit 500 --json")]
pub struct CallsArgs {
    /// At most this many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

pub async fn calls(args: CallsArgs, context: &Context) -> Result<Exit, CliError> {
    let limit = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let (found, more): (Vec<LedgerCall>, bool) = match &context.server {
        Some(server) => server.list("/v1/agents/calls", &[], limit).await?,
        None => {
            let page = context.open()?.store.read(move |read| newest_calls(read, CALLS_END, limit)).await?;
            (page.items, page.next.is_some())
        }
    };
    if context.out.json {
        context.out.document(&json!({ "items": found }))?;
        return Ok(Exit::Ok);
    }
    let rows = found.iter().map(|call| {
        let tokens = |names: &[&str]| names.iter().filter_map(|name| call.usage.get(*name)).sum::<i64>().to_string();
        let read = ["inputUncached", "cacheRead", "cacheWrite5m", "cacheWrite1h", "cacheWrite"];
        vec![
            call.started_at.clone(),
            call.status.clone(),
            call.model_id.clone(),
            call.feed.clone(),
            format!("{} in", tokens(&read)),
            format!("{} out", tokens(&["output"])),
            call.cost_usd.map_or_else(|| "unpriced".to_owned(), money),
            call.session_id.clone(),
            call.call_id.clone(),
        ]
    });
    table(&rows.collect::<Vec<_>>()).iter().try_for_each(|line| context.out.line(line))?;
    if more {
        context.out.note(&format!("these are the newest {}; --limit shows more", found.len()));
    }
    Ok(Exit::Ok)
}
