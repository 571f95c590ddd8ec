//! What a rule would find that nobody has saved yet, so that thresholds are chosen by looking.

use exhibit_http::ApiError;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Number, Value};

use super::Api;
use super::alerts::EvaluationView;
use super::views::iso;
use crate::alerts::evaluate::{Looked, preview};
use crate::alerts::repository::AlertError;
use crate::alerts::wire::number;
use crate::alerts::{Level, Measure, Rule};

/// Values that are answered, the worst first: more than a person compares with a threshold. All are counted.
const VALUES_MAX: usize = 200;

/// How an instance would stand.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AlertPreviewValue")]
pub struct ValueView {
    /// The instance.
    scope_key: String,
    /// `ok`, `warning` or `critical`.
    status: String,
    /// What was measured; absent when there was nothing to measure.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<f64>")]
    value: Option<Number>,
    /// What that value was counted from.
    sample: i64,
}

impl ValueView {
    fn new(looked: &Looked) -> Self {
        Self {
            scope_key: looked.state.scope_key(),
            status: looked.state.standing.status.as_str().to_owned(),
            value: looked.reading.map(|reading| number(reading.value.wire())),
            sample: looked.reading.map_or(0, |reading| reading.sample),
        }
    }
}

/// How bad, the worst first.
fn badness(looked: &Looked) -> u8 {
    match looked.state.standing.status {
        Level::Critical => 0,
        Level::Warning => 1,
        Level::Ok => 2,
    }
}

/// What a rule would find now, as if nothing had been known of its instances. Nothing is written.
///
/// # Errors
/// What is wrong with the rule, in the words with which making it would be refused.
pub(super) async fn of(api: &Api, rule: &Value) -> Result<EvaluationView, ApiError> {
    let now = api.store().clock().now();
    let rule = Rule::create(rule, 0, now).map_err(AlertError::from)?;
    let mut looked = api.read(move |read| preview(read, &rule, now)).await?;
    let value = |looked: &Looked| looked.reading.map_or(0.0, |reading| Measure::wire(reading.value));
    looked.sort_by(|one, other| badness(one).cmp(&badness(other)).then_with(|| value(other).total_cmp(&value(one))));
    Ok(EvaluationView {
        at: iso(now),
        rules: 1,
        instances: looked.len(),
        happened: looked.iter().filter(|looked| looked.transition.is_some()).count(),
        transitions: Vec::new(),
        deliveries: 0,
        values: looked.iter().take(VALUES_MAX).map(ValueView::new).collect(),
    })
}
