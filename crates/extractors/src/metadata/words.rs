//! What people wrote: keywords, names and stars, made the same whoever wrote them down.

use super::payload::{WORDS_MAX, text_fact};

/// Adds words that are not in the list yet; blanks around them and empty ones are dropped.
pub(crate) fn add_words<'a>(list: &mut Vec<String>, words: impl IntoIterator<Item = &'a str>) {
    for word in words.into_iter().filter_map(text_fact) {
        if list.len() < WORDS_MAX && !list.contains(&word) {
            list.push(word);
        }
    }
}

/// Stars: whole numbers from -1 (rejected) to 5, also written with decimals; anything else is no rating.
pub(crate) fn rating(text: &str) -> Option<i8> {
    let stars: f64 = text.trim().parse().ok()?;
    (-1.0..=5.0).contains(&stars).then(|| stars.round() as i8)
}
