//! The program as a server, and clients that keep their connection.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server that is stopped in the end.
pub struct Server {
    /// The process.
    pub process: Child,
    /// Address and port.
    pub host: String,
    /// What it lets in.
    pub token: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing of it is needed any more.
        self.process.kill().and_then(|()| self.process.wait()).ok();
    }
}

/// Starts the program as a server with a token of these scopes.
///
/// # Errors
/// When it does not start.
pub fn serve(command: &dyn Fn(&[&str]) -> Command, scopes: &str) -> Result<Server, String> {
    let made = command(&["tokens", "create", "bench", "--scopes", scopes, "--json"]).output();
    let made = made.map_err(|error| error.to_string())?;
    let said: serde_json::Value = serde_json::from_slice(&made.stdout).map_err(|error| error.to_string())?;
    let token = said["token"].as_str().ok_or("no token was made")?.to_owned();
    let mut serve = command(&["serve", "--listen", "127.0.0.1:0", "--no-login-link", "--json"]);
    let mut process = serve.stdout(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
    let mut line = String::new();
    if let Some(stdout) = process.stdout.take() {
        BufReader::new(stdout).read_line(&mut line).map_err(|error| error.to_string())?;
    }
    let said: serde_json::Value = serde_json::from_str(&line).map_err(|error| format!("{error}: {line}"))?;
    let host = said["listen"].as_str().ok_or("the server does not say where it is")?.to_owned();
    Ok(Server { process, host, token })
}

/// A connection that is kept.
pub struct Client<'a> {
    server: &'a Server,
    stream: BufReader<TcpStream>,
}

impl<'a> Client<'a> {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens.
    pub fn new(server: &'a Server) -> Result<Self, String> {
        let stream = TcpStream::connect(&server.host).map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        Ok(Self { server, stream: BufReader::new(stream) })
    }

    /// Asks, and returns the answer and how long it took until the last byte.
    ///
    /// # Errors
    /// When it is not answered with 200.
    pub fn get(&mut self, path: &str) -> Result<(Vec<u8>, Duration), String> {
        let Server { host, token, .. } = self.server;
        let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n\r\n");
        self.ask(path, request.as_bytes())
    }

    /// Sends JSON, and returns the answer and how long it took until the last byte.
    ///
    /// # Errors
    /// When it is not answered with 200.
    pub fn post(&mut self, path: &str, body: &[u8]) -> Result<(Vec<u8>, Duration), String> {
        let Server { host, token, .. } = self.server;
        let mut request = format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        self.ask(path, &request)
    }

    fn ask(&mut self, path: &str, request: &[u8]) -> Result<(Vec<u8>, Duration), String> {
        let asked = Instant::now();
        self.stream.get_mut().write_all(request).map_err(|error| error.to_string())?;
        let (mut length, mut first) = (0, String::new());
        self.stream.read_line(&mut first).map_err(|error| error.to_string())?;
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).map_err(|error| error.to_string())?;
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().map_err(|_| line.to_string())?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).map_err(|error| error.to_string())?;
        if !first.contains(" 200 ") {
            return Err(format!("{path}: {first}"));
        }
        Ok((body, asked.elapsed()))
    }
}
