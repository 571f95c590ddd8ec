//! How numbers and moments of this room's JSON are written.

use exhibit_model::json::SAFE_INTEGER_MAX;
use exhibit_model::time::Timestamp;
use serde_json::Number;

/// A moment as ISO 8601 with `Z` and milliseconds; what is finer is cut off.
pub(super) fn iso(at: Timestamp) -> String {
    match jiff::Timestamp::from_millisecond(at.0.div_euclid(1_000)) {
        Ok(stamp) => format!("{stamp:.3}"),
        // Beyond the year 9999 nothing is a date; a database that was written to by hand may still hold it.
        Err(_) => format!("{}us", at.0),
    }
}

/// A number in the shortest form: integral values have no point, as JavaScript writes them. What is not finite becomes 0.
pub(crate) fn number(value: f64) -> Number {
    #[expect(clippy::cast_possible_truncation, reason = "only integral values within 2^53 are converted")]
    #[expect(clippy::cast_precision_loss, reason = "2^53 - 1 is exact as a double")]
    if value.fract() == 0.0 && value.abs() <= SAFE_INTEGER_MAX as f64 {
        return Number::from(value as i64);
    }
    Number::from_f64(value).unwrap_or_else(|| Number::from(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_milliseconds_and_numbers_no_needless_point() {
        for (us, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_771_372_800_123_999, "2026-02-18T00:00:00.123Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (i64::MAX, "9223372036854775807us"),
        ] {
            assert_eq!(iso(Timestamp(us)), text);
        }
        for (value, text) in [(5.0, "5"), (0.25, "0.25"), (-0.0, "0"), (1e300, "1e+300"), (f64::NAN, "0")] {
            assert_eq!(number(value).to_string(), text);
        }
    }
}
