//! Tokens as text: `exh_<id>_<secret>`. The id is no secret and finds the row; of the secret only the SHA-256 is kept.

use std::fmt;

use exhibit_model::digest::Digest;

/// Letters of an id: 50 bits, so that ids do not meet.
const ID_LETTERS: usize = 10;

/// Letters of a secret: 260 bits.
const SECRET_LETTERS: usize = 52;

/// Bytes of chance that a token is made of, eight for the id and the rest for the secret.
pub const CHANCE_BYTES: usize = 8 + 33;

/// RFC 4648, in lower case.
const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// A token as its owner knows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    id: String,
    secret: String,
}

/// Never the secret.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.id)
    }
}

impl Token {
    /// A token made of chance.
    pub fn new(chance: [u8; CHANCE_BYTES]) -> Self {
        let (id, secret) = chance.split_at(8);
        Self { id: letters(id, ID_LETTERS), secret: letters(secret, SECRET_LETTERS) }
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The whole of it, to be shown once and kept nowhere.
    pub fn text(&self) -> String {
        format!("exh_{}_{}", self.id, self.secret)
    }

    /// What is kept of the secret.
    pub fn digest(&self) -> Digest {
        Digest::of(self.secret.as_bytes())
    }

    /// Reads what [`Self::text`] printed.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix("exh_")?.split_once('_')?;
        let is_letters =
            |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| LETTERS.contains(&byte));
        (is_letters(id, ID_LETTERS) && is_letters(secret, SECRET_LETTERS))
            .then(|| Self { id: id.to_owned(), secret: secret.to_owned() })
    }

    /// Whether this is the token whose digest was kept. Takes as long whatever differs.
    pub fn is(&self, kept: &Digest) -> bool {
        let differing = self.digest().0.iter().zip(&kept.0).fold(0, |bits, (one, other)| bits | (one ^ other));
        std::hint::black_box(differing) == 0
    }
}

/// Five bits a letter.
fn letters(bytes: &[u8], count: usize) -> String {
    let bit = |at: usize| usize::from(bytes.get(at / 8).is_some_and(|byte| byte >> (7 - at % 8) & 1 == 1));
    let letter = |at: usize| (0..5).fold(0, |number, offset| number << 1 | bit(at * 5 + offset));
    (0..count).map(|at| char::from(LETTERS[letter(at)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_and_is_known_by_its_digest() {
        let chance: [u8; CHANCE_BYTES] = std::array::from_fn(|at| u8::try_from(at * 6).unwrap());
        let token = Token::new(chance);
        let text = token.text();
        assert_eq!(text, "exh_aadayeqydy_ga3dyqsijzkfuydgnrzhq7uerkijnhfcvcxljoway3gnfwg64tvp");
        assert_eq!(Token::parse(&text).unwrap(), token);
        assert!(token.is(&token.digest()));
        assert!(!Token::new([0; CHANCE_BYTES]).is(&token.digest()));
        assert!(!format!("{token:?}").contains(&text[15..]));
    }

    #[test]
    fn what_is_no_token_is_told_apart() {
        let text = Token::new([0; CHANCE_BYTES]).text();
        let upper = text.to_uppercase();
        let long = format!("{text}a");
        for wrong in
            ["", "exh_", "exh_a_b", &text[1..], &text[..text.len() - 1], &long, &upper, &text.replace('_', "-")]
        {
            assert!(Token::parse(wrong).is_none(), "{wrong}");
        }
    }
}
