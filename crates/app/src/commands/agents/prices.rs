//! `exhibit agents prices` and `exhibit agents aggregates`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use exhibit_agents::alerts::Zone;
use exhibit_agents::http::evidence::Parity;
use exhibit_agents::http::prices::PriceList;
use exhibit_agents::moment::{Covered, covered};
use exhibit_agents::parity;
use exhibit_agents::price_lists::{Format, PricesError, list, load, show};
use exhibit_agents::prices::{Head, PricingVersion};
use exhibit_agents::recompute::{self, Filter, Report, Request};
use exhibit_agents::service::prepare;
use exhibit_model::ids::ulid_to_text;
use exhibit_model::time::Timestamp;
use serde_json::{Value, json};

use crate::cli::Context;
use crate::error::{CliError, Exit};
use crate::output::table;
use crate::remote::part;

/// Lists of prices.
#[derive(Args)]
pub struct PricesArgs {
    #[command(subcommand)]
    command: PricesCommand,
}

#[derive(Subcommand)]
enum PricesCommand {
    /// List them, in the order in which they come into force
    List,
    /// Show one, as it was taken in
    Show {
        /// Its name
        pricing_version: String,
    },
    /// Take a list in; costs that are stored stay
    Load(LoadArgs),
    /// Reckon costs anew under a list; what they were before is kept
    Recompute(RecomputeArgs),
}

/// What a file of prices is written in.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum FileFormat {
    /// Our own
    Own,
    /// `model_prices_and_context_window.json` of LiteLLM
    Litellm,
    /// `api.json` of models.dev
    ModelsDev,
}

#[derive(Args)]
struct LoadArgs {
    /// The file
    file: PathBuf,
    /// What it is written in
    #[arg(long, value_enum, default_value = "own")]
    format: FileFormat,
    /// Since when it holds: a day, or a time; for formats that do not say it
    #[arg(long, required_if_eq_any([("format", "litellm"), ("format", "models-dev")]))]
    from: Option<String>,
    /// Who answers for it; for formats that do not say it
    #[arg(long, default_value = "unknown")]
    owner: String,
}

#[derive(Args)]
struct RecomputeArgs {
    /// The name of the list
    pricing_version: String,
    /// What began then or later: a day, or a time
    #[arg(long)]
    from: Option<String>,
    /// What began then or earlier: a day, or a time, all of it included
    #[arg(long)]
    to: Option<String>,
    /// Of this model
    #[arg(long)]
    model: Option<String>,
    /// Only say what would change
    #[arg(long)]
    dry_run: bool,
}

/// Largest file of prices in bytes.
const FILE_BYTES_MAX: u64 = exhibit_agents::prices::SNAPSHOT_BYTES_MAX as u64;

pub async fn prices(args: PricesArgs, context: &Context) -> Result<Exit, CliError> {
    match args.command {
        PricesCommand::List => list_all(context).await?,
        PricesCommand::Show { pricing_version } => show_one(&pricing_version, context).await?,
        PricesCommand::Load(args) => take(args, context).await?,
        PricesCommand::Recompute(args) => reckon(args, context).await?,
    }
    Ok(Exit::Ok)
}

/// Lists that are shown at most; nobody keeps as many.
const LISTS_MAX: usize = 1_000;

async fn list_all(context: &Context) -> Result<(), CliError> {
    let found: Vec<PriceList> = match &context.server {
        Some(server) => server.list("/v1/agents/prices", &[], LISTS_MAX).await?.0,
        None => {
            let app = context.open()?;
            prepare(&app.store).await?;
            let most = i64::try_from(LISTS_MAX).unwrap_or(i64::MAX);
            let listed = app.store.read(move |read| list(read, None, most)).await?;
            listed.into_iter().map(PriceList::from).collect()
        }
    };
    if context.out.json {
        return context.out.document(&json!({ "items": found }));
    }
    let rows = found.into_iter().map(|list| {
        let review = list.review_at.map_or_else(String::new, |at| format!("look again {at}"));
        vec![list.pricing_version, format!("from {}", list.effective_from), list.owner, list.origin, review]
    });
    table(&rows.collect::<Vec<_>>()).iter().try_for_each(|line| context.out.line(line))
}

fn unknown(version: &str) -> CliError {
    CliError::usage(format!("there are no prices `{version}`; `exhibit agents prices list` shows them"))
}

async fn show_one(version: &str, context: &Context) -> Result<(), CliError> {
    let text = match &context.server {
        Some(server) => {
            let bytes = server.get_document(&format!("/v1/agents/prices/{}", part(version))).await?;
            String::from_utf8_lossy(&bytes).into_owned()
        }
        None => {
            let wanted = PricingVersion::parse(version).ok_or_else(|| unknown(version))?;
            let found = context.open()?.store.read(move |read| show(read, &wanted)).await?;
            let found = found.ok_or_else(|| unknown(version))?;
            String::from_utf8_lossy(found.body()).into_owned()
        }
    };
    context.out.verbatim(&text)
}

pub(super) fn moment(text: &str, name: &str) -> Result<Covered, CliError> {
    covered(text, &Zone::default()).ok_or_else(|| {
        CliError::usage(format!("--{name} is a day such as 2026-01-31, or a time such as 2026-01-31T12:00Z"))
    })
}

async fn take(args: LoadArgs, context: &Context) -> Result<(), CliError> {
    let shown = args.file.display().to_string();
    let wrong = |reason: String| CliError::usage(format!("{shown}: {reason}"));
    let length = std::fs::metadata(&args.file).map_err(|error| wrong(error.to_string()))?.len();
    if length > FILE_BYTES_MAX {
        return Err(wrong(format!("it is larger than {} MiB", FILE_BYTES_MAX >> 20)));
    }
    let bytes = std::fs::read(&args.file).map_err(|error| wrong(error.to_string()))?;
    let head = || -> Result<Head, CliError> {
        Ok(Head {
            origin: shown.clone(),
            owner: args.owner.clone(),
            effective_from: moment(args.from.as_deref().unwrap_or_default(), "from")?.first,
            review_at: None,
        })
    };
    let format = match args.format {
        FileFormat::Own => Format::Own,
        FileFormat::Litellm => Format::LiteLlm(head()?),
        FileFormat::ModelsDev => Format::ModelsDev(head()?),
    };
    let (version, was_there, models) = match &context.server {
        Some(server) => {
            if format != Format::Own {
                return Err(CliError::usage("a server takes lists of our own format; load others on its machine"));
            }
            let body: Value = serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
            let taken: Value = server.post("/v1/agents/prices", &body).await?;
            let version = taken["pricingVersion"].as_str().unwrap_or_default().to_owned();
            (version, taken["wasThere"] == true, taken["models"].as_u64().unwrap_or(0))
        }
        None => {
            let app = context.open()?;
            let taken = load(&app.store, &bytes, format).await.map_err(|error| match error {
                PricesError::Refused(findings) => wrong(findings.to_string()),
                PricesError::Store(error) => error.into(),
            })?;
            if taken.unusable > 0 {
                context.out.warn(&format!("{} entries cannot be used and were left out", taken.unusable));
            }
            (taken.version.as_str().to_owned(), taken.was_there, taken.models as u64)
        }
    };
    if context.out.json {
        return context.out.document(&json!({ "pricingVersion": version, "wasThere": was_there, "models": models }));
    }
    let how = if was_there { "  (known)" } else { "" };
    context.out.line(&format!("{version}  {models} models{how}"))
}

async fn reckon(args: RecomputeArgs, context: &Context) -> Result<(), CliError> {
    if context.server.is_some() {
        return Err(CliError::usage(
            "costs are reckoned anew beside their database; leave out --server, or POST /v1/agents/prices/recompute",
        ));
    }
    let RecomputeArgs { pricing_version: version, from, to, model, dry_run } = args;
    let from = from.map(|text| moment(&text, "from")).transpose()?.map(|covered| covered.first);
    let to = to.map(|text| moment(&text, "to")).transpose()?.map(|covered| Timestamp(covered.after.0 - 1));
    let parsed = PricingVersion::parse(&version).ok_or_else(|| unknown(&version))?;
    let app = context.open()?;
    let request =
        Request { id: ulid_to_text(app.ids.next_ulid()), version: parsed, filter: Filter { from, to, model } };
    let failed = |error: recompute::RecomputeError| match error {
        recompute::RecomputeError::UnknownVersion(_) => unknown(&version),
        recompute::RecomputeError::Store(error) => error.into(),
    };
    let report = if dry_run {
        recompute::plan(&app.store, &request).await.map_err(failed)?
    } else {
        let bar = context.out.bar(None, false);
        let mut told = |report: &Report| bar.set_position(report.subjects);
        let report = recompute::run(&app.store, &request, &mut told).await.map_err(failed)?;
        bar.finish_and_clear();
        report
    };
    let (old, new) = (report.old_cost.usd(), report.new_cost.usd());
    if context.out.json {
        return context.out.document(&json!({
            "state": report.state.as_str(), "subjects": report.subjects, "changed": report.changed,
            "unchanged": report.unchanged, "oldCostUsd": old, "newCostUsd": new,
        }));
    }
    let would = if dry_run { "would change" } else { "changed" };
    context.out.line(&format!("{} of {} {would}: ${old:.6} before, ${new:.6} after", report.changed, report.subjects))
}

/// The sums by hour and day.
#[derive(Args)]
pub struct AggregatesArgs {
    #[command(subcommand)]
    command: AggregatesCommand,
}

#[derive(Subcommand)]
enum AggregatesCommand {
    /// Compare them with what the rows come to
    Check,
    /// Count them anew
    Rebuild,
}

pub async fn aggregates(args: AggregatesArgs, context: &Context) -> Result<Exit, CliError> {
    match args.command {
        AggregatesCommand::Check => check(context).await,
        AggregatesCommand::Rebuild => {
            if context.server.is_some() {
                return Err(CliError::usage("sums are counted anew beside their database; leave out --server"));
            }
            let cuts = parity::rebuild(&context.open()?.store).await?;
            if context.out.json {
                context.out.document(&json!({ "cuts": cuts }))?;
            } else {
                context.out.line(&format!("{cuts} cuts were counted"))?;
            }
            Ok(Exit::Ok)
        }
    }
}

async fn check(context: &Context) -> Result<Exit, CliError> {
    let found: Parity = match &context.server {
        Some(server) => server.get("/v1/agents/analytics/parity", &[]).await?,
        None => context.open()?.store.read(parity::check).await?.into(),
    };
    if context.out.json {
        context.out.document(&found)?;
    } else if found.holds {
        context.out.line(&format!("{} cuts are what the rows come to", found.cuts))?;
    } else {
        for difference in &found.differences {
            let place = format!("{} {} {}", difference.bucket_at, difference.agent, difference.model);
            let column = format!("{}.{}", difference.table, difference.column);
            let numbers = format!("{} is kept, {} was counted", difference.stored, difference.counted);
            context.out.line(&format!("{column}  {place}  {numbers}"))?;
        }
        context
            .out
            .line(&format!("{} sums differ; `exhibit agents aggregates rebuild` counts them anew", found.differing))?;
    }
    Ok(if found.holds { Exit::Ok } else { Exit::Failed })
}
