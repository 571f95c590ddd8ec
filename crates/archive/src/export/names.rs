//! Names of exported originals: safe on every system, unique, and never a way out of the folder. What they were is kept in `originals.jsonl`.

use std::collections::HashSet;

use exhibit_model::digest::Digest;
use exhibit_model::ids::AssetId;

/// Where originals lie in an export.
pub(super) const ORIGINALS: &str = "originals";

/// Bytes of one part of a name: the most that common file systems hold.
const PART_BYTES_MAX: usize = 255;

/// Bytes of a whole name, so that the target may lie deep and still be reached.
const NAME_BYTES_MAX: usize = 1_024;

/// Bytes of an ending that is kept with a name of ours.
const ENDING_BYTES_MAX: usize = 16;

/// Characters that some system gives a meaning, and the sign that begins our own escapes.
const SPECIAL: &str = "%/\\:*?\"<>|";

/// Names that are devices on Windows, whatever their ending.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// Gives each original its name. The same originals in the same order get the same names.
#[derive(Debug, Default)]
pub(super) struct Names {
    files: HashSet<u128>,
    folders: HashSet<u128>,
}

impl Names {
    /// The name of an original: its source, then its path, with everything escaped that is not safe. One that is too long, or that some
    /// system would take for another, is called by its asset instead.
    pub(super) fn take(&mut self, asset: AssetId, source: &str, path: &[u8]) -> String {
        let parts: Option<Vec<String>> = path.split(|byte| *byte == b'/').map(safe_part).collect();
        let wished = parts.zip(safe_part(source.as_bytes())).map(|(parts, source)| {
            let (separator, path) = ("/", parts.join("/"));
            [ORIGINALS, separator, &source, separator, &path].concat()
        });
        if let Some(name) = wished.filter(|name| name.len() <= NAME_BYTES_MAX)
            && self.reserve(&name)
        {
            return name;
        }
        // No escaped part begins with a tilde, and an asset has one name: this one is always free.
        format!("{ORIGINALS}/~by-asset/{}{}", asset.0.to_hex(), ending_of(path))
    }

    /// False when the name, or a folder in it, is another one where upper and lower case are the same.
    fn reserve(&mut self, name: &str) -> bool {
        let folded = name.to_lowercase();
        let folders: Vec<u128> = folded.match_indices('/').map(|(at, _)| short(&folded[..at])).collect();
        let file = short(&folded);
        let taken = self.files.contains(&file)
            || self.folders.contains(&file)
            || folders.iter().any(|folder| self.files.contains(folder));
        if !taken {
            self.files.insert(file);
            self.folders.extend(folders);
        }
        !taken
    }
}

/// Half a digest: enough to tell a million names apart, and half the memory.
fn short(name: &str) -> u128 {
    let mut half = [0; 16];
    half.copy_from_slice(&Digest::of(name.as_bytes()).0[..16]);
    u128::from_be_bytes(half)
}

/// One part of a path with `%XX` for each byte that is not safe; the escapes can be undone. `None`: it gets too long.
fn safe_part(part: &[u8]) -> Option<String> {
    let mut safe = String::with_capacity(part.len());
    for chunk in part.utf8_chunks() {
        for letter in chunk.valid().chars() {
            if is_safe(letter) {
                safe.push(letter);
            } else {
                let mut bytes = [0; 4];
                escape(&mut safe, letter.encode_utf8(&mut bytes).as_bytes());
            }
        }
        escape(&mut safe, chunk.invalid());
    }
    if safe.starts_with(['~', ' ']) || is_device(&safe) || matches!(safe.as_str(), "." | "..") {
        let rest = safe.split_off(1);
        let first = std::mem::take(&mut safe);
        escape(&mut safe, first.as_bytes());
        safe.push_str(&rest);
    }
    if let Some(last) = safe.pop() {
        // Windows drops them without a word.
        if matches!(last, '.' | ' ') { escape(&mut safe, &[last as u8]) } else { safe.push(last) }
    }
    (1..=PART_BYTES_MAX).contains(&safe.len()).then_some(safe)
}

/// Neither special, nor a control, nor one of the signs that make a name look like another.
fn is_safe(letter: char) -> bool {
    let hides =
        matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    !letter.is_control() && !SPECIAL.contains(letter) && !hides
}

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let numbered = ["com", "lpt"].iter().any(|port| {
        stem.strip_prefix(port)
            .is_some_and(|number| number.len() == 1 && number.bytes().all(|byte| byte.is_ascii_digit()))
    });
    DEVICES.contains(&stem.as_str()) || numbered
}

fn escape(to: &mut String, bytes: &[u8]) {
    for byte in bytes {
        to.push_str(&format!("%{byte:02X}"));
    }
}

/// The ending of a path with its dot, when it is a plain one.
fn ending_of(path: &[u8]) -> String {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let ending = name.iter().rposition(|byte| *byte == b'.').filter(|at| *at > 0).map(|at| &name[at..]);
    let plain = ending.filter(|ending| {
        (2..=ENDING_BYTES_MAX).contains(&ending.len()) && ending[1..].iter().all(u8::is_ascii_alphanumeric)
    });
    plain.map(|ending| String::from_utf8_lossy(ending).into_owned()).unwrap_or_default()
}

#[cfg(test)]
#[path = "names_tests.rs"]
mod tests;
