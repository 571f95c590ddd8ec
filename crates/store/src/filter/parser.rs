//! Words to a tree: `or` binds weakest, then `and` (which may be left out), then `not`.

use super::ast::{
    Availability, Comparison, Expr, Filter, NumberField, Place, Sample, Term, Test, Text, TextField, TypeTest,
};
use super::error::FilterError;
use super::glob::Glob;
use super::scanner::{KEYWORDS, Scanner, Word};
use super::value::{DURATION_UNITS, NumberError, Period, SIZE_UNITS, number};
use super::{DEPTH_MAX, SAMPLE_MAX, TERMS_MAX};

/// Every field.
pub(super) const FIELDS: [&str; 14] = [
    "type", "taken", "camera", "lens", "size", "width", "height", "duration", "path", "source", "has", "failed", "in",
    "is",
];

/// The classes of media types.
const CLASSES: [&str; 4] = ["image", "video", "audio", "other"];

/// What `expected` says of times.
const TIMES: [&str; 4] = ["2019", "2019-06", "2019-06-01", "2019-06-01T10:30"];

struct Parser<'a> {
    scanner: Scanner<'a>,
    depth: usize,
    terms: usize,
}

/// Which sign stands between a field and its value.
#[derive(Clone, Copy, PartialEq)]
enum Operator {
    Is,
    Below,
    AtMost,
    Above,
    AtLeast,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Filter, FilterError> {
    let mut parser = Parser { scanner: Scanner::new(bytes)?, depth: 0, terms: 0 };
    let text = Text(parser.scanner.text.to_owned());
    let expr = if parser.at_end()? || parser.keyword_follows("sample")? { None } else { Some(parser.either()?) };
    let sample = if parser.take_keyword("sample")? { Some(parser.sample()?) } else { None };
    if parser.at_end()? {
        return Ok(Filter { expr, sample, text });
    }
    let here = parser.scanner.here();
    let error = if sample.is_some() {
        parser.scanner.error(here, "unexpected", "a sample is the last part of a filter").expecting(["the end"])
    } else if parser.scanner.peek() == Some(')') {
        parser.scanner.error(here, "unexpected", "no parenthesis was opened that this one could close")
    } else {
        parser.unexpected_keyword()?
    };
    Err(error)
}

impl Parser<'_> {
    fn at_end(&mut self) -> Result<bool, FilterError> {
        self.scanner.skip_space();
        Ok(self.scanner.peek().is_none())
    }

    /// Whether this keyword is the next word. Nothing is taken.
    fn keyword_follows(&mut self, keyword: &str) -> Result<bool, FilterError> {
        let before = self.scanner.at;
        let found = self.take_keyword(keyword)?;
        self.scanner.at = before;
        Ok(found)
    }

    fn take_keyword(&mut self, keyword: &str) -> Result<bool, FilterError> {
        self.scanner.skip_space();
        let before = self.scanner.at;
        let rest = &self.scanner.text[before..];
        if !rest.get(..keyword.len()).is_some_and(|start| start.eq_ignore_ascii_case(keyword)) {
            return Ok(false);
        }
        if self.scanner.field().is_none() && self.scanner.word()?.is_some_and(|word| word.is_keyword(keyword)) {
            return Ok(true);
        }
        self.scanner.at = before;
        Ok(false)
    }

    /// A keyword stands where none can stand.
    fn unexpected_keyword(&mut self) -> Result<FilterError, FilterError> {
        let start = self.scanner.at;
        self.scanner.word()?;
        let place = Place { start, end: self.scanner.at };
        let word = &self.scanner.text[start..self.scanner.at];
        let message = format!("`{word}` cannot stand here; to look for the word itself, write \"{word}\"");
        Ok(self.scanner.error(place, "unexpected", message).expecting(["a condition"]))
    }

    fn either(&mut self) -> Result<Expr, FilterError> {
        let mut parts = vec![self.both()?];
        while self.take_keyword("or")? {
            parts.push(self.both()?);
        }
        Ok(joined(parts, Expr::Any))
    }

    fn both(&mut self) -> Result<Expr, FilterError> {
        let mut parts = vec![self.factor()?];
        loop {
            if self.take_keyword("and")? {
                parts.push(self.factor()?);
                continue;
            }
            let ends = self.at_end()?
                || self.scanner.peek() == Some(')')
                || self.keyword_follows("or")?
                || self.keyword_follows("sample")?;
            if ends {
                return Ok(joined(parts, Expr::All));
            }
            parts.push(self.factor()?);
        }
    }

    fn factor(&mut self) -> Result<Expr, FilterError> {
        if self.take_keyword("not")? {
            self.go_down()?;
            let inner = self.factor()?;
            self.depth -= 1;
            return Ok(Expr::Not(Box::new(inner)));
        }
        self.scanner.skip_space();
        let opened = self.scanner.here();
        if self.scanner.takes("(") {
            self.go_down()?;
            let inner = self.either()?;
            self.depth -= 1;
            self.scanner.skip_space();
            if self.scanner.takes(")") {
                return Ok(inner);
            }
            if self.keyword_follows("sample")? {
                let message = "a sample is drawn from the whole filter; it cannot stand within parentheses";
                return Err(self.scanner.error(self.scanner.here(), "unexpected", message).expecting([")"]));
            }
            return Err(self
                .scanner
                .error(opened, "unclosed_parenthesis", "this parenthesis is never closed")
                .expecting([")"]));
        }
        self.term()
    }

    fn go_down(&mut self) -> Result<(), FilterError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            let message = format!("more than {DEPTH_MAX} parentheses or `not` lie within each other");
            return Err(self.scanner.error(self.scanner.here(), "too_deep", message));
        }
        Ok(())
    }

    fn term(&mut self) -> Result<Expr, FilterError> {
        self.terms += 1;
        if self.terms > TERMS_MAX {
            let message = format!("a filter has at most {TERMS_MAX} conditions");
            return Err(self.scanner.error(self.scanner.here(), "too_many", message));
        }
        let start = self.scanner.at;
        if let Some((field, place)) = self.scanner.field() {
            let test = self.field_term(&field.to_lowercase(), place)?;
            return Ok(Expr::Term(Term { test, place: Place { start, end: self.scanner.at } }));
        }
        let missing = |scanner: &Scanner<'_>| {
            let message = if scanner.peek().is_none() {
                "a condition is missing at the end"
            } else {
                "a condition is missing here"
            };
            scanner.error(scanner.here(), "missing_condition", message).expecting(["field:value", "a word", "(", "not"])
        };
        let Some(word) = self.scanner.word()? else { return Err(missing(&self.scanner)) };
        if KEYWORDS.iter().any(|keyword| word.is_keyword(keyword)) {
            self.scanner.at = start;
            return Err(self.unexpected_keyword()?);
        }
        let glob = self.glob(&word)?;
        Ok(Expr::Term(Term { test: Test::Word(glob), place: word.place }))
    }

    fn field_term(&mut self, field: &str, place: Place) -> Result<Test, FilterError> {
        if !FIELDS.contains(&field) {
            let message = format!("there is no field `{field}`");
            return Err(self.scanner.error(place, "unknown_field", message).one_of(field, FIELDS));
        }
        self.scanner.skip_space();
        let at = self.scanner.here();
        let operator = self.operator();
        let is_range = matches!(field, "taken" | "size" | "width" | "height" | "duration");
        if operator != Operator::Is && !is_range {
            let message = format!("`{field}` cannot be larger or smaller");
            return Err(self.scanner.error(at, "bad_operator", message).expecting([":"]));
        }
        self.scanner.skip_space();
        let Some(word) = self.scanner.word()?.filter(|word| !word.letters.is_empty()) else {
            let message = format!("the value of `{field}` is missing");
            return Err(self.scanner.error(self.scanner.here(), "missing_value", message).expecting(["a value"]));
        };
        let text = word.text();
        match field {
            "type" => self.type_test(&text, word.place),
            "taken" => self.taken(operator, &text, word.place),
            "size" => self.number(NumberField::Size, operator, &text, word.place),
            "width" => self.number(NumberField::Width, operator, &text, word.place),
            "height" => self.number(NumberField::Height, operator, &text, word.place),
            "duration" => self.number(NumberField::Duration, operator, &text, word.place),
            "camera" => Ok(Test::Text(TextField::Camera, self.glob(&word)?)),
            "lens" => Ok(Test::Text(TextField::Lens, self.glob(&word)?)),
            "path" => Ok(Test::Text(TextField::Path, self.glob(&word)?)),
            "source" => Ok(Test::Source(text)),
            "has" => Ok(Test::Has(text)),
            "failed" => Ok(Test::Failed(text)),
            "in" => Ok(Test::In(text)),
            _ => self.availability(&text, word.place),
        }
    }

    fn operator(&mut self) -> Operator {
        if self.scanner.takes("<=") {
            Operator::AtMost
        } else if self.scanner.takes(">=") {
            Operator::AtLeast
        } else if self.scanner.takes("<") {
            Operator::Below
        } else if self.scanner.takes(">") {
            Operator::Above
        } else {
            // One of both is there, else this would be no field.
            if !self.scanner.takes(":") {
                self.scanner.takes("=");
            }
            Operator::Is
        }
    }

    fn glob(&self, word: &Word) -> Result<Glob, FilterError> {
        let glob = Glob::new(word);
        if glob.is_empty() {
            return Err(self.scanner.error(word.place, "missing_value", "the text is empty").expecting(["a text"]));
        }
        Ok(glob)
    }

    fn type_test(&self, text: &str, place: Place) -> Result<Test, FilterError> {
        let text = text.to_lowercase();
        if text == "other" {
            return Ok(Test::Type(TypeTest::Other));
        }
        if let Some(class) = CLASSES.iter().find(|class| **class == text) {
            return Ok(Test::Type(TypeTest::Class(class)));
        }
        let is_media_type = text.split_once('/').is_some_and(|(class, rest)| {
            let is_token = |part: &str| {
                let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
                !part.is_empty() && part.bytes().all(fits)
            };
            is_token(class) && is_token(rest)
        });
        if is_media_type {
            return Ok(Test::Type(TypeTest::Exactly(text)));
        }
        let error = self.scanner.error(place, "bad_type", "this is neither a class nor a media type");
        Err(error.one_of(&text, CLASSES.into_iter().chain(["image/heic"])))
    }

    fn availability(&self, text: &str, place: Place) -> Result<Test, FilterError> {
        let text = text.to_lowercase();
        [Availability::Present, Availability::Missing, Availability::Duplicate]
            .into_iter()
            .find(|availability| availability.as_str() == text)
            .map(Test::Is)
            .ok_or_else(|| {
                let message = format!("an asset cannot be `{text}`");
                self.scanner.error(place, "bad_availability", message).one_of(&text, Availability::WORDS)
            })
    }

    fn taken(&self, operator: Operator, text: &str, place: Place) -> Result<Test, FilterError> {
        let period = |text: &str| {
            Period::parse(text).ok_or_else(|| {
                let message = format!("`{text}` is no time");
                self.scanner.error(place, "bad_time", message).expecting(TIMES.into_iter().chain(["2019..2020-02"]))
            })
        };
        let compared = self.compared(operator, text, place, &period)?;
        if let Comparison::Between(from, to) = &compared
            && (from.start().utc_us >= to.end().utc_us || from.start().wall_us >= to.end().wall_us)
        {
            return Err(self.backwards(place));
        }
        Ok(Test::Taken(compared))
    }

    fn number(&self, field: NumberField, operator: Operator, text: &str, place: Place) -> Result<Test, FilterError> {
        let units: &[(&str, u64)] = match field {
            NumberField::Size => &SIZE_UNITS,
            NumberField::Duration => &DURATION_UNITS,
            NumberField::Width | NumberField::Height => &[],
        };
        let unit_may_miss = field != NumberField::Duration;
        let names = || units.iter().map(|(name, _)| format!("5{name}"));
        let value = |text: &str| {
            number(text, units, unit_may_miss).map_err(|error| {
                let (code, message) = match error {
                    NumberError::Number => ("bad_number", format!("`{text}` is no whole number")),
                    NumberError::Unit if units.is_empty() => ("bad_unit", format!("`{}` has no unit", field.name())),
                    NumberError::Unit => {
                        ("bad_unit", format!("`{text}` does not end with a unit of `{}`", field.name()))
                    }
                    NumberError::TooLarge => ("bad_number", format!("`{text}` is too large")),
                };
                let error = self.scanner.error(place, code, message);
                if units.is_empty() { error.expecting(["1920", "1000..2000"]) } else { error.expecting(names()) }
            })
        };
        let compared = self.compared(operator, text, place, &value)?;
        if let Comparison::Between(from, to) = compared
            && from > to
        {
            return Err(self.backwards(place));
        }
        Ok(Test::Number(field, compared))
    }

    fn compared<T>(
        &self,
        operator: Operator,
        text: &str,
        place: Place,
        value: &dyn Fn(&str) -> Result<T, FilterError>,
    ) -> Result<Comparison<T>, FilterError> {
        Ok(match (operator, text.split_once("..")) {
            (Operator::Is, None) => Comparison::Exactly(value(text)?),
            (Operator::Is, Some(("", ""))) => {
                return Err(self.scanner.error(place, "bad_range", "a range has at least one end"));
            }
            (Operator::Is, Some((from, ""))) => Comparison::AtLeast(value(from)?),
            (Operator::Is, Some(("", to))) => Comparison::AtMost(value(to)?),
            (Operator::Is, Some((from, to))) => Comparison::Between(value(from)?, value(to)?),
            (_, Some(_)) => {
                let message = "a range stands after a colon";
                return Err(self.scanner.error(place, "bad_range", message).expecting([format!(":{text}")]));
            }
            (Operator::Below, None) => Comparison::Below(value(text)?),
            (Operator::AtMost, None) => Comparison::AtMost(value(text)?),
            (Operator::Above, None) => Comparison::Above(value(text)?),
            (Operator::AtLeast, None) => Comparison::AtLeast(value(text)?),
        })
    }

    fn backwards(&self, place: Place) -> FilterError {
        self.scanner.error(place, "bad_range", "the range ends before it begins")
    }

    fn sample(&mut self) -> Result<Sample, FilterError> {
        let count = self.sample_number("sample", u64::from(SAMPLE_MAX))?;
        let count = u32::try_from(count).unwrap_or(SAMPLE_MAX);
        let seed = if self.take_keyword("seed")? { self.sample_number("seed", u64::MAX)? } else { 0 };
        Ok(Sample { count, seed })
    }

    fn sample_number(&mut self, keyword: &str, max: u64) -> Result<u64, FilterError> {
        self.scanner.skip_space();
        let here = self.scanner.here();
        let word = self.scanner.word()?;
        let place = word.as_ref().map_or(here, |word| word.place);
        let text = word.map(|word| word.text()).unwrap_or_default();
        let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = if plain { text.parse::<u64>().ok().filter(|number| *number <= max) } else { None };
        number.ok_or_else(|| {
            let message = format!(
                "after `{keyword}` stands a whole number of at most {max}; to look for the word itself, write \"{keyword}\""
            );
            self.scanner.error(place, "bad_number", message).expecting(["a number"])
        })
    }
}

/// One part stands alone; several are a list. Lists of the same kind become one.
fn joined(parts: Vec<Expr>, list: fn(Vec<Expr>) -> Expr) -> Expr {
    let empty = list(Vec::new());
    let mut flat = Vec::with_capacity(parts.len());
    for part in parts {
        match (part, &empty) {
            (Expr::All(inner), Expr::All(_)) | (Expr::Any(inner), Expr::Any(_)) => flat.extend(inner),
            (part, _) => flat.push(part),
        }
    }
    if flat.len() == 1 { flat.remove(0) } else { list(flat) }
}
