//! Tokens and the audit of changes over HTTP.

use exhibit_model::digest::Digest;
use exhibit_store::Backend;
use exhibit_store::sql::audit::{self, Intent};
use exhibit_store::sql::tokens::{self, Purpose, StoredToken};

use crate::world::World;

both!(
    a_login_link_opens_one_session,
    a_token_goes_with_its_sessions,
    what_passed_long_ago_is_forgotten,
    the_audit_keeps_intent_and_outcome_of_the_newest,
);

/// A day, in microseconds.
const DAY_US: i64 = 86_400 * 1_000_000;

fn token(id: &str, purpose: Purpose, parent: Option<&str>) -> StoredToken {
    StoredToken {
        id: id.to_owned(),
        purpose,
        parent: parent.map(str::to_owned),
        name: "a name, with a comma".to_owned(),
        secret: Digest::of(id.as_bytes()),
        scopes: "read,control".to_owned(),
        created_us: 0,
        expires_us: Some(1_000),
        revoked_us: None,
        used_us: None,
    }
}

fn add(world: &World, new: StoredToken) {
    world.write(move |tx| tokens::insert(tx, &new));
}

fn found(world: &World, id: &'static str) -> StoredToken {
    world.read(move |read| tokens::by_id(read, id)).expect("a token")
}

fn a_login_link_opens_one_session(backend: Backend) {
    let world = World::new(backend);
    add(&world, token("link", Purpose::Login, None));
    add(&world, token("late", Purpose::Login, None));
    add(&world, token("api", Purpose::Api, None));
    assert!(found(&world, "link").lives(999));
    assert!(!found(&world, "link").lives(1_000));
    assert!(world.write(|tx| tokens::redeem(tx, "link", 10)));
    assert!(!world.write(|tx| tokens::redeem(tx, "link", 11)), "used up");
    assert!(!world.write(|tx| tokens::redeem(tx, "late", 1_000)), "too late");
    assert!(!world.write(|tx| tokens::redeem(tx, "api", 10)), "no login link");
    assert!(!found(&world, "link").lives(12));
    assert_eq!(found(&world, "link").used_us, Some(10));
}

fn a_token_goes_with_its_sessions(backend: Backend) {
    let world = World::new(backend);
    add(&world, token("api", Purpose::Api, None));
    add(&world, token("one", Purpose::Session, Some("api")));
    add(&world, token("other", Purpose::Session, None));
    assert!(world.write(|tx| tokens::revoke(tx, "api", 5)));
    assert!(!world.write(|tx| tokens::revoke(tx, "api", 6)), "it is gone already");
    assert!(!world.write(|tx| tokens::revoke(tx, "nobody", 6)));
    assert!(!found(&world, "api").lives(7) && !found(&world, "one").lives(7));
    assert!(found(&world, "other").lives(7));
    world.write(|tx| tokens::set_used(tx, "other", 8));
    assert_eq!(found(&world, "other").used_us, Some(8));
    assert!(found(&world, "other").lives(9), "a session is used again and again");
}

fn what_passed_long_ago_is_forgotten(backend: Backend) {
    let world = World::new(backend);
    for (id, purpose) in [("api", Purpose::Api), ("link", Purpose::Login), ("session", Purpose::Session)] {
        add(&world, token(id, purpose, None));
    }
    add(&world, StoredToken { created_us: 31 * DAY_US, expires_us: None, ..token("new", Purpose::Session, None) });
    let ids: Vec<String> = world.read(tokens::all).into_iter().map(|token| token.id).collect();
    assert_eq!(ids, ["api", "new"], "what a person made stays until that person has seen it");
}

fn the_audit_keeps_intent_and_outcome_of_the_newest(backend: Backend) {
    let world = World::new(backend);
    let begin = |number: i64| {
        let intent = Intent {
            at_us: number,
            token: "t".to_owned(),
            method: "POST".to_owned(),
            route: "/v1/runs/{id}/cancel".to_owned(),
            path: "/v1/runs/x/cancel".to_owned(),
            request: "r".to_owned(),
        };
        world.write(move |tx| audit::begin(tx, &intent, 3))
    };
    let entries: Vec<i64> = (0..5).map(begin).collect();
    assert_eq!(entries, [1, 2, 3, 4, 5]);
    world.write(|tx| audit::end(tx, 5, 409));
    let listed = world.read(|read| audit::newest(read, i64::MAX, 9));
    let seen: Vec<_> = listed.iter().map(|entry| (entry.entry, entry.status)).collect();
    assert_eq!(seen, [(5, Some(409)), (4, None), (3, None)]);
    let listed = world.read(|read| audit::newest(read, 5, 1));
    assert_eq!((listed.len(), listed[0].entry, listed[0].intent.at_us), (1, 4, 3));
}
