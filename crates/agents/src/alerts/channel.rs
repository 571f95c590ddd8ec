//! Channels: where alerts are told, and the secret that proves by whom.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::reading::{self, Problem};

/// Longest id of a channel, in bytes: it stands in paths and in rows of deliveries.
const ID_BYTES_MAX: usize = 64;

/// Longest address, in bytes: what common servers take as a request line leaves room for twice as much.
const URL_BYTES_MAX: usize = 2048;

/// Longest name of a host, in bytes (RFC 1035, section 2.3.4).
const HOST_BYTES_MAX: usize = 253;

/// Shortest secret, in bytes: 128 bits, even if each byte were random; below that a key can be guessed.
const SECRET_BYTES_MIN: usize = 16;

/// Longest secret, in bytes: four blocks of the hash; more adds nothing.
const SECRET_BYTES_MAX: usize = 256;

/// The fields of a channel.
const FIELDS: [&str; 4] = ["id", "url", "secret", "enabled"];

/// A webhook. It serialises without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Its id: 1 to 64 letters, digits, `.`, `_`, `-`.
    pub id: String,
    /// Where deliveries are sent.
    pub url: String,
    /// What deliveries are signed with.
    pub secret: Secret,
    /// Whether anything is sent.
    pub enabled: bool,
}

/// A secret: 16 to 256 bytes that are written nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Reads a secret; `None` when it is too short or too long, or holds U+0000, which not every database keeps.
    pub fn parse(text: &str) -> Option<Self> {
        ((SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&text.len()) && !text.contains('\0'))
            .then(|| Self(text.to_owned()))
    }

    /// The secret itself, for the signature and for the row of the channel.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

impl Channel {
    /// Reads the body of a request that makes a channel: `{id, url, secret, enabled?}`; it is enabled unless it says otherwise. Plain
    /// `http` is taken to the loopback of this machine, elsewhere only where `allows_plain_http` says so.
    ///
    /// # Errors
    /// The first problem: what is required, then fields that nobody knows, then values, in the order of the fields.
    pub fn create(body: &Value, allows_plain_http: bool) -> Result<Self, Problem> {
        let map = &reading::fields(body);
        for name in ["id", "url", "secret"] {
            if reading::get(map, name).is_none() {
                return Err(Problem::Required(name));
            }
        }
        if let Some(name) = reading::unknown(map, |name| FIELDS.contains(&name)) {
            return Err(Problem::not_supported(name));
        }
        let id = |value: &Value| value.as_str().filter(|id| is_id(id)).map(str::to_owned);
        let url = |value: &Value| value.as_str().filter(|url| is_url(url, allows_plain_http)).map(str::to_owned);
        let secret = |value: &Value| value.as_str().and_then(Secret::parse);
        Ok(Self {
            id: reading::optional(map, "id", id)?.ok_or(Problem::Required("id"))?,
            url: reading::optional(map, "url", url)?.ok_or(Problem::Required("url"))?,
            secret: reading::optional(map, "secret", secret)?.ok_or(Problem::Required("secret"))?,
            enabled: reading::optional(map, "enabled", Value::as_bool)?.unwrap_or(true),
        })
    }

    /// This channel with the fields of a body in place of its own. The id stays: another one is not valid. `null` is the same as absent.
    ///
    /// # Errors
    /// As in [`Channel::create`].
    pub fn patched(&self, body: &Value, allows_plain_http: bool) -> Result<Self, Problem> {
        let mut merged = serde_json::Map::from_iter([
            ("id".to_owned(), Value::from(self.id.as_str())),
            ("url".to_owned(), Value::from(self.url.as_str())),
            ("secret".to_owned(), Value::from(self.secret.reveal())),
            ("enabled".to_owned(), Value::from(self.enabled)),
        ]);
        for (name, value) in reading::object(body)?.iter().filter(|(_, value)| !value.is_null()) {
            merged.insert(name.clone(), value.clone());
        }
        let channel = Self::create(&Value::Object(merged), allows_plain_http)?;
        if channel.id == self.id { Ok(channel) } else { Err(Problem::not_valid("id")) }
    }
}

impl Serialize for Channel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct View<'a> {
            id: &'a str,
            url: &'a str,
            enabled: bool,
        }
        View { id: &self.id, url: &self.url, enabled: self.enabled }.serialize(serializer)
    }
}

/// Whether a text is the id of a channel.
pub(super) fn is_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(plain)
}

/// Whether deliveries may go to an address: `http` or `https`, a host, perhaps a port, a path and a query (RFC 3986), and nothing that two
/// readers could understand differently: no user, no fragment, no character outside printable ASCII, no backslash.
fn is_url(url: &str, allows_plain_http: bool) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"\\#\"<>^`{|}".contains(&byte);
    if url.len() > URL_BYTES_MAX || !url.bytes().all(plain) {
        return false;
    }
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let is_secure = scheme.eq_ignore_ascii_case("https");
    if !is_secure && !scheme.eq_ignore_ascii_case("http") {
        return false;
    }
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let Some(host) = host_of(authority) else { return false };
    is_secure || allows_plain_http || is_loopback(host)
}

/// The host of `host` or `host:port`; `None` for anything else.
fn host_of(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (address, after) = rest.split_once(']')?;
            address.parse::<Ipv6Addr>().ok()?;
            (address, if after.is_empty() { None } else { Some(after.strip_prefix(':')?) })
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (named(host)?, Some(port)),
            None => (named(authority)?, None),
        },
    };
    let is_port =
        |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
    port.is_none_or(is_port).then_some(host)
}

/// A name of letters, digits, hyphens and dots, without empty labels.
fn named(host: &str) -> Option<&str> {
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    (host.len() <= HOST_BYTES_MAX && host.split('.').all(label)).then_some(host)
}

/// Whether a host is this machine, whatever a name server says.
fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || host.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback())
}
