//! The making of a folder or zip: facts and lineage first, because they are of one moment; then originals and blobs; then what says what
//! there is.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;

use exhibit_engine::originals::{Links, open_beneath, open_root};
use exhibit_model::canonical::canonical_of;
use exhibit_model::digest::Digest;
use exhibit_model::ids::AssetId;
use exhibit_model::time::Timestamp;
use exhibit_store::delivery::{DeliveryError, Progress};
use exhibit_store::sql::assets::{self, Asset};
use exhibit_store::sql::sources::Source;
use exhibit_store::{Store, StoreError};
use serde_json::json;

use super::facts::{Fact, Facts, Frozen, facts_of};
use super::names::Names;
use super::prov::{Prov, SECTIONS, write_document};
use super::sink::{Added, Sink};
use super::{ExportError, ExportFormat, ExportOptions, ExportReport, FORMAT, Failure, VERSION, root_of};
use crate::catalog::printable;
use crate::sql::export::{self as sql, PresentPath};

/// Assets whose facts are held at once.
pub(super) const PAGE_ASSETS: usize = 64;

/// Facts, one JSON document a line.
const FACTS: &str = "facts.jsonl";

/// Which original has which name, and what it was called.
const ORIGINALS_LIST: &str = "originals.jsonl";

/// Lineage.
const LINEAGE: &str = "lineage.prov.json";

/// What the export is.
const NOTE: &str = "export.json";

/// Where an export stands.
pub(super) struct State {
    pub(super) frozen: Arc<Frozen>,
    pub(super) last_seq: i64,
    pub(super) members: Vec<(AssetId, i64)>,
    pub(super) sources: Vec<Source>,
    pub(super) note: String,
    pub(super) report: ExportReport,
}

pub(super) async fn make(
    store: &Store,
    options: ExportOptions,
    mut state: State,
    progress: Arc<Progress>,
) -> Result<ExportReport, ExportError> {
    let mut sink = Sink::begin(&options.target, options.format == ExportFormat::Zip, &progress)?;
    let mut blobs = Vec::new();
    if options.parts.facts {
        blobs = write_facts(store, &mut state, &mut sink).await?;
    } else if options.parts.blobs {
        blobs = each_blob_of(store, &mut state).await?;
    }
    let blobs = if options.parts.blobs { sorted_blobs(blobs) } else { BTreeMap::new() };
    progress.expect_bytes(blobs.values().sum());
    if options.parts.originals {
        copy_originals(store, &mut state, &mut sink, &progress).await?;
    }
    let files = store.blobs().clone();
    // Beside the runtime: a blob after the other is copied from disk to disk.
    tokio::task::block_in_place(|| copy_blobs(&files, blobs, &mut state, &mut sink))?;
    let made_at = store.clock().now().to_string();
    tokio::task::block_in_place(|| {
        write_note(&options, &state, made_at, &mut sink)?;
        (state.report.files, state.report.bytes) = (sink.files, sink.bytes);
        let target = sink.finish()?;
        state.report.target = target.display().to_string();
        Ok(state.report)
    })
}

/// The facts of some members.
async fn page_of(store: &Store, state: &State, keys: Vec<i64>) -> Result<Facts, StoreError> {
    let (kinds, frozen, last_seq) = (Arc::clone(store.kinds()), Arc::clone(&state.frozen), state.last_seq);
    store.read(move |read| facts_of(read, &kinds, &frozen, last_seq, &keys)).await
}

fn pages(state: &State) -> Vec<Vec<i64>> {
    state.members.chunks(PAGE_ASSETS).map(|page| page.iter().map(|(_, key)| *key).collect()).collect()
}

/// The blobs of the facts of the members, without writing the facts. A blob may be named many times.
pub(super) async fn each_blob_of(store: &Store, state: &mut State) -> Result<Vec<(Digest, u64)>, ExportError> {
    let mut blobs = Vec::new();
    for keys in pages(state) {
        let page = page_of(store, state, keys).await?;
        blobs.extend(page.found.iter().flat_map(|(_, facts)| facts).filter_map(blob_of));
    }
    Ok(blobs)
}

fn blob_of(fact: &Fact) -> Option<(Digest, u64)> {
    fact.envelope.blob.as_ref().map(|blob| (blob.sha256, blob.bytes))
}

/// Each once, in order.
pub(super) fn sorted_blobs(blobs: Vec<(Digest, u64)>) -> BTreeMap<Digest, u64> {
    blobs.into_iter().collect()
}

/// Writes facts and lineage; returns the blobs that they name.
async fn write_facts(store: &Store, state: &mut State, sink: &mut Sink<'_>) -> Result<Vec<(Digest, u64)>, ExportError> {
    let mut blobs = Vec::new();
    let mut lines = sink.work_file(FACTS)?;
    let mut places = Vec::new();
    for title in SECTIONS {
        places.push(sink.work_file(title)?);
    }
    let Ok(places) = <[BufWriter<File>; SECTIONS.len()]>::try_from(places) else {
        return Err(StoreError::Unexpected("a section has no place".to_owned()).into());
    };
    let mut prov = Prov::new(places);
    for keys in pages(state) {
        if sink.should_stop() {
            return Err(DeliveryError::Stopped.into());
        }
        let page = page_of(store, state, keys).await?;
        for (subject, reason) in page.broken {
            state.report.fail(Failure { subject, path: None, code: "damaged".into(), reason });
        }
        for (asset, facts) in &page.found {
            let written = write_page(asset, facts, &mut lines, &mut prov);
            written.map_err(|error| DeliveryError::file(&sink.work_path(FACTS), error))?;
            blobs.extend(facts.iter().filter_map(blob_of));
            state.report.facts += facts.len() as u64;
        }
    }
    tokio::task::block_in_place(|| {
        let failed = |error| DeliveryError::file(&sink.work_path(LINEAGE), error);
        lines.flush().map_err(failed)?;
        for mut place in prov.into_places() {
            place.flush().map_err(failed)?;
        }
        let mut document = sink.work_file(LINEAGE)?;
        let written = write_document(&mut document, &mut |index, to| {
            io::copy(&mut File::open(sink.work_path(SECTIONS[index]))?, to).map(|_| ())
        });
        written.and_then(|()| document.flush()).map_err(failed)?;
        sink.take(FACTS)?;
        sink.take(LINEAGE)
    })?;
    Ok(blobs)
}

fn write_page(
    asset: &Asset,
    facts: &[Fact],
    lines: &mut BufWriter<File>,
    prov: &mut Prov<BufWriter<File>>,
) -> io::Result<()> {
    prov.asset(asset)?;
    for fact in facts {
        let mut line = canonical_of(fact).map_err(|findings| io::Error::other(findings.to_string()))?;
        line.push(b'\n');
        lines.write_all(&line)?;
        prov.fact(&fact.envelope, fact.lineage_hash, &fact.made)?;
    }
    Ok(())
}

/// Copies every original from the first of its paths that has its bytes.
async fn copy_originals(
    store: &Store,
    state: &mut State,
    sink: &mut Sink<'_>,
    progress: &Progress,
) -> Result<(), ExportError> {
    let mut list = sink.work_file(ORIGINALS_LIST)?;
    let mut roots = Roots { sources: std::mem::take(&mut state.sources), open: HashMap::new() };
    let mut names = Names::default();
    let all: Vec<i64> = state.members.iter().map(|(_, key)| *key).collect();
    let total = super::bytes_of(store, all).await?;
    progress.expect_bytes(total);
    for keys in pages(state) {
        let (known, paths) =
            store.read(move |read| Ok((assets::by_keys(read, &keys)?, sql::paths(read, &keys)?))).await?;
        let mut known: Vec<Asset> = known;
        known.sort_by_key(|asset| asset.sha256);
        tokio::task::block_in_place(|| {
            for asset in &known {
                let own: Vec<&PresentPath> = paths.iter().filter(|path| path.asset == asset.key).collect();
                copy_original(asset, &own, &mut roots, &mut names, (sink, &mut list, &mut state.report))?;
            }
            Ok::<_, ExportError>(())
        })?;
    }
    list.flush().map_err(|error| DeliveryError::file(&sink.work_path(ORIGINALS_LIST), error))?;
    tokio::task::block_in_place(|| sink.take(ORIGINALS_LIST))?;
    state.sources = roots.sources;
    Ok(())
}

/// The roots of the sources, opened when the first original of them is wanted.
struct Roots {
    sources: Vec<Source>,
    open: HashMap<i64, Result<OwnedFd, Unopened>>,
}

/// Why a file cannot be opened: the code and the words of a failure.
type Unopened = (&'static str, String);

fn unopened(what: &str, error: &io::Error) -> Unopened {
    let code = if error.kind() == io::ErrorKind::NotFound { "missing" } else { "unreadable" };
    (code, format!("{what}: {error}"))
}

impl Roots {
    fn source(&self, key: i64) -> Option<&Source> {
        self.sources.iter().find(|source| source.key == key)
    }

    fn open(&mut self, key: i64, path: &[u8]) -> Result<File, Unopened> {
        let root = self.source(key).map(root_of);
        let root = self.open.entry(key).or_insert_with(|| {
            let root = root.ok_or_else(|| ("missing", "its source is gone".to_owned()))?;
            open_root(&root).map_err(|error| unopened("its source cannot be reached", &error))
        });
        let root = root.as_ref().map_err(Clone::clone)?;
        open_beneath(root.as_fd(), path, Links::Refuse).map_err(|error| unopened("it cannot be opened", &error))
    }
}

fn copy_original(
    asset: &Asset,
    paths: &[&PresentPath],
    roots: &mut Roots,
    names: &mut Names,
    (sink, list, report): (&mut Sink<'_>, &mut BufWriter<File>, &mut ExportReport),
) -> Result<(), ExportError> {
    let id = AssetId(asset.sha256);
    let bytes = u64::try_from(asset.size_bytes).unwrap_or(0);
    let Some(first) = paths.first() else {
        let reason = "no scan finds it any more".to_owned();
        report.fail(Failure { subject: id.to_string(), path: None, code: "missing".into(), reason });
        return Ok(());
    };
    let source_name = roots.source(first.source).map_or("source", |source| source.name.as_str());
    let name = names.take(id, source_name, &first.path);
    let mut refusal = None;
    for path in paths {
        let (code, reason) = match roots.open(path.source, &path.path) {
            Err(unopened) => unopened,
            Ok(mut file) => match sink.add(&name, &mut file, (asset.sha256, bytes))? {
                Added::Done => {
                    sink.set_time(&name, path.mtime_ns);
                    report.originals += 1;
                    return Ok(write_original(asset, &name, paths, roots, list)
                        .map_err(|error| DeliveryError::file(&sink.work_path(ORIGINALS_LIST), error))?);
                }
                Added::Refused(reason) => ("changed", reason),
            },
        };
        refusal.get_or_insert_with(|| Failure {
            subject: id.to_string(),
            path: Some(printable(&path.path)),
            code: code.into(),
            reason: format!("{reason}; `exhibit scan` brings the catalog up to date"),
        });
    }
    refusal.into_iter().for_each(|failure| report.fail(failure));
    Ok(())
}

fn write_original(
    asset: &Asset,
    name: &str,
    paths: &[&PresentPath],
    roots: &Roots,
    list: &mut BufWriter<File>,
) -> io::Result<()> {
    use base64::Engine as _;
    let paths = paths.iter().map(|path| {
        json!({
            "source": roots.source(path.source).map(|source| source.name.as_str()), "path": printable(&path.path),
            "path_b64": base64::prelude::BASE64_STANDARD.encode(&path.path), "modified": Timestamp(path.mtime_ns.div_euclid(1_000)),
        })
    });
    let line = json!({
        "asset_id": AssetId(asset.sha256), "name": name, "bytes": asset.size_bytes, "media_type": asset.media_type,
        "paths": paths.collect::<Vec<_>>(),
    });
    writeln!(list, "{line}")
}

fn copy_blobs(
    files: &exhibit_store::Blobs,
    blobs: BTreeMap<Digest, u64>,
    state: &mut State,
    sink: &mut Sink<'_>,
) -> Result<(), ExportError> {
    for (sha256, bytes) in blobs {
        let hex = sha256.to_hex();
        let added = match files.open_blob(sha256) {
            Err(error) => Added::Refused(error.to_string()),
            Ok(mut file) => sink.add(&format!("blobs/{}/{hex}", &hex[..2]), &mut file, (sha256, bytes))?,
        };
        match added {
            Added::Done => state.report.blobs += 1,
            Added::Refused(reason) => {
                let subject = format!("blob {sha256}");
                state.report.fail(Failure { subject, path: None, code: "damaged".into(), reason });
            }
        }
    }
    Ok(())
}

/// The last file: what this is, what is not in it, and the signed checkpoint of the ledger that the facts lie in.
fn write_note(options: &ExportOptions, state: &State, made_at: String, sink: &mut Sink<'_>) -> Result<(), ExportError> {
    let report = &state.report;
    let note = json!({
        "format": FORMAT, "version": VERSION, "exported_at": made_at, "exhibit": options.exhibit,
        "selection": options.selection, "parts": options.parts, "sandboxes": options.sandboxes,
        "assets": report.assets, "originals": report.originals, "facts": report.facts, "blobs": report.blobs,
        "failed": report.failed, "failures": report.failures,
        "ledger": {
            "batches": report.batches, "root": report.root, "checkpoint": state.note,
            "key": options.key.verifier().to_string(),
        },
    });
    let mut file = sink.work_file(NOTE)?;
    let failed = |error| DeliveryError::file(&sink.work_path(NOTE), error);
    let text = serde_json::to_string_pretty(&note).map_err(|error| failed(error.into()))?;
    writeln!(file, "{text}").and_then(|()| file.flush()).map_err(failed)?;
    drop(file);
    Ok(sink.take(NOTE)?)
}
