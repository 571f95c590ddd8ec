//! The OpenAPI document (version 3.1) of a list of routes.

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value as Json, json};

use crate::route::{Access, Answer, Content, Route, problem_schema};

/// What each path parameter is.
const PARAMETERS: &[(&str, &str)] = &[
    ("id", "An id, or any beginning of it that names only one"),
    ("name", "A name or an id"),
    ("other", "An id, or any beginning of it that names only one"),
    ("bucket", "A month, such as 2019-07"),
];

/// Statuses that any route can answer with, whatever it does.
const ANYWHERE: [u16; 6] = [400, 403, 421, 429, 500, 503];

/// Makes the document.
pub fn document(routes: &[Route], version: &str) -> Json {
    let mut out = settings().for_serialize().into_generator();
    let mut into = settings().for_deserialize().into_generator();
    let mut paths: Map<String, Json> = Map::new();
    for route in routes {
        let operation = operation(route, &mut out, &mut into);
        let methods = paths.entry(route.path).or_insert_with(|| json!({}));
        methods[route.method.as_str().to_ascii_lowercase()] = operation;
    }
    let mut schemas = into.take_definitions(true);
    schemas.append(&mut out.take_definitions(true));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Exhibit",
            "version": version,
            "description": "An evidence engine: originals untouched, facts with lineage, a ledger that tells any change.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "description": "A token of `exhibit tokens create`." },
                "login": { "type": "apiKey", "in": "cookie", "name": "exhibit", "description": "What a login link sets." },
            },
        },
    })
}

fn settings() -> SchemaSettings {
    SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    })
}

fn operation(route: &Route, out: &mut SchemaGenerator, into: &mut SchemaGenerator) -> Json {
    let mut operation = json!({
        "operationId": route.id,
        "summary": route.about,
        "tags": [route.path.split('/').nth(2).or_else(|| route.path.split('/').nth(1)).unwrap_or_default()],
        "security": match route.access {
            Access::Open => json!([]),
            Access::LoggedIn => json!([{ "token": [] }, { "login": [] }]),
            Access::Scope(scope) => json!([{ "token": [scope.as_str()] }, { "login": [scope.as_str()] }]),
        },
    });
    let mut parameters: Vec<Json> = route.parameters().map(path_parameter).collect();
    if let Some(query) = route.query {
        parameters.extend(query_parameters(query(into)));
    }
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if let Some(body) = route.body {
        operation["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": body(into) } } });
    }
    if route.lines {
        let lines = json!({ "type": "string", "description": "JSON documents, one a line" });
        operation["requestBody"] =
            json!({ "required": true, "content": { "application/x-ndjson": { "schema": lines } } });
    }
    if !route.takes.is_empty() {
        operation["requestBody"] = json!({ "required": true, "content": any_of(route.takes) });
    }
    let mut responses: Map<String, Json> = Map::new();
    for (status, answer) in &route.answers {
        responses.insert(status.to_string(), response(answer, out));
    }
    let (problem, media_type) = match route.problem {
        Some(problem) => (problem(out), "application/json"),
        None => (problem_schema(out), "application/problem+json"),
    };
    for status in route.problems.iter().chain(&ANYWHERE) {
        let about = axum::http::StatusCode::from_u16(*status).ok().and_then(|status| status.canonical_reason());
        responses.entry(status.to_string()).or_insert_with(|| {
            let mut content = any_of(route.tells);
            content.insert(media_type.to_owned(), json!({ "schema": problem }));
            json!({ "description": about.unwrap_or("Problem"), "content": content })
        });
    }
    operation["responses"] = responses.into();
    operation
}

fn response(answer: &Answer, out: &mut SchemaGenerator) -> Json {
    match answer.content {
        Content::Empty => json!({ "description": answer.about }),
        Content::Json(schema) => {
            json!({ "description": answer.about, "content": { "application/json": { "schema": schema(out) } } })
        }
        Content::Bytes(media_type) => json!({ "description": answer.about, "content": { media_type: {} } }),
        Content::InKind(media_types) => json!({ "description": answer.about, "content": any_of(media_types) }),
    }
}

/// Bytes of any of these media types.
fn any_of(media_types: &[&str]) -> Map<String, Json> {
    media_types.iter().map(|media_type| ((*media_type).to_owned(), json!({}))).collect()
}

fn path_parameter(name: &'static str) -> Json {
    let about = PARAMETERS.iter().find(|(known, _)| *known == name).map_or("", |(_, about)| about);
    json!({
        "name": name, "in": "path", "required": true, "description": about,
        "schema": { "type": "string", "minLength": 1, "maxLength": 256 },
    })
}

/// Each property of the object is a parameter.
fn query_parameters(schema: Schema) -> Vec<Json> {
    let schema = schema.to_value();
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
    let properties = schema["properties"].as_object().cloned().unwrap_or_default();
    let parameter = |(name, mut schema): (String, Json)| {
        let about = schema.as_object_mut().and_then(|schema| schema.remove("description")).unwrap_or_default();
        // What may be left out is left out; it is never `null`.
        if let Some(types) = schema["type"].as_array().cloned() {
            let plain: Vec<_> = types.into_iter().filter(|kind| kind != "null").collect();
            schema["type"] = if plain.len() == 1 { plain[0].clone() } else { plain.into() };
        }
        json!({ "name": name, "in": "query", "required": required.contains(&name.as_str()), "description": about, "schema": schema })
    };
    properties.into_iter().map(parameter).collect()
}
