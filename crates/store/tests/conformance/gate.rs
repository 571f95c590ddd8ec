//! The gate refuses every bad candidate in the same words each time, and nothing is written (AR-09, I2, I4, I8).

use std::collections::BTreeMap;
use std::sync::Arc;

use exhibit_model::findings::Findings;
use exhibit_model::ids::UnitId;
use exhibit_store::sql::{assets, runs};
use exhibit_store::{Candidate, Draft, Gate, GateError, Made, Store, StoreError, StoredBlob, Synchronous};
use serde_json::{Value as Json, json};

use crate::child::{TestChild, parameters, tell};
use crate::gate_table::{bad_candidates, good_clip, good_event, good_observation};
use crate::world::{World, block_on, empty_draft, options_from_json};

both!(
    bad_candidates_are_refused,
    good_candidates_are_taken,
    values_made_in_the_process_are_checked_alike,
    kinds_of_users,
    kinds_of_plugins
);

/// Everything between the bytes of a document and a candidate. An artifact is made by unit 0 of the first run.
fn decode_and_check(store: &Store, bytes: &[u8]) -> Result<Candidate, Findings> {
    let decoded = Gate::decode(bytes)?;
    let asset_id = decoded.asset_id;
    let found = block_on(store.read(move |read| {
        let asset = asset_id.map(|id| assets::by_sha256(read, id.0)).transpose()?.flatten();
        Ok((asset.map(|asset| asset.key), runs::by_key(read, 1)?.expect("the run")))
    }));
    let (asset, run) = found.expect("a readable store");
    let unit = UnitId { run: run.id, ordinal: 0 };
    let made = decoded.lineage.map(|lineage| (Arc::new(Made::new(run.first_unit, unit, &lineage)), 0));
    store.gate().check(Draft { asset: asset_id.zip(asset), made, ..decoded.draft })
}

/// What the gate says to each bad candidate, as JSON.
fn answers(store: &Store, blob: &StoredBlob) -> Vec<(&'static str, String)> {
    let asset = block_on(store.read(|read| assets::by_key(read, 1))).expect("readable").expect("an asset");
    let table = bad_candidates(exhibit_model::ids::AssetId(asset.sha256), blob);
    let answer = |bytes: &[u8]| match decode_and_check(store, bytes) {
        Ok(candidate) => format!("accepted: {candidate:?}"),
        Err(findings) => serde_json::to_string(&findings).expect("findings are JSON"),
    };
    table.iter().map(|bad| (bad.name, answer(&bad.bytes))).collect()
}

fn world(backend: exhibit_store::Backend) -> (World, StoredBlob) {
    let world = World::new(backend);
    world.archive(1);
    world.planned_run(1);
    let blob = world.blob(b"the bytes of a blob");
    (world, blob)
}

fn bad_candidates_are_refused(backend: exhibit_store::Backend) {
    let (world, blob) = world(backend);
    let before = world.raw().dump();
    let first = answers(&world.store, &blob);
    let table = bad_candidates(
        exhibit_model::ids::AssetId(world.read(|read| Ok(assets::by_key(read, 1)?.expect("an asset").sha256))),
        &blob,
    );
    for (bad, (_, answer)) in table.iter().zip(&first) {
        let findings: Vec<Json> = serde_json::from_str(answer).unwrap_or_else(|_| panic!("{}: {answer}", bad.name));
        let wanted = |finding: &&Json| finding["pointer"] == bad.pointer && finding["code"] == bad.code;
        assert!(findings.iter().any(|finding| wanted(&finding)), "{}: {answer}", bad.name);
        let key = |finding: &Json| ["pointer", "code", "message"].map(|part| finding[part].to_string());
        assert!(findings.iter().map(key).is_sorted(), "{}: {answer}", bad.name);
        assert!(answer.len() < 8_192, "{}: an answer of {} bytes", bad.name, answer.len());
    }
    for _ in 1..10 {
        assert_eq!(answers(&world.store, &blob), first);
    }
    let (said, well) = TestChild::start(
        "gate::prints_the_answers_of_the_gate",
        &json!({"store": world.to_json(), "blob": blob.sha256}),
    )
    .hear_all("ANSWER");
    assert!(well);
    let said: BTreeMap<String, String> = said.iter().map(|line| serde_json::from_str(line).expect("a pair")).collect();
    let first: BTreeMap<String, String> = first.into_iter().map(|(name, answer)| (name.to_owned(), answer)).collect();
    assert_eq!(said, first, "another process answers otherwise");
    assert_eq!(world.raw().dump(), before, "a refused candidate wrote something");
}

/// A part of the test above, in a process of its own.
#[test]
fn prints_the_answers_of_the_gate() {
    let Some(parameters) = parameters() else { return };
    let store =
        Store::open(options_from_json(&parameters["store"], Synchronous::Normal)).expect("the store of the parent");
    let sha256 = parameters["blob"].as_str().and_then(|hex| hex.parse().ok()).expect("a digest");
    let bytes = store.blobs().size_of(sha256).expect("readable").expect("a blob");
    let blob = StoredBlob { sha256, bytes, media_type: "application/octet-stream".to_owned() };
    for pair in answers(&store, &blob) {
        tell("ANSWER", serde_json::to_string(&pair).expect("texts are JSON"));
    }
}

/// The table above would prove nothing if the documents that it spoils were bad themselves.
fn good_candidates_are_taken(backend: exhibit_store::Backend) {
    let (world, blob) = world(backend);
    let asset = world.read(|read| Ok(assets::by_key(read, 1)?.expect("an asset").sha256));
    let documents = [good_event(), good_clip(&blob), good_observation(exhibit_model::ids::AssetId(asset))];
    let candidates = documents.map(|document| {
        let candidate = decode_and_check(&world.store, document.to_string().as_bytes()).expect("a good document");
        // A sender that computed the right hash is believed.
        let mut hashed = document.clone();
        hashed["content_hash"] = json!(candidate.content_hash());
        decode_and_check(&world.store, hashed.to_string().as_bytes()).expect("the right hash");
        candidate
    });
    let receipts = world.append(candidates.to_vec()).expect("new records");
    assert_eq!(receipts.iter().map(|receipt| receipt.seq).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(world.verify().problems, []);
}

/// What an extractor hands over never was a text, and is held to the same.
fn values_made_in_the_process_are_checked_alike(backend: exhibit_store::Backend) {
    let (world, _) = world(backend);
    let refused = |payload: Json, pointer: &str, code: &str| {
        let draft = Draft { payload, record_id: Some("e".to_owned()), ..empty_draft("test.event") };
        let findings = world.store.gate().check(draft).expect_err("a bad payload");
        let found = findings.iter().any(|finding| finding.pointer == pointer && finding.code == code);
        assert!(found, "{pointer} {code}: {findings}");
    };
    let event = |any: Json| json!({"level": "info", "text": "x", "any": any});
    refused(event(json!("a\0b")), "/payload/any", "nul_character");
    refused(event(json!({"a\0b": 1})), "/payload/any/a\0b", "nul_character");
    refused(event(json!(9_007_199_254_740_992_u64)), "/payload/any", "integer_range");
    refused(event(json!(1e300)), "/payload/any", "integer_range");
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    refused(
        event(deep),
        &format!("/payload/any{}", "/0".repeat(exhibit_model::json::RECORD_DEPTH_MAX - 1)),
        "too_deep",
    );
    refused(event(json!("x".repeat(exhibit_store::gate::RECORD_BYTES_MAX))), "/payload", "too_large");
    // Two ways to write one number are one claim.
    let claim = |number: Json| world.event("n", json!({"level": "info", "text": "x", "number": number})).content_hash();
    assert_eq!(claim(json!(1)), claim(json!(1.0)));
    assert_eq!(claim(json!(0)), claim(json!(-0.0)));
}

const KIND: &str = r#"{
  "kind": "mine.note", "version": 1, "title": "A note", "subject": "record", "retention": "kept", "blob": "none", "span": "none",
  "schema": {"type": "object", "additionalProperties": false, "properties": {"text": {"type": "string", "pattern": "^a+$"}}},
  "projection": {"columns": [{"name": "text", "type": "text", "pointer": "/text"}]}
}"#;

/// A kind belongs to whom it came with first, whatever the version, and a name of a room is never another's.
fn kinds_of_plugins(backend: exhibit_store::Backend) {
    let world = World::new(backend);
    let add =
        |owner: &str, file: &str| block_on(world.store.add_owned_kind(owner.to_owned(), file.as_bytes().to_vec()));
    let refused = |owner: &str, file: &str| {
        let StoreError::Refused(message) = add(owner, file).expect_err("another owner") else { panic!("refused") };
        message
    };
    let second = KIND.replace("\"version\": 1", "\"version\": 2");
    assert_eq!(add("plugin:one", KIND).expect("a kind").room, "plugin:one");
    add("plugin:one", KIND).expect("the same again");
    let message = "the kind mine.note belongs to plugin:one; take another name";
    assert_eq!(refused("plugin:two", KIND), message);
    assert_eq!(refused("plugin:two", &second), message, "another version of it, too");
    add("plugin:one", &second).expect("its own next version");
    let reopened = world.open_again().expect("the same database");
    assert_eq!(reopened.kinds().get("mine.note", 2).expect("a kind").room, "plugin:one");
    let of_a_room = world.store.kinds().every().into_iter().find(|kind| !kind.room.starts_with("plugin:"));
    let name = of_a_room.expect("a room brings kinds").name().to_owned();
    assert!(refused("plugin:two", &KIND.replace("mine.note", &name)).contains("belongs to"), "{name}");
}

fn kinds_of_users(backend: exhibit_store::Backend) {
    let world = World::new(backend);
    let add = |file: &str| block_on(world.store.add_kind(file.as_bytes().to_vec()));
    let note = |id: &str, text: &str| {
        let payload = json!({"text": text});
        world.store.gate().check(Draft { payload, record_id: Some(id.to_owned()), ..empty_draft("mine.note") })
    };
    note("1", "aaa").expect_err("not known yet");
    assert_eq!(add(KIND).expect("a kind").room, "");
    add(KIND).expect("the same file again");
    add(&KIND.replace("  ", " ")).expect("the same content, written otherwise");
    let changed = add(&KIND.replace("A note", "Another note")).expect_err("another content");
    let StoreError::Refused(message) = changed else { panic!("{changed}") };
    assert_eq!(message, "kind mine.note version 1 is already registered with other content; raise its version");
    note("1", "bbb").expect_err("the pattern of the schema");
    let first = note("1", "aaa").expect("a good note");
    assert_eq!(world.append(vec![first.clone()]).expect("a new note")[0].seq, 1);
    assert!(world.append(vec![first]).expect("a replay")[0].replay);
    let other = world.append(vec![note("1", "aaaa").expect("a good note")]).expect_err("a conflict");
    assert!(matches!(other, GateError::Conflict { .. }), "{other}");
    let reopened = world.open_again().expect("the same database");
    assert_eq!(reopened.kinds().get("mine.note", 1).expect("a kind").declaration.title, "A note");
    for bad in [
        "{}",
        "not json",
        &KIND.replace("\"text\": {\"type\": \"string\"", "\"text\": {\"$ref\": \"https://example.org\""),
    ] {
        assert!(matches!(add(bad).expect_err("no kind"), StoreError::Refused(_)), "{bad}");
    }
    // Patterns that only a backtracking engine understands could stop the gate for ever (DESIGN: linear regular expressions).
    for pattern in ["(a)\\\\1", "(?=a)b"] {
        let file = KIND.replace("mine.note", "mine.other").replace("^a+$", pattern);
        add(&file).expect_err(pattern);
    }
    let slow = KIND.replace("mine.note", "mine.slow").replace("^a+$", "^(a|a)*$");
    add(&slow).expect("a linear engine is not afraid of this");
    let payload = json!({"text": format!("{}b", "a".repeat(100_000))});
    let draft = Draft { payload, record_id: Some("1".to_owned()), ..empty_draft("mine.slow") };
    let findings = world.store.gate().check(draft).expect_err("does not match");
    assert_eq!(findings.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["schema"]);
}
