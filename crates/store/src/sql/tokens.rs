//! Tokens: who may ask over HTTP. Only the SHA-256 of a secret is kept.

use exhibit_model::digest::Digest;

use crate::error::StoreError;
use crate::params;
use crate::session::{Read, Tx};
use crate::value::{FromRow, Row, Sql};

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Programs send it with each request.
    Api,
    /// A login link: it opens one session and is used up.
    Login,
    /// The cookie of a browser.
    Session,
}

impl Purpose {
    /// The number that the database holds.
    fn code(self) -> i64 {
        match self {
            Self::Api => 0,
            Self::Login => 1,
            Self::Session => 2,
        }
    }

    fn from_code(code: i64) -> Result<Self, StoreError> {
        match code {
            0 => Ok(Self::Api),
            1 => Ok(Self::Login),
            2 => Ok(Self::Session),
            other => Err(StoreError::Unexpected(format!("token purpose {other}"))),
        }
    }
}

/// A token.
#[derive(Debug, Clone)]
pub struct StoredToken {
    /// Its id, which is no secret.
    pub id: String,
    /// What it is for.
    pub purpose: Purpose,
    /// The token that opened this session.
    pub parent: Option<String>,
    /// The name that a person gave it.
    pub name: String,
    /// SHA-256 of its secret.
    pub secret: Digest,
    /// What it may do: words with commas between them.
    pub scopes: String,
    /// When it was made, microseconds UTC.
    pub created_us: i64,
    /// When it ends.
    pub expires_us: Option<i64>,
    /// When a person took it back.
    pub revoked_us: Option<i64>,
    /// When it was last used, to the minute; of a login link: when it was used up.
    pub used_us: Option<i64>,
}

impl StoredToken {
    /// Whether it can be used at that moment.
    pub fn lives(&self, now_us: i64) -> bool {
        let used_up = self.purpose == Purpose::Login && self.used_us.is_some();
        self.revoked_us.is_none() && !used_up && self.expires_us.is_none_or(|end| now_us < end)
    }
}

impl FromRow for StoredToken {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get(0)?,
            purpose: Purpose::from_code(row.get(1)?)?,
            parent: row.get(2)?,
            name: row.get(3)?,
            secret: row.get(4)?,
            scopes: row.get(5)?,
            created_us: row.get(6)?,
            expires_us: row.get(7)?,
            revoked_us: row.get(8)?,
            used_us: row.get(9)?,
        })
    }
}

const BY_ID: Sql = Sql::same(
    "token_by_id",
    "select token, purpose, parent, name, secret, scopes, created_us, expires_us, revoked_us, used_us from tokens \
     where token = $1",
);
const ALL: Sql = Sql::same(
    "token_all",
    "select token, purpose, parent, name, secret, scopes, created_us, expires_us, revoked_us, used_us from tokens \
     order by created_us, token",
);
const INSERT: Sql = Sql::same(
    "token_insert",
    "insert into tokens (token, purpose, parent, name, secret, scopes, created_us, expires_us, revoked_us, used_us) \
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
);
// Uses the index tokens_passing.
const FORGET: Sql = Sql::same("token_forget", "delete from tokens where purpose > 0 and expires_us < $1");
const USED: Sql = Sql::same("token_used", "update tokens set used_us = $2 where token = $1");
const REDEEM: Sql = Sql::same(
    "token_redeem",
    "update tokens set used_us = $2 where token = $1 and purpose = 1 and used_us is null and revoked_us is null \
     and expires_us > $2",
);
const REVOKE: Sql =
    Sql::same("token_revoke", "update tokens set revoked_us = $2 where token = $1 and revoked_us is null");
// Uses the index tokens_parent.
const REVOKE_SESSIONS: Sql =
    Sql::same("token_revoke_sessions", "update tokens set revoked_us = $2 where parent = $1 and revoked_us is null");

/// How long a session or login link that ended stays listed.
const KEPT_US: i64 = 30 * 86_400 * 1_000_000;

/// The token with that id, whether it lives or not.
///
/// # Errors
/// When the database cannot be read.
pub fn by_id(read: &Read<'_>, id: &str) -> Result<Option<StoredToken>, StoreError> {
    read.one(&BY_ID, params![id])
}

/// Every token, in the order in which they were made. There are few: what ended is forgotten.
///
/// # Errors
/// When the database cannot be read.
pub fn all(read: &Read<'_>) -> Result<Vec<StoredToken>, StoreError> {
    read.all(&ALL, &[])
}

/// Adds a token, and forgets sessions and login links that ended long ago.
///
/// # Errors
/// When the id is taken, or the database cannot be written.
pub fn insert(tx: &mut Tx<'_>, new: &StoredToken) -> Result<(), StoreError> {
    tx.execute(&FORGET, params![new.created_us - KEPT_US])?;
    let StoredToken { id, purpose, parent, name, secret, scopes, created_us, expires_us, revoked_us, used_us } = new;
    let row = params![
        id.as_str(),
        purpose.code(),
        parent.as_deref(),
        name.as_str(),
        *secret,
        scopes.as_str(),
        *created_us,
        *expires_us,
        *revoked_us,
        *used_us,
    ];
    tx.execute(&INSERT, row).map(|_| ())
}

/// Notes that a token was used.
///
/// # Errors
/// When the database cannot be written.
pub fn set_used(tx: &mut Tx<'_>, id: &str, now_us: i64) -> Result<(), StoreError> {
    tx.execute(&USED, params![id, now_us]).map(|_| ())
}

/// Uses a login link up. False when that is no longer possible: of two at once, one succeeds.
///
/// # Errors
/// When the database cannot be written.
pub fn redeem(tx: &mut Tx<'_>, id: &str, now_us: i64) -> Result<bool, StoreError> {
    Ok(tx.execute(&REDEEM, params![id, now_us])? > 0)
}

/// Takes a token back, with every session that it opened. False when there was nothing to take back.
///
/// # Errors
/// When the database cannot be written.
pub fn revoke(tx: &mut Tx<'_>, id: &str, now_us: i64) -> Result<bool, StoreError> {
    let own = tx.execute(&REVOKE, params![id, now_us])?;
    let sessions = tx.execute(&REVOKE_SESSIONS, params![id, now_us])?;
    Ok(own + sessions > 0)
}
