//! Decimals of other files as integer nano-USD, through their text alone.

use serde_json::{Number, Value};

use super::snapshot::PRICE_MAX;
use crate::money::Nano;

/// From dollars per token to dollars per million tokens: six places.
const PLACES_PER_TOKEN: i64 = 6;

/// Dollars per token as nano-USD per million tokens, rounded half up. `None` for what is no price: below zero, too large, no number.
pub(super) fn per_token(value: &Value) -> Option<i64> {
    shifted(number_of(value)?, PLACES_PER_TOKEN)
}

/// Dollars per million tokens, or dollars each, as nano-USD. `None` for what is no price.
pub(super) fn whole(value: &Value) -> Option<i64> {
    shifted(number_of(value)?, 0)
}

fn number_of(value: &Value) -> Option<&Number> {
    match value {
        Value::Number(number) => Some(number),
        _ => None,
    }
}

/// The shortest text of a double that reads back as the same double is what the file says, up to 15 digits; the point moves in that text.
fn shifted(number: &Number, places: i64) -> Option<i64> {
    let text = number.to_string();
    let (mantissa, power) = match text.split_once(['e', 'E']) {
        Some((mantissa, power)) => (mantissa, power.parse::<i64>().ok()?),
        None => (text.as_str(), 0),
    };
    let nano = Nano::from_decimal(&format!("{mantissa}e{}", power.checked_add(places)?))?;
    (nano.0 <= PRICE_MAX).then_some(nano.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_move_their_point_and_are_exact() {
        for (text, nano) in [
            ("3e-06", 3_000_000_000),
            ("0.000003", 3_000_000_000),
            ("1.5e-07", 150_000_000),
            ("2.5e-8", 25_000_000),
            ("0.0", 0),
            ("1e-15", 1),
            ("4.9e-16", 0),
            ("2.9999999999999997e-06", 3_000_000_000),
        ] {
            let value: Value = serde_json::from_str(text).expect("a number");
            assert_eq!(per_token(&value), Some(nano), "{text}");
        }
        for (text, nano) in [("3", 3_000_000_000), ("0.075", 75_000_000), ("18.75", 18_750_000_000)] {
            let value: Value = serde_json::from_str(text).expect("a number");
            assert_eq!(whole(&value), Some(nano), "{text}");
        }
        for text in ["-1", "1e300", "\"1\"", "null", "[]", "1e9"] {
            let value: Value = serde_json::from_str(text).expect("JSON");
            assert_eq!(per_token(&value), None, "{text}");
        }
    }
}
