//! Steps over a whole collection: duplicates and look-alikes.

use serde_json::Value;

use crate::world::{Backend, World, items, text};

both_backends! {
    duplicates_and_lookalikes_of_a_collection_are_found,
    a_step_over_the_collection_waits_and_is_not_done_twice,
}

fn run_tool(program: &str, arguments: &[&str]) {
    let output = std::process::Command::new(program).args(arguments).output().expect(program);
    assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
}

/// Three pictures of one scene, one of another, one that lies twice, one without contrast that lies twice in shades.
fn pictures(world: &World) {
    let folder = world.archive();
    std::fs::create_dir_all(&folder).expect("a folder");
    let at = |name: &str| folder.join(name).display().to_string();
    let draw = |name: &str, source: &str| {
        run_tool("ffmpeg", &["-loglevel", "error", "-f", "lavfi", "-i", source, "-frames:v", "1", &at(name)]);
    };
    draw("scene.png", "testsrc2=size=640x480");
    run_tool("ffmpeg", &["-loglevel", "error", "-i", &at("scene.png"), "-vf", "scale=320:240", &at("small.jpg")]);
    run_tool("ffmpeg", &["-loglevel", "error", "-i", &at("scene.png"), "-q:v", "12", &at("coarse.jpg")]);
    draw("other.png", "mandelbrot=size=640x480");
    std::fs::copy(at("other.png"), at("copy.png")).expect("a copy");
    draw("grey.png", "color=c=0x808080:size=320x240");
    draw("gray.png", "color=c=0x818181:size=320x240");
    world.scan();
}

fn asset(world: &World, path: &str) -> String {
    let found = items(world.json(&["ls"])).into_iter().find(|item| item["path"] == path);
    text(&found.unwrap_or_else(|| panic!("no {path}"))["asset_id"])
}

fn duplicates(world: &World, path: &str) -> Vec<Value> {
    let shown = world.json(&["show", &asset(world, path)]);
    let facts = shown["facts"].as_array().expect("facts").iter();
    facts.filter(|fact| fact["kind"] == "asset.duplicate").map(|fact| fact["payload"].clone()).collect()
}

fn duplicates_and_lookalikes_of_a_collection_are_found(backend: Backend) {
    let world = World::new(backend);
    pictures(&world);
    let status = world.json(&["run", "similar"]);
    assert_eq!((&status["state"], &status["scope"]), (&"completed".into(), &7.into()), "{status}");
    let group = |path: &str| duplicates(&world, path).first().map(|found| text(&found["group"]));
    let scene = group("scene.png").expect("a look-alike");
    assert_eq!((group("small.jpg"), group("coarse.jpg")), (Some(scene.clone()), Some(scene.clone())));
    let members = ["scene.png", "small.jpg", "coarse.jpg"].map(|path| asset(&world, path));
    assert_eq!(Some(&scene), members.iter().min(), "the smallest id stands for the group");
    // The other lies at two paths; it is the first of them that a listing names.
    let path =
        if items(world.json(&["ls"])).iter().any(|item| item["path"] == "copy.png") { "copy.png" } else { "other.png" };
    assert_eq!(duplicates(&world, path), vec![serde_json::json!({"method": "exact", "copies": 2})]);
    assert_eq!(
        (duplicates(&world, "grey.png").len(), duplicates(&world, "gray.png").len()),
        (0, 0),
        "hashes without contrast are noise"
    );
    let run = text(&status["run"]);
    let found = world.artifacts(&run).into_iter().find(|artifact| artifact["kind"] == "asset.duplicate");
    let id = text(&found.expect("a duplicate")["artifact_id"]);
    let explained = world.json(&["explain", &id]);
    assert_eq!((&explained["proof_holds"], &explained["problems"]), (&true.into(), &serde_json::json!([])));
    assert_eq!(explained["artifact"]["inputs"].as_array().map(Vec::len), Some(1));
    let refused = world.exhibit(&["replay", &id]);
    assert!(refused.code == 1 && refused.stderr.contains("made from a whole collection"), "{refused:?}");
    world.ok(&["export", "--to", "export", "--what", "facts"]);
    let exported = std::fs::read_to_string(world.path().join("export/facts.jsonl")).expect("facts");
    assert_eq!(exported.lines().filter(|line| line.contains("\"asset.duplicate\"")).count(), 4);
    let listed = items(world.json(&["ls", "has:asset.duplicate"]));
    assert_eq!(listed.len(), 4, "{listed:?}");
    world.verify_clean();
}

fn a_step_over_the_collection_waits_and_is_not_done_twice(backend: Backend) {
    let world = World::new(backend);
    pictures(&world);
    let first = world.json(&["run", "similar", "--workers", "2"]);
    assert_eq!((&first["units"]["done"], &first["units"]["reused"]), (&7.into(), &Value::Null));
    let second = world.json(&["run", "similar"]);
    assert_eq!((&second["units"]["reused"], &second["scope"]), (&7.into(), &7.into()), "{second}");
    // Other parameters make it anew, from the same hashes.
    let strict = world.json(&["run", "similar", "--set", "duplicates.distance_max=0"]);
    assert_eq!((&strict["units"]["reused"], &strict["units"]["done"]), (&6.into(), &1.into()), "{strict}");
    // One more path changes what it is made from.
    std::fs::copy(world.archive().join("scene.png"), world.archive().join("again.png")).expect("a copy");
    world.scan();
    let third = world.json(&["run", "similar"]);
    assert_eq!((&third["units"]["reused"], &third["units"]["done"]), (&6.into(), &1.into()), "{third}");
    let refused = world.exhibit(&["run", "similar", "--set", "duplicates.distance_max=99"]);
    assert!(refused.code == 2 && refused.stderr.contains("/step/1/params/distance_max"), "{refused:?}");
    world.verify_clean();
}
