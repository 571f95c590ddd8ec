//! How much memory a protobuf message would take, found out before it is decoded.
//!
//! Source: the encoding of Protocol Buffers (wire types, varints). Groups, which version 3 does not have, are refused.

/// Bytes of the longest varint: 64 bits, 7 in each.
const VARINT_BYTES_MAX: usize = 10;

/// A message: how much it takes by itself, and which of its fields are messages that are decoded.
#[derive(Debug)]
pub(super) struct Shape {
    /// Bytes in memory.
    pub(super) size: usize,
    /// Numbers of fields, and what they hold.
    pub(super) inner: &'static [(u64, &'static Shape)],
}

/// Bytes in memory of all messages in `bytes`, texts not counted; `None` when that is no message. Shapes are constants that do not hold
/// themselves, so the recursion is as deep as they are.
pub(super) fn weigh(mut bytes: &[u8], shape: &Shape) -> Option<usize> {
    let mut weight = shape.size;
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        match key & 7 {
            0 => {
                varint(&mut bytes)?;
            }
            1 => bytes = bytes.get(8..)?,
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                let (field, rest) = bytes.split_at_checked(length)?;
                bytes = rest;
                if let Some((_, inner)) = shape.inner.iter().find(|(number, _)| *number == key >> 3) {
                    weight = weight.saturating_add(weigh(field, inner)?);
                }
            }
            5 => bytes = bytes.get(4..)?,
            _ => return None,
        }
    }
    Some(weight)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for index in 0..VARINT_BYTES_MAX {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7F).checked_shl(u32::try_from(index * 7).ok()?)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    static LEAF: Shape = Shape { size: 10, inner: &[] };
    static ROOT: Shape = Shape { size: 1, inner: &[(2, &LEAF)] };

    #[test]
    fn messages_are_counted_and_all_else_is_passed_over() {
        for (bytes, weight) in [
            (&b""[..], Some(1)),
            (&[0x12, 0, 0x12, 0][..], Some(21)),
            (&[0x0A, 2, 0x12, 0][..], Some(1)),
            (&[0x08, 0xFF, 0x01, 0x0D, 1, 2, 3, 4][..], Some(1)),
            (&[0x12, 5][..], None),
            (&[0x0B][..], None),
            (&[0xFF; 12][..], None),
        ] {
            assert_eq!(weigh(bytes, &ROOT), weight, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _weight = weigh(&bytes, &ROOT);
        }
    }
}
