//! A gateway for drills and tests: it speaks the protocol of OpenClaw on a real loopback socket and misbehaves on request.
//!
//! `agents fake-gateway` runs it, so that an operator can try every page and every order without an agent. It keeps its sessions in
//! memory, runs nothing, and listens on this machine alone.

mod behaviour;
mod desk;

use std::collections::HashMap;
use std::io::{self, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use exhibit_model::time::Clock;
use serde_json::{Value, json};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Message, WebSocket};

pub use self::behaviour::{Behaviour, BehaviourFault};
use self::desk::Desk;
pub use self::desk::{FakeSession, METHODS};
use super::wire::{CHALLENGE, Frame, MESSAGE_BYTES_MAX, PROTOCOL_MAX, PeerError};

/// Connections at a time; further ones are closed at once.
const CONNECTIONS_MAX: usize = 32;
/// Requests that are remembered for whoever asks what came in: a test looks at a handful.
const REQUESTS_MAX: usize = 10_000;
/// Time for one write. A client that does not read is let go, so that stopping never waits for it.
const WRITE_TIME: Duration = Duration::from_secs(5);
/// Bytes of an oversized answer: one mebibyte more than a client of ours reads.
const OVERSIZED_BYTES: usize = MESSAGE_BYTES_MAX + 1024 * 1024;

/// What a fake gateway begins with.
pub struct FakeSettings {
    /// The token that lets a client in.
    pub token: String,
    /// Its agents.
    pub agents: Vec<String>,
    /// Its sessions.
    pub sessions: Vec<FakeSession>,
    /// The time that its sessions show.
    pub clock: Arc<dyn Clock>,
}

impl FakeSettings {
    /// What a drill begins with: an agent that runs, one that finished, one that failed, and one that was never used.
    pub fn drill(token: &str, clock: Arc<dyn Clock>) -> Self {
        let session = |agent: &str, status: &str| FakeSession {
            status: status.to_owned(),
            ..FakeSession::running(agent, &format!("{agent}-0001"))
        };
        Self {
            token: token.to_owned(),
            agents: ["main", "writer", "tester", "spare"].map(str::to_owned).to_vec(),
            sessions: vec![session("main", "running"), session("writer", "done"), session("tester", "failed")],
            clock,
        }
    }
}

/// A running fake gateway. Dropping it closes all connections and ends its threads.
pub struct FakeGateway {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

struct Shared {
    token: String,
    state: Mutex<State>,
}

struct State {
    desk: Desk,
    behaviours: HashMap<String, Behaviour>,
    requests: Vec<(String, Value)>,
    /// Open connections by number, to close them from outside.
    open: HashMap<u64, TcpStream>,
    greetings: usize,
    is_stopping: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FakeGateway {
    /// Listens on loopback; port 0 takes any that is free.
    ///
    /// # Errors
    /// When the port is taken, or no thread can be started.
    pub fn start(settings: FakeSettings, port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let address = listener.local_addr()?;
        let state = State {
            desk: Desk::new(settings.agents, settings.sessions, settings.clock),
            behaviours: HashMap::new(),
            requests: Vec::new(),
            open: HashMap::new(),
            greetings: 0,
            is_stopping: false,
        };
        let shared = Arc::new(Shared { token: settings.token, state: Mutex::new(state) });
        let for_acceptor = Arc::clone(&shared);
        let acceptor = std::thread::Builder::new()
            .name("fake-gateway".to_owned())
            .spawn(move || accept_all(&listener, &for_acceptor))?;
        Ok(Self { address, shared, acceptor: Some(acceptor) })
    }

    /// Where it listens, as a client wants it.
    pub fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Treats a method in a way of its own from now on; `None` makes it behave again.
    pub fn behave(&self, method: &str, behaviour: Option<Behaviour>) {
        let mut state = self.shared.state();
        match behaviour {
            Some(behaviour) => state.behaviours.insert(method.to_owned(), behaviour),
            None => state.behaviours.remove(method),
        };
    }

    /// A session as it is now, by id or key.
    pub fn session(&self, id: &str) -> Option<FakeSession> {
        self.shared.state().desk.session(id).cloned()
    }

    /// All requests so far after the greeting, with their parameters.
    pub fn requests(&self) -> Vec<(String, Value)> {
        self.shared.state().requests.clone()
    }

    /// How many clients were let in so far.
    pub fn greetings(&self) -> usize {
        self.shared.state().greetings
    }

    /// Closes all connections; new ones are welcome.
    pub fn hang_up(&self) {
        close_all(&mut self.shared.state());
    }

    /// Serves until the process ends.
    pub fn wait(mut self) {
        if let Some(acceptor) = self.acceptor.take() {
            // The thread ends only with the gateway; a panic in it is over, too.
            acceptor.join().ok();
        }
    }
}

impl Drop for FakeGateway {
    fn drop(&mut self) {
        let Some(acceptor) = self.acceptor.take() else { return };
        let mut state = self.shared.state();
        state.is_stopping = true;
        close_all(&mut state);
        drop(state);
        // Wakes the acceptor, which then sees that it is to stop. Should the port be unreachable, the thread stays with the process.
        if TcpStream::connect(self.address).is_ok() {
            acceptor.join().ok();
        }
    }
}

fn close_all(state: &mut State) {
    for (_, tcp) in state.open.drain() {
        // It may be closed already.
        tcp.shutdown(Shutdown::Both).ok();
    }
}

fn accept_all(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    for (number, tcp) in (0_u64..).zip(listener.incoming()) {
        threads.retain(|thread| !thread.is_finished());
        let Ok(tcp) = tcp else { continue };
        let mut state = shared.state();
        if state.is_stopping {
            break;
        }
        if threads.len() >= CONNECTIONS_MAX {
            continue;
        }
        let Ok(handle) = tcp.try_clone() else { continue };
        state.open.insert(number, handle);
        drop(state);
        let for_client = Arc::clone(shared);
        let thread = std::thread::Builder::new().name("fake-gateway-client".to_owned()).spawn(move || {
            // A client that breaks the protocol or leaves ends its connection and nothing else.
            serve(tcp, &for_client).ok();
            if let Some(tcp) = for_client.state().open.remove(&number) {
                tcp.shutdown(Shutdown::Both).ok();
            }
        });
        threads.extend(thread.ok());
    }
    for thread in threads {
        thread.join().ok();
    }
}

type Socket = WebSocket<TcpStream>;

/// Why a connection ends: its text is of no interest to anyone.
struct Ended;

impl<E: std::error::Error> From<E> for Ended {
    fn from(_: E) -> Self {
        Self
    }
}

fn serve(tcp: TcpStream, shared: &Shared) -> Result<(), Ended> {
    tcp.set_write_timeout(Some(WRITE_TIME))?;
    // Event and answer are two small writes: together with delayed acknowledgements they would take 40 ms.
    tcp.set_nodelay(true)?;
    let limits =
        WebSocketConfig::default().max_message_size(Some(MESSAGE_BYTES_MAX)).max_frame_size(Some(MESSAGE_BYTES_MAX));
    let mut socket = tungstenite::accept_with_config(tcp, Some(limits)).map_err(|_| Ended)?;
    greet(&mut socket, shared)?;
    loop {
        let (id, method, params) = next_request(&mut socket)?;
        // An event first: clients have to pass over what they did not ask for.
        send(&mut socket, &Frame::Event { event: "tick".to_owned(), payload: json!({"ts": 0}) })?;
        answer(&mut socket, shared, id, &method, &params)?;
    }
}

fn greet(socket: &mut Socket, shared: &Shared) -> Result<(), Ended> {
    send(socket, &Frame::Event { event: CHALLENGE.to_owned(), payload: json!({"nonce": "fake", "ts": 0}) })?;
    let (id, method, params) = next_request(socket)?;
    let protocols = (params["minProtocol"].as_u64().unwrap_or(0), params["maxProtocol"].as_u64().unwrap_or(0));
    let problem = if method != "connect" {
        Some(("INVALID_REQUEST", "the first request has to be connect"))
    } else if params["auth"]["token"].as_str() != Some(&shared.token) {
        Some(("UNAUTHORIZED", "wrong token"))
    } else if params["role"] != "operator" || !params["client"]["id"].is_string() {
        Some(("INVALID_REQUEST", "invalid connect params"))
    } else if !(protocols.0..=protocols.1).contains(&PROTOCOL_MAX) {
        Some(("INVALID_REQUEST", "protocol mismatch"))
    } else {
        None
    };
    if let Some((code, message)) = problem {
        send(socket, &Frame::Response { id, answer: Err(peer_error(code, message)) })?;
        return Err(Ended);
    }
    shared.state().greetings += 1;
    let payload = json!({
        "type": "hello-ok", "protocol": PROTOCOL_MAX, "server": {"version": "fake", "connId": "fake"},
        "features": {"methods": desk::METHODS, "events": ["tick"]},
        "policy": {"maxPayload": MESSAGE_BYTES_MAX, "maxBufferedBytes": MESSAGE_BYTES_MAX, "tickIntervalMs": 30_000},
    });
    send(socket, &Frame::Response { id, answer: Ok(payload) })
}

fn answer(socket: &mut Socket, shared: &Shared, id: String, method: &str, params: &Value) -> Result<(), Ended> {
    let (behaviour, answer) = {
        let mut state = shared.state();
        if state.requests.len() < REQUESTS_MAX {
            state.requests.push((method.to_owned(), params.clone()));
        }
        let behaviour = state.behaviours.get(method).cloned();
        let answer = match &behaviour {
            Some(Behaviour::Refuse { message }) => Err(peer_error("INVALID_REQUEST", message)),
            Some(Behaviour::CloseBefore | Behaviour::Silent) => Err(peer_error("UNAVAILABLE", "not reached")),
            Some(Behaviour::NoEffect) => state.desk.without_effect(method, params),
            Some(Behaviour::Slow { looks }) => state.desk.act(method, params, *looks),
            _ => state.desk.act(method, params, 0),
        };
        (behaviour, answer)
    };
    let frame = Frame::Response { id, answer };
    match behaviour {
        Some(Behaviour::CloseBefore) => Err(Ended),
        Some(Behaviour::Silent) => Ok(()),
        Some(Behaviour::Rubbish) => Ok(socket.send(Message::text("}{ no frame"))?),
        Some(Behaviour::Oversized) => {
            let padding = "x".repeat(OVERSIZED_BYTES);
            Ok(socket.send(Message::text(json!({"type": "res", "padding": padding}).to_string()))?)
        }
        Some(Behaviour::CloseMidAnswer) => {
            // The header of a text frame that promises 1,024 bytes (RFC 6455, section 5.2), and only a few of them.
            let mut begun = vec![0x81, 126, 4, 0];
            begun.extend_from_slice(&frame.to_text().as_bytes()[..8]);
            socket.get_mut().write_all(&begun)?;
            Err(Ended)
        }
        _ => send(socket, &frame),
    }
}

fn next_request(socket: &mut Socket) -> Result<(String, String, Value), Ended> {
    loop {
        match socket.read()? {
            Message::Text(text) => match Frame::parse(text.as_str())? {
                Frame::Request { id, method, params } => return Ok((id, method, params)),
                _ => return Err(Ended),
            },
            Message::Ping(_) | Message::Pong(_) => {}
            _ => return Err(Ended),
        }
    }
}

fn send(socket: &mut Socket, frame: &Frame) -> Result<(), Ended> {
    Ok(socket.send(Message::text(frame.to_text()))?)
}

fn peer_error(code: &str, message: &str) -> PeerError {
    PeerError { code: code.to_owned(), message: message.to_owned() }
}
