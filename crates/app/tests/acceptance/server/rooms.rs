//! What the rooms promise, through the server: media run nothing.

use super::{Served, token};
use crate::world::{Backend, World, items, text};

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
