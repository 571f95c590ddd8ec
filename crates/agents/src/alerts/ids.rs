//! Ids of rules, transitions and deliveries: names that follow from what they name, so that a rerun gives the same ones.
//!
//! They are UUIDs of version 8 (RFC 9562, section 5.8): the first 128 bits of a SHA-256 over a fixed name space and the length-prefixed
//! parts, with the bits of version and variant set, as appendix B.2 of the same document shows. Version 5 would need SHA-1 for nothing.

use std::fmt;

use exhibit_model::canonical::canonical_of;
use exhibit_model::digest::DigestHasher;
use serde::{Serialize, Serializer};

use super::rule::Rule;
use super::state::Transition;

/// Longest id of a rule, in bytes: ids of an imported file are kept, and none that is longer than a digest with a prefix is known.
const RULE_ID_BYTES_MAX: usize = 128;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The id as it is written.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// An id that this room wrote, as the database gives it back.
            pub(crate) fn kept(text: String) -> Self {
                Self(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    };
}

text_id! {
    /// A rule: a UUID, or the id that an imported file gave it.
    RuleId
}
text_id! {
    /// A transition: a UUID that follows from its rule, scope, episode and ordinal.
    TransitionId
}
text_id! {
    /// The delivery of a transition to a channel: a UUID, the same over all attempts.
    DeliveryId
}

impl RuleId {
    /// Reads an id: 1 to 128 printable characters of ASCII without space and without `/`, because it stands in paths.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/');
        (plain && (1..=RULE_ID_BYTES_MAX).contains(&text.len())).then(|| Self(text.to_owned()))
    }

    /// The place of an id while a rule is read; it never leaves this room.
    pub(super) fn nameless() -> Self {
        Self(String::new())
    }

    /// The id of a new rule from what it says (without its id and times) and from its ordinal: how many rules, deleted ones included, there
    /// were before it. Two rules that say the same differ by the ordinal.
    pub fn of_rule(rule: &Rule, ordinal: u64) -> Self {
        // A view of texts and finite numbers always has a canonical form.
        let says = canonical_of(&rule.content()).unwrap_or_default();
        Self(uuid("exhibit/agents/alert-rule/1", &[&says, &ordinal.to_be_bytes()]))
    }
}

impl TransitionId {
    /// The id of a transition.
    pub fn of(rule_id: &RuleId, scope_key: &str, transition: &Transition) -> Self {
        let (episode, ordinal) = (transition.episode.to_be_bytes(), transition.ordinal.to_be_bytes());
        let parts: [&[u8]; 4] = [rule_id.as_str().as_bytes(), scope_key.as_bytes(), &episode, &ordinal];
        Self(uuid("exhibit/agents/alert-transition/1", &parts))
    }
}

impl DeliveryId {
    /// The id of the delivery of a transition to the channel with this id.
    pub fn of(transition: &TransitionId, channel_id: &str) -> Self {
        Self(uuid("exhibit/agents/alert-delivery/1", &[transition.as_str().as_bytes(), channel_id.as_bytes()]))
    }
}

/// A UUID of version 8 from a name space and parts; parts are told apart by their lengths.
fn uuid(name_space: &str, parts: &[&[u8]]) -> String {
    let mut hasher = DigestHasher::new();
    for part in std::iter::once(name_space.as_bytes()).chain(parts.iter().copied()) {
        hasher.update(&(part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    let mut hex = hasher.finish().to_hex();
    hex.truncate(32);
    let variant = match hex.as_bytes()[16] {
        b'0' | b'4' | b'8' | b'c' => '8',
        b'1' | b'5' | b'9' | b'd' => '9',
        b'2' | b'6' | b'a' | b'e' => 'a',
        _ => 'b',
    };
    format!("{}-{}-8{}-{variant}{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_have_version_and_variant_and_tell_parts_apart() {
        let one = uuid("n", &[b"ab", b"c"]);
        assert_eq!(one.len(), 36);
        assert_eq!(one.as_bytes()[14], b'8');
        assert!(b"89ab".contains(&one.as_bytes()[19]));
        assert_ne!(one, uuid("n", &[b"a", b"bc"]));
        assert_ne!(one, uuid("m", &[b"ab", b"c"]));
        assert_eq!(one, uuid("n", &[b"ab", b"c"]));
    }

    #[test]
    fn ids_of_rules_are_short_and_printable() {
        for good in ["r1", "0196c0de-1111-8222-8333-444455556666", &"x".repeat(128)] {
            assert_eq!(RuleId::parse(good).map(|id| id.to_string()).as_deref(), Some(good));
        }
        for wrong in ["", "a b", "a/b", "é", "a\n", &"x".repeat(129)] {
            assert_eq!(RuleId::parse(wrong), None, "{wrong}");
        }
    }
}
