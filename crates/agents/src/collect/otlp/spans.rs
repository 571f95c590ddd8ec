//! From spans to sessions, calls and events.

use std::collections::{BTreeMap, BTreeSet};

use exhibit_model::time::Timestamp;

use super::attributes::{Attributes, moment};
use super::genai;
use super::wire::{ResourceSpans, Span, TracesRequest};
use super::{ATTRIBUTES_MAX, RECORDS_MAX, RESOURCE_ATTRIBUTES_MAX};
use crate::collect::gather::{Told, UNKNOWN_MODEL, payload};
use crate::collect::{Collected, Feed, Gathering, text};
use crate::contract::{Call, CallStatus, EventType, ServiceTier, Usage};
use crate::state::SessionState;

/// Spans between a span and the root of its trace that are looked at; agents that call agents nest a few dozen deep.
const ANCESTORS_MAX: usize = 64;

/// The code of an error in the status of a span.
const STATUS_ERROR: i32 = 2;

/// Names under which a span tells its session, the first that is there.
const SESSION_NAMES: [&str; 4] = ["gen_ai.conversation.id", "session.id", "langfuse.session.id", "openclaw.sessionId"];

/// Names under which a span tells its agent, the first that is there: some senders know of no id and give a name alone.
const AGENT_NAMES: [&str; 2] = ["gen_ai.agent.id", LABEL_NAME];

/// The name under which a span tells what people call its agent.
const LABEL_NAME: &str = "gen_ai.agent.name";

/// What a span is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A model was called.
    Call,
    /// A tool was called.
    Tool,
    /// An agent or a workflow ran.
    Agent,
    /// Nothing that is recorded here.
    Other,
}

/// What a resource says about the spans that it sent; looked up once, as there may be many of them.
struct Sender {
    session: Option<String>,
    agent: Option<String>,
    service: Option<String>,
    version: Option<String>,
    /// The prices behind its estimates.
    pricing_version: String,
    is_too_large: bool,
}

/// A span that can be read, with what sent it.
struct Seen<'a> {
    span: &'a Span,
    own: Attributes<'a>,
    sender: &'a Sender,
    role: Role,
    /// What it says about its session and its agent; those inside of it ask for that.
    session: Option<String>,
    agent: Option<String>,
    usage: Usage,
    trace: String,
    id: String,
    start: Timestamp,
    end: Option<Timestamp>,
}

/// The spans of a request, by trace and id.
struct Trees<'a> {
    spans: Vec<Seen<'a>>,
    places: BTreeMap<(&'a [u8], &'a [u8]), usize>,
}

/// Reads the spans of a request. Those that are about no agent are accepted and say nothing.
pub(super) fn collect(request: &TracesRequest) -> Collected {
    let (mut collected, mut gathering) = (Collected::default(), Gathering::new(Feed::OtlpSpan));
    let senders: Vec<Sender> = request.resource_spans.iter().map(Sender::read).collect();
    let trees = Trees::read(request, &senders, &mut collected);
    let wrappers = trees.wrappers();
    for seen in &trees.spans {
        collected.make_room(&mut gathering);
        let outcome = if wrappers.contains(&seen.key()) { Ok(()) } else { trees.tell(seen, &mut gathering) };
        collected.note(outcome);
    }
    collected.finish(gathering)
}

impl<'a> Trees<'a> {
    /// By start, so that what began a session makes it, whatever the order in the request.
    fn read(request: &'a TracesRequest, senders: &'a [Sender], collected: &mut Collected) -> Self {
        let mut spans = Vec::new();
        let mut records = 0_u64;
        for (resource_spans, sender) in request.resource_spans.iter().zip(senders) {
            for span in resource_spans.scope_spans.iter().flat_map(|scope| &scope.spans) {
                records += 1;
                if records > RECORDS_MAX {
                    collected.reject(1, format!("at most {RECORDS_MAX} spans are read"));
                    continue;
                }
                match Seen::read(span, sender) {
                    Ok(seen) => spans.push(seen),
                    Err(why) => collected.reject(1, format!("span {}: {why}", records - 1)),
                }
            }
        }
        spans.sort_by(|left, right| (left.start, &left.trace, &left.id).cmp(&(right.start, &right.trace, &right.id)));
        let places = spans.iter().enumerate().map(|(place, seen)| (seen.key(), place)).collect();
        Self { spans, places }
    }

    /// The span and the spans around it that are in the request, from the inside.
    fn around(&self, seen: &Seen<'a>) -> impl Iterator<Item = &Seen<'a>> {
        let parent = |seen: &Seen<'a>| {
            let place = self.places.get(&(seen.span.trace_id.as_slice(), seen.span.parent_span_id.as_slice()))?;
            self.spans.get(*place)
        };
        std::iter::successors(parent(seen), move |inner| parent(inner)).take(ANCESTORS_MAX)
    }

    /// Calls around calls that both say what was used: the outer one repeats the sum of the inner ones, so only leaves count.
    fn wrappers(&self) -> BTreeSet<(&'a [u8], &'a [u8])> {
        let is_used = |seen: &Seen<'_>| seen.role == Role::Call && seen.usage != Usage::Unknown;
        let mut wrappers = BTreeSet::new();
        for seen in self.spans.iter().filter(|seen| is_used(seen)) {
            // A span around itself is a mistake of its sender, and no reason to lose it.
            let outer = self.around(seen).filter(|outer| is_used(outer) && outer.key() != seen.key());
            wrappers.extend(outer.map(Seen::key));
        }
        wrappers
    }

    /// Whether nothing that is an agent is around this one, up to the root of the trace: the web server that was asked to run it is none. Where the
    /// root is not in the request that cannot be said, and the span is taken for an inner one.
    fn is_outermost(&self, seen: &Seen<'a>) -> bool {
        let outermost = self.around(seen).last().unwrap_or(seen);
        let is_root = outermost.span.parent_span_id.iter().all(|byte| *byte == 0);
        is_root && self.around(seen).all(|outer| outer.role != Role::Agent)
    }

    fn tell(&self, seen: &Seen<'a>, gathering: &mut Gathering) -> Result<(), String> {
        if seen.role == Role::Other || (seen.role == Role::Agent && !self.is_outermost(seen)) {
            return Ok(());
        }
        let sender = seen.sender;
        let outer = || self.around(seen);
        let session_id = seen.session.clone().or_else(|| outer().find_map(|outer| outer.session.clone()));
        let session_id = session_id.or_else(|| sender.session.clone()).unwrap_or_else(|| seen.trace.clone());
        let agent = seen.agent.clone().or_else(|| outer().find_map(|outer| outer.agent.clone()));
        let agent = agent
            .or_else(|| sender.agent.clone())
            .or_else(|| sender.service.clone())
            .unwrap_or_else(|| "unknown".to_owned());
        let mut told = gathering.session(&session_id, &agent, seen.start).map_err(|error| error.to_string())?;
        match seen.role {
            Role::Call => seen.call(&mut told),
            Role::Tool => seen.tool(&mut told),
            Role::Agent => seen.session(agent, &mut told),
            Role::Other => {}
        }
        Ok(())
    }
}

impl Sender {
    fn read(resource_spans: &ResourceSpans) -> Self {
        let attributes = resource_spans.resource.as_ref().map(|resource| resource.attributes.as_slice());
        let attributes = Attributes(attributes.unwrap_or_default());
        Self {
            session: attributes.id(&SESSION_NAMES),
            agent: attributes.id(&AGENT_NAMES),
            service: attributes.id(&["service.name"]),
            version: attributes.short(&["service.version"]),
            pricing_version: genai::pricing_version(attributes),
            is_too_large: attributes.0.len() > RESOURCE_ATTRIBUTES_MAX,
        }
    }
}

impl<'a> Seen<'a> {
    fn read(span: &'a Span, sender: &'a Sender) -> Result<Self, &'static str> {
        let is_id = |id: &[u8], bytes: usize| id.len() == bytes && id.iter().any(|byte| *byte != 0);
        if !is_id(&span.trace_id, 16) || !is_id(&span.span_id, 8) {
            return Err("has no valid traceId and spanId");
        }
        if span.attributes.len() > ATTRIBUTES_MAX || sender.is_too_large {
            return Err("has too many attributes");
        }
        let start = moment(span.start_time_unix_nano).ok_or("has no startTimeUnixNano")?;
        let own = Attributes(&span.attributes);
        let usage = genai::usage(own);
        let role = role(span, own, &usage);
        let end = moment(span.end_time_unix_nano).filter(|end| *end >= start);
        let (trace, id) = (hex(&span.trace_id), hex(&span.span_id));
        let (session, agent) = (own.id(&SESSION_NAMES), own.id(&AGENT_NAMES));
        Ok(Self { span, own, sender, role, session, agent, usage, trace, id, start, end })
    }

    fn key(&self) -> (&'a [u8], &'a [u8]) {
        (&self.span.trace_id, &self.span.span_id)
    }

    /// A word for what went wrong.
    fn error(&self) -> Option<String> {
        let code = self.own.short(&["error.type", "openclaw.errorCategory"]);
        let failed = self.span.status.as_ref().is_some_and(|status| status.code == STATUS_ERROR);
        code.or_else(|| failed.then(|| "error".to_owned()))
    }

    fn error_message(&self) -> Option<&'a str> {
        self.span.status.as_ref().map(|status| status.message.trim()).filter(|message| !message.is_empty())
    }

    fn duration_ms(&self) -> Option<i64> {
        i64::try_from(self.end?.millis_since(self.start)).ok()
    }

    fn full_id(&self) -> String {
        format!("{}/{}", self.trace, self.id)
    }

    fn call(&self, told: &mut Told<'_>) {
        let mut call = Call::new(self.full_id(), self.start);
        let (billed, estimated) = genai::cost(self.own);
        call.billed = billed;
        call.estimated = estimated.map(|nano| (nano, self.sender.pricing_version.clone()));
        call.usage = self.usage.clone();
        call.duration_ms = self.duration_ms();
        call.response_id = self.own.id(&["gen_ai.response.id"]);
        let tiers = ["gen_ai.openai.response.service_tier", "openai.response.service_tier"];
        call.service_tier = tiers.iter().find_map(|name| ServiceTier::of_word(self.own.text(name)?));
        call.provider = genai::provider(self.own);
        let model = genai::model(self.own);
        let header = told.header();
        if let Some(model) = &model {
            header.model_id.clone_from(model);
        }
        if call.provider.is_some() {
            header.provider.clone_from(&call.provider);
        }
        self.describe(told);
        call.model_id = model.or_else(|| Some(UNKNOWN_MODEL.to_owned()));
        if let Some(code) = self.error() {
            call.status = CallStatus::Failed;
            call.error_code = Some(code);
        }
        self.error_event(None, told);
        told.call(call);
    }

    fn tool(&self, told: &mut Told<'_>) {
        let tool = self.own.short(&["gen_ai.tool.name", "openclaw.toolName", "tool.name"]);
        let tool = tool.or_else(|| text::short(&self.span.name)).unwrap_or_else(|| "unknown".to_owned());
        let payload = payload([
            ("tool", Some(tool.as_str().into())),
            ("toolUseId", self.own.short(&["gen_ai.tool.call.id"]).map(Into::into)),
            ("durationMs", self.duration_ms().map(Into::into)),
            ("success", Some(self.error().is_none().into())),
        ]);
        told.event(Some(self.full_id()), 0, EventType::ToolCall, self.start, payload);
        self.describe(told);
        self.error_event(Some(tool), told);
    }

    /// The root of an agent's work: it ends what it began.
    fn session(&self, agent: String, told: &mut Told<'_>) {
        let header = told.header();
        header.agent_label = self.own.id(&[LABEL_NAME]).unwrap_or_else(|| agent.clone());
        header.agent_id = agent;
        if header.model_id == UNKNOWN_MODEL
            && let Some(model) = genai::model(self.own)
        {
            header.model_id = model;
        }
        if header.provider.is_none() {
            header.provider = genai::provider(self.own);
        }
        if let Some(end) = self.end {
            header.ended_at = Some(end);
            header.state = SessionState::Success;
        }
        if let Some(code) = self.error() {
            header.state = SessionState::Failed;
            header.error_code = Some(code);
            header.error_message = self.error_message().and_then(text::message);
        }
        self.describe(told);
        self.error_event(None, told);
    }

    fn describe(&self, told: &mut Told<'_>) {
        let header = told.header();
        if header.source_version.is_none() {
            header.source_version.clone_from(&self.sender.version);
        }
    }

    fn error_event(&self, tool: Option<String>, told: &mut Told<'_>) {
        let Some(code) = self.error() else { return };
        let payload = payload([
            ("code", Some(code.into())),
            ("tool", tool.map(Into::into)),
            ("message", self.error_message().and_then(text::shown)),
            ("durationMs", self.duration_ms().map(Into::into)),
        ]);
        let at = self.end.unwrap_or(self.start);
        told.event(Some(format!("{}/error", self.full_id())), 1, EventType::Error, at, payload);
    }
}

/// What a span is about: its operation says it, or its name, or what other conventions call it; and who tells of tokens and of a model has
/// called one.
pub(super) fn role(span: &Span, own: Attributes<'_>, usage: &Usage) -> Role {
    match own.text("gen_ai.operation.name") {
        Some("chat" | "generate_content" | "text_completion" | "embeddings") => return Role::Call,
        Some("execute_tool") => return Role::Tool,
        Some("invoke_agent" | "invoke_workflow") => return Role::Agent,
        Some("create_agent") => return Role::Other,
        _ => {}
    }
    match span.name.as_str() {
        "openclaw.model.call" | "openclaw.model.usage" => return Role::Call,
        "openclaw.tool.execution" | "openclaw.exec" => return Role::Tool,
        _ => {}
    }
    let kind = own.text("openinference.span.kind").or_else(|| own.text("langfuse.observation.type"));
    match kind.map(str::to_ascii_lowercase).as_deref() {
        Some("llm" | "embedding" | "generation") => Role::Call,
        Some("tool") => Role::Tool,
        Some("agent") => Role::Agent,
        Some(_) => Role::Other,
        None if own.has("llm.request.type") => Role::Call,
        None if *usage != Usage::Unknown && genai::model(own).is_some() => Role::Call,
        None => Role::Other,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
