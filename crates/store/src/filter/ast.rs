//! A filter as a tree, and its one printed form: printing and parsing again gives the same tree.

use std::fmt;
use std::str::FromStr;

use super::error::FilterError;
use super::glob::Glob;
use super::parser;
use super::scanner::quoted;
use super::value::Period;

/// A whole filter: conditions, then perhaps a sample of what fulfils them.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// What an asset must fulfil; `None` is fulfilled by every asset.
    pub expr: Option<Expr>,
    /// Only some of what fulfils it.
    pub sample: Option<Sample>,
    /// What was parsed, for errors that show a place in it.
    pub(super) text: Text,
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// With the place of the first mistake; never panics, whatever the bytes are.
    pub fn parse(bytes: &[u8]) -> Result<Self, FilterError> {
        parser::parse(bytes)
    }

    /// The filter that every asset fulfils.
    pub fn everything() -> Self {
        Self { expr: None, sample: None, text: Text(String::new()) }
    }

    /// True when it says nothing at all.
    pub fn is_everything(&self) -> bool {
        self.expr.is_none() && self.sample.is_none()
    }

    /// The same filter with one more condition, which an asset must fulfil before a sample is drawn.
    #[must_use]
    pub fn and(mut self, test: Test) -> Self {
        let term = Expr::Term(Term { test, place: Place { start: 0, end: 0 } });
        self.expr = Some(match self.expr {
            None => term,
            Some(expr) => Expr::All(vec![term, expr]),
        });
        self
    }

    /// The text that was parsed.
    pub fn text(&self) -> &str {
        &self.text.0
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text.as_bytes())
    }
}

/// The parsed text; filters that mean the same are equal, however they were written.
#[derive(Debug, Clone)]
pub(super) struct Text(pub(super) String);

impl PartialEq for Text {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// A deterministic sample: those assets whose SHA-256(seed as 8 bytes, big-endian, then the asset's SHA-256) are the smallest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// How many assets, at most.
    pub count: u32,
    /// Another seed, another sample.
    pub seed: u64,
}

/// Conditions.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// All of them hold.
    All(Vec<Expr>),
    /// At least one holds.
    Any(Vec<Expr>),
    /// It does not hold.
    Not(Box<Expr>),
    /// One condition.
    Term(Term),
}

/// One condition and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// What is asked.
    pub test: Test,
    /// Where its value stands.
    pub place: Place,
}

/// A range of bytes of the filter. All places are equal: they do not change what a filter means.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
}

impl PartialEq for Place {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// What is asked of an asset. Facts count only when their run is shown (production, or promoted) and their body is there.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// `type:image`, `type:image/heic`
    Type(TypeTest),
    /// `taken:2019`
    Taken(Comparison<Period>),
    /// `size>1MB`, `width>=1920`
    Number(NumberField, Comparison<u64>),
    /// `camera:Canon*`
    Text(TextField, Glob),
    /// A word alone: some path contains it, in upper or lower case.
    Word(Glob),
    /// `source:NAME`: some path, present or missing, is in this source.
    Source(String),
    /// `has:KIND`: there is an artifact of some version of the kind.
    Has(String),
    /// `failed:NAME`: the newest unit of that step or extractor which came to an end failed.
    Failed(String),
    /// `in:NAME`: it belongs to the collection.
    In(String),
    /// `is:present`
    Is(Availability),
}

/// What a media type is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TypeTest {
    /// `image`, `video` or `audio`: the part before the slash.
    Class(&'static str),
    /// None of these.
    Other,
    /// The whole media type.
    Exactly(String),
}

/// Whether originals are where their paths say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// At least one path is present.
    Present,
    /// No path is present.
    Missing,
    /// At least two paths are present.
    Duplicate,
}

/// Fields that are numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberField {
    /// Bytes.
    Size,
    /// Pixels, upright.
    Width,
    /// Pixels, upright.
    Height,
    /// Milliseconds.
    Duration,
}

/// Fields that are compared with a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextField {
    /// Some path below the root of its source, in the case that it has.
    Path,
    /// Maker, model, or both with a space between; in upper or lower case.
    Camera,
    /// Model of the lens; in upper or lower case.
    Lens,
}

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison<T> {
    /// `:VALUE`; a period covers all of it.
    Exactly(T),
    /// `<VALUE`; before a period.
    Below(T),
    /// `<=VALUE`; before the end of a period.
    AtMost(T),
    /// `>VALUE`; after a period.
    Above(T),
    /// `>=VALUE`; from the beginning of a period.
    AtLeast(T),
    /// `:FROM..TO`, both ends belong to it.
    Between(T, T),
}

impl NumberField {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Width => "width",
            Self::Height => "height",
            Self::Duration => "duration",
        }
    }
}

impl TextField {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Camera => "camera",
            Self::Lens => "lens",
        }
    }
}

impl Availability {
    /// The words after `is:`.
    pub const WORDS: [&str; 3] = ["present", "missing", "duplicate"];

    /// The word after `is:`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Present => Self::WORDS[0],
            Self::Missing => Self::WORDS[1],
            Self::Duplicate => Self::WORDS[2],
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(expr) = &self.expr {
            print_expr(expr, Around::Nothing, f)?;
        }
        if let Some(Sample { count, seed }) = self.sample {
            let space = if self.expr.is_some() { " " } else { "" };
            write!(f, "{space}sample {count} seed {seed}")?;
        }
        Ok(())
    }
}

/// What stands around an expression; decides about parentheses.
#[derive(Clone, Copy, PartialEq)]
enum Around {
    Nothing,
    All,
    Not,
}

fn print_expr(expr: &Expr, around: Around, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let list = |parts: &[Expr], between: &str, inside: Around, f: &mut fmt::Formatter<'_>| {
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                f.write_str(between)?;
            }
            print_expr(part, inside, f)?;
        }
        Ok(())
    };
    let wrapped = match expr {
        Expr::Any(_) => around != Around::Nothing,
        Expr::All(_) => around == Around::Not || around == Around::All,
        Expr::Not(_) | Expr::Term(_) => false,
    };
    if wrapped {
        f.write_str("(")?;
    }
    match expr {
        // A list within a list of its own kind is written without parentheses and so becomes one list; the parser makes none.
        Expr::Any(parts) => list(parts, " or ", Around::Nothing, f)?,
        Expr::All(parts) => list(parts, " and ", Around::All, f)?,
        Expr::Not(inner) => {
            f.write_str("not ")?;
            print_expr(inner, Around::Not, f)?;
        }
        Expr::Term(term) => write!(f, "{}", term.test)?,
    }
    if wrapped {
        f.write_str(")")?;
    }
    Ok(())
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type(TypeTest::Class(class)) => write!(f, "type:{class}"),
            Self::Type(TypeTest::Other) => f.write_str("type:other"),
            Self::Type(TypeTest::Exactly(media_type)) => write!(f, "type:{}", quoted(media_type)),
            Self::Taken(comparison) => print_comparison("taken", "", comparison, f),
            Self::Number(field, comparison) => {
                let unit = if *field == NumberField::Duration { "ms" } else { "" };
                print_comparison(field.name(), unit, comparison, f)
            }
            Self::Text(field, glob) => write!(f, "{}:{glob}", field.name()),
            Self::Word(glob) => write!(f, "{glob}"),
            Self::Source(name) => write!(f, "source:{}", quoted(name)),
            Self::Has(kind) => write!(f, "has:{}", quoted(kind)),
            Self::Failed(name) => write!(f, "failed:{}", quoted(name)),
            Self::In(name) => write!(f, "in:{}", quoted(name)),
            Self::Is(availability) => write!(f, "is:{}", availability.as_str()),
        }
    }
}

fn print_comparison<T: fmt::Display>(
    field: &str,
    unit: &str,
    comparison: &Comparison<T>,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    match comparison {
        Comparison::Exactly(value) => write!(f, "{field}:{value}{unit}"),
        Comparison::Below(value) => write!(f, "{field}<{value}{unit}"),
        Comparison::AtMost(value) => write!(f, "{field}<={value}{unit}"),
        Comparison::Above(value) => write!(f, "{field}>{value}{unit}"),
        Comparison::AtLeast(value) => write!(f, "{field}>={value}{unit}"),
        Comparison::Between(from, to) => write!(f, "{field}:{from}{unit}..{to}{unit}"),
    }
}
