//! Tells kinds of text apart: SVG, XMP, other XML, HTML, JSON, plain.

use super::SNIFF_BYTES;

/// Declarations, comments and instructions skipped before the first element of an XML document.
const PROLOG_PIECES_MAX: usize = 32;

/// The media type of text, or `None` when the bytes are no text.
pub(super) fn detect(head: &[u8]) -> Option<&'static str> {
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return utf16(head).then_some("text/plain");
    }
    let text = utf8(head)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim_start();
    if text.starts_with('<') {
        return Some(markup(text));
    }
    let is_json = text.starts_with(['{', '[']) && json(text, head.len() >= SNIFF_BYTES);
    Some(if is_json { "application/json" } else { "text/plain" })
}

/// The text, when all is UTF-8 without control characters; the last character may be cut off by the end of the head.
fn utf8(head: &[u8]) -> Option<&str> {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() && head.len() >= SNIFF_BYTES => {
            std::str::from_utf8(&head[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let is_text =
        |letter: char| !letter.is_control() || matches!(letter, '\t' | '\n' | '\r' | '\x0c' | '\x1b' | '\u{85}');
    text.chars().all(is_text).then_some(text)
}

fn utf16(head: &[u8]) -> bool {
    let little = head[0] == 0xff;
    let unit = |pair: &[u8]| {
        if little { u16::from_le_bytes([pair[0], pair[1]]) } else { u16::from_be_bytes([pair[0], pair[1]]) }
    };
    let is_text = |unit: u16| unit >= 0x20 || matches!(unit, 9 | 10 | 12 | 13);
    head.len() > 2 && head.len().is_multiple_of(2) && head[2..].chunks_exact(2).all(|pair| is_text(unit(pair)))
}

/// A document that goes on behind the head is JSON as long as nothing in it is wrong so far.
fn json(text: &str, cut: bool) -> bool {
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) => true,
        Err(error) => cut && error.is_eof(),
    }
}

fn markup(text: &str) -> &'static str {
    let has_declaration = text.starts_with("<?xml");
    let mut rest = text;
    for _ in 0..PROLOG_PIECES_MAX {
        rest = rest.trim_start();
        let end = if rest.starts_with("<?xpacket") {
            return "application/rdf+xml";
        } else if rest.starts_with("<?") {
            "?>"
        } else if rest.starts_with("<!--") {
            "-->"
        } else if starts_with_word(rest, "<!doctype html") {
            return "text/html";
        } else if starts_with_word(rest, "<!doctype svg") {
            return "image/svg+xml";
        } else if starts_with_word(rest, "<!doctype") {
            ">"
        } else {
            break;
        };
        let Some(at) = rest.find(end) else { break };
        rest = &rest[at + end.len()..];
    }
    let elements: [(&str, &str); 5] = [
        ("<svg", "image/svg+xml"),
        ("<svg:svg", "image/svg+xml"),
        ("<x:xmpmeta", "application/rdf+xml"),
        ("<rdf:RDF", "application/rdf+xml"),
        ("<html", "text/html"),
    ];
    let element = elements.iter().find(|(element, _)| starts_with_word(rest, element)).map(|(_, found)| *found);
    element.unwrap_or(if has_declaration { "application/xml" } else { "text/plain" })
}

/// True when `text` begins with `word`, in any case of letters, and the word ends there.
fn starts_with_word(text: &str, word: &str) -> bool {
    let begins = text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    begins && !text[word.len()..].starts_with(|next: char| next.is_alphanumeric() || matches!(next, '-' | ':' | '_'))
}
