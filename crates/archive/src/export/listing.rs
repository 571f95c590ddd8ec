//! The export that copies nothing: digests and absolute paths of originals and blobs, for `sha256sum -c` on this machine. Names stand as they
//! are, in the escapes of sha256sum.

use std::os::unix::ffi::OsStrExt as _;

use exhibit_store::Store;
use exhibit_store::delivery::{Delivery, DeliveryError, Manifest, Progress};

use super::maker::{PAGE_ASSETS, State, each_blob_of, sorted_blobs};
use super::{ExportError, ExportOptions, ExportReport, Failure, root_of};
use crate::catalog::printable;
use crate::sql::export as sql;

/// Longest path that programs can open in one piece: Linux' `PATH_MAX` of 4,096 less the final NUL.
const PATH_BYTES_MAX: usize = 4_095;

/// The list in its unfinished folder.
const LIST_NAME: &str = "list";

pub(super) async fn write(
    store: &Store,
    options: &ExportOptions,
    mut state: State,
    progress: &Progress,
) -> Result<ExportReport, ExportError> {
    let delivery = Delivery::begin(&options.target, 0o755)?;
    let mut list = Manifest::create(&delivery.folder().join(LIST_NAME), 0o644)?;
    let pages: Vec<Vec<_>> = state.members.chunks(PAGE_ASSETS).map(<[_]>::to_vec).collect();
    for page in pages {
        if progress.should_stop() {
            return Err(DeliveryError::Stopped.into());
        }
        let keys: Vec<i64> = page.iter().map(|(_, key)| *key).collect();
        if options.parts.originals {
            let asked = keys.clone();
            let paths = store.read(move |read| sql::paths(read, &asked)).await?;
            for (asset, key) in page {
                let own = paths.iter().filter(|path| path.asset == key);
                let whole = own.filter_map(|path| {
                    let source = state.sources.iter().find(|known| known.key == path.source)?;
                    Some([root_of(source).as_os_str().as_bytes(), b"/", &path.path].concat())
                });
                let whole: Vec<Vec<u8>> = whole.collect();
                match whole.iter().find(|path| path.len() <= PATH_BYTES_MAX) {
                    Some(path) => {
                        list.add(asset.0, path)?;
                        state.report.originals += 1;
                    }
                    None => state.report.fail(left_out(asset.to_string(), whole.first())),
                }
            }
        }
    }
    if options.parts.blobs {
        for (sha256, _) in sorted_blobs(each_blob_of(store, &mut state).await?) {
            let path = store.blobs().path_of(sha256);
            list.add(sha256, path.as_os_str().as_bytes())?;
            state.report.blobs += 1;
        }
    }
    state.report.files = list.files;
    list.finish()?;
    state.report.target = delivery.place_file(LIST_NAME)?.display().to_string();
    Ok(state.report)
}

fn left_out(subject: String, path: Option<&Vec<u8>>) -> Failure {
    match path {
        None => Failure { subject, path: None, code: "missing".into(), reason: "no scan finds it any more".to_owned() },
        Some(path) => {
            let reason = "no program can open a path of more than 4,095 bytes in one piece".to_owned();
            Failure { subject, path: Some(printable(path)), code: "path-too-long".into(), reason }
        }
    }
}
