//! Lineage as W3C PROV-JSON (<https://www.w3.org/submissions/prov-json/>): originals and facts are entities, units are activities,
//! extractors with their versions are agents, and the parameters are the plans that they followed.

use std::collections::HashSet;
use std::io::{self, Write};

use exhibit_model::digest::Digest;
use exhibit_model::envelope::Envelope;
use exhibit_model::ids::{AssetId, UnitId};
use exhibit_model::time::Timestamp;
use exhibit_store::sql::assets::Asset;
use serde_json::{Value as Json, json};

/// What our own names stand for.
const NAMESPACE: &str = "urn:exhibit:";

/// The parts of a document, in the order in which they are written.
pub const SECTIONS: [&str; 7] =
    ["entity", "activity", "agent", "wasGeneratedBy", "used", "wasDerivedFrom", "wasAssociatedWith"];

/// The unit that made a fact.
#[derive(Debug, Clone)]
pub struct Activity {
    /// Name and version of the pipeline.
    pub pipeline: String,
    /// Version of the pipeline.
    pub pipeline_version: String,
    /// Name of the step.
    pub step: String,
    /// All its parameters.
    pub params: Json,
    /// `sandbox` or `production`.
    pub policy: String,
    /// When the work on it began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
}

/// A document under way: each section goes to a place of its own, because they grow side by side.
pub struct Prov<W: Write> {
    sections: [(W, bool); SECTIONS.len()],
    /// Units, plans, agents and records that are described already.
    described: HashSet<Digest>,
}

impl<W: Write> Prov<W> {
    /// Writes the sections to these places.
    pub fn new(places: [W; SECTIONS.len()]) -> Self {
        Self { sections: places.map(|place| (place, false)), described: HashSet::new() }
    }

    /// Describes an original. Call it once for each.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn asset(&mut self, asset: &Asset) -> io::Result<()> {
        let attributes = json!({
            "prov:type": name("exhibit:Original"), "exhibit:sha256": asset.sha256, "exhibit:bytes": asset.size_bytes,
            "exhibit:mediaType": asset.media_type,
        });
        self.add(0, &format!("exhibit:{}", AssetId(asset.sha256)), &attributes)
    }

    /// Describes a fact: what it is, which unit made it, from what, with which extractor and parameters. Call it once for each.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn fact(&mut self, fact: &Envelope, lineage_hash: Digest, made: &Activity) -> io::Result<()> {
        let id = format!("exhibit:{}", fact.artifact_id);
        let mut attributes = json!({
            "prov:type": name("exhibit:Fact"), "prov:label": format!("{} v{}", fact.artifact_type, fact.schema_version),
            "exhibit:kind": fact.artifact_type, "exhibit:schemaVersion": fact.schema_version,
            "exhibit:contentHash": fact.content_hash, "exhibit:lineageHash": lineage_hash,
            "exhibit:recordedAt": time(fact.created_at),
        });
        if let (Some(start), Some(end)) = (fact.span_start_ms, fact.span_end_ms) {
            attributes["exhibit:spanStartMs"] = start.into();
            attributes["exhibit:spanEndMs"] = end.into();
        }
        if let Some(blob) = &fact.blob {
            attributes["exhibit:blobSha256"] = json!(blob.sha256);
            attributes["exhibit:blobBytes"] = blob.bytes.into();
            attributes["exhibit:blobMediaType"] = blob.media_type.as_str().into();
        }
        self.add(0, &id, &attributes)?;
        let unit = fact.artifact_id.unit;
        let activity = format!("exhibit:{unit}");
        if self.is_new(&activity) {
            self.activity(unit, fact, made)?;
        }
        self.add(
            3,
            &format!("_:generated-{}", fact.artifact_id),
            &json!({ "prov:entity": id, "prov:activity": activity }),
        )?;
        for (number, input) in fact.inputs.iter().enumerate() {
            let derived = json!({ "prov:generatedEntity": id, "prov:usedEntity": input_name(fact, *input), "prov:activity": activity });
            self.add(5, &format!("_:derived-{}-{number}", fact.artifact_id), &derived)?;
        }
        Ok(())
    }

    fn activity(&mut self, unit: UnitId, fact: &Envelope, made: &Activity) -> io::Result<()> {
        let id = format!("exhibit:{unit}");
        let mut attributes = json!({
            "prov:type": name("exhibit:Unit"), "prov:label": format!("{} of {} v{}", made.step, made.pipeline, made.pipeline_version),
            "exhibit:run": fact.run_id.to_string(), "exhibit:policy": made.policy, "exhibit:inputHash": fact.input_hash,
        });
        // Both are simple times, not typed values, in this place.
        if let Some(started) = made.started {
            attributes["prov:startTime"] = started.to_string().into();
        }
        if let Some(ended) = made.ended {
            attributes["prov:endTime"] = ended.to_string().into();
        }
        self.add(1, &id, &attributes)?;
        for (number, input) in fact.inputs.iter().enumerate() {
            let entity = input_name(fact, *input);
            if !is_asset(fact, *input) && self.is_new(&entity) {
                self.add(0, &entity, &json!({ "prov:type": name("exhibit:Record"), "exhibit:contentHash": input }))?;
            }
            self.add(4, &format!("_:used-{unit}-{number}"), &json!({ "prov:activity": id, "prov:entity": entity }))?;
        }
        let agent = format!("exhibit:extractor_{}_{}", fact.producer, local(&fact.producer_version));
        if self.is_new(&agent) {
            let attributes = json!({
                "prov:type": name("prov:SoftwareAgent"), "prov:label": format!("{} {}", fact.producer, fact.producer_version),
                "exhibit:producer": fact.producer, "exhibit:version": fact.producer_version,
            });
            self.add(2, &agent, &attributes)?;
        }
        let plan = format!("exhibit:config_{}", fact.config_hash);
        if self.is_new(&plan) {
            let attributes = json!({
                "prov:type": name("prov:Plan"), "exhibit:params": made.params.to_string(), "exhibit:profile": fact.model_profile.as_str(),
            });
            self.add(0, &plan, &attributes)?;
        }
        let association = json!({ "prov:activity": id, "prov:agent": agent, "prov:plan": plan });
        self.add(6, &format!("_:associated-{unit}"), &association)
    }

    fn is_new(&mut self, id: &str) -> bool {
        self.described.insert(Digest::of(id.as_bytes()))
    }

    fn add(&mut self, section: usize, id: &str, attributes: &Json) -> io::Result<()> {
        let (place, begun) = &mut self.sections[section];
        let separator = if std::mem::replace(begun, true) { ",\n" } else { "\n" };
        write!(place, "{separator}{}:{attributes}", Json::from(id))
    }

    /// The places, each with what was written to it.
    pub fn into_places(self) -> [W; SECTIONS.len()] {
        self.sections.map(|(place, _)| place)
    }
}

/// Puts a document together from its sections.
///
/// # Errors
/// When a section cannot be read or the document cannot be written.
pub fn write_document(
    to: &mut dyn Write,
    section: &mut dyn FnMut(usize, &mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    write!(to, "{{\"prefix\":{}", json!({ "exhibit": NAMESPACE }))?;
    for (index, title) in SECTIONS.iter().enumerate() {
        write!(to, ",\n\"{title}\":{{")?;
        section(index, to)?;
        write!(to, "}}")?;
    }
    writeln!(to, "}}")
}

/// The document of one fact.
///
/// # Errors
/// When something has no form in JSON, which nothing that passed the gate is.
pub fn document_of(asset: &Asset, fact: &Envelope, lineage_hash: Digest, made: &Activity) -> io::Result<Vec<u8>> {
    let mut prov = Prov::new(SECTIONS.map(|_| Vec::new()));
    prov.asset(asset)?;
    prov.fact(fact, lineage_hash, made)?;
    let sections = prov.into_places();
    let mut document = Vec::new();
    write_document(&mut document, &mut |index, to| to.write_all(&sections[index]))?;
    Ok(document)
}

fn is_asset(fact: &Envelope, input: Digest) -> bool {
    fact.asset_id == Some(AssetId(input))
}

/// An original that was read, or a record, by what it says.
fn input_name(fact: &Envelope, input: Digest) -> String {
    if is_asset(fact, input) { format!("exhibit:{}", AssetId(input)) } else { format!("exhibit:record_{input}") }
}

/// A value that is a name.
fn name(name: &str) -> Json {
    json!({ "$": name, "type": "prov:QUALIFIED_NAME" })
}

fn time(at: Timestamp) -> Json {
    json!({ "$": at.to_string(), "type": "xsd:dateTime" })
}

/// The local part of a name: what is not allowed there is escaped.
fn local(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-+".contains(&byte);
    let escaped = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(escaped).collect()
}
