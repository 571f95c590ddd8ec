//! A plug-in on trial: a home of its own for some seconds, samples as originals, and the same engine that real runs have.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use exhibit_archive::catalog::FactView;
use exhibit_archive::fingerprint::fingerprint;
use exhibit_archive::scan::{ScanOptions, ScanProgress, scan};
use exhibit_engine::pipeline::Pipeline;
use exhibit_engine::plugin::PluginFolder;
use exhibit_engine::registry::ExtractorSet;
use exhibit_engine::{Engine, RunRequest};
use exhibit_model::ids::{CollectionId, SourceId};
use exhibit_model::states::{Policy, UnitState};
use exhibit_store::sql::units::Unit;
use exhibit_store::sql::{records, runs, units};
use exhibit_store::{Location, Store, StoreOptions, Synchronous};
use serde::Serialize;

use crate::clock::{SystemClock, Ulids, random_u128};
use crate::error::CliError;
use crate::home::{EngineSettings, EngineWishes, archive_room, make_engine};
use crate::output::number;
use crate::plugins::own_kinds;

mod samples;

pub use samples::Samples;

/// Units of one trial; samples are few.
const UNITS_MAX: i64 = 10_000;

/// All that a unit can be, in the order in which the report names them.
const STATES: [UnitState; 9] = [
    UnitState::Done,
    UnitState::DoneEmpty,
    UnitState::Reused,
    UnitState::Skipped,
    UnitState::Failed,
    UnitState::Blocked,
    UnitState::Cancelled,
    UnitState::Pending,
    UnitState::Leased,
];

/// Workers: more than one, so that units come in another order the second time.
const WORKERS: usize = 2;

/// Failures that the host found, with what each says about the plug-in. All others are its own words about an original.
const FAULTS: [&str; 10] = [
    "bad-output",
    "time-limit",
    "memory-limit",
    "output-limit",
    "extractor-crashed",
    "extractor-unable",
    "extractor-not-started",
    "input-changed",
    "input-missing",
    "unstated",
];

/// One line of the report.
#[derive(Debug, Serialize)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was seen.
    pub says: String,
}

/// What came out.
#[derive(Debug)]
pub struct Report {
    /// Every line, in the order in which they were looked at.
    pub checks: Vec<Check>,
}

/// The folder of a trial; it goes with everything in it. One trial at a time in a home, so that what a killed one left is known to be dead.
struct TrialFolder {
    path: PathBuf,
    _lock: File,
}

impl TrialFolder {
    fn make(home: &Path, token: u128) -> Result<Self, CliError> {
        let work = home.join("work");
        std::fs::create_dir_all(&work)?;
        let lock = File::options().create(true).truncate(false).write(true).open(work.join("trial.lock"))?;
        lock.lock()?;
        for entry in std::fs::read_dir(&work)? {
            let entry = entry?;
            if entry.file_name().as_encoded_bytes().starts_with(b"trial-") {
                std::fs::remove_dir_all(entry.path())?;
            }
        }
        let path = work.join(format!("trial-{token:032x}"));
        std::fs::create_dir(&path)?;
        Ok(Self { path, _lock: lock })
    }
}

impl Drop for TrialFolder {
    fn drop(&mut self) {
        // What cannot be removed now goes with the next trial.
        std::fs::remove_dir_all(&self.path).ok();
    }
}

/// What one run over the samples gave.
struct Tried {
    units: Vec<Unit>,
    /// Asset, kind, span and content hash of each fact, sorted.
    facts: Vec<String>,
}

/// Tries a plug-in on samples and reports. Nothing of it stays.
pub async fn try_plugin(
    home: &Path,
    plugin: &PluginFolder,
    samples: Samples,
    allow_unconfined: bool,
) -> Result<Report, CliError> {
    let token = random_u128();
    let trial = TrialFolder::make(home, token)?;
    let folder = trial.path.as_path();
    let originals = folder.join("originals");
    std::fs::create_dir(&originals)?;
    let repeats = matches!(samples, Samples::Full(_));
    let making = originals.clone();
    let made = tokio::task::spawn_blocking(move || samples.make(&making)).await;
    let left_out = made.map_err(|error| CliError::failed(error.to_string()))??;
    let copy = folder.join("plugin");
    plugin.files.write(&copy)?;
    let mut extractors = ExtractorSet::of(exhibit_extractors::built_in());
    extractors.add(plugin.known(copy));
    let pipeline = Pipeline::parse(&pipeline_text(plugin), &[], &extractors)?;
    let store = open_store(folder, token)?;
    let mut checks = vec![manifest_check(plugin)];
    own_kinds(&store, &plugin.manifest.name, &plugin.kinds).await?;
    let settings = EngineSettings {
        extractors,
        work_folder: folder.join("work"),
        home_id: format!("{token:032x}"),
        wanted: EngineWishes { workers: Some(WORKERS), allow_unconfined, verify_inputs: false },
        ..EngineSettings::default()
    };
    let engine = make_engine(&store, settings)?;
    catalog(&store, &originals, folder).await?;
    let before = fingerprint_of(&originals).await?;
    let first = run(&store, &engine, &pipeline).await?;
    checks.push(start_check(&first));
    checks.push(answer_check(&first));
    checks.push(Check { name: "finds", ok: true, says: format!("{} facts", number(first.facts.len() as i64)) });
    if repeats {
        let second = run(&store, &engine, &pipeline).await?;
        checks.push(repeat_check(&first, &second));
    }
    checks.push(originals_check(before == fingerprint_of(&originals).await?));
    checks.push(scratch_check(&folder.join("work/scratch")));
    checks.extend(left_out.map(|says| Check { name: "samples", ok: true, says }));
    Ok(Report { checks })
}

fn pipeline_text(plugin: &PluginFolder) -> String {
    format!("name = \"trial\"\nversion = \"1\"\n[[step]]\nname = \"trial\"\nextractor = \"{}\"\n", plugin.manifest.name)
}

fn open_store(folder: &Path, process: u128) -> Result<Store, CliError> {
    let options = StoreOptions {
        location: Location::Sqlite { path: folder.join("store.sqlite"), synchronous: Synchronous::Normal },
        blobs: folder.join("blobs"),
        rooms: vec![archive_room()],
        clock: Arc::new(SystemClock),
        process,
        readers: 1,
    };
    Ok(Store::open(options)?)
}

async fn catalog(store: &Store, originals: &Path, folder: &Path) -> Result<(), CliError> {
    let options = ScanOptions {
        root: originals.to_owned(),
        name: None,
        verify: false,
        threads: WORKERS,
        own_folders: ["work", "blobs", "plugin"].map(|name| folder.join(name)).into(),
        new_id: SourceId(exhibit_model::time::IdSource::next_ulid(&Ulids::default())),
    };
    scan(store, options, Arc::new(ScanProgress::default())).await?;
    Ok(())
}

async fn fingerprint_of(originals: &Path) -> Result<String, CliError> {
    let root = originals.to_owned();
    let work = tokio::task::spawn_blocking(move || fingerprint(&root, &mut |_| {}));
    Ok(work.await.map_err(|error| CliError::failed(error.to_string()))??.digest.to_string())
}

async fn run(store: &Store, engine: &Engine, pipeline: &Pipeline) -> Result<Tried, CliError> {
    let request = RunRequest {
        pipeline: pipeline.clone(),
        collection: CollectionId::ALL,
        policy: Policy::Production,
        sandbox_us: 0,
        attempts_max: 1,
        recompute: true,
    };
    let run = engine.create_run(request).await?;
    engine.work(run.id, Arc::new(AtomicBool::new(false))).await?;
    let kinds = Arc::clone(store.kinds());
    let tried = store.read(move |read| {
        let run = runs::by_key(read, run.key)?.unwrap_or(run);
        let mut tried = Tried { units: Vec::new(), facts: Vec::new() };
        for state in STATES {
            tried.units.extend(units::in_state(read, &run, state, 0, UNITS_MAX)?);
        }
        let keys: Vec<i64> = tried.units.iter().map(|unit| unit.key).collect();
        for record in records::of_units(read, &keys)? {
            let fact = FactView::new(&record, &kinds);
            let asset = fact.asset_id.map(|asset| asset.to_string()).unwrap_or_default();
            tried.facts.push(format!("{asset} {} v{} {}", fact.kind, fact.schema_version, fact.content_hash));
        }
        tried.facts.sort();
        Ok(tried)
    });
    Ok(tried.await?)
}

// Lines of the report ----------------------------------------------------------------------------------------------------

fn manifest_check(plugin: &PluginFolder) -> Check {
    let (files, kinds) = (plugin.files.iter().count(), plugin.kinds.len());
    let says = format!(
        "{} version {}, {files} files, {kinds} kinds of its own",
        plugin.manifest.name, plugin.manifest.version
    );
    Check { name: "manifest", ok: true, says }
}

fn start_check(tried: &Tried) -> Check {
    const START: [&str; 2] = ["extractor-unable", "extractor-not-started"];
    let failed = tried.units.iter().find(|unit| unit.reason.as_deref().is_some_and(|reason| START.contains(&reason)));
    let says = match failed {
        Some(unit) => unit.detail.clone().unwrap_or_default(),
        None => format!("it speaks protocol {}", exhibit_engine::protocol::PROTOCOL_VERSION),
    };
    Check { name: "starts", ok: failed.is_none(), says }
}

/// Every unit was answered by the plug-in itself. How it answers is its own affair: an original may be damaged or of no interest.
fn answer_check(tried: &Tried) -> Check {
    let fault =
        |unit: &&Unit| !unit.state.is_ended() || unit.reason.as_deref().is_some_and(|reason| FAULTS.contains(&reason));
    let faults: Vec<&Unit> = tried.units.iter().filter(fault).collect();
    let says = match faults.first() {
        None => {
            let count = |state: UnitState| tried.units.iter().filter(|unit| unit.state == state).count();
            let states = STATES.into_iter().filter(|state| count(*state) > 0);
            let states: Vec<String> = states.map(|state| format!("{} {state}", count(state))).collect();
            format!("{} units: {}", tried.units.len(), states.join(", "))
        }
        Some(first) => {
            let (reason, detail) = (first.reason.as_deref().unwrap_or("?"), first.detail.as_deref().unwrap_or(""));
            format!("{} of {} units, the first with {reason}: {detail}", faults.len(), tried.units.len())
        }
    };
    Check { name: "answers", ok: faults.is_empty() && !tried.units.is_empty(), says }
}

fn repeat_check(first: &Tried, second: &Tried) -> Check {
    let ends = |tried: &Tried| {
        let mut ends: Vec<String> = tried
            .units
            .iter()
            .map(|unit| format!("{} {} {:?} {:?}", unit.asset, unit.state, unit.reason, unit.detail))
            .collect();
        ends.sort();
        ends
    };
    let (one, two): (BTreeSet<_>, BTreeSet<_>) = (first.facts.iter().collect(), second.facts.iter().collect());
    let other = one.symmetric_difference(&two).next();
    let says = match other {
        Some(fact) => format!("the second time it found something else: {fact}"),
        None if ends(first) != ends(second) => "the second time units ended otherwise or in other words".to_owned(),
        None => "the second time it found the same".to_owned(),
    };
    Check { name: "repeats", ok: first.facts == second.facts && ends(first) == ends(second), says }
}

fn originals_check(same: bool) -> Check {
    let says = if same { "they are as they were" } else { "they are not as they were" };
    Check { name: "originals", ok: same, says: says.to_owned() }
}

fn scratch_check(scratch: &Path) -> Check {
    let left = std::fs::read_dir(scratch).map_or(0, Iterator::count);
    let says = if left == 0 { "nothing is left".to_owned() } else { format!("{left} entries are left") };
    Check { name: "scratch", ok: left == 0, says }
}
