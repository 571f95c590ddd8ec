//! What the rooms promise, through the server: runs that outlive it, media that run nothing.

use rustix::process::Signal;
use serde_json::json;

use super::{Served, token};
use crate::world::{Backend, PATIENCE, World, items, text};

both_backends! {
    a_run_goes_on_with_the_next_start,
}

/// Ended in order, then killed: both times the next server goes on with what the last one was given, and nothing is done twice.
fn a_run_goes_on_with_the_next_start(backend: Backend) {
    const FILES: usize = 60;
    let world = World::new(backend);
    world.archive_of_small_files(FILES);
    let good = token(&world, "read,control");
    let served = Served::new(&world);
    let asked = json!({ "pipeline": "noop", "set": ["noop.sleep_ms=100"] });
    let made = served.post("/v1/runs", &good, &asked);
    assert_eq!(made.status, 201, "{made:?}");
    let run = text(&made.json()["run"]);
    world.wait_for_run(&run, "begun", |status| status.count("done") > 0);
    served.running.signal(Signal::TERM);
    assert!(served.running.ends_within(PATIENCE));
    assert_eq!(served.running.wait().code, 0);
    let status = world.run_status(&run);
    assert!(status.ended() < status.scope, "it was ended midway: {status:?}");
    assert_eq!((status.state.as_str(), status.count("leased")), ("queued", 0), "it waits, and can be gone on with");
    let before = status.count("done");
    let served = Served::new(&world);
    world.wait_for_run(&run, "going on", |status| status.count("done") > before);
    served.running.kill();
    let served = Served::new(&world);
    let status = world.wait_for_run(&run, "completed", |status| status.state == "completed");
    assert_eq!(status.count("done"), i64::try_from(FILES).expect("few"), "{status:?}");
    assert_eq!(world.artifacts(&run).len(), FILES, "each once");
    assert_eq!(served.get("/v1/status", &good).json()["runs_open"], 0);
    drop(served);
    world.verify_clean();
}

/// Whatever lies in an archive: a browser that is led to it runs nothing of it, and takes it for nothing else than it is.
#[test]
fn served_media_cannot_run_script() {
    let world = World::new(Backend::Sqlite);
    let folder = world.archive();
    std::fs::create_dir_all(&folder).expect("a folder");
    let script = "<script>fetch('/v1/me')</script>";
    let svg = format!("<svg xmlns=\"http://www.w3.org/2000/svg\">{script}</svg>");
    let mut picture = b"\x89PNG\r\n\x1a\n".to_vec();
    picture.extend(script.as_bytes());
    for (name, bytes) in
        [("a.svg", svg.as_bytes()), ("a.html", script.as_bytes()), ("a.png", &picture), ("a.xml", svg.as_bytes())]
    {
        std::fs::write(folder.join(name), bytes).expect("a file");
    }
    world.scan();
    let good = token(&world, "read");
    let served = Served::new(&world);
    let assets = items(served.get("/v1/assets", &good).json());
    assert!(assets.len() >= 3, "{assets:?}");
    for asset in &assets {
        let path = format!("/v1/assets/{}/original", text(&asset["asset_id"]));
        let answer = served.get(&path, &good);
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header("content-security-policy"), Some("default-src 'none'; sandbox"), "{asset}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"));
        let shown = answer.header("content-disposition").expect("a disposition").split(';').next() == Some("inline");
        assert_eq!(shown, asset["media_type"] == "image/png", "{asset}: {answer:?}");
        assert!(!answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html")), "{answer:?}");
    }
}
