//! A client that tries everything the document of the API allows, and much that it does not: no answer is our failure, and each is in
//! the document.

use std::path::Path;
use std::process::{Command, Stdio};

use super::{Served, token};
use crate::world::{Backend, World, items, text};

both_backends! {
    every_answer_to_a_hostile_client_is_in_the_document,
}

/// What it is told about the world.
const CONFIG: &str = include_str!("schemathesis.toml");
/// How much of a failure is printed.
const REPORT_CHARS_MAX: usize = 12_000;

fn every_answer_to_a_hostile_client_is_in_the_document(backend: Backend) {
    let world = World::new(backend);
    world.sample(6, 0);
    // Files that cannot be read belong to the sample.
    let run = text(&world.json(&["run", "basics"])["run"]);
    let asset = items(world.json(&["ls", "has:image.thumbnail", "--limit", "1"])).remove(0);
    let artifact =
        items(world.json(&["run", "show", &run, "--artifacts", "image.thumbnail", "--limit", "1"])).remove(0);
    let token = token(&world, "read,ingest,control,admin");
    let served = Served::new(&world);
    let config = CONFIG
        .replace("TOKEN", &token)
        .replace("ASSET", &text(&asset["asset_id"]))
        .replace("RUN", &run)
        .replace("ARTIFACT", &text(&artifact["artifact_id"]));
    let file = world.path().join("schemathesis.toml");
    std::fs::write(&file, config).expect("a file");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder");
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/schemathesis"));
    command.args(["run", "--config-file", &file.display().to_string(), "run", "--no-color"]);
    command.arg(format!("http://{}/openapi.json", served.host)).stdin(Stdio::null());
    command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C.UTF-8").env("HOME", world.path());
    command.env("CARGO_TARGET_DIR", target).env("SCHEMATHESIS_FOLDER", world.path());
    let output = command.output().expect("scripts/schemathesis starts");
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    let cut: String = said.chars().take(REPORT_CHARS_MAX).collect();
    assert!(output.status.success(), "the hostile client found something:\n{cut}");
    // A run that tried nothing would find nothing. Both streams of events and the batch of lines are left out, and schemathesis leaves
    // out the document itself.
    let document = served.ask("GET", "/openapi.json", &[], "").json();
    let paths = document["paths"].as_object().expect("paths").values();
    let routes: usize = paths.map(|methods| methods.as_object().map_or(0, serde_json::Map::len)).sum();
    assert!(said.contains(&format!("Tested: {}\n", routes - 4)), "not every route was tried:\n{cut}");
    assert_eq!(served.ask("GET", "/readyz", &[], "").status, 200);
    world.verify_clean();
}
