//! Bytes that go out: ETags, ranges, and headers that keep a browser from running anything.

use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use crate::problem::ApiError;

/// Bytes that are read at once.
const PIECE: usize = 64 * 1024;

/// What a browser should do with bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// Show them where they stand.
    Inline,
    /// Offer to save them.
    Attachment,
}

impl Disposition {
    /// Only what a browser shows without running anything of it is shown: raster images, sound and video.
    pub fn of(media_type: &str) -> Self {
        let shown = ["image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "image/bmp"];
        let is_sound_or_video = media_type.starts_with("audio/") || media_type.starts_with("video/");
        if shown.contains(&media_type) || is_sound_or_video { Self::Inline } else { Self::Attachment }
    }
}

/// A file that is delivered.
#[derive(Debug)]
pub struct File {
    /// The open file.
    pub file: fs::File,
    /// Its length in bytes.
    pub length: u64,
    /// What it is.
    pub media_type: String,
    /// A word that changes when the bytes do, without quotation marks.
    pub etag: String,
    /// Whether the bytes under this address can never change.
    pub immutable: bool,
    /// The name under which it would be saved.
    pub name: Option<String>,
}

/// Delivers a file, or the range of it that was asked for (RFC 9110, one range).
pub fn file(wanted: &HeaderMap, found: File) -> Response {
    let etag = format!("\"{}\"", found.etag);
    if matches(wanted, header::IF_NONE_MATCH, &etag) {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        describe(response.headers_mut(), &found, &etag);
        response.headers_mut().remove(header::CONTENT_TYPE);
        return response;
    }
    let range = match asked_range(wanted, &etag, found.length) {
        Ok(range) => range,
        Err(()) => {
            let detail = format!("there are {} bytes", found.length);
            let mut response =
                ApiError::new(StatusCode::RANGE_NOT_SATISFIABLE, "range-not-satisfiable", detail).into_response();
            set(response.headers_mut(), header::CONTENT_RANGE, format!("bytes */{}", found.length));
            return response;
        }
    };
    let (status, start, length) = match range {
        Some((first, last)) => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        None => (StatusCode::OK, 0, found.length),
    };
    let mut headers = HeaderMap::new();
    describe(&mut headers, &found, &etag);
    set(&mut headers, header::CONTENT_LENGTH, length.to_string());
    if let Some((first, last)) = range {
        set(&mut headers, header::CONTENT_RANGE, format!("bytes {first}-{last}/{}", found.length));
    }
    (status, headers, stream(found.file, start, length)).into_response()
}

/// Delivers bytes that are in memory.
pub fn bytes(wanted: &HeaderMap, found: Vec<u8>, media_type: &str, etag: &str) -> Response {
    let quoted = format!("\"{etag}\"");
    let mut headers = HeaderMap::new();
    set(&mut headers, header::ETAG, quoted.clone());
    set(&mut headers, header::CONTENT_TYPE, media_type.to_owned());
    set(&mut headers, header::CACHE_CONTROL, "private, no-cache".to_owned());
    if matches(wanted, header::IF_NONE_MATCH, &quoted) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, found).into_response()
}

fn describe(headers: &mut HeaderMap, found: &File, etag: &str) {
    set(headers, header::ETAG, etag.to_owned());
    set(headers, header::CONTENT_TYPE, found.media_type.clone());
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let caching = if found.immutable { "private, max-age=31536000, immutable" } else { "private, no-cache" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Whatever a browser makes of the bytes: no script, no request, an origin of its own.
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    let word = match Disposition::of(&found.media_type) {
        Disposition::Inline => "inline",
        Disposition::Attachment => "attachment",
    };
    let name = found.name.as_deref().map_or_else(String::new, |name| format!("; filename*=UTF-8''{}", encoded(name)));
    set(headers, header::CONTENT_DISPOSITION, format!("{word}{name}"));
}

/// RFC 8187: letters and digits stay, everything else becomes its bytes.
fn encoded(name: &str) -> String {
    let mut text = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

fn matches(wanted: &HeaderMap, name: HeaderName, etag: &str) -> bool {
    let Some(Ok(text)) = wanted.get(name).map(|value| value.to_str()) else { return false };
    text.trim() == "*" || text.split(',').any(|known| known.trim().trim_start_matches("W/") == etag)
}

/// The one range that was asked for. What is no range, or several, is answered with everything.
fn asked_range(wanted: &HeaderMap, etag: &str, length: u64) -> Result<Option<(u64, u64)>, ()> {
    let Some(Ok(text)) = wanted.get(header::RANGE).map(|value| value.to_str()) else { return Ok(None) };
    if let Some(Ok(known)) = wanted.get(header::IF_RANGE).map(|value| value.to_str())
        && known != etag
    {
        return Ok(None);
    }
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Ok(None);
    };
    let number =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten();
    match (first, last) {
        ("", last) => match number(last) {
            None => Ok(None),
            Some(0) => Err(()),
            Some(_) if length == 0 => Err(()),
            Some(count) => Ok(Some((length.saturating_sub(count), length - 1))),
        },
        (first, last) => {
            let Some(first) = number(first) else { return Ok(None) };
            let last = match last {
                "" => u64::MAX,
                text => match number(text) {
                    Some(last) if last >= first => last,
                    _ => return Ok(None),
                },
            };
            if first >= length { Err(()) } else { Ok(Some((first, last.min(length - 1)))) }
        }
    }
}

/// Reads on threads that may block, a piece at a time, as fast as the other side takes it.
fn stream(file: fs::File, start: u64, length: u64) -> Body {
    if length == 0 {
        return Body::empty();
    }
    let pieces = futures_util::stream::try_unfold((file, start, length), |(mut file, at, left)| async move {
        if left == 0 {
            return Ok::<_, std::io::Error>(None);
        }
        let read = tokio::task::spawn_blocking(move || {
            file.seek(SeekFrom::Start(at))?;
            let mut piece = vec![0; usize::try_from(left).unwrap_or(PIECE).min(PIECE)];
            file.read_exact(&mut piece)?;
            Ok::<_, std::io::Error>((file, piece))
        });
        let (file, piece) = read.await.map_err(std::io::Error::other)??;
        let count = piece.len() as u64;
        Ok(Some((Bytes::from(piece), (file, at + count, left - count))))
    });
    Body::from_stream(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range_of(text: &str, length: u64) -> Result<Option<(u64, u64)>, ()> {
        let mut headers = HeaderMap::new();
        set(&mut headers, header::RANGE, text.to_owned());
        asked_range(&headers, "\"x\"", length)
    }

    #[test]
    fn ranges_are_read_as_rfc_9110_says() {
        assert_eq!(range_of("bytes=0-9", 100), Ok(Some((0, 9))));
        assert_eq!(range_of("bytes=90-", 100), Ok(Some((90, 99))));
        assert_eq!(range_of("bytes=90-1000", 100), Ok(Some((90, 99))));
        assert_eq!(range_of("bytes=-10", 100), Ok(Some((90, 99))));
        assert_eq!(range_of("bytes=-1000", 100), Ok(Some((0, 99))));
        assert_eq!(range_of("bytes=100-", 100), Err(()));
        assert_eq!(range_of("bytes=-0", 100), Err(()));
        assert_eq!(range_of("bytes=0-0", 0), Err(()));
        for whole in ["bytes=9-0", "bytes=0-1,5-6", "bytes=+1-2", "lines=1-2", "bytes=", "bytes=-", "bytes=a-b"] {
            assert_eq!(range_of(whole, 100), Ok(None), "{whole}");
        }
    }

    #[test]
    fn only_what_runs_nothing_is_shown() {
        assert_eq!(Disposition::of("image/jpeg"), Disposition::Inline);
        assert_eq!(Disposition::of("video/mp4"), Disposition::Inline);
        for saved in ["image/svg+xml", "text/html", "application/pdf", "application/octet-stream", "image/heic"] {
            assert_eq!(Disposition::of(saved), Disposition::Attachment, "{saved}");
        }
    }

    #[test]
    fn names_cannot_leave_their_header() {
        assert_eq!(encoded("a\r\nb\".jpg"), "a%0D%0Ab%22.jpg");
    }
}
