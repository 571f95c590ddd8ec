//! Money: integer nano-USD, so that sums are exact whatever their order.

use serde_json::Number;

/// Nano-USD: a billionth of a dollar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Nano(pub i64);

/// Digits after the point of a dollar that are kept.
const PLACES: usize = 9;

/// Largest power of ten that is looked at; anything beyond is out of range in any case.
const POWER_MAX: i64 = 40;

impl Nano {
    /// Reads an amount of USD, rounded half up to whole nano-USD. `None` below zero and beyond 64 bits.
    pub fn from_usd(usd: &Number) -> Option<Self> {
        Self::from_decimal(&usd.to_string())
    }

    /// Reads a decimal: digits, perhaps a point, perhaps an exponent.
    pub fn from_decimal(text: &str) -> Option<Self> {
        let (mantissa, power) = match text.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, power.parse::<i64>().ok()?),
            None => (text, 0),
        };
        let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits: String = [whole, part].concat();
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let digits = digits.trim_start_matches('0');
        if digits.is_empty() {
            return Some(Self(0));
        }
        // The value is digits x 10^shift nano-USD.
        let places = i64::try_from(part.len()).ok()?;
        let shift = power.checked_sub(places)?.checked_add(PLACES as i64)?;
        if shift > POWER_MAX {
            return None;
        }
        if shift >= 0 {
            let zeros = usize::try_from(shift).ok()?;
            return format!("{digits}{}", "0".repeat(zeros)).parse().ok().map(Self);
        }
        let cut = usize::try_from(-shift).unwrap_or(usize::MAX);
        if cut > digits.len() {
            return Some(Self(0));
        }
        let (kept, rest) = digits.split_at(digits.len() - cut);
        let kept: i64 = if kept.is_empty() { 0 } else { kept.parse().ok()? };
        let up = rest.as_bytes().first().is_some_and(|digit| *digit >= b'5');
        kept.checked_add(i64::from(up)).map(Self)
    }

    /// Dollars with six decimals at most, rounded half up, as the wire has them.
    pub fn usd(self) -> f64 {
        let micro = (i128::from(self.0) + 500).div_euclid(1_000);
        #[expect(
            clippy::cast_precision_loss,
            reason = "micro-USD of any real amount fit in 53 bits; six decimals are shown"
        )]
        let micro = micro as f64;
        micro / 1_000_000.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decimals_become_nano_usd() {
        for (text, nano) in [
            ("0", 0),
            ("0.000000001", 1),
            ("0.0000000005", 1),
            ("0.00000000049999", 0),
            ("1.5", 1_500_000_000),
            ("1e-9", 1),
            ("1.5E3", 1_500_000_000_000),
            ("0.1", 100_000_000),
            ("12", 12_000_000_000),
            ("1e-400", 0),
            ("000.000", 0),
        ] {
            assert_eq!(Nano::from_decimal(text), Some(Nano(nano)), "{text}");
        }
        for wrong in ["", "-1", "1e40", "abc", ".", "1e", "99999999999999999999", "1e9223372036854775807"] {
            assert_eq!(Nano::from_decimal(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_wire_has_six_decimals() {
        for (nano, usd) in [(0, 0.0), (499, 0.0), (500, 0.000_001), (1_234_567_891, 1.234_568)] {
            assert!((Nano(nano).usd() - usd).abs() < 1e-12, "{nano}");
        }
    }

    proptest! {
        #[test]
        fn every_nano_reads_back(nano in 0..i64::MAX) {
            let text = format!("{}.{:09}", nano / 1_000_000_000, nano % 1_000_000_000);
            prop_assert_eq!(Nano::from_decimal(&text), Some(Nano(nano)));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            Nano::from_decimal(&text);
        }
    }
}
