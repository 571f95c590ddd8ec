//! Names to keys: sources, kinds, steps and collections are looked up, and collections are put in the place of their names.

use std::collections::BTreeSet;

use exhibit_model::ids::CollectionId;
use exhibit_model::kind::Subject;
use serde_json::Value as Json;

use super::ast::{Availability, Comparison, Expr, Filter, NumberField, Place, Sample, Term, Test, TextField, TypeTest};
use super::error::FilterError;
use super::glob::Matcher;
use super::value::Period;
use super::{NESTING_MAX, TERMS_BOUND_MAX};
use crate::error::StoreError;
use crate::kinds::Kinds;
use crate::session::Read;
use crate::sql::collections::{self, Collection};
use crate::sql::{runs, sources};

/// The kind whose facts the fields `taken`, `camera`, `lens`, `width`, `height` and `duration` are about.
const FACTS: (&str, u32) = ("media.metadata", 1);

/// Collections that an error names.
const NAMES_MAX: i64 = 1_000;

/// A filter could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// It names what is not there.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// The store could not do its work.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl BindError {
    /// The same as an error of the store, for work within a transaction.
    pub fn refused(self) -> StoreError {
        match self {
            Self::Filter(error) => StoreError::Refused(error.to_string()),
            Self::Store(error) => error,
        }
    }
}

/// A filter that is ready to be asked: every name is a key. Made for one snapshot, and asked there.
#[derive(Debug)]
pub struct Bound {
    pub(super) root: Node,
    pub(super) sample: Option<Sample>,
    /// The projection table of the facts, when its kind is registered.
    pub(super) facts: Option<String>,
}

/// Conditions with keys instead of names.
#[derive(Debug)]
pub(super) enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Leaf(Leaf),
}

/// One condition.
#[derive(Debug)]
pub(super) enum Leaf {
    Class(&'static str),
    OtherClass,
    MediaType(String),
    Taken(Comparison<Period>),
    Number(NumberField, Comparison<u64>),
    Source(i64),
    /// Some row in one of these projection tables.
    Has(Vec<String>),
    /// Steps of runs, each as run × 65,536 + step.
    Failed(Vec<i64>),
    /// Members of the static collection with this definition.
    Members(i64),
    /// These assets.
    Listed(Vec<i64>),
    Is(Availability),
    /// Decided here, not in SQL.
    Pattern(Option<TextField>, Matcher),
}

/// Steps of one run, for [`Leaf::Failed`].
pub(super) const STEPS_PER_RUN: i64 = 65_536;

/// Looks up what a filter names.
///
/// # Errors
/// With the place of a name that nothing has, or when the database cannot be read.
pub fn bind(read: &Read<'_>, kinds: &Kinds, filter: &Filter) -> Result<Bound, BindError> {
    Binder { read, kinds, within: Vec::new(), terms: 0 }.filter(filter)
}

/// The same for the filter of a collection, which must not name itself.
pub(crate) fn bind_within(
    read: &Read<'_>,
    kinds: &Kinds,
    filter: &Filter,
    collection: CollectionId,
) -> Result<Bound, BindError> {
    Binder { read, kinds, within: vec![collection], terms: 0 }.filter(filter)
}

/// What a run over a collection freezes: its members that have a present path.
///
/// # Errors
/// When there is no such collection, it names what is not there, or the database cannot be read.
pub fn bind_collection(read: &Read<'_>, kinds: &Kinds, id: CollectionId) -> Result<Bound, BindError> {
    let filter = Filter::everything().and(Test::In(id.to_string())).and(Test::Is(Availability::Present));
    bind(read, kinds, &filter)
}

struct Binder<'a> {
    read: &'a Read<'a>,
    kinds: &'a Kinds,
    /// The collections that are being put in the place of their names.
    within: Vec<CollectionId>,
    terms: usize,
}

impl Binder<'_> {
    fn filter(&mut self, filter: &Filter) -> Result<Bound, BindError> {
        let root = match &filter.expr {
            None => Node::All(Vec::new()),
            Some(expr) => self.expr(expr, filter.text())?,
        };
        let facts = self.kinds.get(FACTS.0, FACTS.1).map(|kind| kind.declaration.table_name());
        Ok(Bound { root, sample: filter.sample, facts })
    }

    fn expr(&mut self, expr: &Expr, text: &str) -> Result<Node, BindError> {
        Ok(match expr {
            Expr::All(parts) => {
                Node::All(parts.iter().map(|part| self.expr(part, text)).collect::<Result<_, BindError>>()?)
            }
            Expr::Any(parts) => {
                Node::Any(parts.iter().map(|part| self.expr(part, text)).collect::<Result<_, BindError>>()?)
            }
            Expr::Not(inner) => Node::Not(Box::new(self.expr(inner, text)?)),
            Expr::Term(term) => self.term(term, text)?,
        })
    }

    fn term(&mut self, term: &Term, text: &str) -> Result<Node, BindError> {
        self.terms += 1;
        if self.terms > TERMS_BOUND_MAX {
            let message = format!("with the collections that it names it has more than {TERMS_BOUND_MAX} conditions");
            return Err(FilterError::new(text, term.place, "too_many", message).into());
        }
        let leaf = match &term.test {
            Test::Type(TypeTest::Class(class)) => Leaf::Class(class),
            Test::Type(TypeTest::Other) => Leaf::OtherClass,
            Test::Type(TypeTest::Exactly(media_type)) => Leaf::MediaType(media_type.clone()),
            Test::Taken(comparison) => Leaf::Taken(*comparison),
            Test::Number(field, comparison) => Leaf::Number(*field, *comparison),
            Test::Text(TextField::Path, glob) => Leaf::Pattern(Some(TextField::Path), glob.whole_path()),
            Test::Text(field, glob) => Leaf::Pattern(Some(*field), glob.name()),
            Test::Word(glob) => Leaf::Pattern(None, glob.within_path()),
            Test::Is(availability) => Leaf::Is(*availability),
            Test::Source(name) => self.source(name, term.place, text)?,
            Test::Has(kind) => self.has(kind, term.place, text)?,
            Test::Failed(name) => self.failed(name, term.place, text)?,
            Test::In(name) => return self.collection(name, term.place, text),
        };
        Ok(Node::Leaf(leaf))
    }

    fn source(&self, name: &str, place: Place, text: &str) -> Result<Leaf, BindError> {
        let all = sources::all(self.read)?;
        match all.iter().find(|source| source.name == name) {
            Some(source) => Ok(Leaf::Source(source.key)),
            None => {
                let message = format!("there is no source `{name}`");
                let error = FilterError::new(text, place, "unknown_source", message);
                Err(error.one_of(name, all.into_iter().map(|source| source.name)).into())
            }
        }
    }

    fn has(&self, name: &str, place: Place, text: &str) -> Result<Leaf, BindError> {
        let every = self.kinds.every();
        let artifacts = every.iter().filter(|kind| kind.declaration.subject == Subject::Artifact);
        let tables: Vec<String> =
            artifacts.clone().filter(|kind| kind.name() == name).map(|kind| kind.declaration.table_name()).collect();
        if !tables.is_empty() {
            return Ok(Leaf::Has(tables));
        }
        let names: BTreeSet<&str> = artifacts.map(|kind| kind.name()).collect();
        let message = format!("there is no kind of artifact `{name}`");
        Err(FilterError::new(text, place, "unknown_kind", message).one_of(name, names).into())
    }

    fn failed(&self, name: &str, place: Place, text: &str) -> Result<Leaf, BindError> {
        let mut steps = Vec::new();
        let mut names = BTreeSet::new();
        for (run, definition) in runs::shown_definitions(self.read)? {
            for (index, step, extractor) in steps_of(&definition) {
                if step == name || extractor == name {
                    steps.push(run * STEPS_PER_RUN + index);
                }
                names.extend([step, extractor]);
            }
        }
        if names.contains(name) {
            return Ok(Leaf::Failed(steps));
        }
        let message = format!("no run so far has a step or an extractor `{name}`");
        Err(FilterError::new(text, place, "unknown_step", message).one_of(name, names).into())
    }

    fn collection(&mut self, name: &str, place: Place, text: &str) -> Result<Node, BindError> {
        let wrong = |code, message: String| FilterError::new(text, place, code, message);
        if name == collections::ALL_NAME || name == CollectionId::ALL.to_string() {
            return Ok(Node::Leaf(Leaf::Is(Availability::Present)));
        }
        let found = match name.parse::<CollectionId>() {
            Ok(id) => collections::by_id(self.read, id)?.filter(|found| found.is_living),
            Err(_) => collections::by_name(self.read, name)?,
        };
        let Some(found) = found else {
            let names = collections::names(self.read, NAMES_MAX)?;
            let error = wrong("unknown_collection", format!("there is no collection `{name}`"));
            return Err(error.one_of(name, [collections::ALL_NAME.to_owned()].into_iter().chain(names)).into());
        };
        let Some(filter) = &found.filter else { return Ok(Node::Leaf(Leaf::Members(found.definition))) };
        if self.within.contains(&found.id) {
            return Err(wrong("cycle", format!("the collection `{name}` lies within itself")).into());
        }
        if self.within.len() >= NESTING_MAX {
            return Err(wrong("too_deep", format!("more than {NESTING_MAX} collections lie within each other")).into());
        }
        self.within.push(found.id);
        let inner = self.dynamic(&found, filter);
        self.within.pop();
        match inner {
            Err(BindError::Filter(error)) => {
                let message = format!("the collection `{name}` cannot be worked out: {}", error.message);
                Err(wrong(error.code, message).into())
            }
            other => other,
        }
    }

    /// A dynamic collection holds what fulfils its filter and is there.
    fn dynamic(&mut self, found: &Collection, filter: &str) -> Result<Node, BindError> {
        let filter = Filter::parse(filter.as_bytes())?.and(Test::Is(Availability::Present));
        let bound = self.filter(&filter)?;
        if bound.sample.is_none() {
            return Ok(bound.root);
        }
        debug_assert!(found.is_living, "only living collections are worked out");
        Ok(Node::Leaf(Leaf::Listed(bound.every(self.read)?)))
    }
}

/// Index, name and extractor of each step of a frozen pipeline.
fn steps_of(definition: &[u8]) -> Vec<(i64, String, String)> {
    let definition: Json = serde_json::from_slice(definition).unwrap_or_default();
    let text = |step: &Json, field: &str| step[field].as_str().unwrap_or_default().to_owned();
    let steps = definition["steps"].as_array().into_iter().flatten();
    (0..).zip(steps).map(|(index, step)| (index, text(step, "name"), text(step, "extractor"))).collect()
}
