//! The filter language against a plain evaluation over the same catalog: both databases find what it finds.

mod catalog;

use exhibit_model::digest::Digest;
use exhibit_store::Backend;
use exhibit_store::filter::{
    Availability, BindError, Comparison, Expr, Filter, NumberField, Period, Sample, Test, TextField, TypeTest, bind,
};

use crate::world::{World, block_on};
use catalog::{Catalog, Chance, Fact, Item};

both!(
    every_filter_finds_what_a_plain_evaluation_finds,
    a_page_goes_on_where_the_last_one_ended,
    unknown_names_are_placed
);

/// Filters that are tried on each database.
const FILTERS: u32 = 600;

fn every_filter_finds_what_a_plain_evaluation_finds(backend: Backend) {
    let catalog = Catalog::new(backend);
    let mut chance = Chance(0x5eed);
    let (mut found, mut tried) = (0, 0);
    for text in
        catalog::FIXED.iter().map(|text| (*text).to_owned()).chain((0..FILTERS).map(|_| catalog::filter(&mut chance)))
    {
        let filter: Filter = text.parse().unwrap_or_else(|error| panic!("`{text}`: {error}"));
        let expected = plain(&catalog, &filter);
        let keys = ask(&catalog.world, &filter);
        assert_eq!(keys, expected, "`{text}`");
        tried += 1;
        found += usize::from(!keys.is_empty() && keys.len() < catalog.items.len());
    }
    assert!(found * 3 > tried, "only {found} of {tried} filters tell assets apart");
}

fn ask(world: &World, filter: &Filter) -> Vec<i64> {
    let (kinds, filter) = (world.store.kinds().clone(), filter.clone());
    let asked = world.store.read(move |read| {
        let bound = bind(read, &kinds, &filter).map_err(BindError::refused)?;
        bound.every(read)
    });
    block_on(asked).unwrap_or_else(|error| panic!("{error}"))
}

fn a_page_goes_on_where_the_last_one_ended(backend: Backend) {
    let catalog = Catalog::new(backend);
    for text in ["", "type:image", "path:**", "type:image sample 9 seed 3", "a or not a"] {
        let filter: Filter = text.parse().expect("a filter");
        let all = ask(&catalog.world, &filter);
        let (mut pages, mut after) = (Vec::new(), 0);
        loop {
            let (kinds, filter) = (catalog.world.store.kinds().clone(), filter.clone());
            let page = catalog
                .world
                .read(move |read| bind(read, &kinds, &filter).map_err(BindError::refused)?.page(read, after, 4));
            assert!(page.len() <= 4);
            let Some(last) = page.last() else { break };
            after = *last;
            pages.extend(page);
        }
        assert_eq!(pages, all, "`{text}`");
    }
}

fn unknown_names_are_placed(backend: Backend) {
    let catalog = Catalog::new(backend);
    let cases = [
        ("a source:s", "unknown_source", 2, Some("s1")),
        ("has:media.metadat", "unknown_kind", 0, Some("media.metadata")),
        ("not has:test.event", "unknown_kind", 4, None),
        ("failed:thum", "unknown_step", 0, Some("thumb")),
        ("failed:hidden", "unknown_step", 0, None),
        ("in:lst", "unknown_collection", 0, Some("list")),
        ("in:col_00000000000000000000000099", "unknown_collection", 0, None),
        ("in:within_gone", "unknown_collection", 0, None),
    ];
    for (text, code, offset, suggestion) in cases {
        let filter: Filter = text.parse().expect("a filter");
        let kinds = catalog.world.store.kinds().clone();
        let bound = catalog.world.read(move |read| Ok(bind(read, &kinds, &filter)));
        let Err(BindError::Filter(error)) = bound else { panic!("`{text}` was understood") };
        assert_eq!((error.code, error.offset, error.suggestion.as_deref()), (code, offset, suggestion), "{error}");
        assert!(!error.expected.is_empty() || text.contains("within"), "{error}");
    }
}

// The plain evaluation ---------------------------------------------------------------------------------------------

fn plain(catalog: &Catalog, filter: &Filter) -> Vec<i64> {
    let fulfils = |item: &&Item| filter.expr.as_ref().is_none_or(|expr| holds(catalog, item, expr));
    let items: Vec<&Item> = catalog.items.iter().filter(fulfils).collect();
    drawn(items, filter.sample)
}

fn drawn(mut items: Vec<&Item>, sample: Option<Sample>) -> Vec<i64> {
    if let Some(sample) = sample {
        let lot = |item: &&Item| Digest::of(&[sample.seed.to_be_bytes().as_slice(), &item.sha256.0].concat());
        items.sort_by_key(lot);
        items.truncate(sample.count as usize);
    }
    let mut keys: Vec<i64> = items.into_iter().map(|item| item.key).collect();
    keys.sort_unstable();
    keys
}

fn holds(catalog: &Catalog, item: &Item, expr: &Expr) -> bool {
    match expr {
        Expr::All(parts) => parts.iter().all(|part| holds(catalog, item, part)),
        Expr::Any(parts) => parts.iter().any(|part| holds(catalog, item, part)),
        Expr::Not(inner) => !holds(catalog, item, inner),
        Expr::Term(term) => test(catalog, item, &term.test),
    }
}

fn test(catalog: &Catalog, item: &Item, test: &Test) -> bool {
    let fact = item.newest_fact();
    let open = || item.paths.iter().filter(|path| path.state < 2);
    let present = item.paths.iter().filter(|path| path.state == 0).count();
    let class = item.media_type.split('/').next().unwrap_or_default();
    match test {
        Test::Type(TypeTest::Class(wanted)) => class == *wanted,
        Test::Type(TypeTest::Other) => !["image", "video", "audio"].contains(&class),
        Test::Type(TypeTest::Exactly(wanted)) => item.media_type == wanted,
        Test::Taken(comparison) => fact.is_some_and(|fact| taken(fact, comparison)),
        Test::Number(field, comparison) => {
            let value = match field {
                NumberField::Size => Some(item.size),
                NumberField::Width => fact.and_then(|fact| fact.width),
                NumberField::Height => fact.and_then(|fact| fact.width.map(|width| width / 2 + 1)),
                NumberField::Duration => fact.and_then(|fact| fact.duration_ms),
            };
            value.is_some_and(|value| compared(value, comparison))
        }
        Test::Text(TextField::Path, glob) => open().any(|path| glob.matches(&path.text())),
        Test::Word(glob) => open().any(|path| glob.is_within(&path.text())),
        Test::Text(TextField::Camera, glob) => {
            let names = fact
                .and_then(|fact| fact.camera)
                .map(|(make, model)| [make.to_owned(), model.to_owned(), format!("{make} {model}")]);
            names.is_some_and(|names| names.iter().any(|name| glob.matches_name(name)))
        }
        Test::Text(TextField::Lens, glob) => {
            fact.and_then(|fact| fact.lens).is_some_and(|lens| glob.matches_name(lens))
        }
        Test::Source(name) => open().any(|path| path.source == name),
        Test::Has(kind) => item.facts.iter().any(|fact| fact.kind == kind && fact.counts),
        Test::Failed(name) => {
            let mut ended = item.units.iter().filter(|unit| {
                unit.shown && (2..=5).contains(&unit.state) && (unit.step == name || unit.extractor == name)
            });
            ended.next_back().is_some_and(|unit| unit.state == 5)
        }
        Test::In(name) => belongs(catalog, item, name, present),
        Test::Is(Availability::Present) => present > 0,
        Test::Is(Availability::Missing) => present == 0,
        Test::Is(Availability::Duplicate) => present > 1,
    }
}

fn belongs(catalog: &Catalog, item: &Item, name: &str, present: usize) -> bool {
    if name == "all" {
        return present > 0;
    }
    if name == "list" {
        return catalog.listed.contains(&item.sha256);
    }
    let (_, filter) = catalog::DYNAMIC.iter().find(|(known, _)| *known == name).expect("a collection of this catalog");
    let filter: Filter = filter.parse().expect("a filter");
    let fulfils = |item: &&Item| {
        let there = item.paths.iter().any(|path| path.state == 0);
        there && filter.expr.as_ref().is_none_or(|expr| holds(catalog, item, expr))
    };
    drawn(catalog.items.iter().filter(fulfils).collect(), filter.sample).contains(&item.key)
}

fn taken(fact: &Fact, comparison: &Comparison<Period>) -> bool {
    let Some((at_us, floating)) = fact.captured else { return false };
    let pick = |moment: exhibit_store::filter::Moment| if floating { moment.wall_us } else { moment.utc_us };
    match comparison {
        Comparison::Exactly(period) => (pick(period.start())..pick(period.end())).contains(&at_us),
        Comparison::Below(period) => at_us < pick(period.start()),
        Comparison::AtMost(period) => at_us < pick(period.end()),
        Comparison::Above(period) => at_us >= pick(period.end()),
        Comparison::AtLeast(period) => at_us >= pick(period.start()),
        Comparison::Between(from, to) => (pick(from.start())..pick(to.end())).contains(&at_us),
    }
}

fn compared(value: u64, comparison: &Comparison<u64>) -> bool {
    match comparison {
        Comparison::Exactly(wanted) => value == *wanted,
        Comparison::Below(wanted) => value < *wanted,
        Comparison::AtMost(wanted) => value <= *wanted,
        Comparison::Above(wanted) => value > *wanted,
        Comparison::AtLeast(wanted) => value >= *wanted,
        Comparison::Between(from, to) => (*from..=*to).contains(&value),
    }
}
