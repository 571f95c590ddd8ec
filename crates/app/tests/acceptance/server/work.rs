//! Runs over HTTP: started, watched, stopped, gone on with; also when the server is killed.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::client::connect;
use super::{Served, token};
use crate::world::{Backend, RunStatus, World, items, text};

both_backends! {
    ar_25_a_run_is_started_watched_cancelled_and_resumed,
    ar_12_failed_units_are_listed_and_retried,
    ar_13_a_sandbox_run_is_promoted,
    ar_15_runs_are_compared,
    a_sandbox_run_goes_before_a_production_run,
    runs_that_cannot_be_are_refused,
    a_killed_server_loses_nothing_and_goes_on,
    a_server_that_ends_leaves_its_run_to_the_next,
    events_are_live_and_go_on_after_a_break,
}

impl Served {
    #[track_caller]
    fn start(&self, token: &str, body: Value) -> String {
        let answer = self.post("/v1/runs", token, &body);
        assert_eq!(answer.status, 201, "{}", answer.text());
        text(&answer.json()["run"])
    }

    #[track_caller]
    fn order(&self, token: &str, run: &str, word: &str) -> RunStatus {
        let answer = self.post(&format!("/v1/runs/{run}/{word}"), token, &json!({}));
        assert_eq!(answer.status, 200, "{word}: {}", answer.text());
        RunStatus::new(&answer.json())
    }

    /// Asks until a run is as it should be.
    #[track_caller]
    pub fn until(&self, token: &str, run: &str, wanted: impl Fn(&RunStatus) -> bool) -> RunStatus {
        let deadline = std::time::Instant::now() + crate::world::PATIENCE;
        loop {
            let status = RunStatus::new(&self.json(&format!("/v1/runs/{run}"), token));
            status.check();
            if wanted(&status) {
                return status;
            }
            assert!(std::time::Instant::now() < deadline, "{status:?}");
        }
    }
}

/// A world with small files, its server, and a token that may start runs.
fn served(backend: Backend, files: usize) -> (World, Served, String) {
    let world = World::new(backend);
    world.archive_of_small_files(files);
    let served = Served::new(&world);
    let token = token(&world, "read,control");
    (world, served, token)
}

fn slow(ms: u32) -> Value {
    json!({ "pipeline": "noop", "set": [format!("noop.sleep_ms={ms}")] })
}

/// AR-25: the hello world, observed live and steered through the API (drill B over HTTP): what was done stays, the rest is done later.
fn ar_25_a_run_is_started_watched_cancelled_and_resumed(backend: Backend) {
    let (world, served, token) = served(backend, 300);
    let run = served.start(&token, slow(10));
    served.until(&token, &run, |status| status.count("done") > 3);
    served.order(&token, &run, "pause");
    let paused = served.until(&token, &run, |status| status.state == "paused");
    assert!(paused.count("pending") > 0, "{paused:?}");
    served.order(&token, &run, "resume");
    served.until(&token, &run, |status| status.count("done") > paused.count("done"));
    served.order(&token, &run, "cancel");
    let cancelled = served.until(&token, &run, |status| status.state == "cancelled");
    assert!(cancelled.count("cancelled") > 0 && cancelled.count("done") > 0, "{cancelled:?}");
    let found = items(served.json(&format!("/v1/runs/{run}/artifacts?limit=1000"), &token));
    assert_eq!(found.len() as i64, cancelled.count("done"));
    served.order(&token, &run, "resume");
    let end = served.until(&token, &run, |status| status.state == "completed");
    assert_eq!(end.count("done"), 300);
    assert_eq!(served.json(&format!("/v1/runs/{run}"), &token), world.json(&["run", "show", &run]));
    let refused = served.post(&format!("/v1/runs/{run}/cancel"), &token, &json!({}));
    assert_eq!((refused.status, refused.code().as_str()), (409, "not-possible"));
    world.verify_clean();
}

/// AR-12: failures by reason, units page by page, and a retry that touches nothing else.
fn ar_12_failed_units_are_listed_and_retried(backend: Backend) {
    let (world, served, token) = served(backend, 40);
    let run = served.start(&token, json!({ "pipeline": "noop", "set": ["noop.fail_every=4"] }));
    let end = served.until(&token, &run, |status| status.state == "partial");
    assert_eq!(end.count("failed"), 10);
    let reasons = served.json(&format!("/v1/runs/{run}"), &token)["reasons"].clone();
    assert_eq!(reasons.as_array().map(Vec::len), Some(1), "{reasons}");
    let (mut failed, mut path) = (Vec::new(), format!("/v1/runs/{run}/units?state=failed&step=noop&limit=4"));
    loop {
        let page = served.json(&path, &token);
        failed.extend(items(page.clone()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/runs/{run}/units?state=failed&step=noop&limit=4&cursor={next}");
    }
    assert_eq!(failed.len(), 10);
    assert!(failed.iter().all(|unit| text(&unit["asset_id"]).starts_with("ast_")), "{failed:#?}");
    let by_reason = served.json(&format!("/v1/runs/{run}/units?state=failed&reason=nothing"), &token);
    assert_eq!(items(by_reason).len(), 0);
    for path in ["units?state=asleep", "units", "artifacts?kind=no.kind", "units?state=failed&cursor=x"] {
        assert_eq!(served.get(&format!("/v1/runs/{run}/{path}"), &token).status, 400, "{path}");
    }
    let before = world.attempts(&run);
    let one = served.post(&format!("/v1/runs/{run}/retry"), &token, &json!({ "unit": failed[0]["ordinal"] }));
    assert_eq!(one.status, 200, "{}", one.text());
    served.until(&token, &run, |status| status.state == "partial" && world.attempts(&run) != before);
    let tried = |count: i64| {
        served.until(&token, &run, |status| {
            status.state == "partial"
                && world.attempts(&run).values().sum::<i64>() == before.values().sum::<i64>() + count
        });
    };
    served.order(&token, &run, "retry");
    tried(11);
    let retry = |body: Value| served.post(&format!("/v1/runs/{run}/retry"), &token, &body);
    let both = retry(json!({ "unit": 1, "reason": "asked-to-fail" }));
    assert_eq!((both.status, &both.json()["errors"][0]["pointer"]), (400, &json!("/unit")), "{}", both.text());
    for none in [json!({ "reason": "too-large" }), json!({ "step": "thumbnail" })] {
        assert_eq!(retry(none.clone()).status, 409, "{none}");
    }
    let those = retry(json!({ "step": "noop", "reason": "asked-to-fail" }));
    assert_eq!(those.status, 200, "{}", those.text());
    tried(21);
    let after = world.attempts(&run);
    let grown: BTreeSet<&String> =
        after.iter().filter(|(unit, count)| before[*unit] < **count).map(|(unit, _)| unit).collect();
    let wanted: Vec<String> = failed.iter().map(|unit| text(&unit["unit"])).collect();
    assert_eq!(grown, wanted.iter().collect());
}

/// AR-13: results of a sandbox run stand apart until it is promoted.
fn ar_13_a_sandbox_run_is_promoted(backend: Backend) {
    let (world, served, token) = served(backend, 5);
    let run = served.start(&token, json!({ "pipeline": "noop", "policy": "sandbox" }));
    served.until(&token, &run, |status| status.state == "completed");
    let asset = text(&items(world.json(&["ls", "--limit", "1"])).remove(0)["asset_id"]);
    let facts =
        |more: &str| served.json(&format!("/v1/assets/{asset}{more}"), &token)["facts"].as_array().map_or(0, Vec::len);
    assert_eq!((facts(""), facts("?sandboxes=true")), (0, 1));
    assert_eq!(served.json(&format!("/v1/runs/{run}"), &token)["counts"], false);
    let promoted = served.post(&format!("/v1/runs/{run}/promote"), &token, &json!({}));
    assert_eq!((promoted.status, &promoted.json()["counts"]), (200, &json!(true)), "{}", promoted.text());
    assert_eq!(facts(""), 1);
    let production = served.start(&token, json!({ "pipeline": "noop", "recompute": true }));
    served.until(&token, &production, |status| status.state == "completed");
    let refused = served.post(&format!("/v1/runs/{production}/promote"), &token, &json!({}));
    assert_eq!((refused.status, refused.code().as_str()), (409, "refused"));
    world.verify_clean();
}

/// AR-15: the same comparison as on the command line.
fn ar_15_runs_are_compared(backend: Backend) {
    let (world, served, token) = served(backend, 12);
    let runs = ["noop.fail_every=0", "noop.fail_every=3"].map(|set| {
        let run = served.start(&token, json!({ "pipeline": "noop", "set": [set], "recompute": true }));
        served.until(&token, &run, |status| matches!(status.state.as_str(), "completed" | "partial"));
        run
    });
    let found = served.json(&format!("/v1/runs/{}/compare/{}", runs[0], runs[1]), &token);
    assert_eq!(found["more_reliable"]["run"], runs[0].as_str(), "{found}");
    assert_eq!(found["facts"], world.json(&["compare", &runs[0], &runs[1]])["facts"]);
    assert_eq!(served.get(&format!("/v1/runs/{}/compare/run_0", runs[0]), &token).status, 404);
}

/// A trial does not wait for hours: the production run gives way, waits as `queued`, and goes on.
fn a_sandbox_run_goes_before_a_production_run(backend: Backend) {
    let (_world, served, token) = served(backend, 120);
    let long = served.start(&token, slow(40));
    served.until(&token, &long, |status| status.count("done") > 0);
    let trial = served.start(&token, json!({ "pipeline": "noop", "policy": "sandbox", "filter": "sample 3 seed 1" }));
    served.until(&token, &trial, |status| status.state == "completed");
    let waiting = RunStatus::new(&served.json(&format!("/v1/runs/{long}"), &token));
    assert!(waiting.count("done") < 120, "the production run was over before the trial began: {waiting:?}");
    let end = served.until(&token, &long, |status| status.state == "completed");
    assert_eq!(end.count("done"), 120);
}

/// Each refusal is told before a run is made.
fn runs_that_cannot_be_are_refused(backend: Backend) {
    let (_world, served, token) = served(backend, 2);
    for (body, status, code) in [
        (json!({ "pipeline": "nothing" }), 404, "not-found"),
        (json!({ "pipeline": "noop", "collection": "nothing" }), 404, "not-found"),
        (json!({ "pipeline": "noop", "collection": "all", "filter": "type:image" }), 400, "body-invalid"),
        (json!({ "pipeline": "noop", "filter": "type:" }), 400, "filter-invalid"),
        (json!({ "pipeline": "noop", "policy": "maybe" }), 400, "body-invalid"),
        (json!({ "pipeline": "noop", "set": ["sleep"] }), 400, "body-invalid"),
        (json!({ "pipeline": "noop", "set": ["noop.sleep_ms=-1"] }), 400, "pipeline-invalid"),
        (json!({ "pipeline": "noop", "set": ["noop.unknown=1"] }), 400, "pipeline-invalid"),
        (json!({ "pipeline": "../basics.toml" }), 404, "not-found"),
        (json!({}), 400, "body-invalid"),
    ] {
        let answer = served.post("/v1/runs", &token, &body);
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{body}: {}", answer.text());
        assert_eq!(served.post("/v1/runs", &token, &body).body, answer.body, "{body}");
    }
    assert_eq!(items(served.json("/v1/runs", &token)).len(), 0);
    assert_eq!(served.get("/v1/runs/latest", &token).status, 404);
}

/// kill -9 while collections are made and a run goes on: whatever was acknowledged is there, and the next server finishes the run.
fn a_killed_server_loses_nothing_and_goes_on(backend: Backend) {
    let (world, served, token) = served(backend, 200);
    let run = served.start(&token, slow(10));
    served.until(&token, &run, |status| status.count("done") > 0);
    let mut acknowledged = Vec::new();
    let pid = rustix::process::Pid::from_raw(served.running.pid()).expect("a process");
    for number in 0.. {
        let name = format!("c{number}");
        let body = json!({ "name": name, "filter": "type:image" }).to_string();
        let mut stream = connect(&served.host);
        let request = format!(
            "POST /v1/collections HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
             connection: close\r\ncontent-length: {}\r\n\r\n{body}",
            served.host,
            body.len()
        );
        if number == 12 {
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("a kill");
        }
        if stream.write_all(request.as_bytes()).is_err() {
            break;
        }
        match super::client::read(&mut stream) {
            Some(answer) if answer.status == 201 => acknowledged.push(name),
            _ => break,
        }
    }
    assert!(acknowledged.len() >= 12, "{acknowledged:?}");
    drop(served);
    let begun = std::time::Instant::now();
    let served = Served::new(&world);
    assert!(begun.elapsed() < std::time::Duration::from_secs(10), "ready after {:?}", begun.elapsed());
    let listed = items(served.json("/v1/collections", &token));
    for name in &acknowledged {
        assert!(
            listed.iter().any(|collection| collection["name"] == name.as_str()),
            "{name} was acknowledged and is gone"
        );
    }
    let end = served.until(&token, &run, |status| status.state == "completed");
    assert_eq!(end.count("done"), 200);
    assert!(world.attempts(&run).values().all(|attempts| *attempts == 1), "a unit was charged for the kill");
    world.verify_clean();
}

/// SIGTERM: exit code 0, the run waits as `queued`, nothing of it is lost.
fn a_server_that_ends_leaves_its_run_to_the_next(backend: Backend) {
    let (world, served, token) = served(backend, 200);
    let run = served.start(&token, slow(10));
    served.until(&token, &run, |status| status.count("done") > 0);
    served.running.signal(rustix::process::Signal::TERM);
    let output = served.running.wait();
    assert_eq!(output.code, 0, "{output:?}");
    let waiting = world.run_status(&run);
    assert_eq!(waiting.state, "queued");
    assert!(waiting.count("pending") > 0 && waiting.count("leased") == 0, "{waiting:?}");
    let served = Served::new(&world);
    let end = served.until(&token, &run, |status| status.state == "completed");
    assert_eq!(end.count("done"), 200);
    assert_eq!(world.artifacts(&run).len(), 200, "each once");
    assert_eq!(served.json("/v1/status", &token)["runs_open"], 0);
    drop(served);
    world.verify_clean();
}

/// A stream of events.
pub struct Events(BufReader<Chunks>);

/// What a chunked body holds.
struct Chunks {
    stream: BufReader<TcpStream>,
    left: usize,
}

impl Read for Chunks {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.left == 0 {
            let mut line = String::new();
            while line.trim().is_empty() {
                line.clear();
                if self.stream.read_line(&mut line)? == 0 {
                    return Ok(0);
                }
            }
            self.left = usize::from_str_radix(line.trim(), 16).map_err(std::io::Error::other)?;
        }
        let count = out.len().min(self.left);
        let count = self.stream.read(&mut out[..count])?;
        self.left -= count;
        Ok(count)
    }
}

impl Events {
    /// Begins to listen, perhaps where another one left off.
    pub fn open(served: &Served, token: &str, last: Option<&str>) -> Self {
        Self::open_at(served, "/v1/events", token, last)
    }

    /// The same of the stream of a room.
    pub fn open_at(served: &Served, path: &str, token: &str, last: Option<&str>) -> Self {
        let mut stream = connect(&served.host);
        let last = last.map_or_else(String::new, |last| format!("last-event-id: {last}\r\n"));
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\n{last}\r\n", served.host);
        stream.write_all(request.as_bytes()).expect("a request");
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line).expect("a status");
        assert!(line.contains("200"), "{line}");
        while line.trim() != "" {
            line.clear();
            stream.read_line(&mut line).expect("a header");
        }
        Self(BufReader::new(Chunks { stream, left: 0 }))
    }

    /// Reads to the end of the stream; whether there is one, and nothing was cut off.
    pub fn ends(&mut self) -> bool {
        std::io::copy(&mut self.0, &mut std::io::sink()).is_ok()
    }

    /// Name, id and data of the next event.
    pub fn next(&mut self) -> (String, String, Value) {
        let deadline = std::time::Instant::now() + crate::world::PATIENCE;
        let (mut name, mut id, mut data) = (String::new(), String::new(), String::new());
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).expect("a line") > 0, "the stream ended");
            assert!(std::time::Instant::now() < deadline, "no event comes");
            let line = line.trim_end();
            if let Some(value) = line.strip_prefix("event: ") {
                name = value.to_owned();
            } else if let Some(value) = line.strip_prefix("id: ") {
                id = value.to_owned();
            } else if let Some(value) = line.strip_prefix("data: ") {
                data.push_str(value);
            } else if line.is_empty() && !name.is_empty() {
                return (name, id, serde_json::from_str(&data).expect("JSON"));
            }
        }
    }
}

/// Progress and artifacts as they come; a listener that comes back with the last id that it saw gets every artifact once.
fn events_are_live_and_go_on_after_a_break(backend: Backend) {
    const FILES: usize = 150;
    let (_world, served, token) = served(backend, FILES);
    let mut events = Events::open(&served, &token, None);
    let run = served.start(&token, slow(5));
    let (mut seen, mut states) = (Vec::new(), BTreeSet::new());
    let mut breaks = 0;
    loop {
        let (name, id, data) = events.next();
        if name == "artifacts" {
            seen.extend(items(data).iter().map(|item| text(&item["artifact_id"])));
            if breaks == 0 && seen.len() > FILES / 4 {
                breaks += 1;
                drop(events);
                // Meanwhile things happen that nobody listens to.
                served.until(&token, &run, |status| status.count("done") as usize > seen.len() + 10);
                events = Events::open(&served, &token, Some(&id));
            }
        } else if name == "run" {
            let state = text(&data["state"]);
            states.insert(state);
        }
        if states.contains("completed") && seen.len() >= FILES {
            break;
        }
    }
    assert_eq!(breaks, 1);
    assert_eq!(seen.len(), FILES, "an artifact was told twice");
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), FILES);
    assert!(states.contains("running"), "{states:?}");
    let mut late = Events::open(&served, &token, Some("9000000"));
    assert_eq!(late.next().0, "reset");
}
