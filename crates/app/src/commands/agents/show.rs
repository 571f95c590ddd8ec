//! `exhibit agents sessions show`.

use std::sync::Arc;

use clap::Args;
use exhibit_agents::http::costs::CostRevision;
use exhibit_agents::http::ledger::{Detail, Include, detail};
use exhibit_agents::http::proof::SessionProof;

use super::money;
use crate::cli::Context;
use crate::error::{CliError, Exit};
use crate::output::table;
use crate::remote::part;

/// Show one session.
#[derive(Args)]
#[command(after_help = "Examples:
  exhibit agents sessions show 7f3a
  exhibit agents sessions show 7f3a --costs
  exhibit agents sessions show 7f3a --proof --json > proof.json

Exit code 1 says that something of a proof is not as it was written.")]
pub struct ShowArgs {
    /// Its id
    session: String,
    /// And what it and its calls cost, also before costs were reckoned anew
    #[arg(long)]
    costs: bool,
    /// And its place in the ledger: the record, the path from it to the root, and what was refused or came too late
    #[arg(long)]
    proof: bool,
}

pub async fn show(args: ShowArgs, context: &Context) -> Result<Exit, CliError> {
    let ShowArgs { session, costs, proof } = args;
    let include = Include { calls: true, costs, proof };
    let found: Option<Detail> = match &context.server {
        Some(server) => {
            let (path, wanted) = (format!("/api/v3/ledger/{}", part(&session)), include.text().unwrap_or_default());
            let mut found: Detail = server.get(&path, &[("include", &wanted)]).await?;
            if let Some(proof) = &mut found.proof {
                // A proof needs nobody's word.
                proof.holds = proof.holds && proof.fits();
            }
            Some(found)
        }
        None => {
            let (app, id) = (context.open()?, session.clone());
            let kinds = Arc::clone(app.store.kinds());
            app.store.read(move |read| detail(read, &kinds, &id, (i64::MIN, ""), include)).await?
        }
    };
    let Some(found) = found else {
        return Err(CliError::usage(format!(
            "there is no session `{session}`; `exhibit agents sessions list` shows them"
        )));
    };
    if context.out.json {
        context.out.document(&found)?;
    } else {
        let lines = summary(&found).into_iter().chain(what_happened(&found));
        let costs = found.costs.as_deref().map(costs_of).unwrap_or_default();
        let proof = found.proof.as_ref().map(proof_of).unwrap_or_default();
        lines.chain(costs).chain(proof).try_for_each(|line| context.out.line(&line))?;
    }
    Ok(if found.proof.is_none_or(|proof| proof.holds) { Exit::Ok } else { Exit::Failed })
}

fn cost_of(usd: Option<f64>) -> String {
    usd.map_or_else(|| "unpriced".to_owned(), money)
}

fn summary(found: &Detail) -> Vec<String> {
    let ledger = &found.ledger;
    let mut rows = vec![
        ("session", ledger.session_id.clone()),
        ("status", ledger.status.clone()),
        ("agent", format!("{} ({})", ledger.agent_id, ledger.agent_label)),
        ("model", ledger.model_id.clone()),
        ("started", ledger.started_at.clone()),
        ("ended", ledger.ended_at.clone().unwrap_or_else(|| "-".to_owned())),
        ("runtime", format!("{} ms", ledger.runtime_ms)),
    ];
    rows.extend(ledger.task_title.clone().map(|title| ("task", title)));
    rows.extend(ledger.error_message.clone().map(|message| ("error", message)));
    if let Some(usage) = &found.usage {
        let count = |count: Option<i64>| count.map_or_else(|| "unknown".to_owned(), |count| count.to_string());
        let (prompt, completion) = (count(usage.prompt_tokens), count(usage.completion_tokens));
        let total = count(usage.total_tokens);
        rows.push(("tokens", format!("{total} ({prompt} in, {completion} out; {})", usage.token_source)));
        let version = usage.pricing_version.as_deref().unwrap_or("no prices");
        rows.push(("cost", format!("{} ({}, {version})", cost_of(usage.cost_usd), usage.cost_confidence)));
    }
    let rows: Vec<Vec<String>> = rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
    table(&rows)
}

fn what_happened(found: &Detail) -> Vec<String> {
    let calls = found.calls.iter().flatten().map(|call| {
        let cost = cost_of(call.cost_usd);
        vec!["call".to_owned(), call.started_at.clone(), call.model_id.clone(), call.status.clone(), cost]
    });
    let events = found.events.iter().map(|event| {
        vec!["event".to_owned(), event.event_ts.clone(), event.event_type.clone(), event.payload.get().to_owned()]
    });
    let mut lines = table(&calls.collect::<Vec<_>>());
    lines.extend(table(&events.collect::<Vec<_>>()));
    lines
}

fn costs_of(costs: &[CostRevision]) -> Vec<String> {
    let rows = costs.iter().map(|cost| {
        let of = cost.call_id.as_ref().map_or_else(|| cost.subject.clone(), |id| format!("call {id}"));
        vec![
            "cost".to_owned(),
            of,
            format!("revision {}", cost.revision),
            cost_of(cost.cost_usd),
            cost.pricing_version.clone().unwrap_or_else(|| "no prices".to_owned()),
            cost.confidence.clone(),
            cost.reason.clone(),
            cost.computed_at.clone(),
        ]
    });
    table(&rows.collect::<Vec<_>>())
}

fn proof_of(proof: &SessionProof) -> Vec<String> {
    let body = proof.body_hash.map_or_else(|| "erased".to_owned(), |hash| hash.to_hex());
    let inclusion = &proof.inclusion;
    let mut lines = vec![
        format!("record    {}", proof.record_id),
        format!("recorded  ledger position {} in batch {}", proof.ledger_seq, inclusion.batch),
        format!("says      body hash {body}, content hash {}", proof.content_hash),
        format!(
            "proof     {}: leaf {} in the ledger of {} batches with root {}",
            if proof.holds { "holds" } else { "DOES NOT HOLD" },
            inclusion.leaf,
            inclusion.batches,
            inclusion.root
        ),
    ];
    for refused in &proof.conflicts {
        let (seq, key, standing) = (refused.ledger_seq, &refused.key, refused.standing);
        lines.push(format!("refused   position {seq}, {key}: {} of position {standing} stands", refused.reason));
    }
    for stale in &proof.stale {
        let (seq, key, revision) = (stale.ledger_seq, &stale.key, stale.revision);
        lines.push(format!("too late  position {seq}, {key}: revision {revision} stood"));
    }
    for problem in &proof.problems {
        lines.push(format!("PROBLEM   {}: {} ({})", problem.subject, problem.message, problem.code));
    }
    lines
}
