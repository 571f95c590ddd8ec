//! Statements on how much room things take.

use crate::error::StoreError;
use crate::params;
use crate::session::Read;
use crate::value::Sql;

const BLOB_BYTES: Sql =
    Sql::same("space_blobs", "select cast(coalesce(sum(size_bytes), 0) as bigint) from blobs where gone_us is null");
const DATABASE_BYTES: Sql = Sql::pair(
    "space_database",
    "select page_count * page_size from pragma_page_count(), pragma_page_size()",
    "select pg_database_size(current_database())",
);
const MEMBER_TYPES: Sql = Sql::same(
    "space_member_types",
    "select assets.media_type, count(*) from run_members join assets on assets.asset = run_members.asset \
     where run_members.run = $1 group by assets.media_type order by assets.media_type",
);

/// Bytes of all blobs that are kept.
///
/// # Errors
/// When the database cannot be read.
pub fn blob_bytes(read: &Read<'_>) -> Result<u64, StoreError> {
    Ok(read.one::<(u64,)>(&BLOB_BYTES, &[])?.map_or(0, |row| row.0))
}

/// Bytes of the database.
///
/// # Errors
/// When the database cannot be read.
pub fn database_bytes(read: &Read<'_>) -> Result<u64, StoreError> {
    Ok(read.one::<(u64,)>(&DATABASE_BYTES, &[])?.map_or(0, |row| row.0))
}

/// Members of a run by media type.
///
/// # Errors
/// When the database cannot be read.
pub fn member_types(read: &Read<'_>, run: i64) -> Result<Vec<(String, u64)>, StoreError> {
    read.all(&MEMBER_TYPES, params![run])
}
