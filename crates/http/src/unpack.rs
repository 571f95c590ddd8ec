//! Bodies that come packed.

use std::io::Read as _;

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use flate2::read::MultiGzDecoder;

use crate::problem::ApiError;

/// The body as it was before it was packed with gzip; one that was not packed stays as it is. Nothing is unpacked beyond `bytes_max`.
///
/// # Errors
/// 413 `body-too-large`, 415 `encoding-unknown` for any other way to pack, 400 `body-unreadable` for a damaged one.
pub fn unpacked(headers: &HeaderMap, body: Bytes, bytes_max: usize) -> Result<Bytes, ApiError> {
    let encoding = headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("?").trim());
    match encoding {
        None | Some("" | "identity") => Ok(body),
        Some(word) if word.eq_ignore_ascii_case("gzip") || word.eq_ignore_ascii_case("x-gzip") => {
            let most = u64::try_from(bytes_max).unwrap_or(u64::MAX);
            let mut bytes = Vec::new();
            MultiGzDecoder::new(body.as_ref())
                .take(most.saturating_add(1))
                .read_to_end(&mut bytes)
                .map_err(|_| ApiError::bad("body-unreadable", "the body is not gzip, or is damaged"))?;
            if bytes.len() > bytes_max {
                let detail = format!("the body is larger than {bytes_max} bytes once it is unpacked");
                return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", detail));
            }
            Ok(Bytes::from(bytes))
        }
        Some(_) => {
            let detail = "the body may be packed with gzip and nothing else";
            Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "encoding-unknown", detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn packed(bytes: &[u8]) -> Bytes {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        Bytes::from(encoder.finish().unwrap())
    }

    fn headers(encoding: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_ENCODING, encoding.parse().unwrap())])
    }

    #[test]
    fn gzip_is_undone_within_a_limit() {
        let plain = Bytes::from_static(b"{}");
        assert_eq!(unpacked(&HeaderMap::new(), plain.clone(), 1).unwrap(), plain);
        assert_eq!(unpacked(&headers("GZIP"), packed(b"{}"), 2).unwrap(), plain);
        let bomb = packed(&vec![b' '; 10_000_000]);
        assert!(bomb.len() < 20_000);
        assert_eq!(unpacked(&headers("gzip"), bomb, 1_000).unwrap_err().code(), "body-too-large");
        assert_eq!(unpacked(&headers("br"), plain.clone(), 10).unwrap_err().code(), "encoding-unknown");
        assert_eq!(unpacked(&headers("gzip"), plain, 10).unwrap_err().code(), "body-unreadable");
    }
}
