//! Originals that are delivered: opened read-only below the root of their source, and only as the catalog knows them.

use std::os::fd::AsFd as _;

use exhibit_engine::originals::{Links, open_beneath, open_root, stat_open};
use exhibit_http::{ApiError, File};
use exhibit_model::ids::AssetId;
use exhibit_store::sql::assets::{self, AssetPath, PathState};
use exhibit_store::sql::sources::{self, Source};
use exhibit_store::{Store, StoreError};

use crate::catalog::{find_asset, printable};
use crate::export::root_of;

/// Opens the original of an asset at the first of its paths where it is as the catalog says.
pub(super) async fn open_original(store: &Store, id: String) -> Result<File, ApiError> {
    let found = store.read(move |read| {
        let asset = match find_asset(read, &id) {
            Ok(asset) => asset,
            Err(error) => return Ok::<_, StoreError>(Err(ApiError::from(error))),
        };
        let paths = assets::paths_of(read, asset.key)?;
        Ok(Ok((asset, paths, sources::all(read)?)))
    });
    let (asset, paths, sources) = found.await??;
    let opened = tokio::task::spawn_blocking(move || {
        let present = paths.iter().filter(|path| path.state == PathState::Present);
        present
            .filter_map(|path| Some((path, open(path, &sources)?)))
            .next()
            .map(|(path, file)| (printable(&path.path), file))
    });
    let opened = opened.await.map_err(ApiError::internal)?;
    let (path, file) = opened.ok_or_else(|| {
        ApiError::not_found("not-present", "the original is not where the catalog says, or it has changed")
            .hint("mount its source, or scan it again")
    })?;
    Ok(File {
        file,
        length: u64::try_from(asset.size_bytes).unwrap_or(0),
        media_type: asset.media_type,
        etag: AssetId(asset.sha256).to_string(),
        immutable: false,
        name: path.rsplit('/').next().map(str::to_owned),
    })
}

fn open(path: &AssetPath, sources: &[Source]) -> Option<std::fs::File> {
    let source = sources.iter().find(|source| source.key == path.source)?;
    let root = open_root(&root_of(source)).ok()?;
    let file = open_beneath(root.as_fd(), &path.path, Links::Refuse).ok()?;
    let stat = stat_open(&file).ok()?;
    let same = i64::try_from(stat.size_bytes).is_ok_and(|size| size == path.stat.size_bytes)
        && stat.mtime_ns == path.stat.mtime_ns;
    same.then_some(file)
}
