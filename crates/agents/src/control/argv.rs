//! Command lines that an operator allowed: fixed words, and placeholders that stand for a whole argument each. No shell reads them.

use thiserror::Error;

use super::words::{ModelRef, WORD_BYTES_MAX, breaks_lines};

/// Arguments of one command: far more than a command line of a person has.
const ARGUMENTS_MAX: usize = 64;
/// Bytes of a fixed argument, which an operator wrote into a configuration.
const FIXED_BYTES_MAX: usize = 16 * WORD_BYTES_MAX;
/// Bytes of a prompt on a command line: the kernel takes 128 KiB per argument (`MAX_ARG_STRLEN`), the final zero included.
const PROMPT_BYTES_MAX: usize = 128 * 1024 - 1;

/// A value that is known only when the command runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Placeholder {
    SessionId,
    AgentId,
    Prompt,
    Provider,
    Model,
    IdempotencyKey,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Fixed(String),
    Value(Placeholder),
}

/// An allowed command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArgvTemplate(Vec<Part>);

/// A command line that cannot be allowed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ArgvFault {
    /// Nothing, or too many arguments, or too long ones.
    #[error("a command has 1 to 64 arguments of at most 4096 bytes")]
    Size,
    /// A name would be looked for along a path that others may change.
    #[error("the program of a command has to be an absolute path")]
    Program,
    /// `{…}` that is none of ours, or not alone in its argument: `--id={sessionId}` could be split by a value.
    #[error(
        "`{0}` is no argument: a placeholder stands alone, and is one of {{sessionId}}, {{agentId}}, {{prompt}}, {{provider}}, {{model}}, {{idempotencyKey}}"
    )]
    Placeholder(String),
}

/// A value that is not put on a command line. Reads as an end of a sentence: `the prompt begins with a dash`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ArgumentFault {
    /// There is none.
    #[error("{0} is not known")]
    Missing(&'static str),
    /// The program would take it for an option.
    #[error("{0} begins with a dash")]
    LeadingDash(&'static str),
    /// It holds a control character.
    #[error("{0} holds a control character")]
    Control(&'static str),
    /// The kernel would not take it.
    #[error("{0} is too long for a command line")]
    TooLong(&'static str),
}

/// The values of one run.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Values<'a> {
    pub(super) session_id: Option<&'a str>,
    pub(super) agent_id: Option<&'a str>,
    pub(super) prompt: Option<&'a str>,
    pub(super) model: Option<&'a ModelRef>,
    pub(super) idempotency_key: Option<&'a str>,
}

impl ArgvTemplate {
    /// Reads a command line of a configuration.
    ///
    /// # Errors
    /// The first [`ArgvFault`].
    pub fn parse<S: AsRef<str>>(arguments: &[S]) -> Result<Self, ArgvFault> {
        let too_long = |argument: &S| argument.as_ref().len() > FIXED_BYTES_MAX || argument.as_ref().contains('\0');
        if arguments.is_empty() || arguments.len() > ARGUMENTS_MAX || arguments.iter().any(too_long) {
            return Err(ArgvFault::Size);
        }
        if !arguments[0].as_ref().starts_with('/') {
            return Err(ArgvFault::Program);
        }
        arguments.iter().map(|argument| part_of(argument.as_ref())).collect::<Result<_, _>>().map(Self)
    }

    /// The arguments for these values; none of them may break lines.
    pub(super) fn fill(&self, values: &Values<'_>) -> Result<Vec<String>, ArgumentFault> {
        self.filled(values, breaks_lines)
    }

    /// The arguments for these values; a prompt may have lines and tabs.
    pub(super) fn fill_with_lines(&self, values: &Values<'_>) -> Result<Vec<String>, ArgumentFault> {
        self.filled(values, |character| breaks_lines(character) && !matches!(character, '\n' | '\r' | '\t'))
    }

    fn filled(&self, values: &Values<'_>, in_prompt: impl Fn(char) -> bool) -> Result<Vec<String>, ArgumentFault> {
        let argument = |part: &Part| match part {
            Part::Fixed(text) => Ok(text.clone()),
            Part::Value(Placeholder::Prompt) => checked("prompt", values.prompt, PROMPT_BYTES_MAX, &in_prompt),
            Part::Value(Placeholder::SessionId) => word("sessionId", values.session_id),
            Part::Value(Placeholder::AgentId) => word("agentId", values.agent_id),
            Part::Value(Placeholder::IdempotencyKey) => word("idempotencyKey", values.idempotency_key),
            Part::Value(Placeholder::Provider) => word("provider", values.model.map(|model| model.provider.as_str())),
            Part::Value(Placeholder::Model) => word("model", values.model.map(|model| model.model.as_str())),
        };
        self.0.iter().map(argument).collect()
    }
}

fn part_of(argument: &str) -> Result<Part, ArgvFault> {
    Ok(match argument {
        "{sessionId}" => Part::Value(Placeholder::SessionId),
        "{agentId}" => Part::Value(Placeholder::AgentId),
        "{prompt}" => Part::Value(Placeholder::Prompt),
        "{provider}" => Part::Value(Placeholder::Provider),
        "{model}" => Part::Value(Placeholder::Model),
        "{idempotencyKey}" => Part::Value(Placeholder::IdempotencyKey),
        other if looks_like_a_placeholder(other) => return Err(ArgvFault::Placeholder(other.to_owned())),
        other => Part::Fixed(other.to_owned()),
    })
}

/// `{` and letters up to `}`, anywhere: somebody expects a value there. Other braces, as of JSON or a script, are just text.
fn looks_like_a_placeholder(text: &str) -> bool {
    text.split('{').skip(1).any(|rest| {
        let name = rest.split_once('}').map(|(name, _)| name);
        name.is_some_and(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic()))
    })
}

fn word(name: &'static str, value: Option<&str>) -> Result<String, ArgumentFault> {
    checked(name, value, WORD_BYTES_MAX, breaks_lines)
}

fn checked(
    name: &'static str,
    value: Option<&str>,
    bytes_max: usize,
    is_refused: impl Fn(char) -> bool,
) -> Result<String, ArgumentFault> {
    let value = value.filter(|value| !value.is_empty()).ok_or(ArgumentFault::Missing(name))?;
    if value.starts_with('-') {
        return Err(ArgumentFault::LeadingDash(name));
    }
    if value.chars().any(is_refused) {
        return Err(ArgumentFault::Control(name));
    }
    if value.len() > bytes_max {
        return Err(ArgumentFault::TooLong(name));
    }
    Ok(value.to_owned())
}

#[cfg(test)]
#[path = "argv_tests.rs"]
mod tests;
