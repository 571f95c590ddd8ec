//! What is seen of the room while somebody listens.

use std::sync::Arc;

use exhibit_agents::http::live::seen::{About, MISSED_MAX, NEWEST, Seen, Stands, look};
use exhibit_agents::record::API_FEED;
use exhibit_model::time::Timestamp;
use exhibit_store::Backend;
use serde_json::{Value, json};

use crate::alerts_world::SECOND;
use crate::recompute::{ask, call, lists};
use crate::world::{World, keyed, session, with, with_calls};

both!(
    what_is_recorded_is_seen_by_its_place,
    what_happens_to_alerts_is_seen_once,
    a_look_begins_at_the_end_where_too_much_was_missed,
);

fn seen(world: &World, from: Option<i64>) -> Seen {
    let (kinds, now) = (Arc::clone(world.store.kinds()), world.now());
    world.read(move |read| look(read, &kinds, from, now))
}

fn news(seen: &Seen) -> Vec<Value> {
    let parsed = |data: &str| serde_json::from_str::<Value>(data).expect("JSON");
    seen.news.iter().map(|news| json!([news.about.as_str(), parsed(&news.data)])).collect()
}

fn what_is_recorded_is_seen_by_its_place(backend: Backend) {
    let world = World::new(backend);
    let begin = seen(&world, None);
    assert_eq!((begin.first_seq, begin.news.len()), (begin.next_seq, 0));
    let version = lists(&world);
    world.takes(&with_calls("s", &json!({}), &json!([call("c", "alpha", "2026-01-02T03:04:05Z")])));
    world.takes(&with(session("t", "running"), "title", "first"));
    world.takes(&session("t", "failed"));
    // What came too late and what was refused changes nothing that is shown.
    world.takes(&keyed(session("t", "running"), "late"));
    world.refuses(&session("t", "success"));
    ask(&world, "r", &version, Default::default());
    let now = seen(&world, Some(begin.next_seq));
    let told = news(&now);
    assert_eq!(told[0][0], "price");
    assert_eq!(told[1], json!(["price", {"pricingVersion": version.as_str()}]));
    assert_eq!(
        told[2..],
        [
            json!(["session", {"sessionId": "s", "status": "running", "revision": 1}]),
            json!(["session", {"sessionId": "t", "status": "failed", "revision": 2}]),
            json!(["price", {"pricingVersion": version.as_str(), "recomputeId": "r"}]),
        ]
    );
    let places: Vec<i64> = now.news.iter().map(|news| news.seq).collect();
    assert!(places.is_sorted() && places.iter().all(|seq| (begin.next_seq..now.next_seq).contains(seq)), "{places:?}");
    // Who was told up to a place is told the rest, once.
    let from = places[2] + 1;
    assert_eq!(news(&seen(&world, Some(from)))[..], told[3..]);
    assert_eq!(seen(&world, Some(now.next_seq)).news, []);
    // A collector is seen by what it wrote, as anybody.
    world.collects("claude_jsonl", &session("u", "running"));
    assert_ne!(API_FEED, "claude_jsonl");
    assert_eq!(
        news(&seen(&world, Some(now.next_seq))),
        [json!(["session", {"sessionId": "u", "status": "running", "revision": 1}])]
    );
}

fn what_happens_to_alerts_is_seen_once(backend: Backend) {
    let world = World::new(backend);
    world.channel("ops", "http://127.0.0.1:9/");
    let rule = world.rule(&json!({}));
    let before = seen(&world, None);
    world.wait(1);
    world.meter("a", 20);
    assert_eq!(world.happens(), "open!");
    let now = seen(&world, None);
    let differs = now.differs(&before);
    let told: Vec<(&str, Value)> = differs
        .told
        .iter()
        .map(|(about, stands)| (about.as_str(), serde_json::from_str(&stands.data).expect("JSON")))
        .collect();
    assert!(!differs.is_lost);
    assert_eq!(told.iter().map(|(about, _)| *about).collect::<Vec<_>>(), ["alert", "delivery"]);
    assert_eq!(
        (&told[0].1["ruleId"], &told[0].1["kind"], &told[0].1["status"], &told[0].1["scopeKey"]),
        (&json!(rule.rule_id.as_str()), &json!("open"), &json!("warning"), &json!("global"))
    );
    assert_eq!(told[1].1["state"], "pending");
    assert_eq!(now.differs(&now).told, [], "nothing is told twice");
    // Who comes back is told what happened since, and a little of before.
    let opened = now.at;
    world.wait(3_600);
    let back = seen(&world, None).as_known_at(Timestamp(opened.0 - SECOND));
    assert_eq!(seen(&world, None).differs(&back).told.len(), 2);
    let back = seen(&world, None).as_known_at(Timestamp(opened.0 + SECOND));
    let again: Vec<About> = seen(&world, None).differs(&back).told.iter().map(|(about, _)| *about).collect();
    assert_eq!(again, [About::Delivery], "one that waits may have been tried meanwhile");
    // More than is looked at may have happened between.
    let mut full = Seen::default();
    for number in 0..NEWEST {
        let stands = Stands { at: Timestamp(1), data: number.to_string() };
        full.stands.insert((About::Control, format!("{number:04}")), stands);
    }
    assert!(full.differs(&Seen::default()).is_lost);
    let mut before = Seen::default();
    before.stands.insert((About::Control, "0007".to_owned()), Stands { at: Timestamp(1), data: "7".to_owned() });
    assert!(!full.differs(&before).is_lost);
}

fn a_look_begins_at_the_end_where_too_much_was_missed(backend: Backend) {
    let world = World::new(backend);
    world.takes(&session("s", "running"));
    let end = seen(&world, None).next_seq;
    for (from, first) in [(end - 1, end - 1), (end, end), (end + 1, end), (end - MISSED_MAX - 1, end)] {
        assert_eq!(seen(&world, Some(from)).first_seq, first, "{from} of {end}");
    }
}
