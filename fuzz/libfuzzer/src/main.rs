//! One fuzz target under libFuzzer: the one that the variable `EXHIBIT_FUZZ_TARGET` names. One program for all of them is linked once.
#![no_main]

use std::sync::OnceLock;

use exhibit_fuzz::{TARGETS, Target};
use libfuzzer_sys::fuzz_target;

static CHOSEN: OnceLock<&'static Target> = OnceLock::new();

fn choose() -> &'static Target {
    let name = std::env::var("EXHIBIT_FUZZ_TARGET").unwrap_or_default();
    TARGETS.iter().find(|target| target.name == name).unwrap_or_else(|| {
        let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
        panic!("EXHIBIT_FUZZ_TARGET is `{name}`; there are {}", names.join(", "));
    })
}

fuzz_target!(|bytes: &[u8]| (CHOSEN.get_or_init(choose).run)(bytes));
