//! Requests for tests: JSON as it is sent, and protobuf written by hand from the published numbers of the fields, so that a wrong number in our
//! messages cannot hide behind itself.

use serde_json::{Map, Value};

/// What a field of a message holds, as the published `.proto` files say.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Text,
    Hex,
    Fixed,
    Number,
    Flag,
    Double,
    Message(&'static [(&'static str, u64, Kind)]),
}

use Kind::{Double, Fixed, Flag, Hex, Message, Number, Text};

type Fields = &'static [(&'static str, u64, Kind)];

const LIST: Fields = &[("values", 1, Message(SCALAR))];
const SCALAR: Fields =
    &[("stringValue", 1, Text), ("boolValue", 2, Flag), ("intValue", 3, Number), ("doubleValue", 4, Double)];
const VALUE: Fields = &[
    ("stringValue", 1, Text),
    ("boolValue", 2, Flag),
    ("intValue", 3, Number),
    ("doubleValue", 4, Double),
    ("arrayValue", 5, Message(LIST)),
    ("kvlistValue", 6, Message(LIST)),
];
const ATTRIBUTE: Fields = &[("key", 1, Text), ("value", 2, Message(VALUE))];
const RESOURCE: Fields = &[("attributes", 1, Message(ATTRIBUTE)), ("droppedAttributesCount", 2, Number)];
const SCOPE: Fields = &[("name", 1, Text), ("version", 2, Text)];
const STATUS: Fields = &[("message", 2, Text), ("code", 3, Number)];
const SPAN_EVENT: Fields = &[("timeUnixNano", 1, Fixed), ("name", 2, Text), ("attributes", 3, Message(ATTRIBUTE))];
const SPAN: Fields = &[
    ("traceId", 1, Hex),
    ("spanId", 2, Hex),
    ("parentSpanId", 4, Hex),
    ("name", 5, Text),
    ("kind", 6, Number),
    ("startTimeUnixNano", 7, Fixed),
    ("endTimeUnixNano", 8, Fixed),
    ("attributes", 9, Message(ATTRIBUTE)),
    ("events", 11, Message(SPAN_EVENT)),
    ("status", 15, Message(STATUS)),
];
const SCOPE_SPANS: Fields = &[("scope", 1, Message(SCOPE)), ("spans", 2, Message(SPAN))];
const RESOURCE_SPANS: Fields =
    &[("resource", 1, Message(RESOURCE)), ("scopeSpans", 2, Message(SCOPE_SPANS)), ("schemaUrl", 3, Text)];
const LOG_RECORD: Fields = &[
    ("timeUnixNano", 1, Fixed),
    ("severityNumber", 2, Number),
    ("severityText", 3, Text),
    ("body", 5, Message(VALUE)),
    ("attributes", 6, Message(ATTRIBUTE)),
    ("observedTimeUnixNano", 11, Fixed),
    ("eventName", 12, Text),
];
const SCOPE_LOGS: Fields = &[("scope", 1, Message(SCOPE)), ("logRecords", 2, Message(LOG_RECORD))];
const RESOURCE_LOGS: Fields = &[("resource", 1, Message(RESOURCE)), ("scopeLogs", 2, Message(SCOPE_LOGS))];
const POINT: Fields = &[("timeUnixNano", 3, Fixed), ("asDouble", 4, Double)];
const POINTS: Fields = &[("dataPoints", 1, Message(POINT))];
const METRIC: Fields =
    &[("name", 1, Text), ("gauge", 5, Message(POINTS)), ("sum", 7, Message(POINTS)), ("histogram", 9, Message(POINTS))];
const SCOPE_METRICS: Fields = &[("scope", 1, Message(SCOPE)), ("metrics", 2, Message(METRIC))];
const RESOURCE_METRICS: Fields = &[("resource", 1, Message(RESOURCE)), ("scopeMetrics", 2, Message(SCOPE_METRICS))];
const REQUEST: Fields = &[
    ("resourceSpans", 1, Message(RESOURCE_SPANS)),
    ("resourceLogs", 1, Message(RESOURCE_LOGS)),
    ("resourceMetrics", 1, Message(RESOURCE_METRICS)),
];

/// A request in JSON as protobuf.
pub(crate) fn protobuf(request: &[u8]) -> Vec<u8> {
    let request: Value = serde_json::from_slice(request).expect("JSON");
    message(request.as_object().expect("an object"), REQUEST)
}

fn message(map: &Map<String, Value>, fields: Fields) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in map {
        let Some((_, number, kind)) = fields.iter().find(|(known, ..)| known == name) else { continue };
        let values = match value {
            Value::Array(values) => values.as_slice(),
            one => std::slice::from_ref(one),
        };
        for value in values {
            field(&mut bytes, *number, *kind, value);
        }
    }
    bytes
}

fn field(bytes: &mut Vec<u8>, number: u64, kind: Kind, value: &Value) {
    let digits = |value: &Value| value.as_str().map_or_else(|| value.as_i64(), |text| text.parse().ok());
    match kind {
        Text => delimited(bytes, number, value.as_str().expect("text").as_bytes()),
        Hex => {
            let text = value.as_str().expect("text");
            let pairs = (0..text.len() / 2).map(|place| u8::from_str_radix(&text[2 * place..2 * place + 2], 16));
            delimited(bytes, number, &pairs.collect::<Result<Vec<u8>, _>>().expect("hex"));
        }
        Fixed => {
            varint(bytes, number << 3 | 1);
            bytes.extend_from_slice(&digits(value).expect("digits").to_le_bytes());
        }
        Number => {
            varint(bytes, number << 3);
            let number = digits(value).unwrap_or_else(|| i64::from(value.as_str() == Some("STATUS_CODE_ERROR")) * 2);
            varint(bytes, number.cast_unsigned());
        }
        Flag => {
            varint(bytes, number << 3);
            varint(bytes, u64::from(value.as_bool().expect("a flag")));
        }
        Double => {
            varint(bytes, number << 3 | 1);
            bytes.extend_from_slice(&value.as_f64().expect("a double").to_le_bytes());
        }
        Message(fields) => delimited(bytes, number, &message(value.as_object().expect("an object"), fields)),
    }
}

fn delimited(bytes: &mut Vec<u8>, number: u64, inner: &[u8]) {
    varint(bytes, number << 3 | 2);
    varint(bytes, inner.len() as u64);
    bytes.extend_from_slice(inner);
}

fn varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push((value & 0x7F) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}
