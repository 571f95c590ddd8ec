//! Sources and their scans.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use exhibit_http::{ApiError, At, Body, Json, Page, Query, Route, Scope, limit};
use exhibit_model::ids::SourceId;
use exhibit_model::time::Timestamp;
use exhibit_store::sql::assets::outcomes;
use exhibit_store::sql::sources;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Api;
use crate::catalog::{LookupError, find_source};
use crate::export::root_of;
use crate::relocate::{RelocateError, Relocated, relocate};
use crate::scan::{ScanError, ScanOptions, ScanProgress, check_root, scan};
use crate::sources::{OutcomeView, ScanView, SourceView};

/// Ended scans that are remembered.
const REMEMBERED_MAX: usize = 64;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct OutcomesQuery {
    /// Items of a page
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
    /// `next` of the page before
    cursor: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewSource")]
struct NewBody {
    /// The folder, as an absolute path on the machine of the server
    root: String,
    /// Its name; the name of the folder without
    name: Option<String>,
    /// Read everything, and report bytes that changed though size and time did not
    #[serde(default)]
    verify: bool,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MoveBody {
    /// The folder where it lies now, as an absolute path on the machine of the server
    root: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ScanBody {
    /// Read everything, and report bytes that changed though size and time did not
    #[serde(default)]
    verify: bool,
}

/// The scans of this server, the running ones and those that ended, by their folder. Clones are the same list.
#[derive(Clone, Default)]
pub(super) struct Scans(Arc<Mutex<BTreeMap<PathBuf, Desk>>>);

struct Desk {
    view: ScanView,
    progress: Arc<ScanProgress>,
}

impl Scans {
    /// Every scan, the newest first.
    pub(super) fn list(&self) -> Vec<ScanView> {
        let desks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut views: Vec<ScanView> = desks.values().map(Desk::now).collect();
        views.sort_by_key(|view| std::cmp::Reverse(view.started));
        views
    }

    /// A scan of one folder at a time.
    fn begin(&self, root: &Path, name: Option<String>, at: Timestamp) -> Option<(ScanView, Arc<ScanProgress>)> {
        let mut desks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if desks.get(root).is_some_and(|desk| desk.view.ended.is_none()) {
            return None;
        }
        if desks.len() >= REMEMBERED_MAX {
            let ended = desks.iter().filter(|(_, desk)| desk.view.ended.is_some());
            let oldest = ended.min_by_key(|(_, desk)| desk.view.started).map(|(root, _)| root.clone())?;
            desks.remove(&oldest);
        }
        let progress = Arc::new(ScanProgress::default());
        let view = ScanView {
            root: root.display().to_string(),
            name,
            state: "running".into(),
            seen: 0,
            read: 0,
            bytes: 0,
            new: None,
            missing: None,
            report: None,
            detail: None,
            started: at,
            ended: None,
        };
        desks.insert(root.to_owned(), Desk { view: view.clone(), progress: Arc::clone(&progress) });
        Some((view, progress))
    }

    fn end(&self, root: &Path, change: impl FnOnce(&mut ScanView)) {
        let mut desks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(desk) = desks.get_mut(root) {
            desk.view = desk.now();
            change(&mut desk.view);
        }
    }
}

impl Desk {
    fn now(&self) -> ScanView {
        let progress = &self.progress;
        let (seen, read, bytes) = (progress.entries(), progress.files_read(), progress.bytes_read());
        ScanView { seen, read, bytes, ..self.view.clone() }
    }
}

pub(super) fn routes(api: &Api) -> Vec<Route> {
    let (read, control, admin) = (Scope::Read, Scope::Control, Scope::Admin);
    vec![
        Route::get("/v1/sources", ("list_sources", "Folders that originals come from"), read, (list, api.clone()))
            .answers::<Page<SourceView>>(200, "All of them"),
        Route::post(
            "/v1/sources",
            ("add_source", "Add a folder below one of `server.sources_allowed` and scan it"),
            admin,
            (add, api.clone()),
        )
        .body::<NewBody>()
        .answers::<ScanView>(202, "It is being scanned")
        .fails(&[409]),
        Route::post(
            "/v1/sources/{name}/scan",
            ("scan_source", "Bring the catalog of a source up to date"),
            control,
            (again, api.clone()),
        )
        .body::<ScanBody>()
        .answers::<ScanView>(202, "It is being scanned")
        .fails(&[404, 409]),
        Route::get(
            "/v1/sources/{name}/outcomes",
            ("list_outcomes", "What the last scan of a source could not take in"),
            read,
            (list_outcomes, api.clone()),
        )
        .query::<OutcomesQuery>()
        .answers::<Page<OutcomeView>>(200, "A page")
        .fails(&[404]),
        Route::post(
            "/v1/sources/{name}/move",
            ("move_source", "Say that a source lies elsewhere now, below one of `server.sources_allowed`"),
            admin,
            (shift, api.clone()),
        )
        .body::<MoveBody>()
        .answers::<Relocated>(200, "It lies there now")
        .fails(&[404, 409]),
        Route::get("/v1/scans", ("list_scans", "Scans of this server, newest first"), read, (list_scans, api.clone()))
            .answers::<Page<ScanView>>(200, "All that are remembered"),
    ]
}

async fn list(State(api): State<Api>) -> Result<Json<Page<SourceView>>, ApiError> {
    Ok(Json(Page::whole(api.read(sources::all).await?.iter().map(SourceView::new).collect())))
}

async fn list_outcomes(
    State(api): State<Api>,
    At(name): At<String>,
    Query(asked): Query<OutcomesQuery>,
) -> Result<Json<Page<OutcomeView>>, ApiError> {
    let limit = limit(asked.limit, 100)?;
    let after = asked.cursor.as_deref().map_or(Ok(Vec::new()), place)?;
    let mut found = api
        .read(move |read| {
            let source = find_source(read, &name)?;
            Ok::<_, LookupError>(outcomes(read, source.key, &after, i64::try_from(limit + 1).unwrap_or(i64::MAX))?)
        })
        .await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|last| BASE64_URL_SAFE_NO_PAD.encode(&last.path));
    Ok(Json(Page { items: found.iter().map(OutcomeView::new).collect(), next, total: None }))
}

/// The path after which a list of outcomes goes on. It has no number; the path itself is its place.
fn place(cursor: &str) -> Result<Vec<u8>, ApiError> {
    BASE64_URL_SAFE_NO_PAD.decode(cursor).map_err(|_| {
        ApiError::bad("cursor-invalid", "the cursor is not one of this list").at(
            "/cursor",
            "cursor-invalid",
            "take `next` of the page before, as it is",
        )
    })
}

async fn list_scans(State(api): State<Api>) -> Json<Page<ScanView>> {
    Json(Page::whole(api.0.scans.list()))
}

fn refused(message: String) -> ApiError {
    ApiError::conflict("source-refused", "the folder cannot be a source").at("/root", "source-refused", message)
}

/// The folder that is meant, if a source may lie there.
fn allowed_root(api: &Api, root: &str) -> Result<PathBuf, ApiError> {
    let allowed = &api.options().sources_allowed;
    let root = check_root(Path::new(root), &api.options().own_folders).map_err(|error| refused(error.to_string()))?;
    let inside = allowed.iter().filter_map(|folder| folder.canonicalize().ok()).any(|folder| root.starts_with(folder));
    if !inside {
        let message = "it does not lie below a folder of server.sources_allowed; `exhibit scan` adds any folder";
        return Err(refused(message.to_owned()));
    }
    Ok(root)
}

async fn add(State(api): State<Api>, Body(asked): Body<NewBody>) -> Result<(StatusCode, Json<ScanView>), ApiError> {
    let root = allowed_root(&api, &asked.root)?;
    begin(&api, root, asked.name, asked.verify).map(|view| (StatusCode::ACCEPTED, Json(view)))
}

async fn shift(
    State(api): State<Api>,
    At(name): At<String>,
    Body(asked): Body<MoveBody>,
) -> Result<Json<Relocated>, ApiError> {
    let source = api.read(move |read| find_source(read, &name)).await?;
    let root = allowed_root(&api, &asked.root)?;
    match relocate(api.store(), &source, &root, &api.options().own_folders).await {
        Ok(moved) => Ok(Json(moved)),
        Err(RelocateError::Store(error)) => Err(error.into()),
        Err(error) => Err(refused(error.to_string())),
    }
}

async fn again(
    State(api): State<Api>,
    At(name): At<String>,
    Body(asked): Body<ScanBody>,
) -> Result<(StatusCode, Json<ScanView>), ApiError> {
    let source = api.read(move |read| find_source(read, &name)).await?;
    begin(&api, root_of(&source), Some(source.name), asked.verify).map(|view| (StatusCode::ACCEPTED, Json(view)))
}

/// Scans in the background; what it reads is kept also when the server ends meanwhile.
fn begin(api: &Api, root: PathBuf, name: Option<String>, verify: bool) -> Result<ScanView, ApiError> {
    let clock = Arc::clone(api.store().clock());
    let scans = api.0.scans.clone();
    let (began, progress) = scans.begin(&root, name.clone(), clock.now()).ok_or_else(|| {
        ApiError::conflict("scan-running", "this source is being scanned, or too many are; wait for the end")
    })?;
    let options = ScanOptions {
        root: root.clone(),
        name,
        verify,
        threads: api.options().scan_threads,
        own_folders: api.options().own_folders.clone(),
        new_id: SourceId(api.options().ids.next_ulid()),
    };
    let store = api.store().clone();
    tokio::spawn(async move {
        let result = scan(&store, options, progress).await;
        let at = clock.now();
        scans.end(&root, |view| {
            view.ended = Some(at);
            match result {
                Ok(report) => {
                    (view.state, view.name) = ("done".into(), Some(report.name.clone()));
                    (view.new, view.missing) = (Some(report.new_assets), Some(report.missing));
                    view.report = Some(report);
                }
                Err(error) => {
                    (view.state, view.detail) = ("failed".into(), Some(error.to_string()));
                    if let ScanError::Store(error) = error {
                        tracing::error!(%error, "a scan failed");
                    }
                }
            }
        });
    });
    Ok(began)
}
