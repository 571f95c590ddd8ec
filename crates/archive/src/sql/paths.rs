//! Paths whose device number changed, because their file system was mounted elsewhere.

use exhibit_store::{Sql, StoreError, Tx, Value};

const SET_DEVICE: Sql = Sql::pair(
    "path_set_device",
    "update paths set device = $2, state = 0 where path = $1 and state < 2",
    "update paths set device = given.device, state = 0 from unnest($1::bigint[], $2::bigint[]) as given (path, device) \
     where paths.path = given.path and paths.state < 2",
);

/// Notes that files are present on another device, by path key.
///
/// # Errors
/// When the database cannot be written.
pub fn set_devices(tx: &mut Tx<'_>, paths: &[(i64, i64)]) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> =
        paths.iter().map(|(path, device)| vec![Value::Int(*path), Value::Int(*device)]).collect();
    tx.execute_many(&SET_DEVICE, &rows).map(|_| ())
}
