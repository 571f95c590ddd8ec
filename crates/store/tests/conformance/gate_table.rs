//! The table of bad candidates: documents that the gate has to refuse, each with the place and the word of what is wrong first.

use exhibit_model::digest::Digest;
use exhibit_model::ids::AssetId;
use exhibit_store::StoredBlob;
use exhibit_store::gate::BODY_BYTES_MAX;
use serde_json::{Value as Json, json};

/// A document, and the problem that must be among those found.
pub struct Bad {
    /// What is bad about it.
    pub name: &'static str,
    /// The document.
    pub bytes: Vec<u8>,
    /// Where the problem is.
    pub pointer: &'static str,
    /// Which one.
    pub code: &'static str,
}

/// A record that is good.
pub fn good_event() -> Json {
    json!({"kind": "test.event", "schema_version": 1, "record_id": "e-1", "payload": {"level": "info", "text": "x"}})
}

/// An artifact that is good.
pub fn good_observation(asset: AssetId) -> Json {
    let (config_hash, input_hash) = (Digest::of(b"config"), Digest::of(b"input"));
    let lineage = json!({
        "producer": "test", "producer_version": "1", "model_profile": "fast",
        "config_hash": config_hash, "input_hash": input_hash, "inputs": [Digest::of(b"bytes")],
    });
    json!({"kind": "test.observation", "schema_version": 1, "asset_id": asset, "payload": {"label": "x"}, "lineage": lineage})
}

/// A record with blob and span that is good.
pub fn good_clip(blob: &StoredBlob) -> Json {
    let blob = json!({"sha256": blob.sha256, "bytes": blob.bytes, "media_type": blob.media_type});
    json!({
        "kind": "test.clip", "schema_version": 1, "record_id": "c-1", "payload": {},
        "span_start_ms": 0, "span_end_ms": 5, "blob": blob,
    })
}

/// The document with `value` at `pointer`, put in where there is nothing.
fn with(mut document: Json, pointer: &str, value: Json) -> Vec<u8> {
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    let parent = document.pointer_mut(parent).and_then(Json::as_object_mut).expect("an object");
    parent.insert(key.to_owned(), value);
    document.to_string().into_bytes()
}

fn without(mut document: Json, pointer: &str) -> Vec<u8> {
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    let parent = document.pointer_mut(parent).and_then(Json::as_object_mut).expect("an object");
    parent.remove(key).expect("it is there");
    document.to_string().into_bytes()
}

/// The good event with `text` written in place of the text of its payload.
fn text_as(text: &str) -> Vec<u8> {
    good_event().to_string().replace(r#""x""#, text).into_bytes()
}

/// Every bad candidate.
pub fn bad_candidates(asset: AssetId, blob: &StoredBlob) -> Vec<Bad> {
    let mut table = Vec::new();
    let mut add = |name, bytes, pointer, code| table.push(Bad { name, bytes, pointer, code });
    contract(&mut add);
    text(&mut add);
    payloads(&mut add);
    lineages(asset, &mut add);
    parts(asset, blob, &mut add);
    table
}

type Add<'a> = &'a mut dyn FnMut(&'static str, Vec<u8>, &'static str, &'static str);

/// Kinds, versions, fields and ids of the document itself.
fn contract(add: Add<'_>) {
    let event = good_event;
    add("unknown kind", with(event(), "/kind", json!("test.nothing")), "/kind", "schema_not_found");
    add("no name of a kind", with(event(), "/kind", json!("Test Event")), "/kind", "schema_not_found");
    add("kind of another type", with(event(), "/kind", json!(5)), "/kind", "wrong_type");
    add("unknown version", with(event(), "/schema_version", json!(2)), "/schema_version", "schema_not_found");
    add("version 0", with(event(), "/schema_version", json!(0)), "/schema_version", "schema_not_found");
    add("negative version", with(event(), "/schema_version", json!(-1)), "/schema_version", "wrong_type");
    add(
        "version beyond 32 bits",
        with(event(), "/schema_version", json!(4_294_967_296_u64)),
        "/schema_version",
        "wrong_type",
    );
    add("unknown field", with(event(), "/colour", json!(1)), "/colour", "unknown_field");
    add("unknown field with signs", with(event(), "/a`b~", json!(1)), "/a`b~0", "unknown_field");
    add("no kind", without(event(), "/kind"), "/kind", "missing_field");
    add("no version", without(event(), "/schema_version"), "/schema_version", "missing_field");
    add("no payload", without(event(), "/payload"), "/payload", "missing_field");
    add("no record id", without(event(), "/record_id"), "/record_id", "missing_field");
    add("empty record id", with(event(), "/record_id", json!("")), "/record_id", "bad_record_id");
    add("long record id", with(event(), "/record_id", json!("x".repeat(513))), "/record_id", "bad_record_id");
    add("record id with a line feed", with(event(), "/record_id", json!("a\nb")), "/record_id", "bad_record_id");
    add(
        "wrong hash",
        with(event(), "/content_hash", json!(Digest::of(b"other"))),
        "/content_hash",
        "content_hash_mismatch",
    );
    add("hash in capitals", with(event(), "/content_hash", json!("A".repeat(64))), "/content_hash", "wrong_type");
    add("a list", b"[]".to_vec(), "", "wrong_type");
    add("a text", br#""kind""#.to_vec(), "", "wrong_type");
    let huge = "x".repeat(1 << 20);
    add("a megabyte of another type", with(event(), "/schema_version", json!(huge)), "/schema_version", "wrong_type");
    add("a megabyte of a kind", with(event(), "/kind", json!(huge)), "/kind", "schema_not_found");
}

/// What is no strict JSON.
fn text(add: Add<'_>) {
    let deep = |levels: usize| text_as(&format!("{}1{}", "[".repeat(levels), "]".repeat(levels)));
    add("body too large", text_as(&format!("\"{}\"", "x".repeat(BODY_BYTES_MAX))), "", "too_large");
    // The document and its payload are two levels of the 64.
    let deepest: &str = format!("/payload/text{}", "/0".repeat(62)).leak();
    add("too deep", deep(63), deepest, "too_deep");
    add("much too deep", deep(500_000), deepest, "too_deep");
    add("duplicate key", text_as(r#""x","text":"y""#), "/payload/text", "duplicate_key");
    add("duplicate key of the document", text_as(r#""x"},"payload":{"level":"info""#), "/payload", "duplicate_key");
    add("the same key, escaped", text_as(r#""x","\u0074ext":"y""#), "/payload/text", "duplicate_key");
    add("NaN", text_as("NaN"), "", "not_json");
    add("infinity", text_as("-Infinity"), "", "not_json");
    add("a number beyond doubles", text_as("1e400"), "", "not_json");
    add("U+0000", text_as(r#""a\u0000b""#), "/payload/text", "nul_character");
    add("U+0000 in a key", text_as(r#""x","any":{"a\u0000b":1}"#), "/payload/any/a\0b", "nul_character");
    add("a raw NUL byte", text_as("\"a\0b\""), "", "not_json");
    add("2^53", text_as(r#""x","number":9007199254740992"#), "/payload/number", "integer_range");
    add("-(2^53)", text_as(r#""x","number":-9007199254740992"#), "/payload/number", "integer_range");
    add("2^53 as a float", text_as(r#""x","number":9007199254740992.0"#), "/payload/number", "integer_range");
    add("2^64", text_as(r#""x","any":[18446744073709551616]"#), "/payload/any/0", "integer_range");
    add("a lone surrogate", text_as(r#""\ud800""#), "", "not_json");
    add("not UTF-8", [b"\xFF".as_slice(), good_event().to_string().as_bytes()].concat(), "", "not_json");
    add(
        "overlong UTF-8",
        text_as("\"x\"").iter().flat_map(|byte| if *byte == b'x' { vec![0xC0, 0xAF] } else { vec![*byte] }).collect(),
        "",
        "not_json",
    );
    add(
        "a byte order mark",
        [b"\xEF\xBB\xBF".as_slice(), good_event().to_string().as_bytes()].concat(),
        "",
        "not_json",
    );
    add("nothing", Vec::new(), "", "not_json");
    add("half a document", good_event().to_string().into_bytes()[..40].to_vec(), "", "not_json");
    add("two documents", good_event().to_string().repeat(2).into_bytes(), "", "not_json");
    add("a comment", [b"// hello\n".as_slice(), good_event().to_string().as_bytes()].concat(), "", "not_json");
}

/// What the schema of the kind refuses.
fn payloads(add: Add<'_>) {
    let event = good_event;
    add("unknown enum value", with(event(), "/payload/level", json!("fatal")), "/payload/level", "unknown_value");
    add("unknown field of the payload", with(event(), "/payload/colour", json!(1)), "/payload/colour", "unknown_field");
    add("missing field of the payload", without(event(), "/payload/text"), "/payload", "missing_field");
    add("another type", with(event(), "/payload/text", json!(1)), "/payload/text", "wrong_type");
    add("a float for an integer", with(event(), "/payload/number", json!(1.5)), "/payload/number", "wrong_type");
    add("a payload that is a list", with(event(), "/payload", json!([])), "/payload", "wrong_type");
    add("a payload that is null", with(event(), "/payload", Json::Null), "/payload", "wrong_type");
}

/// I4: what an artifact cannot do without.
fn lineages(asset: AssetId, add: Add<'_>) {
    let artifact = || good_observation(asset);
    add("missing lineage", without(artifact(), "/lineage"), "/lineage", "missing_lineage");
    add("lineage null", with(artifact(), "/lineage", Json::Null), "/lineage", "missing_lineage");
    add("lineage without producer", without(artifact(), "/lineage/producer"), "/lineage/producer", "missing_field");
    add(
        "lineage without version",
        without(artifact(), "/lineage/producer_version"),
        "/lineage/producer_version",
        "missing_field",
    );
    add(
        "lineage without profile",
        without(artifact(), "/lineage/model_profile"),
        "/lineage/model_profile",
        "missing_field",
    );
    add(
        "lineage without config hash",
        without(artifact(), "/lineage/config_hash"),
        "/lineage/config_hash",
        "missing_field",
    );
    add(
        "lineage without input hash",
        without(artifact(), "/lineage/input_hash"),
        "/lineage/input_hash",
        "missing_field",
    );
    add("lineage without inputs", without(artifact(), "/lineage/inputs"), "/lineage/inputs", "missing_field");
    add(
        "lineage with an empty producer",
        with(artifact(), "/lineage/producer", json!("")),
        "/lineage/producer",
        "bad_lineage",
    );
    add(
        "lineage with a long version",
        with(artifact(), "/lineage/producer_version", json!("1".repeat(129))),
        "/lineage/producer_version",
        "bad_lineage",
    );
    add(
        "lineage with an unknown profile",
        with(artifact(), "/lineage/model_profile", json!("mighty")),
        "/lineage/model_profile",
        "unknown_value",
    );
    add(
        "lineage with an unknown field",
        with(artifact(), "/lineage/colour", json!(1)),
        "/lineage/colour",
        "unknown_field",
    );
    add(
        "lineage with a bad hash",
        with(artifact(), "/lineage/config_hash", json!("00")),
        "/lineage/config_hash",
        "wrong_type",
    );
    add("lineage with a bad input", with(artifact(), "/lineage/inputs", json!([1])), "/lineage/inputs", "wrong_type");
    add("a lineage that is a list", with(artifact(), "/lineage", json!([])), "/lineage", "wrong_type");
    let lineage = artifact()["lineage"].clone();
    add("a record with a lineage", with(good_event(), "/lineage", lineage), "/lineage", "unknown_field");
    add("an artifact with a record id", with(artifact(), "/record_id", json!("mine")), "/record_id", "unknown_field");
    add("an artifact about nothing", without(artifact(), "/asset_id"), "/asset_id", "missing_field");
    add("an asset id that is none", with(artifact(), "/asset_id", json!("ast_12")), "/asset_id", "wrong_type");
}

/// Blobs and spans.
fn parts(asset: AssetId, blob: &StoredBlob, add: Add<'_>) {
    let clip = || good_clip(blob);
    add("blob absent", with(clip(), "/blob/sha256", json!(Digest::of(b"never stored"))), "/blob/sha256", "blob_absent");
    add("blob of another size", with(clip(), "/blob/bytes", json!(blob.bytes + 1)), "/blob/bytes", "blob_mismatch");
    add("no blob", without(clip(), "/blob"), "/blob", "missing_field");
    add("a blob too many", with(good_event(), "/blob", clip()["blob"].clone()), "/blob", "unknown_field");
    add("blob without hash", without(clip(), "/blob/sha256"), "/blob/sha256", "missing_field");
    add("blob without size", without(clip(), "/blob/bytes"), "/blob/bytes", "missing_field");
    add("blob without media type", without(clip(), "/blob/media_type"), "/blob/media_type", "missing_field");
    add("blob with an unknown field", with(clip(), "/blob/colour", json!(1)), "/blob/colour", "unknown_field");
    add("blob of a negative size", with(clip(), "/blob/bytes", json!(-1)), "/blob/bytes", "wrong_type");
    add("an empty media type", with(clip(), "/blob/media_type", json!("")), "/blob/media_type", "bad_media_type");
    add(
        "a media type that is none",
        with(clip(), "/blob/media_type", json!("a picture")),
        "/blob/media_type",
        "bad_media_type",
    );
    add(
        "a long media type",
        with(clip(), "/blob/media_type", json!(format!("a/{}", "b".repeat(200)))),
        "/blob/media_type",
        "bad_media_type",
    );
    add("a span that ends before it starts", with(clip(), "/span_start_ms", json!(6)), "/span_start_ms", "bad_span");
    add("a span that starts below 0", with(clip(), "/span_start_ms", json!(-1)), "/span_start_ms", "bad_span");
    add("half a span", without(clip(), "/span_start_ms"), "/span_start_ms", "missing_field");
    add("the other half of a span", without(clip(), "/span_end_ms"), "/span_end_ms", "missing_field");
    add("a span with a fraction", with(clip(), "/span_end_ms", json!(5.5)), "/span_end_ms", "wrong_type");
    let mut spanless = clip();
    spanless.as_object_mut().expect("an object").remove("span_end_ms");
    add("no span", without(spanless, "/span_start_ms"), "/span_start_ms", "missing_field");
    let spanned = with(good_event(), "/span_start_ms", json!(0));
    let spanned: Json = serde_json::from_slice(&spanned).expect("a document");
    add("a span too many", with(spanned, "/span_end_ms", json!(1)), "/span_start_ms", "unknown_field");
    let artifact = good_observation(asset);
    let lone = with(artifact, "/span_end_ms", json!(9_007_199_254_740_992_i64));
    add("a span beyond 2^53", lone, "/span_end_ms", "integer_range");
}
