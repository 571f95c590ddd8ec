//! A record as a JSON document, for candidates that come from outside as text: every field is taken out by name, so that each problem
//! is told at its place, and all of them at once (I8).

use exhibit_model::findings::Findings;
use exhibit_model::json::pointer_push;
use exhibit_model::lineage::{Lineage, LineageParts};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};

use super::{Decoded, Draft, under};
use crate::append::StoredBlob;

/// Reads the document.
pub(super) fn read(document: Json) -> Result<Decoded, Findings> {
    let mut findings = Findings::new();
    let Some(mut fields) = Fields::of(document, "", &mut findings) else { return Err(findings) };
    let kind = fields.required("kind", "a text", &mut findings);
    let schema_version = fields.required("schema_version", "a number from 0 to 4294967295", &mut findings);
    let record_id = fields.optional("record_id", "a text", &mut findings);
    let asset_id = fields.optional("asset_id", "`ast_` and 64 lower-case hex digits", &mut findings);
    let content_hash = fields.optional("content_hash", DIGEST, &mut findings);
    let span_ms = span(&mut fields, &mut findings);
    let payload = fields.take("payload");
    if payload.is_none() {
        fields.missing("payload", &mut findings);
    }
    let blob = fields.nested("blob", &mut findings).and_then(|inner| blob(inner, &mut findings));
    let lineage = fields.nested("lineage", &mut findings).and_then(|inner| lineage(inner, &mut findings));
    fields.end(&mut findings);
    let (Some(kind), Some(schema_version), Some(payload)) = (kind, schema_version, payload) else {
        return Err(findings);
    };
    let draft =
        Draft { kind, schema_version, asset: None, span_ms, payload, blob, made: None, record_id, content_hash };
    findings.into_result(Decoded { draft, asset_id, lineage })
}

const DIGEST: &str = "64 lower-case hex digits";

fn span(fields: &mut Fields, findings: &mut Findings) -> Option<(i64, i64)> {
    match (fields.has("span_start_ms"), fields.has("span_end_ms")) {
        (true, false) => fields.missing("span_end_ms", findings),
        (false, true) => fields.missing("span_start_ms", findings),
        _ => {}
    }
    let start = fields.optional("span_start_ms", "an integer", findings);
    let end = fields.optional("span_end_ms", "an integer", findings);
    start.zip(end)
}

fn blob(mut fields: Fields, findings: &mut Findings) -> Option<StoredBlob> {
    let sha256 = fields.required("sha256", DIGEST, findings);
    let bytes = fields.required("bytes", "a number from 0", findings);
    let media_type = fields.required("media_type", "a text", findings);
    fields.end(findings);
    Some(StoredBlob { sha256: sha256?, bytes: bytes?, media_type: media_type? })
}

fn lineage(mut fields: Fields, findings: &mut Findings) -> Option<Lineage> {
    let producer = fields.required("producer", "a text", findings);
    let producer_version = fields.required("producer_version", "a text", findings);
    let profile = fields.required::<String>("model_profile", "a text", findings);
    let model_profile = profile.and_then(|word| {
        let parsed = word.parse();
        if parsed.is_err() {
            let message = "a profile is fast, balanced or high_quality";
            findings.add("/lineage/model_profile", "unknown_value", message);
        }
        parsed.ok()
    });
    let config_hash = fields.required("config_hash", DIGEST, findings);
    let input_hash = fields.required("input_hash", DIGEST, findings);
    let inputs = fields.required("inputs", "a list of texts of 64 lower-case hex digits", findings);
    fields.end(findings);
    let parts = LineageParts {
        producer: producer?,
        producer_version: producer_version?,
        model_profile: model_profile?,
        config_hash: config_hash?,
        input_hash: input_hash?,
        inputs: inputs?,
    };
    Lineage::new(parts).map_err(|problems| findings.merge(under("/lineage", &problems))).ok()
}

/// The fields of an object that nobody has taken yet.
struct Fields {
    place: &'static str,
    members: Map<String, Json>,
}

impl Fields {
    fn of(value: Json, place: &'static str, findings: &mut Findings) -> Option<Self> {
        let Json::Object(members) = value else {
            findings.add(place, "wrong_type", "an object is expected");
            return None;
        };
        Some(Self { place, members })
    }

    fn pointer(&self, name: &str) -> String {
        let mut pointer = self.place.to_owned();
        pointer_push(&mut pointer, name);
        pointer
    }

    fn has(&self, name: &str) -> bool {
        self.members.get(name).is_some_and(|value| !value.is_null())
    }

    fn missing(&self, name: &str, findings: &mut Findings) {
        findings.add(self.pointer(name), "missing_field", "this field is required");
    }

    fn take(&mut self, name: &str) -> Option<Json> {
        self.members.remove(name)
    }

    fn required<T: DeserializeOwned>(&mut self, name: &str, expected: &str, findings: &mut Findings) -> Option<T> {
        match self.take(name) {
            Some(value) => self.convert(name, value, expected, findings),
            None => {
                self.missing(name, findings);
                None
            }
        }
    }

    /// A field that may be absent; `null` says the same.
    fn optional<T: DeserializeOwned>(&mut self, name: &str, expected: &str, findings: &mut Findings) -> Option<T> {
        let value = self.take(name).filter(|value| !value.is_null())?;
        self.convert(name, value, expected, findings)
    }

    fn nested(&mut self, name: &str, findings: &mut Findings) -> Option<Self> {
        let value = self.take(name).filter(|value| !value.is_null())?;
        let place = if name == "blob" { "/blob" } else { "/lineage" };
        Self::of(value, place, findings)
    }

    /// The words are ours and say nothing of the value, which may be of any length.
    fn convert<T: DeserializeOwned>(
        &self,
        name: &str,
        value: Json,
        expected: &str,
        findings: &mut Findings,
    ) -> Option<T> {
        let converted = serde_json::from_value(value);
        if converted.is_err() {
            findings.add(self.pointer(name), "wrong_type", format!("{expected} is expected"));
        }
        converted.ok()
    }

    /// Whatever is left is not known.
    fn end(self, findings: &mut Findings) {
        for name in self.members.keys() {
            findings.add(self.pointer(name), "unknown_field", "this field is not known");
        }
    }
}
