//! Costs reckoned anew under another list of prices: what was billed stays, what stood before is kept beside what stands now.
//!
//! What was asked is a record, so that a rebuild comes to the same figures; a large recompute is many records, each about a part of the calls that
//! a transaction can take without keeping others waiting. A part is named by the starts of its calls and by their ids, which no rebuild changes.
//! `docs/governance.md` says what it means for who reads the numbers.

mod part;

use exhibit_model::time::Timestamp;
use exhibit_store::{Append, GateError, Read, Store, StoreError};

use crate::money::Nano;
use crate::prices::PricingVersion;
use crate::sql::cost_rows::Subject;
use crate::sql::prices;
use crate::sql::recompute::{Place, newest};

pub(crate) use part::{Part, apply};

/// What is reckoned anew. Nothing given is everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// What began at this moment or later.
    pub from: Option<Timestamp>,
    /// What began at this moment or before.
    pub to: Option<Timestamp>,
    /// Calls to this model, and sessions of it.
    pub model: Option<String>,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Names it: 1 to 256 bytes. Asked again under the same name, it goes on where it was broken off.
    pub id: String,
    /// The list to reckon with.
    pub version: PricingVersion,
    /// What is reckoned anew.
    pub filter: Filter,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing was written: this is what would change.
    Planned,
    /// It goes on.
    Running,
    /// It is over.
    Done,
}

impl State {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Running => "running",
            Self::Done => "done",
        }
    }
}

/// What became of it so far. The numbers are those of the moment when each part was looked at; the figures themselves move with what stands when
/// it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// How far it is.
    pub state: State,
    /// Calls, and sessions that tell no calls, that nobody billed.
    pub subjects: u64,
    /// Those that cost something else now.
    pub changed: u64,
    /// Those that do not, also because the list knows no price for them.
    pub unchanged: u64,
    /// What all subjects cost before.
    pub old_cost: Nano,
    /// What they cost now.
    pub new_cost: Nano,
}

/// Why nothing was reckoned.
#[derive(Debug, thiserror::Error)]
pub enum RecomputeError {
    /// There is no such list.
    #[error("there are no prices of the name {0}")]
    UnknownVersion(PricingVersion),
    /// We could not do our work. What was done stays, and asking again goes on.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Subjects of one record: reckoned and written in some tens of milliseconds, so nobody else waits long for the writer.
const PART_SUBJECTS_MAX: i64 = 1_000;

/// Times the same part can be done once more under one name; whoever wants more takes another name. The kind of the record says the same.
const AGAIN_MAX: u32 = 64;

/// What would change. Writes nothing.
///
/// # Errors
/// When there is no such list, or the database cannot be read.
pub async fn plan(store: &Store, request: &Request) -> Result<Report, RecomputeError> {
    let mut report = Report::new(State::Planned);
    for subject in Subject::EVERY {
        let mut parts = Parts::of(store, request, subject).await?;
        while let Some((_, step)) = parts.next(store).await? {
            report.add(&step);
        }
    }
    Ok(report)
}

/// Reckons anew, a part at a time; `progress` hears of each.
///
/// # Errors
/// When there is no such list, or the database cannot be read or written.
pub async fn run(
    store: &Store,
    request: &Request,
    progress: &mut (dyn FnMut(&Report) + Send),
) -> Result<Report, RecomputeError> {
    let mut report = Report::new(State::Running);
    for subject in Subject::EVERY {
        let mut parts = Parts::of(store, request, subject).await?;
        while let Some((part, step)) = parts.next(store).await? {
            // A part in which nothing changes is no news, and leaves no record.
            if step.changed > 0 {
                record(store, &part).await?;
            }
            report.add(&step);
            progress(&report);
        }
    }
    report.state = State::Done;
    Ok(report)
}

async fn record(store: &Store, part: &Part) -> Result<(), StoreError> {
    for again in 0..=AGAIN_MAX {
        let refused = |findings| StoreError::Refused(format!("the recompute is no record: {findings}"));
        let candidate = store.gate().check(part.draft(again)?).map_err(refused)?;
        match store.append(Append { candidates: vec![candidate], ..Append::default() }).await {
            // It was asked for before, and calls have changed since: a record that stands already does nothing.
            Ok(receipts) if receipts.iter().all(|receipt| receipt.replay) => {}
            Ok(_) => return Ok(()),
            Err(GateError::Store(error)) => return Err(error),
            Err(other) => return Err(StoreError::Unexpected(other.to_string())),
        }
    }
    Err(StoreError::Refused(format!("the recompute `{}` was asked for too often under one name", part.recompute_id)))
}

/// What a part comes to.
#[derive(Debug, Clone, Copy, Default)]
struct Step {
    subjects: u64,
    changed: u64,
    old: i128,
    new: i128,
}

impl Report {
    fn new(state: State) -> Self {
        Self { state, subjects: 0, changed: 0, unchanged: 0, old_cost: Nano(0), new_cost: Nano(0) }
    }

    fn add(&mut self, step: &Step) {
        self.subjects += step.subjects;
        self.changed += step.changed;
        self.unchanged += step.subjects - step.changed;
        let add = |sum: Nano, part: i128| Nano(i64::try_from(i128::from(sum.0) + part).unwrap_or(i64::MAX));
        (self.old_cost, self.new_cost) = (add(self.old_cost, step.old), add(self.new_cost, step.new));
    }
}

/// The parts of a recompute, one after the other.
struct Parts {
    whole: Part,
    after: Option<Place>,
}

impl Parts {
    async fn of(store: &Store, request: &Request, subject: Subject) -> Result<Self, RecomputeError> {
        let version = request.version.clone();
        let found = store
            .read(move |read| {
                let known = prices::book(read)?.get(&version).is_some();
                Ok(if known { Some(newest(read, subject)?) } else { None })
            })
            .await?;
        let Some(newest) = found else { return Err(RecomputeError::UnknownVersion(request.version.clone())) };
        // What begins later than all that stands now is not waited for: it may come faster than it is reckoned.
        let newest = newest.unwrap_or(i64::MIN);
        let last = request.filter.to.map_or(newest, |to| to.0.min(newest));
        let until = Place { at: last.saturating_add(1), id: String::new() };
        let whole = Part {
            recompute_id: request.id.clone(),
            version: request.version.clone(),
            subject,
            filter: request.filter.clone(),
            after: None,
            until,
        };
        Ok(Self { whole, after: None })
    }

    async fn next(&mut self, store: &Store) -> Result<Option<(Part, Step)>, StoreError> {
        let rest = Part { after: self.after.clone(), ..self.whole.clone() };
        let found = store.read(move |read: &Read<'_>| rest.first(read, PART_SUBJECTS_MAX)).await?;
        if let Some((part, _)) = &found {
            self.after = Some(part.until.clone());
        }
        Ok(found)
    }
}
