//! What an operator may allow as a command line, and what is never put on one.

use proptest::prelude::*;

use super::*;

fn template(arguments: &[&str]) -> ArgvTemplate {
    ArgvTemplate::parse(arguments).unwrap()
}

#[test]
fn placeholders_stand_alone_and_are_known() {
    for (arguments, fault) in [
        (vec![], ArgvFault::Size),
        (vec!["kill"], ArgvFault::Program),
        (vec!["./kill"], ArgvFault::Program),
        (vec!["{sessionId}"], ArgvFault::Program),
        (vec!["/bin/kill", "--id={sessionId}"], ArgvFault::Placeholder("--id={sessionId}".to_owned())),
        (vec!["/bin/kill", "{session}"], ArgvFault::Placeholder("{session}".to_owned())),
        (vec!["/bin/kill", "a\0b"], ArgvFault::Size),
        (vec!["/bin/kill"; 65], ArgvFault::Size),
    ] {
        assert_eq!(ArgvTemplate::parse(&arguments), Err(fault), "{arguments:?}");
    }
    assert!(ArgvTemplate::parse(&["/bin/sh", "-c", "a() { x; }; echo ${a} {}", "{\"a\":1}"]).is_err(), "${{a}}");
    assert!(ArgvTemplate::parse(&["/bin/sh", "-c", "a() { x; }; echo {}", "{\"a\":1}"]).is_ok());
}

/// AG-37: no value becomes an option, and none breaks a line.
#[test]
fn ag_37_values_are_whole_arguments_and_no_options() {
    let kill = template(&["/bin/stop", "--now", "{sessionId}"]);
    let values = |id| Values { session_id: Some(id), ..Values::default() };
    assert_eq!(kill.fill(&values("a; rm -rf $HOME")).unwrap(), ["/bin/stop", "--now", "a; rm -rf $HOME"]);
    assert_eq!(kill.fill(&values("-x")), Err(ArgumentFault::LeadingDash("sessionId")));
    assert_eq!(kill.fill(&values("a\nb")), Err(ArgumentFault::Control("sessionId")));
    assert_eq!(kill.fill(&values(&"x".repeat(257))), Err(ArgumentFault::TooLong("sessionId")));
    assert_eq!(kill.fill(&Values::default()), Err(ArgumentFault::Missing("sessionId")));

    let ask = template(&["/bin/ask", "{prompt}"]);
    let values = |prompt| Values { prompt: Some(prompt), ..Values::default() };
    assert_eq!(ask.fill(&values("one\ntwo")), Err(ArgumentFault::Control("prompt")));
    assert_eq!(ask.fill_with_lines(&values("one\ntwo")).unwrap()[1], "one\ntwo");
    assert_eq!(ask.fill_with_lines(&values("a\u{1b}b")), Err(ArgumentFault::Control("prompt")));
    assert_eq!(ask.fill_with_lines(&values("--help")), Err(ArgumentFault::LeadingDash("prompt")));
    assert_eq!(ask.fill(&values(&"x".repeat(PROMPT_BYTES_MAX + 1))), Err(ArgumentFault::TooLong("prompt")));
}

proptest! {
    #[test]
    fn what_is_filled_in_never_adds_or_changes_an_argument(id in ".{0,40}", prompt in ".{0,40}") {
        let template = template(&["/bin/x", "{sessionId}", "fixed", "{prompt}"]);
        let values = Values { session_id: Some(&id), prompt: Some(&prompt), ..Values::default() };
        if let Ok(arguments) = template.fill(&values) {
            prop_assert_eq!(arguments, ["/bin/x", id.as_str(), "fixed", prompt.as_str()]);
            prop_assert!(!id.starts_with('-') && !prompt.starts_with('-'));
        }
    }
}
