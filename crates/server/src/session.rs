//! Logging in and out: a link, a token or a cookie become a session; `me` says who one is.

use std::sync::Arc;
use std::time::Instant;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::MethodFilter;
use exhibit_http::{Access, ApiError, Body, Caller, Json, Query, Route, Scopes};
use exhibit_model::time::Timestamp;
use exhibit_store::sql::tokens::{self, Purpose, StoredToken};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::{COOKIE, SESSION_DAYS, new_token, unknown};
use crate::shared::{Peer, Shared};
use crate::token::Token;

/// Who is logged in.
#[derive(Serialize, JsonSchema)]
pub struct Me {
    /// The name of the token or login.
    name: String,
    /// What it may do.
    #[schemars(with = "Vec<String>")]
    scopes: Scopes,
    /// When it ends.
    #[schemars(with = "Option<String>")]
    expires: Option<Timestamp>,
}

/// What a login link carries.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LoginQuery {
    /// The code of the link.
    code: String,
}

/// A token that becomes a session.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LoginBody {
    /// A token, or the code of a login link.
    token: String,
}

/// Largest body of a login: a token has 67 letters.
const LOGIN_BYTES_MAX: usize = 4_096;

pub(crate) fn routes(shared: &Arc<Shared>) -> Vec<Route> {
    let with = || Arc::clone(shared);
    let get = || (Method::GET, MethodFilter::GET);
    let words = ("login", "Opens a session with the code of a login link, and goes on to the web UI");
    let login = Route::new(get(), "/login", words, Access::Open, (login, with()));
    let words = ("open_session", "Opens a session with a token");
    let post = (Method::POST, MethodFilter::POST);
    let open = Route::new(post, "/v1/session", words, Access::Open, (open_session, with()));
    let words = ("close_session", "Ends the session");
    let delete = (Method::DELETE, MethodFilter::DELETE);
    let close = Route::new(delete, "/v1/session", words, Access::LoggedIn, (close_session, with()));
    let words = ("me", "Who is logged in, and what that allows");
    let me = Route::new(get(), "/v1/me", words, Access::LoggedIn, (me, ()));
    vec![
        login.query::<LoginQuery>().empty(303, "Logged in; on to the web UI").fails(&[401]),
        me.answers::<Me>(200, "Who"),
        open.body::<LoginBody>().body_bytes_max(LOGIN_BYTES_MAX).answers::<Me>(200, "Logged in").fails(&[401]),
        close.empty(204, "Logged out").fails(&[409]),
    ]
}

/// What a browser shows when a link does not work any more.
const LINK_ENDED: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Exhibit: log in</title>\
    <h1>This login link was used already, or is too old</h1>\
    <p>A link opens one session, within ten minutes. This prints a new one:</p><pre>exhibit login</pre></html>\n";

async fn login(
    State(shared): State<Arc<Shared>>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    Query(asked): Query<LoginQuery>,
) -> Result<Response, ApiError> {
    let peer = peer.map(|Extension(peer)| peer);
    match shared.open_session(&asked.code, peer, &[Purpose::Login]).await {
        Ok((_, cookie)) => Ok(to_the_ui(Some(cookie))),
        // Somebody who is logged in opens an old link once more.
        Err(error) if error.status() == StatusCode::UNAUTHORIZED => {
            match shared.known(&headers, peer.as_ref(), false).await {
                Ok(_) => Ok(to_the_ui(None)),
                Err(_) if crate::ui::wants_a_page(&headers) => {
                    Ok((StatusCode::UNAUTHORIZED, [(header::CACHE_CONTROL, "no-store")], Html(LINK_ENDED))
                        .into_response())
                }
                Err(_) => Err(error),
            }
        }
        Err(error) => Err(error),
    }
}

fn to_the_ui(cookie: Option<HeaderValue>) -> Response {
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, "/")]).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(cookie) = cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

async fn open_session(
    State(shared): State<Arc<Shared>>,
    peer: Option<Extension<Peer>>,
    Body(asked): Body<LoginBody>,
) -> Result<Response, ApiError> {
    let peer = peer.map(|Extension(peer)| peer);
    let (me, cookie) = shared.open_session(asked.token.trim(), peer, &[Purpose::Api, Purpose::Login]).await?;
    Ok(([(header::SET_COOKIE, cookie)], Json(me)).into_response())
}

async fn close_session(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, ApiError> {
    let store = shared.store()?;
    let now_us = shared.now_us()?;
    let id = caller.token.clone();
    let closed = store.write(move |tx| {
        let is_session = tokens::by_id(tx, &id)?.is_some_and(|found| found.purpose == Purpose::Session);
        Ok(is_session && tokens::revoke(tx, &id, now_us)?)
    });
    if !closed.await? {
        return Err(ApiError::conflict("not-possible", "there is no session: a token was sent with the request")
            .hint("`exhibit tokens revoke` takes a token back"));
    }
    let cookie = shared.cookie("", 0)?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

async fn me(Extension(caller): Extension<Caller>) -> Json<Me> {
    Json(Me { name: caller.name, scopes: caller.scopes, expires: caller.expires_us.map(Timestamp) })
}

impl Shared {
    /// Makes a session of a token, and its cookie.
    async fn open_session(
        &self,
        text: &str,
        peer: Option<Peer>,
        purposes: &[Purpose],
    ) -> Result<(Me, HeaderValue), ApiError> {
        let mut found = None;
        if let Some(token) = Token::parse(text) {
            for purpose in purposes {
                found = found.or(self.living(&token, *purpose).await?);
            }
        }
        let session = match found {
            Some(found) => self.make_session(found).await?,
            None => None,
        };
        let Some((token, row)) = session else {
            self.throttle.failed(self.place(peer.as_ref()), Instant::now());
            self.metrics.login_failed();
            return Err(unknown("login-invalid", "the token or login link is not known, was used, or has ended"));
        };
        let scopes = row.scopes.parse().map_err(ApiError::internal)?;
        let seconds = row.expires_us.map_or(0, |end| (end - row.created_us) / 1_000_000);
        let me = Me { name: row.name, scopes, expires: row.expires_us.map(Timestamp) };
        Ok((me, self.cookie(&token.text(), seconds)?))
    }

    /// Uses a login link up, and adds the session in the same transaction. `None`: another request was faster.
    async fn make_session(&self, from: StoredToken) -> Result<Option<(Token, StoredToken)>, ApiError> {
        let token = Token::new((self.chance)());
        let now_us = self.now_us()?;
        let ends = now_us + SESSION_DAYS * 86_400 * 1_000_000;
        let scopes = from.scopes.parse().map_err(ApiError::internal)?;
        // A session never outlives the token that opened it; a login link is used up by it.
        let (ends, parent) = match from.purpose {
            Purpose::Login => (ends, None),
            _ => (from.expires_us.map_or(ends, |end| end.min(ends)), Some(from.id.clone())),
        };
        let row = new_token(&token, Purpose::Session, &from.name, scopes, (now_us, Some(ends)));
        let row = StoredToken { parent, ..row };
        let kept = row.clone();
        let made = self.store()?.write(move |tx| {
            if from.purpose == Purpose::Login && !tokens::redeem(tx, &from.id, now_us)? {
                return Ok(false);
            }
            tokens::insert(tx, &kept)?;
            Ok(true)
        });
        Ok(made.await?.then_some((token, row)))
    }

    fn cookie(&self, value: &str, seconds: i64) -> Result<HeaderValue, ApiError> {
        let secure = if self.names.behind_proxy { "; Secure" } else { "" };
        let text = format!("{COOKIE}={value}; HttpOnly; SameSite=Strict; Path=/; Max-Age={seconds}{secure}");
        HeaderValue::try_from(text).map_err(ApiError::internal)
    }
}
