//! Tests of what all extractors have in common.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;

#[test]
fn names_are_unique_and_every_emitted_kind_has_a_file() {
    let kinds: BTreeSet<(String, u64)> = kind_files()
        .iter()
        .map(|file| serde_json::from_str::<Value>(file).unwrap())
        .map(|kind| (kind["kind"].as_str().unwrap().to_owned(), kind["version"].as_u64().unwrap()))
        .collect();
    let mut emitted = BTreeSet::new();
    let mut names = BTreeSet::new();
    for extractor in built_in() {
        assert!(names.insert(extractor.descriptor.name), "{} twice", extractor.descriptor.name);
        let descriptor = extractor.descriptor;
        assert!(descriptor.media.is_empty() != descriptor.reads.is_empty(), "originals, or facts of a collection");
        assert!(!descriptor.about.is_empty());
        emitted
            .extend(extractor.descriptor.emits.iter().map(|(kind, version)| ((*kind).to_owned(), u64::from(*version))));
    }
    assert_eq!(emitted, kinds);
}

#[test]
fn every_parameter_has_a_default_that_its_schema_accepts() {
    for extractor in built_in() {
        let name = extractor.descriptor.name;
        let schema: Value = serde_json::from_str(extractor.descriptor.params_schema).unwrap();
        assert_eq!(schema["additionalProperties"], false, "{name}");
        let validator = jsonschema::validator_for(&schema).unwrap();
        let defaults = Value::Object(testing::defaults(extractor.descriptor));
        assert!(validator.is_valid(&defaults), "{name}: {defaults}");
    }
}
