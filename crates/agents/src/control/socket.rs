//! One connection to a gateway: a blocking WebSocket on which every read and write ends at a deadline.
//!
//! No runtime and no thread of its own: a call borrows a connection, asks, and reads until its answer is there. Events that arrive in
//! between are passed over, as status is asked for anew each second anyway. That is all an operator's tool needs, and a tenth of the
//! crates that an asynchronous client would bring.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use thiserror::Error;
use tungstenite::error::ProtocolError;
use tungstenite::http::Uri;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Error as Fault, HandshakeError, Message, WebSocket};

use super::controller::{ControlError, Deadline};
use super::wire::{CHALLENGE, Frame, MESSAGE_BYTES_MAX, PeerError, check_greeting, connect_params};
use super::words::printable;

/// Port of a gateway whose address names none.
pub const PORT: u16 = 18_789;
/// Time to connect and greet: on one machine it takes milliseconds, and a gateway under load a second or two.
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// Addresses of one name that are tried: `localhost` has two.
const ADDRESSES_MAX: usize = 4;
/// Frames that are passed over while waiting for one answer: hours of ticks, or a busy second of a chat that streams.
const FRAMES_MAX: usize = 10_000;

/// Where a gateway listens: `ws://host:port/path`.
#[derive(Clone, PartialEq, Eq)]
pub struct GatewayUrl {
    uri: Uri,
    host: String,
    port: u16,
    loopback_alone: bool,
}

/// An address that is not used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UrlFault {
    /// It cannot be read, or has no host.
    #[error("the gateway address is no URL with a host")]
    Malformed,
    /// Not `ws://`.
    #[error("the gateway address has to begin with ws://")]
    Scheme,
    /// The token would cross a network in the clear.
    #[error("the gateway address is not on this machine")]
    NotLoopback,
}

impl GatewayUrl {
    /// An address on this machine: `localhost`, or a loopback number.
    ///
    /// # Errors
    /// [`UrlFault`].
    pub fn loopback(text: &str) -> Result<Self, UrlFault> {
        let mut url = Self::anywhere(text)?;
        let is_loopback = match url.host.parse::<IpAddr>() {
            Ok(number) => number.is_loopback(),
            Err(_) => url.host.eq_ignore_ascii_case("localhost"),
        };
        url.loopback_alone = true;
        if is_loopback { Ok(url) } else { Err(UrlFault::NotLoopback) }
    }

    /// Any address. The token crosses the network in the clear, so this is for tunnels and trusted networks, by choice of the operator.
    /// A name is resolved when connecting, which may take as long as the resolver of the system takes.
    ///
    /// # Errors
    /// [`UrlFault::Malformed`], [`UrlFault::Scheme`].
    pub fn anywhere(text: &str) -> Result<Self, UrlFault> {
        let uri: Uri = text.trim().parse().map_err(|_| UrlFault::Malformed)?;
        if uri.scheme_str() != Some("ws") {
            return Err(UrlFault::Scheme);
        }
        // Read from the text, as a port out of range would otherwise count as none, and a user name could pass for a host.
        let rest = uri.authority().and_then(|authority| authority.as_str().strip_prefix(authority.host()));
        let port = match rest.ok_or(UrlFault::Malformed)? {
            "" => PORT,
            rest => rest.strip_prefix(':').and_then(|port| port.parse().ok()).ok_or(UrlFault::Malformed)?,
        };
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(UrlFault::Malformed);
        }
        Ok(Self { uri, host, port, loopback_alone: false })
    }

    fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        let all = (self.host.as_str(), self.port).to_socket_addrs()?;
        // A resolver that sends `localhost` elsewhere gets no token.
        Ok(all.filter(|at| !self.loopback_alone || at.ip().is_loopback()).take(ADDRESSES_MAX).collect())
    }
}

impl fmt::Debug for GatewayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Path and query are left out: some people put tokens there.
        write!(f, "ws://{}:{}", self.host, self.port)
    }
}

/// A socket whose reads and writes all end at one deadline, however slowly the other side sends.
#[derive(Debug)]
struct TimedStream {
    tcp: TcpStream,
    deadline: Deadline,
}

impl TimedStream {
    fn timed<T>(&mut self, mut step: impl FnMut(&mut TcpStream, Duration) -> io::Result<T>) -> io::Result<T> {
        loop {
            let left = self.deadline.left();
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            match step(&mut self.tcp, left) {
                // A signal of this process, or a timer that fired a little early: what is left decides.
                Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => {}
                other => return other,
            }
        }
    }
}

impl Read for TimedStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.timed(|tcp, left| {
            tcp.set_read_timeout(Some(left))?;
            tcp.read(buffer)
        })
    }
}

impl Write for TimedStream {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.timed(|tcp, left| {
            tcp.set_write_timeout(Some(left))?;
            tcp.write(buffer)
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tcp.flush()
    }
}

/// A connection that was let in. After any error but a refusal it is of no more use: an answer may still be on its way.
#[derive(Debug)]
pub(super) struct Connection {
    socket: WebSocket<TimedStream>,
    requests: u64,
    used_at: Instant,
    is_usable: bool,
}

impl Connection {
    /// Connects, waits for the challenge, and introduces itself.
    ///
    /// # Errors
    /// [`ControlError::NotLetIn`] when the gateway says no, else [`ControlError::Unavailable`]: nothing was ordered yet.
    pub(super) fn open(url: &GatewayUrl, token: Option<&str>, deadline: Deadline) -> Result<Self, ControlError> {
        let deadline = deadline.at_most(CONNECT_TIME);
        let tcp = connect(url, deadline)?;
        let limits = WebSocketConfig::default()
            .max_message_size(Some(MESSAGE_BYTES_MAX))
            .max_frame_size(Some(MESSAGE_BYTES_MAX));
        let stream = TimedStream { tcp, deadline };
        let socket = match tungstenite::client::client_with_config(url.uri.clone(), stream, Some(limits)) {
            Ok((socket, _)) => socket,
            Err(HandshakeError::Failure(error)) => return Err(unavailable(&error)),
            Err(HandshakeError::Interrupted(_)) => return Err(unavailable(&"the handshake stopped")),
        };
        let mut connection = Self { socket, requests: 0, used_at: Instant::now(), is_usable: true };
        connection.introduce(token).map_err(|error| match error {
            ControlError::Unavailable { .. } => error,
            ControlError::Refused { reason } => ControlError::NotLetIn { reason },
            other => unavailable(&format!("not let in: {}", other.detail())),
        })?;
        Ok(connection)
    }

    fn introduce(&mut self, token: Option<&str>) -> Result<(), ControlError> {
        let challenged = (0..FRAMES_MAX).find_map(|_| match self.next_frame() {
            Ok(Frame::Event { event, .. }) if event == CHALLENGE => Some(Ok(())),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        });
        challenged.unwrap_or_else(|| Err(protocol(&"no challenge")))?;
        let greeting = self.exchange("connect", connect_params(token))?;
        check_greeting(&greeting).map_err(|fault| protocol(&fault))
    }

    /// Asks, and reads until the answer is there.
    ///
    /// # Errors
    /// `Refused` by the gateway; `NoAnswer` when the connection or the time ended first; `Protocol` for rubbish.
    pub(super) fn request(&mut self, method: &str, params: Value, deadline: Deadline) -> Result<Value, ControlError> {
        self.socket.get_mut().deadline = deadline;
        let answer = self.exchange(method, params);
        self.is_usable = matches!(answer, Ok(_) | Err(ControlError::Refused { .. }));
        self.used_at = Instant::now();
        answer
    }

    /// Whether it may be lent again.
    pub(super) fn is_usable(&self) -> bool {
        self.is_usable
    }

    /// How long it was not used.
    pub(super) fn idle_time(&self) -> Duration {
        self.used_at.elapsed()
    }

    fn exchange(&mut self, method: &str, params: Value) -> Result<Value, ControlError> {
        self.requests += 1;
        let id = self.requests.to_string();
        let frame = Frame::Request { id: id.clone(), method: method.to_owned(), params };
        self.socket.send(Message::text(frame.to_text())).map_err(|error| no_answer(&error))?;
        for _ in 0..FRAMES_MAX {
            match self.next_frame()? {
                Frame::Response { id: answered, answer } if answered == id => {
                    return answer
                        .map_err(|PeerError { code, message }| ControlError::refused(&format!("{message} ({code})")));
                }
                // Events, and whatever a gateway may send besides.
                _ => {}
            }
        }
        Err(protocol(&"too many frames before an answer"))
    }

    fn next_frame(&mut self) -> Result<Frame, ControlError> {
        // Pings and pongs are answered by the library and worth no count of their own: the deadline ends a flood of them.
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => return Frame::parse(text.as_str()).map_err(|fault| protocol(&fault)),
                Ok(Message::Binary(_)) => return Err(protocol(&"a binary message")),
                Ok(Message::Close(frame)) => {
                    let why = frame.map(|frame| frame.reason.to_string()).unwrap_or_default();
                    return Err(no_answer(&format!("the gateway closed the connection: {why}")));
                }
                Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
                Err(Fault::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => {
                    return Err(no_answer(&"the connection was lost"));
                }
                Err(error @ (Fault::Capacity(_) | Fault::Protocol(_) | Fault::Utf8(_))) => {
                    return Err(protocol(&error));
                }
                Err(error) => return Err(no_answer(&error)),
            }
        }
    }
}

fn connect(url: &GatewayUrl, deadline: Deadline) -> Result<TcpStream, ControlError> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address on this machine");
    for address in url.addresses().map_err(|error| unavailable(&error))? {
        let left = deadline.left();
        if left.is_zero() {
            return Err(unavailable(&"no time left to connect"));
        }
        match TcpStream::connect_timeout(&address, left) {
            Ok(tcp) => {
                // Small frames should not wait for more; without it they still arrive.
                tcp.set_nodelay(true).ok();
                return Ok(tcp);
            }
            Err(error) => last = error,
        }
    }
    Err(unavailable(&last))
}

pub(super) fn unavailable(reason: &dyn fmt::Display) -> ControlError {
    ControlError::Unavailable { reason: printable(&reason.to_string()) }
}

fn no_answer(reason: &dyn fmt::Display) -> ControlError {
    ControlError::NoAnswer { reason: printable(&reason.to_string()) }
}

fn protocol(reason: &dyn fmt::Display) -> ControlError {
    ControlError::Protocol { reason: printable(&reason.to_string()) }
}

/// Parameters of a method that takes none.
pub(super) fn nothing() -> Value {
    json!({})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_addresses_of_this_machine_are_taken_without_asking() {
        for good in ["ws://127.0.0.1:18789", "ws://localhost", "ws://[::1]:9/ws", " ws://127.1.2.3/ "] {
            assert!(GatewayUrl::loopback(good).is_ok(), "{good}");
        }
        for (bad, fault) in [
            ("wss://127.0.0.1", UrlFault::Scheme),
            ("http://127.0.0.1", UrlFault::Scheme),
            ("127.0.0.1:18789", UrlFault::Scheme),
            ("ws://10.0.0.1", UrlFault::NotLoopback),
            ("ws://localhost.example.org", UrlFault::NotLoopback),
            ("ws://0.0.0.0", UrlFault::NotLoopback),
            ("ws://127.0.0.1@gateway.example.org", UrlFault::Malformed),
            ("ws://127.0.0.1:99999", UrlFault::Malformed),
            ("ws://127.0.0.1:", UrlFault::Malformed),
            ("ws://", UrlFault::Malformed),
            ("", UrlFault::Malformed),
        ] {
            assert_eq!(GatewayUrl::loopback(bad), Err(fault), "{bad}");
        }
        let url = GatewayUrl::anywhere("ws://gateway.example.org/ws?token=secret").unwrap();
        assert_eq!(format!("{url:?}"), "ws://gateway.example.org:18789");
    }
}
