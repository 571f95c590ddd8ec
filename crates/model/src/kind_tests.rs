//! Tests of kind declarations and of their projection.

use serde_json::json;

use super::*;

fn sample() -> Value {
    json!({
        "kind": "media.metadata", "version": 1, "title": "Metadata", "subject": "artifact", "retention": "kept",
        "blob": "none", "span": "optional",
        "schema": {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}, "$ref": {"type": "string"}}, "$defs": {"a": {}}},
        "projection": {
            "columns": [
                {"name": "width", "type": "int", "pointer": "/size/0"},
                {"name": "ratio", "type": "real", "pointer": "/ratio"},
                {"name": "camera", "type": "text", "pointer": "/a~1b/~0"},
                {"name": "flash", "type": "bool", "pointer": "/flash"},
                {"name": "taken_at", "type": "timestamp", "pointer": "/taken_at"}
            ],
            "indexes": [["taken_at"], ["camera", "span_start_ms"]]
        }
    })
}

fn parse(value: &Value) -> Result<KindDeclaration, Findings> {
    KindDeclaration::parse(&serde_json::to_vec(value).unwrap())
}

/// The sample with one place changed must be refused with exactly these findings.
#[track_caller]
fn refused(pointer: &str, replacement: Value, expected: &[(&str, &str)]) {
    let mut value = sample();
    *value.pointer_mut(pointer).expect("a place of the sample") = replacement;
    let findings = parse(&value).expect_err("the declaration must be refused");
    let found: Vec<_> = findings.iter().map(|finding| (finding.pointer.as_str(), finding.code)).collect();
    assert_eq!(found, expected, "{findings}");
}

#[test]
fn names_follow_the_grammar_and_give_distinct_tables() {
    for good in ["a", "noop", "media.metadata", "a.b.c", "a1.b_2", &"a".repeat(40)] {
        assert_eq!(good.parse::<KindName>().unwrap().as_str(), good);
    }
    for bad in ["", ".", "a.", ".a", "a..b", "A", "1a", "_a", "a-b", "a b", "ä", "a__b", "a_.b", "a_", &"a".repeat(41)]
    {
        assert!(bad.parse::<KindName>().is_err(), "{bad}");
    }
    let name: KindName = "media.metadata".parse().unwrap();
    assert_eq!(name.table_name(3), "proj_media__metadata_v3");
    let dotted = ["a"; 20].join(".");
    assert!(dotted.parse::<KindName>().is_err(), "its table name would be cut by PostgreSQL");
}

#[test]
fn reads_a_declaration() {
    let declaration = parse(&sample()).unwrap();
    assert_eq!(declaration.kind.as_str(), "media.metadata");
    assert_eq!(declaration.table_name(), "proj_media__metadata_v1");
    assert_eq!((declaration.subject, declaration.retention), (Subject::Artifact, Retention::Kept));
    assert_eq!((declaration.blob, declaration.span), (Presence::None, Presence::Optional));
    assert_eq!(declaration.columns.len(), 5);
    assert_eq!(declaration.indexes, [vec!["taken_at"], vec!["camera", "span_start_ms"]]);
    assert_eq!(declaration.digest, Digest::of(&to_canonical(&sample()).unwrap()));
    let spaced = serde_json::to_vec_pretty(&sample()).unwrap();
    assert_eq!(KindDeclaration::parse(&spaced).unwrap(), declaration);
}

#[test]
fn presence_admits() {
    assert!(Presence::None.admits(false) && !Presence::None.admits(true));
    assert!(Presence::Optional.admits(false) && Presence::Optional.admits(true));
    assert!(!Presence::Required.admits(false) && Presence::Required.admits(true));
}

#[test]
fn refuses_unknown_and_missing_members() {
    let whole = [("", "bad_declaration")];
    for (pointer, replacement) in [
        ("/kind", json!("Media")),
        ("/version", json!(-1)),
        ("/subject", json!("asset")),
        ("/retention", json!("forever")),
        ("/blob", json!("maybe")),
        ("/projection", json!({"columns": [], "unknown": 1})),
        ("/projection/columns/0", json!({"name": "a", "type": "int"})),
        ("/projection/columns/0/type", json!("float")),
        ("", json!([])),
    ] {
        refused(pointer, replacement, &whole);
    }
    let mut value = sample();
    value["unknown"] = json!(1);
    assert_eq!(parse(&value).unwrap_err(), parse(&value).unwrap_err());
    assert!(parse(&value).unwrap_err().to_string().contains("unknown field `unknown`"));
    assert_eq!(KindDeclaration::parse(b"{\"a\":1,\"a\":2}").unwrap_err().iter().next().unwrap().code, "duplicate_key");
    let large = vec![b' '; KIND_FILE_BYTES_MAX + 1];
    assert_eq!(KindDeclaration::parse(&large).unwrap_err().iter().next().unwrap().code, "too_large");
}

#[test]
fn refuses_what_the_store_could_not_keep() {
    refused("/version", json!(0), &[("/version", "bad_declaration")]);
    refused("/title", json!(" "), &[("/title", "bad_declaration")]);
    refused("/retention", json!("personal"), &[("/retention", "unsupported_retention")]);
    refused("/schema", json!(true), &[("/schema", "bad_declaration")]);
    refused("/projection/columns/1/name", json!("Ratio"), &[("/projection/columns/1/name", "bad_column")]);
    refused("/projection/columns/1/name", json!("r".repeat(41)), &[("/projection/columns/1/name", "bad_column")]);
    refused("/projection/columns/1/name", json!("seq"), &[("/projection/columns/1/name", "reserved_column")]);
    refused("/projection/columns/1/name", json!("width"), &[("/projection/columns/1/name", "duplicate_column")]);
    for pointer in ["", "ratio", "/a~2", "/a~", "#/a"] {
        refused("/projection/columns/1/pointer", json!(pointer), &[("/projection/columns/1/pointer", "bad_column")]);
    }
    refused("/projection/indexes/0", json!([]), &[("/projection/indexes/0", "bad_index")]);
    refused("/projection/indexes/0", json!(["nothing"]), &[("/projection/indexes/0/0", "bad_index")]);
    refused("/projection/indexes/0", json!(["flash", "flash"]), &[("/projection/indexes/0/1", "bad_index")]);
    refused("/projection/indexes/1", json!(["taken_at"]), &[("/projection/indexes/1", "bad_index")]);
    refused("/projection/indexes", json!(vec![["flash"]; 9]), &[("/projection/indexes", "too_many_indexes")]);
    let column = |index: usize| json!({"name": format!("c{index}"), "type": "int", "pointer": "/a"});
    let mut value = sample();
    value["projection"] = json!({"columns": (0..64).map(column).collect::<Vec<_>>()});
    assert_eq!(parse(&value).unwrap().columns.len(), 64);
    value["projection"] = json!({"columns": (0..65).map(column).collect::<Vec<_>>()});
    assert_eq!(parse(&value).unwrap_err().iter().next().unwrap().code, "too_many_columns");
}

#[test]
fn refuses_references_to_elsewhere() {
    for target in ["https://example.com/schema.json", "other.json#/a", "urn:x", ""] {
        let schema = json!({"allOf": [{"properties": {"x/y": {"$ref": target}}}], "$ref": "#"});
        refused("/schema", schema, &[("/schema/allOf/0/properties/x~1y/$ref", "remote_ref")]);
    }
    refused("/schema/$defs/a", json!({"$dynamicRef": "x"}), &[("/schema/$defs/a/$dynamicRef", "remote_ref")]);
}

#[test]
fn projects_what_is_there_and_null_for_the_rest() {
    let declaration = parse(&sample()).unwrap();
    let payload = json!({"size": [640, 480], "ratio": 2, "a/b": {"~": "X\0Y"}, "flash": true, "taken_at": "2024-02-29T12:00:00.5+01:00"});
    let cells = [
        Cell::Int(640),
        Cell::Real(2.0),
        Cell::Text("X\u{FFFD}Y".to_owned()),
        Cell::Bool(true),
        Cell::Timestamp(1_709_204_400_500_000),
    ];
    assert_eq!(declaration.project(&payload), cells);
    let nulls = vec![Cell::Null; 5];
    assert_eq!(declaration.project(&json!({})), nulls);
    assert_eq!(declaration.project(&json!(null)), nulls);
    let wrong = json!({"size": {"00": 1}, "ratio": "2", "a/b": {"~": 5}, "flash": 1, "taken_at": "yesterday"});
    assert_eq!(declaration.project(&wrong), nulls);
    let floats = json!({"size": [640.0]});
    assert_eq!(declaration.project(&floats)[0], Cell::Int(640));
    assert_eq!(declaration.project(&json!({"size": [640.5]}))[0], Cell::Null);
}
