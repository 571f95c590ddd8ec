//! Rust text told apart into code, comments and strings, so that a rule about code is not confused by a sentence about it.

use std::ops::Range;

/// The parts of one Rust file. All offsets are bytes of the original text.
#[derive(Debug)]
pub struct RustText {
    /// The text with comments and the insides of strings turned into spaces; line feeds stay.
    pub code: String,
    /// Comments with their marks.
    pub comments: Vec<Range<usize>>,
    /// The insides of string literals, as they are written (escapes are not resolved).
    pub strings: Vec<Range<usize>>,
}

impl RustText {
    /// Reads a file. Text that is not Rust gives parts that make no sense, but never a panic.
    pub fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let (mut comments, mut strings) = (Vec::new(), Vec::new());
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            at = if rest.starts_with(b"//") {
                let end = at + rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                comments.push(at..end);
                end
            } else if rest.starts_with(b"/*") {
                let end = at + block_comment_len(rest);
                comments.push(at..end);
                end
            } else if let Some((inside, len)) = raw_string(bytes, at) {
                strings.push(at + inside.start..at + inside.end);
                at + len
            } else if rest[0] == b'"' {
                let inside = quoted_len(&rest[1..], b'"');
                strings.push(at + 1..at + 1 + inside);
                at + inside + 2
            } else if rest[0] == b'\'' {
                at + char_or_lifetime_len(rest)
            } else {
                at + 1
            };
        }
        let mut code = bytes.to_vec();
        for range in comments.iter().chain(&strings) {
            let end = range.end.min(code.len());
            for byte in &mut code[range.start.min(end)..end] {
                if *byte != b'\n' {
                    *byte = b' ';
                }
            }
        }
        Self { code: String::from_utf8_lossy(&code).into_owned(), comments, strings }
    }

    /// Offsets where `word` stands in the code as a whole word, not as a part of a longer name.
    pub fn find_word(&self, word: &str) -> Vec<usize> {
        let code = self.code.as_bytes();
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let whole = |at: &usize| {
            let before = at.checked_sub(1).and_then(|place| code.get(place));
            let after = code.get(at + word.len());
            let ends_open = word.ends_with(|last: char| !last.is_ascii_alphanumeric() && last != '_');
            !before.is_some_and(is_name) && (ends_open || !after.is_some_and(is_name))
        };
        self.code.match_indices(word).map(|(at, _)| at).filter(whole).collect()
    }
}

/// The length of a block comment, which may hold others.
fn block_comment_len(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// Bytes up to the closing quote; a backslash takes the next byte with it.
fn quoted_len(inside: &[u8], quote: u8) -> usize {
    let mut at = 0;
    while at < inside.len() && inside[at] != quote {
        at += if inside[at] == b'\\' { 2 } else { 1 };
    }
    at.min(inside.len())
}

/// A raw string `r"…"`, `r#"…"#`, also after `b` or `c`: where its inside lies (from `at`), and its whole length.
fn raw_string(bytes: &[u8], at: usize) -> Option<(Range<usize>, usize)> {
    let rest = &bytes[at..];
    let inside_name = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    let prefix = if rest.starts_with(b"br") || rest.starts_with(b"cr") { 2 } else { 1 };
    if inside_name || rest.get(prefix - 1) != Some(&b'r') {
        return None;
    }
    let hashes = rest[prefix..].iter().take_while(|byte| **byte == b'#').count();
    let start = prefix + hashes + 1;
    if rest.get(start - 1) != Some(&b'"') {
        return None;
    }
    let mut close = vec![b'"'];
    close.resize(1 + hashes, b'#');
    let len = rest[start..].windows(close.len()).position(|window| window == close).unwrap_or(rest.len() - start);
    Some((start..start + len, (start + len + close.len()).min(rest.len())))
}

/// A character literal, or the quote of a lifetime alone.
fn char_or_lifetime_len(rest: &[u8]) -> usize {
    match rest.get(1) {
        Some(b'\\') => quoted_len(&rest[1..], b'\'') + 2,
        Some(first) => {
            let width = match first {
                0xF0.. => 4,
                0xE0.. => 3,
                0xC0.. => 2,
                _ => 1,
            };
            if rest.get(1 + width) == Some(&b'\'') { width + 2 } else { 1 }
        }
        None => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts<'a>(text: &'a str, ranges: &[Range<usize>]) -> Vec<&'a str> {
        ranges.iter().map(|range| &text[range.clone()]).collect()
    }

    #[test]
    fn tells_code_comments_and_strings_apart() {
        let text = "a('\"', 'x', '\\'', 'é'); /* b /* c */ d */ fn f<'a>() { \"e\\\"f // g\" } // h \"i\"\nr#\"j\"k\"# br\"l\" b\"m\" xr\"n\"";
        let rust = RustText::of(text);
        assert_eq!(parts(text, &rust.comments), ["/* b /* c */ d */", "// h \"i\""]);
        assert_eq!(parts(text, &rust.strings), ["e\\\"f // g", "j\"k", "l", "m", "n"]);
        assert_eq!(rust.code.len(), text.len());
        assert!(rust.code.contains("fn f<'a>() { \""));
    }

    #[test]
    fn unfinished_text_is_no_panic() {
        for text in ["\"", "'", "'\\", "/*", "r#\"", "r", "br", "\"\\", "b'", "//"] {
            RustText::of(text);
        }
    }

    #[test]
    fn words_are_whole() {
        let rust = RustText::of("mod a; modern mod; my_mod x.mod \"mod\" // mod");
        assert_eq!(rust.find_word("mod"), [0, 14, 28]);
        assert_eq!(RustText::of("a_dbg!(1) dbg!(2)").find_word("dbg!"), [10]);
    }
}
