//! `POST /v1/agents/alerts/evaluate`: every rule, now or at another moment.

use axum::extract::State;
use exhibit_http::{ApiError, Body, Json};
use exhibit_model::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Api, TransitionView};
use crate::alerts::evaluate::Evaluation;
use crate::alerts::{Cause, Zone};
use crate::http::views::iso;
use crate::moment::covered;

/// Whether anything is written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Evaluate {
    /// Only say what would happen.
    #[serde(default)]
    dry_run: bool,
    /// The moment that is looked at, a time that is past; only a dry run looks at what is to come. Now, when it is absent.
    at: Option<String>,
}

/// What an evaluation found.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AlertEvaluation")]
pub struct EvaluationView {
    /// The moment that was looked at.
    at: String,
    /// Rules that were looked at.
    rules: usize,
    /// Instances that were looked at.
    instances: usize,
    /// How much happened.
    happened: usize,
    /// What happened, in the order of rules and instances; the first ones of many.
    transitions: Vec<TransitionView>,
    /// Notices that are to be sent.
    deliveries: usize,
}

pub(super) async fn evaluate(
    State(api): State<Api>,
    Body(asked): Body<Evaluate>,
) -> Result<Json<EvaluationView>, ApiError> {
    let evaluator = &api.0.options.evaluator;
    let at = asked.at.as_deref().map(moment).transpose()?;
    let is_to_come = at.is_some_and(|at| at > api.store().clock().now());
    let done = match asked.dry_run {
        true => evaluator.dry_run(at).await?,
        false if is_to_come => {
            let detail = "only a dry run evaluates what is to come";
            return Err(ApiError::bad("body-invalid", detail).at("/at", "to_come", detail));
        }
        false => evaluator.evaluate(at, Cause::Manual).await?,
    };
    Ok(Json(EvaluationView::from(done)))
}

/// The first moment that a text covers.
fn moment(text: &str) -> Result<Timestamp, ApiError> {
    let wrong = "must be an RFC 3339 date-time with offset";
    let found = covered(text, &Zone::default());
    found.map(|covered| covered.first).ok_or_else(|| {
        ApiError::bad("body-invalid", format!("the body is not understood: at {wrong}")).at("/at", "wrong_type", wrong)
    })
}

impl From<Evaluation> for EvaluationView {
    fn from(done: Evaluation) -> Self {
        Self {
            at: iso(done.at),
            rules: done.rules,
            instances: done.instances,
            happened: done.happened,
            transitions: done.transitions.into_iter().map(TransitionView::new).collect(),
            deliveries: done.deliveries,
        }
    }
}
