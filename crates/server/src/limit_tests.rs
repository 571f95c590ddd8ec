//! The bounds of the server, with routes that do what no real one should.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{Method, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::MethodFilter;
use exhibit_http::{Access, Route};
use exhibit_model::time::{CountingIds, FixedClock, Timestamp};
use exhibit_store::sql::audit;
use exhibit_store::{Location, Store, StoreOptions, Synchronous};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::{CHANCE_BYTES, Limits, Opened, Options, Server};

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

struct World {
    server: Server,
    store: Store,
    /// Lets the handlers that wait go on.
    go_on: Arc<Notify>,
    /// Says that a handler waits.
    waits: Arc<Notify>,
    _folder: tempfile::TempDir,
}

type Signals = (Arc<Notify>, Arc<Notify>);

async fn panics() -> Response {
    panic!("a handler that breaks");
}

async fn waits(State((waits, go_on)): State<Signals>) -> &'static str {
    waits.notify_one();
    go_on.notified().await;
    "done"
}

async fn streams() -> Response {
    let never = futures_util::stream::pending::<Result<Bytes, Infallible>>();
    let hello = futures_util::stream::iter([Ok(Bytes::from_static(b": hello\n\n"))]);
    let body = Body::from_stream(futures_util::StreamExt::chain(hello, never));
    ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
}

async fn pours() -> Response {
    let piece = Ok::<_, Infallible>(Bytes::from(vec![b'x'; 1 << 20]));
    Body::from_stream(futures_util::stream::repeat_with(move || piece.clone())).into_response()
}

impl World {
    async fn new(limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(StoreOptions {
            location: Location::Sqlite { path: folder.path().join("db"), synchronous: Synchronous::Normal },
            blobs: folder.path().join("blobs"),
            rooms: Vec::new(),
            clock: Arc::new(FixedClock::new(Timestamp(1))),
            process: 1,
            readers: 2,
        });
        let options = Options {
            dialects: Vec::new(),
            secret: crate::SharedSecret::default(),
            listen: ([127, 0, 0, 1], 0).into(),
            behind_proxy: false,
            hosts: Vec::new(),
            limits,
            version: "1",
            ids: Arc::new(CountingIds::new(1)),
            chance: || [7; CHANCE_BYTES],
        };
        let server = Server::bind(options).await.unwrap();
        let (waiting, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let signals = (Arc::clone(&waiting), Arc::clone(&go_on));
        let get = || (Method::GET, MethodFilter::GET);
        let post = || (Method::POST, MethodFilter::POST);
        let routes = vec![
            Route::new(get(), "/v1/panics", ("panics", ""), Access::Open, (panics, ())),
            Route::new(post(), "/v1/panics", ("changesAndPanics", ""), Access::Open, (panics, ())),
            Route::new(get(), "/v1/waits", ("waits", ""), Access::Open, (waits, signals.clone())),
            Route::new(post(), "/v1/waits", ("changesAndWaits", ""), Access::Open, (waits, signals)),
            Route::new(get(), "/v1/streams", ("streams", ""), Access::Open, (streams, ())),
            Route::new(get(), "/v1/pours", ("pours", ""), Access::Open, (pours, ())),
        ];
        let doctor: crate::Doctor = Arc::new(|| Box::pin(async { Ok(serde_json::json!({})) }));
        let store = store.unwrap();
        let counters = Vec::new();
        server.open(Opened { store: store.clone(), routes, settings: serde_json::json!({}), doctor, counters });
        Self { server, store, go_on, waits: waiting, _folder: folder }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.server.address()).await.unwrap()
    }

    /// Sends a request and returns before it is answered.
    async fn begin(&self, method: &str, path: &str) -> TcpStream {
        let mut stream = self.connect().await;
        let port = self.server.address().port();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost:{port}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    }

    async fn ask(&self, method: &str, path: &str) -> String {
        rest(self.begin(method, path).await).await
    }

    async fn outcomes(&self) -> Vec<(String, Option<i64>)> {
        let entries = self.store.read(|read| audit::newest(read, i64::MAX, 9)).await.unwrap();
        entries.into_iter().map(|entry| (entry.intent.path, entry.status)).collect()
    }
}

async fn rest(mut stream: TcpStream) -> String {
    let mut said = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut said)).await.expect("an end").ok();
    String::from_utf8(said).unwrap()
}

#[track_caller]
fn says(answer: &str, status: u16, code: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    assert!(answer.contains(&format!("\"code\":\"{code}\"")), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_costs_its_own_request_alone() {
    let world = World::new(Limits::default()).await;
    says(&world.ask("GET", "/v1/panics").await, 500, "internal");
    says(&world.ask("POST", "/v1/panics").await, 500, "internal");
    assert!(world.ask("GET", "/readyz").await.contains("\"ready\""));
    assert_eq!(world.outcomes().await, [("/v1/panics".to_owned(), Some(500))]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_takes_too_long_is_given_up() {
    let world = World::new(Limits { request: Duration::from_millis(100), ..Limits::default() }).await;
    says(&world.ask("GET", "/v1/waits").await, 503, "too-slow");
    says(&world.ask("POST", "/v1/waits").await, 503, "too-slow");
    assert_eq!(world.outcomes().await, [("/v1/waits".to_owned(), Some(503))]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_requests_wait_and_are_turned_away() {
    let limits = Limits { requests: 1, request: Duration::from_secs(5), ..Limits::default() };
    let world = World::new(limits).await;
    let first = world.begin("GET", "/v1/waits").await;
    world.waits.notified().await;
    let second = world.begin("GET", "/openapi.json").await;
    world.go_on.notify_one();
    assert!(rest(first).await.ends_with("done"));
    assert!(rest(second).await.starts_with("HTTP/1.1 200"), "its turn came");

    let limits = Limits { requests: 1, request: Duration::from_millis(300), ..Limits::default() };
    let world = World::new(limits).await;
    let first = world.begin("POST", "/v1/waits").await;
    world.waits.notified().await;
    let second = world.begin("GET", "/openapi.json").await;
    let (first, second) = (rest(first).await, rest(second).await);
    says(&first, 503, "too-slow");
    assert!(second.contains("too-busy") || second.starts_with("HTTP/1.1 200"), "{second}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_body_takes_nobodys_place() {
    let world = World::new(Limits { requests: 1, ..Limits::default() }).await;
    let mut slow = world.connect().await;
    let port = world.server.address().port();
    let head = format!("POST /v1/session HTTP/1.1\r\nhost: localhost:{port}\r\ncontent-type: application/json\r\n");
    slow.write_all((head + "content-length: 9\r\n\r\n{").as_bytes()).await.unwrap();
    let answer = tokio::time::timeout(Limits::default().body / 2, world.ask("GET", "/openapi.json")).await;
    assert!(answer.expect("at once").starts_with("HTTP/1.1 200"));
    drop(slow);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn event_streams_are_few_and_end_with_the_server() {
    let world = World::new(Limits { streams: 1, requests: 1, ..Limits::default() }).await;
    let mut stream = world.begin("GET", "/v1/streams").await;
    let mut piece = [0; 1024];
    let mut said = String::new();
    while !said.contains("hello") {
        let count = stream.read(&mut piece).await.unwrap();
        said.push_str(std::str::from_utf8(&piece[..count]).unwrap());
    }
    // It takes no place of a request.
    assert!(world.ask("GET", "/openapi.json").await.starts_with("HTTP/1.1 200"));
    says(&world.ask("GET", "/v1/streams").await, 503, "too-many-streams");
    world.server.stop().await;
    assert!(rest(stream).await.ends_with("0\r\n\r\n"), "it ends as a whole answer");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_goes_on_when_the_other_side_has_left() {
    let world = World::new(Limits::default()).await;
    let stream = world.begin("POST", "/v1/waits").await;
    world.waits.notified().await;
    assert_eq!(world.outcomes().await, [("/v1/waits".to_owned(), None)], "the intent comes first");
    drop(stream);
    let World { server, store, go_on, .. } = world;
    let stopped = tokio::spawn(server.stop());
    go_on.notify_one();
    stopped.await.unwrap();
    let entries = store.read(|read| audit::newest(read, i64::MAX, 9)).await.unwrap();
    assert_eq!(entries[0].status, Some(200), "the end of the server waited for it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_nothing_is_cut_off() {
    let world = World::new(Limits { stalled: Duration::from_millis(200), connections: 1, ..Limits::default() }).await;
    let stalled = world.begin("GET", "/v1/pours").await;
    // The only place is free again when the other one was given up.
    let answer = tokio::time::timeout(PATIENCE, world.ask("GET", "/readyz")).await.expect("an answer");
    assert!(answer.contains("\"ready\""), "{answer}");
    drop(stalled);
}
