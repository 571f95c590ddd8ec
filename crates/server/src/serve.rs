//! Connections: bound first, answered at once, opened later, ended in order.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use exhibit_model::digest::Digest;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::answer::answer;
use crate::patience::Patient;
use crate::shared::{Opened, Options, Peer, Reason, Shared};
use crate::{audit, operations, router, session, status};

/// Headers of a request, at most. Browsers send about twenty.
const HEADERS_MAX: usize = 64;

/// Bytes of the headers of a request, at most.
const HEADER_BYTES_MAX: usize = 16 * 1024;

/// Bytes that a connection keeps in each direction, at most: with all connections open 64 MiB.
const BUFFER_BYTES_MAX: usize = 64 * 1024;

/// How long to wait when the system has no room for another connection.
const NO_ROOM: Duration = Duration::from_millis(100);

/// A server that listens.
pub struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Takes the address and answers from now on, though only with where it stands.
    ///
    /// # Errors
    /// When the address cannot be taken.
    pub async fn bind(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(&options, address.port()));
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { shared, address, accepting })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Says why it is not ready yet.
    pub fn not_ready(&self, reason: Reason) {
        self.shared.readiness.send_replace(Some(reason));
    }

    /// Answers everything from now on.
    pub fn open(&self, opened: Opened) {
        let shared = &self.shared;
        let Opened { store, routes, settings, doctor, counters } = opened;
        // Set once; a second call would be answered with what the first one opened.
        shared.store.set(store).ok();
        shared.counters.set(counters).ok();
        let mut all = session::routes(shared);
        all.extend(audit::routes(shared));
        all.extend(status::routes(shared, settings, doctor));
        all.extend(routes);
        let document = operations::Document::default();
        all.extend(operations::routes(shared, Arc::clone(&document)));
        let text = exhibit_http::document(&all, shared.version).to_string().into_bytes();
        let etag = Digest::of(&text).to_hex();
        document.set((text, etag)).ok();
        shared.router.set(router::router(shared, all)).ok();
        shared.readiness.send_replace(None);
    }

    /// Takes no more connections, lets requests end, and returns when all have, or when their time is over.
    pub async fn stop(self) {
        let limits = &self.shared.limits;
        self.not_ready(Reason::Stopping);
        if let Err(error) = self.accepting.await {
            tracing::error!(%error, "the server did not end in order");
        }
        // What was begun goes on without its connection; its room is free when it has ended.
        let rooms = u32::try_from(limits.requests).unwrap_or(u32::MAX);
        if timeout(limits.stopping, self.shared.requests.acquire_many(rooms)).await.is_err() {
            tracing::warn!("requests were still worked on when the server ended");
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let room = Arc::new(Semaphore::new(shared.limits.connections));
    let mut stopping = shared.readiness.subscribe();
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let next = async {
            // Never closed.
            let permit = Arc::clone(&room).acquire_owned().await.ok();
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            next = next => next,
            () = stops(&mut stopping) => break,
        };
        match accepted {
            Ok((stream, from)) => {
                let shared = Arc::clone(&shared);
                connections.spawn(async move {
                    connection(stream, from, shared).await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(NO_ROOM).await;
            }
        }
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    if timeout(shared.limits.stopping, ended).await.is_err() {
        tracing::warn!("connections were still open when the server ended");
    }
}

async fn stops(readiness: &mut watch::Receiver<Option<crate::Reason>>) {
    // The sender lives as long as whoever waits here.
    readiness.wait_for(|reason| *reason == Some(Reason::Stopping)).await.ok();
}

async fn connection(stream: TcpStream, from: SocketAddr, shared: Arc<Shared>) {
    shared.metrics.connected();
    // Answers are written whole; waiting for more would only delay events.
    stream.set_nodelay(true).ok();
    let peer = Peer(Some(from.ip().to_canonical()));
    let mut stopping = shared.readiness.subscribe();
    let io = Patient::new(stream, shared.limits.stalled);
    let headers = shared.limits.headers;
    let service = service_fn(move |request| answer(Arc::clone(&shared), peer, request));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(headers);
    builder.max_headers(HEADERS_MAX).max_header_size(HEADER_BYTES_MAX).max_buf_size(BUFFER_BYTES_MAX);
    let connection = builder.serve_connection(io, service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stops(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // The other side left, was too slow or spoke no HTTP; nothing of ours went wrong.
        tracing::debug!(%error, "a connection ended early");
    }
}
