//! The sample archive in all formats, and where one is made.

use std::path::Path;

use super::everything_below;
use super::truth::what_is_said_is_true;
use crate::world::{Backend, World};

both_backends! {
    ar_27_a_sample_is_never_made_in_a_source_or_in_the_home,
}

/// Drill F and AR-17: every format of the sample, companions, and corrupt and hostile files end as `truth.json` says: done, skipped or
/// failed with a reason, never with a crash.
#[test]
fn ar_11_drill_f_every_format_and_every_hostile_file_ends_as_the_truth_says() {
    let world = World::new(Backend::Sqlite);
    world.ok(&["sample", "archive", "--photos", "48", "--videos", "16", "--formats", "all"]);
    let before = world.ok(&["fingerprint", "archive"]);
    world.scan();
    let basics = world.exhibit(&["run", "basics", "--json"]);
    assert_eq!(basics.code, 3, "the sample has broken files: {basics:#?}");
    what_is_said_is_true(&world);
    assert_eq!(world.ok(&["fingerprint", "archive"]), before, "hostile files change nothing");
}

/// AR-27: neither in a known source nor in the home, links resolved, and nothing is made before that is known.
fn ar_27_a_sample_is_never_made_in_a_source_or_in_the_home(backend: Backend) {
    let world = World::new(backend);
    world.archive_of_small_files(4);
    std::os::unix::fs::symlink("archive", world.path().join("link")).expect("a link");
    let before = everything_below(&world.archive());
    let top = world.path().canonicalize().expect("a folder");
    let refused = |dir: &str, named: &str, other: &str| {
        let output = world.exhibit(&["sample", dir, "--photos", "1", "--videos", "0"]);
        assert_eq!(output.code, 2, "{dir}: {output:#?}");
        let (named, other) = (top.join(named).display().to_string(), top.join(other).display().to_string());
        assert!(output.stderr.starts_with(&format!("exhibit: {named} and ")), "{dir}: {}", output.stderr);
        assert!(
            output.stderr.contains(&other) && output.stderr.contains("lie in each other"),
            "{dir}: {}",
            output.stderr
        );
    };
    refused("archive/new", "archive/new", "archive");
    refused("link/deep/new", "archive/deep/new", "archive");
    refused("nowhere/../archive", "archive", "archive");
    refused("home/new", "home/new", "home");
    refused("home/blobs/new", "home/blobs/new", "home");
    assert_eq!(everything_below(&world.archive()), before, "nothing was made");
    // A home that is not there yet is not made for this.
    let output = world.exhibit(&["--home", "fresh", "sample", "fresh/new", "--photos", "1", "--videos", "0"]);
    assert_eq!(output.code, 2, "{output:#?}");
    assert!(!world.path().join("fresh").exists());
    world.ok(&["sample", "beside", "--photos", "1", "--videos", "0"]);
    assert!(world.path().join("beside/truth.json").exists());
}

#[test]
fn a_missing_tool_is_named_with_its_package_before_anything_is_made() {
    let world = World::new(Backend::Sqlite);
    let tools = world.path().join("tools");
    std::fs::create_dir(&tools).expect("a folder");
    let refused = |arguments: &[&str], package: &str| {
        let output = world.command(&[&["sample", "new"], arguments].concat()).env("PATH", &tools).output();
        let output = output.expect("the program starts");
        let stderr = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(
            stderr.contains(&format!("apt-get install {package}`")) && stderr.contains("--formats common"),
            "{stderr}"
        );
        assert!(!world.path().join("new").exists());
    };
    refused(&["--photos", "0", "--videos", "1"], "ffmpeg");
    refused(&["--photos", "1", "--videos", "0", "--formats", "all"], "libheif-examples");
    for program in ["ffmpeg", "heif-enc"] {
        std::os::unix::fs::symlink(Path::new("/usr/bin").join(program), tools.join(program)).expect("a link");
    }
    refused(&["--photos", "100", "--videos", "1"], "flite");
}
