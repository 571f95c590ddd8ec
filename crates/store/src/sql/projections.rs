//! Statements on the projection tables of kinds. Their names come from a closed grammar, so they can stand in the text.

use std::collections::BTreeMap;

use exhibit_model::kind::{ColumnType, KindDeclaration};

use crate::error::StoreError;
use crate::kinds::columns;
use crate::params;
use crate::session::{Read, Tx};
use crate::value::{Sql, Value, intern};

fn statement(purpose: &str, table: &str, text: String) -> Sql {
    Sql { name: intern(format!("{purpose}_{table}")), sqlite: text.clone().into(), postgres: text.into() }
}

/// Empties a projection table.
pub(crate) fn empty(tx: &mut Tx<'_>, declaration: &KindDeclaration) -> Result<(), StoreError> {
    tx.script(&format!("delete from \"{}\"", declaration.table_name()))
}

/// Takes the rows of a range of records out of a projection table.
pub(crate) fn remove(tx: &mut Tx<'_>, declaration: &KindDeclaration, first: i64, last: i64) -> Result<(), StoreError> {
    let table = declaration.table_name();
    let sql = statement("remove", &table, format!("delete from \"{table}\" where seq >= $1 and seq <= $2"));
    tx.execute(&sql, params![first, last]).map(|_| ())
}

/// Places of the records about an asset. Uses the index on the asset that every projection table has.
pub(crate) fn of_asset(
    read: &Read<'_>,
    declaration: &KindDeclaration,
    asset: i64,
    limit: i64,
) -> Result<Vec<(i64,)>, StoreError> {
    let table = declaration.table_name();
    let sql =
        statement("of_asset", &table, format!("select seq from \"{table}\" where asset = $1 order by seq limit $2"));
    read.all(&sql, params![asset, limit])
}

/// Rows in a projection table.
pub(crate) fn count(read: &Read<'_>, declaration: &KindDeclaration) -> Result<u64, StoreError> {
    let table = declaration.table_name();
    let sql = statement("count", &table, format!("select count(*) from \"{table}\""));
    Ok(read.one::<(u64,)>(&sql, &[])?.map_or(0, |row| row.0))
}

/// The rows of a range of records, each printed as one text.
pub(crate) fn rows(
    read: &Read<'_>,
    declaration: &KindDeclaration,
    first: i64,
    end: i64,
) -> Result<BTreeMap<i64, String>, StoreError> {
    let table = declaration.table_name();
    let names = columns(declaration);
    let list = names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let text = format!("select {list} from \"{table}\" where seq >= $1 and seq < $2 order by seq");
    let sql = statement("rows", &table, text);
    let mut found = BTreeMap::new();
    read.each(&sql, params![first, end], &mut |row| {
        let mut values: Vec<Value> = vec![row.get::<i64>(0)?.into()];
        for index in 1..4 {
            values.push(row.get::<Option<i64>>(index)?.into());
        }
        for (index, column) in declaration.columns.iter().enumerate() {
            values.push(match column.column_type {
                ColumnType::Int | ColumnType::Bool | ColumnType::Timestamp => row.get::<Option<i64>>(index + 4)?.into(),
                ColumnType::Real => row.get::<Option<f64>>(index + 4)?.into(),
                ColumnType::Text => row.get::<Option<String>>(index + 4)?.into(),
            });
        }
        found.insert(row.get(0)?, printed(&values));
        Ok(())
    })?;
    Ok(found)
}

/// One text per row, the same on both backends.
pub(crate) fn printed(row: &[Value]) -> String {
    format!("{row:?}")
}
