//! Files of older versions: taken over, their reports, and whether they changed since.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::extract::State;
use exhibit_http::{ApiError, At, Body, Json, Page, PageQuery, Query, Route, Scope, limit};
use exhibit_model::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Api;
use super::alerts::{cursor_of, parts_of};
use super::views::iso;
use crate::import::drift::{self, drift};
use crate::import::report::{Compared, Report, ReportRow};
use crate::import::{ImportError, Imported, Kind, Request, import};
use crate::sql::imports;

/// Reports of a page, unless asked otherwise.
const PAGE: u32 = 50;

/// Rows of a report that are told at once, unless asked otherwise: what a person reads on a page.
const ROWS: u32 = 500;

/// Rows that an import itself tells: all others are in its report, and a dry run, which leaves none, tells how many there are.
const ROWS_TOLD_MAX: usize = 1_000;

const IMPORT: &str = "/v1/agents/import";

/// Where files may lie, and where reports go.
#[derive(Debug, Clone, Default)]
pub struct Folders {
    /// The folder below which a file may be named over HTTP; none may without.
    pub allowed: Option<PathBuf>,
    /// The folder of data, in which `import-reports` is.
    pub data: PathBuf,
}

pub(super) fn routes(api: &Api) -> Vec<Route> {
    let with = || api.clone();
    let words = ("agentsImport", "Takes an older file over, or says what would become of it");
    let take = Route::post(IMPORT, words, Scope::Admin, (take, with()));
    let words = ("agentsImportReports", "Imports, the newest first");
    let reports = Route::get("/v1/agents/import/reports", words, Scope::Admin, (reports, with()));
    let words = ("agentsImportReport", "What an import did, and why rows were not written");
    let one = Route::get("/v1/agents/import/reports/{report_id}", words, Scope::Admin, (one, with()));
    let words = ("agentsImportDrift", "Whether files that were taken over changed since");
    let changed = Route::get("/v1/agents/import/drift", words, Scope::Admin, (changed, with()));
    vec![
        take.body::<Ask>().answers::<ImportDetail>(200, "What became of it").fails(&[409]),
        reports.query::<PageQuery>().answers::<Page<ImportReport>>(200, "A page"),
        one.query::<PageQuery>().answers::<ImportDetail>(200, "The report, with a page of its rows").fails(&[404]),
        changed.answers::<Page<ImportedFile>>(200, "Every file"),
    ]
}

/// What is to be taken over.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "ImportAsk")]
struct Ask {
    /// The sort of file.
    kind: Kind,
    /// Where it lies below `agents.import.folder` on the machine of the server.
    path: String,
    /// Only say what would become of it.
    #[serde(default)]
    dry_run: bool,
    /// A row that says something else than what stands becomes a further revision.
    #[serde(default)]
    replace: bool,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportReport {
    /// Its id; a dry run has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report_id: Option<String>,
    /// The sort of file.
    pub kind: Kind,
    /// Where the file was.
    pub path: String,
    /// SHA-256 of its bytes, 64 hex digits.
    pub source_hash: String,
    /// Whether nothing was written.
    pub dry_run: bool,
    /// When it began.
    pub started_at: String,
    /// When it ended; absent when it was broken off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
    /// Rows of the file: those below together.
    pub read: u64,
    /// Rows that are here now, or would be.
    pub written: u64,
    /// Rows that were here before, or that something newer stands in the place of.
    pub skipped: u64,
    /// Rows that were refused.
    pub errors: u64,
    /// Rows beyond those whose reasons are kept.
    pub rows_omitted: u64,
    /// Whether every session and every usage was read and the sums are the same; absent when nothing was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parity_ok: Option<bool>,
    /// The sums of the file and of the same sessions here, money in nano-USD.
    pub totals: Compared,
}

impl From<Report> for ImportReport {
    fn from(report: Report) -> Self {
        Self {
            report_id: Some(report.report_id).filter(|id| !id.is_empty()),
            kind: report.kind,
            path: report.path,
            source_hash: report.source_hash.to_hex(),
            dry_run: report.dry_run,
            started_at: iso(report.started_at),
            finished_at: report.finished_at.map(iso),
            read: report.read,
            written: report.written,
            skipped: report.skipped,
            errors: report.errors,
            rows_omitted: report.rows_omitted,
            parity_ok: report.parity_ok,
            totals: report.totals,
        }
    }
}

/// A row that was not written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportRow {
    /// Where it stands in the file, counted from 0: `ledger[3]`.
    #[serde(rename = "ref")]
    pub reference: String,
    /// `skipped` or `error`.
    pub outcome: String,
    /// Why.
    pub reason: String,
}

impl From<ReportRow> for ImportRow {
    fn from(row: ReportRow) -> Self {
        Self { reference: row.reference, outcome: row.outcome.as_str().to_owned(), reason: row.reason }
    }
}

/// An import, and rows of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportDetail {
    /// The numbers.
    #[serde(flatten)]
    pub report: ImportReport,
    /// Rows that were not written, in the order of the file.
    pub rows: Vec<ImportRow>,
    /// The `cursor` with which its report goes on; absent when these are the last of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl ImportDetail {
    /// What an import tells at once.
    pub fn of(imported: Imported) -> Self {
        let Imported { report, mut rows } = imported;
        let is_cut = rows.len() > ROWS_TOLD_MAX;
        rows.truncate(ROWS_TOLD_MAX);
        // Of a dry run nothing can be asked for later.
        let next = (is_cut && !report.dry_run).then(|| next_of(ROWS_TOLD_MAX));
        Self { report: report.into(), rows: rows.into_iter().map(ImportRow::from).collect(), next }
    }

    /// A report with the rows after a place, `size` of them at most.
    fn page(report: Report, mut rows: Vec<ReportRow>, after: i64, size: usize) -> Self {
        let is_cut = rows.len() > size;
        rows.truncate(size);
        let told = usize::try_from(after.saturating_add(1)).unwrap_or(0).saturating_add(rows.len());
        let next = is_cut.then(|| next_of(told));
        Self { report: report.into(), rows: rows.into_iter().map(ImportRow::from).collect(), next }
    }
}

/// The cursor after so many rows.
fn next_of(told: usize) -> String {
    cursor_of(&i64::try_from(told).unwrap_or(i64::MAX).saturating_sub(1))
}

async fn take(State(api): State<Api>, Body(ask): Body<Ask>) -> Result<Json<ImportDetail>, ApiError> {
    let folders = &api.0.options.import;
    let path = allowed(folders.allowed.as_deref(), &ask.path)?;
    let Ask { kind, dry_run, replace, .. } = ask;
    let request = Request { kind, path, data: folders.data.clone(), dry_run, replace };
    let busy = || ApiError::conflict("busy", "a file is being taken over already");
    let alone = Arc::clone(&api.0.importing).try_lock_owned().map_err(|_| busy())?;
    // It goes on when the request has had its time, and its report says how it ended.
    let work = tokio::spawn(async move {
        let done = import(api.store(), request).await;
        if !dry_run && done.is_ok() {
            api.0.options.commits.ingested();
        }
        drop(alone);
        done
    });
    let imported = work.await.map_err(ApiError::internal)??;
    Ok(Json(ImportDetail::of(imported)))
}

/// The file that is meant, when it may be named over HTTP.
fn allowed(folder: Option<&Path>, path: &str) -> Result<PathBuf, ApiError> {
    let refused = |message: &str| {
        ApiError::conflict("import-refused", "the file cannot be taken over").at("/path", "import-refused", message)
    };
    let Some(folder) = folder else {
        return Err(refused("no file may be named over HTTP: agents.import.folder is not set"));
    };
    // What lies elsewhere is told in the same words as what does not lie anywhere.
    let found = folder.canonicalize().and_then(|folder| Ok((folder.join(path).canonicalize()?, folder)));
    match found {
        Ok((found, folder)) if found.starts_with(&folder) && found.is_file() => Ok(found),
        _ => Err(refused("there is no such file below agents.import.folder")),
    }
}

impl From<ImportError> for ApiError {
    fn from(error: ImportError) -> Self {
        let detail = match &error {
            ImportError::Unreadable { source, .. } => format!("{error}: {source}"),
            _ => error.to_string(),
        };
        match error {
            ImportError::Unreadable { .. } | ImportError::TooLarge { .. } | ImportError::Malformed { .. } => {
                Self::conflict("import-refused", detail)
            }
            ImportError::Contended => Self::conflict("busy", detail),
            ImportError::ReportFile { source, .. } => Self::internal(format!("{detail}: {source}")),
            ImportError::Store(error) => error.into(),
        }
    }
}

async fn reports(State(api): State<Api>, Query(query): Query<PageQuery>) -> Result<Json<Page<ImportReport>>, ApiError> {
    let size = limit(query.limit, PAGE)?;
    let (at, id): (i64, String) = parts_of(query.cursor.as_deref())?.unwrap_or((i64::MAX, String::new()));
    let more = i64::try_from(size).unwrap_or(i64::MAX).saturating_add(1);
    let mut found = api.read(move |read| imports::page(read, (Timestamp(at), &id), more)).await?;
    let is_cut = found.len() > size;
    found.truncate(size);
    let next = found.last().filter(|_| is_cut).map(|last| cursor_of(&(last.started_at.0, &last.report_id)));
    Ok(Json(Page { items: found.into_iter().map(ImportReport::from).collect(), next, total: None }))
}

async fn one(
    State(api): State<Api>,
    At(id): At<String>,
    Query(query): Query<PageQuery>,
) -> Result<Json<ImportDetail>, ApiError> {
    let size = limit(query.limit, ROWS)?;
    let after: i64 = parts_of(query.cursor.as_deref())?.unwrap_or(-1);
    let more = i64::try_from(size).unwrap_or(i64::MAX).saturating_add(1);
    let found = api
        .read(move |read| {
            let Some(report) = imports::by_id(read, &id)? else { return Ok(None) };
            let rows = imports::rows(read, &id, after, more)?;
            Ok(Some((report, rows)))
        })
        .await?;
    let (report, rows) = found.ok_or_else(|| ApiError::not_found("not-found", "there is no report of that id"))?;
    Ok(Json(ImportDetail::page(report, rows, after, size)))
}

/// A file that was taken over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportedFile {
    /// Where it is.
    pub path: String,
    /// The report of its last import.
    pub report_id: String,
    /// `same`, `changed`, `gone` or `unreadable`.
    pub state: String,
    /// SHA-256 of its bytes then, 64 hex digits.
    pub imported_hash: String,
    /// SHA-256 of its bytes now, when they changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// Why it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl From<drift::Drift> for ImportedFile {
    fn from(file: drift::Drift) -> Self {
        let (state, hash, reason) = match file.state {
            drift::State::Same => ("same", None, None),
            drift::State::Changed { now } => ("changed", Some(now.to_hex()), None),
            drift::State::Gone => ("gone", None, None),
            drift::State::Unreadable(reason) => ("unreadable", None, Some(reason)),
        };
        let imported_hash = file.imported.to_hex();
        Self { path: file.path, report_id: file.report_id, state: state.to_owned(), imported_hash, hash, reason }
    }
}

async fn changed(State(api): State<Api>) -> Result<Json<Page<ImportedFile>>, ApiError> {
    let files = drift(api.store()).await?;
    Ok(Json(Page::whole(files.into_iter().map(ImportedFile::from).collect())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_below_the_folder_may_be_named() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("allowed");
        std::fs::create_dir_all(folder.join("deep")).unwrap();
        for name in ["allowed/a.json", "allowed/deep/b.json", "outside.json"] {
            std::fs::write(root.path().join(name), "{}").unwrap();
        }
        std::os::unix::fs::symlink(root.path().join("outside.json"), folder.join("link.json")).unwrap();
        let whole = folder.join("a.json").display().to_string();
        for path in ["a.json", "deep/b.json", "deep/../a.json", &whole] {
            assert!(allowed(Some(&folder), path).is_ok(), "{path}");
        }
        let outside = root.path().join("outside.json").display().to_string();
        for path in ["", ".", "deep", "nothing.json", "../outside.json", "link.json", "/etc/passwd", "a\0b", &outside] {
            assert_eq!(allowed(Some(&folder), path).unwrap_err().code(), "import-refused", "{path:?}");
        }
        assert!(allowed(None, "a.json").is_err());
        assert!(allowed(Some(&root.path().join("nowhere")), "a.json").is_err());
    }
}
