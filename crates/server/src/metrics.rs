//! Numbers for Prometheus, in its text format.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Upper bounds of the buckets of a duration, in milliseconds.
const BUCKETS_MS: [u64; 10] = [1, 5, 10, 25, 50, 100, 250, 1_000, 5_000, 30_000];

/// Counters of this process. The labels are methods, routes and statuses, of which there are few.
#[derive(Debug, Default)]
pub struct Metrics {
    answered: Mutex<BTreeMap<(&'static str, &'static str, u16), u64>>,
    durations: Mutex<Durations>,
    logins_failed: AtomicU64,
    connections: AtomicU64,
}

#[derive(Debug, Default)]
struct Durations {
    buckets: [u64; BUCKETS_MS.len()],
    count: u64,
    sum: Duration,
}

/// Numbers that are looked at when somebody asks.
#[derive(Debug, Default)]
pub struct Gauges {
    /// The version of the program.
    pub version: &'static str,
    /// Requests that are worked on.
    pub requests: usize,
    /// Event streams that are open.
    pub streams: usize,
    /// Originals, sources, records, open runs.
    pub numbers: [(&'static str, &'static str, i64); 4],
}

impl Metrics {
    /// Counts an answer.
    pub fn answered(&self, method: &'static str, route: &'static str, status: u16, taken: Duration) {
        *self.answered.lock().unwrap_or_else(PoisonError::into_inner).entry((method, route, status)).or_default() += 1;
        let mut durations = self.durations.lock().unwrap_or_else(PoisonError::into_inner);
        durations.count += 1;
        durations.sum += taken;
        for (bucket, bound) in durations.buckets.iter_mut().zip(BUCKETS_MS) {
            *bucket += u64::from(taken <= Duration::from_millis(bound));
        }
    }

    /// Counts a login that failed.
    pub fn login_failed(&self) {
        self.logins_failed.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts connections.
    pub fn connected(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// Everything as text.
    pub fn text(&self, gauges: &Gauges) -> String {
        let mut text = Text::default();
        text.about("exhibit_build_info", "gauge", "The version of the program.");
        text.line("exhibit_build_info", &format!("{{version=\"{}\"}}", gauges.version), 1);
        for (name, about, number) in gauges.numbers {
            text.about(name, "gauge", about);
            text.line(name, "", number);
        }
        text.about("exhibit_http_requests_in_work", "gauge", "Requests that are worked on.");
        text.line("exhibit_http_requests_in_work", "", gauges.requests);
        text.about("exhibit_http_event_streams", "gauge", "Event streams that are open.");
        text.line("exhibit_http_event_streams", "", gauges.streams);
        text.about("exhibit_http_connections_total", "counter", "Connections that were accepted.");
        text.line("exhibit_http_connections_total", "", self.connections.load(Ordering::Relaxed));
        text.about("exhibit_logins_failed_total", "counter", "Logins and tokens that were refused.");
        text.line("exhibit_logins_failed_total", "", self.logins_failed.load(Ordering::Relaxed));
        text.about("exhibit_http_requests_total", "counter", "Answers by method, route and status.");
        for ((method, route, status), count) in self.answered.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let labels = format!("{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}}");
            text.line("exhibit_http_requests_total", &labels, count);
        }
        self.durations(&mut text);
        text.0
    }

    fn durations(&self, text: &mut Text) {
        let durations = self.durations.lock().unwrap_or_else(PoisonError::into_inner);
        let name = "exhibit_http_request_seconds";
        text.about(name, "histogram", "Time until an answer began.");
        for (count, bound) in durations.buckets.iter().zip(BUCKETS_MS) {
            let seconds = Duration::from_millis(bound).as_secs_f64();
            text.line(&format!("{name}_bucket"), &format!("{{le=\"{seconds}\"}}"), count);
        }
        text.line(&format!("{name}_bucket"), "{le=\"+Inf\"}", durations.count);
        text.line(&format!("{name}_sum"), "", durations.sum.as_secs_f64());
        text.line(&format!("{name}_count"), "", durations.count);
    }
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn about(&mut self, name: &str, kind: &str, about: &str) {
        // Writing to a text cannot fail.
        write!(self.0, "# HELP {name} {about}\n# TYPE {name} {kind}\n").ok();
    }

    fn line(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        writeln!(self.0, "{name}{labels} {value}").ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_what_prometheus_reads() {
        let metrics = Metrics::default();
        metrics.answered("GET", "/v1/assets/{id}", 200, Duration::from_millis(7));
        metrics.answered("GET", "/v1/assets/{id}", 200, Duration::from_millis(70));
        metrics.login_failed();
        let text = metrics.text(&Gauges { version: "1", ..Gauges::default() });
        for line in [
            "exhibit_build_info{version=\"1\"} 1",
            "exhibit_http_requests_total{method=\"GET\",route=\"/v1/assets/{id}\",status=\"200\"} 2",
            "exhibit_http_request_seconds_bucket{le=\"0.005\"} 0",
            "exhibit_http_request_seconds_bucket{le=\"0.01\"} 1",
            "exhibit_http_request_seconds_bucket{le=\"+Inf\"} 2",
            "exhibit_http_request_seconds_sum 0.077",
            "exhibit_logins_failed_total 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing:\n{text}");
        }
    }
}
