//! Many clients at once: every request gets its answer, in time, and the server stays within its memory.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{Answer, connect, read};
use super::{Served, token};
use crate::world::{Backend, World, items, text};

both_backends! {
    sixty_four_clients_at_once_get_all_their_answers,
}

const CLIENTS: usize = 64;
/// Rounds of each client through all kinds of requests.
const ROUNDS: usize = 12;
/// The server gives each request 30 s. No answer comes near it, also while other tests run beside this one.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// How much the server may grow by. It is at rest at about 60 MiB in a build for tests; pages and thumbnails of all clients at once are a few MiB.
const GROWTH_KIB_MAX: u64 = 192 * 1024;

/// What a client asks for, and how long the answer took.
struct Told {
    status: u16,
    took: Duration,
}

fn sixty_four_clients_at_once_get_all_their_answers(backend: Backend) {
    let world = World::new(backend);
    world.sample(24, 1);
    // Files that cannot be read belong to the sample.
    let run = text(&world.json(&["run", "basics"])["run"]);
    let token = token(&world, "read,control");
    let served = Served::new(&world);
    let pictures = pictures(&served, &token);
    let rest = resident_kib(&served);
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let mut connection = Connection::new(&served.host, &token);
            let (pictures, run) = (pictures.clone(), run.clone());
            std::thread::spawn(move || {
                (0..ROUNDS).flat_map(|round| connection.round(client, round, &pictures, &run)).collect::<Vec<_>>()
            })
        })
        .collect();
    let mut told: Vec<Told> =
        clients.into_iter().flat_map(|client| client.join().expect("each client got its answers")).collect();
    assert_eq!(told.len(), CLIENTS * ROUNDS * REQUESTS_IN_A_ROUND, "an answer was lost");
    assert!(told.iter().all(|told| told.status < 400), "{:?}", told.iter().map(|told| told.status).max());
    told.sort_by_key(|told| told.took);
    let [middle, slow, slowest] = [told.len() / 2, told.len() * 99 / 100, told.len() - 1].map(|at| told[at].took);
    let grown = resident_kib(&served).saturating_sub(rest);
    println!(
        "{backend:?}: {} answers, p50 {middle:?}, p99 {slow:?}, slowest {slowest:?}, grown by {grown} KiB",
        told.len()
    );
    assert!(slowest < ANSWER_WITHIN, "an answer took {slowest:?}");
    assert!(grown < GROWTH_KIB_MAX, "the server grew by {grown} KiB over {rest} KiB");
    let made = items(served.json("/v1/collections?limit=1000", &token));
    let made = made.iter().filter(|one| one["name"].as_str().is_some_and(|name| name.starts_with("load_")));
    assert_eq!(made.count(), CLIENTS * ROUNDS.div_ceil(MUTATE_EVERY), "each acknowledged collection is there");
    world.verify_clean();
}

/// One kind after the other, as a person who looks through the library.
const REQUESTS_IN_A_ROUND: usize = 6;
/// Each how many rounds a collection is made instead of only looked at.
const MUTATE_EVERY: usize = 4;

/// A connection that stays.
struct Connection {
    stream: TcpStream,
    lines: String,
}

impl Connection {
    fn new(host: &str, token: &str) -> Self {
        let lines = format!("host: {host}\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n");
        Self { stream: connect(host), lines }
    }

    fn ask(&mut self, method: &str, path: &str, body: &str) -> Answer {
        let Self { stream, lines } = self;
        let request = format!("{method} {path} HTTP/1.1\r\n{lines}content-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(request.as_bytes()).expect("the server reads");
        read(stream).unwrap_or_else(|| panic!("no answer to {method} {path}"))
    }

    fn round(&mut self, client: usize, round: usize, pictures: &[String], run: &str) -> Vec<Told> {
        let picture = &pictures[(client + round) % pictures.len()];
        let edge = if round.is_multiple_of(2) { 256 } else { 1024 };
        let mut asked = vec![
            ("GET", "/v1/assets?filter=type:image&limit=50".to_owned(), Value::Null),
            ("GET", "/v1/timeline".to_owned(), Value::Null),
            ("GET", format!("/v1/assets/{picture}/thumbnail?edge={edge}"), Value::Null),
            ("GET", format!("/v1/assets/{picture}"), Value::Null),
            ("GET", format!("/v1/runs/{run}/units?state=done&limit=100"), Value::Null),
        ];
        asked.push(if round.is_multiple_of(MUTATE_EVERY) {
            let body = json!({ "name": format!("load_{client}_{round}"), "filter": "type:image" });
            ("POST", "/v1/collections".to_owned(), body)
        } else {
            ("GET", "/v1/collections".to_owned(), Value::Null)
        });
        let tell = |(method, path, body): (&str, String, Value)| {
            let began = Instant::now();
            let body = if body.is_null() { String::new() } else { body.to_string() };
            let status = self.ask(method, &path, &body).status;
            Told { status, took: began.elapsed() }
        };
        asked.into_iter().map(tell).collect()
    }
}

/// Assets that have a thumbnail.
fn pictures(served: &Served, token: &str) -> Vec<String> {
    let found = items(served.json("/v1/assets?filter=has:image.thumbnail&limit=100", token));
    found.iter().map(|asset| text(&asset["asset_id"])).collect()
}

/// Memory of the server that is in use now.
fn resident_kib(served: &Served) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", served.running.pid())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
