//! The messages of opentelemetry-proto v1 that are read, with the numbers of their fields and their names in JSON; all other fields are passed
//! over. One type for both encodings, so that both say the same.
//!
//! Values that are lists, maps or bytes are not declared: no attribute that is read has one, and so nothing nests.

use std::mem::size_of;

use prost::{Message, Oneof};
use serde::Deserialize;

use super::json_form::{fixed64, hex, name_or_number, null_is_default};
use super::weigh::Shape;

/// `ExportTraceServiceRequest`.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct TracesRequest {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "null_is_default")]
    pub(super) resource_spans: Vec<ResourceSpans>,
}

/// `ExportLogsServiceRequest`.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct LogsRequest {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "null_is_default")]
    pub(super) resource_logs: Vec<ResourceLogs>,
}

/// `ExportMetricsServiceRequest`.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct MetricsRequest {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "null_is_default")]
    pub(super) resource_metrics: Vec<ResourceMetrics>,
}

/// What sent the records.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Resource {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "null_is_default")]
    pub(super) attributes: Vec<KeyValue>,
}

/// The library that made the records.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Scope {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "null_is_default")]
    pub(super) name: String,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    pub(super) resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "null_is_default")]
    pub(super) scope_spans: Vec<ScopeSpans>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ScopeSpans {
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "null_is_default")]
    pub(super) spans: Vec<Span>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Span {
    #[prost(bytes = "vec", tag = "1")]
    #[serde(deserialize_with = "hex")]
    pub(super) trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    #[serde(deserialize_with = "hex")]
    pub(super) span_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    #[serde(deserialize_with = "hex")]
    pub(super) parent_span_id: Vec<u8>,
    #[prost(string, tag = "5")]
    #[serde(deserialize_with = "null_is_default")]
    pub(super) name: String,
    #[prost(fixed64, tag = "7")]
    #[serde(deserialize_with = "fixed64")]
    pub(super) start_time_unix_nano: u64,
    #[prost(fixed64, tag = "8")]
    #[serde(deserialize_with = "fixed64")]
    pub(super) end_time_unix_nano: u64,
    #[prost(message, repeated, tag = "9")]
    #[serde(deserialize_with = "null_is_default")]
    pub(super) attributes: Vec<KeyValue>,
    #[prost(message, optional, tag = "15")]
    pub(super) status: Option<Status>,
}

/// How a span ended; 2 is an error.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Status {
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "null_is_default")]
    pub(super) message: String,
    #[prost(int32, tag = "3")]
    #[serde(deserialize_with = "name_or_number")]
    pub(super) code: i32,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ResourceLogs {
    #[prost(message, optional, tag = "1")]
    pub(super) resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "null_is_default")]
    pub(super) scope_logs: Vec<ScopeLogs>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ScopeLogs {
    #[prost(message, optional, tag = "1")]
    pub(super) scope: Option<Scope>,
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "null_is_default")]
    pub(super) log_records: Vec<LogRecord>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct LogRecord {
    #[prost(fixed64, tag = "1")]
    #[serde(deserialize_with = "fixed64")]
    pub(super) time_unix_nano: u64,
    #[prost(message, optional, tag = "5")]
    pub(super) body: Option<AnyValue>,
    #[prost(message, repeated, tag = "6")]
    #[serde(deserialize_with = "null_is_default")]
    pub(super) attributes: Vec<KeyValue>,
    #[prost(fixed64, tag = "11")]
    #[serde(deserialize_with = "fixed64")]
    pub(super) observed_time_unix_nano: u64,
    #[prost(string, tag = "12")]
    #[serde(deserialize_with = "null_is_default")]
    pub(super) event_name: String,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ResourceMetrics {
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "null_is_default")]
    pub(super) scope_metrics: Vec<ScopeMetrics>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ScopeMetrics {
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "null_is_default")]
    pub(super) metrics: Vec<Metric>,
}

/// A metric of any kind; all kinds have their points in field 1.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Metric {
    #[prost(message, optional, tag = "5")]
    pub(super) gauge: Option<Points>,
    #[prost(message, optional, tag = "7")]
    pub(super) sum: Option<Points>,
    #[prost(message, optional, tag = "9")]
    pub(super) histogram: Option<Points>,
    #[prost(message, optional, tag = "10")]
    pub(super) exponential_histogram: Option<Points>,
    #[prost(message, optional, tag = "11")]
    pub(super) summary: Option<Points>,
}

impl Metric {
    /// How many points it has.
    pub(super) fn points(&self) -> u64 {
        let kinds = [&self.gauge, &self.sum, &self.histogram, &self.exponential_histogram, &self.summary];
        let points = kinds.into_iter().flatten().map(|kind| kind.data_points.len()).sum::<usize>();
        u64::try_from(points).unwrap_or(u64::MAX)
    }
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Points {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "null_is_default")]
    pub(super) data_points: Vec<Point>,
}

/// A data point, of which nothing is read.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Point {}

/// An attribute.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct KeyValue {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "null_is_default")]
    pub(super) key: String,
    #[prost(message, optional, tag = "2")]
    pub(super) value: Option<AnyValue>,
}

/// A value; `None` when it is of a kind that is not read.
#[derive(Clone, PartialEq, Message)]
pub(super) struct AnyValue {
    #[prost(oneof = "Scalar", tags = "1, 2, 3, 4")]
    pub(super) value: Option<Scalar>,
}

/// A value that is no list, map or bytes.
#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Scalar {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(bool, tag = "2")]
    Flag(bool),
    #[prost(int64, tag = "3")]
    Whole(i64),
    #[prost(double, tag = "4")]
    Double(f64),
}

static ATTRIBUTE: Shape = Shape { size: size_of::<KeyValue>(), inner: &[] };
static RESOURCE: Shape = Shape { size: size_of::<Resource>(), inner: &[(1, &ATTRIBUTE)] };
static SPAN: Shape = Shape { size: size_of::<Span>(), inner: &[(9, &ATTRIBUTE)] };
static SCOPE_SPANS: Shape = Shape { size: size_of::<ScopeSpans>(), inner: &[(2, &SPAN)] };
static RESOURCE_SPANS: Shape = Shape { size: size_of::<ResourceSpans>(), inner: &[(1, &RESOURCE), (2, &SCOPE_SPANS)] };
static LOG_RECORD: Shape = Shape { size: size_of::<LogRecord>(), inner: &[(6, &ATTRIBUTE)] };
static SCOPE_LOGS: Shape = Shape { size: size_of::<ScopeLogs>(), inner: &[(2, &LOG_RECORD)] };
static RESOURCE_LOGS: Shape = Shape { size: size_of::<ResourceLogs>(), inner: &[(1, &RESOURCE), (2, &SCOPE_LOGS)] };
// A point has no size of its own, and the list of them takes no memory; one byte keeps the count finite.
static POINT: Shape = Shape { size: 1, inner: &[] };
static POINTS: Shape = Shape { size: size_of::<Points>(), inner: &[(1, &POINT)] };
static METRIC: Shape = Shape {
    size: size_of::<Metric>(),
    inner: &[(5, &POINTS), (7, &POINTS), (9, &POINTS), (10, &POINTS), (11, &POINTS)],
};
static SCOPE_METRICS: Shape = Shape { size: size_of::<ScopeMetrics>(), inner: &[(2, &METRIC)] };
static RESOURCE_METRICS: Shape = Shape { size: size_of::<ResourceMetrics>(), inner: &[(2, &SCOPE_METRICS)] };

/// The shape of a request with spans.
pub(super) static TRACES: Shape = Shape { size: 0, inner: &[(1, &RESOURCE_SPANS)] };
/// The shape of a request with log records.
pub(super) static LOGS: Shape = Shape { size: 0, inner: &[(1, &RESOURCE_LOGS)] };
/// The shape of a request with metrics.
pub(super) static METRICS: Shape = Shape { size: 0, inner: &[(1, &RESOURCE_METRICS)] };
