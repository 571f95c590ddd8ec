//! The five columns of a cost, wherever one is kept: `cost_nano, pricing_version, cost_source, cost_confidence_level, cost_confidence`.

use exhibit_store::{Row, StoreError, Value};

use crate::money::Nano;
use crate::prices::{Cost, CostColumns};
use crate::provenance::{CostConfidence, Level, Source};

/// The columns as they are read.
pub(super) struct CostCells {
    nano: Option<i64>,
    version: Option<String>,
    source: String,
    level: String,
    confidence: String,
}

impl CostCells {
    /// Reads five columns from `first` on.
    pub(super) fn from_row(row: &Row<'_>, first: usize) -> Result<Self, StoreError> {
        Ok(Self {
            nano: row.get(first)?,
            version: row.get(first + 1)?,
            source: row.get(first + 2)?,
            level: row.get(first + 3)?,
            confidence: row.get(first + 4)?,
        })
    }
}

/// The cost that columns say.
pub(super) fn cost_of(cells: &CostCells) -> Result<Cost, StoreError> {
    let wrong = |what: &str| StoreError::Unexpected(format!("a stored cost cannot be read: {what}"));
    let columns = CostColumns {
        amount: cells.nano.map(Nano),
        version: cells.version.as_deref(),
        source: Source::of_word(&cells.source).ok_or_else(|| wrong(&cells.source))?,
        level: Level::of_word(&cells.level).ok_or_else(|| wrong(&cells.level))?,
        confidence: CostConfidence::of_word(&cells.confidence).ok_or_else(|| wrong(&cells.confidence))?,
    };
    Cost::from_columns(columns).map_err(|error| wrong(&error.to_string()))
}

/// The columns of a cost.
pub(super) fn cost_cells(cost: &Cost) -> Vec<Value> {
    exhibit_store::values![
        cost.amount().map(|amount| amount.0),
        cost.pricing_version().map(|version| version.as_str()),
        cost.source().as_str(),
        cost.level().as_str(),
        cost.confidence().as_str(),
    ]
}
