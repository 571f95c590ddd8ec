//! Which server is wanted: what the command line and the environment say, checked before anything is sent.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::http::Uri;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::{CONNECT_WITHIN, IDLE_FOR, Inner, Server};
use crate::config::{SERVER_VARIABLE, TIMEOUT_VARIABLE, TOKEN_VARIABLE, outside};
use crate::error::CliError;

/// How long an answer may take when nobody says: the server itself gives a request up after 60 seconds.
const ANSWER_WITHIN_S: u64 = 75;

/// Largest file of a token in bytes.
const TOKEN_BYTES_MAX: u64 = 4 * 1024;

/// What the command line says of a server.
pub struct Wanted {
    /// `--server`
    pub url: Option<String>,
    /// `--token-file`
    pub token_file: Option<PathBuf>,
    /// `--home`, which names another place to look.
    pub home: Option<PathBuf>,
}

impl Wanted {
    /// The address of a server, when one is wanted.
    pub fn address(&self) -> Result<Option<String>, CliError> {
        if self.url.is_some() && self.home.is_some() {
            return Err(CliError::usage("--server and --home name two places; give one of them"));
        }
        let url = match (&self.url, &self.home) {
            (Some(url), _) => Some(url.clone()),
            // What is written on the command line comes before what the environment says.
            (None, Some(_)) => None,
            (None, None) => outside(SERVER_VARIABLE)?,
        };
        if url.is_none() && self.token_file.is_some() {
            return Err(CliError::usage("--token-file holds the token for a server; --server URL names it"));
        }
        Ok(url)
    }

    /// The server at that address. Asks it nothing.
    pub fn server(&self, url: &str) -> Result<Server, CliError> {
        let (base, is_https) = base_of(url)?;
        let token = match &self.token_file {
            Some(file) => read_token(file)?,
            None => outside(TOKEN_VARIABLE)?.map(|text| text.trim().to_owned()).unwrap_or_default(),
        };
        if token.is_empty() {
            return Err(CliError::usage(format!(
                "there is no token for {base}: set {TOKEN_VARIABLE} or give --token-file FILE; `exhibit tokens create NAME --scopes \
                 read,control` on its machine makes one"
            )));
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(CliError::usage("the token is none: it has letters that no token has"));
        }
        let answer_within = Duration::from_secs(answer_within_s()?);
        Ok(Server(Arc::new(Inner { agent: agent(answer_within, is_https)?, base, token, answer_within })))
    }
}

/// The address without a slash at its end, and whether it begins with `https`.
fn base_of(url: &str) -> Result<(String, bool), CliError> {
    let wrong = |reason: &str| {
        CliError::usage(format!("`{url}` is no address of a server: {reason}, such as http://127.0.0.1:8765"))
    };
    let uri: Uri = url.parse().map_err(|_| wrong("it has the form of no URL"))?;
    let is_https = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return Err(wrong("it begins with http:// or https://")),
    };
    let authority = uri.authority().ok_or_else(|| wrong("it names a machine"))?;
    if authority.as_str().contains('@') {
        return Err(wrong("it holds no name and no password"));
    }
    if uri.query().is_some() || url.contains('#') {
        return Err(wrong("it ends with the port or a path"));
    }
    if !is_https && !is_this_machine(authority.host()) {
        return Err(CliError::usage(format!(
            "REFUSED to send a token to {url}: without TLS it would be readable on the way. Give the https:// address of the proxy before \
             the server, or reach it through `ssh -L 8765:localhost:8765`; docs/how-to/serve.md says how"
        )));
    }
    Ok((url.trim_end_matches('/').to_owned(), is_https))
}

/// Whether what is sent to that name stays on this machine.
fn is_this_machine(host: &str) -> bool {
    let plain = host.trim_start_matches('[').trim_end_matches(']');
    plain.parse::<IpAddr>().map_or_else(|_| host.eq_ignore_ascii_case("localhost"), |address| address.is_loopback())
}

/// The token in a file.
pub fn read_token(file: &Path) -> Result<String, CliError> {
    let wrong = |reason: String| CliError::usage(format!("the token file {}: {reason}", file.display()));
    let found = std::fs::metadata(file).map_err(|error| wrong(error.to_string()))?;
    if !found.is_file() || found.len() > TOKEN_BYTES_MAX {
        return Err(wrong(format!("it is no file of at most {TOKEN_BYTES_MAX} bytes")));
    }
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    match text.trim() {
        "" => Err(wrong("it is empty".to_owned())),
        token => Ok(token.to_owned()),
    }
}

fn answer_within_s() -> Result<u64, CliError> {
    let Some(text) = outside(TIMEOUT_VARIABLE)? else { return Ok(ANSWER_WITHIN_S) };
    text.parse().ok().filter(|seconds| (1..=3_600).contains(seconds)).ok_or_else(|| {
        CliError::usage(format!("the environment variable {TIMEOUT_VARIABLE}: `{text}` is not 1 to 3600 seconds"))
    })
}

fn agent(answer_within: Duration, is_https: bool) -> Result<Agent, CliError> {
    let mut tls =
        TlsConfig::builder().unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()));
    // Reading them takes some milliseconds, which nobody needs who asks this machine.
    if is_https {
        tls = tls.root_certs(trusted()?);
    }
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .user_agent(concat!("exhibit/", env!("CARGO_PKG_VERSION")))
        .max_idle_age(IDLE_FOR)
        .timeout_resolve(Some(CONNECT_WITHIN))
        .timeout_connect(Some(CONNECT_WITHIN))
        .timeout_send_request(Some(answer_within))
        .timeout_send_body(Some(answer_within))
        .timeout_recv_response(Some(answer_within))
        .timeout_recv_body(Some(answer_within))
        .tls_config(tls.build());
    Ok(config.build().new_agent())
}

/// The certificates that this machine trusts.
fn trusted() -> Result<RootCerts, CliError> {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        return Err(CliError::failed(
            "this machine trusts no certificate, so https:// cannot be checked; `apt-get install ca-certificates` brings the usual ones",
        ));
    }
    Ok(found.certs.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_or_refused_with_its_reason() {
        let base = |url: &str| base_of(url).map_err(|error| error.message);
        assert_eq!(base("http://localhost:8765/").unwrap(), ("http://localhost:8765".to_owned(), false));
        assert_eq!(base("http://[::1]:1").unwrap(), ("http://[::1]:1".to_owned(), false));
        assert_eq!(base("http://127.9.9.9").unwrap(), ("http://127.9.9.9".to_owned(), false));
        assert_eq!(base("https://photos.example.org/x/").unwrap(), ("https://photos.example.org/x".to_owned(), true));
        for (url, why) in [
            ("localhost:8765", "begins with"),
            ("ftp://localhost", "begins with"),
            ("http://", "no URL"),
            ("", "no URL"),
            ("/v1", "begins with"),
            ("http://me:secret@localhost", "no password"),
            ("https://a.example.org?x=1", "ends with"),
            ("http://a.example.org", "REFUSED"),
            ("http://192.168.1.7:8765", "REFUSED"),
            ("http://localhost.example.org", "REFUSED"),
            ("http://127.0.0.1.example.org", "REFUSED"),
        ] {
            let said = base(url).unwrap_err();
            assert!(said.contains(why), "{url}: {said}");
        }
    }
}
