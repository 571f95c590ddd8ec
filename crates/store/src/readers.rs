//! Reader threads: each owns a connection, takes queries from one queue and answers through a oneshot channel.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::connection::{Location, ReadConnection};
use crate::error::StoreError;
use crate::session::Read;

/// Queries that may wait for a reader; more make their askers wait.
const QUEUE_MAX: usize = 1_024;

type Query = Box<dyn FnOnce(&mut ReadConnection) + Send>;

/// The sending side of the reader threads.
pub(crate) struct Readers {
    queries: Sender<(Query, OwnedSemaphorePermit)>,
    room: Arc<Semaphore>,
}

impl Readers {
    /// Opens `count` connections and starts their threads.
    pub(crate) fn start(location: &Location, count: usize) -> Result<Self, StoreError> {
        let (queries, queue) = channel();
        let queue = Arc::new(Mutex::new(queue));
        for index in 0..count {
            let connection = ReadConnection::open(location)?;
            let queue = Arc::clone(&queue);
            std::thread::Builder::new()
                .name(format!("store-reader-{index}"))
                .spawn(move || work(connection, &queue))
                .map_err(|error| StoreError::Unreachable { name: location.name(), reason: error.to_string() })?;
        }
        Ok(Self { queries, room: Arc::new(Semaphore::new(QUEUE_MAX)) })
    }

    pub(crate) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Read<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = Arc::clone(&self.room).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let (reply, answer) = oneshot::channel();
        let boxed: Query = Box::new(move |connection| {
            // The asker may have gone away; a query changes nothing.
            drop(reply.send(connection.read(query)));
        });
        self.queries.send((boxed, permit)).map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

fn work(mut connection: ReadConnection, queue: &Mutex<Receiver<(Query, OwnedSemaphorePermit)>>) {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((query, permit)) = next else { return };
        drop(permit);
        query(&mut connection);
    }
}
