//! The red team on archives: it passes, changes nothing, and says what it could not attack.

use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::world::{Backend, Output, World, text};

/// The user `nobody` of every Linux.
const NOBODY: u32 = 65_534;

/// What a passed attack looks like. Returns the document.
#[track_caller]
fn passes(output: &Output) -> Value {
    assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{output:#?}");
    let report = output.json();
    let attempts = report["attempts"].as_array().expect("attempts");
    assert!(attempts.len() > 150, "{report}");
    for attempt in attempts {
        // Kernels before Landlock ABI 6 cannot scope signals.
        let is_signal = text(&attempt["name"]).starts_with("signal ") && attempt["result"] == "not-promised";
        assert!(matches!(attempt["result"].as_str(), Some("refused" | "ended")) || is_signal, "{attempt}");
    }
    assert_eq!((&report["passed"], &report["identical"]), (&true.into(), &true.into()));
    assert_eq!(report["fingerprint_before"], report["fingerprint_after"]);
    report
}

/// AR-01, AR-14: on an archive with everything that is odd, which was scanned and run over before.
#[test]
fn ar_14_the_red_team_passes_and_the_archive_stays_as_it_is() {
    let world = World::new(Backend::Sqlite);
    let archive = world.sample(6, 1).display().to_string();
    let fingerprint = || {
        let output = world.exhibit(&["fingerprint", &archive]);
        assert!(matches!(output.code, 0 | 3), "{output:?}");
        output.stdout
    };
    let before = fingerprint();
    assert!(matches!(world.exhibit(&["run", "basics"]).code, 0 | 3));
    let report = passes(&world.exhibit(&["redteam", &archive, "--json"]));
    assert!(text(&report["original"]).starts_with(&archive), "{report}");
    assert_eq!(text(&report["fingerprint_after"]), before.trim());
    assert_eq!(fingerprint(), before);
    assert_eq!(world.scratch(), Vec::<PathBuf>::new(), "nothing of the ground is left");

    let shown = world.ok(&["redteam", &archive]);
    let (table, summary) = shown.split_once("\n\n").expect("a table and a summary");
    assert!(table.lines().skip(1).all(|line| line.contains("  refused  ") || line.contains("  possible  ")), "{table}");
    assert!(summary.contains(&format!("identical before and after: {archive}")), "{summary}");
    assert!(summary.lines().last().is_some_and(|line| line.starts_with("passed: ")), "{summary}");
    world.verify_clean();
}

/// AR-14: a user without rights, in an archive that is theirs, and in one that is not.
#[test]
fn ar_14_the_red_team_passes_for_an_ordinary_user() {
    let world = World::new(Backend::Sqlite);
    let archive = world.archive();
    world.write_small_files(4);
    let exe = world.path().join("exhibit");
    let built = Path::new(env!("CARGO_BIN_EXE_exhibit"));
    std::fs::hard_link(built, &exe).or_else(|_| std::fs::copy(built, &exe).map(drop)).expect("the program");
    let am_root = rustix::process::geteuid().is_root();
    let attack = || {
        let plain = world.command(&["redteam", &archive.display().to_string(), "--json"]);
        let mut command = Command::new(&exe);
        command
            .env_clear()
            .envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .args(plain.get_args());
        if am_root {
            command.uid(NOBODY).gid(NOBODY);
        }
        Output::new(command.current_dir(world.path()).output().expect("the program starts"))
    };
    if am_root {
        std::fs::set_permissions(world.path(), PermissionsExt::from_mode(0o755)).expect("a mode");
        std::fs::create_dir(world.home()).expect("a home");
        chown(world.home(), Some(NOBODY), Some(NOBODY)).expect("an owner");
        let report = passes(&attack());
        let note = text(&report["notes"][0]);
        assert!(note.starts_with("no file and folder here belong to this user"), "{report}");
        for path in [archive.clone()].into_iter().chain(entries(&archive)) {
            chown(path, Some(NOBODY), Some(NOBODY)).expect("an owner");
        }
    }
    let report = passes(&attack());
    assert_eq!(report["notes"], serde_json::json!([]), "{report}");
    assert!(text(&report["original"]).starts_with(&archive.display().to_string()), "{report}");
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    paths.flat_map(|path| if path.is_dir() { [entries(&path), vec![path]].concat() } else { vec![path] }).collect()
}

/// Each way to name no archive has its answer.
#[test]
fn redteam_says_what_it_cannot_attack() {
    let world = World::new(Backend::Sqlite);
    std::fs::write(world.path().join("file.txt"), "a file").expect("a file");
    std::os::unix::fs::symlink("file.txt", world.path().join("link")).expect("a link");
    let not_a_folder = "it is not a folder; name the folder that holds the file";
    for (root, message) in [
        (
            "nowhere",
            "cannot attack nowhere: there is no such folder; check the path, or whether the disk is mounted".to_owned(),
        ),
        ("file.txt", format!("cannot attack file.txt: {not_a_folder}")),
        ("link", format!("cannot attack link: {not_a_folder}")),
    ] {
        let output = world.exhibit(&["redteam", root]);
        assert_eq!((output.code, output.stderr), (2, format!("exhibit: {message}\n")), "{root}");
    }
    let around = world.exhibit(&["redteam", "."]);
    assert!(around.code == 2 && around.stderr.contains("lie in each other"), "{around:?}");
    assert!(!world.home().exists(), "nothing was made");

    // A folder with nothing but a link out of it: the folder itself is attacked, the rest goes to decoys.
    std::fs::create_dir(world.archive()).expect("a folder");
    std::os::unix::fs::symlink("/etc/passwd", world.archive().join("way out")).expect("a link");
    let report = passes(&world.exhibit(&["redteam", "archive", "--json"]));
    assert_eq!(report["original"], Value::Null);
    assert_eq!(report["notes"][0], "there is no file here; what needs one was tried on decoys");
}
