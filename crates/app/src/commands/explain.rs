//! `exhibit explain`.

use std::sync::Arc;

use clap::Args;
use exhibit_archive::explain::{Explanation, explain as explain_artifact, lineage_document};

use crate::cli::Context;
use crate::error::{CliError, Exit};
use crate::output::bytes;
use crate::remote::part;

/// Explain an artifact.
#[derive(Args)]
pub struct ExplainArgs {
    /// The artifact: `art_<run>.<unit>.<ordinal>`; the run may be any unambiguous prefix
    artifact: String,
    /// Print the lineage as a W3C PROV-JSON document
    #[arg(long)]
    prov: bool,
}

pub async fn explain(args: ExplainArgs, context: &Context) -> Result<Exit, CliError> {
    if args.prov {
        let document = lineage(args.artifact, context).await?;
        context.out.verbatim(String::from_utf8_lossy(&document).trim_end())?;
        return Ok(Exit::Ok);
    }
    let found = explanation(args.artifact, context).await?;
    if context.out.json {
        context.out.document(&found)?;
    } else {
        print(&found, context)?;
    }
    Ok(if found.problems.is_empty() && found.proof_holds { Exit::Ok } else { Exit::Failed })
}

async fn explanation(artifact: String, context: &Context) -> Result<Explanation, CliError> {
    if let Some(server) = &context.server {
        let mut found: Explanation = server.get(&path_of(&artifact), &[]).await?;
        // A proof needs nobody's word.
        found.proof_holds = found.proof_holds && found.ledger.holds();
        return Ok(found);
    }
    let app = context.open()?;
    let kinds = Arc::clone(app.store.kinds());
    Ok(app.store.read(move |read| Ok(explain_artifact(read, &kinds, &artifact))).await??)
}

async fn lineage(artifact: String, context: &Context) -> Result<Vec<u8>, CliError> {
    if let Some(server) = &context.server {
        return Ok(server.get_document(&format!("{}/lineage", path_of(&artifact))).await?);
    }
    let app = context.open()?;
    let kinds = Arc::clone(app.store.kinds());
    Ok(app.store.read(move |read| Ok(lineage_document(read, &kinds, &artifact))).await??)
}

fn path_of(artifact: &str) -> String {
    format!("/v1/artifacts/{}", part(artifact))
}

fn print(found: &Explanation, context: &Context) -> Result<(), CliError> {
    let out = context.out;
    let artifact = &found.artifact;
    let mut lines = vec![
        format!("{}", artifact.artifact_id),
        format!("what        {} v{}: {}", artifact.artifact_type, artifact.schema_version, artifact.payload),
    ];
    if let (Some(start), Some(end)) = (artifact.span_start_ms, artifact.span_end_ms) {
        lines.push(format!("when        {start} to {end} ms"));
    }
    if let Some(blob) = &artifact.blob {
        lines.push(format!("blob        {} {} sha256 {}", blob.media_type, bytes(blob.bytes as i64), blob.sha256));
    }
    lines.push(format!("says        content hash {}", artifact.content_hash));
    if let Some(asset) = artifact.asset_id {
        lines.push(format!("about       {asset}"));
    }
    lines.push(format!("            {}, {}", found.original.media_type, bytes(found.original.size_bytes)));
    for path in &found.original.paths {
        lines.push(format!("            {} in {} ({})", path.path, path.source, path.state));
    }
    lines.push(format!(
        "made by     {} version {}, profile {}",
        artifact.producer, artifact.producer_version, artifact.model_profile
    ));
    lines.push(format!("            with {} (config hash {})", found.made.params, artifact.config_hash));
    let inputs: Vec<String> = artifact.inputs.iter().map(ToString::to_string).collect();
    let check = found.made.host["input_check"].as_str().unwrap_or("unknown");
    lines.push(format!("from        {} (checked by {check}; input hash {})", inputs.join(", "), artifact.input_hash));
    lines.push(format!("            lineage hash {}", found.made.lineage_hash));
    lines.push(format!(
        "in          {} step {} of {} v{}, policy {}",
        artifact.run_id, found.made.step, found.made.pipeline, found.made.pipeline_version, found.made.policy
    ));
    let took = found.made.host["took_us"].as_u64().unwrap_or(0);
    lines.push(format!(
        "            {} attempt(s), worker {}, {:.1} ms, {}",
        found.made.attempts,
        found.made.host["worker"].as_str().unwrap_or("?"),
        took as f64 / 1000.0,
        found.made.host["build"].as_str().unwrap_or("?")
    ));
    lines.push(match found.made.host["confined"].as_bool() {
        Some(true) => "            confined by Landlock and seccomp".to_owned(),
        Some(false) => "UNCONFINED  its process was not confined (--allow-unconfined)".to_owned(),
        None => "            nothing is known of its confinement".to_owned(),
    });
    lines.push(format!(
        "recorded    {}, ledger position {} in batch {}",
        artifact.created_at, found.ledger.seq, found.ledger.batch
    ));
    lines.push(format!(
        "proof       {}: leaf {} in the ledger of {} batches with root {}",
        if found.proof_holds { "holds" } else { "DOES NOT HOLD" },
        found.ledger.leaf,
        found.ledger.batches,
        found.ledger.root
    ));
    for problem in &found.problems {
        lines.push(format!("PROBLEM     {}: {} ({})", problem.subject, problem.message, problem.code));
    }
    lines.iter().try_for_each(|line| out.line(line))
}
