//! Words of the model: JSON, kind files, notes and ids.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use exhibit_model::canonical::to_canonical;
use exhibit_model::digest::Digest;
use exhibit_model::ids::{ArtifactId, AssetId, CollectionId, RunId, SourceId, UnitId};
use exhibit_model::json::{JsonLimits, check_value, parse_strict};
use exhibit_model::kind::KindDeclaration;
use exhibit_model::note::{Checkpoint, SignatureLine, SignedNote, VerifierKey};
use exhibit_model::time::Timestamp;
use serde_json::Value;

use crate::{same, text};

/// Far more than an input of a fuzzer has, also when it is printed anew.
const LIMITS: JsonLimits = JsonLimits::of_bytes(64 * 1024 * 1024);

/// Strict JSON: what is taken has one canonical form, which is read as the same value.
pub fn json(bytes: &[u8]) {
    let Ok(value) = same(|| parse_strict(bytes, &LIMITS)) else { return };
    assert!(check_value(&value).is_empty(), "what was taken is refused as a value");
    has_one_canonical_form(&value);
}

fn has_one_canonical_form(value: &Value) {
    let canonical = to_canonical(value).expect("strict JSON has a canonical form");
    let again = parse_strict(&canonical, &LIMITS).expect("the canonical form is strict JSON");
    assert_eq!(&again, value, "the canonical form means something else");
    assert_eq!(to_canonical(&again).expect("as before"), canonical, "two canonical forms of one value");
}

/// Kind files: a declaration that is taken projects every payload into its columns.
pub fn kind_file(bytes: &[u8]) {
    let Ok(declaration) = same(|| KindDeclaration::parse(bytes)) else { return };
    let payloads = [Value::Null, serde_json::json!({"a": 1, "b": "x"}), declaration.schema.clone()];
    for payload in &payloads {
        assert_eq!(declaration.project(payload).len(), declaration.columns.len(), "a cell for each column");
    }
    assert!(declaration.table_name().starts_with("proj_"));
}

/// What is read from text is printed as exactly that text.
#[track_caller]
fn is_its_own_text<T: FromStr + Display + PartialEq + Debug>(text: &str) -> bool
where
    T::Err: Debug,
{
    match same(|| text.parse::<T>()) {
        Ok(read) => {
            assert_eq!(read.to_string(), text, "one thing has two texts");
            true
        }
        Err(_) => false,
    }
}

/// Checkpoints, signed notes, signature lines and keys.
pub fn checkpoint_note(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    is_its_own_text::<Checkpoint>(text);
    is_its_own_text::<SignatureLine>(text);
    is_its_own_text::<VerifierKey>(text);
    if is_its_own_text::<SignedNote>(text)
        && let Ok(note) = text.parse::<SignedNote>()
    {
        assert_eq!(
            SignedNote::new(note.text(), note.signatures().to_vec()),
            Ok(note.clone()),
            "a note that reads back"
        );
        is_its_own_text::<Checkpoint>(note.text());
    }
}

/// Ids, digests and moments.
pub fn ids(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    for line in text.lines() {
        is_its_own_text::<RunId>(line);
        is_its_own_text::<SourceId>(line);
        is_its_own_text::<CollectionId>(line);
        is_its_own_text::<AssetId>(line);
        is_its_own_text::<UnitId>(line);
        is_its_own_text::<ArtifactId>(line);
        is_its_own_text::<Digest>(line);
        if let Some(moment) = same(|| Timestamp::parse(line)) {
            assert_eq!(Timestamp::parse(&moment.to_string()), Some(moment), "a moment that reads back");
        }
    }
}
