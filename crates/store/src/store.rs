//! `Store`: one database with its writer thread, its readers, its kinds and its blobs.

use std::path::PathBuf;
use std::sync::Arc;

use exhibit_model::kind::KindDeclaration;
use exhibit_model::time::Clock;

use crate::append::{Append, GroupContext, Receipt};
use crate::blobs::Blobs;
use crate::connection::{Location, WriteConnection};
use crate::error::{GateError, StoreError};
use crate::gate::Gate;
use crate::kinds::{Kind, Kinds, register, register_owned};
use crate::migrate::{self, MigrationStatus};
use crate::readers::Readers;
use crate::room::Room;
use crate::session::{Read, Tx};
use crate::sql::kinds as kind_sql;
use crate::writer::{Writer, panic_text};

/// Connections for queries, unless told otherwise.
pub const READERS_DEFAULT: usize = 4;

/// Kinds of the spine itself: which assets belong together, what becomes of runs and of evidence.
pub const SPINE_KINDS: &[&str] = &[
    include_str!("../../../schemas/kinds/collection.v1.json"),
    include_str!("../../../schemas/kinds/collection.members.v1.json"),
    include_str!("../../../schemas/kinds/run.promotion.v1.json"),
    include_str!("../../../schemas/kinds/run.benchmark.v1.json"),
    include_str!("../../../schemas/kinds/evidence.tombstone.v1.json"),
    include_str!("../../../schemas/kinds/evidence.tombstone.v2.json"),
];

/// How to open a store.
pub struct StoreOptions {
    /// Where the database is.
    pub location: Location,
    /// Folder of the blobs.
    pub blobs: PathBuf,
    /// The rooms whose tables and kinds it holds.
    pub rooms: Vec<&'static dyn Room>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// A random number of this process.
    pub process: u128,
    /// Connections for queries.
    pub readers: usize,
}

/// One database, open for reading and writing. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    writer: Writer,
    readers: Readers,
    context: Arc<GroupContext>,
    blobs: Blobs,
    location: Location,
    name: String,
}

impl Store {
    /// Opens the database, applies pending migrations under a lock, registers the built-in kinds and starts the threads.
    ///
    /// # Errors
    /// When the database cannot be reached, is foreign, damaged, read-only, or from a newer Exhibit.
    pub fn open(options: StoreOptions) -> Result<Self, StoreError> {
        // A thread of its own, because the PostgreSQL driver cannot connect within a runtime, where most callers are.
        let opened = std::thread::scope(|scope| scope.spawn(|| Self::open_here(options)).join());
        opened.unwrap_or_else(|panic| Err(StoreError::Panicked(panic_text(panic.as_ref()))))
    }

    fn open_here(options: StoreOptions) -> Result<Self, StoreError> {
        let name = options.location.name();
        let mut connection = WriteConnection::open(&options.location)?;
        let kinds = prepare(&mut connection, &name, &options)?;
        let context = Arc::new(GroupContext { kinds: Arc::new(kinds), rooms: options.rooms, clock: options.clock });
        let blobs = Blobs::open(&options.blobs, options.process)?;
        let readers = Readers::start(&options.location, options.readers.max(1))?;
        let writer = Writer::start(connection, Arc::clone(&context))
            .map_err(|error| StoreError::Unreachable { name: name.clone(), reason: error.to_string() })?;
        Ok(Self { inner: Arc::new(Inner { writer, readers, context, blobs, location: options.location, name }) })
    }

    /// Answers a query on one consistent snapshot.
    ///
    /// # Errors
    /// With the error of the query, or when the database cannot be read.
    pub async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Read<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.inner.readers.read(query).await
    }

    /// The gate: the only way to write evidence, and the state that must change with it. Returns after the commit.
    ///
    /// # Errors
    /// When the effect refuses, a record is in conflict, or the database cannot be written.
    pub async fn append(&self, work: Append) -> Result<Vec<Receipt>, GateError> {
        self.inner.writer.append(work).await
    }

    /// Changes operation tables alone, in one transaction.
    ///
    /// # Errors
    /// With the error of the work (everything is rolled back), or when the database cannot be written.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.inner.writer.write(work).await
    }

    /// The part of the gate that checks candidates.
    pub fn gate(&self) -> Gate {
        Gate { kinds: Arc::clone(&self.inner.context.kinds), blobs: self.inner.blobs.clone() }
    }

    /// The kinds that the gate knows.
    pub fn kinds(&self) -> &Arc<Kinds> {
        &self.inner.context.kinds
    }

    /// The blob store.
    pub fn blobs(&self) -> &Blobs {
        &self.inner.blobs
    }

    /// The time of day.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.context.clock
    }

    /// The file or the database, for messages.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    pub(crate) fn location(&self) -> &Location {
        &self.inner.location
    }

    pub(crate) fn context(&self) -> &Arc<GroupContext> {
        &self.inner.context
    }

    /// Registers a kind file of a user, with its projection table.
    ///
    /// # Errors
    /// When the file is not a kind, or another file is registered under the same name and version.
    pub async fn add_kind(&self, file: Vec<u8>) -> Result<Arc<Kind>, StoreError> {
        let kind = Arc::new(self.write(move |tx| register(tx, "", &file)).await?);
        self.kinds().add(Arc::clone(&kind));
        Ok(kind)
    }

    /// Registers a kind file that came with `owner`, such as `plugin:demo`. Doing it again changes nothing.
    ///
    /// # Errors
    /// When the name of the kind belongs to another, and those of [`Self::add_kind`].
    pub async fn add_owned_kind(&self, owner: String, file: Vec<u8>) -> Result<Arc<Kind>, StoreError> {
        let kind = Arc::new(self.write(move |tx| register_owned(tx, &owner, &file)).await?);
        self.kinds().add(Arc::clone(&kind));
        Ok(kind)
    }

    /// What is applied to the database and what is pending.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn migrations(&self) -> Result<Vec<MigrationStatus>, StoreError> {
        let rooms = self.inner.context.rooms.clone();
        self.read(move |read| migrate::status(read, &rooms)).await
    }
}

/// Migrates and registers kinds in one transaction.
pub(crate) fn prepare(
    connection: &mut WriteConnection,
    name: &str,
    options: &StoreOptions,
) -> Result<Kinds, StoreError> {
    connection.begin()?;
    let result = crate::writer::catch(|| connection.with_tx(|tx| prepare_in(tx, name, options)));
    match result {
        Ok(kinds) => {
            connection.commit()?;
            Ok(kinds)
        }
        Err(error) => {
            connection.roll_back();
            Err(error)
        }
    }
}

fn prepare_in(tx: &mut Tx<'_>, name: &str, options: &StoreOptions) -> Result<Kinds, StoreError> {
    crate::sql::migrations::refuse_foreign(tx, name)?;
    let plan = migrate::plan(tx, name, &options.rooms)?;
    if let (Some((room, version)), Location::Sqlite { path, .. }) = (plan.first_change(), &options.location) {
        // Within the transaction, so that no other process writes or migrates meanwhile; nothing of it is written yet.
        migrate::keep::keep(path, room, version)?;
    }
    migrate::migrate(tx, &plan, options.clock.now().0)?;
    let kinds = Kinds::default();
    for file in SPINE_KINDS {
        kinds.add(Arc::new(register(tx, migrate::SPINE_NAME, file.as_bytes())?));
    }
    for room in &options.rooms {
        for file in room.kinds() {
            kinds.add(Arc::new(register(tx, room.name(), file.as_bytes())?));
        }
    }
    for (key, kind_name, version, _, room, file) in kind_sql::all(tx)? {
        if kinds.get(&kind_name, version).is_some() {
            continue;
        }
        let declaration = KindDeclaration::parse(&file).map_err(|findings| StoreError::Damaged {
            name: name.to_owned(),
            reason: format!("the stored kind {kind_name} is not valid: {findings}"),
        })?;
        kinds.add(Arc::new(Kind::new(key, &room, declaration)));
    }
    Ok(kinds)
}
