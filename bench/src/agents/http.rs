//! Documents over HTTP: the program as a server, and clients that each wait for an answer before they send the next document.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use super::acks::CLIENTS;
use super::traffic::document;
use crate::report::{Line, Ratio};
use crate::scale::Scale;
use crate::server::{Client, Server, serve};

/// Documents.
const DOCUMENTS: i64 = 20_000;

/// Where they are sent.
const INGEST: &str = "/api/v3/ingest/session";

/// Acknowledged documents in a second, each commit on the disk. The clients run on the same cores.
///
/// # Errors
/// When the server does not start or does not take a document in.
pub fn measure(exhibit: &Path, scale: Scale) -> Result<Vec<Line>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let home = folder.path().join("home");
    let command = |arguments: &[&str]| {
        let mut command = Command::new(exhibit);
        command.arg("--home").arg(&home).arg("--quiet").args(arguments);
        command
    };
    let server = serve(&command, "ingest")?;
    let documents: Vec<Vec<u8>> = (0..scale.of(DOCUMENTS, 1_000)).map(document).collect();
    let begun = Instant::now();
    let sent: Vec<Result<(), String>> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                scope.spawn({
                    let (server, documents) = (&server, &documents);
                    move || send(server, documents, number)
                })
            })
            .collect();
        clients
            .into_iter()
            .map(|client| client.join().unwrap_or_else(|_| Err("a client panicked".to_owned())))
            .collect()
    });
    sent.into_iter().collect::<Result<(), String>>()?;
    let rate = documents.len() as f64 / begun.elapsed().as_secs_f64();
    Ok(vec![Line {
        work: format!("agents, whole documents over HTTP, {CLIENTS} clients, SQLite, synchronous full"),
        ours: format!("{rate:.0} acks/s"),
        peer: "for information".to_owned(),
        ratio: Ratio::at_least(rate, 0.0),
    }])
}

/// One client with its share.
fn send(server: &Server, documents: &[Vec<u8>], number: usize) -> Result<(), String> {
    let mut client = Client::new(server)?;
    for document in documents.iter().skip(number).step_by(CLIENTS) {
        client.post(INGEST, document)?;
    }
    Ok(())
}
