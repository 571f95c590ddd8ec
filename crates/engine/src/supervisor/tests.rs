//! Tests of what crosses the border between host and supervisor. The processes themselves are in `tests/confinement`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;

use super::{Ended, SourceRoot, SupervisorSpec, tool_command};
use crate::confine::Confinement;
use crate::extractor::Limits;

const LIMITS: Limits = Limits { unit_cpu_s: 5, unit_wall_s: 10, file_bytes_max: 1 << 20, address_space_bytes: 1 << 30 };

fn spec() -> SupervisorSpec {
    SupervisorSpec {
        extractor: "image.thumbnail".to_owned(),
        sources: vec![SourceRoot::new("src_1", Path::new(OsStr::from_bytes(b"/photos/\xff\n")))],
        scratch: "/scratch".to_owned(),
        readable: vec!["/models".to_owned()],
        program: None,
        limits: LIMITS,
        memory_bytes_max: Some(1 << 30),
        landlock_abi_max: None,
        confinement: Confinement::Full,
    }
}

#[test]
fn a_spec_is_one_line_and_comes_back_the_same() {
    let line = serde_json::to_string(&spec()).unwrap();
    assert!(!line.contains('\n'));
    let back: SupervisorSpec = serde_json::from_str(&line).unwrap();
    assert_eq!(back, spec());
    assert_eq!(back.sources[0].path().unwrap().as_os_str().as_bytes(), b"/photos/\xff\n");
}

#[test]
fn a_spec_with_an_unknown_key_is_refused_at_each_level() {
    for place in ["", "/sources/0", "/limits"] {
        let mut value = serde_json::to_value(spec()).unwrap();
        value.pointer_mut(place).unwrap().as_object_mut().unwrap().insert("more".to_owned(), true.into());
        let error = serde_json::from_value::<SupervisorSpec>(value).unwrap_err();
        assert!(error.to_string().contains("unknown field `more`"), "{place}: {error}");
    }
}

#[cfg(not(feature = "confinement-switches"))]
#[test]
fn one_mechanism_alone_cannot_be_asked_for() {
    for word in ["landlock-only", "seccomp-only"] {
        let mut value = serde_json::to_value(spec()).unwrap();
        value["confinement"] = word.into();
        assert!(serde_json::from_value::<SupervisorSpec>(value).is_err(), "{word}");
    }
}

#[test]
fn exit_statuses_say_what_happened() {
    let code = |code: i32| Ended::of(ExitStatus::from_raw(code << 8));
    assert_eq!(code(0), Ended::Code(0));
    assert_eq!(code(97), Ended::NotConfined);
    assert_eq!(code(98), Ended::OverMemory);
    assert_eq!(code(99), Ended::OverFiles);
    assert_eq!(code(101), Ended::Code(101));
    assert_eq!(code(128), Ended::Code(128));
    assert_eq!(code(128 + libc::SIGXCPU), Ended::Signal(libc::SIGXCPU));
    assert_eq!(Ended::of(ExitStatus::from_raw(libc::SIGKILL)), Ended::Signal(libc::SIGKILL));
    assert_eq!(Ended::Signal(libc::SIGXCPU).to_string(), "out of CPU time");
}

#[test]
fn tools_are_plain_names_in_two_folders() {
    let command = tool_command("true", &LIMITS).unwrap();
    assert_eq!(command.get_program(), "/usr/bin/true");
    for name in ["", "/usr/bin/true", "../bin/true", "."] {
        assert_eq!(tool_command(name, &LIMITS).unwrap_err().kind(), std::io::ErrorKind::InvalidInput, "{name}");
    }
    let error = tool_command("no-such-program", &LIMITS).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    assert!(error.to_string().contains("no-such-program"));
}
