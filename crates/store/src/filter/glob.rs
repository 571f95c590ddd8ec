//! Patterns with wildcards over NFC text, matched in time proportional to pattern × text whatever both are.

use std::fmt;

use unicode_normalization::UnicodeNormalization as _;

use super::scanner::{Letter, Word, quoted_letters};

/// One piece of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    /// This letter.
    Letter(char),
    /// `?`: one letter, no slash.
    One,
    /// `*`: any letters but slashes, also none.
    Any,
    /// `**`: any letters.
    Deep,
    /// `**/` at the beginning of a folder's name: any folders, also none.
    Folders,
}

/// A pattern: `*`, `**` and `?` are wild, all other letters mean themselves. Letters are kept in NFC.
#[derive(Debug, Clone, PartialEq)]
pub struct Glob {
    pieces: Vec<Piece>,
}

impl Glob {
    pub(super) fn new(word: &Word) -> Self {
        let mut pieces = Vec::new();
        let mut run = String::new();
        let mut letters = word.letters.iter().copied().peekable();
        while let Some(Letter { letter, plain }) = letters.next() {
            if plain || (letter != '*' && letter != '?') {
                run.push(letter);
                continue;
            }
            pieces.extend(std::mem::take(&mut run).nfc().map(Piece::Letter));
            if letter == '?' {
                pieces.push(Piece::One);
                continue;
            }
            let star = Letter { letter: '*', plain: false };
            let mut stars = 1;
            while letters.next_if_eq(&star).is_some() {
                stars += 1;
            }
            let begins = pieces.last().is_none_or(|before| matches!(before, Piece::Letter('/') | Piece::Folders));
            let slash = |next: &Letter| next.letter == '/';
            pieces.push(match stars {
                1 => Piece::Any,
                _ if begins && letters.next_if(slash).is_some() => Piece::Folders,
                _ => Piece::Deep,
            });
        }
        pieces.extend(run.nfc().map(Piece::Letter));
        Self { pieces }
    }

    /// True when the pattern covers the whole path.
    pub fn matches(&self, path: &str) -> bool {
        self.whole_path().matches(path)
    }

    /// True when the pattern covers the whole name, which is no path: upper and lower case are alike, and a slash is a letter like others.
    pub fn matches_name(&self, name: &str) -> bool {
        self.name().matches(name)
    }

    /// True when the pattern covers some part of the path, in upper or lower case.
    pub fn is_within(&self, path: &str) -> bool {
        self.within_path().matches(path)
    }

    pub(super) fn whole_path(&self) -> Matcher {
        Matcher { pieces: self.pieces.clone(), is_folded: false, in_path: true }
    }

    pub(super) fn name(&self) -> Matcher {
        let plain = |piece: Piece| match piece {
            Piece::Folders => vec![Piece::Deep, Piece::Letter('/')],
            other => vec![other],
        };
        Matcher { pieces: self.folded().into_iter().flat_map(plain).collect(), is_folded: true, in_path: false }
    }

    pub(super) fn within_path(&self) -> Matcher {
        let mut pieces = vec![Piece::Deep];
        pieces.extend(self.folded());
        pieces.push(Piece::Deep);
        Matcher { pieces, is_folded: true, in_path: true }
    }

    /// True when it has neither letters nor wildcards.
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    fn folded(&self) -> Vec<Piece> {
        let folded = self.pieces.iter().flat_map(|piece| match piece {
            Piece::Letter(letter) => letter.to_lowercase().map(Piece::Letter).collect::<Vec<_>>(),
            other => vec![*other],
        });
        folded.collect()
    }
}

/// A pattern made ready for many texts.
#[derive(Debug)]
pub(super) struct Matcher {
    pieces: Vec<Piece>,
    /// Upper and lower case are alike.
    is_folded: bool,
    /// `*` and `?` stop at a slash.
    in_path: bool,
}

impl Matcher {
    pub(super) fn matches(&self, text: &str) -> bool {
        // Most names are ASCII, which is in NFC already.
        let letters: Vec<char> = match (text.is_ascii(), self.is_folded) {
            (true, false) => text.chars().collect(),
            (true, true) => text.chars().map(|letter| letter.to_ascii_lowercase()).collect(),
            (false, false) => text.nfc().collect(),
            (false, true) => text.nfc().flat_map(char::to_lowercase).collect(),
        };
        matches(&self.pieces, &letters, self.in_path)
    }
}

/// Follows all ways through the pattern at once: `reached[n]` says that the first n pieces can cover the letters so far. `in_path` says
/// that `*` and `?` stop at a slash.
fn matches(pieces: &[Piece], text: &[char], in_path: bool) -> bool {
    let mut reached = vec![false; pieces.len() + 1];
    let mut next = vec![false; pieces.len() + 1];
    reached[0] = true;
    skip_empty(pieces, &mut reached, true);
    for letter in text {
        let stops = in_path && *letter == '/';
        next.fill(false);
        for (place, piece) in pieces.iter().enumerate().filter(|(place, _)| reached[*place]) {
            match piece {
                Piece::Letter(wanted) => next[place + 1] |= wanted == letter,
                Piece::One => next[place + 1] |= !stops,
                Piece::Any => next[place] |= !stops,
                Piece::Deep => next[place] = true,
                // It ends after a slash only, and goes on otherwise.
                Piece::Folders => {
                    next[place] = true;
                    next[place + 1] |= *letter == '/';
                }
            }
        }
        // A name of a folder begins at the start and after a slash; only there nothing at all is as good as some folders.
        skip_empty(pieces, &mut next, *letter == '/');
        std::mem::swap(&mut reached, &mut next);
        if !reached.contains(&true) {
            return false;
        }
    }
    reached[pieces.len()]
}

fn skip_empty(pieces: &[Piece], reached: &mut [bool], begins_name: bool) {
    for (place, piece) in pieces.iter().enumerate() {
        let may_be_empty = match piece {
            Piece::Any | Piece::Deep => true,
            Piece::Folders => begins_name,
            Piece::Letter(_) | Piece::One => false,
        };
        reached[place + 1] |= reached[place] && may_be_empty;
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wild = |letter| Letter { letter, plain: false };
        let letters = self.pieces.iter().flat_map(|piece| match piece {
            Piece::Letter(letter) => vec![Letter { letter: *letter, plain: true }],
            Piece::One => vec![wild('?')],
            Piece::Any => vec![wild('*')],
            Piece::Deep => vec![wild('*'), wild('*')],
            Piece::Folders => vec![wild('*'), wild('*'), wild('/')],
        });
        f.write_str(&quoted_letters(letters))
    }
}
