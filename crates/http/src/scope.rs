//! Who asks, from where, and what they may do.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One permission. None includes another: a token holds each one that it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Look at everything.
    Read,
    /// Hand in evidence.
    Ingest,
    /// Start and stop runs and scans, make collections.
    Control,
    /// What changes the house itself, such as adding a source.
    Admin,
}

impl Scope {
    /// All of them, in the order of [`Scopes`].
    pub const EVERY: [Self; 4] = [Self::Read, Self::Ingest, Self::Control, Self::Admin];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Ingest => "ingest",
            Self::Control => "control",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::EVERY.into_iter().find(|scope| scope.as_str() == text);
        found.ok_or_else(|| format!("`{text}` is no scope; there are read, ingest, control and admin"))
    }
}

/// A set of scopes, printed as words with commas between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes(u8);

impl Scopes {
    /// Everything.
    pub fn every() -> Self {
        Scope::EVERY.into_iter().collect()
    }

    /// Whether `scope` is among them.
    pub fn has(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u8) != 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::EVERY.into_iter().filter(move |scope| self.has(*scope))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | (1 << scope as u8)))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            f.write_str(scope.as_str())?;
        }
        Ok(())
    }
}

impl FromStr for Scopes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split(',').map(|word| word.trim().parse::<Scope>()).collect()
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Scope::as_str))
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words = Vec::<String>::deserialize(deserializer)?;
        words.iter().map(|word| word.parse::<Scope>().map_err(serde::de::Error::custom)).collect()
    }
}

/// Who asks. The guard puts it into the extensions of every request that it lets through.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Id of the token or of the login.
    pub token: String,
    /// The name that a person gave it.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// When it ends, in microseconds since 1970.
    pub expires_us: Option<i64>,
}

/// Where a request comes from: the address of the connection, which is that of a proxy where one stands before the server. The guard puts
/// it into the extensions of every request that it lets through, beside [`Caller`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remote(pub Option<IpAddr>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_print_and_read_back() {
        for bits in 1..16_u8 {
            let scopes = Scopes(bits);
            assert_eq!(scopes.to_string().parse::<Scopes>().unwrap(), scopes);
        }
        assert!("".parse::<Scopes>().is_err());
        assert!("read,root".parse::<Scopes>().is_err());
        assert!(!"control".parse::<Scopes>().unwrap().has(Scope::Read));
    }
}
