//! Runs extractors in tests: one original, its parameters, what came of it.

use std::fs;
use std::io::{Seek, Write};
use std::os::fd::AsRawFd;

use exhibit_engine::extractor::{Descriptor, Emitted, Extractor, Job, Outcome, Sink};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tempfile::TempDir;

use crate::webp_blob::Picture;

/// What a job says of an original.
#[derive(Clone, Copy)]
pub struct Original<'a> {
    pub bytes: &'a [u8],
    pub media_type: &'a str,
    pub asset_id: &'a str,
}

impl<'a> Original<'a> {
    pub fn of(bytes: &'a [u8], media_type: &'a str) -> Self {
        Self { bytes, media_type, asset_id: "ast_00" }
    }
}

/// What a unit left behind.
pub struct Unit {
    pub outcome: Outcome,
    pub facts: Vec<Emitted>,
    pub scratch: TempDir,
}

impl Unit {
    /// The bytes of a fact's blob.
    pub fn blob(&self, fact: usize) -> Vec<u8> {
        let (name, media_type) = self.facts[fact].blob.as_ref().unwrap();
        assert_eq!(*media_type, crate::webp_blob::MEDIA_TYPE);
        fs::read(self.scratch.path().join(name)).unwrap()
    }

    /// The decoded blob of a fact.
    pub fn picture(&self, fact: usize) -> Picture {
        decode_webp(&self.blob(fact))
    }

    /// The reason, for outcomes that have one.
    pub fn reason(&self) -> Option<&'static str> {
        match &self.outcome {
            Outcome::Done => None,
            Outcome::Skipped { reason, .. } | Outcome::Failed { reason, .. } => Some(reason),
        }
    }
}

/// Decodes a WebP file; pixels without alpha become opaque.
pub fn decode_webp(bytes: &[u8]) -> Picture {
    let image = webp::Decoder::new(bytes).decode().unwrap();
    let pixels = match image.layout() {
        webp::PixelLayout::Rgba => image.as_chunks::<4>().0.to_vec(),
        webp::PixelLayout::Rgb => image.as_chunks::<3>().0.iter().map(|&[r, g, b]| [r, g, b, 255]).collect(),
    };
    Picture { width: image.width(), height: image.height(), pixels }
}

struct Collected(Vec<Emitted>);

impl Sink for Collected {
    fn emit_about(&mut self, _: &str, fact: Emitted) -> std::io::Result<()> {
        self.emit(fact)
    }

    fn emit(&mut self, fact: Emitted) -> std::io::Result<()> {
        self.0.push(fact);
        Ok(())
    }
}

/// The default of every parameter.
pub fn defaults(descriptor: &Descriptor) -> Map<String, Value> {
    let schema: Value = serde_json::from_str(descriptor.params_schema).unwrap();
    let properties = schema["properties"].as_object().unwrap();
    properties.iter().map(|(name, property)| (name.clone(), property["default"].clone())).collect()
}

/// Does one unit, with the given parameters over the defaults.
pub fn run(extractor: &mut dyn Extractor, descriptor: &Descriptor, original: Original<'_>, params: Value) -> Unit {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(original.bytes).unwrap();
    file.rewind().unwrap();
    let mut all = defaults(descriptor);
    all.extend(params.as_object().unwrap().clone());
    let scratch = tempfile::tempdir().unwrap();
    let mut sink = Collected(Vec::new());
    let input_path = fs::canonicalize("/proc/self").unwrap().join("fd").join(file.as_raw_fd().to_string());
    let job = Job {
        params: &all,
        profile: "balanced",
        media_type: original.media_type,
        asset_id: original.asset_id,
        size_bytes: original.bytes.len() as u64,
        mtime_ns: 0,
        input: &file,
        input_path,
        scratch: scratch.path(),
    };
    let outcome = extractor.extract(&job, &mut sink).unwrap();
    for fact in &sink.0 {
        assert!(descriptor.emits.contains(&fact.kind), "{:?} is not declared", fact.kind);
    }
    Unit { outcome, facts: sink.0, scratch }
}

/// Holds a kind file and its Rust type together: the samples are valid, read back equal, and the two have the same fields, so that
/// a field added on one side only fails. The first sample has every optional field set.
pub fn assert_kind_matches<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(
    file: &str,
    kind: (&str, u32),
    samples: &[T],
) {
    let declared: Value = serde_json::from_str(file).unwrap();
    assert_eq!(
        (declared["kind"].as_str().unwrap(), declared["version"].as_u64().unwrap()),
        (kind.0, u64::from(kind.1))
    );
    exhibit_model::kind::KindDeclaration::parse(file.as_bytes()).unwrap();
    let schema = &declared["schema"];
    let validator = jsonschema::validator_for(schema).unwrap();
    for sample in samples {
        let json = serde_json::to_value(sample).unwrap();
        assert!(
            validator.is_valid(&json),
            "{json}: {:?}",
            validator.iter_errors(&json).map(|e| e.to_string()).collect::<Vec<_>>()
        );
        assert_eq!(&serde_json::from_value::<T>(json.clone()).unwrap(), sample);
        assert_refuses_more(&validator, &json);
    }
    assert_same_fields(schema, &serde_json::to_value(&samples[0]).unwrap(), kind.0);
    for column in declared["projection"]["columns"].as_array().unwrap() {
        let pointer = column["pointer"].as_str().unwrap();
        assert!(serde_json::to_value(&samples[0]).unwrap().pointer(pointer).is_some(), "{pointer} leads nowhere");
    }
}

fn assert_refuses_more(validator: &jsonschema::Validator, json: &Value) {
    let mut more = json.clone();
    more.as_object_mut().unwrap().insert("surprise".into(), Value::Null);
    assert!(!validator.is_valid(&more));
}

fn assert_same_fields(schema: &Value, sample: &Value, path: &str) {
    let Some(object) = sample.as_object() else { return };
    let declared: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    let mut present: Vec<&String> = object.keys().collect();
    present.sort();
    let mut sorted = declared.clone();
    sorted.sort();
    assert_eq!(sorted, present, "fields of {path}");
    for (name, value) in object {
        assert_same_fields(&schema["properties"][name], value, &format!("{path}/{name}"));
    }
}
