//! `exhibit doctor`.

use clap::Args;
use exhibit_engine::confine::{Capability, Verdict, probe};
use serde::Serialize;
use serde_json::json;

use crate::cli::Context;
use crate::error::{CliError, Exit};
use crate::output::{bytes, table};

/// What this machine offers and what is missing.
#[derive(Args)]
pub struct DoctorArgs {}

#[derive(Serialize)]
struct Check {
    name: String,
    ok: bool,
    says: String,
}

impl Check {
    fn new(name: &str, ok: bool, says: impl Into<String>) -> Self {
        Self { name: name.to_owned(), ok, says: says.into() }
    }
}

/// Below this many free bytes where the home lies, doctor warns.
const FREE_BYTES_WARN: u64 = 1 << 30;

pub async fn doctor(_args: DoctorArgs, context: &Context) -> Result<Exit, CliError> {
    let capability = probe();
    let mut checks = vec![confinement(&capability)];
    let facets = &capability.facets;
    let abi = capability.landlock_abi.map_or_else(|| "none".to_owned(), |abi| abi.to_string());
    checks.push(Check::new("kernel", true, format!("{}, Landlock ABI {abi}", capability.kernel_release)));
    let signals = if facets.signals_scoped {
        "extractors cannot signal other processes"
    } else {
        "extractors could end other processes of this user (Landlock ABI 6 or newer prevents it)"
    };
    checks.push(Check::new("signals", facets.signals_scoped, signals));
    let extractors = crate::plugins::extractors(&context.home)?;
    for extractor in extractors.iter() {
        for tool in extractor.descriptor.tools {
            let found = ["/usr/bin", "/usr/local/bin"]
                .iter()
                .map(|folder| std::path::Path::new(folder).join(tool))
                .find(|path| path.is_file());
            let says = match &found {
                Some(path) => format!("{} (for {})", path.display(), extractor.descriptor.name),
                None => {
                    format!("missing; {} cannot work without it: apt-get install ffmpeg", extractor.descriptor.name)
                }
            };
            checks.push(Check::new(tool, found.is_some(), says));
        }
    }
    checks.extend(extractors.broken().iter().map(|broken| Check::new(&broken.name, false, broken.reason.clone())));
    checks.extend(store_checks(context).await);
    let ok = checks.iter().all(|check| check.ok);
    if context.out.json {
        context.out.document(&json!({ "ok": ok, "checks": checks, "kernel": capability }))?;
    } else {
        let rows = checks.iter().map(|check| {
            vec![if check.ok { "ok" } else { "PROBLEM" }.to_owned(), check.name.clone(), check.says.clone()]
        });
        for line in table(&rows.collect::<Vec<_>>()) {
            context.out.line(&line)?;
        }
    }
    Ok(if ok { Exit::Ok } else { Exit::Partial })
}

fn confinement(capability: &Capability) -> Check {
    match &capability.verdict {
        Verdict::Confined => Check::new("confinement", true, "extractors are confined by Landlock and seccomp"),
        Verdict::Unconfined { why } => Check::new("confinement", false, why.clone()),
    }
}

async fn store_checks(context: &Context) -> Vec<Check> {
    let mut checks = Vec::new();
    match context.open() {
        Err(error) => checks.push(Check::new("store", false, error.message)),
        Ok(app) => {
            checks.push(Check::new("store", true, app.store.name()));
            let sources = super::run::check_sources(&app).await;
            let says = sources
                .as_ref()
                .err()
                .map_or_else(|| "no source and home lie in each other".to_owned(), |error| error.message.clone());
            checks.push(Check::new("sources", sources.is_ok(), says));
        }
    }
    if let Ok(space) = rustix::fs::statvfs(&context.home) {
        let free = space.f_bavail.saturating_mul(space.f_frsize);
        let says = format!("{} free at {}", bytes(i64::try_from(free).unwrap_or(i64::MAX)), context.home.display());
        checks.push(Check::new("space", free >= FREE_BYTES_WARN, says));
    }
    checks
}
