//! The recipes of docs/reference/formats.md, held to the examples that stand there.

use exhibit_model::digest::Digest;
use exhibit_model::lineage::ModelProfile;

use super::{input_hash, work_key};
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
