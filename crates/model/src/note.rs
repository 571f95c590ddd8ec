//! Signed notes and checkpoints as text (C2SP signed-note and tlog-checkpoint), without the signature algorithm itself.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::digest::Digest;

/// Bytes of a note. Room for 16 post-quantum signatures, which the format asks every reader to accept.
pub const NOTE_BYTES_MAX: usize = 256 * 1024;

/// Signature lines of a note. The format asks for at least 16.
pub const SIGNATURES_MAX: usize = 64;

/// The type byte of an Ed25519 key and signature.
const TYPE_ED25519: u8 = 0x01;

/// Starts a signature line: an em dash and a space.
const SIGNATURE_PREFIX: &str = "\u{2014} ";

/// A text is no note, checkpoint or key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{subject}: {problem}")]
pub struct NoteError {
    /// What was read.
    pub subject: &'static str,
    /// What is wrong with it.
    pub problem: &'static str,
}

const fn note_error(problem: &'static str) -> NoteError {
    NoteError { subject: "signed note", problem }
}

const fn key_error(problem: &'static str) -> NoteError {
    NoteError { subject: "verifier key", problem }
}

const fn checkpoint_error(problem: &'static str) -> NoteError {
    NoteError { subject: "checkpoint", problem }
}

/// The state of a ledger at one size: the body of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Digest,
}

impl Checkpoint {
    /// A checkpoint of the log `origin`, whose tree has `size` leaves under `root`.
    ///
    /// # Errors
    /// When the origin is empty, or has spaces, control characters or a plus sign.
    pub fn new(origin: impl Into<String>, size: u64, root: Digest) -> Result<Self, NoteError> {
        let origin = origin.into();
        if !is_key_name(&origin) {
            return Err(checkpoint_error("the origin is empty or has spaces, control characters or a plus sign"));
        }
        Ok(Self { origin, size, root })
    }

    /// The name of the log.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How many leaves its tree had.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of that tree.
    pub fn root(&self) -> Digest {
        self.root
    }
}

impl fmt::Display for Checkpoint {
    /// The note text: what is signed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, STANDARD.encode(self.root.0))
    }
}

impl FromStr for Checkpoint {
    type Err = NoteError;

    /// Reads a note text. Extension lines are refused: no log can be held to what they say.
    fn from_str(text: &str) -> Result<Self, NoteError> {
        let body = text.strip_suffix('\n').ok_or(checkpoint_error("the text does not end with a line feed"))?;
        let mut lines = body.split('\n');
        let (Some(origin), Some(size), Some(root), None) = (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(checkpoint_error("the text has not exactly three lines: origin, tree size and root hash"));
        };
        let plain = size == "0" || (!size.starts_with('0') && size.bytes().all(|byte| byte.is_ascii_digit()));
        let size = if plain { size.parse().ok() } else { None };
        let size = size.ok_or(checkpoint_error("the tree size is no decimal number of at most 64 bits"))?;
        let root = STANDARD.decode(root).ok().and_then(|bytes| Digest::from_slice(&bytes).ok());
        let root = root.ok_or(checkpoint_error("the root hash is not the base64 of 32 bytes"))?;
        Self::new(origin, size, root)
    }
}

/// An Ed25519 public key with the name it signs under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    public_key: [u8; 32],
}

impl VerifierKey {
    /// A key under a name.
    ///
    /// # Errors
    /// When the name is empty, or has spaces, control characters or a plus sign.
    pub fn new(name: impl Into<String>, public_key: [u8; 32]) -> Result<Self, NoteError> {
        let name = name.into();
        if !is_key_name(&name) {
            return Err(key_error("the name is empty or has spaces, control characters or a plus sign"));
        }
        Ok(Self { name, public_key })
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The public key (RFC 8032, 32 bytes).
    pub fn public_key(&self) -> &[u8; 32] {
        &self.public_key
    }

    /// The first four bytes of SHA-256(name || 0x0A || 0x01 || public key).
    pub fn key_id(&self) -> [u8; 4] {
        let digest = Digest::of_parts(&[self.name.as_bytes(), b"\n", &[TYPE_ED25519], &self.public_key]);
        [digest.0[0], digest.0[1], digest.0[2], digest.0[3]]
    }

    /// The signature line of `signature` by this key.
    pub fn signature_line(&self, signature: &[u8; 64]) -> SignatureLine {
        SignatureLine { name: self.name.clone(), key_id: self.key_id(), signature: signature.to_vec() }
    }
}

impl fmt::Display for VerifierKey {
    /// `name+hex8+base64(0x01 || public key)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut typed = [TYPE_ED25519; 33];
        typed[1..].copy_from_slice(&self.public_key);
        write!(f, "{}+{:08x}+{}", self.name, u32::from_be_bytes(self.key_id()), STANDARD.encode(typed))
    }
}

impl FromStr for VerifierKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        // Base64 has plus signs itself, a name has none: the first two separate.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(key_error("not of the form name+id+key"));
        };
        let typed = STANDARD.decode(key).map_err(|_| key_error("the key is not base64"))?;
        let Some((&TYPE_ED25519, public_key)) = typed.split_first() else {
            return Err(key_error("not an Ed25519 key (type 1)"));
        };
        let public_key = public_key.try_into().map_err(|_| key_error("an Ed25519 key has 32 bytes"))?;
        let key = Self::new(name, public_key)?;
        if format!("{:08x}", u32::from_be_bytes(key.key_id())) != id {
            return Err(key_error("the id does not belong to this name and key"));
        }
        Ok(key)
    }
}

/// One signature of a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureLine {
    /// The name of the key.
    pub name: String,
    /// The id of the key.
    pub key_id: [u8; 4],
    /// The signature, in the form of the key's algorithm.
    pub signature: Vec<u8>,
}

impl fmt::Display for SignatureLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.key_id[..], &self.signature].concat();
        write!(f, "{SIGNATURE_PREFIX}{} {}", self.name, STANDARD.encode(bytes))
    }
}

impl FromStr for SignatureLine {
    type Err = NoteError;

    fn from_str(line: &str) -> Result<Self, NoteError> {
        let rest = line.strip_prefix(SIGNATURE_PREFIX).ok_or(note_error("a signature line starts with an em dash"))?;
        let (name, encoded) = rest.split_once(' ').ok_or(note_error("a signature line has a name and a signature"))?;
        if !is_key_name(name) {
            return Err(note_error("the name of a key is empty or has spaces, control characters or a plus sign"));
        }
        let bytes = STANDARD.decode(encoded).map_err(|_| note_error("a signature is not base64"))?;
        match bytes.split_first_chunk::<4>() {
            Some((key_id, signature)) if !signature.is_empty() => {
                Ok(Self { name: name.to_owned(), key_id: *key_id, signature: signature.to_vec() })
            }
            _ => Err(note_error("a signature has fewer than 5 bytes")),
        }
    }
}

/// A text and its signatures. That it parses says nothing: only a verified signature of a known key makes the text worth reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    signatures: Vec<SignatureLine>,
}

impl SignedNote {
    /// A note over `text`, which ends with a line feed.
    ///
    /// # Errors
    /// When the text or the signatures cannot be written so that a reader finds them again.
    pub fn new(text: impl Into<String>, signatures: Vec<SignatureLine>) -> Result<Self, NoteError> {
        let note = Self { text: text.into(), signatures };
        // What is written must read back as the same note; one grammar, in one place.
        match note.to_string().parse::<Self>()? {
            read if read == note => Ok(note),
            _ => Err(note_error("the text or a name would be read differently")),
        }
    }

    /// The text that is signed, with its last line feed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// All signature lines, in order.
    pub fn signatures(&self) -> &[SignatureLine] {
        &self.signatures
    }

    /// The signatures that claim to be made by `key`. Each of them has to verify; without any the note is not signed by it.
    pub fn signatures_of(&self, key: &VerifierKey) -> impl Iterator<Item = &[u8]> {
        let key_id = key.key_id();
        let of_key = move |line: &&SignatureLine| line.name == key.name() && line.key_id == key_id;
        self.signatures.iter().filter(of_key).map(|line| line.signature.as_slice())
    }
}

impl fmt::Display for SignedNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl FromStr for SignedNote {
    type Err = NoteError;

    fn from_str(note: &str) -> Result<Self, NoteError> {
        if note.len() > NOTE_BYTES_MAX {
            return Err(note_error("larger than 256 KiB"));
        }
        if note.chars().any(|character| character < ' ' && character != '\n') {
            return Err(note_error("it has control characters"));
        }
        // The last empty line separates; the text itself may have some.
        let border = note.rfind("\n\n").ok_or(note_error("no empty line separates the text from the signatures"))?;
        let (text, lines) = (&note[..=border], &note[border + 2..]);
        let lines =
            lines.strip_suffix('\n').ok_or(note_error("it does not end with a signature line and a line feed"))?;
        if lines.split('\n').count() > SIGNATURES_MAX {
            return Err(note_error("more than 64 signatures"));
        }
        let signatures = lines.split('\n').map(str::parse).collect::<Result<_, _>>()?;
        Ok(Self { text: text.to_owned(), signatures })
    }
}

/// Key names have no spaces of any script and no plus sign, which separate them from what follows.
fn is_key_name(name: &str) -> bool {
    !name.is_empty()
        && !name.chars().any(|character| character.is_whitespace() || character.is_control() || character == '+')
}

#[cfg(test)]
#[path = "note_tests.rs"]
mod tests;
