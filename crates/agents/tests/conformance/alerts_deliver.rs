//! Delivery: webhooks over a real loopback server.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::TcpListener;
use std::sync::Arc;

use exhibit_agents::alerts::deliver::Round;
use exhibit_agents::alerts::evaluator::Evaluator;
use exhibit_agents::alerts::{ATTEMPTS_MAX, Secret, retry_delay, verify};
use exhibit_agents::sql::alerts_outbox::DeliveryState;
use exhibit_model::time::Timestamp;
use exhibit_store::Backend;
use serde_json::{Value, json};

use crate::alerts_world::{SECOND, SECRET};
use crate::receiver::{Received, Receiver};
use crate::world::{World, block_on};

both!(
    ag_30_a_webhook_is_signed_and_taken,
    ag_30_a_delivery_keeps_its_id_over_retries_and_is_dead_after_the_last,
    ag_30_a_redirect_is_not_followed,
    an_address_that_does_not_answer_is_a_failed_attempt,
    ag_30_what_was_interrupted_is_sent_again_under_the_same_id,
    a_channel_that_fails_keeps_its_order_and_holds_nobody_up,
    what_was_interrupted_at_the_last_attempt_is_dead,
    ag_29_what_is_taken_in_is_evaluated_and_told,
);

/// A world in which one alert was opened, with a channel for each receiver.
fn opened(backend: Backend, receivers: &[&Receiver]) -> World {
    let world = World::new(backend);
    for (n, receiver) in receivers.iter().enumerate() {
        world.channel(&format!("c{n}"), &receiver.url);
    }
    world.rule(&json!({}));
    world.meter("a", 20);
    assert_eq!(world.happens(), "open!");
    world
}

fn check(world: &World, received: &Received) -> Value {
    let secret = Secret::parse(SECRET).expect("a secret");
    let header = &received.headers["x-exhibit-signature"];
    let now_s = world.now().0 / SECOND;
    assert!(header.starts_with(&format!("t={now_s},v1=")), "{header}");
    verify(&secret, header, &received.body, now_s, 0).expect("a good signature");
    serde_json::from_slice(&received.body).expect("JSON")
}

fn one(field: &str) -> Round {
    let mut round = Round::default();
    match field {
        "delivered" => round.delivered = 1,
        "failed" => round.failed = 1,
        "dead" => round.dead = 1,
        _ => {}
    }
    round
}

/// A round that ends as by `kill -9`: it was sent, and nobody is there any more to note it.
fn interrupted(world: &World, receiver: &Receiver) -> Received {
    let deliverer = world.deliverer();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
    let round = runtime.spawn(async move { deliverer.deliver_due().await });
    let received = receiver.next();
    round.abort();
    assert!(runtime.block_on(round).is_err_and(|error| error.is_cancelled()));
    receiver.answers("200 OK");
    received
}

fn ag_30_a_webhook_is_signed_and_taken(backend: Backend) {
    let receiver = Receiver::start();
    let world = opened(backend, &[&receiver]);
    receiver.answers("204 No Content");
    assert_eq!(block_on(world.deliverer().deliver_due()).expect("a round"), one("delivered"));
    let received = receiver.next();
    let body = check(&world, &received);
    assert_eq!(received.line, "POST /hook?for=tests HTTP/1.1");
    assert_eq!(received.headers["content-type"], "application/json");
    assert!(received.headers["user-agent"].starts_with("exhibit/"));
    assert_eq!(body["deliveryId"], received.headers["x-exhibit-delivery"].as_str());
    assert_eq!(
        (&body["schema"], &body["event"], &body["value"]),
        (&json!("exhibit.alert/1"), &json!("open"), &json!(20))
    );
    let row = &world.outbox()[0];
    assert_eq!((row.state, row.attempts, row.next_at), (DeliveryState::Delivered, 1, None));
    assert_eq!((row.settled_at, row.payload == received.body), (Some(world.now()), true));
    world.wait(3_600);
    assert_eq!(block_on(world.deliverer().deliver_due()).expect("a round"), Round::default());
    assert!(receiver.is_quiet());
}

fn ag_30_a_delivery_keeps_its_id_over_retries_and_is_dead_after_the_last(backend: Backend) {
    let receiver = Receiver::start();
    let mut world = opened(backend, &[&receiver]);
    let mut seen: Vec<(String, Vec<u8>)> = Vec::new();
    for attempt in 1..=ATTEMPTS_MAX {
        receiver.answers("500 Internal Server Error");
        let round = block_on(world.deliverer().deliver_due()).expect("a round");
        let is_last = attempt == ATTEMPTS_MAX;
        assert_eq!(round, one(if is_last { "dead" } else { "failed" }), "attempt {attempt}");
        let received = receiver.next();
        check(&world, &received);
        seen.push((received.headers["x-exhibit-delivery"].clone(), received.body));
        let row = world.outbox().remove(0);
        assert_eq!((row.attempts, row.last_error.as_deref()), (attempt, Some("the channel answered 500")));
        let Some(delay) = retry_delay(attempt) else {
            assert_eq!((row.state, row.next_at, row.settled_at), (DeliveryState::Dead, None, Some(world.now())));
            continue;
        };
        let delay_us = i64::try_from(delay.as_micros()).expect("a delay");
        assert_eq!(row.next_at, Some(Timestamp(world.now().0 + delay_us)));
        world.clock.advance_micros(delay_us - 1);
        assert_eq!(
            block_on(world.deliverer().deliver_due()).expect("a round"),
            Round::default(),
            "not before its time"
        );
        world.clock.advance_micros(1);
        // Whatever is to be sent outlives the process.
        world.store = world.open_again();
    }
    assert!(seen.iter().all(|sent| *sent == seen[0]), "the same id and the same bytes every time");
    world.wait(10 * 86_400);
    assert_eq!(block_on(world.deliverer().deliver_due()).expect("a round"), Round::default());
    assert!(receiver.is_quiet(), "nobody tries any more");
}

fn ag_30_a_redirect_is_not_followed(backend: Backend) {
    let receiver = Receiver::start();
    let world = opened(backend, &[&receiver]);
    receiver.answers(&format!("307 Temporary Redirect\r\nlocation: {}", receiver.url));
    assert_eq!(block_on(world.deliverer().deliver_due()).expect("a round"), one("failed"));
    receiver.next();
    assert!(receiver.is_quiet());
    assert_eq!(world.outbox()[0].last_error.as_deref(), Some("the channel answered 307"));
}

fn an_address_that_does_not_answer_is_a_failed_attempt(backend: Backend) {
    let world = World::new(backend);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    world.channel("no-tls", &format!("https://{}/", listener.local_addr().expect("an address")));
    world.channel("nobody", &format!("http://{nobody}/?token=secret"));
    world.rule(&json!({}));
    world.meter("a", 20);
    assert_eq!(world.happens(), "open!");
    // It speaks HTTP where TLS is wanted.
    let speaks = std::thread::spawn(move || {
        let Ok((mut stream, _)) = listener.accept() else { return };
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").ok();
    });
    let round = block_on(world.deliverer().deliver_due()).expect("a round");
    assert_eq!(round, Round { failed: 2, ..Round::default() });
    let errors: BTreeMap<String, String> =
        world.outbox().into_iter().map(|row| (row.channel_id, row.last_error.unwrap_or_default())).collect();
    assert_eq!(errors["nobody"], "nobody listens there");
    // A machine without any certificates does not even ask; then the thread waits for nobody.
    if errors["no-tls"] != "this machine trusts no certificate" {
        assert_eq!(errors["no-tls"], "there is no trusted connection");
        speaks.join().expect("it spoke");
    }
}

fn ag_30_what_was_interrupted_is_sent_again_under_the_same_id(backend: Backend) {
    let receiver = Receiver::start();
    let world = opened(backend, &[&receiver]);
    let first = interrupted(&world, &receiver);
    let row = world.outbox().remove(0);
    assert_eq!((row.state, row.attempts), (DeliveryState::Pending, 1), "the attempt is counted before it is made");
    assert_eq!(block_on(world.deliverer().deliver_due()).expect("a round"), Round::default(), "the claim stands");
    world.wait(60);
    receiver.answers("200 OK");
    assert_eq!(block_on(world.deliverer().deliver_due()).expect("a round"), one("delivered"));
    let second = receiver.next();
    check(&world, &second);
    assert_eq!(first.headers["x-exhibit-delivery"], second.headers["x-exhibit-delivery"]);
    assert_eq!(first.body, second.body);
    assert_eq!(world.outbox()[0].attempts, 2);
}

fn a_channel_that_fails_keeps_its_order_and_holds_nobody_up(backend: Backend) {
    let (bad, good) = (Receiver::start(), Receiver::start());
    let world = opened(backend, &[&bad, &good]);
    world.wait(1);
    world.meter("a", 60);
    assert_eq!(world.happens(), "escalate!");
    bad.answers("503 Service Unavailable");
    good.answers("200 OK");
    good.answers("200 OK");
    let round = block_on(world.deliverer().deliver_due()).expect("a round");
    assert_eq!(round, Round { delivered: 2, failed: 1, dead: 0, released: 1 });
    let events = |receiver: &Receiver| check(&world, &receiver.next())["event"].clone();
    assert_eq!([events(&good), events(&good)], ["open", "escalate"]);
    assert_eq!(events(&bad), "open");
    assert!(bad.is_quiet());
    let attempts: Vec<u32> =
        world.outbox().iter().filter(|row| row.channel_id == "c0").map(|row| row.attempts).collect();
    assert_eq!(attempts, [1, 0], "what was not tried is not counted");
    world.wait(1);
    bad.answers("200 OK");
    bad.answers("200 OK");
    let round = block_on(world.deliverer().deliver_due()).expect("a round");
    assert_eq!(round, Round { delivered: 2, ..Round::default() });
    let both = [events(&bad), events(&bad)];
    assert!(both.contains(&json!("open")) && both.contains(&json!("escalate")));
}

fn what_was_interrupted_at_the_last_attempt_is_dead(backend: Backend) {
    let receiver = Receiver::start();
    let world = opened(backend, &[&receiver]);
    for attempt in 1..=ATTEMPTS_MAX {
        interrupted(&world, &receiver);
        assert_eq!(world.outbox()[0].attempts, attempt);
        world.wait(60);
    }
    assert_eq!(block_on(world.deliverer().deliver_due()).expect("a round"), one("dead"));
    assert_eq!(world.outbox()[0].last_error.as_deref(), Some("the last attempt was interrupted"));
    assert!(receiver.is_quiet());
}

/// AG-29, and the links of AG-38 that are here: a document is taken in, and the webhook comes of itself.
fn ag_29_what_is_taken_in_is_evaluated_and_told(backend: Backend) {
    let receiver = Receiver::start();
    let world = World::new(backend);
    world.channel("ops", &receiver.url);
    let rule = world.rule(&json!({}));
    let deliverer = world.deliverer();
    let evaluator = Evaluator::new(world.store.clone(), Arc::clone(&world.clock) as Arc<_>, deliverer.bell());
    let commits = evaluator.commits();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let until = |mut stopped: tokio::sync::watch::Receiver<bool>| async move {
        stopped.wait_for(|is_over| *is_over).await.ok();
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().expect("a runtime");
    let until = (until(stopped.clone()), until(stopped));
    let tasks = [
        runtime.spawn(async move { evaluator.run(until.0).await }),
        runtime.spawn(async move { deliverer.run(until.1).await }),
    ];
    for (dollars, event) in [(20, "open"), (60, "escalate"), (1, "resolve")] {
        world.meter("a", dollars);
        commits.ingested();
        receiver.answers("200 OK");
        assert_eq!(check(&world, &receiver.next())["event"], event);
    }
    stop.send(true).expect("somebody listens");
    for task in tasks {
        block_on(task).expect("it ends in order");
    }
    assert_eq!(world.state(&rule).episode, 1);
    assert!(
        world.outbox().iter().all(|row| row.state == DeliveryState::Delivered),
        "a round is finished before the end"
    );
}
