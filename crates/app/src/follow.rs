//! Long work with a bar; copying has Ctrl-C as the way to stop it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use exhibit_store::delivery::Progress;
use exhibit_store::progress::Steps;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::Context;
use crate::output::{Output, number};

/// How often the bar moves.
const SHOW_EVERY: Duration = Duration::from_millis(150);

/// Does the work while its progress is shown; Ctrl-C asks it to stop.
pub async fn follow<T, F: Future<Output = T>>(
    context: &Context,
    title: &'static str,
    start: impl FnOnce(Arc<Progress>) -> F,
) -> T {
    let progress = Arc::new(Progress::default());
    let stopper = Arc::clone(&progress);
    // Heard from now on: whatever is begun after this is also tidied up.
    if let Ok(mut interrupts) = signal(SignalKind::interrupt()) {
        tokio::spawn(async move {
            interrupts.recv().await;
            stopper.stop();
        });
    }
    let bar = context.out.bar(None, true);
    bar.set_prefix(title);
    let shown = bar.clone();
    let seen = Arc::clone(&progress);
    let shower = tokio::spawn(async move {
        loop {
            if let Some(total) = seen.bytes_total() {
                Output::set_total_bytes(&shown, total.max(seen.bytes_done()));
            }
            shown.set_position(seen.bytes_done());
            shown.set_message(format!("· {} files", number(i64::try_from(seen.files_done()).unwrap_or(i64::MAX))));
            tokio::time::sleep(SHOW_EVERY).await;
        }
    });
    let done = start(progress).await;
    shower.abort();
    bar.finish_and_clear();
    done
}

/// Does the work while its steps are shown.
pub async fn follow_steps<F: Future>(context: &Context, title: &'static str, steps: &Arc<Steps>, work: F) -> F::Output {
    let bar = context.out.bar(Some(0), false);
    bar.set_prefix(title);
    let (shown, watched) = (bar.clone(), Arc::clone(steps));
    let shower = tokio::spawn(async move {
        loop {
            shown.set_length(watched.total().unwrap_or(0));
            shown.set_position(watched.done());
            tokio::time::sleep(SHOW_EVERY).await;
        }
    });
    let done = work.await;
    shower.abort();
    bar.finish_and_clear();
    done
}
