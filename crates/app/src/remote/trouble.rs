//! What can go wrong with a server, in words: each case one message, the same each time, with the next step.

use exhibit_http::Mistake;
use serde::Deserialize;
use serde_json::Value;
use ureq::http::{Response, StatusCode, header};
use ureq::{Body, Error, Timeout};

use super::{ANSWER_BYTES_MAX, CONNECT_WITHIN, Question, Server};
use crate::error::{CliError, Exit};

/// Why there is no answer.
#[derive(Debug)]
pub enum Trouble {
    /// It may be over in a moment: nobody answers, or the server says that it cannot just now.
    Passing(CliError),
    /// Asking again would not help.
    Lasting(CliError),
    /// The server does not know what it is asked for.
    NoSuchRoute(String),
}

impl From<CliError> for Trouble {
    fn from(error: CliError) -> Self {
        Self::Lasting(error)
    }
}

impl From<Trouble> for CliError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Passing(error) | Trouble::Lasting(error) => error,
            Trouble::NoSuchRoute(said) => Self::failed(said),
        }
    }
}

/// `application/problem+json`, as far as people are told.
#[derive(Deserialize)]
pub(super) struct Problem {
    status: u16,
    title: String,
    code: String,
    detail: String,
    hint: Option<String>,
    #[serde(default)]
    errors: Vec<Mistake>,
}

/// A problem below `/api/`, as the older contract tells it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LegacyProblem {
    error: String,
    required_scope: Option<String>,
}

/// What a body says of a problem, in whichever form.
fn problem_of(status: StatusCode, body: &[u8]) -> Option<Problem> {
    if let Ok(problem) = serde_json::from_slice::<Problem>(body) {
        return Some(problem);
    }
    let LegacyProblem { error, required_scope } = serde_json::from_slice(body).ok()?;
    let code = match (status.as_u16(), error.as_str()) {
        (404, "Not found") => "no-such-route",
        (405, _) => "wrong-method",
        _ => "legacy",
    };
    let detail = match required_scope {
        Some(scope) => format!("{error}: this needs the scope `{scope}`"),
        None => error,
    };
    let (status, title, code) = (status.as_u16(), String::new(), code.to_owned());
    Some(Problem { status, title, code, detail, hint: None, errors: Vec::new() })
}

/// Longest word or sentence of a server that is printed, in letters.
const SAID_LETTERS_MAX: usize = 2_000;

impl Server {
    /// Nobody answers, or not as HTTP says.
    pub(super) fn unreachable(&self, error: Error) -> Trouble {
        let seconds = self.0.answer_within.as_secs();
        let why = match &error {
            Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                "nobody listens there; does `exhibit serve` run, and is the port right?".to_owned()
            }
            // What TLS has to say comes as bytes that are not valid: another certificate, or no TLS at all.
            Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => return self.untrusted(error),
            Error::Io(error) => format!("the connection failed: {error}"),
            Error::HostNotFound => "no machine has that name".to_owned(),
            Error::Timeout(Timeout::Resolve | Timeout::Connect) => {
                format!("there was no connection within {} s", CONNECT_WITHIN.as_secs())
            }
            Error::Timeout(_) => format!("the answer was not there within {seconds} s"),
            Error::BodyExceedsLimit(_) => {
                let error = format!("{}: the answer is larger than {} MiB", self.0.base, ANSWER_BYTES_MAX >> 20);
                return Trouble::Lasting(CliError::failed(error));
            }
            Error::LargeResponseHeader(..) | Error::Protocol(_) | Error::Http(_) | Error::BadUri(_) => {
                let error = format!("{}: the answer is no HTTP ({error}); is it an Exhibit server?", self.0.base);
                return Trouble::Lasting(CliError::failed(error));
            }
            Error::Tls(_) | Error::Rustls(_) | Error::Pem(_) => return self.untrusted(&error),
            other => other.to_string(),
        };
        Trouble::Passing(CliError::failed(format!("{} cannot be reached: {why}", self.0.base)))
    }

    fn untrusted(&self, why: &dyn std::fmt::Display) -> Trouble {
        Trouble::Lasting(CliError::failed(format!(
            "{}: there is no trusted connection: {why}; is the certificate known here (SSL_CERT_FILE), and is TLS spoken there?",
            self.0.base
        )))
    }

    /// What was given cannot be put into a request.
    pub(super) fn not_askable(&self, error: &ureq::http::Error) -> Trouble {
        Trouble::Lasting(CliError::usage(format!("{} cannot be asked: {error}", self.0.base)))
    }

    /// The token goes to no address that nobody gave.
    pub(super) fn redirected(&self, response: &Response<Body>) -> Trouble {
        let target =
            response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok()).unwrap_or("nowhere");
        let (status, target) = (response.status().as_u16(), printable(target));
        Trouble::Lasting(CliError::failed(format!(
            "{} answers with {status} and leads to {target}; the token is not sent on, give the address of the server itself",
            self.0.base
        )))
    }

    /// A status that is no success.
    pub(super) fn refused(&self, status: StatusCode, body: &[u8]) -> Trouble {
        let Some(problem) = problem_of(status, body) else {
            let message =
                format!("{} answers with {status} and does not say why; is it an Exhibit server?", self.0.base);
            let error = CliError::failed(message);
            // A proxy before a server that is just being started says so.
            return if is_passing(status) { Trouble::Passing(error) } else { Trouble::Lasting(error) };
        };
        let code = problem.code.clone();
        let message = words(problem);
        if matches!(code.as_str(), "no-such-route" | "wrong-method") {
            return Trouble::NoSuchRoute(message);
        }
        let exit = exit_of(status.as_u16(), &code);
        let message = match status.as_u16() {
            401 => format!("{} does not take the token: {message}", self.0.base),
            403 => format!("{} refuses: {message}", self.0.base),
            _ => message,
        };
        let error = CliError { exit, message, reason: None };
        if is_passing(status) { Trouble::Passing(error) } else { Trouble::Lasting(error) }
    }

    /// An answer that is none of ours: the two programs may be of different versions, so both are told.
    pub(super) async fn not_understood(&self, why: &str) -> Trouble {
        let question = Question { method: ureq::http::Method::GET, path: "/v1/status".to_owned(), body: None };
        let status = self.asked(question).await.ok().and_then(|body| serde_json::from_slice::<Value>(&body).ok());
        let theirs = status.as_ref().and_then(|status| status["version"].as_str());
        let theirs = theirs.map_or_else(
            || "does not say which version it is; is it an Exhibit server?".to_owned(),
            |version| format!("is version {}", printable(version)),
        );
        Trouble::Lasting(CliError::failed(format!(
            "the answer of {} is not understood: {}; the server {theirs}, this is version {}",
            self.0.base,
            printable(why),
            env!("CARGO_PKG_VERSION")
        )))
    }
}

/// A problem that came of itself, without a question.
pub(super) fn told(problem: Problem) -> CliError {
    CliError { exit: exit_of(problem.status, &problem.code), message: words(problem), reason: None }
}

fn exit_of(status: u16, code: &str) -> Exit {
    match (status, code) {
        (400 | 404, _) | (409, "name-taken") => Exit::Usage,
        _ => Exit::Failed,
    }
}

/// Whether it may be over in a moment.
fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502 | 503 | 504)
}

/// The sentence, what is wrong where, and what to do.
fn words(problem: Problem) -> String {
    let mut said = match problem.detail.as_str() {
        "" => problem.title,
        detail => detail.to_owned(),
    };
    for mistake in &problem.errors {
        // Some sentences hold their only mistake already.
        if !said.contains(&mistake.message) {
            let place = if mistake.pointer.is_empty() { String::new() } else { format!("{}: ", mistake.pointer) };
            said.push_str(&format!("; {place}{}", mistake.message));
        }
    }
    if let Some(hint) = problem.hint {
        said.push_str(&format!("; {hint}"));
    }
    printable(&said)
}

/// What a server says never steers a terminal, and never fills it.
fn printable(text: &str) -> String {
    let letters = text.chars().take(SAID_LETTERS_MAX);
    letters.map(|letter| if letter.is_control() && letter != '\n' { '\u{fffd}' } else { letter }).collect()
}
