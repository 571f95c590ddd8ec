//! Reading a list of prices, strictly: unknown fields and wrong types are refused, and all problems are told at once.

use exhibit_model::findings::{Finding, Findings};
use exhibit_model::json::{JsonLimits, parse_strict, pointer_push};
use exhibit_model::time::Timestamp;
use serde_json::{Map, Value};

use super::snapshot::{Draft, Head, ModelPrices, Prices, SNAPSHOT_BYTES_MAX, Snapshot, Tier, check};
use crate::contract::ServiceTier;

/// Reads a list: `{origin, owner, effectiveFrom, reviewAt?, models[{provider?, model, aliases, in, out, cacheRead?, cacheWrite?,
/// cacheWrite1h?, perSearch?, tiers[{aboveInput?, serviceTier?, prices}]}]}`, with prices in integer nano-USD per million tokens and
/// `perSearch` in nano-USD each. `aliases` and `tiers` may be left out; `null` is the same as absent.
///
/// # Errors
/// All problems at once, with JSON pointers: those of [`parse_strict`] alone, or `missing_field`, `unknown_field`, `named_by_content`, `wrong_type`,
/// `not_a_time`, `unknown_word` and those of [`Snapshot::new`].
pub fn parse(bytes: &[u8]) -> Result<Snapshot, Findings> {
    let value = parse_strict(bytes, &JsonLimits::of_bytes(SNAPSHOT_BYTES_MAX))?;
    let Value::Object(map) = value else {
        return Err(Findings::one("", "wrong_type", "must be an object"));
    };
    let mut findings = Findings::new();
    let draft = read_draft(Fields { at: String::new(), map, findings: &mut findings });
    if findings.is_empty() {
        return Snapshot::new(draft);
    }
    // What could not be read has a stand-in by now; only the rest is worth a look.
    let (_, more) = check(&draft);
    let more: Vec<Finding> = more.iter().filter(|finding| !is_told(&findings, finding)).cloned().collect();
    for finding in more {
        findings.add(finding.pointer, finding.code, finding.message);
    }
    Err(findings)
}

/// Whether a problem follows from one that is known: in the same place, around it, or inside of a tier that says nothing useful then.
fn is_told(findings: &Findings, new: &Finding) -> bool {
    let is_within = |inner: &str, outer: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let of_tier = new.code == "tier_without_condition" || new.code == "duplicate_tier";
    findings
        .iter()
        .any(|told| is_within(&new.pointer, &told.pointer) || (of_tier && is_within(&told.pointer, &new.pointer)))
}

fn read_draft(mut fields: Fields<'_>) -> Draft {
    // A name of one's own could be that of another list, or a word of the API such as `recompute`, under which nobody would find it.
    for name in ["pricingVersion", "name"] {
        if fields.take(name).is_some() {
            fields.wrong(name, "named_by_content", "a list has the name that its content gives it, and takes no other");
        }
    }
    let head = Head {
        origin: fields.text("origin").unwrap_or_default(),
        owner: fields.text("owner").unwrap_or_default(),
        effective_from: fields
            .required("effectiveFrom")
            .and_then(|it| fields.time("effectiveFrom", &it))
            .unwrap_or_default(),
        review_at: fields.take("reviewAt").and_then(|it| fields.time("reviewAt", &it)),
    };
    let models = match fields.required("models") {
        Some(models) => fields.objects("models", models, read_model),
        None => Vec::new(),
    };
    fields.finish();
    Draft { head, models }
}

fn read_model(mut fields: Fields<'_>) -> ModelPrices {
    let provider = fields.take("provider").and_then(|it| fields.text_of("provider", it));
    let model = fields.text("model").unwrap_or_default();
    let aliases = fields.take("aliases").map(|it| fields.texts("aliases", it)).unwrap_or_default();
    let tiers = fields.take("tiers").map(|it| fields.objects("tiers", it, read_tier)).unwrap_or_default();
    let prices = read_prices(&mut fields);
    fields.finish();
    ModelPrices { provider, model, aliases, prices, tiers }
}

fn read_tier(mut fields: Fields<'_>) -> Tier {
    let above_input = fields.integer("aboveInput");
    let service_tier = fields.take("serviceTier").and_then(|it| fields.service("serviceTier", it));
    let prices = match fields.required("prices") {
        Some(Value::Object(map)) => {
            let at = fields.pointer("prices");
            let mut inner = Fields { at, map, findings: &mut *fields.findings };
            let prices = read_prices(&mut inner);
            inner.finish();
            prices
        }
        Some(_) => {
            fields.wrong("prices", "wrong_type", "must be an object");
            Prices::default()
        }
        None => Prices::default(),
    };
    fields.finish();
    Tier { above_input, service_tier, prices }
}

fn read_prices(fields: &mut Fields<'_>) -> Prices {
    let input = fields.needed("in");
    let output = fields.needed("out");
    Prices {
        input,
        output,
        cache_read: fields.integer("cacheRead"),
        cache_write: fields.integer("cacheWrite"),
        cache_write_1h: fields.integer("cacheWrite1h"),
        per_search: fields.integer("perSearch"),
    }
}

/// An object whose fields are taken out one by one; what is left at the end is unknown.
struct Fields<'a> {
    /// The JSON pointer of the object.
    at: String,
    map: Map<String, Value>,
    findings: &'a mut Findings,
}

impl Fields<'_> {
    fn pointer(&self, name: &str) -> String {
        let mut pointer = self.at.clone();
        pointer_push(&mut pointer, name);
        pointer
    }

    fn wrong(&mut self, name: &str, code: &'static str, message: &str) {
        let pointer = self.pointer(name);
        self.findings.add(pointer, code, message);
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.map.remove(name).filter(|value| !value.is_null())
    }

    fn required(&mut self, name: &str) -> Option<Value> {
        let value = self.take(name);
        if value.is_none() {
            self.wrong(name, "missing_field", "is required");
        }
        value
    }

    fn text(&mut self, name: &str) -> Option<String> {
        let value = self.required(name)?;
        self.text_of(name, value)
    }

    fn text_of(&mut self, name: &str, value: Value) -> Option<String> {
        match value {
            Value::String(text) => Some(text),
            _ => {
                self.wrong(name, "wrong_type", "must be a string");
                None
            }
        }
    }

    fn time(&mut self, name: &str, value: &Value) -> Option<Timestamp> {
        let time = value.as_str().and_then(Timestamp::parse);
        if time.is_none() {
            self.wrong(name, "not_a_time", "must be an RFC 3339 date-time with offset");
        }
        time
    }

    fn service(&mut self, name: &str, value: Value) -> Option<ServiceTier> {
        let text = self.text_of(name, value)?;
        let known = ServiceTier::EVERY.iter().copied().find(|tier| tier.as_str() == text);
        if known.is_none() {
            self.wrong(name, "unknown_word", "must be standard, batch, flex or priority");
        }
        known
    }

    /// An integer that has to be there; 0 beside a finding when it is not.
    fn needed(&mut self, name: &str) -> i64 {
        if self.map.get(name).is_none_or(Value::is_null) {
            self.wrong(name, "missing_field", "is required");
        }
        self.integer(name).unwrap_or_default()
    }

    /// An integer that may be absent; its range is checked with the rest of the list.
    fn integer(&mut self, name: &str) -> Option<i64> {
        let value = self.take(name)?;
        let integer = value.as_i64();
        if integer.is_none() {
            self.wrong(name, "wrong_type", "must be an integer");
        }
        integer
    }

    fn texts(&mut self, name: &str, value: Value) -> Vec<String> {
        let Value::Array(items) = value else {
            self.wrong(name, "wrong_type", "must be an array");
            return Vec::new();
        };
        let at = self.pointer(name);
        let mut texts = Vec::with_capacity(items.len());
        for (place, item) in items.into_iter().enumerate() {
            match item {
                Value::String(text) => texts.push(text),
                _ => {
                    self.findings.add(format!("{at}/{place}"), "wrong_type", "must be a string");
                    texts.push(String::new());
                }
            }
        }
        texts
    }

    fn objects<T>(&mut self, name: &str, value: Value, read: fn(Fields<'_>) -> T) -> Vec<T> {
        let Value::Array(items) = value else {
            self.wrong(name, "wrong_type", "must be an array");
            return Vec::new();
        };
        let at = self.pointer(name);
        let mut objects = Vec::with_capacity(items.len());
        for (place, item) in items.into_iter().enumerate() {
            let at = format!("{at}/{place}");
            match item {
                Value::Object(map) => objects.push(read(Fields { at, map, findings: &mut *self.findings })),
                _ => {
                    // A stand-in, so that those after it keep their places.
                    self.findings.add(at.clone(), "wrong_type", "must be an object");
                    objects.push(read(Fields { at, map: Map::new(), findings: &mut Findings::new() }));
                }
            }
        }
        objects
    }

    fn finish(self) {
        for name in self.map.keys() {
            let mut pointer = self.at.clone();
            pointer_push(&mut pointer, name);
            self.findings.add(pointer, "unknown_field", "is not a field of a list of prices");
        }
    }
}
