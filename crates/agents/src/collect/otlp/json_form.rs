//! How JSON writes what protobuf has other means for: ids in hex, 64-bit numbers as text, enums as numbers, one field for each kind of value.

use std::fmt;

use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, de};

use super::wire::{AnyValue, Scalar};

/// Absent, `null` and the default are the same (proto3 JSON).
pub(super) fn null_is_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    from: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(from).map(Option::unwrap_or_default)
}

/// An id in hex digits. One that is not becomes no id at all, which costs the record and not the request.
pub(super) fn hex<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    let text = Option::<std::borrow::Cow<'de, str>>::deserialize(from)?.unwrap_or_default();
    Ok(hex_bytes(&text).unwrap_or_default())
}

fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    Some(digits.chunks_exact(2).map(|pair| (pair[0] << 4) | pair[1]).collect())
}

/// An unsigned 64-bit number, as a number or as text.
pub(super) fn fixed64<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    match Option::<Number>::deserialize(from)? {
        None => Ok(0),
        Some(Number(number)) => u64::try_from(number).map_err(|_| D::Error::custom("a time is negative")),
    }
}

/// The code of a status, as a number or by its name.
pub(super) fn name_or_number<'de, D: Deserializer<'de>>(from: D) -> Result<i32, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Code<'a> {
        Number(i32),
        Name(#[serde(borrow)] std::borrow::Cow<'a, str>),
    }
    Ok(match Option::<Code<'de>>::deserialize(from)? {
        None => 0,
        Some(Code::Number(number)) => number,
        Some(Code::Name(name)) => match name.as_ref() {
            "STATUS_CODE_OK" => 1,
            "STATUS_CODE_ERROR" => 2,
            digits => digits.parse().unwrap_or(0),
        },
    })
}

/// An integer of up to 64 bits, as a number or as text.
struct Number(i128);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Digits;
        impl Visitor<'_> for Digits {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an integer, or its digits")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Number, E> {
                Ok(Number(number.into()))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Number, E> {
                Ok(Number(number.into()))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Number, E> {
                let whole = crate::collect::json::whole(number);
                whole.map(|whole| Number(whole.into())).ok_or_else(|| E::custom("a number is not whole, or too large"))
            }

            fn visit_str<E: de::Error>(self, digits: &str) -> Result<Number, E> {
                digits
                    .parse()
                    .map(|number: i128| Number(number))
                    .map_err(|_| E::custom("a number has other than digits"))
            }
        }
        from.deserialize_any(Digits)
    }
}

impl<'de> Deserialize<'de> for AnyValue {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        /// A double, also when it is not finite: JSON has only texts for that.
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Double {
            Number(f64),
            Name(String),
        }
        #[derive(Deserialize, Default)]
        #[serde(rename_all = "camelCase", default)]
        struct Kinds {
            string_value: Option<String>,
            bool_value: Option<bool>,
            int_value: Option<Number>,
            double_value: Option<Double>,
        }
        let kinds = Kinds::deserialize(from)?;
        let text = kinds.string_value.map(Scalar::Text);
        let flag = kinds.bool_value.map(Scalar::Flag);
        let whole = match kinds.int_value {
            Some(Number(number)) => {
                Some(Scalar::Whole(i64::try_from(number).map_err(|_| D::Error::custom("an integer is too large"))?))
            }
            None => None,
        };
        let double = kinds.double_value.map(|double| match double {
            Double::Number(number) => Scalar::Double(number),
            Double::Name(name) => Scalar::Double(name.parse().unwrap_or(f64::NAN)),
        });
        Ok(Self { value: text.or(flag).or(whole).or(double) })
    }
}
