//! Tests of lineage: its bytes, its order and its checks.

use super::*;
use crate::canonical::canonical_of;

fn parts() -> LineageParts {
    LineageParts {
        producer: "media.metadata".to_owned(),
        producer_version: "1+ffprobe 5.1\"".to_owned(),
        model_profile: ModelProfile::HighQuality,
        config_hash: Digest::of(b"config"),
        input_hash: Digest::of(b"input"),
        inputs: vec![Digest::of(b"b"), Digest::of(b"a"), Digest::of(b"b"), Digest::of(b"c")],
    }
}

#[test]
fn the_composed_bytes_are_the_canonical_ones() {
    for inputs in [0, 1, 4] {
        let mut parts = parts();
        parts.inputs.truncate(inputs);
        let lineage = Lineage::new(parts).unwrap();
        assert_eq!(lineage.canonical(), canonical_of(lineage.parts()).unwrap());
        assert_eq!(lineage.hash(), Digest::of(&lineage.canonical()));
    }
}

#[test]
fn the_order_of_inputs_does_not_matter_but_their_number_does() {
    let mut reversed = parts();
    reversed.inputs.reverse();
    let lineage = Lineage::new(parts()).unwrap();
    assert_eq!(Lineage::new(reversed).unwrap(), lineage);
    assert!(lineage.parts().inputs.is_sorted());
    let mut fewer = parts();
    fewer.inputs.dedup();
    fewer.inputs.pop();
    assert_ne!(Lineage::new(fewer).unwrap().hash(), lineage.hash());
    assert_eq!(lineage.clone().into_parts().inputs.len(), 4);
}

#[test]
fn bad_fields_are_named() {
    let long = "a".repeat(65);
    for producer in ["", "Media", "a b", "ä", long.as_str()] {
        let findings = Lineage::new(LineageParts { producer: producer.to_owned(), ..parts() }).unwrap_err();
        assert_eq!(findings.iter().next().unwrap().pointer, "/producer", "{producer}");
    }
    let long = "1".repeat(129);
    for version in ["", "1\n", long.as_str()] {
        let findings = Lineage::new(LineageParts { producer_version: version.to_owned(), ..parts() }).unwrap_err();
        assert_eq!(findings.iter().next().unwrap().pointer, "/producer_version");
    }
    let both = LineageParts { producer: String::new(), producer_version: String::new(), ..parts() };
    assert_eq!(Lineage::new(both).unwrap_err().iter().count(), 2);
}

#[test]
fn profiles_are_read_and_written_alike() {
    for profile in [ModelProfile::Fast, ModelProfile::Balanced, ModelProfile::HighQuality] {
        assert_eq!(profile.as_str().parse(), Ok(profile));
        assert_eq!(serde_json::to_value(profile).unwrap(), profile.to_string());
    }
    assert!("Fast".parse::<ModelProfile>().is_err());
}
