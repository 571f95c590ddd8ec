//! The names of prices: which list, or whose word, a cost rests on.

use std::fmt;

use exhibit_model::digest::Digest;

/// What a provider billed.
pub const PROVIDER_NATIVE: &str = "provider_native";

/// A cost of an older file that names no prices.
pub const LEGACY_UNVERSIONED: &str = "legacy_unversioned";

/// The flat two dollars per million tokens that V3 reckoned with.
pub const V3_FLAT: &str = "v3-flat-2usd-per-mtok";

/// The list that V4.1 reckoned with.
pub const V41_DEFAULT: &str = "v4.1-default";

/// A sum of costs under several prices.
pub const MIXED: &str = "mixed";

/// What an estimate of LiteLLM begins with; its version follows.
pub const LITELLM_PREFIX: &str = "litellm@";

/// What an estimate of Claude Code begins with; its version follows.
pub const CLAUDE_CODE_PREFIX: &str = "claude-code@";

/// What an estimate of OpenClaw begins with; its version follows.
pub const OPENCLAW_PREFIX: &str = "openclaw@";

/// What the name of a snapshot begins with.
pub const SNAPSHOT_PREFIX: &str = "px-";

/// Hex digits of the name of a snapshot: 64 bits, plenty for the few lists that one installation ever sees.
const SNAPSHOT_DIGITS: usize = 16;

/// Longest name in bytes: that of any short text of the contract.
pub const VERSION_BYTES_MAX: usize = 256;

/// The version of an estimator that does not tell its own.
const UNKNOWN_ESTIMATOR: &str = "unknown";

/// The name of the prices that a cost rests on; never empty, at most 256 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PricingVersion(String);

impl PricingVersion {
    /// A name as it was sent or stored. `None` when it is empty or too long.
    pub fn parse(text: &str) -> Option<Self> {
        (!text.is_empty() && text.len() <= VERSION_BYTES_MAX).then(|| Self(text.to_owned()))
    }

    /// What a provider billed: [`PROVIDER_NATIVE`].
    pub fn provider_native() -> Self {
        Self(PROVIDER_NATIVE.to_owned())
    }

    /// A cost of an older file that names no prices: [`LEGACY_UNVERSIONED`].
    pub fn legacy_unversioned() -> Self {
        Self(LEGACY_UNVERSIONED.to_owned())
    }

    /// The flat price of V3: [`V3_FLAT`].
    pub fn v3_flat() -> Self {
        Self(V3_FLAT.to_owned())
    }

    /// The list of V4.1: [`V41_DEFAULT`].
    pub fn v41_default() -> Self {
        Self(V41_DEFAULT.to_owned())
    }

    /// Several prices in one sum: [`MIXED`].
    pub fn mixed() -> Self {
        Self(MIXED.to_owned())
    }

    /// An estimate of LiteLLM.
    pub fn litellm(version: &str) -> Self {
        Self::of_estimator(LITELLM_PREFIX, version)
    }

    /// An estimate of Claude Code.
    pub fn claude_code(version: &str) -> Self {
        Self::of_estimator(CLAUDE_CODE_PREFIX, version)
    }

    /// An estimate of OpenClaw.
    pub fn openclaw(version: &str) -> Self {
        Self::of_estimator(OPENCLAW_PREFIX, version)
    }

    /// An empty version of the estimator becomes `unknown`; a long one is cut, at a whole character.
    fn of_estimator(prefix: &str, version: &str) -> Self {
        let version = if version.is_empty() { UNKNOWN_ESTIMATOR } else { version };
        let cut = version.floor_char_boundary(VERSION_BYTES_MAX - prefix.len());
        Self(format!("{prefix}{}", &version[..cut]))
    }

    /// The name of a snapshot, from its canonical bytes (RFC 8785).
    pub(super) fn of_snapshot(body: &[u8]) -> Self {
        let hex = Digest::of(body).to_hex();
        Self(format!("{SNAPSHOT_PREFIX}{}", &hex[..SNAPSHOT_DIGITS]))
    }

    /// The name for a sum: that of its parts when they agree, else [`MIXED`]; `None` when there are no parts.
    pub fn of_sum<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
        let mut parts = parts.into_iter();
        let first = parts.next()?;
        Some(if parts.all(|other| other == first) { first.clone() } else { Self::mixed() })
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it names what a provider billed.
    pub fn is_native(&self) -> bool {
        self.0 == PROVIDER_NATIVE
    }
}

impl fmt::Display for PricingVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
