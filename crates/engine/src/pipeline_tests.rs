//! Pipelines: what is accepted, what is refused and in which words, and what goes into the config hash.

use super::{ExtractorSet, Override, Pipeline, PipelineError};
use crate::extractor::{BuiltIn, Descriptor, Extractor, Limits, MediaClass};

static TOY: Descriptor = Descriptor {
    name: "toy",
    version: "1",
    about: "for tests",
    media: &[MediaClass::Image, MediaClass::Video],
    emits: &[],
    params_schema: r#"{"type":"object","additionalProperties":false,"properties":{
        "size":{"type":"integer","minimum":1,"maximum":9,"default":3},"word":{"type":"string","default":"x"}}}"#,
    tools: &[],
    reads: &[],
    reads_file_time: false,
    writes_files: false,
    limits: Limits { unit_cpu_s: 1, unit_wall_s: 1, file_bytes_max: 1, address_space_bytes: 1 << 30 },
};

fn no_worker() -> Box<dyn Extractor> {
    unreachable!("pipelines are checked without starting anything")
}

static TOYS: [BuiltIn; 1] = [BuiltIn { descriptor: &TOY, make: no_worker }];

fn parse(text: &str, overrides: &[&str]) -> Result<Pipeline, PipelineError> {
    let overrides: Vec<Override> = overrides.iter().map(|text| Override::parse(text).unwrap()).collect();
    Pipeline::parse(text, &overrides, &ExtractorSet::of(&TOYS))
}

fn with_step(step: &str) -> String {
    format!("name = \"p\"\nversion = \"1\"\n[[step]]\n{step}\n")
}

const STEP: &str = "name = \"s\"\nextractor = \"toy\"";

#[test]
fn defaults_are_filled_in_and_hashed() {
    let plain = parse(&with_step(STEP), &[]).unwrap();
    assert_eq!(serde_json::to_string(&plain.steps[0].params).unwrap(), r#"{"size":3,"word":"x"}"#);
    let spelled_out = parse(&with_step(&format!("{STEP}\nparams = {{ size = 3, word = \"x\" }}")), &[]).unwrap();
    assert_eq!(plain.steps[0].config_hash, spelled_out.steps[0].config_hash);
    let other = parse(&with_step(STEP), &["s.size=4"]).unwrap();
    assert_ne!(plain.steps[0].config_hash, other.steps[0].config_hash);
    let profile = parse(&with_step(&format!("{STEP}\nprofile = \"fast\"")), &[]).unwrap();
    assert_ne!(plain.steps[0].config_hash, profile.steps[0].config_hash);
}

#[test]
fn a_step_takes_what_its_media_say() {
    let images = parse(&with_step(&format!("{STEP}\nmedia = [\"image\"]")), &[]).unwrap();
    assert!(images.steps[0].takes("image/png") && !images.steps[0].takes("video/mp4"));
    let both = parse(&with_step(STEP), &[]).unwrap();
    assert!(both.steps[0].takes("video/mp4") && !both.steps[0].takes("audio/wav"));
}

#[test]
fn what_does_not_fit_is_refused_with_its_place() {
    let cases = [
        (with_step("name = \"s\"\nextractor = \"nope\""), vec![], "unknown_extractor"),
        (with_step(&format!("{STEP}\nmedia = [\"audio\"]")), vec![], "unknown_media"),
        (with_step(&format!("{STEP}\nprofile = \"best\"")), vec![], "unknown_value"),
        (with_step(&format!("{STEP}\nparams = {{ sise = 1 }}")), vec![], "unknown_parameter"),
        (with_step(STEP), vec!["s.size=10"], "bad_parameter"),
        (with_step(STEP), vec!["s.size=big"], "bad_parameter"),
        (with_step(STEP), vec!["t.size=1"], "unknown_step"),
        (with_step("name = \"S!\"\nextractor = \"toy\""), vec![], "bad_name"),
        (format!("{}[[step]]\n{STEP}\n", with_step(STEP)), vec![], "duplicate_step"),
    ];
    for (text, overrides, code) in cases {
        let Err(PipelineError::Invalid { findings, .. }) = parse(&text, &overrides) else {
            panic!("{code}: accepted or unreadable: {text}");
        };
        assert!(findings.iter().any(|finding| finding.code == code), "{code}: {findings}");
    }
}

#[test]
fn unknown_keys_and_broken_toml_are_told_with_their_line() {
    for text in ["name = ", "name = \"p\"\nversion = \"1\"\nsteps = 3\n", &with_step(&format!("{STEP}\nworkers = 3"))] {
        let Err(PipelineError::Unreadable { reason, .. }) = parse(text, &[]) else { panic!("accepted: {text}") };
        assert!(reason.contains("line"), "{reason}");
    }
}

#[test]
fn overrides_are_json_or_text() {
    assert_eq!(Override::parse("a.b=3").unwrap().value, 3);
    assert_eq!(Override::parse("a.b=true").unwrap().value, true);
    assert_eq!(Override::parse("a.b=plain words").unwrap().value, "plain words");
    for bad in ["a", "a=1", "a.b"] {
        assert!(Override::parse(bad).is_err(), "{bad}");
    }
}
