//! `POST /v1/agents/alerts/evaluate`: every rule, now or at another moment.

use std::collections::BTreeMap;

use axum::extract::State;
use exhibit_http::{ApiError, Body, Json};
use exhibit_model::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Api, TransitionView};
use crate::alerts::evaluate::Evaluation;
use crate::alerts::{Cause, Zone};
use crate::http::preview::{self, ValueView};
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
    /// In a dry run: what this rule would find, as it would be made; the saved ones are left alone.
    rule: Option<BTreeMap<String, Value>>,
}

/// What an evaluation found.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AlertEvaluation")]
pub struct EvaluationView {
    /// The moment that was looked at.
    pub(in crate::http) at: String,
    /// Rules that were looked at.
    pub(in crate::http) rules: usize,
    /// Instances that were looked at.
    pub(in crate::http) instances: usize,
    /// How much happened.
    pub(in crate::http) happened: usize,
    /// What happened, in the order of rules and instances; the first ones of many.
    pub(in crate::http) transitions: Vec<TransitionView>,
    /// Notices that are to be sent.
    pub(in crate::http) deliveries: usize,
    /// What the rule of a dry run found, the worst first; the first ones of many.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::http) values: Vec<ValueView>,
}

pub(super) async fn evaluate(
    State(api): State<Api>,
    Body(asked): Body<Evaluate>,
) -> Result<Json<EvaluationView>, ApiError> {
    if let Some(rule) = asked.rule {
        if !asked.dry_run || asked.at.is_some() {
            return Err(ApiError::bad("invalid", "a rule that is not saved is looked at now, in a dry run alone"));
        }
        return preview::of(&api, &rule.into_iter().collect()).await.map(Json);
    }
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
            values: Vec::new(),
        }
    }
}
