//! Delivery: what the outbox holds is sent, and tried again until it is taken or dead.
//!
//! A delivery is claimed in one transaction, sent outside of any, and settled in another one. Whoever is killed between sending and settling
//! leaves a claim behind that runs out after a minute, and the same delivery, with the same id and the same bytes, is sent once more: a
//! receiver gets each delivery at least once and tells repetitions by `x-exhibit-delivery`. The attempt that was lost is counted, so that
//! a delivery that kills us does not do so for ever.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use exhibit_model::time::{Clock, Timestamp};
use exhibit_store::{Store, StoreError, Tx};
use tokio::sync::Notify;

use super::channel::Channel;
use super::delivery::{ATTEMPTS_MAX, retry_delay};
use super::repository::CHANNELS_MAX;
use super::webhook::{ATTEMPT_WITHIN, Webhooks};
use crate::sql::alerts_outbox::{self as outbox, Delivery, DeliveryState};
use crate::sql::alerts_rules as rules_sql;

/// Deliveries that one channel is told in a round, one after the other: enough that a storm is told within seconds, and so few that a
/// crash repeats little.
const BATCH_MAX: usize = 16;

/// How long a channel is told something in one round; the rest waits for the next one, so that a slow channel holds nobody up for long.
const ROUND_WITHIN: Duration = Duration::from_secs(10);

/// How long a claim lasts, in microseconds: far more than the longest round, which is one limit of a round and one of an attempt.
const CLAIM_US: i64 = 60 * 1_000_000;

/// How long what was claimed and not sent waits, in microseconds: the first retry.
const RELEASED_US: i64 = 1_000_000;

/// How long nobody looks into the outbox when nothing is due: what another process put there is found then.
const IDLE_FOR: Duration = Duration::from_secs(60);

/// How long to wait after the database could not be asked.
const TROUBLE_FOR: Duration = Duration::from_secs(5);

/// Tells the deliverer that something was put into the outbox. Clones ring the same bell.
#[derive(Debug, Clone, Default)]
pub struct Bell(Arc<Notify>);

impl Bell {
    /// Wakes the deliverer, now or when it is done with its round.
    pub fn ring(&self) {
        self.0.notify_one();
    }
}

/// What a round came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Round {
    /// Deliveries that were taken by their channel.
    pub delivered: usize,
    /// Those that are tried again.
    pub failed: usize,
    /// Those that nobody tries any more.
    pub dead: usize,
    /// Those that were claimed and wait for the next round.
    pub released: usize,
}

impl Round {
    /// Whether there was nothing to do.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Sends what the outbox holds.
pub struct Deliverer {
    store: Store,
    clock: Arc<dyn Clock>,
    webhooks: Arc<Webhooks>,
    bell: Bell,
}

/// What is sent to one channel in a round.
struct Batch {
    channel: Channel,
    deliveries: Vec<Delivery>,
}

/// What a round claims.
#[derive(Default)]
struct Claimed {
    batches: Vec<Batch>,
    /// Those whose last attempt was lost.
    dead: usize,
}

impl Deliverer {
    /// A deliverer of a store. The clock decides what is due, and its time is signed.
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, webhooks: Arc::new(Webhooks::new()), bell: Bell::default() }
    }

    /// The bell that wakes it.
    pub fn bell(&self) -> Bell {
        self.bell.clone()
    }

    /// One round: sends what is due to every channel, all channels at the same time, and writes what became of it.
    ///
    /// # Errors
    /// When the database cannot be read or written. What was sent by then is sent again when its claim has run out.
    pub async fn deliver_due(&self) -> Result<Round, StoreError> {
        let now = self.clock.now();
        let Claimed { batches, dead } = self.store.write(move |tx| claim(tx, now)).await?;
        let mut round = Round { dead, ..Round::default() };
        if batches.is_empty() {
            return Ok(round);
        }
        let (webhooks, clock) = (Arc::clone(&self.webhooks), Arc::clone(&self.clock));
        let sent = tokio::task::spawn_blocking(move || send_all(&webhooks, clock.as_ref(), batches)).await;
        let sent = sent.map_err(|error| match error.is_panic() {
            true => StoreError::Panicked(error.to_string()),
            // The runtime ends, and the store with it.
            false => StoreError::Closed,
        })?;
        for (claimed, delivery) in &sent {
            match delivery.state {
                DeliveryState::Delivered => round.delivered += 1,
                DeliveryState::Dead => round.dead += 1,
                DeliveryState::Pending if delivery.attempts < *claimed => round.released += 1,
                DeliveryState::Pending => round.failed += 1,
            }
        }
        let settle = move |tx: &mut Tx<'_>| {
            let rows: Vec<(u32, &Delivery)> = sent.iter().map(|(seen, delivery)| (*seen, delivery)).collect();
            outbox::move_on(tx, &rows)
        };
        self.store.write(settle).await?;
        Ok(round)
    }

    /// Works until `stop` is there: sleeps until something is due or the bell rings. A round that has begun is finished.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        loop {
            let pause = match self.round_and_pause().await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::error!(%error, "alerts cannot be delivered; it is tried again");
                    TROUBLE_FOR
                }
            };
            tokio::select! {
                () = &mut stop => return,
                () = self.bell.0.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn round_and_pause(&self) -> Result<Duration, StoreError> {
        let round = self.deliver_due().await?;
        if round.dead > 0 {
            tracing::warn!(dead = round.dead, "alerts were not taken by their channel; nobody tries any more");
        }
        let Some(next) = self.store.read(outbox::next_due).await? else { return Ok(IDLE_FOR) };
        let wait_us = u64::try_from(next.0.saturating_sub(self.clock.now().0)).unwrap_or(0);
        // What is due and was not claimed would be due for ever: no loop may spin over it.
        let least = if round.is_empty() { Duration::from_micros(RELEASED_US.unsigned_abs()) } else { Duration::ZERO };
        Ok(Duration::from_micros(wait_us).clamp(least, IDLE_FOR))
    }
}

/// Claims what is due to every channel. It counts as tried from here on, whatever happens.
fn claim(tx: &mut Tx<'_>, now: Timestamp) -> Result<Claimed, StoreError> {
    let mut claimed = Claimed::default();
    for channel in rules_sql::channels(tx, CHANNELS_MAX)? {
        if !channel.enabled {
            continue;
        }
        let mut deliveries = outbox::due(tx, &channel.id, now, BATCH_MAX)?;
        for delivery in &mut deliveries {
            if delivery.attempts >= ATTEMPTS_MAX {
                settled(delivery, DeliveryState::Dead, now);
                delivery.last_error.get_or_insert_with(|| "the last attempt was interrupted".to_owned());
            } else {
                delivery.attempts += 1;
                delivery.next_at = Some(Timestamp(now.0.saturating_add(CLAIM_US)));
            }
        }
        let seen = |delivery: &Delivery| match delivery.state {
            DeliveryState::Pending => delivery.attempts.saturating_sub(1),
            DeliveryState::Delivered | DeliveryState::Dead => delivery.attempts,
        };
        outbox::move_on(tx, &deliveries.iter().map(|delivery| (seen(delivery), delivery)).collect::<Vec<_>>())?;
        let found = deliveries.len();
        deliveries.retain(|delivery| delivery.state == DeliveryState::Pending);
        claimed.dead += found - deliveries.len();
        if !deliveries.is_empty() {
            claimed.batches.push(Batch { channel, deliveries });
        }
    }
    Ok(claimed)
}

/// Sends the batches of all channels, each on a thread of its own. Each delivery comes back with the attempts that it was claimed with. Where
/// there is no thread, or one panicked, nothing comes back and the claims run out.
fn send_all(webhooks: &Webhooks, clock: &dyn Clock, batches: Vec<Batch>) -> Vec<(u32, Delivery)> {
    std::thread::scope(|scope| {
        let start = |batch: Batch| {
            let thread = std::thread::Builder::new().name("alert-webhook".to_owned());
            let started = thread.spawn_scoped(scope, move || send_batch(webhooks, clock, batch));
            started
                .inspect_err(|error| tracing::error!(%error, "no thread for a channel; it is told a minute later"))
                .ok()
        };
        let threads: Vec<_> = batches.into_iter().filter_map(start).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    })
}

/// Sends to one channel, in the order in which things happened, until one fails or the time of the round is over. The rest is released: it
/// was not tried.
fn send_batch(webhooks: &Webhooks, clock: &dyn Clock, batch: Batch) -> Vec<(u32, Delivery)> {
    let (began, mut has_failed) = (Instant::now(), false);
    let mut sent = Vec::with_capacity(batch.deliveries.len());
    for mut delivery in batch.deliveries {
        let claimed = delivery.attempts;
        if has_failed || began.elapsed() >= ROUND_WITHIN {
            delivery.attempts = claimed.saturating_sub(1);
            delivery.next_at = Some(Timestamp(clock.now().0.saturating_add(RELEASED_US)));
            sent.push((claimed, delivery));
            continue;
        }
        match webhooks.send(&batch.channel, &delivery, clock.now()) {
            Ok(()) => {
                settled(&mut delivery, DeliveryState::Delivered, clock.now());
                delivery.last_error = None;
            }
            Err(why) => {
                has_failed = true;
                retry(&mut delivery, clock.now());
                delivery.last_error = Some(why);
            }
        }
        sent.push((claimed, delivery));
    }
    sent
}

fn settled(delivery: &mut Delivery, state: DeliveryState, at: Timestamp) {
    (delivery.state, delivery.next_at, delivery.settled_at) = (state, None, Some(at));
}

/// What follows from a failed attempt.
fn retry(delivery: &mut Delivery, at: Timestamp) {
    match retry_delay(delivery.attempts).and_then(|delay| i64::try_from(delay.as_micros()).ok()) {
        Some(delay_us) => delivery.next_at = Some(Timestamp(at.0.saturating_add(delay_us))),
        None => settled(delivery, DeliveryState::Dead, at),
    }
}

const _: () = assert!(
    CLAIM_US as u128 > (ROUND_WITHIN.as_micros() + ATTEMPT_WITHIN.as_micros()) * 2,
    "a claim must not run out while its round goes on"
);
