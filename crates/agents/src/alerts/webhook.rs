//! One attempt to tell a channel something: a signed POST, and what became of it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use exhibit_model::time::Timestamp;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Error, Timeout};

use super::channel::Channel;
use super::delivery::{DELIVERY_HEADER, SIGNATURE_HEADER};
use super::signature::sign;
use crate::sql::alerts_outbox::Delivery;

/// How long an attempt may take as a whole, names and connection included. A receiver that works longer should answer first.
pub(super) const ATTEMPT_WITHIN: Duration = Duration::from_secs(10);

/// Largest head of an answer, in bytes. Its body is not read at all: the status says everything.
const ANSWER_HEAD_BYTES_MAX: usize = 16 * 1024;

/// Sends deliveries. The address is the one that an administrator gave: redirects are not followed, and no proxy of the environment is asked.
pub(super) struct Webhooks {
    /// For `http`, which needs no certificates.
    plain: Agent,
    /// For `https`; made when it is first needed, because reading the certificates of a machine takes a while.
    secure: OnceLock<Option<Agent>>,
}

impl Webhooks {
    pub(super) fn new() -> Self {
        Self { plain: agent(None), secure: OnceLock::new() }
    }

    /// Sends a delivery, signed at `now`; `Err` says in a few words why the channel did not take it, without its address.
    pub(super) fn send(&self, channel: &Channel, delivery: &Delivery, now: Timestamp) -> Result<(), String> {
        let agent = self.agent_for(&channel.url)?;
        let signature = sign(&channel.secret, now.0.div_euclid(1_000_000), &delivery.payload);
        let answer = agent
            .post(&channel.url)
            .header("content-type", "application/json")
            .header(DELIVERY_HEADER, delivery.delivery_id.as_str())
            .header(SIGNATURE_HEADER, signature)
            .send(delivery.payload.as_slice())
            .map_err(|error| reason(&error))?;
        let status = answer.status();
        if status.is_success() { Ok(()) } else { Err(format!("the channel answered {}", status.as_u16())) }
    }

    fn agent_for(&self, url: &str) -> Result<&Agent, String> {
        let is_secure = url.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"));
        if !is_secure {
            return Ok(&self.plain);
        }
        let secure = self.secure.get_or_init(|| trusted().map(|roots| agent(Some(roots))));
        secure.as_ref().ok_or_else(|| "this machine trusts no certificate".to_owned())
    }
}

fn agent(roots: Option<RootCerts>) -> Agent {
    let mut tls =
        TlsConfig::builder().unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()));
    if let Some(roots) = roots {
        tls = tls.root_certs(roots);
    }
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .user_agent(concat!("exhibit/", env!("CARGO_PKG_VERSION")))
        .max_response_header_size(ANSWER_HEAD_BYTES_MAX)
        // A connection of which the body was not read cannot be used again.
        .max_idle_connections(0)
        .timeout_global(Some(ATTEMPT_WITHIN))
        .tls_config(tls.build());
    config.build().new_agent()
}

/// The certificates that this machine trusts.
fn trusted() -> Option<RootCerts> {
    let found = rustls_native_certs::load_native_certs();
    let certificates = found.certs.iter().map(|certificate| Certificate::from_der(certificate).to_owned());
    (!found.certs.is_empty()).then(|| certificates.into())
}

/// Why nothing was answered. Addresses may hold secrets of their own, so no text that could repeat one is taken over.
fn reason(error: &Error) -> String {
    match error {
        Error::HostNotFound => "no machine has that name".to_owned(),
        Error::Timeout(Timeout::Resolve | Timeout::Connect) => {
            format!("there was no connection within {} s", ATTEMPT_WITHIN.as_secs())
        }
        Error::Timeout(_) => format!("there was no answer within {} s", ATTEMPT_WITHIN.as_secs()),
        Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => "nobody listens there".to_owned(),
        // What TLS has to say comes as bytes that are not valid.
        Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            "there is no trusted connection".to_owned()
        }
        Error::Io(error) => format!("the connection failed: {}", error.kind()),
        Error::Tls(_) | Error::Rustls(_) | Error::Pem(_) => "there is no trusted connection".to_owned(),
        Error::BadUri(_) | Error::Http(_) => "the address cannot be asked".to_owned(),
        _ => "the answer is no HTTP".to_owned(),
    }
}
