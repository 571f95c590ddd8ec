//! What is refused before anything is sent.

use crate::world::{Backend, Output, World};

/// Nothing listens there, and nothing is asked.
const NOWHERE: &str = "http://127.0.0.1:9";

#[track_caller]
fn refused(output: &Output, why: &str) {
    assert!(output.code == 2 && output.stderr.contains(why) && output.stdout.is_empty(), "{why}: {output:#?}");
}

#[test]
fn verbs_of_this_machine_ask_no_server_and_say_why() {
    let world = World::new(Backend::Sqlite);
    for (arguments, why) in [
        (&["fingerprint", "."] as &[&str], "it reads a folder of this machine"),
        (&["backup", "copy"], "a backup is a folder"),
        (&["restore", "copy"], "the new home is a folder"),
        (&["migrate"], "brings its database up to date"),
        (&["projections", "verify"], "tables are computed"),
        (&["serve"], "it is the server"),
        (&["login"], "login links"),
        (&["tokens"], "makes and revokes tokens"),
        (&["tokens", "create", "x"], "makes and revokes tokens"),
        (&["redteam", "."], "it attacks"),
        (&["agents", "tail"], "it reads files of this machine"),
        (&["agents", "tail", "--once"], "it reads files of this machine"),
        (&["sample", "made"], "it makes a folder"),
        (&["extractors", "add", "."], "a plug-in is a program"),
        (&["extractors", "check", "."], "a plug-in is a program"),
        (&["extractors", "remove", "x"], "a plug-in is a program"),
    ] {
        let with_option = world.exhibit(&[&["--server", NOWHERE], arguments].concat());
        refused(&with_option, why);
        refused(&with_option, "asks no server");
        let by_variable = world.command(arguments).env("EXHIBIT_SERVER", NOWHERE).output().expect("the program starts");
        refused(&Output::new(by_variable), why);
    }
    assert!(!world.home().exists(), "nothing was made");
}

#[test]
fn what_is_named_wrongly_is_refused_before_anything_is_sent() {
    let world = World::new(Backend::Sqlite);
    let file = world.path().join("token");
    std::fs::write(&file, "exh_a b\n").expect("a file");
    let file = file.display().to_string();
    for (arguments, why) in [
        (&["ls", "--server", NOWHERE] as &[&str], "set EXHIBIT_TOKEN or give --token-file"),
        (&["ls", "--server", NOWHERE, "--home", "x"], "--server and --home name two places"),
        (&["ls", "--token-file", &file], "--server URL names it"),
        (&["ls", "--server", NOWHERE, "--token-file", &file], "letters that no token has"),
        (&["ls", "--server", NOWHERE, "--token-file", "nothing"], "the token file nothing"),
        (&["ls", "--server", NOWHERE, "--token-file", "."], "it is no file of at most"),
        (&["ls", "--server", "127.0.0.1:9"], "no address of a server"),
        (&["ls", "--server", "http://me:word@127.0.0.1:9"], "no password"),
        (&["ls", "--server", "http://photos.example.org"], "REFUSED to send a token"),
    ] {
        refused(&world.exhibit(arguments), why);
    }
    for (arguments, why) in [
        (&["run", "noop", "--workers", "2"] as &[&str], "say how this machine works"),
        (&["resume", "latest", "--verify-inputs"], "say how this machine works"),
        (&["retry", "latest", "--allow-unconfined"], "say how this machine works"),
        (&["run", "mine.toml"], "is a file of this machine"),
        (&["pipelines", "./mine.toml"], "is a file of this machine"),
        (&["scan", "x", "--threads", "2"], "says how this machine works"),
    ] {
        let output = world.command(arguments).env("EXHIBIT_SERVER", NOWHERE).env("EXHIBIT_TOKEN", "exh_x").output();
        refused(&Output::new(output.expect("the program starts")), why);
    }
    let mut slow = world.command(&["ls", "--server", NOWHERE]);
    slow.env("EXHIBIT_TOKEN", "exh_x").env("EXHIBIT_SERVER_TIMEOUT_S", "soon");
    refused(&Output::new(slow.output().expect("the program starts")), "is not 1 to 3600 seconds");
    assert!(!world.home().exists(), "nothing was made");
}

/// What is written on the command line comes before the environment.
#[test]
fn a_home_that_is_named_is_asked_though_the_environment_names_a_server() {
    let world = World::new(Backend::Sqlite);
    let home = world.home().display().to_string();
    let output = world.command(&["ls", "--home", &home]).env("EXHIBIT_SERVER", NOWHERE).output();
    let output = Output::new(output.expect("the program starts"));
    assert_eq!(output.code, 0, "{output:?}");
    assert!(world.home().exists());
}
