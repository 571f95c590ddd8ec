//! The parameters of a plug-in: a JSON Schema in which every parameter has a default that the schema itself accepts.

use exhibit_model::json::{JsonLimits, parse_strict};
use jsonschema::PatternOptions;
use serde_json::{Map, Value as Json};

/// Bytes of the file; it is printed by `exhibit extractors`.
const SCHEMA_BYTES_MAX: usize = 64 * 1024;

/// Parameters of one extractor.
const PARAMS_MAX: usize = 64;

/// The schema of an extractor without parameters.
pub(super) const NO_PARAMS: &str = r#"{"type":"object","additionalProperties":false,"properties":{}}"#;

/// Checks the text of a schema. The error says what is wrong and where.
pub(super) fn check(text: &str) -> Result<(), String> {
    let schema = parse_strict(text.as_bytes(), &JsonLimits::of_bytes(SCHEMA_BYTES_MAX))
        .map_err(|findings| findings.to_string())?;
    if schema["type"] != "object" {
        return Err("/type: it is `object`".to_owned());
    }
    if schema["additionalProperties"] != false {
        return Err("/additionalProperties: it is `false`, so that a misspelt parameter is told".to_owned());
    }
    let properties = schema["properties"].as_object().ok_or("/properties: it names the parameters")?;
    if properties.len() > PARAMS_MAX {
        return Err(format!("/properties: there are at most {PARAMS_MAX} parameters"));
    }
    let mut defaults = Map::new();
    for (name, property) in properties {
        let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if !plain || !(1..=64).contains(&name.len()) {
            return Err(format!("/properties/{name}: a parameter is named by 1 to 64 of a-z, 0-9 and _"));
        }
        let default = property.get("default").ok_or_else(|| format!("/properties/{name}: it has no `default`"))?;
        defaults.insert(name.clone(), default.clone());
    }
    refuse_outside_references(&schema)?;
    // As for kinds: no pattern takes longer than its text is long.
    let options = jsonschema::draft202012::options().with_pattern_options(PatternOptions::regex());
    let validator = options.build(&schema).map_err(|error| format!("{}: {error}", error.schema_path()))?;
    match validator.iter_errors(&Json::Object(defaults)).next() {
        Some(error) => Err(format!("/properties{}: its default does not fit: {error}", error.instance_path())),
        None => Ok(()),
    }
}

/// Nothing is fetched, and nothing is read from elsewhere. The depth of the value is bounded by its parser.
fn refuse_outside_references(value: &Json) -> Result<(), String> {
    match value {
        Json::Object(members) => members.iter().try_for_each(|(name, member)| match member {
            Json::String(target) if name.starts_with('$') && name.ends_with("ef") && !target.starts_with('#') => {
                Err(format!("{name} is {target}; only references within the schema (`#...`) are allowed"))
            }
            _ => refuse_outside_references(member),
        }),
        Json::Array(items) => items.iter().try_for_each(refuse_outside_references),
        _ => Ok(()),
    }
}
