//! The library: all assets in the order of time, ready to be looked at.
//!
//! A person who scrolls through 100,000 pictures asks many small questions, and each would need the newest facts of many assets. So what
//! the grid needs of each asset (some 80 bytes) is held in memory, read once and then kept up to date from what was recorded since. It
//! holds nothing that the database does not say, and is made anew when that is simpler.

mod index;
mod view;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use exhibit_store::filter::{BindError, Expr, Filter, Test, bind};
use exhibit_store::{Store, StoreError};

pub use self::index::{Class, Entry};
use self::index::{Index, Mark};
pub use self::view::{Bucket, View};

/// How long an answer may be behind the database.
const FRESH_FOR: Duration = Duration::from_millis(500);

/// Filters whose result is kept.
const VIEWS_MAX: usize = 8;

/// How long the result of a filter is kept: `failed:` and the like change without a record.
const VIEW_LIVES: Duration = Duration::from_secs(10);

/// Why the library cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// The filter.
    #[error(transparent)]
    Filter(#[from] BindError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// All assets in the order of time.
pub struct Library {
    store: Store,
    /// One at a time reads what is new.
    current: tokio::sync::Mutex<Current>,
    views: Mutex<VecDeque<Kept>>,
}

struct Current {
    index: Arc<Index>,
    looked: Option<Instant>,
}

struct Kept {
    filter: String,
    generation: u64,
    made: Instant,
    view: Arc<View>,
}

impl Library {
    /// A library that reads nothing before it is asked.
    pub fn new(store: Store) -> Self {
        let current = Current { index: Arc::new(Index::default()), looked: None };
        Self { store, current: tokio::sync::Mutex::new(current), views: Mutex::new(VecDeque::new()) }
    }

    /// What a filter shows, newest first. Without a word about availability in the filter these are present assets.
    ///
    /// # Errors
    /// When the filter names something that is not there, or the database cannot be read.
    pub async fn view(&self, filter: Filter) -> Result<Arc<View>, LibraryError> {
        let index = self.index().await?;
        let text = filter.text().to_owned();
        if let Some(view) = self.kept(&text, index.generation) {
            return Ok(view);
        }
        let (keys, missing_too) = if filter.is_everything() {
            (None, false)
        } else {
            let kinds = Arc::clone(self.store.kinds());
            let missing_too = asks_availability(filter.expr.as_ref());
            let found = self.store.read(move |read| Ok(bind(read, &kinds, &filter).map(|bound| bound.every(read))));
            (Some(found.await???), missing_too)
        };
        let generation = index.generation;
        // Sorting a million assets takes a moment in which the thread answers nobody else.
        let made = tokio::task::spawn_blocking(move || View::make(index, keys, missing_too)).await;
        let view = Arc::new(made.map_err(|error| StoreError::Panicked(error.to_string()))?);
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        views.retain(|kept| kept.filter != text);
        views.push_front(Kept { filter: text, generation, made: Instant::now(), view: Arc::clone(&view) });
        views.truncate(VIEWS_MAX);
        Ok(view)
    }

    fn kept(&self, filter: &str, generation: u64) -> Option<Arc<View>> {
        let views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = views.iter().find(|kept| kept.filter == filter && kept.generation == generation)?;
        (filter.is_empty() || kept.made.elapsed() < VIEW_LIVES).then(|| Arc::clone(&kept.view))
    }

    async fn index(&self) -> Result<Arc<Index>, StoreError> {
        let mut current = self.current.lock().await;
        if current.looked.is_some_and(|looked| looked.elapsed() < FRESH_FOR) {
            return Ok(Arc::clone(&current.index));
        }
        let (before, kinds) = (Arc::clone(&current.index), Arc::clone(self.store.kinds()));
        let news = self.store.read(move |read| {
            let mark = Mark::read(read)?;
            if mark == before.mark { Ok(None) } else { before.with_news(read, &kinds, mark).map(Some) }
        });
        if let Some(index) = news.await? {
            current.index = Arc::new(index);
        }
        current.looked = Some(Instant::now());
        Ok(Arc::clone(&current.index))
    }
}

/// Whether a filter says itself which originals have to be there.
fn asks_availability(expr: Option<&Expr>) -> bool {
    match expr {
        None => false,
        Some(Expr::All(parts) | Expr::Any(parts)) => parts.iter().any(|part| asks_availability(Some(part))),
        Some(Expr::Not(inner)) => asks_availability(Some(inner)),
        Some(Expr::Term(term)) => matches!(term.test, Test::Is(_)),
    }
}
