//! How a fake gateway misbehaves, and the words with which an operator asks for it.

use std::str::FromStr;

use thiserror::Error;

/// How the gateway treats a method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Behaviour {
    /// It says yes and does nothing.
    NoEffect,
    /// Its effect is seen only at the look after this many.
    Slow {
        /// Looks (`sessions.describe`) that still show the state before.
        looks: u32,
    },
    /// It says no.
    Refuse {
        /// In these words.
        message: String,
    },
    /// It does its work, begins to answer, and closes the connection.
    CloseMidAnswer,
    /// It closes the connection before it does anything.
    CloseBefore,
    /// It answers with what is no frame.
    Rubbish,
    /// It answers with five mebibytes.
    Oversized,
    /// It never answers.
    Silent,
}

/// A word that is no behaviour.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{0}` is no behaviour: no-effect, slow:<looks>, refuse:<message>, close-mid-answer, close-before, rubbish, oversized or silent"
)]
pub struct BehaviourFault(String);

impl FromStr for Behaviour {
    type Err = BehaviourFault;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fault = || BehaviourFault(text.to_owned());
        Ok(match text.split_once(':') {
            Some(("slow", looks)) => Self::Slow { looks: looks.parse().map_err(|_| fault())? },
            Some(("refuse", message)) => Self::Refuse { message: message.to_owned() },
            Some(_) => return Err(fault()),
            None => match text {
                "no-effect" => Self::NoEffect,
                "close-mid-answer" => Self::CloseMidAnswer,
                "close-before" => Self::CloseBefore,
                "rubbish" => Self::Rubbish,
                "oversized" => Self::Oversized,
                "silent" => Self::Silent,
                _ => return Err(fault()),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behaviours_have_words() {
        for (text, behaviour) in [
            ("no-effect", Behaviour::NoEffect),
            ("slow:3", Behaviour::Slow { looks: 3 }),
            ("refuse:not: now", Behaviour::Refuse { message: "not: now".to_owned() }),
            ("close-mid-answer", Behaviour::CloseMidAnswer),
            ("close-before", Behaviour::CloseBefore),
            ("rubbish", Behaviour::Rubbish),
            ("oversized", Behaviour::Oversized),
            ("silent", Behaviour::Silent),
        ] {
            assert_eq!(text.parse(), Ok(behaviour));
        }
        for text in ["", "slow", "slow:x", "slow:-1", "kind:x", "Silent"] {
            assert_eq!(text.parse::<Behaviour>(), Err(BehaviourFault(text.to_owned())));
        }
    }
}
