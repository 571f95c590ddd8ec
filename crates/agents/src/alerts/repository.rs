//! What people do with alerts: rules, acknowledgements, silences, channels, and looking at what stands.
//!
//! Functions over [`Read`] and [`Tx`], as the routes and the command line need them. What a person got wrong comes back as [`AlertError`]
//! and nothing is written; `Err` of the outer result is for a database that cannot do its work.
//!
//! The secret of a channel is kept as it is in the database, because every delivery is signed with it: whoever can read the database file
//! or its backups can sign deliveries. It leaves through no route.

use exhibit_model::time::Timestamp;
use exhibit_store::{Read, StoreError, Tx};
use serde_json::Value;

use super::channel::Channel;
use super::evaluate::{Looked, close, keep};
use super::feed::{ActiveAlert, FEED_HOURS, FEED_ROWS_MAX, feed};
use super::ids::{DeliveryId, RuleId};
use super::machine::{Input, Stepped, step};
use super::reading::Problem;
use super::rule::Rule;
use super::scope::{INSTANCES_MAX, Instance};
use super::state::State;
use crate::sql::alerts_outbox::{self as outbox, Delivery, DeliveryState};
use crate::sql::alerts_rules as rules_sql;
use crate::sql::alerts_states as states_sql;
use crate::sql::alerts_transitions::{self as transitions_sql, Happened, Place};

/// Rules at a time. Each is measured on every evaluation; a hundred are more than a person keeps in order.
pub const RULES_MAX: usize = 100;

/// Channels at a time. Each has a thread while it is told something.
pub const CHANNELS_MAX: usize = 32;

/// Rows of a page: the same as of other lists of this room.
pub const PAGE_ROWS_MAX: usize = 1_000;

/// Longest silence, in seconds: a leap year. Whoever wants to hear nothing for longer disables the rule.
pub const SILENCE_SEC_MAX: i64 = 366 * 86_400;

/// Longest name of whoever did something, in characters: ids of tokens are far shorter.
const ACTOR_CHARS_MAX: usize = 256;

/// What a person got wrong. The text is the message of the answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AlertError {
    /// The body is not valid.
    #[error(transparent)]
    Problem(#[from] Problem),
    /// There is no rule with that id.
    #[error("Rule not found")]
    RuleNotFound,
    /// The rule has no such instance.
    #[error("Scope not found")]
    ScopeNotFound,
    /// There is no channel with that id.
    #[error("Channel not found")]
    ChannelNotFound,
    /// Rules name the channel.
    #[error("Channel is named by {} {}", if .rules.len() == 1 { "the rule" } else { "the rules" }, .rules.iter().map(RuleId::as_str).collect::<Vec<_>>().join(", "))]
    ChannelNamed {
        /// Those rules, by id; [`RULES_MAX`] at most.
        rules: Vec<RuleId>,
    },
    /// There is a channel with that id.
    #[error("Channel exists")]
    ChannelExists,
    /// There are as many as there may be.
    #[error("too many {what}: {max} at most")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        max: usize,
    },
}

/// What came of it, or what the person got wrong; the outer error is ours.
pub type Answer<T> = Result<Result<T, AlertError>, StoreError>;

/// A page, and where the next one begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T, P> {
    /// The rows, the newest first.
    pub rows: Vec<T>,
    /// The place to go on from; `None` at the end.
    pub next: Option<P>,
}

/// Makes a rule from the body of a request.
///
/// # Errors
/// When the database cannot be read or written.
pub fn create_rule(tx: &mut Tx<'_>, body: &Value, now: Timestamp) -> Answer<Rule> {
    let count = rules_sql::counted(tx)?;
    // The order of the contract: what is wrong with the body is said before anything else.
    let first = match Rule::create(body, count.ever, now) {
        Ok(rule) => rule,
        Err(problem) => return Ok(Err(problem.into())),
    };
    if !knows_channels(tx, &first)? {
        return Ok(Err(Problem::not_valid("channels").into()));
    }
    if usize::try_from(count.live).map_or(true, |live| live >= RULES_MAX) {
        return Ok(Err(AlertError::TooMany { what: "rules", max: RULES_MAX }));
    }
    let mut rule = first;
    // An imported rule may have taken the id that would follow: the ordinal goes on until it is free. There are fewer rules than numbers.
    for ordinal in (count.ever..=count.ever.saturating_mul(2)).skip(1) {
        if rules_sql::by_ids(tx, [&rule.rule_id])?.is_empty() {
            break;
        }
        rule.rule_id = RuleId::of_rule(&rule, ordinal);
    }
    rules_sql::put(tx, &rule)?;
    Ok(Ok(rule))
}

/// Rules that are not deleted, by id.
///
/// # Errors
/// When the database cannot be read.
pub fn rules(read: &Read<'_>) -> Result<Vec<Rule>, StoreError> {
    rules_sql::live(read, RULES_MAX)
}

/// A rule that is not deleted.
///
/// # Errors
/// When the database cannot be read.
pub fn rule(read: &Read<'_>, rule_id: &RuleId) -> Result<Option<Rule>, StoreError> {
    rules_sql::live_by_id(read, rule_id)
}

/// Changes a rule by the body of a request. What fires is closed where the rule is disabled, does not cover it any more, or measures
/// something else now: an alert about what nobody asks any more has no end of its own.
///
/// # Errors
/// When the database cannot be read or written.
pub fn patch_rule(tx: &mut Tx<'_>, rule_id: &RuleId, body: &Value, by: &str, now: Timestamp) -> Answer<Rule> {
    let Some(before) = rules_sql::live_by_id(tx, rule_id)? else { return Ok(Err(AlertError::RuleNotFound)) };
    let after = match before.patched(body, now) {
        Ok(rule) => rule,
        Err(problem) => return Ok(Err(problem.into())),
    };
    if !knows_channels(tx, &after)? {
        return Ok(Err(Problem::not_valid("channels").into()));
    }
    let is_over =
        |state: &State| !after.enabled || after.metric != before.metric || !after.scope.covers(&state.instance);
    close(tx, &before, actor(by), now, is_over)?;
    rules_sql::put(tx, &after)?;
    Ok(Ok(after))
}

/// Deletes a rule, and closes what fires. The row stays, so that what happened keeps its meaning.
///
/// # Errors
/// When the database cannot be read or written.
pub fn delete_rule(tx: &mut Tx<'_>, rule_id: &RuleId, by: &str, now: Timestamp) -> Answer<()> {
    let Some(rule) = rules_sql::live_by_id(tx, rule_id)? else { return Ok(Err(AlertError::RuleNotFound)) };
    close(tx, &rule, actor(by), now, |_| true)?;
    rules_sql::delete(tx, rule_id, now)?;
    Ok(Ok(()))
}

/// The feed: what fires, and what ended by itself within the last day. It decides nothing and writes nothing.
///
/// # Errors
/// When the database cannot be read.
pub fn active(read: &Read<'_>, now: Timestamp) -> Result<Vec<ActiveAlert>, StoreError> {
    let since = Timestamp(now.0.saturating_sub(FEED_HOURS * 3_600 * 1_000_000));
    let mut states = states_sql::firing(read, FEED_ROWS_MAX)?;
    let left = FEED_ROWS_MAX.saturating_sub(states.len());
    states.extend(states_sql::resolved_after(read, since, left)?);
    Ok(feed(&rules_sql::live(read, RULES_MAX)?, &states, now))
}

/// The states of a rule, by the key of their scope.
///
/// # Errors
/// When the database cannot be read.
pub fn states(read: &Read<'_>, rule_id: &RuleId) -> Result<Vec<State>, StoreError> {
    states_sql::of_rule(read, rule_id, INSTANCES_MAX)
}

/// Notes that somebody knows of what fires: of one instance, or of all of the rule. Says how they stand; what does not fire, or was
/// acknowledged before, stays as it is.
///
/// # Errors
/// When the database cannot be read or written.
pub fn acknowledge(
    tx: &mut Tx<'_>,
    rule_id: &RuleId,
    scope_key: Option<&str>,
    by: &str,
    now: Timestamp,
) -> Answer<Vec<State>> {
    by_hand(tx, rule_id, scope_key, Input::Acked { by: actor(by) }, now)
}

/// Keeps one instance of a rule, or all of it, quiet for so many seconds; 0 ends a silence, and the next evaluation tells what fires. All
/// of it are also the instances that it opens meanwhile. One that has no state yet but that the rule covers can be silenced before it ever
/// fires.
///
/// # Errors
/// When the database cannot be read or written.
pub fn silence(
    tx: &mut Tx<'_>,
    rule_id: &RuleId,
    scope_key: Option<&str>,
    seconds: i64,
    by: &str,
    now: Timestamp,
) -> Answer<Vec<State>> {
    if !(0..=SILENCE_SEC_MAX).contains(&seconds) {
        return Ok(Err(Problem::NotValid("seconds".to_owned()).into()));
    }
    let until = Timestamp(now.0.saturating_add(seconds * 1_000_000));
    if scope_key.is_none()
        && let Some(rule) = rules_sql::live_by_id(tx, rule_id)?
    {
        let silenced_until = (now < until).then_some(until);
        rules_sql::put(tx, &Rule { silenced_until, ..rule })?;
    }
    by_hand(tx, rule_id, scope_key, Input::Silenced { until, by: actor(by) }, now)
}

/// What happened, of all rules or of one, the newest first: `limit` at most, [`PAGE_ROWS_MAX`] in any case.
///
/// # Errors
/// When the database cannot be read.
pub fn transitions(
    read: &Read<'_>,
    rule_id: Option<&RuleId>,
    before: Option<&Place>,
    limit: usize,
) -> Result<Page<Happened, Place>, StoreError> {
    let limit = limit.clamp(1, PAGE_ROWS_MAX);
    let newest = Place::newest();
    let before = before.unwrap_or(&newest);
    let rows = match rule_id {
        Some(rule_id) => transitions_sql::page_of_rule(read, rule_id, before, limit + 1)?,
        None => transitions_sql::page(read, before, limit + 1)?,
    };
    Ok(page_of(rows, limit, Place::of))
}

/// Deliveries, all or those in a state, the newest first: `limit` at most, [`PAGE_ROWS_MAX`] in any case.
///
/// # Errors
/// When the database cannot be read.
pub fn deliveries(
    read: &Read<'_>,
    state: Option<DeliveryState>,
    before: Option<&(Timestamp, DeliveryId)>,
    limit: usize,
) -> Result<Page<Delivery, (Timestamp, DeliveryId)>, StoreError> {
    let limit = limit.clamp(1, PAGE_ROWS_MAX);
    let before = before.map_or((Timestamp(i64::MAX), ""), |(at, id)| (*at, id.as_str()));
    let rows = outbox::page(read, state, before, limit + 1)?;
    Ok(page_of(rows, limit, |delivery| (delivery.created_at, delivery.delivery_id.clone())))
}

/// Makes a channel from the body of a request; see [`Channel::create`] for `allows_plain_http`.
///
/// # Errors
/// When the database cannot be read or written.
pub fn create_channel(tx: &mut Tx<'_>, body: &Value, allows_plain_http: bool, now: Timestamp) -> Answer<Channel> {
    let channel = match Channel::create(body, allows_plain_http) {
        Ok(channel) => channel,
        Err(problem) => return Ok(Err(problem.into())),
    };
    let standing = rules_sql::channels(tx, CHANNELS_MAX)?;
    if standing.iter().any(|known| known.id == channel.id) {
        return Ok(Err(AlertError::ChannelExists));
    }
    if standing.len() >= CHANNELS_MAX {
        return Ok(Err(AlertError::TooMany { what: "channels", max: CHANNELS_MAX }));
    }
    rules_sql::insert_channel(tx, &channel, now)?;
    Ok(Ok(channel))
}

/// All channels, by id.
///
/// # Errors
/// When the database cannot be read.
pub fn channels(read: &Read<'_>) -> Result<Vec<Channel>, StoreError> {
    rules_sql::channels(read, CHANNELS_MAX)
}

/// A channel.
///
/// # Errors
/// When the database cannot be read.
pub fn channel(read: &Read<'_>, channel_id: &str) -> Result<Option<Channel>, StoreError> {
    rules_sql::channel(read, channel_id)
}

/// Changes a channel by the body of a request. What waits for one that is disabled is given up: nobody wants it when it is enabled again.
///
/// # Errors
/// When the database cannot be read or written.
pub fn patch_channel(
    tx: &mut Tx<'_>,
    channel_id: &str,
    body: &Value,
    allows_plain_http: bool,
    now: Timestamp,
) -> Answer<Channel> {
    let Some(before) = rules_sql::channel(tx, channel_id)? else { return Ok(Err(AlertError::ChannelNotFound)) };
    let after = match before.patched(body, allows_plain_http) {
        Ok(channel) => channel,
        Err(problem) => return Ok(Err(problem.into())),
    };
    rules_sql::change_channel(tx, &after, now)?;
    if !after.enabled {
        outbox::give_up(tx, channel_id, now, "the channel was disabled")?;
    }
    Ok(Ok(after))
}

/// Deletes a channel, and gives up what waits for it. One that a rule names stays: without it, the rule would fire and tell nobody.
///
/// # Errors
/// When the database cannot be written.
pub fn delete_channel(tx: &mut Tx<'_>, channel_id: &str, now: Timestamp) -> Answer<()> {
    let named = |rule: &Rule| rule.channels.iter().any(|id| id == channel_id);
    let rules: Vec<RuleId> =
        rules_sql::live(tx, RULES_MAX)?.into_iter().filter(named).map(|rule| rule.rule_id).collect();
    if !rules.is_empty() {
        return Ok(Err(AlertError::ChannelNamed { rules }));
    }
    if !rules_sql::delete_channel(tx, channel_id)? {
        return Ok(Err(AlertError::ChannelNotFound));
    }
    outbox::give_up(tx, channel_id, now, "the channel was deleted")?;
    Ok(Ok(()))
}

/// Whether every channel that a rule names is there: a rule that fires and tells nobody is worse than one that is refused.
fn knows_channels(read: &Read<'_>, rule: &Rule) -> Result<bool, StoreError> {
    if rule.channels.is_empty() {
        return Ok(true);
    }
    let known = rules_sql::channels(read, CHANNELS_MAX)?;
    Ok(rule.channels.iter().all(|id| known.iter().any(|channel| channel.id == *id)))
}

/// Lets a person do something to one instance of a rule, or to all it has.
fn by_hand(
    tx: &mut Tx<'_>,
    rule_id: &RuleId,
    scope_key: Option<&str>,
    input: Input<'_>,
    now: Timestamp,
) -> Answer<Vec<State>> {
    let Some(rule) = rules_sql::live_by_id(tx, rule_id)? else { return Ok(Err(AlertError::RuleNotFound)) };
    let meant = match scope_key {
        None => states_sql::of_rule(tx, rule_id, INSTANCES_MAX)?,
        Some(key) => match instance_of(tx, &rule, key, now)? {
            Some(state) => vec![state],
            None => return Ok(Err(AlertError::ScopeNotFound)),
        },
    };
    let mut looked = Vec::with_capacity(meant.len());
    for state in meant {
        let Stepped { state, transition } = step(&rule, state, input, now);
        looked.push(Looked { state, reading: None, transition });
    }
    // What a person does is told to nobody.
    keep(tx, &rule, &looked, &[], now)?;
    Ok(Ok(looked.into_iter().map(|looked| looked.state).collect()))
}

/// The state of an instance, or a new one where the rule covers it.
fn instance_of(read: &Read<'_>, rule: &Rule, key: &str, now: Timestamp) -> Result<Option<State>, StoreError> {
    if let Some(state) = states_sql::by_key(read, &rule.rule_id, key)? {
        return Ok(Some(state));
    }
    let Some(instance) = Instance::parse_key(key).filter(|instance| rule.scope.covers(instance)) else {
        return Ok(None);
    };
    let episodes = transitions_sql::episodes(read, &rule.rule_id, &[key.to_owned()])?;
    let episode = episodes.get(key).copied().unwrap_or(0);
    let silenced_until = rule.silence_of_new(now);
    Ok(Some(State { episode, silenced_until, ..State::new(rule.rule_id.clone(), instance, now) }))
}

/// As much of a name as is kept.
fn actor(by: &str) -> &str {
    by.char_indices().nth(ACTOR_CHARS_MAX).map_or(by, |(end, _)| &by[..end])
}

/// The first rows of those that were read, and where the next page begins when there are more.
fn page_of<T, P>(mut rows: Vec<T>, limit: usize, place: impl Fn(&T) -> P) -> Page<T, P> {
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| has_more).map(place);
    Page { rows, next }
}
