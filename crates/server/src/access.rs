//! Who asks: a token in the header `Authorization`, or the cookie of a session.

use std::str::FromStr as _;
use std::time::Instant;

use axum::http::{HeaderMap, StatusCode, header};
use exhibit_http::{ApiError, Caller, Scope, Scopes};
use exhibit_model::digest::Digest;
use exhibit_store::sql::tokens::{self, Purpose, StoredToken};
use exhibit_store::{Store, StoreError};

use crate::shared::{Peer, Shared};
use crate::token::{CHANCE_BYTES, Token};

/// The name of the cookie.
pub(crate) const COOKIE: &str = "exhibit";

/// The header of the shared secret.
const SECRET_HEADER: &str = "x-secret-key";

/// What the audit and the log call whoever sends the shared secret.
const SECRET_ID: &str = "secret";

/// How long a login link can be used.
pub const LOGIN_MINUTES: i64 = 10;

/// How long a session lasts.
pub const SESSION_DAYS: i64 = 30;

/// A token that is used more often than this is noted as used once in this time.
const USED_EVERY_US: i64 = 60 * 1_000_000;

/// Somebody who is logged in.
pub(crate) struct Known {
    pub caller: Caller,
    /// Whether a browser sent the login by itself.
    pub by_cookie: bool,
}

/// A row for a token.
pub fn new_token(
    token: &Token,
    purpose: Purpose,
    name: &str,
    scopes: Scopes,
    (now_us, expires_us): (i64, Option<i64>),
) -> StoredToken {
    StoredToken {
        id: token.id().to_owned(),
        purpose,
        parent: None,
        name: name.to_owned(),
        secret: token.digest(),
        scopes: scopes.to_string(),
        created_us: now_us,
        expires_us,
        revoked_us: None,
        used_us: None,
    }
}

/// Makes a login link for the server at `address`: it opens one session, within ten minutes.
///
/// # Errors
/// When the database cannot be written.
pub async fn login_link(store: &Store, address: &str, chance: [u8; CHANCE_BYTES]) -> Result<String, StoreError> {
    let token = Token::new(chance);
    let now_us = store.clock().now().0;
    let scopes = [Scope::Read, Scope::Control, Scope::Admin].into_iter().collect();
    let ends = now_us + LOGIN_MINUTES * 60 * 1_000_000;
    let row = new_token(&token, Purpose::Login, "login link", scopes, (now_us, Some(ends)));
    store.write(move |tx| tokens::insert(tx, &row)).await?;
    Ok(format!("{address}/login?code={}", token.text()))
}

impl Shared {
    /// Who asks, or why nobody is known.
    ///
    /// # Errors
    /// 401, and 429 for somebody who guesses.
    pub(crate) async fn known(
        &self,
        headers: &HeaderMap,
        peer: Option<&Peer>,
        takes_secret: bool,
    ) -> Result<Known, ApiError> {
        if takes_secret && self.secret.value.as_ref().is_some_and(|secret| secret.is_empty()) {
            return Err(unset());
        }
        // Another scheme is meant for a proxy before us.
        let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(bearer);
        if let Some(text) = sent {
            let place = self.place(peer);
            if let Some(token) = Token::parse(text)
                && let Some(found) = self.living(&token, Purpose::Api).await?
            {
                return Ok(Known { caller: caller(found)?, by_cookie: false });
            }
            if takes_secret {
                self.refuse_without_ways_in().await?;
            }
            self.refuse_guesses(peer)?;
            self.throttle.failed(place, Instant::now());
            self.metrics.login_failed();
            return Err(unknown("login-invalid", "the token is not known, or has ended"));
        }
        if takes_secret && let Some(known) = self.by_secret(headers, peer).await? {
            return Ok(known);
        }
        // Another program on this machine may have set a cookie of the same name.
        for token in cookies(headers).take(4) {
            if let Some(found) = self.living(&token, Purpose::Session).await? {
                return Ok(Known { caller: caller(found)?, by_cookie: true });
            }
        }
        Err(unknown("login-missing", "this needs a login"))
    }

    /// Who sends the shared secret. `None` when it was not sent and there is another way in.
    ///
    /// # Errors
    /// 401 for another secret, 500 when there is neither secret nor token, 429 for somebody who guesses.
    async fn by_secret(&self, headers: &HeaderMap, peer: Option<&Peer>) -> Result<Option<Known>, ApiError> {
        let sent = headers.get(SECRET_HEADER);
        match (&self.secret.value, sent) {
            (Some(secret), Some(sent)) => {
                // Digests of both, so that the time says nothing about the secret.
                if Digest::of(secret.as_bytes()) == Digest::of(sent.as_bytes()) {
                    let (token, name) = (SECRET_ID.to_owned(), "shared secret".to_owned());
                    let caller = Caller { token, name, scopes: self.secret.scopes, expires_us: None };
                    return Ok(Some(Known { caller, by_cookie: false }));
                }
                self.refuse_guesses(peer)?;
                self.throttle.failed(self.place(peer), Instant::now());
                self.metrics.login_failed();
                Err(unknown("login-invalid", "the shared secret is another one"))
            }
            (Some(_), None) => Ok(None),
            (None, _) => self.refuse_without_ways_in().await.map(|()| None),
        }
    }

    /// 500 when there is neither a secret nor a token, whatever was sent.
    async fn refuse_without_ways_in(&self) -> Result<(), ApiError> {
        let none = self.secret.value.is_none() && self.store()?.read(tokens::all).await?.is_empty();
        if none { Err(unset()) } else { Ok(()) }
    }

    /// The row of a token that can be used for that.
    pub(crate) async fn living(&self, token: &Token, purpose: Purpose) -> Result<Option<StoredToken>, ApiError> {
        let store = self.store()?;
        let id = token.id().to_owned();
        let found = store.read(move |read| tokens::by_id(read, &id)).await?;
        let now_us = store.clock().now().0;
        let found = found.filter(|found| token.is(&found.secret) && found.purpose == purpose && found.lives(now_us));
        if let Some(found) = &found
            && purpose != Purpose::Login
            && found.used_us.is_none_or(|used| now_us - used >= USED_EVERY_US)
        {
            self.note_use(found.id.clone(), now_us)?;
        }
        Ok(found)
    }

    /// Notes the use, without making the request wait for it. The store's own writer thread ends what was begun.
    fn note_use(&self, id: String, now_us: i64) -> Result<(), ApiError> {
        let store = self.store()?.clone();
        tokio::spawn(async move {
            if let Err(error) = store.write(move |tx| tokens::set_used(tx, &id, now_us)).await {
                tracing::warn!(%error, "the use of a token could not be noted");
            }
        });
        Ok(())
    }

    /// 429 after too many failures from there.
    pub(crate) fn refuse_guesses(&self, peer: Option<&Peer>) -> Result<(), ApiError> {
        if self.throttle.allows(self.place(peer), Instant::now()) {
            return Ok(());
        }
        let detail = "there were too many failed logins; the next attempt is possible in a minute";
        Err(ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too-many-failures", detail))
    }
}

/// 500: nobody can get in, which whoever runs the server has to mend.
fn unset() -> ApiError {
    let detail = "the shared secret is set and empty, or neither it nor a token exists";
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "auth-not-configured", detail)
        .hint("`exhibit tokens create` makes a token")
}

/// 401, with the way in.
pub(crate) fn unknown(code: &'static str, detail: &str) -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, code, detail)
        .hint("`exhibit login` prints a link for a browser, `exhibit tokens create` makes a token for a program")
}

fn caller(found: StoredToken) -> Result<Caller, ApiError> {
    let scopes = Scopes::from_str(&found.scopes).map_err(ApiError::internal)?;
    Ok(Caller { token: found.id, name: found.name, scopes, expires_us: found.expires_us })
}

/// The token of `Bearer …`; the word may be written in any case.
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// The tokens in cookies of our name.
fn cookies(headers: &HeaderMap) -> impl Iterator<Item = Token> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(name, _)| *name == COOKIE).filter_map(|(_, value)| Token::parse(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_found_where_they_belong() {
        let token = Token::new([7; CHANCE_BYTES]).text();
        assert_eq!(bearer(&format!("bearer {token}")), Some(token.as_str()));
        assert_eq!(bearer(&token), None);
        assert_eq!(bearer(&format!("Basic {token}")), None);
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, format!("a=b; exhibit=rubbish; exhibit={token}").parse().unwrap());
        headers.append(header::COOKIE, format!("notexhibit={token}").parse().unwrap());
        assert_eq!(cookies(&headers).map(|token| token.text()).collect::<Vec<_>>(), [token]);
    }
}
