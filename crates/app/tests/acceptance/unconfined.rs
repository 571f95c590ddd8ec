//! A kernel that cannot confine: refused everywhere, and loud where a person insists.
#![expect(unsafe_code, reason = "the kernel's Landlock is hidden from the program between fork and exec")]

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use crate::world::{Backend, Output, World, text};

both_backends! {
    unconfined_runs_are_refused_unless_asked_for_and_then_loud,
}

/// Hides Landlock from a command, as a container does: its first call answers that there is none.
fn hide_landlock(command: &mut Command) {
    const LOAD_WORD: u16 = 0x20;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    let step = |code, k, jt, jf| libc::sock_filter { code, jt, jf, k };
    let mut filter = [
        step(LOAD_WORD, 0, 0, 0),
        step(JUMP_IF_EQUAL, libc::SYS_landlock_create_ruleset as u32, 0, 1),
        step(RETURN, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32, 0, 0),
        step(RETURN, libc::SECCOMP_RET_ALLOW, 0, 0),
    ];
    let hide = move || {
        let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
        // SAFETY: the program points to four instructions that live until both calls have returned.
        let answers = unsafe {
            [
                libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
                libc::prctl(libc::PR_SET_SECCOMP, 2, &raw const program),
            ]
        };
        if answers == [0, 0] { Ok(()) } else { Err(std::io::Error::last_os_error()) }
    };
    // SAFETY: the closure makes two system calls and allocates nothing.
    unsafe { command.pre_exec(hide) };
}

fn without_landlock(world: &World, arguments: &[&str]) -> Output {
    let mut command = world.command(arguments);
    hide_landlock(&mut command);
    Output::new(command.output().expect("the program starts"))
}

#[track_caller]
fn is_loud(output: &Output) {
    let warnings: Vec<&str> = output.stderr.lines().filter(|line| line.starts_with("WARNING: ")).collect();
    assert_eq!(warnings.len(), 3, "{output:#?}");
    assert!(warnings[0].starts_with("WARNING: extractors run UNCONFINED: Landlock is not available"), "{output:#?}");
}

fn unconfined_runs_are_refused_unless_asked_for_and_then_loud(backend: Backend) {
    let world = World::new(backend);
    world.archive_of_small_files(20);
    for command in [&["run", "noop"] as &[&str], &["run", "basics", "--quiet"]] {
        let refused = without_landlock(&world, command);
        assert_eq!((refused.code, refused.stdout.as_str()), (1, ""), "{refused:#?}");
        assert!(
            refused.stderr.starts_with("exhibit: extractors cannot be confined here: Landlock is not"),
            "{refused:#?}"
        );
        assert!(refused.stderr.contains("--allow-unconfined"), "{refused:#?}");
    }
    assert_eq!(world.json(&["runs"])["items"], serde_json::json!([]), "no run was made");

    // Neither --quiet nor --json keep it quiet.
    let noop = ["run", "noop", "--set", "noop.fail_every=3", "--quiet", "--json"];
    let ran = without_landlock(&world, &[&noop[..], &["--allow-unconfined"]].concat());
    is_loud(&ran);
    assert_eq!(ran.code, 3, "{ran:#?}");
    let run = text(&ran.json()["run"]);
    let artifact = text(&world.artifacts(&run)[0]["artifact_id"]);
    assert_eq!(world.json(&["explain", &artifact])["made"]["host"]["confined"], false);
    assert!(
        world.ok(&["explain", &artifact]).contains("\nUNCONFINED  its process was not confined (--allow-unconfined)\n")
    );
    assert!(world.log().contains("extractors run unconfined"), "the log says it, too");

    for verb in ["retry", "resume"] {
        let refused = without_landlock(&world, &[verb, &run]);
        assert!(refused.code == 1 && refused.stderr.contains("--allow-unconfined"), "{verb}: {refused:#?}");
        is_loud(&without_landlock(&world, &[verb, &run, "--allow-unconfined"]));
    }
    // What starts no extractor needs no confinement and warns of nothing.
    for command in [&["runs"] as &[&str], &["cancel", &run], &["show", "ast_"], &["verify"]] {
        let output = without_landlock(&world, command);
        assert!(!output.stderr.contains("onfined"), "{command:?}: {output:#?}");
    }

    // The same flag where the kernel confines: the run is confined all the same, and silent.
    let confined = world.exhibit(&["run", "noop", "--allow-unconfined", "--recompute", "--json"]);
    assert_eq!((confined.code, confined.stderr.as_str()), (0, ""));
    let artifact = text(&world.artifacts(&text(&confined.json()["run"]))[0]["artifact_id"]);
    assert_eq!(world.json(&["explain", &artifact])["made"]["host"]["confined"], true);
}

/// AR-14 through the program: without Landlock the red team refuses, and where a person insists it names what succeeded and exits 1.
#[test]
fn ar_14_the_red_team_names_what_succeeds() {
    let world = World::new(Backend::Sqlite);
    world.write_small_files(3);
    let before = world.ok(&["fingerprint", "archive"]);
    let refused = without_landlock(&world, &["redteam", "archive"]);
    assert!(refused.code == 1 && refused.stderr.contains("cannot be confined here"), "{refused:#?}");
    let report = without_landlock(&world, &["redteam", "archive", "--allow-unconfined", "--json"]);
    assert_eq!((report.code, &report.json()["passed"]), (1, &false.into()));
    is_loud(&report);
    let shown = without_landlock(&world, &["redteam", "archive", "--allow-unconfined"]);
    assert_eq!(shown.code, 1);
    let failed = shown.stdout.lines().last().expect("a summary");
    assert!(failed.starts_with("FAILED: "), "{failed}");
    for name in ["open an original for writing", "rename an original in place", "chmod", "setxattr", "connect by TCP"] {
        assert!(failed.contains(&format!(" {name};")), "{name}: {failed}");
    }
    assert!(shown.stdout.contains("identical before and after"), "what succeeded was put right: {shown:#?}");
    assert_eq!(world.ok(&["fingerprint", "archive"]), before);
}

#[test]
fn doctor_says_what_is_missing() {
    let world = World::new(Backend::Sqlite);
    let whole = world.json(&["doctor"]);
    let names: Vec<String> =
        whole["checks"].as_array().expect("checks").iter().map(|check| text(&check["name"])).collect();
    for name in [
        "kernel",
        "confinement",
        "landlock",
        "landlock files",
        "seccomp",
        "capabilities",
        "memory",
        "noop",
        "database",
        "space",
    ] {
        assert!(names.iter().any(|known| known == name), "{name}: {names:?}");
    }
    let keyframe = whole["checks"].as_array().expect("checks").iter().find(|check| check["name"] == "video.keyframe");
    let says = text(&keyframe.expect("the extractor")["says"]);
    assert!(says.starts_with("starts confined: version ") && says.contains(", ffmpeg "), "{says}");

    let without = without_landlock(&world, &["doctor"]);
    assert_eq!((without.code, without.stderr.as_str()), (3, ""));
    let problems: Vec<&str> = without.stdout.lines().filter(|line| line.starts_with("PROBLEM")).collect();
    assert_eq!(problems.len(), 3, "{without:#?}");
    assert!(problems[0].contains("runs need --allow-unconfined"), "{problems:?}");
    assert!(problems[1].contains("not available"), "{problems:?}");
    assert!(problems[2].contains("not started, as they cannot be confined"), "{problems:?}");
}

/// The flag is an argument of four commands, and nothing in the environment or the configuration can stand for it.
#[test]
fn only_an_argument_allows_unconfined_runs() {
    let mut world = World::new(Backend::Sqlite);
    let verbs = ["run", "resume", "retry", "redteam", "scan", "watch", "cancel", "doctor", "verify", "explain"];
    let with_flag = verbs.iter().filter(|verb| world.ok(&[verb, "--help"]).contains("--allow-unconfined"));
    assert_eq!(with_flag.copied().collect::<Vec<_>>(), ["run", "resume", "retry", "redteam"]);
    for name in ["EXHIBIT_ENGINE__ALLOW_UNCONFINED", "EXHIBIT_ENGINE__CONFINEMENT"] {
        world.set(name, "true");
        let output = world.exhibit(&["runs"]);
        assert!(output.code == 2 && output.stderr.contains("unknown field"), "{name}: {output:?}");
        world = World::new(Backend::Sqlite);
    }
}
