//! Work that takes long, away from the threads that answer.

use axum::http::StatusCode;
use tokio::sync::Semaphore;

use crate::problem::ApiError;

/// Pieces of such work at a time: each may hold a large body in memory, and a few are enough to keep the writer busy.
static AT_ONCE: Semaphore = Semaphore::const_new(4);

/// Does work on a thread beside those that answer. It waits while too much of it goes on.
///
/// # Errors
/// 503 while the server ends, 500 when the work panics.
pub async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    let _turn = AT_ONCE
        .acquire()
        .await
        .map_err(|_| ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "the server ends"))?;
    tokio::task::spawn_blocking(work).await.map_err(ApiError::internal)
}
