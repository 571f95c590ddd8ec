//! Tests of claims and leaves: the composed bytes are the canonical ones.

use proptest::prelude::*;
use serde_json::{Map, json};

use super::*;

fn claim_as_value(claim: &Claim<'_>) -> Value {
    let mut members = Map::new();
    members.insert("kind".to_owned(), json!(claim.kind));
    members.insert("schema_version".to_owned(), json!(claim.schema_version));
    members.insert("payload".to_owned(), claim.payload.clone());
    if let Some(asset) = claim.asset_id {
        members.insert("asset_id".to_owned(), json!(asset));
    }
    if let Some((start, end)) = claim.span_ms {
        members.insert("span_start_ms".to_owned(), json!(start));
        members.insert("span_end_ms".to_owned(), json!(end));
    }
    if let Some(blob) = claim.blob {
        members.insert("blob".to_owned(), json!(blob));
    }
    Value::Object(members)
}

proptest! {
    #[test]
    fn claims_are_composed_canonically(
        kind in any::<String>(), schema_version in any::<u32>(), asset in any::<Option<[u8; 32]>>(), blob in any::<Option<[u8; 32]>>(),
        span in proptest::option::of((-1_000_000_000_000_i64..1_000_000_000_000, -1_000_000_000_000_i64..1_000_000_000_000)),
        text in any::<String>(), number in -1e12_f64..1e12,
    ) {
        let payload = json!({"text": text, "number": number, "😀": 1, "\u{fb33}": 2});
        let asset_id = asset.map(|bytes| AssetId(Digest(bytes)));
        let claim = Claim { kind: &kind, schema_version, asset_id, span_ms: span, payload: &payload, blob: blob.map(Digest) };
        let canonical = to_canonical(&claim_as_value(&claim)).unwrap();
        prop_assert_eq!(&claim.canonical().unwrap(), &canonical);
        prop_assert_eq!(claim.content_hash().unwrap(), Digest::of(&canonical));
    }

    #[test]
    fn leaves_are_composed_canonically(
        record in any::<String>(), kind in any::<String>(), version in any::<u32>(), stale in any::<bool>(), commitment in any::<[u8; 32]>(),
        lineage in any::<Option<[u8; 32]>>(), run in any::<Option<u128>>(),
    ) {
        let (commitment, lineage) = (Digest(commitment), lineage.map(Digest));
        let run = run.map(|number| RunId(number >> 1));
        let admission = if stale { LeafAdmission::Stale } else { LeafAdmission::New };
        let mut value = json!({"record_id": record, "kind": kind, "schema_version": version, "admission": admission, "commitment": commitment});
        if let Some(lineage) = lineage {
            value["lineage_hash"] = json!(lineage);
        }
        if let Some(run) = run {
            value["run"] = json!(run);
        }
        let bytes = leaf_bytes(&record, &kind, version, admission, commitment, lineage, run);
        prop_assert_eq!(bytes, to_canonical(&value).unwrap());
    }

    #[test]
    fn batch_leaves_are_composed_canonically(batch in 0_i64..1 << 53, count in 0_i64..1 << 40, at_us in -(1_i64 << 52)..1 << 52) {
        let root = Digest::of(b"root");
        let value = json!({"batch": batch, "first_seq": 7, "count": count, "at_us": at_us, "leaves_root": root});
        prop_assert_eq!(head_leaf_bytes(batch, 7, count, at_us, root), to_canonical(&value).unwrap());
        prop_assert_eq!(head_leaf(batch, 7, count, at_us, root), leaf_hash(&to_canonical(&value).unwrap()));
    }
}

#[test]
fn formats_that_can_never_change_again() {
    let payload = json!({"width": 640});
    let asset_id = Some(AssetId(Digest::of(b"abc")));
    let claim = Claim {
        kind: "media.metadata",
        schema_version: 1,
        asset_id,
        span_ms: Some((0, 40)),
        payload: &payload,
        blob: None,
    };
    let text = "{\"asset_id\":\"ast_ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\",\"kind\":\"media.metadata\",\
                \"payload\":{\"width\":640},\"schema_version\":1,\"span_end_ms\":40,\"span_start_ms\":0}";
    assert_eq!(String::from_utf8(claim.canonical().unwrap()).unwrap(), text);
    let leaf = leaf_bytes("art_1", "a", 1, LeafAdmission::New, Digest([0; 32]), None, None);
    let text = format!(
        r#"{{"admission":"new","commitment":"{}","kind":"a","record_id":"art_1","schema_version":1}}"#,
        "0".repeat(64)
    );
    assert_eq!(String::from_utf8(leaf).unwrap(), text);
    let head = head_leaf_bytes(1, 1, 2, 3, Digest([0; 32]));
    let text = format!(r#"{{"at_us":3,"batch":1,"count":2,"first_seq":1,"leaves_root":"{}"}}"#, "0".repeat(64));
    assert_eq!(String::from_utf8(head).unwrap(), text);
}

#[test]
fn a_claim_without_canonical_form_is_refused() {
    let payload = json!({"n": u64::MAX});
    let claim = Claim { kind: "a", schema_version: 1, asset_id: None, span_ms: None, payload: &payload, blob: None };
    assert!(claim.content_hash().is_err() && claim.canonical().is_err());
}

#[test]
fn admissions_keep_their_numbers() {
    for admission in [LeafAdmission::New, LeafAdmission::Stale] {
        assert_eq!(LeafAdmission::from_code(admission.code()), Some(admission));
    }
    assert_eq!(LeafAdmission::from_code(2), None);
}

#[test]
fn the_envelope_shows_its_members_in_the_agreed_names() {
    let envelope = Envelope {
        artifact_id: "art_00000000000000000000000001.0.0".parse().unwrap(),
        asset_id: None,
        artifact_type: "noop".to_owned(),
        schema_version: 1,
        span_start_ms: None,
        span_end_ms: Some(5),
        payload: json!({}),
        blob: Some(BlobRef { sha256: Digest::of(b""), bytes: 0, media_type: "image/webp".to_owned() }),
        producer: "noop".to_owned(),
        producer_version: "1".to_owned(),
        model_profile: ModelProfile::Fast,
        config_hash: Digest::of(b"c"),
        input_hash: Digest::of(b"i"),
        inputs: vec![],
        run_id: RunId(1),
        content_hash: Digest::of(b"x"),
        created_at: Timestamp(1),
    };
    let value = serde_json::to_value(&envelope).unwrap();
    let names = [
        "artifact_id",
        "artifact_type",
        "asset_id",
        "blob",
        "config_hash",
        "content_hash",
        "created_at",
        "input_hash",
        "inputs",
        "model_profile",
        "payload",
        "producer",
        "producer_version",
        "run_id",
        "schema_version",
        "span_end_ms",
        "span_start_ms",
    ];
    assert_eq!(value.as_object().unwrap().keys().collect::<Vec<_>>(), names);
    assert_eq!(value["created_at"], "1970-01-01T00:00:00.000001Z");
    let without = serde_json::to_value(Envelope { blob: None, ..envelope }).unwrap();
    assert!(without.get("blob").is_none());
}
