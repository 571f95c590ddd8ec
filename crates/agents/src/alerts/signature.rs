//! The signature of a webhook: HMAC-SHA256 (RFC 2104, FIPS 180-4) over the moment and the body, and how a receiver checks it.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::channel::Secret;

/// Longest header that is looked at, in bytes: ours has 84.
const HEADER_BYTES_MAX: usize = 1024;

/// Why a delivery is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The header is not `t=<seconds>,v1=<64 hex digits>`.
    #[error("the signature header is not readable")]
    Unreadable,
    /// It was signed too long ago, or in the future: a delivery that somebody kept and sent again.
    #[error("the signature is too old or from the future")]
    Expired,
    /// Somebody else signed it, or something else was signed.
    #[error("the signature does not match")]
    Mismatch,
}

/// The value of the signature header: `t=<unix seconds>,v1=<hex>`, where the hex digits are HMAC-SHA256 of `<t>.<body>` under the secret.
pub fn sign(secret: &Secret, unix_s: i64, body: &[u8]) -> String {
    let mut header = format!("t={unix_s},v1=");
    let Some(mac) = mac_of(secret, &unix_s.to_string(), body) else { return header };
    for byte in mac.finalize().into_bytes() {
        header.push_str(&format!("{byte:02x}"));
    }
    header
}

/// Checks a signature as a receiver does, in constant time. `tolerance_s` is how far the clocks may be apart, the way of the message
/// included; five minutes are usual.
///
/// # Errors
/// Why the delivery is not to be believed.
pub fn verify(
    secret: &Secret,
    header: &str,
    body: &[u8],
    now_unix_s: i64,
    tolerance_s: u32,
) -> Result<(), SignatureError> {
    let (signed_at, digits) = parts_of(header).ok_or(SignatureError::Unreadable)?;
    let seconds: i64 = signed_at.parse().map_err(|_| SignatureError::Unreadable)?;
    let tag = bytes_of(digits).ok_or(SignatureError::Unreadable)?;
    let mac = mac_of(secret, signed_at, body).ok_or(SignatureError::Mismatch)?;
    mac.verify_slice(&tag).map_err(|_| SignatureError::Mismatch)?;
    if now_unix_s.abs_diff(seconds) > u64::from(tolerance_s) {
        return Err(SignatureError::Expired);
    }
    Ok(())
}

/// The code of a message. HMAC takes a key of any length; the `Option` is that of the interface.
fn mac_of(secret: &Secret, signed_at: &str, body: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes()).ok()?;
    mac.update(signed_at.as_bytes());
    mac.update(b".");
    mac.update(body);
    Some(mac)
}

fn parts_of(header: &str) -> Option<(&str, &str)> {
    if header.len() > HEADER_BYTES_MAX {
        return None;
    }
    header.strip_prefix("t=")?.split_once(",v1=")
}

fn bytes_of(digits: &str) -> Option<[u8; 32]> {
    digits.parse::<exhibit_model::digest::Digest>().ok().map(|digest| digest.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 4231, test cases 1 and 2, and 6 with a key longer than a block: the crate underneath is HMAC-SHA256.
    #[test]
    fn the_code_is_that_of_rfc_4231() {
        let long_key = [0xaa_u8; 131];
        for (key, message, tag) in [
            (&[0x0b_u8; 20][..], &b"Hi There"[..], "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                &long_key,
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ] {
            let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
            mac.update(message);
            mac.verify_slice(&bytes_of(tag).unwrap()).unwrap();
        }
    }

    /// AG-30: the signature is over the moment and the body.
    #[test]
    fn ag_30_a_signature_holds_for_its_secret_moment_and_body_alone() {
        let secret = Secret::parse("a secret of a channel").unwrap();
        let header = sign(&secret, 1_771_372_800, b"{}");
        assert_eq!(header, "t=1771372800,v1=667c02622c41b31861de98ee6638d852a3e5b18fe55ff1dbd194684b54885746");
        let check = |header: &str, body: &[u8], now_s| verify(&secret, header, body, now_s, 300);
        assert_eq!(check(&header, b"{}", 1_771_372_800), Ok(()));
        assert_eq!(check(&header, b"{}", 1_771_373_100), Ok(()));
        assert_eq!(check(&header, b"{}", 1_771_373_101), Err(SignatureError::Expired));
        assert_eq!(check(&header, b"{}", 1_771_372_499), Err(SignatureError::Expired));
        assert_eq!(check(&header, b"{ }", 1_771_372_800), Err(SignatureError::Mismatch));
        let later = header.replace("t=1771372800", "t=1771372801");
        assert_eq!(check(&later, b"{}", 1_771_372_800), Err(SignatureError::Mismatch));
        let other = Secret::parse("the secret of another").unwrap();
        assert_eq!(verify(&other, &header, b"{}", 1_771_372_800, 300), Err(SignatureError::Mismatch));
        for wrong in ["", "t=1", "t=,v1=", "v1=ab,t=1", "t=1,v1=ab", &header.to_uppercase(), &format!("{header}0")] {
            assert_eq!(check(wrong, b"{}", 1_771_372_800), Err(SignatureError::Unreadable), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_header_panics(header in "(t=)?\\PC{0,20}(,v1=)?\\PC{0,80}", now in any::<i64>()) {
            let secret = Secret::parse("a secret of a channel").unwrap();
            let outcome = verify(&secret, &header, b"{}", now, u32::MAX);
            prop_assert!(outcome.is_err());
        }

        #[test]
        fn what_is_signed_verifies(at in any::<i64>(), body in prop::collection::vec(any::<u8>(), 0..200)) {
            let secret = Secret::parse("a secret of a channel").unwrap();
            prop_assert_eq!(verify(&secret, &sign(&secret, at, &body), &body, at, 0), Ok(()));
        }
    }
}
