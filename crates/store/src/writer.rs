//! The writer thread: one per process and database. It drains a channel into transactions and acknowledges after the commit.

use std::any::Any;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::append::{Append, GroupContext, Outcome, Receipt, apply_group};
use crate::connection::WriteConnection;
use crate::error::{GateError, StoreError};
use crate::session::Tx;

/// A group is closed this long after its first request.
const GROUP_WINDOW: Duration = Duration::from_millis(2);

/// A group is closed before its time when it holds this many records and nobody else waits: what a commit costs is spread over enough of
/// them. Senders that come one by one, as the units of a run do, have fewer under way, and go on being gathered for the whole time.
const GROUP_RECORDS_ENOUGH: usize = 32;

/// A group is closed when it holds this many records.
const GROUP_RECORDS_MAX: usize = 2_000;

/// A group is closed when it holds this many requests, whatever they hold.
const GROUP_REQUESTS_MAX: usize = 512;

/// A group is closed when its bodies have this many bytes: PostgreSQL takes no message beyond 1 GiB, and nobody wants to hold one.
const GROUP_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Requests that may wait for the writer; more make their senders wait.
const QUEUE_MAX: usize = 4_096;

type AppendReply = oneshot::Sender<Result<Vec<Receipt>, GateError>>;

/// A piece of work on operation tables, and the sender of its answer.
pub(crate) trait WriteWork: Send {
    /// Does the work and keeps its answer.
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError>;
    /// Sends the answer, or the error that rolled it back.
    fn finish(self: Box<Self>, committed: Result<(), StoreError>);
}

enum Request {
    Append(Append, AppendReply, OwnedSemaphorePermit),
    Write(Box<dyn WriteWork>, OwnedSemaphorePermit),
}

/// The sending side of the writer thread.
pub(crate) struct Writer {
    requests: Sender<Request>,
    room: Arc<Semaphore>,
}

impl Writer {
    /// Starts the thread. It ends when every sender is gone.
    pub(crate) fn start(connection: WriteConnection, context: Arc<GroupContext>) -> std::io::Result<Self> {
        let (requests, queue) = channel();
        std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || WriterThread { connection, context, queue, waiting: None }.run())?;
        Ok(Self { requests, room: Arc::new(Semaphore::new(QUEUE_MAX)) })
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        Arc::clone(&self.room).acquire_owned().await.map_err(|_| StoreError::Closed)
    }

    pub(crate) async fn append(&self, append: Append) -> Result<Vec<Receipt>, GateError> {
        let permit = self.permit().await?;
        let (reply, answer) = oneshot::channel();
        self.requests.send(Request::Append(append, reply, permit)).map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = self.permit().await?;
        let (reply, answer) = oneshot::channel();
        let work = Box::new(Work { work: Some(work), value: None, reply });
        self.requests.send(Request::Write(work, permit)).map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

struct Work<F, T> {
    work: Option<F>,
    value: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T: Send, F: FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send> WriteWork for Work<F, T> {
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let work = self.work.take().ok_or(StoreError::Closed)?;
        self.value = Some(work(tx)?);
        Ok(())
    }

    fn finish(self: Box<Self>, committed: Result<(), StoreError>) {
        let Self { value, reply, .. } = *self;
        // The asker may have gone away; the work is done all the same.
        drop(reply.send(committed.and_then(|()| value.ok_or(StoreError::Closed))));
    }
}

struct WriterThread {
    connection: WriteConnection,
    context: Arc<GroupContext>,
    queue: Receiver<Request>,
    /// A request that was taken from the queue and did not fit the group before it.
    waiting: Option<Request>,
}

impl WriterThread {
    fn run(mut self) {
        while let Some(request) = self.waiting.take().or_else(|| self.queue.recv().ok()) {
            match request {
                Request::Write(work, permit) => {
                    self.write(work);
                    drop(permit);
                }
                Request::Append(append, reply, permit) => {
                    let group = self.collect_group((append, reply, permit));
                    self.append_group(group);
                }
            }
        }
    }

    /// Gathers appends until the window closes, the group is full, a write comes, or a key would meet itself.
    fn collect_group(&mut self, first: (Append, AppendReply, OwnedSemaphorePermit)) -> Vec<(Append, AppendReply)> {
        let deadline = Instant::now() + GROUP_WINDOW;
        let mut records = first.0.candidates.len();
        let mut bytes = first.0.body_bytes();
        let mut keys: BTreeSet<String> = first.0.admission_keys().into_iter().collect();
        let mut group = vec![(first.0, first.1)];
        drop(first.2);
        while records < GROUP_RECORDS_MAX && bytes < GROUP_BYTES_MAX && group.len() < GROUP_REQUESTS_MAX {
            let left = if records < GROUP_RECORDS_ENOUGH {
                deadline.saturating_duration_since(Instant::now())
            } else {
                Duration::ZERO
            };
            match self.queue.recv_timeout(left) {
                Ok(Request::Append(append, reply, permit)) => {
                    let own = append.admission_keys();
                    if own.iter().any(|key| keys.contains(key)) {
                        self.waiting = Some(Request::Append(append, reply, permit));
                        break;
                    }
                    keys.extend(own);
                    records += append.candidates.len();
                    bytes += append.body_bytes();
                    group.push((append, reply));
                }
                Ok(request) => {
                    self.waiting = Some(request);
                    break;
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
        group
    }

    fn append_group(&mut self, group: Vec<(Append, AppendReply)>) {
        let (appends, mut replies): (Vec<Append>, Vec<AppendReply>) = group.into_iter().unzip();
        match self.try_group(&appends) {
            Ok(answers) => {
                for (reply, answer) in replies.into_iter().zip(answers) {
                    // The asker may have gone away; what was accepted stays.
                    drop(reply.send(answer));
                }
            }
            Err(error) if appends.len() == 1 => {
                if let Some(reply) = replies.pop() {
                    drop(reply.send(Err(error)));
                }
            }
            Err(GateError::Store(error)) if error.concerns_everyone() => {
                for reply in replies {
                    drop(reply.send(Err(GateError::Store(error.again()))));
                }
            }
            Err(_) => {
                // The group failed on one of its members: each alone then, so that only that one is told.
                for (append, reply) in appends.into_iter().zip(replies) {
                    let answers = self.try_group(std::slice::from_ref(&append));
                    let answer = answers.and_then(|mut answers| answers.pop().unwrap_or_else(|| Ok(Vec::new())));
                    drop(reply.send(answer));
                }
            }
        }
    }

    /// One transaction over all of `appends`. An error means that everything was rolled back.
    fn try_group(&mut self, appends: &[Append]) -> Result<Vec<Result<Vec<Receipt>, GateError>>, GateError> {
        let context = Arc::clone(&self.context);
        let outcome = self.transaction(|tx| apply_group(tx, &context, appends))?;
        match outcome {
            Outcome::Applied(answers) => Ok(answers),
            Outcome::RollBack(error, evidence) => {
                // A member of a larger group is tried again alone, and leaves its evidence then.
                if let Some(evidence) = evidence.filter(|_| appends.len() == 1) {
                    let append = Append { candidates: vec![*evidence], effect: None, ..Append::default() };
                    self.transaction(|tx| apply_group(tx, &context, std::slice::from_ref(&append)))?;
                }
                Err(error)
            }
        }
    }

    fn transaction(
        &mut self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<Outcome, StoreError>,
    ) -> Result<Outcome, StoreError> {
        self.connection.begin()?;
        let result = catch(|| self.connection.with_tx(work));
        match result {
            Ok(Outcome::Applied(answers)) => {
                self.commit()?;
                Ok(Outcome::Applied(answers))
            }
            Ok(refused) => {
                self.connection.roll_back();
                Ok(refused)
            }
            Err(error) => {
                self.connection.roll_back();
                Err(error)
            }
        }
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.connection.commit().inspect_err(|_| self.connection.roll_back())
    }

    fn write(&mut self, mut work: Box<dyn WriteWork>) {
        let committed = self.connection.begin().and_then(|()| {
            let result = catch(|| self.connection.with_tx(|tx| work.run(tx)));
            match result {
                Ok(()) => self.commit(),
                Err(error) => {
                    self.connection.roll_back();
                    Err(error)
                }
            }
        });
        work.finish(committed);
    }
}

/// Runs `work`; a panic becomes an error.
pub(crate) fn catch<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(StoreError::Panicked(panic_text(panic.as_ref()))))
}

pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}
