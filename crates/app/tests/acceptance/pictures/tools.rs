//! Tools that are not installed: what does not need them goes on.

use std::path::Path;
use std::process::Command;

use super::{Outcomes, SIZE, run, write_ppm};
use crate::world::{Backend, World};

/// A host on which programs are hidden: a mount namespace of its own in which they are covered by a device. Fails where this user may make
/// none, as every test that mounts does.
fn without_programs(world: &World, programs: &[&str], arguments: &[&str]) -> std::process::Output {
    let cover: Vec<String> = programs.iter().map(|name| format!("mount --bind /dev/null /usr/bin/{name}")).collect();
    let script = format!("{} && exec \"$@\"", cover.join(" && "));
    // Root needs no namespace of users, which some machines do not give.
    let is_root = rustix::process::geteuid().is_root();
    let own: &[&str] = if is_root { &["--mount"] } else { &["--mount", "--map-root-user", "--user"] };
    let command = world.command(arguments);
    let mut isolated = Command::new("unshare");
    isolated.args(own).args(["sh", "-c", &script, "sh"]).arg(command.get_program()).args(command.get_args());
    isolated.env_clear().current_dir(world.path());
    for (name, value) in command.get_envs() {
        isolated.envs(value.map(|value| (name.to_owned(), value.to_owned())));
    }
    let possible = Command::new("unshare").args(own).args(["mount", "--bind", "/dev/null", "/usr/bin/ffmpeg"]).output();
    let possible = possible.expect("unshare (Debian: package util-linux)");
    assert!(possible.status.success(), "this test needs root or user namespaces: {possible:?}");
    isolated.output().expect("unshare starts")
}

/// A host without ffmpeg and libheif does photos all the same; once they are installed, a retry does the rest.
#[test]
fn ar_17_a_host_without_tools_does_what_it_can() {
    let world = World::new(Backend::Sqlite);
    std::fs::create_dir(world.archive()).expect("a folder");
    write_originals(&world.archive());
    world.scan();
    let output = without_programs(&world, &["ffmpeg", "ffprobe", "heif-convert"], &["run", "basics"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let outcomes = Outcomes::look(&world);
    assert!(outcomes.at("a.jpg").0.is_empty() && outcomes.at("a.jpg").2.len() == 3, "{:?}", outcomes.at("a.jpg"));
    for (name, package) in [("a.heic", "libheif-examples"), ("a.mkv", "ffmpeg")] {
        let (reason, detail, _) = outcomes.at(name);
        assert_eq!(reason, "tool-missing", "{name}: {detail}");
        assert!(detail.contains(&format!("apt-get install {package}")), "{name}: {detail}");
    }
    let retried = world.exhibit(&["retry", "latest"]);
    assert!(matches!(retried.code, 0 | 3), "{retried:?}");
    let outcomes = Outcomes::look(&world);
    assert_eq!(outcomes.thumbnail("a.heic")["payload"]["method"], "heif-convert");
    assert!(outcomes.at("a.mkv").2.iter().any(|fact| fact["kind"] == "video.keyframe"), "{:?}", outcomes.at("a.mkv"));
    world.verify_clean();
}

fn write_originals(folder: &Path) {
    write_ppm(&folder.join("quarters.ppm"), SIZE);
    run(folder, "convert", &["quarters.ppm", "a.jpg"]);
    run(folder, "convert", &["quarters.ppm", "a.png"]);
    run(folder, "heif-enc", &["a.png", "-o", "a.heic"]);
    run(folder, "ffmpeg", &["-v", "error", "-f", "lavfi", "-i", "testsrc=duration=1", "-c:v", "ffv1", "a.mkv"]);
    for name in ["quarters.ppm", "a.png"] {
        std::fs::remove_file(folder.join(name)).expect("ours");
    }
}
