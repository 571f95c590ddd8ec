//! Exports over HTTP: a zip is made in the background, waits for a while, and can be fetched in pieces.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use exhibit_engine::disk::size;
use exhibit_engine::scratch::Scratch;
use exhibit_http::{ApiError, At, Body, File, Job, JobState, Json, NewJob, Route, Scope, file};
use exhibit_store::delivery::{DeliveryError, Progress};
use exhibit_store::filter::Filter;
use schemars::JsonSchema;
use serde::Deserialize;

use super::jobs::result;
use super::{Api, run_error};
use crate::export::{
    ExportError, ExportFormat, ExportOptions, ExportParts, SelectError, Selection, bytes_of, export, select,
};
use crate::ledger::KEY_NAME;

/// How long an export waits for whoever fetches it.
const KEPT: Duration = Duration::from_secs(60 * 60);

/// Assets that one request names.
const NAMED_MAX: usize = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Part {
    /// The originals.
    Originals,
    /// Facts and their lineage.
    Facts,
    /// Blobs that belong to facts.
    Blobs,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ExportBody {
    /// The members of this collection; `all` when nothing else is named
    collection: Option<String>,
    /// What fulfils this filter now; not together with another selection
    filter: Option<String>,
    /// These assets; not together with another selection
    #[schemars(length(min = 1, max = NAMED_MAX))]
    assets: Option<Vec<String>>,
    /// What of them; all three without
    #[schemars(length(min = 1, max = 3))]
    what: Option<Vec<Part>>,
    /// What sandbox runs found, too
    #[serde(default)]
    sandboxes: bool,
}

/// Exports that can be fetched, by the id of their job. Clones are the same list.
#[derive(Clone, Default)]
pub(super) struct Exports(Arc<Mutex<BTreeMap<String, Made>>>);

/// An export, which goes with its folder.
struct Made {
    _scratch: Scratch,
    path: PathBuf,
    name: String,
}

impl Exports {
    fn made(&self) -> MutexGuard<'_, BTreeMap<String, Made>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, id: String, made: Made) {
        self.made().insert(id.clone(), made);
        let exports = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(KEPT).await;
            exports.made().remove(&id);
        });
    }

    /// Removes all of them.
    pub(super) fn clear(&self) {
        self.made().clear();
    }
}

pub(super) fn routes(api: &Api) -> Vec<Route> {
    vec![
        Route::post(
            "/v1/exports",
            ("make_export", "Copy originals, facts and blobs to a zip that anyone can check"),
            Scope::Control,
            (make, api.clone()),
        )
        .body::<ExportBody>()
        .answers::<Job>(202, "It is being made")
        .fails(&[404, 409, 507]),
        Route::get(
            "/v1/exports/{job}/file",
            ("get_export", "The zip, for an hour after it was made"),
            Scope::Read,
            (fetch, api.clone()),
        )
        .delivers("application/zip")
        .fails(&[404]),
    ]
}

fn wrong(pointer: &str, message: &str) -> ApiError {
    ApiError::bad("body-invalid", "the body is not understood").at(pointer, "body-invalid", message)
}

/// What is to be exported, in words for people, and the name of the file.
fn selection(asked: &ExportBody) -> Result<(Selection, String, String), ApiError> {
    match (&asked.collection, &asked.filter, &asked.assets) {
        (None, Some(filter), None) => {
            let filter = Filter::parse(filter.as_bytes())?;
            let words = format!("filter {}", filter.text());
            Ok((Selection::Filter(filter), words, "exhibit-selection.zip".to_owned()))
        }
        (None, None, Some(assets)) if (1..=NAMED_MAX).contains(&assets.len()) => {
            let words = format!("{} assets", assets.len());
            Ok((Selection::Assets(assets.clone()), words, "exhibit-selection.zip".to_owned()))
        }
        (None, None, Some(_)) => Err(wrong("/assets", &format!("name 1 to {NAMED_MAX} assets"))),
        (collection, None, None) => {
            let name = collection.as_deref().unwrap_or("all");
            let file = format!("exhibit-{name}.zip");
            Ok((Selection::Collection(name.to_owned()), format!("collection {name}"), file))
        }
        _ => Err(wrong("", "at most one of `collection`, `filter` and `assets` says what to export")),
    }
}

fn parts(asked: Option<&[Part]>) -> Result<ExportParts, ApiError> {
    let has = |part: Part| asked.is_none_or(|parts| parts.contains(&part));
    if asked.is_some_and(<[Part]>::is_empty) {
        return Err(wrong("/what", "name at least one of `originals`, `facts` and `blobs`"));
    }
    Ok(ExportParts { originals: has(Part::Originals), facts: has(Part::Facts), blobs: has(Part::Blobs) })
}

async fn make(State(api): State<Api>, Body(asked): Body<ExportBody>) -> Result<(StatusCode, Json<Job>), ApiError> {
    let parts = parts(asked.what.as_deref())?;
    let (wanted, subject, name) = selection(&asked)?;
    let (members, selection) = select(api.store(), wanted).await.map_err(select_error)?;
    let options = api.options();
    if parts.originals {
        let needed = bytes_of(api.store(), members.clone()).await?;
        let available = options.disk.available(&options.work_folder).unwrap_or(u64::MAX);
        if needed > available {
            let (needed, available) = (size(needed), size(available));
            let detail = format!(
                "the originals have {needed}, and {available} are free above the reserve on the disk of the server"
            );
            let problem = ApiError::new(StatusCode::INSUFFICIENT_STORAGE, "no-space", detail);
            return Err(problem.hint("export less at once, or use `exhibit export` on the server, to another disk"));
        }
    }
    let progress = Arc::new(Progress::default());
    let (watched, work) = (Arc::clone(&progress), api.clone());
    let export_options = move |target: PathBuf, key| ExportOptions {
        target,
        format: ExportFormat::Zip,
        parts,
        members,
        selection,
        sandboxes: asked.sandboxes,
        key,
        origin: KEY_NAME,
        exhibit: work.options().version.to_owned(),
        // The target is a scratch folder of ours; no source lies there, nor it in one.
        own_folders: Vec::new(),
    };
    let api = api.clone();
    let jobs = api.jobs().clone();
    let job = jobs.begin(NewJob { what: "export", subject, unit: "bytes" }, watched, |id| async move {
        let options = api.options();
        let scratch = Scratch::make(&options.work_folder, options.ids.next_ulid()).map_err(run_error)?;
        let path = scratch.path().join("export.zip");
        let key = (options.key)()?;
        let mut report =
            export(api.store(), export_options(path.clone(), key), progress).await.map_err(export_error)?;
        report.target.clone_from(&name);
        api.0.exports.keep(id, Made { _scratch: scratch, path, name });
        result(&report)
    });
    Ok((StatusCode::ACCEPTED, Json(job?)))
}

fn select_error(error: SelectError) -> ApiError {
    match error {
        SelectError::Lookup(error) => error.into(),
        SelectError::Collection(error) => error.into(),
        SelectError::Bind(error) => error.into(),
        SelectError::Store(error) => error.into(),
    }
}

fn export_error(error: ExportError) -> ApiError {
    match error {
        ExportError::Delivery(DeliveryError::NoSpace { .. }) => ApiError::new(
            StatusCode::INSUFFICIENT_STORAGE,
            "no-space",
            "the disk of the server became full; nothing of the export was left behind",
        ),
        ExportError::Delivery(DeliveryError::Stopped) => ApiError::conflict("stopped", "the export was stopped"),
        ExportError::Delivery(error) => ApiError::internal(error),
        ExportError::Checkpoint(error) => error.into(),
        ExportError::Store(error) => error.into(),
    }
}

async fn fetch(State(api): State<Api>, At(job): At<String>, wanted: HeaderMap) -> Result<Response, ApiError> {
    let gone = || {
        ApiError::not_found("no-export", format!("there is no export of job `{job}`, or not any more"))
            .hint("an export waits for an hour; make it again")
    };
    let place = api.0.exports.made().get(&job).map(|made| (made.path.clone(), made.name.clone()));
    let Some((path, name)) = place else {
        let state = api.jobs().find(&job).map_err(|_| gone())?.state;
        return Err(match state {
            JobState::Running => ApiError::not_found("no-export", "the export is not finished yet"),
            _ => gone(),
        });
    };
    let opened = tokio::task::spawn_blocking(move || {
        let opened = std::fs::File::open(path)?;
        let length = opened.metadata()?.len();
        Ok::<_, std::io::Error>((opened, length))
    });
    let (opened, length) = opened.await.map_err(ApiError::internal)?.map_err(|_| gone())?;
    let media_type = "application/zip".to_owned();
    Ok(file(&wanted, File { file: opened, length, media_type, etag: job, immutable: true, name: Some(name) }))
}
