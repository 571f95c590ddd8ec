//! The door before each handler: how many at a time, who may, how large and how long, and a note of what is changed.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::MethodRouter;
use exhibit_http::{Access, ApiError, Caller, Remote, Route, Scope, Watch};
use exhibit_store::sql::audit::{self, ENTRIES_MAX, Intent};
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use tracing::Instrument as _;

use crate::access::Known;
use crate::shared::{Peer, Reason, RequestId, Shared, Told};

/// What the door of a route knows about it.
pub struct Door {
    shared: Arc<Shared>,
    route: &'static str,
    method: Method,
    access: Access,
    body_bytes_max: usize,
    is_login: bool,
    takes_secret: bool,
    is_evidence: bool,
    watch: Option<Watch>,
}

impl Door {
    /// The door of that route.
    pub fn new(shared: &Arc<Shared>, route: &Route) -> Arc<Self> {
        let logs_in = [(Method::GET, "/login"), (Method::POST, "/v1/session")];
        Arc::new(Self {
            shared: Arc::clone(shared),
            route: route.path,
            method: route.method.clone(),
            access: route.access,
            body_bytes_max: route.body_bytes_max,
            is_login: logs_in.contains(&(route.method.clone(), route.path)),
            takes_secret: route.takes_secret,
            is_evidence: route.is_evidence,
            watch: route.watch.clone(),
        })
    }

    /// Whether the audit holds it: what changes anything but the ledger, and every login.
    fn is_audited(&self) -> bool {
        (self.method != Method::GET && !self.is_evidence) || self.is_login
    }

    /// The scope that it needs.
    fn scope(&self) -> Option<Scope> {
        match self.access {
            Access::Scope(scope) => Some(scope),
            Access::Open | Access::LoggedIn => None,
        }
    }
}

/// Puts a door before a handler.
pub fn guarded(handler: MethodRouter, door: Arc<Door>) -> MethodRouter {
    handler.layer(middleware::from_fn_with_state(door, pass))
}

async fn pass(State(door): State<Arc<Door>>, request: Request, next: Next) -> Response {
    let mut told = Told { route: door.route, token: None, scope: door.scope() };
    let answer = Arc::clone(&door).let_in(&mut told, request, next).await;
    let mut response = answer.unwrap_or_else(|error| error.into_response());
    if let (Some(watch), Some(error)) = (&door.watch, response.extensions().get::<ApiError>()) {
        watch.tell(error);
    }
    response.extensions_mut().insert(told);
    response
}

impl Door {
    async fn let_in(self: Arc<Self>, told: &mut Told, request: Request, next: Next) -> Result<Response, ApiError> {
        let (mut parts, body) = request.into_parts();
        let peer = parts.extensions.get::<Peer>().copied();
        let request_id = parts.extensions.get::<RequestId>().map_or_else(String::new, |id| id.0.clone());
        let intent = |token: &str| self.intent(token, parts.uri.path(), &request_id);
        let known = match self.access {
            Access::Open => None,
            Access::LoggedIn | Access::Scope(_) => {
                Some(self.shared.known(&parts.headers, peer.as_ref(), self.takes_secret).await?)
            }
        };
        told.token = known.as_ref().map(|known| known.caller.token.clone());
        if self.is_login {
            self.shared.refuse_guesses(peer.as_ref())?;
        }
        if let Some(known) = &known
            && let Err(refused) = self.allow(known, &parts.headers)
        {
            if self.is_audited() {
                let entry = self.note_intent(intent(&known.caller.token)?).await?;
                self.note_outcome(entry, refused.status()).await;
            }
            return Err(refused);
        }
        let bytes = match self.method {
            // A body has no meaning here; the connection is closed rather than read to its end.
            Method::GET => Bytes::new(),
            _ => self.read_body(&parts.headers, body).await?,
        };
        // Only now, so that slow bodies take nobody's place.
        let permit = self.wait_for_room().await?;
        let entry = match self.is_audited() {
            true => {
                let token = known.as_ref().map_or("", |known| known.caller.token.as_str());
                Some(self.note_intent(intent(token)?).await?)
            }
            false => None,
        };
        if let Some(known) = known {
            parts.extensions.insert::<Caller>(known.caller);
            parts.extensions.insert(Remote(peer.and_then(|peer| peer.0)));
        }
        let request = Request::from_parts(parts, Body::from(bytes));
        match entry {
            None => {
                let response = self.work(request, next).await;
                drop(permit);
                Ok(response)
            }
            // What was begun is ended and its outcome noted, also when the other side has gone.
            Some(entry) => {
                let task = async move {
                    let response = self.work(request, next).await;
                    self.note_outcome(entry, response.status()).await;
                    // The end of the server waits for this place.
                    drop(permit);
                    response
                };
                tokio::spawn(task.in_current_span()).await.map_err(ApiError::internal)
            }
        }
    }

    /// Waits while too many requests are worked on.
    async fn wait_for_room(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        let room = timeout(self.shared.limits.request, Arc::clone(&self.shared.requests).acquire_owned()).await;
        match room {
            Ok(Ok(permit)) => Ok(permit),
            // It is never closed; the time is over.
            Ok(Err(_)) | Err(_) => {
                let detail = "too many requests are being worked on";
                Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "too-busy", detail).hint("ask again in a moment"))
            }
        }
    }

    /// Whether somebody who is known may do this.
    fn allow(&self, known: &Known, headers: &HeaderMap) -> Result<(), ApiError> {
        if let Access::Scope(scope) = self.access
            && !known.caller.scopes.has(scope)
        {
            let detail = format!("this needs the scope `{scope}`, which this login does not have");
            return Err(ApiError::new(StatusCode::FORBIDDEN, "scope-missing", detail)
                .hint(format!("exhibit tokens create NAME --scopes {scope}")));
        }
        // A form of another page can be sent without asking, JSON cannot; so this holds even where a browser says nothing of origins.
        if known.by_cookie && [Method::POST, Method::PUT, Method::PATCH].contains(&self.method) && !is_json(headers) {
            let detail = "the body has to be JSON, and the header content-type has to say application/json";
            return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-json", detail));
        }
        Ok(())
    }

    /// Reads the body, so much of it and in so much time as is allowed.
    async fn read_body(&self, headers: &HeaderMap, body: Body) -> Result<Bytes, ApiError> {
        let most = self.body_bytes_max;
        let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if announced.is_some_and(|length| length > most as u64) {
            return Err(too_large(most));
        }
        let reading = async {
            let mut stream = body.into_data_stream();
            let mut bytes = Vec::new();
            while let Some(piece) = stream.next().await {
                let piece =
                    piece.map_err(|_| ApiError::bad("body-unreadable", "the body ended before it was whole"))?;
                if bytes.len() + piece.len() > most {
                    return Err(too_large(most));
                }
                bytes.extend_from_slice(&piece);
            }
            Ok(Bytes::from(bytes))
        };
        timeout(self.shared.limits.body, reading).await.unwrap_or_else(|_| {
            let detail = format!("the body did not arrive within {} s", self.shared.limits.body.as_secs());
            Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, "body-too-slow", detail))
        })
    }

    /// Runs the handler, for so long as is allowed. A panic of it is ours to answer for, and only this request ends with it.
    async fn work(&self, request: Request, next: Next) -> Response {
        let limit = self.shared.limits.request;
        let worked = timeout(limit, AssertUnwindSafe(next.run(request)).catch_unwind()).await;
        match worked {
            Ok(Ok(response)) if is_event_stream(response.headers()) => self.hold_stream(response),
            Ok(Ok(response)) => response,
            Ok(Err(_)) => ApiError::internal("a handler panicked").into_response(),
            Err(_) => {
                let detail = format!("this took longer than {} s and was given up", limit.as_secs());
                ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "too-slow", detail).into_response()
            }
        }
    }

    /// An event stream goes on until the other side leaves or the server ends.
    fn hold_stream(&self, response: Response) -> Response {
        let Ok(permit) = Arc::clone(&self.shared.streams).try_acquire_owned() else {
            let detail = "too many event streams are open";
            return ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "too-many-streams", detail).into_response();
        };
        let mut readiness = self.shared.readiness.subscribe();
        let stopping = async move {
            // The sender lives as long as the server.
            readiness.wait_for(|reason| *reason == Some(Reason::Stopping)).await.ok();
        };
        let (mut parts, body) = response.into_parts();
        // A proxy must not keep events back.
        parts.headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
        let pieces = body.into_data_stream().take_until(Box::pin(stopping)).map(move |piece| {
            let _held = &permit;
            piece
        });
        Response::from_parts(parts, Body::from_stream(pieces))
    }

    fn intent(&self, token: &str, path: &str, request: &str) -> Result<Intent, ApiError> {
        Ok(Intent {
            at_us: self.shared.now_us()?,
            token: token.to_owned(),
            method: self.method.as_str().to_owned(),
            route: self.route.to_owned(),
            path: path.to_owned(),
            request: request.to_owned(),
        })
    }

    /// Before anything is changed. What cannot be noted is not done.
    async fn note_intent(&self, intent: Intent) -> Result<i64, ApiError> {
        Ok(self.shared.store()?.write(move |tx| audit::begin(tx, &intent, ENTRIES_MAX)).await?)
    }

    /// What was done is answered, even when its outcome cannot be noted.
    async fn note_outcome(&self, entry: i64, status: StatusCode) {
        let Ok(store) = self.shared.store() else { return };
        if let Err(error) = store.write(move |tx| audit::end(tx, entry, status.as_u16())).await {
            tracing::error!(%error, entry, status = status.as_u16(), "the outcome of a change could not be noted");
        }
    }
}

fn too_large(most: usize) -> ApiError {
    let detail = format!("the body is larger than {most} bytes");
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", detail)
}

fn is_json(headers: &HeaderMap) -> bool {
    has_type(headers, "application/json")
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    has_type(headers, "text/event-stream")
}

fn has_type(headers: &HeaderMap, wanted: &str) -> bool {
    let Some(Ok(text)) = headers.get(header::CONTENT_TYPE).map(|value| value.to_str()) else { return false };
    text.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(wanted))
}
