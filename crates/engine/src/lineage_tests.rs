//! The recipes of docs/reference/formats.md, held to the examples that stand there.

use exhibit_model::digest::Digest;
use exhibit_model::lineage::ModelProfile;

use super::{input_hash, work_key};
use crate::extractor::Tool;
use crate::pipeline::Step;
use crate::process::Ready;

const CONFIG: &str = "d0fb4f094193cb42d52d14cd189780c58b85706e04c7e1a7cca9f5ff918803e0";
const INPUT: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn digest(text: &str) -> Digest {
    text.parse().unwrap()
}

fn step() -> Step {
    Step {
        name: "metadata".to_owned(),
        extractor: "media.metadata".to_owned(),
        media: Vec::new(),
        profile: ModelProfile::Balanced,
        params: serde_json::Map::new(),
        config_hash: digest(CONFIG),
        reads: Vec::new(),
    }
}

fn ready() -> Ready {
    Ready { version: "1".to_owned(), tools: [("ffprobe".to_owned(), "5.1.6".to_owned())].into() }
}

#[test]
fn formats_that_can_never_change_again() {
    assert_eq!(
        input_hash(&[digest(INPUT)]).to_hex(),
        "5e996c42557de7996e4b73598a98da3d361622ab46ede6838c81ff18da57eae9"
    );
    assert_eq!(
        work_key(&step(), &ready(), &[digest(INPUT)], Some(1_700_000_000_000_000_000)).to_hex(),
        "b4aa2958887e991e7b3795cf5f19386369e7c466aeb891fff1d64bc4a5c10665"
    );
    assert_eq!(ready().producer_version(), "1+ffprobe.5.1.6");
}

#[test]
fn everything_that_a_result_depends_on_changes_the_key() {
    let inputs = [digest(INPUT)];
    let key = work_key(&step(), &ready(), &inputs, None);
    assert_ne!(key, work_key(&step(), &ready(), &inputs, Some(0)));
    assert_ne!(key, work_key(&step(), &ready(), &[], None));
    let newer = Ready { version: "2".to_owned(), ..ready() };
    assert_ne!(key, work_key(&step(), &newer, &inputs, None));
    let other_tool = Ready { tools: [("ffprobe".to_owned(), "6.0".to_owned())].into(), ..ready() };
    assert_ne!(key, work_key(&step(), &other_tool, &inputs, None));
    let other_config = Step { config_hash: digest(INPUT), ..step() };
    assert_ne!(key, work_key(&other_config, &ready(), &inputs, None));
    // The name of the step is for people.
    let renamed = Step { name: "facts".to_owned(), ..step() };
    assert_eq!(key, work_key(&renamed, &ready(), &inputs, None));
}

#[test]
fn the_order_of_inputs_does_not_matter() {
    let (one, two) = (digest(CONFIG), digest(INPUT));
    assert_eq!(input_hash(&[one, two]), input_hash(&[two, one]));
    assert_eq!(work_key(&step(), &ready(), &[one, two], None), work_key(&step(), &ready(), &[two, one], None));
}

/// Another libheif does not make the thumbnails of JPEGs anew, nor does a missing one stop them.
#[test]
fn a_result_depends_on_the_tools_of_its_media_type_only() {
    const fn tool(name: &'static str, media_types: &'static [&'static str]) -> Tool {
        Tool { name, media_types, required: false, install: "a-package" }
    }
    static TOOLS: [Tool; 3] =
        [tool("heif-convert", &["image/heic", "image/avif"]), tool("ffmpeg", &["video/"]), tool("always", &[])];
    let found = |tools: &[(&str, &str)]| Ready {
        version: "3".to_owned(),
        tools: tools.iter().map(|(name, version)| ((*name).to_owned(), (*version).to_owned())).collect(),
    };
    let all = found(&[("heif-convert", "1.15.1"), ("ffmpeg", "5.1"), ("always", "7")]);
    for (media_type, expected) in [
        ("image/heic", "3+always.7+heif-convert.1.15.1"),
        ("image/heics", "3+always.7"),
        ("image/jpeg", "3+always.7"),
        ("video/mp4", "3+always.7+ffmpeg.5.1"),
        ("video", "3+always.7"),
    ] {
        assert_eq!(all.for_media(&TOOLS, media_type).unwrap().producer_version(), expected, "{media_type}");
    }
    let fewer = found(&[("always", "7"), ("ffmpeg", "5.1")]);
    assert!(fewer.for_media(&TOOLS, "image/jpeg").is_ok());
    let missing = fewer.for_media(&TOOLS, "image/avif").unwrap_err();
    assert_eq!(missing.missing(), "heif-convert is not installed; `apt-get install a-package` brings it");
}
