//! What an older file says of the numbers of a session: as it is recorded, and read back.

use exhibit_model::time::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::money::Nano;
use crate::prices::{Cost, CostColumns};
use crate::provenance::{CostConfidence, Level, Provenance, Source};

/// Numbers that are kept as the file says them, and not reckoned here.
#[derive(Debug, Clone, PartialEq)]
pub struct Stated {
    /// How long the session ran, in milliseconds.
    pub runtime_ms: i64,
    /// Where that comes from.
    pub runtime: Provenance,
    /// Where the tokens come from; how many they are, the document says.
    pub tokens: Provenance,
    /// What it cost.
    pub cost: Cost,
    /// When the older version reckoned that.
    pub computed_at: Option<Timestamp>,
    /// When the older version took the session in.
    pub ingested_at: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StatedForm {
    runtime_ms: i64,
    token_source: String,
    token_confidence: String,
    runtime_source: String,
    runtime_confidence: String,
    cost_nano: Option<i64>,
    pricing_version: Option<String>,
    cost_source: String,
    cost_confidence_level: String,
    cost_confidence: String,
    computed_at: Option<i64>,
    ingested_at: Option<i64>,
}

impl Stated {
    /// As it is recorded; what is unknown is left out.
    pub(crate) fn value(&self) -> Value {
        let word = |word: &str| Some(Value::from(word));
        let moment = |at: Option<Timestamp>| at.map(|at| Value::from(at.0));
        let fields = [
            ("runtime_ms", Some(Value::from(self.runtime_ms))),
            ("token_source", word(self.tokens.source.as_str())),
            ("token_confidence", word(self.tokens.level.as_str())),
            ("runtime_source", word(self.runtime.source.as_str())),
            ("runtime_confidence", word(self.runtime.level.as_str())),
            ("cost_nano", self.cost.amount().map(|amount| Value::from(amount.0))),
            ("pricing_version", self.cost.pricing_version().map(|version| Value::from(version.as_str()))),
            ("cost_source", word(self.cost.source().as_str())),
            ("cost_confidence_level", word(self.cost.level().as_str())),
            ("cost_confidence", word(self.cost.confidence().as_str())),
            ("computed_at", moment(self.computed_at)),
            ("ingested_at", moment(self.ingested_at)),
        ];
        let known = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Value::Object(known.collect::<Map<String, Value>>())
    }

    /// Reads it back; `Err` names what no gate would have written.
    pub(crate) fn read(form: StatedForm) -> Result<Self, String> {
        let columns = CostColumns {
            amount: form.cost_nano.map(Nano),
            version: form.pricing_version.as_deref(),
            source: known(&form.cost_source, Source::of_word)?,
            level: known(&form.cost_confidence_level, Level::of_word)?,
            confidence: known(&form.cost_confidence, CostConfidence::of_word)?,
        };
        Ok(Self {
            runtime_ms: form.runtime_ms,
            runtime: provenance(&form.runtime_source, &form.runtime_confidence)?,
            tokens: provenance(&form.token_source, &form.token_confidence)?,
            cost: Cost::from_columns(columns).map_err(|refused| refused.to_string())?,
            computed_at: form.computed_at.map(Timestamp),
            ingested_at: form.ingested_at.map(Timestamp),
        })
    }
}

fn provenance(source: &str, level: &str) -> Result<Provenance, String> {
    Ok(Provenance::new(known(source, Source::of_word)?, known(level, Level::of_word)?))
}

fn known<T>(word: &str, of_word: impl Fn(&str) -> Option<T>) -> Result<T, String> {
    of_word(word).ok_or_else(|| format!("`{word}` says nothing of a number"))
}
