//! Alerts: rules and the feed as older clients know them, and what is newer below `/v1/agents/alerts`.

mod evaluation;

use axum::body::Bytes;
use axum::extract::{Extension, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::MethodFilter;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use exhibit_http::{Access, ApiError, At, Body, Caller, Json, Page, Query, Route, Scope, limit};
use exhibit_model::findings::FINDINGS_MAX;
use exhibit_model::json::{JsonLimits, parse_strict};
use exhibit_model::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use super::Api;
use super::dialect::LegacyProblem;
use super::views::iso;
use crate::alerts::repository::{self, AlertError, Answer};
use crate::alerts::wire::number;
use crate::alerts::{ActiveAlert, Channel, DeliveryId, Rule, RuleId, State as AlertState};
use crate::sql::alerts_outbox::{Delivery, DeliveryState};
use crate::sql::alerts_transitions::{Happened, Place};
use evaluation::{Evaluate, evaluate};

pub use evaluation::EvaluationView;

/// Largest body of a rule or a channel in bytes: a rule with every field has some hundred.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Items of a page, unless asked otherwise.
const PAGE: u32 = 50;

const RULES: &str = "/api/v3/alerts/rules";
const RULE: &str = "/v1/agents/alerts/rules/{rule_id}";
const CHANNELS: &str = "/v1/agents/alerts/channels";
const CHANNEL: &str = "/v1/agents/alerts/channels/{channel_id}";

pub(super) fn routes(api: &Api) -> Vec<Route> {
    let with = || api.clone();
    let patch = |path, words, scope, work| {
        Route::new((Method::PATCH, MethodFilter::PATCH), path, words, Access::Scope(scope), work)
    };
    let older = |route: Route| route.takes_secret().told_as::<LegacyProblem>();
    let words = ("agentsAlertRules", "The rules that alerts follow");
    let rules = Route::get(RULES, words, Scope::Read, (rules, with()));
    let words = ("agentsAlertRuleCreate", "Makes a rule");
    let create = Route::post(RULES, words, Scope::Control, (create_rule, with()));
    let words = ("agentsAlertRulePatch", "Changes a rule");
    let change = Route::new(
        (Method::PATCH, MethodFilter::PATCH),
        "/api/v3/alerts/rules/{rule_id}",
        words,
        Access::Scope(Scope::Control),
        (patch_rule, with()),
    );
    let words = ("agentsAlertsActive", "What fires, and what ended within a day; looking changes nothing");
    let active = Route::get("/api/v3/alerts/active", words, Scope::Read, (active, with()));
    let words = ("agentsAlertRule", "A rule");
    let one = Route::get(RULE, words, Scope::Read, (rule, with()));
    let words = ("agentsAlertRuleDelete", "Takes a rule away; what fires is closed");
    let delete = Route::delete(RULE, words, Scope::Control, (delete_rule, with()));
    let words =
        ("agentsAlertAck", "Notes that somebody knows of what fires: it is quiet until it escalates or is over");
    let ack = Route::post("/v1/agents/alerts/rules/{rule_id}/ack", words, Scope::Control, (acknowledge, with()));
    let words = ("agentsAlertSilence", "Lets a rule be quiet for some time; 0 ends that");
    let silence = Route::post("/v1/agents/alerts/rules/{rule_id}/silence", words, Scope::Control, (silence, with()));
    let words = ("agentsAlertTransitions", "What happened to alerts, the newest first");
    let transitions = Route::get("/v1/agents/alerts/transitions", words, Scope::Read, (transitions, with()));
    let words = ("agentsAlertDeliveries", "Notices and what became of them, the newest first");
    let deliveries = Route::get("/v1/agents/alerts/deliveries", words, Scope::Read, (deliveries, with()));
    let words = ("agentsAlertEvaluate", "Evaluates every rule now; a dry run only says what would happen");
    let evaluate = Route::post("/v1/agents/alerts/evaluate", words, Scope::Control, (evaluate, with()));
    let words = ("agentsAlertChannels", "Where notices are sent; secrets are never shown");
    let channels = Route::get(CHANNELS, words, Scope::Admin, (channels, with()));
    let words = ("agentsAlertChannelCreate", "Makes a channel");
    let new_channel = Route::post(CHANNELS, words, Scope::Admin, (create_channel, with()));
    let words = ("agentsAlertChannelPatch", "Changes a channel");
    let change_channel = patch(CHANNEL, words, Scope::Admin, (patch_channel, with()));
    let words = ("agentsAlertChannelDelete", "Takes a channel away; what waits for it is given up");
    let no_channel = Route::delete(CHANNEL, words, Scope::Admin, (delete_channel, with()));
    vec![
        older(rules).answers::<RuleRows>(200, "The rules"),
        older(create).takes_json().body_bytes_max(BODY_BYTES_MAX).answers::<AlertRule>(201, "The rule").fails(&[409]),
        older(change).takes_json().body_bytes_max(BODY_BYTES_MAX).answers::<AlertRule>(200, "The rule").fails(&[404]),
        older(active).answers::<ActiveRows>(200, "Critical, warning, resolved; the latest transition first"),
        one.answers::<AlertRule>(200, "The rule").fails(&[404]),
        delete.empty(204, "It is gone").fails(&[404]),
        ack.body::<Ack>().answers::<Instances>(200, "How its instances stand").fails(&[404]),
        silence.body::<Silence>().answers::<Instances>(200, "How its instances stand").fails(&[404]),
        transitions.query::<TransitionsQuery>().answers::<Page<TransitionView>>(200, "A page"),
        deliveries.query::<DeliveriesQuery>().answers::<Page<DeliveryView>>(200, "A page"),
        evaluate.body::<Evaluate>().answers::<EvaluationView>(200, "What happened"),
        channels.answers::<ChannelRows>(200, "The channels"),
        new_channel
            .takes_json()
            .body_bytes_max(BODY_BYTES_MAX)
            .answers::<AlertChannel>(201, "The channel")
            .fails(&[409]),
        change_channel
            .takes_json()
            .body_bytes_max(BODY_BYTES_MAX)
            .answers::<AlertChannel>(200, "The channel")
            .fails(&[404]),
        no_channel.empty(204, "It is gone").fails(&[404, 409]),
    ]
}

/// A rule, as the document tells of it.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "a rule writes itself; this stands in the document")]
struct AlertRule {
    /// Its id.
    rule_id: String,
    /// Whether it is asked at all.
    enabled: bool,
    /// `daily_cost_usd`, `rolling_cost_usd`, `runtime_p95_ms` or `failure_rate`.
    metric: String,
    /// `global`, `agent`, `model` or `agent_model`.
    scope_type: String,
    /// Of whom; who is not named opens an instance for each.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope_ref: Option<std::collections::BTreeMap<String, String>>,
    /// The first threshold.
    warn_threshold: f64,
    /// The second threshold.
    critical_threshold: f64,
    /// `5m`, `1h`, `24h` or `7d`.
    window: String,
    /// `gt` or `gte`.
    comparison: String,
    /// Seconds after a notice in which no repetition is told.
    dedup_cooldown_sec: i64,
    /// When it was made.
    created_at: String,
    /// When it was changed last.
    updated_at: String,
    /// What people call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// By how many percent of a threshold a value has to fall below it until its level is left.
    hysteresis_pct: f64,
    /// Samples below which a value says nothing.
    min_sample: i64,
    /// What no sample at all means: `resolve`, `keep` or `alert`.
    no_data: String,
    /// The zone whose calendar days count.
    time_zone: String,
    /// Ids of the channels it is told to; none means all.
    channels: Vec<String>,
}

/// Rules.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "see AlertRule")]
struct RuleRows {
    /// The rules.
    rows: Vec<AlertRule>,
}

/// A channel, as the document tells of it.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "a channel writes itself, without its secret; this stands in the document")]
struct AlertChannel {
    /// Its id.
    id: String,
    /// Where notices are posted.
    url: String,
    /// Whether anything is sent.
    enabled: bool,
}

/// Channels.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "see AlertChannel")]
struct ChannelRows {
    /// The channels.
    items: Vec<AlertChannel>,
}

/// An alert in the feed, as the document tells of it.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "an alert writes itself; this stands in the document")]
struct Alert {
    /// The rule.
    rule_id: String,
    /// What is measured.
    metric: String,
    /// Of whom.
    scope: std::collections::BTreeMap<String, String>,
    /// The last value.
    value: f64,
    /// The first threshold.
    warn_threshold: f64,
    /// The second threshold.
    critical_threshold: f64,
    /// `warning`, `critical` or `resolved`.
    status: String,
    /// When something happened to it last.
    triggered_at: String,
    /// Whether a repetition was left out.
    deduped: bool,
    /// How many samples the value was counted from.
    sample: i64,
    /// The instance.
    scope_key: String,
    /// Until when a repetition is not told, as the last notice is too fresh.
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressed_until: Option<String>,
    /// Until when somebody wants to hear nothing of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    silenced_until: Option<String>,
    /// How often it opened.
    episode: i64,
}

/// The feed.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "see Alert")]
struct ActiveRows {
    /// The alerts.
    rows: Vec<Alert>,
}

#[derive(Serialize)]
struct Rows<T> {
    rows: Vec<T>,
}

#[derive(Serialize)]
struct Items<T> {
    items: Vec<T>,
}

impl From<AlertError> for ApiError {
    fn from(error: AlertError) -> Self {
        let text = error.to_string();
        match error {
            AlertError::Problem(_) => Self::bad("invalid", text),
            AlertError::RuleNotFound | AlertError::ScopeNotFound | AlertError::ChannelNotFound => {
                Self::not_found("not-found", text)
            }
            AlertError::ChannelNamed { .. } => Self::conflict("channel-named", text),
            AlertError::ChannelExists => Self::conflict("name-taken", text),
            AlertError::TooMany { .. } => Self::conflict("too-many", text),
        }
    }
}

/// A body of JSON, read strictly. Numbers beyond those that every reader keeps and texts with U+0000 are JSON all the same: they are
/// passed on, and their field is not valid.
fn json(bytes: &Bytes) -> Result<Value, ApiError> {
    let wrong = || ApiError::bad("body-invalid", "Invalid JSON payload");
    parse_strict(bytes, &JsonLimits::of_bytes(BODY_BYTES_MAX)).or_else(|findings| {
        // As many as are told: what else is wrong may not be among them.
        let is_all = findings.iter().len() < FINDINGS_MAX;
        let is_json =
            is_all && findings.iter().all(|finding| ["integer_range", "nul_character"].contains(&finding.code));
        if is_json { serde_json::from_slice(bytes).map_err(|_| wrong()) } else { Err(wrong()) }
    })
}

fn rule_id(text: &str) -> Result<RuleId, ApiError> {
    RuleId::parse(text).ok_or_else(|| AlertError::RuleNotFound.into())
}

impl Api {
    /// Changes something about alerts; then they are evaluated anew.
    async fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut exhibit_store::Tx<'_>, Timestamp) -> Answer<T> + Send + 'static,
    ) -> Result<T, ApiError> {
        let now = self.store().clock().now();
        let done = self.store().write(move |tx| work(tx, now)).await??;
        self.0.options.commits.ingested();
        Ok(done)
    }
}

async fn rules(State(api): State<Api>) -> Result<Response, ApiError> {
    let rows: Vec<Rule> = api.read(repository::rules).await?;
    Ok(Json(Rows { rows }).into_response())
}

async fn create_rule(State(api): State<Api>, body: Bytes) -> Result<Response, ApiError> {
    let body = json(&body)?;
    let rule = api.change(move |tx, now| repository::create_rule(tx, &body, now)).await?;
    Ok((StatusCode::CREATED, Json(rule)).into_response())
}

async fn patch_rule(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    At(id): At<String>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let body = json(&body)?;
    let id = rule_id(&id)?;
    let rule = api.change(move |tx, now| repository::patch_rule(tx, &id, &body, &caller.name, now)).await?;
    Ok(Json(rule).into_response())
}

async fn active(State(api): State<Api>) -> Result<Response, ApiError> {
    let now = api.store().clock().now();
    let rows: Vec<ActiveAlert> = api.read(move |read| repository::active(read, now)).await?;
    Ok(Json(Rows { rows }).into_response())
}

async fn rule(State(api): State<Api>, At(id): At<String>) -> Result<Response, ApiError> {
    let id = rule_id(&id)?;
    let found = api.read(move |read| repository::rule(read, &id)).await?;
    Ok(Json(found.ok_or(AlertError::RuleNotFound)?).into_response())
}

async fn delete_rule(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    At(id): At<String>,
) -> Result<StatusCode, ApiError> {
    let id = rule_id(&id)?;
    api.change(move |tx, now| repository::delete_rule(tx, &id, &caller.name, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What is acknowledged.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Ack {
    /// The instance; all of the rule when it is absent.
    scope_key: Option<String>,
}

/// What is silenced, and for how long.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Silence {
    /// For how many seconds; 0 ends it.
    #[schemars(range(min = 0))]
    seconds: i64,
    /// The instance; all of the rule when it is absent.
    scope_key: Option<String>,
}

/// How an instance of a rule stands.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct InstanceView {
    /// The instance.
    scope_key: String,
    /// `ok`, `warning` or `critical`.
    status: String,
    /// `active`, `suppressed` or `resolved`.
    lifecycle: String,
    /// When it was acknowledged.
    #[serde(skip_serializing_if = "Option::is_none")]
    acked_at: Option<String>,
    /// Who did.
    #[serde(skip_serializing_if = "Option::is_none")]
    acked_by: Option<String>,
    /// Until when it is silent.
    #[serde(skip_serializing_if = "Option::is_none")]
    silenced_until: Option<String>,
    /// How often it opened.
    episode: i64,
}

/// How instances of a rule stand.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Instances {
    /// The instances.
    items: Vec<InstanceView>,
}

impl Instances {
    /// Of these states.
    pub fn of(states: Vec<AlertState>) -> Self {
        let items = states.into_iter().map(|state| InstanceView {
            scope_key: state.scope_key(),
            status: state.standing.status.as_str().to_owned(),
            lifecycle: state.standing.lifecycle.as_str().to_owned(),
            acked_at: state.acked_at.map(iso),
            acked_by: state.acked_by,
            silenced_until: state.silenced_until.map(iso),
            episode: state.episode,
        });
        Self { items: items.collect() }
    }
}

async fn acknowledge(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    At(id): At<String>,
    Body(asked): Body<Ack>,
) -> Result<Json<Instances>, ApiError> {
    let id = rule_id(&id)?;
    let work = move |tx: &mut exhibit_store::Tx<'_>, now| {
        repository::acknowledge(tx, &id, asked.scope_key.as_deref(), &caller.name, now)
    };
    Ok(Json(Instances::of(api.change(work).await?)))
}

async fn silence(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    At(id): At<String>,
    Body(asked): Body<Silence>,
) -> Result<Json<Instances>, ApiError> {
    let id = rule_id(&id)?;
    let work = move |tx: &mut exhibit_store::Tx<'_>, now| {
        repository::silence(tx, &id, asked.scope_key.as_deref(), asked.seconds, &caller.name, now)
    };
    Ok(Json(Instances::of(api.change(work).await?)))
}

/// Which transitions.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TransitionsQuery {
    /// Of this rule
    rule: Option<String>,
    /// Items of a page
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
    /// `next` of the page before
    cursor: Option<String>,
}

/// Something that happened to an alert.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AlertTransition")]
pub struct TransitionView {
    /// The rule.
    rule_id: String,
    /// The instance.
    scope_key: String,
    /// The episode, from 1.
    episode: i64,
    /// The place in the episode, from 1.
    ordinal: i64,
    /// `open`, `escalate`, `deescalate`, `suppress`, `renotify`, `resolve`, `ack`, `silence` or `close`.
    kind: String,
    /// How bad it was.
    previous_status: String,
    /// How bad it is.
    status: String,
    /// Whether it speaks.
    lifecycle: String,
    /// The value it was decided by.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<f64>")]
    value: Option<Number>,
    /// What that value was counted from.
    sample: i64,
    /// The threshold.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<f64>")]
    threshold: Option<Number>,
    /// When.
    at: String,
    /// Whether it was told.
    notified: bool,
    /// What made it be looked at: `ingest`, `timer`, `manual` or `human`.
    cause: String,
    /// Who, when it was a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
}

impl TransitionView {
    /// Of something that happened.
    pub fn new(happened: Happened) -> Self {
        let transition = happened.transition;
        Self {
            rule_id: happened.rule_id.as_str().to_owned(),
            scope_key: happened.scope_key,
            episode: transition.episode,
            ordinal: transition.ordinal,
            kind: transition.kind.as_str().to_owned(),
            previous_status: transition.from.status.as_str().to_owned(),
            status: transition.to.status.as_str().to_owned(),
            lifecycle: transition.to.lifecycle.as_str().to_owned(),
            value: transition.value.map(|value| number(value.wire())),
            sample: transition.sample,
            threshold: transition.threshold.map(number),
            at: iso(transition.at),
            notified: transition.notified,
            cause: transition.cause.as_str().to_owned(),
            actor: transition.actor,
        }
    }
}

fn bad_cursor() -> ApiError {
    ApiError::bad("cursor-invalid", "the cursor is not one of this list")
}

/// A place as text that means something to its list alone.
pub(super) fn cursor_of<T: Serialize>(parts: &T) -> String {
    // Texts and numbers cannot fail to be written.
    BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(parts).unwrap_or_default())
}

pub(super) fn parts_of<T: serde::de::DeserializeOwned>(cursor: Option<&str>) -> Result<Option<T>, ApiError> {
    let Some(text) = cursor else { return Ok(None) };
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| bad_cursor())?;
    // No text of ours holds U+0000, and no database can look for it.
    if String::from_utf8_lossy(&bytes).contains("\\u0000") {
        return Err(bad_cursor());
    }
    serde_json::from_slice(&bytes).map(Some).map_err(|_| bad_cursor())
}

async fn transitions(
    State(api): State<Api>,
    Query(query): Query<TransitionsQuery>,
) -> Result<Json<Page<TransitionView>>, ApiError> {
    let limit = limit(query.limit, PAGE)?;
    let rule = match query.rule.as_deref().map(RuleId::parse) {
        // What cannot be an id is one that no rule ever had, and to those nothing happened.
        Some(None) => return Ok(Json(Page { items: Vec::new(), next: None, total: None })),
        rule => rule.flatten(),
    };
    let parts: Option<(i64, String, String, i64, i64)> = parts_of(query.cursor.as_deref())?;
    let before = parts.map(|(at, rule_id, scope_key, episode, ordinal)| Place {
        at: Timestamp(at),
        rule_id,
        scope_key,
        episode,
        ordinal,
    });
    let page = api.read(move |read| repository::transitions(read, rule.as_ref(), before.as_ref(), limit)).await?;
    let next =
        page.next.map(|place| cursor_of(&(place.at.0, place.rule_id, place.scope_key, place.episode, place.ordinal)));
    Ok(Json(Page { items: page.rows.into_iter().map(TransitionView::new).collect(), next, total: None }))
}

/// Which deliveries.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DeliveriesQuery {
    /// `pending`, `delivered` or `dead`
    state: Option<String>,
    /// Items of a page
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
    /// `next` of the page before
    cursor: Option<String>,
}

/// A notice, and what became of it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AlertDelivery")]
struct DeliveryView {
    /// Its id, the same over all attempts.
    delivery_id: String,
    /// What happened.
    transition_id: String,
    /// The rule.
    rule_id: String,
    /// The channel.
    channel_id: String,
    /// `pending`, `delivered` or `dead`.
    state: String,
    /// How often it was sent, or was about to be.
    attempts: u32,
    /// When it is sent next.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_at: Option<String>,
    /// When it was put into the outbox.
    created_at: String,
    /// When it was delivered, or given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    settled_at: Option<String>,
    /// What went wrong last.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
}

impl DeliveryView {
    fn new(delivery: Delivery) -> Self {
        Self {
            delivery_id: delivery.delivery_id.as_str().to_owned(),
            transition_id: delivery.transition_id.as_str().to_owned(),
            rule_id: delivery.rule_id.as_str().to_owned(),
            channel_id: delivery.channel_id,
            state: delivery.state.as_str().to_owned(),
            attempts: delivery.attempts,
            next_at: delivery.next_at.map(iso),
            created_at: iso(delivery.created_at),
            settled_at: delivery.settled_at.map(iso),
            last_error: delivery.last_error,
        }
    }
}

async fn deliveries(
    State(api): State<Api>,
    Query(query): Query<DeliveriesQuery>,
) -> Result<Json<Page<DeliveryView>>, ApiError> {
    let limit = limit(query.limit, PAGE)?;
    let known = |word: &str| DeliveryState::EVERY.into_iter().find(|state| state.as_str() == word);
    let state = query.state.as_deref().map(|word| {
        known(word).ok_or_else(|| {
            ApiError::bad("query-invalid", "the query string is not understood: state").at(
                "/state",
                "unknown",
                "pending, delivered or dead",
            )
        })
    });
    let state = state.transpose()?;
    let parts: Option<(i64, String)> = parts_of(query.cursor.as_deref())?;
    let before = parts.map(|(at, id)| (Timestamp(at), DeliveryId::kept(id)));
    let page = api.read(move |read| repository::deliveries(read, state, before.as_ref(), limit)).await?;
    let next = page.next.map(|(at, id)| cursor_of(&(at.0, id.as_str())));
    Ok(Json(Page { items: page.rows.into_iter().map(DeliveryView::new).collect(), next, total: None }))
}

async fn channels(State(api): State<Api>) -> Result<Response, ApiError> {
    let items: Vec<Channel> = api.read(repository::channels).await?;
    Ok(Json(Items { items }).into_response())
}

async fn create_channel(State(api): State<Api>, body: Bytes) -> Result<Response, ApiError> {
    let body = json(&body)?;
    let channel = api.change(move |tx, now| repository::create_channel(tx, &body, false, now)).await?;
    Ok((StatusCode::CREATED, Json(channel)).into_response())
}

async fn patch_channel(State(api): State<Api>, At(id): At<String>, body: Bytes) -> Result<Response, ApiError> {
    let body = json(&body)?;
    let channel = api.change(move |tx, now| repository::patch_channel(tx, &id, &body, false, now)).await?;
    Ok(Json(channel).into_response())
}

async fn delete_channel(State(api): State<Api>, At(id): At<String>) -> Result<StatusCode, ApiError> {
    api.change(move |tx, now| repository::delete_channel(tx, &id, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}
