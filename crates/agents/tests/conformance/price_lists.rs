//! Lists of prices in the ledger.

use exhibit_agents::price_lists::{Format, PricesError, diff, ensure_shipped, list, load, show};
use exhibit_agents::prices::{Head, PricingVersion, Snapshot};
use exhibit_agents::sql::prices::book;
use exhibit_model::time::Timestamp;
use exhibit_store::Backend;
use exhibit_store::projection::rebuild;
use exhibit_store::sql::ledger::count_records;
use serde_json::json;

use crate::world::{NOW, World, block_on};

both!(
    the_shipped_list_is_recorded_once,
    files_of_others_become_lists,
    a_wrong_file_is_refused_with_all_that_is_wrong,
    lists_come_in_the_order_of_their_force_and_can_be_compared,
);

fn head(origin: &str) -> Head {
    Head { origin: origin.to_owned(), owner: "tests".to_owned(), effective_from: Timestamp(NOW), review_at: None }
}

fn shown(world: &World, version: &PricingVersion) -> Snapshot {
    let version = version.clone();
    world.read(move |read| show(read, &version)).expect("a list")
}

fn the_shipped_list_is_recorded_once(backend: Backend) {
    let world = World::new(backend);
    let first = block_on(ensure_shipped(&world.store)).expect("taken");
    assert!(!first.was_there && first.models > 10);
    let records = world.read(count_records);
    for store in [world.store.clone(), world.open_again()] {
        let again = block_on(ensure_shipped(&store)).expect("taken");
        assert!(again.was_there && again.version == first.version);
    }
    assert_eq!(world.read(count_records), records, "once");
    let before = world.read(|read| list(read, None, 10));
    block_on(rebuild(&world.store, &mut |_, _| {})).expect("a rebuild");
    assert_eq!(world.read(|read| list(read, None, 10)), before, "a list is evidence and comes back");
    assert_eq!(before.len(), 1);
}

fn files_of_others_become_lists(backend: Backend) {
    let world = World::new(backend);
    let litellm = json!({
        "sample_spec": {}, "acme/large": {"litellm_provider": "acme", "input_cost_per_token": 3e-6, "output_cost_per_token": 1.5e-5},
        "picture": {"litellm_provider": "acme", "mode": "image_generation"},
        "broken": {"litellm_provider": "acme", "input_cost_per_token": -1, "output_cost_per_token": 1},
    });
    let taken = block_on(load(&world.store, litellm.to_string().as_bytes(), Format::LiteLlm(head("litellm"))));
    let taken = taken.expect("taken");
    assert_eq!((taken.was_there, taken.models, taken.without_prices, taken.unusable), (false, 1, 1, 1));
    assert_eq!(shown(&world, &taken.version).models()[0].prices.input, 3_000_000_000);
    let dev = json!({"acme": {"models": {"small": {"cost": {"input": 0.25, "output": 1}}, "free": {}}}});
    let again = block_on(load(&world.store, dev.to_string().as_bytes(), Format::ModelsDev(head("models.dev"))));
    let again = again.expect("taken");
    assert_eq!((again.models, again.without_prices, again.unusable), (1, 1, 0));
    assert_eq!(world.read(book).iter().count(), 2);
}

fn a_wrong_file_is_refused_with_all_that_is_wrong(backend: Backend) {
    let world = World::new(backend);
    let records = world.read(count_records);
    let list = json!({"origin": "", "owner": "tests", "effectiveFrom": "soon", "models": [{"model": "m", "in": -1, "out": 0}]});
    for (bytes, format, problems) in [
        (list.to_string(), Format::Own, 3),
        ("{".to_owned(), Format::Own, 1),
        ("[]".to_owned(), Format::LiteLlm(head("x")), 1),
        ("{}".to_owned(), Format::ModelsDev(head("x")), 1),
    ] {
        match block_on(load(&world.store, bytes.as_bytes(), format)) {
            Err(PricesError::Refused(findings)) => assert_eq!(findings.iter().count(), problems, "{findings}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(world.read(count_records), records, "nothing is written");
}

fn lists_come_in_the_order_of_their_force_and_can_be_compared(backend: Backend) {
    let world = World::new(backend);
    let file = |from: &str, models: serde_json::Value| json!({"origin": "by hand", "owner": "tests", "effectiveFrom": from, "models": models});
    let new = world.has_prices(&file(
        "2026-02-01T00:00:00Z",
        json!([{"model": "same", "in": 1, "out": 1}, {"model": "dearer", "in": 3, "out": 1}, {"model": "new", "in": 1, "out": 1}]),
    ));
    let old = world.has_prices(&file(
        "2026-01-01T00:00:00Z",
        json!([{"model": "same", "in": 1, "out": 1}, {"model": "dearer", "in": 2, "out": 1}, {"model": "gone", "in": 1, "out": 1}]),
    ));
    let lists = world.read(|read| list(read, None, 10));
    let names: Vec<&str> = lists.iter().map(|list| list.version.as_str()).collect();
    assert_eq!(names, [old.as_str(), new.as_str()]);
    assert_eq!((lists[0].owner.as_str(), lists[0].loaded_at, lists[0].review_at), ("tests", Timestamp(NOW), None));
    let (at, name) = (lists[0].effective_at, lists[0].version.clone());
    let rest = world.read(move |read| list(read, Some((at, &name)), 10));
    assert_eq!(rest, lists[1..], "page after page");
    let changed = diff(&shown(&world, &old), &shown(&world, &new));
    let told: Vec<(&str, Option<i64>, Option<i64>)> = changed
        .iter()
        .map(|it| {
            let input =
                |side: &Option<exhibit_agents::prices::ModelPrices>| side.as_ref().map(|side| side.prices.input);
            (it.model.as_str(), input(&it.before), input(&it.after))
        })
        .collect();
    assert_eq!(told, [("dearer", Some(2), Some(3)), ("gone", Some(1), None), ("new", None, Some(1))]);
    let missing = PricingVersion::parse("px-0000000000000000").expect("a name");
    assert!(world.read(move |read| show(read, &missing)).is_none());
}
