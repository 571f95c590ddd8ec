//! Lists and where they go on.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::problem::ApiError;

/// One page of a list.
// In the document it is called after what is on it: a number would be another one with each new list.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// The `cursor` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// How many there are in all, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<i64>,
}

impl<T> Page<T> {
    /// A list that is whole.
    pub fn whole(items: Vec<T>) -> Self {
        Self { items, next: None, total: None }
    }

    /// Cuts a list, of which one more than `limit` was read, and names the place of the last one that is left.
    pub fn cut(mut items: Vec<T>, limit: usize, of: &'static str, key: impl Fn(&T) -> i64) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|last| Cursor(key(last)).text(of));
        Self { items, next, total: None }
    }
}

/// The query of a list that asks for nothing but its pages.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// Items of a page
    #[schemars(range(min = 1, max = 1000))]
    pub limit: Option<u32>,
    /// `next` of the page before
    pub cursor: Option<String>,
}

/// What a page holds at most.
const LIMIT_MAX: u32 = 1_000;

/// How many items a page should hold: what was asked for, else `otherwise`.
///
/// # Errors
/// 400 `query-invalid` for none and for more than a thousand.
pub fn limit(asked: Option<u32>, otherwise: u32) -> Result<usize, ApiError> {
    let limit = asked.unwrap_or(otherwise);
    if (1..=LIMIT_MAX).contains(&limit) {
        return Ok(limit as usize);
    }
    let message = format!("a page has 1 to {LIMIT_MAX} items");
    Err(ApiError::bad("query-invalid", "the query string is not understood: limit").at(
        "/limit",
        "out-of-range",
        message,
    ))
}

/// The place after which a list goes on: a key that means something to the list alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor(pub i64);

impl Cursor {
    /// Prints it for the list `of`.
    pub fn text(self, of: &'static str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(format!("{of}:{}", self.0))
    }

    /// Reads what [`Self::text`] printed for the same list.
    ///
    /// # Errors
    /// 400 `cursor-invalid` for anything else.
    pub fn parse(text: Option<&str>, of: &'static str) -> Result<Option<Self>, ApiError> {
        let Some(text) = text else { return Ok(None) };
        let read = || {
            let plain = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
            let key = plain.strip_prefix(of)?.strip_prefix(':')?.parse().ok()?;
            let cursor = Self(key);
            (cursor.text(of) == text).then_some(cursor)
        };
        read().map(Some).ok_or_else(|| {
            ApiError::bad("cursor-invalid", "the cursor is not one of this list").at(
                "/cursor",
                "cursor-invalid",
                "take `next` of the page before, as it is",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_reads_back(key in any::<i64>()) {
            prop_assert_eq!(Cursor::parse(Some(&Cursor(key).text("runs")), "runs").unwrap(), Some(Cursor(key)));
            prop_assert!(Cursor::parse(Some(&Cursor(key).text("runs")), "assets").is_err());
        }

        #[test]
        fn rubbish_is_refused(text in "\\PC{0,60}") {
            if let Ok(Some(cursor)) = Cursor::parse(Some(&text), "runs") {
                prop_assert_eq!(cursor.text("runs"), text);
            }
        }
    }
}
